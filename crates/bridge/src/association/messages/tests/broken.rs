//! Peers that leave in the middle, and requests that are not as they should be.

use dimse::{
    Misbehaviour,
    acse::query_retrieve::QueryRetrieveOperation as Operates,
    command::{CEchoRq, Command, Operation, Priority},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn a_peer_that_aborts_ends_its_operations() {
    let alive = Alive::default();
    let begun = alive.clone();
    let answer = move |invocation, identifier| endless(invocation, identifier, begun.one());
    let mut site = Setting::new().window(3, 1).connect(answer).await;
    for _ in 0..3 {
        site.begin_find(b"x").await;
    }
    alive.become_(3).await;
    site.association.abort().await;
    assert!(matches!(site.served.await.unwrap(), Err(Error::Aborted(_))));
    assert_eq!(alive.count(), 0);
}

#[tokio::test]
async fn a_peer_that_is_gone_ends_its_operations() {
    let alive = Alive::default();
    let begun = alive.clone();
    let answer = move |invocation, identifier| endless(invocation, identifier, begun.one());
    let mut site = Setting::new().connect(answer).await;
    site.begin_find(b"x").await;
    alive.become_(1).await;
    drop(site.association);
    let ended = site.served.await.unwrap();
    assert!(matches!(ended, Err(Error::Closed | Error::Io(_))), "{ended:?}");
    assert_eq!(alive.count(), 0);
}

/// The peer reads nothing more, so there is nothing to finish: the release is answered soon.
#[tokio::test]
async fn a_release_in_the_middle_cancels_and_is_answered() {
    let alive = Alive::default();
    let begun = alive.clone();
    let answer = move |invocation: Invocation, identifier| match invocation.class.operation {
        Operates::Find => endless(invocation, identifier, begun.one()),
        Operates::Move | Operates::Get => {
            let guard = begun.one();
            stream::once(async move {
                let _alive = guard;
                invocation.cancelled.cancelled().await;
                done(&invocation, Status::CANCEL)
            })
            .boxed()
        }
    };
    let mut site = Setting::new().window(2, 1).connect(answer).await;
    site.begin_find(b"x").await;
    site.begin_get().await;
    alive.become_(2).await;
    site.association.release().await.unwrap();
    assert_eq!(site.served.await.unwrap().unwrap(), End::Released);
    assert_eq!(alive.count(), 0);
}

fn item(item_type: u8, value: &[u8]) -> Vec<u8> {
    [&[item_type, 0], &u16::try_from(value.len()).unwrap().to_be_bytes()[..], value].concat()
}

fn framed(pdu_type: u8, body: &[u8]) -> Vec<u8> {
    [&[pdu_type, 0], &u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

/// An A-ASSOCIATE-RQ by hand: Verification is context 1, Study Root FIND 3, MOVE 5 and CT 7.
fn associate_rq(window: u16) -> Vec<u8> {
    let context = |id: u8, syntax: &str| {
        let sub_items = [item(0x30, syntax.as_bytes()), item(0x40, b"1.2.840.10008.1.2.1")].concat();
        item(0x20, &[&[id, 0, 0, 0], &sub_items[..]].concat())
    };
    let window = item(0x53, &[window.to_be_bytes(), [0, 1]].concat());
    let body = [
        vec![0, 1, 0, 0],
        b"DIMSEWAY        WS1             ".to_vec(),
        vec![0; 32],
        item(0x10, b"1.2.840.10008.3.1.1.1"),
        context(1, sop_class::VERIFICATION),
        context(3, class(Operates::Find).as_str()),
        context(5, class(Operates::Move).as_str()),
        context(7, CT),
        item(0x50, &[item(0x51, &[0; 4]), window].concat()),
    ];
    framed(1, &body.concat())
}

/// A message by hand; with a data set of one byte where `has_data_set`.
fn message(context: u8, command: &Command, has_data_set: bool) -> Vec<u8> {
    let value = |control: u8, content: &[u8]| {
        let length = u32::try_from(content.len() + 2).unwrap().to_be_bytes();
        framed(4, &[&length[..], &[context, control], content].concat())
    };
    let mut bytes = value(3, &command.write(has_data_set));
    if has_data_set {
        bytes.extend(value(2, b"x"));
    }
    bytes
}

fn find_rq(message_id: u16, affected_sop_class_uid: &str) -> Command {
    let affected_sop_class_uid = affected_sop_class_uid.parse().unwrap();
    Command::CFindRq(CFindRq { message_id, priority: Priority::Medium, affected_sop_class_uid })
}

/// Reads one PDU: its type and its variable field.
async fn read_pdu(stream: &mut DuplexStream) -> (u8, Vec<u8>) {
    let mut head = [0; 6];
    stream.read_exact(&mut head).await.unwrap();
    let length = u32::from_be_bytes(head[2..].try_into().unwrap());
    let mut body = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (head[0], body)
}

/// Sends `requests` on a new association, and gives the first `count` responses, or the A-ABORT.
async fn talk(requests: Vec<Vec<u8>>, count: usize) -> (Vec<Response>, Option<Error>) {
    let (mut ours, theirs) = tokio::io::duplex(1 << 16);
    // What is asked for never ends, so that it is in the way of nothing that is tested here.
    let answer = |_, _| stream::pending().boxed();
    let config = site::config(&[("archive", "127.0.0.1:1".parse().unwrap())]);
    let (_bridge, _directory, served) = serve(config, theirs, answer).await;
    ours.write_all(&associate_rq(8)).await.unwrap();
    assert_eq!(read_pdu(&mut ours).await.0, 2, "accepted");
    ours.write_all(&requests.concat()).await.unwrap();
    let mut responses = Vec::new();
    while responses.len() < count {
        let (pdu_type, body) = read_pdu(&mut ours).await;
        if pdu_type == 7 {
            return (responses, served.await.unwrap().err());
        }
        match Command::read(&body[6..]).unwrap().0 {
            Command::Rsp(response) => responses.push(response),
            other => panic!("no response: {other:?}"),
        }
    }
    (responses, None)
}

#[tokio::test]
async fn a_message_id_in_use_is_refused() {
    let find = class(Operates::Find);
    let echo = Command::CEchoRq(CEchoRq { message_id: 7, affected_sop_class_uid: None });
    let requests = vec![
        message(3, &find_rq(7, find.as_str()), true),
        message(3, &find_rq(7, find.as_str()), true),
        message(1, &echo, false),
    ];
    let (responses, _) = talk(requests, 2).await;
    let seen: Vec<_> = responses.iter().map(|r| (r.operation, r.status)).collect();
    let expected = [Operation::CFind, Operation::CEcho].map(|o| (o, Status::DUPLICATE_INVOCATION));
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn what_is_asked_in_the_wrong_place_is_refused() {
    let find = class(Operates::Find).as_str();
    let move_ = class(Operates::Move).as_str();
    let destination = "WS2".parse().unwrap();
    let priority = Priority::Medium;
    let move_rq = |uid: &str| {
        let affected_sop_class_uid = uid.parse().unwrap();
        let move_destination: instance::AeTitle = Clone::clone(&destination);
        Command::CMoveRq(CMoveRq { message_id: 1, priority, affected_sop_class_uid, move_destination })
    };
    let get_rq =
        Command::CGetRq(CGetRq { message_id: 1, priority, affected_sop_class_uid: move_.parse().unwrap() });
    let store_rq = Command::CStoreRq(dimse::command::CStoreRq {
        message_id: 1,
        priority,
        affected_sop_class_uid: find.parse().unwrap(),
        affected_sop_instance_uid: "1.2.3".parse().unwrap(),
        move_originator: None,
    });
    let echo = Command::CEchoRq(CEchoRq { message_id: 1, affected_sop_class_uid: None });
    let cases = [
        ("C-MOVE on FIND", message(3, &move_rq(find), true), 0x0211),
        ("C-FIND on MOVE", message(5, &find_rq(1, move_), true), 0x0211),
        ("C-GET on MOVE", message(5, &get_rq, true), 0x0211),
        ("C-FIND on CT", message(7, &find_rq(1, CT), true), 0x0211),
        ("C-FIND on Verification", message(1, &find_rq(1, find), true), 0x0211),
        ("C-STORE on FIND", message(3, &store_rq, true), 0x0211),
        ("C-ECHO on FIND", message(3, &echo, false), 0x0211),
        ("C-FIND of another class", message(3, &find_rq(1, move_), true), 0x0122),
        ("C-FIND without an identifier", message(3, &find_rq(1, find), false), 0x0212),
        ("C-MOVE without an identifier", message(5, &move_rq(move_), false), 0x0212),
    ];
    for (what, request, status) in cases {
        let (responses, _) = talk(vec![request], 1).await;
        assert_eq!(responses[0].status, Status(status), "{what}");
    }
}

/// What can be answered and not be carried out has its line in the log, like every other refusal.
#[tokio::test]
async fn a_command_that_cannot_be_used_names_its_element() {
    let store_rq = dimse::command::CStoreRq {
        message_id: 3,
        priority: Priority::Medium,
        affected_sop_class_uid: CT.parse().unwrap(),
        affected_sop_instance_uid: "1.2.3456789".parse().unwrap(),
        move_originator: None,
    };
    let mut request = message(7, &Command::CStoreRq(store_rq), true);
    let uid = request.windows(11).position(|bytes| bytes == b"1.2.3456789").unwrap();
    request[uid..uid + 11].copy_from_slice(b"1.2.nothing");
    let echo = Command::CEchoRq(CEchoRq { message_id: 4, affected_sop_class_uid: None });
    let (responses, _) = talk(vec![request, message(1, &echo, false)], 2).await;
    let refused = &responses[0];
    assert_eq!((refused.operation, refused.status), (Operation::CStore, Status::MISTYPED_ARGUMENT));
    assert_eq!(refused.message_id_being_responded_to, 3);
    assert_eq!(refused.offending_elements.len(), 1);
    assert!(
        refused.error_comment.as_deref().is_some_and(|comment| comment.contains("element")),
        "{refused:?}"
    );
    assert_eq!(responses[1].status, Status::SUCCESS, "the association goes on, without its data set");
}

/// PS3.4 §C.4.3: a requestor that only performs Storage does not invoke it.
#[tokio::test]
async fn roles_are_kept_to() {
    let answer = |_, _| stream::pending().boxed();
    let mut site = Setting::new().connect(answer).await;
    let context = site.context(CT);
    let data_set = stream::iter([Ok(Bytes::from_static(b"x"))]);
    let request = dimse::command::CStoreRq {
        message_id: 0,
        priority: Priority::Medium,
        affected_sop_class_uid: context.abstract_syntax.clone(),
        affected_sop_instance_uid: "1.2.3".parse().unwrap(),
        move_originator: None,
    };
    let response = site.association.store(&context, request, data_set).await.unwrap();
    assert_eq!(response.status, Status::UNRECOGNIZED_OPERATION);
}

#[tokio::test]
async fn a_response_to_nothing_is_answered_with_an_abort() {
    let store = Command::Rsp(Response::new(Operation::CStore, 1, Status::SUCCESS));
    let (responses, error) = talk(vec![message(7, &store, false)], 1).await;
    assert_eq!(responses, []);
    let unexpected = Misbehaviour::UnexpectedMessage(0x8001);
    assert!(matches!(&error, Some(Error::PeerMisbehaved(found)) if *found == unexpected), "{error:?}");
}

/// It came too late, which is nobody's fault (PS3.7 §9.3.2.3).
#[tokio::test]
async fn a_cancel_of_nothing_is_ignored() {
    let cancel = Command::CCancelRq(dimse::command::CCancelRq { message_id_being_responded_to: 9 });
    let echo = Command::CEchoRq(CEchoRq { message_id: 9, affected_sop_class_uid: None });
    let (responses, _) = talk(vec![message(3, &cancel, false), message(1, &echo, false)], 1).await;
    assert_eq!((responses[0].operation, responses[0].status), (Operation::CEcho, Status::SUCCESS));
}
