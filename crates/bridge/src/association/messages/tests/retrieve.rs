//! C-GET: sub-operations and responses on one association (PS3.4 §C.4.3).

use std::io;

use dimse::{
    command::{CStoreRq, Priority},
    requestor::StoreRequest,
};
use futures::stream::BoxStream;

use super::*;

/// Instance `number`, of a size that takes several PDUs.
fn content(number: usize) -> Bytes {
    vec![u8::try_from(number).unwrap(); 100_000 + number].into()
}

fn uid(number: usize) -> Uid {
    format!("1.2.3.{number}").parse().unwrap()
}

fn request(number: usize) -> CStoreRq {
    CStoreRq {
        message_id: 0,
        priority: Priority::Medium,
        affected_sop_class_uid: CT.parse().unwrap(),
        affected_sop_instance_uid: uid(number),
        move_originator: None,
    }
}

fn in_pieces(content: Bytes) -> BoxStream<'static, io::Result<Bytes>> {
    let pieces: Vec<_> = content.chunks(30_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces).boxed()
}

async fn store(
    invocation: &Invocation,
    number: usize,
    data_set: BoxStream<'static, io::Result<Bytes>>,
) -> Result<Response, SubOperationError> {
    let sub_operations = &invocation.sub_operations;
    let class = CT.parse().unwrap();
    assert!(sub_operations.presentation_context(&class, &implicit()).is_none(), "all can be made explicit");
    assert_eq!(sub_operations.accepted_transfer_syntaxes(&class), [explicit()]);
    assert_eq!(sub_operations.accepted_transfer_syntaxes(&"1.2.3".parse().unwrap()), []);
    let context = sub_operations.presentation_context(&class, &explicit()).unwrap().clone();
    sub_operations.store(&context, request(number), data_set).await
}

/// Retrieves instances `0..count`, as many at a time as the window has, with a pending reply behind each.
fn retrieve(invocation: Invocation, count: usize) -> Replies {
    let invocation = Arc::new(invocation);
    let (last, each) = (Arc::clone(&invocation), Arc::clone(&invocation));
    let completed = Arc::new(AtomicUsize::new(0));
    let ended = Arc::clone(&completed);
    let pendings = stream::iter(0..count)
        .map(move |number| {
            let invocation = Arc::clone(&each);
            async move {
                let response = store(&invocation, number, in_pieces(content(number))).await.unwrap();
                assert_eq!(response.affected_sop_instance_uid, Some(uid(number)));
                assert_eq!(response.status, Status::SUCCESS);
            }
        })
        .buffer_unordered(invocation.sub_operations.window())
        .map(move |()| {
            let completed = u16::try_from(completed.fetch_add(1, Ordering::SeqCst) + 1).unwrap();
            let counts = Counts { remaining: Some(1000), completed, ..Counts::default() };
            Reply::new(invocation.response(Status::PENDING).sub_operations(counts))
        });
    let last = stream::once(async move {
        let completed = u16::try_from(ended.load(Ordering::SeqCst)).unwrap();
        let counts = Counts { completed, ..Counts::default() };
        Reply::new(last.response(Status::SUCCESS).sub_operations(counts))
    });
    pendings.chain(last).boxed()
}

impl Site {
    async fn sub_operation(&mut self) -> StoreRequest {
        match self.association.next_received().await.unwrap() {
            Received::Store(request) => request,
            Received::Response(response, _) => panic!("no sub-operation: {response:?}"),
        }
    }

    async fn data_set(&mut self) -> Result<Vec<u8>, Error> {
        let mut data_set = Vec::new();
        while let Some(fragment) = self.association.next_fragment().await? {
            data_set.extend_from_slice(&fragment);
        }
        Ok(data_set)
    }
}

