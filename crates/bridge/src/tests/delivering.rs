//! What an archive sees, and what the queue shows.

use dicomweb::{Level, profile::Lookup};
use dimse::Status;
use spool::{Deliveries, State};
use tokio::net::TcpListener;

use super::{
    origin::{Answer, FakeOrigin},
    site::{Instance, Site, config, instance},
};
use crate::config::{Duplicate, Route};

async fn send(site: &Site, instances: &[Instance]) {
    let mut modality = site.modality().await;
    for instance in instances {
        assert_eq!(modality.store(instance).await.status, Status::SUCCESS);
    }
    modality.association.release().await.unwrap();
}

fn instances(count: usize) -> Vec<Instance> {
    (0..count).map(|number| instance(number, 1000)).collect()
}

#[tokio::test]
async fn the_archive_is_down_and_comes_back() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let origin = FakeOrigin::default();
    let site = Site::with_origin(origin.clone(), address, |_| {}).await;
    send(&site, &instances(30)).await;
    site.metric("dimseway_destination_down{destination=\"archive\"} 1").await;
    site.metric("dimseway_destination_probes_total{destination=\"archive\",outcome=\"failed\"}").await;
    assert!(site.deliveries().await.iter().all(|line| line.attempts <= 1), "no attempts are used up");
    origin.serve(TcpListener::bind(address).await.unwrap());
    let lines = site.delivered(30).await;
    assert!(lines.iter().all(|line| line.attempts <= 2), "{lines:?}");
    assert_eq!(origin.stored().len(), 30);
    site.metric("dimseway_destination_down{destination=\"archive\"} 0").await;
}

#[tokio::test]
async fn answers_that_pass_are_waited_out() {
    for answer in [
        Answer::Status(503, None),
        Answer::Status(429, Some(0)),
        Answer::Status(500, None),
        Answer::Status(401, None),
        Answer::Status(403, None),
        Answer::Say(200, "text/html", "<html>Please log in</html>"),
        Answer::Say(200, "text/plain", ""),
        Answer::Fail("1.2.3.4.0".into(), 0xA700),
    ] {
        let site = Site::new(|_| {}).await;
        (0..4).for_each(|_| site.origin.then(answer.clone()));
        send(&site, &instances(2)).await;
        site.delivered(2).await;
        assert_eq!(site.origin.stored().len(), 2, "{answer:?}");
    }
}

#[tokio::test]
async fn only_the_instance_that_is_refused_is_held() {
    let site = Site::new(|_| {}).await;
    site.origin.always(Answer::Fail("1.2.3.4.3".into(), 0xC000));
    send(&site, &instances(10)).await;
    let lines = site.settled(10, &[State::Delivered, State::Held]).await;
    let held: Vec<_> = lines.iter().filter(|line| line.state == State::Held).collect();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].sop_instance_uid.as_str(), "1.2.3.4.3");
    let reason = held[0].reason.clone().unwrap();
    assert!(reason.contains("C000") && reason.contains("cannot understand"), "{reason}");
}

#[tokio::test]
async fn a_batch_that_is_refused_is_divided_until_the_culprit_stands_alone() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let origin = FakeOrigin::default();
    origin.always(Answer::RefuseRequestsWith("1.2.3.4.17".into()));
    let site = Site::with_origin(origin.clone(), address, |config| config.forward.workers = 1).await;
    send(&site, &instances(40)).await;
    origin.serve(TcpListener::bind(address).await.unwrap());
    let lines = site.settled(40, &[State::Delivered, State::Held]).await;
    let held: Vec<_> = lines.iter().filter(|line| line.state == State::Held).collect();
    assert_eq!(held.len(), 1, "{lines:?}");
    assert_eq!(held[0].sop_instance_uid.as_str(), "1.2.3.4.17");
    assert!(held[0].reason.as_ref().is_some_and(|reason| reason.contains("400")));
    assert!(origin.requests() < 40, "{} requests", origin.requests());
}

