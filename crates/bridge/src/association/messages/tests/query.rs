//! C-FIND: replies that stream, are cancelled, stand beside each other and wait for a slow peer.

use super::*;
use crate::config::{Peer, Service, Services};

#[tokio::test]
async fn replies_stream_to_the_final_one() {
    let mut site = Setting::new()
        .connect(|invocation, identifier| {
            assert_eq!((invocation.calling().as_str(), invocation.called().as_str()), ("WS1", "DIMSEWAY"));
            let last = done(&invocation, Status::SUCCESS);
            let not_sent = done(&invocation, Status::PROCESSING_FAILURE);
            let pending = move |number: u16| {
                let identifier = identifier.repeat(usize::from(number)).into();
                Reply::with_identifier(invocation.response(Status::PENDING), identifier)
            };
            stream::iter(0..1000).map(pending).chain(stream::iter([last, not_sent])).boxed()
        })
        .await;
    let context = site.of(QueryRetrieveOperation::Find);
    for _ in 0..2 {
        let mut replies = site.association.find(&context, Bytes::from_static(b"ab")).await.unwrap();
        for number in 0..1000 {
            let (response, identifier) = replies.next().await.unwrap().unwrap();
            assert_eq!(response.status, Status::PENDING);
            assert_eq!(response.affected_sop_class_uid.as_ref(), Some(&context.abstract_syntax));
            assert_eq!(identifier.unwrap(), b"ab".repeat(number));
        }
        let (response, identifier) = replies.next().await.unwrap().unwrap();
        assert_eq!((response.status, identifier), (Status::SUCCESS, None));
        assert_eq!(replies.next().await.unwrap(), None);
    }
    site.association.release().await.unwrap();
    assert_eq!(site.served.await.unwrap().unwrap(), End::Released);
    let text = site.bridge.metrics().to_text().unwrap();
    for line in ["{service=\"C-FIND\",status=\"FF00\"} 2000", "{service=\"C-FIND\",status=\"0000\"} 2"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// PS3.7 §9.3.2.3 and PS3.4 §C.4.1.1.4: FE00, soon, and the association lives on.
#[tokio::test]
async fn a_cancel_in_the_middle_ends_the_replies() {
    let alive = Alive::default();
    let begun = alive.clone();
    let answer = move |invocation, identifier| endless(invocation, identifier, begun.one());
    let mut site = Setting::new().connect(answer).await;
    let context = site.of(QueryRetrieveOperation::Find);
    for _ in 0..2 {
        let mut replies = site.association.find(&context, Bytes::from_static(b"x")).await.unwrap();
        for _ in 0..500 {
            assert_eq!(replies.next().await.unwrap().unwrap().0.status, Status::PENDING);
        }
        replies.cancel().await.unwrap();
        let (response, identifier) = replies.last().await.unwrap();
        assert_eq!((response.status, identifier), (Status::CANCEL, None));
        assert_eq!(alive.count(), 0, "the replies are dropped");
    }
    assert_eq!(site.association.echo().await.unwrap(), Status::SUCCESS);
}

#[tokio::test]
async fn an_echo_is_answered_while_replies_stream() {
    for window in [1, 8] {
        let alive = Alive::default();
        let answer = move |invocation, identifier| endless(invocation, identifier, alive.one());
        let mut site = Setting::new().window(window, 1).connect(answer).await;
        let find = site.begin_find(b"x").await;
        assert_eq!(site.response().await.0.status, Status::PENDING);
        assert_eq!(site.association.echo().await.unwrap(), Status::SUCCESS, "window {window}");
        site.association.cancel(find).await.unwrap();
        assert_eq!(site.last().await.0.status, Status::CANCEL);
    }
}

#[tokio::test]
async fn several_queries_take_turns_and_the_next_waits() {
    let alive = Alive::default();
    let begun = alive.clone();
    let answer = move |invocation, identifier| endless(invocation, identifier, begun.one());
    let mut site = Setting::new().window(4, 1).connect(answer).await;
    let mut ids = Vec::new();
    for identifier in [&b"0"[..], b"1", b"2", b"3", b"4"] {
        ids.push(site.begin_find(identifier).await);
    }
    // Behind the answer to this, the fifth was received.
    assert_eq!(site.association.echo().await.unwrap(), Status::SUCCESS);
    assert_eq!(alive.count(), 4, "a fifth is beyond the window");
    let mut received = [0_usize; 5];
    while received.iter().sum::<usize>() < 4000 {
        let (response, identifier) = site.response().await;
        let query = ids.iter().position(|id| *id == response.message_id_being_responded_to).unwrap();
        assert_eq!(identifier.unwrap()[0], b'0' + u8::try_from(query).unwrap());
        received[query] += 1;
    }
    assert_eq!(received[4], 0);
    assert!(received[..4].iter().all(|received| *received > 500), "{received:?}");
    site.association.cancel(ids[1]).await.unwrap();
    let (mut cancelled, mut fifth) = (false, false);
    while !(cancelled && fifth) {
        let (response, _) = site.response().await;
        let id = response.message_id_being_responded_to;
        cancelled |= response.status == Status::CANCEL && id == ids[1];
        fifth |= response.status == Status::PENDING && id == ids[4];
    }
    assert_eq!(alive.count(), 4);
}

/// A query that waits for its turn is cancelled as well as one that has it.
#[tokio::test]
async fn a_query_is_cancelled_before_its_turn() {
    let alive = Alive::default();
    let answer = move |invocation, identifier| endless(invocation, identifier, alive.one());
    let mut site = Setting::new().connect(answer).await;
    let first = site.begin_find(b"1").await;
    let second = site.begin_find(b"2").await;
    site.association.cancel(second).await.unwrap();
    loop {
        let (response, _) = site.response().await;
        if response.message_id_being_responded_to == second {
            assert_eq!(response.status, Status::CANCEL);
            break;
        }
        assert_eq!(response.message_id_being_responded_to, first);
    }
}

#[tokio::test]
async fn a_peer_that_floods_is_refused_and_not_kept_waiting() {
    let answer = |_, _| stream::pending().boxed();
    let mut site = Setting::new().connect(answer).await;
    let mut first_ids = Vec::new();
    for _ in 0..12 {
        first_ids.push(site.begin_find(b"x").await);
    }
    for id in first_ids.drain(..).skip(9) {
        let (response, _) = site.response().await;
        assert_eq!((response.message_id_being_responded_to, response.status), (id, Status(0x0213)));
    }
    assert_eq!(site.association.echo().await.unwrap(), Status::SUCCESS);
}

#[tokio::test]
async fn a_slow_peer_makes_the_replies_wait() {
    const TOTAL: usize = 5000;
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let answer = move |invocation: Invocation, _| {
        let last = done(&invocation, Status::SUCCESS);
        let counted = Arc::clone(&counted);
        let pending = move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Reply::with_identifier(invocation.response(Status::PENDING), vec![0; 1000].into())
        };
        stream::iter(0..TOTAL).map(pending).chain(stream::iter([last])).boxed()
    };
    let setting = Setting { transport: 4096, ..Setting::new() };
    let mut site = setting.connect(answer).await;
    site.begin_find(b"x").await;
    assert_eq!(site.response().await.0.status, Status::PENDING);
    // Nothing more is read: when nothing has happened for many turns, nothing happens any more.
    let (mut before, mut unchanged) = (0, 0);
    while unchanged < 1000 {
        tokio::task::yield_now().await;
        let now = made.load(Ordering::SeqCst);
        unchanged = if now == before { unchanged + 1 } else { 0 };
        before = now;
    }
    assert!((1..=3 * REPLIES).contains(&before), "{before} were made for a peer that took one");
    let (response, pendings) = site.last().await;
    assert_eq!((response.status, pendings), (Status::SUCCESS, TOTAL - 1));
}

#[tokio::test]
async fn an_identifier_is_bounded() {
    let answer = |invocation: Invocation, identifier: Bytes| {
        assert_eq!(identifier.len(), 1000);
        done(&invocation, Status::SUCCESS).alone()
    };
    let mut setting = Setting::new();
    setting.config.query.identifier_max = 1000;
    let mut site = setting.connect(answer).await;
    let context = site.of(QueryRetrieveOperation::Find);
    for (length, status) in [(1000, 0x0000), (1001, 0xC000), (3_000_000, 0xC000), (1000, 0x0000)] {
        let identifier = Bytes::from(vec![0; length]);
        let replies = site.association.find(&context, identifier).await.unwrap();
        let (response, _) = replies.last().await.unwrap();
        assert_eq!(response.status, Status(status), "{length} bytes");
        assert_eq!(response.error_comment.is_some(), status != 0, "{length} bytes");
    }
}

#[tokio::test]
async fn identifiers_of_all_queries_together_are_bounded() {
    let answer = |_, _| stream::pending().boxed();
    let mut setting = Setting::new().window(8, 1);
    setting.config.query.identifier_max = 10;
    let mut site = setting.connect(answer).await;
    let first = site.begin_find(b"123456").await;
    let second = site.begin_find(b"12345").await;
    let (response, _) = site.response().await;
    assert_eq!((response.message_id_being_responded_to, response.status), (second, Status(0x0213)));
    site.association.cancel(first).await.unwrap();
    assert_eq!(site.response().await.0.status, Status::CANCEL);
    let third = site.begin_find(b"12345").await;
    site.association.cancel(third).await.unwrap();
    assert_eq!(site.response().await.0.status, Status::CANCEL, "there is room again");
}

#[tokio::test]
async fn replies_without_a_final_one_get_one() {
    let answer = |invocation: Invocation, _| {
        let pending = Reply::new(invocation.response(Status::PENDING));
        stream::iter([pending]).boxed()
    };
    let mut site = Setting::new().connect(answer).await;
    site.begin_find(b"x").await;
    assert_eq!(site.response().await.0.status, Status::PENDING);
    assert_eq!(site.response().await.0.status, Status::PROCESSING_FAILURE);
}

/// `allow` of a peer: 0124 for what it may not do (PS3.7 §C.5.25).
#[tokio::test]
async fn a_peer_does_what_it_may() {
    let cases = [
        (Services::from_iter([Service::Query]), [0x0000, 0x0124, 0x0124]),
        (Services::from_iter([Service::Retrieve]), [0x0124, 0x0000, 0x0000]),
        (Services::NONE, [0x0124; 3]),
    ];
    for (allow, expected) in cases {
        let answer = |invocation: Invocation, _| done(&invocation, Status::SUCCESS).alone();
        let mut setting = Setting::new();
        setting.config.peers = vec![Peer { allow, ..Peer::new("WS1".parse().unwrap()) }];
        let mut site = setting.connect(answer).await;
        let mut statuses = Vec::new();
        site.begin_find(b"x").await;
        statuses.push(site.response().await.0.status.0);
        let context = site.of(QueryRetrieveOperation::Move);
        let destination = "WS2".parse().unwrap();
        let replies = site.association.move_(&context, destination, Bytes::from_static(b"x")).await;
        statuses.push(replies.unwrap().last().await.unwrap().0.status.0);
        site.begin_get().await;
        statuses.push(site.response().await.0.status.0);
        assert_eq!(statuses, expected, "{allow:?}");
    }
}

#[tokio::test]
async fn what_was_negotiated_reaches_the_service() {
    use dimse::acse::QueryRetrieveOptions;
    let wanted =
        QueryRetrieveOptions { relational: true, combined_date_time: true, fuzzy: false, time_zone: true };
    let answer = |invocation: Invocation, _| {
        let QueryRetrieveOptions { relational, combined_date_time, fuzzy, time_zone } = invocation.options;
        let is_as_agreed = relational && combined_date_time && !fuzzy && !time_zone;
        done(&invocation, if is_as_agreed { Status::SUCCESS } else { Status::PROCESSING_FAILURE }).alone()
    };
    let mut setting = Setting::new();
    let find = class(QueryRetrieveOperation::Find);
    setting.proposal.extended_negotiations = vec![wanted.negotiation(find)];
    let mut site = setting.connect(answer).await;
    let agreed = &site.association.negotiated().extended_negotiations;
    assert_eq!(
        QueryRetrieveOptions::agreed(find, agreed),
        QueryRetrieveOptions { time_zone: false, ..wanted }
    );
    site.begin_find(b"x").await;
    assert_eq!(site.response().await.0.status, Status::SUCCESS);
}

/// A workstation that waits for its answers is silent for as long as they take.
#[tokio::test(start_paused = true)]
async fn silence_is_no_idleness_while_a_query_runs() {
    let answer = |invocation: Invocation, _| {
        stream::once(async move {
            tokio::time::sleep(Duration::from_secs(4 * 3600)).await;
            done(&invocation, Status::SUCCESS)
        })
        .boxed()
    };
    let mut setting = Setting::new();
    setting.config.timers.idle = Duration::from_secs(600);
    let mut site = setting.connect(answer).await;
    site.begin_find(b"x").await;
    // The timer of the requestor is shorter than the query takes.
    let waiting = tokio::time::sleep(Duration::from_secs(4 * 3600 + 300));
    tokio::pin!(waiting);
    waiting.await;
    assert_eq!(site.response().await.0.status, Status::SUCCESS);
    tokio::time::sleep(Duration::from_secs(700)).await;
    let ended = site.served.await.unwrap();
    assert!(matches!(ended, Err(Error::Timeout(dimse::Timer::Idle))), "{ended:?}");
}