#[tokio::test]
async fn sub_operations_and_responses_share_the_association() {
    const COUNT: usize = 20;
    for window in [1, 4] {
        let answer = move |invocation: Invocation, _| {
            assert_eq!(invocation.sub_operations.window(), usize::from(window));
            retrieve(invocation, COUNT)
        };
        let mut site = Setting::new().window(1, window).connect(answer).await;
        site.begin_get().await;
        let (mut stored, mut pendings) = (Vec::new(), 0);
        let mut unanswered = Vec::new();
        let last = loop {
            match site.association.next_received().await.unwrap() {
                Received::Store(request) => {
                    let data_set = site.data_set().await.unwrap();
                    let number = usize::from(data_set[0]);
                    assert_eq!(data_set, content(number));
                    assert_eq!(request.command.affected_sop_instance_uid, uid(number));
                    assert_eq!(request.presentation_context.transfer_syntax, explicit());
                    stored.push(number);
                    unanswered.push(request);
                    // As many as may be outstanding are, before the first is answered.
                    if unanswered.len() == usize::from(window) {
                        for request in unanswered.drain(..).rev() {
                            site.association.respond(&request, Status::SUCCESS).await.unwrap();
                        }
                    }
                }
                Received::Response(response, _) if response.status == Status::PENDING => pendings += 1,
                Received::Response(response, _) => break response,
            }
        };
        stored.sort_unstable();
        assert_eq!(stored, (0..COUNT).collect::<Vec<_>>());
        let counts = Counts { completed: 20, ..Counts::default() };
        assert_eq!((last.sub_operations, pendings), (Some(counts), COUNT), "window {window}");
    }
}

#[tokio::test]
async fn an_echo_is_answered_while_a_sub_operation_is_not() {
    let mut site = Setting::new().connect(|invocation, _| retrieve(invocation, 1)).await;
    site.begin_get().await;
    let request = site.sub_operation().await;
    site.data_set().await.unwrap();
    assert_eq!(site.association.echo().await.unwrap(), Status::SUCCESS);
    site.association.respond(&request, Status::SUCCESS).await.unwrap();
    assert_eq!(site.last().await.0.status, Status::SUCCESS);
}

#[tokio::test]
async fn a_cancel_reaches_the_service_in_the_middle() {
    let answer = |invocation: Invocation, _| {
        stream::once(async move {
            let token = invocation.cancelled.clone();
            let stored = store(&invocation, 1, in_pieces(content(1))).await.unwrap();
            token.cancelled().await;
            let counts = Counts { remaining: Some(7), completed: 1, ..Counts::default() };
            assert_eq!(stored.status, Status::SUCCESS);
            Reply::new(invocation.response(Status::CANCEL).sub_operations(counts))
        })
        .boxed()
    };
    let mut site = Setting::new().connect(answer).await;
    let get = site.begin_get().await;
    let request = site.sub_operation().await;
    site.data_set().await.unwrap();
    site.association.cancel(get).await.unwrap();
    site.association.respond(&request, Status::SUCCESS).await.unwrap();
    let (response, _) = site.last().await;
    assert_eq!(response.status, Status::CANCEL);
    assert_eq!(response.sub_operations.unwrap().remaining, Some(7));
}

/// A retrieve that waits for its turn is cancelled as well as one that has it.
#[tokio::test]
async fn a_retrieve_is_cancelled_before_its_turn() {
    let alive = Alive::default();
    let begun = alive.clone();
    let answer = move |_, _| {
        let guard = begun.one();
        stream::once(async move {
            let _alive = guard;
            std::future::pending().await
        })
        .boxed()
    };
    let mut site = Setting::new().connect(answer).await;
    site.begin_find(b"first").await;
    let get = site.begin_get().await;
    site.association.cancel(get).await.unwrap();
    let (response, identifier) = site.response().await;
    assert_eq!((response.message_id_being_responded_to, response.status), (get, Status::CANCEL));
    assert_eq!((response.sub_operations, identifier), (None, None), "none was begun, and none counted");
    assert_eq!(alive.count(), 1);
}

/// A cut object never passes for a whole one: the association is aborted.
#[tokio::test]
async fn a_data_set_that_fails_in_the_middle_ends_the_association() {
    let alive = Alive::default();
    let begun = alive.clone();
    let answer = move |invocation: Invocation, _| {
        let guard = begun.one();
        stream::once(async move {
            let _alive = guard;
            let cut = [Ok(content(1)), Err(io::Error::other("cut"))];
            let error = store(&invocation, 1, stream::iter(cut).boxed()).await.unwrap_err();
            panic!("the association is over: {error}");
        })
        .boxed()
    };
    let mut site = Setting::new().connect(answer).await;
    site.begin_get().await;
    site.sub_operation().await;
    let cut = site.data_set().await;
    assert!(matches!(cut, Err(Error::Aborted(_))), "{cut:?}");
    assert!(matches!(site.served.await.unwrap(), Err(Error::Source(_))));
    alive.become_(0).await;
}