#[tokio::test]
async fn one_that_the_origin_always_puts_off_waits_by_itself() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let origin = FakeOrigin::default();
    origin.always(Answer::PutRequestsOffWith("1.2.3.4.3".into(), 0));
    let site = Site::with_origin(origin.clone(), address, |config| config.forward.workers = 1).await;
    send(&site, &instances(20)).await;
    origin.serve(TcpListener::bind(address).await.unwrap());
    let lines = site.settled(20, &[State::Delivered, State::Deferred]).await;
    let waiting: Vec<_> = lines.iter().filter(|line| line.state == State::Deferred).collect();
    assert_eq!(waiting.len(), 1, "{lines:?}");
    assert_eq!(waiting[0].sop_instance_uid.as_str(), "1.2.3.4.3");
    assert!(waiting[0].reason.as_ref().is_some_and(|reason| reason.contains("503")), "{waiting:?}");
    // And it keeps nobody back who comes later.
    send(&site, &[instance(20, 1000)]).await;
    site.settled(21, &[State::Delivered, State::Deferred]).await;
    assert_eq!(origin.stored().len(), 20);
    origin.always(Answer::Store);
    site.delivered(21).await;
}

#[tokio::test]
async fn an_origin_that_puts_everything_off_is_asked_once_a_pause() {
    let site = Site::new(|config| config.forward.workers = 1).await;
    site.origin.always(Answer::Status(503, Some(3600)));
    send(&site, &instances(5)).await;
    site.metric("dimseway_origin_requests_total{origin=\"archive\",outcome=\"retry\",service=\"stow\"} 1")
        .await;
    let lines = site.settled(5, &[State::Due]).await;
    assert!(lines.iter().all(|line| line.attempts == 0), "no attempts are used up: {lines:?}");
    assert_eq!(site.origin.requests(), 1);
}

#[tokio::test]
async fn an_unknown_outcome_is_looked_up_and_not_sent_again() {
    let site = Site::new(|_| {}).await;
    site.origin.always(Answer::StoreAndSay(200, "text/plain", "thanks"));
    send(&site, &instances(3)).await;
    let lines = site.delivered(3).await;
    assert!(lines.iter().all(|line| line.attempts == 1), "{lines:?}");
    assert!(lines[0].reason.as_ref().is_some_and(|reason| reason.contains("found by search")), "{lines:?}");
    site.metric("dimseway_verifications_total{destination=\"archive\",result=\"present\"} 3").await;
}

#[tokio::test]
async fn a_duplicate_is_what_its_content_says() {
    let sent = instance(1, 1000);
    let says = || Answer::Fail("1.2.3.4.1".into(), 0x0111);
    let cases = [
        (Duplicate::Verify, sent.data_set.clone(), State::Delivered),
        (Duplicate::Verify, instance(1, 999).data_set, State::Held),
        (Duplicate::Success, instance(1, 999).data_set, State::Delivered),
        (Duplicate::Reject, sent.data_set.clone(), State::Held),
    ];
    for (duplicate, at_origin, state) in cases {
        let site = Site::new(|config| config.origins[0].duplicate = duplicate).await;
        site.origin.holds("1.2.3.4.1", &at_origin);
        site.origin.always(says());
        send(&site, std::slice::from_ref(&sent)).await;
        let lines = site.settled(1, &[State::Delivered, State::Held]).await;
        assert_eq!(lines[0].state, state, "{duplicate:?}: {:?}", lines[0].reason);
        if duplicate == Duplicate::Verify && state == State::Held {
            assert_eq!(lines[0].reason.as_deref(), Some("same UID, different content"));
        }
    }
}

#[tokio::test]
async fn a_record_of_the_same_content_is_enough_and_one_of_other_content_is_not() {
    let (sent, corrected) = (instance(1, 1000), instance(1, 999));
    let site = Site::new(|_| ()).await;
    site.origin.always(Answer::RefuseWhatIsThere(0x0111));
    send(&site, std::slice::from_ref(&sent)).await;
    site.delivered(1).await;
    // Somebody corrects the copy at the archive, and a modality sends the old content again.
    site.origin.holds("1.2.3.4.1", &corrected.data_set);
    send(&site, std::slice::from_ref(&sent)).await;
    let lines = site.delivered(2).await;
    assert!(lines[1].reason.as_ref().is_some_and(|reason| reason.contains("delivered before")), "{lines:?}");
    assert_eq!(site.origin.stored()["1.2.3.4.1"], corrected.data_set, "the correction stays");
    // What comes from us is what is there by now, whatever the record says.
    send(&site, std::slice::from_ref(&corrected)).await;
    let lines = site.delivered(3).await;
    assert!(
        lines[2].reason.as_ref().is_some_and(|reason| reason.contains("copy of the origin")),
        "{lines:?}"
    );
    // The copy was deleted: it is stored anew.
    site.origin.forget("1.2.3.4.1");
    send(&site, std::slice::from_ref(&sent)).await;
    site.delivered(4).await;
    assert_eq!(site.origin.stored()["1.2.3.4.1"], sent.data_set);
}

const DIFFERENT: Option<&str> = Some("same UID, different content");

#[tokio::test]
async fn other_content_is_held_where_the_origin_keeps_its_own_and_says_nothing() {
    let site = Site::new(|config| config.origins[0].client.profile.duplicates_unreported = true).await;
    site.origin.always(Answer::KeepAndSayStored);
    let (first, other) = (instance(1, 1000), instance(1, 999));
    send(&site, std::slice::from_ref(&first)).await;
    site.delivered(1).await;
    send(&site, std::slice::from_ref(&other)).await;
    let lines = site.settled(2, &[State::Delivered, State::Held]).await;
    assert_eq!((lines[0].state, lines[1].reason.as_deref()), (State::Delivered, DIFFERENT), "{lines:?}");
    send(&site, std::slice::from_ref(&first)).await;
    let lines = site.settled(3, &[State::Delivered, State::Held]).await;
    assert_eq!(lines[2].state, State::Delivered, "the same content is no conflict");
    assert_eq!(site.origin.stored()["1.2.3.4.1"], first.data_set);

    site.origin.forget("1.2.3.4.1");
    site.spool.release(lines[1].entry_id, None).await.unwrap();
    site.delivered(3).await;
    assert_eq!(site.origin.stored()["1.2.3.4.1"], other.data_set, "sent once a person made room");
}