/// Who works elsewhere for a C-GET is told when the association is lost.
#[tokio::test]
async fn who_waits_for_a_response_is_told_of_the_end() {
    let (told, is_told) = tokio::sync::oneshot::channel();
    let told = std::sync::Mutex::new(Some(told));
    let answer = move |invocation: Invocation, _| {
        let told = told.lock().unwrap().take().unwrap();
        tokio::spawn(async move {
            let cancelled = invocation.cancelled.clone();
            let stored = store(&invocation, 1, in_pieces(content(1))).await;
            let further = store(&invocation, 2, in_pieces(content(2))).await;
            cancelled.cancelled().await;
            told.send((stored, further)).unwrap();
        });
        stream::pending().boxed()
    };
    let mut site = Setting::new().connect(answer).await;
    site.begin_get().await;
    site.sub_operation().await;
    site.data_set().await.unwrap();
    site.association.abort().await;
    let ended = Err(SubOperationError::Ended);
    assert_eq!(is_told.await.unwrap(), (ended.clone(), ended));
    assert!(matches!(site.served.await.unwrap(), Err(Error::Aborted(_))));
}

#[tokio::test]
async fn a_sub_operation_that_is_not_answered_in_time_is_given_up() {
    let answer = |invocation: Invocation, _| {
        stream::once(async move {
            let first = store(&invocation, 1, in_pieces(content(1))).await;
            assert_eq!(first, Err(SubOperationError::NotAnswered));
            let second = store(&invocation, 2, in_pieces(content(2))).await.unwrap();
            assert_eq!(second.status, Status::OUT_OF_RESOURCES);
            done(&invocation, Status::SUCCESS)
        })
        .boxed()
    };
    let mut setting = Setting::new();
    setting.config.retrieve.response = Duration::from_millis(300);
    let mut site = setting.connect(answer).await;
    site.begin_get().await;
    let first = site.sub_operation().await;
    site.data_set().await.unwrap();
    let second = site.sub_operation().await;
    assert_ne!(first.command.message_id, second.command.message_id);
    site.data_set().await.unwrap();
    // The late one is no misbehaviour.
    site.association.respond(&first, Status::SUCCESS).await.unwrap();
    site.association.respond(&second, Status::OUT_OF_RESOURCES).await.unwrap();
    assert_eq!(site.last().await.0.status, Status::SUCCESS);
}

/// The bridge that stops finishes what it has begun, sub-operations included, and begins nothing.
#[tokio::test]
async fn a_retrieve_is_finished_when_the_bridge_stops() {
    let mut site = Setting::new().connect(|invocation, _| retrieve(invocation, 3)).await;
    site.begin_get().await;
    for number in 0..3 {
        let request = loop {
            match site.association.next_received().await.unwrap() {
                Received::Store(request) => break request,
                Received::Response(response, _) => assert_eq!(response.status, Status::PENDING),
            }
        };
        site.data_set().await.unwrap();
        if number == 0 {
            site.bridge.core.phases.finishing.cancel();
        }
        site.association.respond(&request, Status::SUCCESS).await.unwrap();
    }
    assert_eq!(site.last().await.0.sub_operations.unwrap().completed, 3);
    assert_eq!(site.served.await.unwrap().unwrap(), End::Drained);
}

#[tokio::test]
async fn nothing_is_begun_when_the_bridge_stops() {
    let mut site = Setting::new().connect(|_, _| stream::pending().boxed()).await;
    let find = site.begin_find(b"x").await;
    assert_eq!(site.association.echo().await.unwrap(), Status::SUCCESS);
    site.bridge.core.phases.finishing.cancel();
    assert_eq!(site.association.echo().await.unwrap(), Status(0x0213));
    site.association.cancel(find).await.unwrap();
    assert_eq!(site.response().await.0.status, Status::CANCEL);
    assert_eq!(site.served.await.unwrap().unwrap(), End::Drained);
}