#[tokio::test]
async fn what_a_search_finds_is_no_proof_after_other_content_was_delivered() {
    let (first, other) = (instance(1, 1000), instance(1, 999));
    let cases = [
        // The request broke, so it is sent again, and this origin takes the new content.
        (Answer::BreakOff, State::Delivered, &other),
        // The origin had its say, and still has the old content.
        (Answer::Say(200, "text/plain", "thanks"), State::Held, &first),
    ];
    for (answer, state, at_origin) in cases {
        let site = Site::new(|_| {}).await;
        send(&site, std::slice::from_ref(&first)).await;
        site.delivered(1).await;
        site.origin.then(answer.clone());
        send(&site, std::slice::from_ref(&other)).await;
        let lines = site.settled(2, &[State::Delivered, State::Held]).await;
        assert_eq!(lines[1].state, state, "{answer:?}: {lines:?}");
        assert!(state == State::Delivered || lines[1].reason.as_deref() == DIFFERENT, "{lines:?}");
        assert_eq!(site.origin.stored()["1.2.3.4.1"], at_origin.data_set, "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_overwritten_by_deletion_is_deleted_once() {
    let (first, other) = (instance(1, 1000), instance(1, 999));
    // One that answers nothing of use, and one that keeps its own copy and cannot be asked.
    let cases = [
        (Answer::StoreAndSay(200, "text/plain", "thanks"), Lookup::Search, false, 0),
        (Answer::KeepAndSayStored, Lookup::None, true, 1),
    ];
    for (answer, lookup, unreported, deletions) in cases {
        let site = Site::new(|config| {
            let origin = &mut config.origins[0];
            origin.duplicate = Duplicate::Overwrite;
            origin.client.profile.lookup = lookup;
            origin.client.profile.delete = vec![Level::Instance];
            origin.client.profile.duplicates_unreported = unreported;
        })
        .await;
        site.origin.always(answer.clone());
        send(&site, std::slice::from_ref(&first)).await;
        site.delivered(1).await;
        send(&site, std::slice::from_ref(&other)).await;
        site.delivered(2).await;
        assert_eq!(site.origin.stored()["1.2.3.4.1"], other.data_set, "{answer:?}");
        assert_eq!(site.origin.deleted().len(), deletions, "{answer:?}");
    }
}

#[tokio::test]
async fn what_replaces_and_is_never_answered_is_known_by_its_copy() {
    let (sent, other) = (instance(1, 1000), instance(1, 999));
    let site = Site::new(|config| {
        config.origins[0].duplicate = Duplicate::Overwrite;
        config.origins[0].client.profile.put_replaces = true;
    })
    .await;
    site.origin.always(Answer::StoreAndBreakOff);
    send(&site, std::slice::from_ref(&sent)).await;
    let lines = site.delivered(1).await;
    assert!(lines[0].reason.as_ref().is_some_and(|words| words.contains("copy of the origin")), "{lines:?}");
    // Somebody else replaces it: then it is not there for having been delivered before.
    site.origin.holds("1.2.3.4.1", &other.data_set);
    site.origin.then(Answer::BreakOff);
    send(&site, std::slice::from_ref(&sent)).await;
    site.delivered(2).await;
    assert_eq!(site.origin.stored()["1.2.3.4.1"], sent.data_set);
}

#[tokio::test]
async fn two_destinations_and_one_is_down() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let down = closed.local_addr().unwrap();
    drop(closed);
    let site = Site::new(|config| {
        config.origins.extend(self::config(&[("second", down)]).origins);
        let both = vec!["archive".parse().unwrap(), "second".parse().unwrap()];
        config.routes = vec![Route::everything(both)];
    })
    .await;
    send(&site, &instances(5)).await;
    let complete = |lines: &[spool::Listed]| {
        let archive = "archive".parse().ok();
        lines.iter().filter(|line| line.destination == archive && line.state == State::Delivered).count()
    };
    site.metric("dimseway_deliveries_total{destination=\"archive\",outcome=\"delivered\"} 5").await;
    assert_eq!(complete(&site.deliveries().await), 5);
    let second = FakeOrigin::default();
    second.serve(TcpListener::bind(down).await.unwrap());
    site.delivered(10).await;
    assert_eq!(second.stored().len(), 5);
}

#[tokio::test]
async fn a_destination_that_is_gone_holds_its_deliveries() {
    let site = Site::new(|_| {}).await;
    site.origin.always(Answer::Status(503, None));
    send(&site, &instances(3)).await;
    site.metric("dimseway_destination_down{destination=\"archive\"} 1").await;
    let mut changed = config(&[("other", site.origin_address)]);
    changed.unknown_peers = crate::config::UnknownPeers::Accept;
    site.bridge.reload(changed).unwrap();
    let lines = site.settled(3, &[State::Held]).await;
    assert_eq!(lines[0].reason.as_deref(), Some("the destination is not configured any more"));
    site.origin.always(Answer::Store);
    for line in &lines {
        site.spool.reroute(line.entry_id, None, &"other".parse().unwrap()).await.unwrap();
    }
    site.delivered(3).await;
}

#[tokio::test]
async fn a_configuration_that_is_wrong_changes_nothing() {
    let site = Site::new(|_| {}).await;
    let mut wrong = config(&[("archive", site.origin_address)]);
    wrong.forward.workers = 0;
    assert!(site.bridge.reload(wrong).is_err());
    site.metric("dimseway_configuration_reloads_total{outcome=\"rejected\"} 1").await;
    send(&site, &instances(1)).await;
    site.delivered(1).await;
}
