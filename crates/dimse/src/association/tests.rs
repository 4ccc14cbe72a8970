//! Both sides against scripted peers: every PDU at every state of PS3.8 §9.2, and every timer.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use futures::stream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::Instant,
};

use super::*;
use crate::{
    Abort, AbortSource, Error, Event, Incompatibility, Misbehaviour, Status, Timer, abort_for,
    acse::{AssociateReject, AssociateRequest, Policy, acceptor, negotiate, requestor},
    command::{CStoreRq, Command, Operation, Priority, Response},
    pdu,
};

const VERIFICATION: &str = "1.2.840.10008.1.1";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const IVLE: &str = "1.2.840.10008.1.2";

fn item(item_type: u8, value: &[u8]) -> Vec<u8> {
    [&[item_type, 0], &u16::try_from(value.len()).unwrap().to_be_bytes()[..], value].concat()
}

fn framed(pdu_type: u8, body: &[u8]) -> Vec<u8> {
    [&[pdu_type, 0], &u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

/// An A-ASSOCIATE-RQ or -AC with context 1 for Verification and 3 for CT, and a maximum length.
fn associate(pdu_type: u8, max_pdu_length: u32) -> Vec<u8> {
    let context = |id: u8, syntax: &str| match pdu_type {
        pdu::ASSOCIATE_RQ => {
            let sub_items = [item(0x30, syntax.as_bytes()), item(0x40, IVLE.as_bytes())].concat();
            item(0x20, &[&[id, 0, 0, 0], &sub_items[..]].concat())
        }
        _ => item(0x21, &[&[id, 0, 0, 0], &item(0x40, IVLE.as_bytes())[..]].concat()),
    };
    let body = [
        vec![0, 1, 0, 0],
        b"DIMSEWAY        CT1             ".to_vec(),
        vec![0; 32],
        item(0x10, b"1.2.840.10008.3.1.1.1"),
        context(1, VERIFICATION),
        context(3, CT),
        item(0x50, &item(0x51, &max_pdu_length.to_be_bytes())),
    ];
    framed(pdu_type, &body.concat())
}

fn p_data(context: u8, control: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 2).unwrap().to_be_bytes();
    framed(pdu::P_DATA_TF, &[&length[..], &[context, control], content].concat())
}

fn echo_rq() -> Vec<u8> {
    let echo = crate::command::CEchoRq { message_id: 1, affected_sop_class_uid: None };
    p_data(1, 3, &Command::CEchoRq(echo).write(false))
}

fn response(operation: Operation, message_id: u16, status: Status) -> Vec<u8> {
    p_data(1, 3, &Command::Rsp(Response::new(operation, message_id, status)).write(false))
}

fn store_rq() -> CStoreRq {
    CStoreRq {
        message_id: 0,
        priority: Priority::Medium,
        affected_sop_class_uid: CT.parse().unwrap(),
        affected_sop_instance_uid: "1.2.3".parse().unwrap(),
        move_originator: None,
    }
}

/// Every PDU type of PS3.8 §9.3.1, well-formed, and some that it does not define.
fn pdus() -> Vec<(&'static str, u8, Vec<u8>)> {
    vec![
        ("A-ASSOCIATE-RQ", 1, associate(pdu::ASSOCIATE_RQ, 16384)),
        ("A-ASSOCIATE-AC", 2, associate(pdu::ASSOCIATE_AC, 16384)),
        ("A-ASSOCIATE-RJ", 3, pdu::reject(AssociateReject::CALLED_AE_TITLE).to_vec()),
        ("P-DATA-TF", 4, echo_rq()),
        ("A-RELEASE-RQ", 5, pdu::release_rq().to_vec()),
        ("A-RELEASE-RP", 6, pdu::release_rp().to_vec()),
        ("A-ABORT", 7, pdu::abort(Abort::NOT_SPECIFIED).to_vec()),
        ("type 0", 0, framed(0, &[0; 4])),
        ("type 8", 8, framed(8, &[0; 4])),
        ("garbage", b'G', b"GET / HTTP/1.1\r\n\r\n".to_vec()),
    ]
}

/// What the state machine answers to a PDU that has no place: an error and the A-ABORT seen by the peer.
fn expected_fault(pdu_type: u8) -> (Misbehaviour, Abort) {
    match pdu_type {
        1..=7 => (Misbehaviour::UnexpectedPdu(pdu_type), Abort::UNEXPECTED_PDU),
        _ => (Misbehaviour::UnrecognizedPdu(pdu_type), Abort::UNRECOGNIZED_PDU),
    }
}

/// Writes `script`, closes its direction, and returns everything that comes back.
async fn play(mut stream: DuplexStream, script: Vec<u8>) -> Vec<u8> {
    stream.write_all(&script).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

/// Serves an association as a service would, in short: echoes succeed, all errors get their A-ABORT.
async fn serve(stream: DuplexStream) -> Result<u32, Error> {
    let requested = acceptor::read_associate_request(stream, Settings::default()).await?;
    let accept = negotiate(requested.request(), &Policy::default()).unwrap();
    let (mut receiver, mut sender) = requested.accept(accept).await?.split();
    let mut messages = 0;
    let result = loop {
        match receiver.next_message().await {
            Ok(Event::Message(message)) => {
                messages += 1;
                let response = Response::new(message.command.operation(), 1, Status::SUCCESS);
                sender.send_command(message.presentation_context.id, &Command::Rsp(response)).await?;
            }
            Ok(Event::Release) => break sender.release_response().await.map(|()| messages),
            Err(error) => {
                if let Some(abort) = abort_for(&error) {
                    sender.abort(abort).await;
                }
                break Err(error);
            }
        }
    };
    let _ = receiver.await_close().await;
    result
}

/// PS3.8 §9.2.3, Sta2: anything but A-ASSOCIATE-RQ is AA-1 (A-ABORT by the service-user), A-ABORT is AA-2.
#[tokio::test]
async fn every_pdu_while_awaiting_a_request() {
    for (name, pdu_type, bytes) in pdus() {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        // Dropped at once, so that the peer sees the close.
        let read = async { acceptor::read_associate_request(ours, Settings::default()).await.map(drop) };
        let (read, answer) = tokio::join!(read, play(theirs, bytes));
        match pdu_type {
            1 => assert!(read.is_ok(), "{name}"),
            7 => {
                assert!(matches!(read, Err(Error::Aborted(_))), "{name}");
                assert!(answer.is_empty(), "{name}");
            }
            _ => {
                let Err(Error::PeerMisbehaved(fault)) = read else { panic!("{name}") };
                assert_eq!(fault, expected_fault(pdu_type).0, "{name}");
                assert_eq!(answer, pdu::abort(Abort::SERVICE_USER), "{name}");
            }
        }
    }
}

/// PS3.8 §9.2.3, Sta6: P-DATA-TF and A-RELEASE-RQ belong, A-ABORT is AA-3, all others are AA-8.
#[tokio::test]
async fn every_pdu_on_an_established_association() {
    for (name, pdu_type, bytes) in pdus() {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let script = [associate(pdu::ASSOCIATE_RQ, 16384), bytes].concat();
        let (served, answer) = tokio::join!(serve(ours), play(theirs, script));
        assert_eq!(answer[0], pdu::ASSOCIATE_AC, "{name}");
        let length = usize::try_from(u32::from_be_bytes(answer[2..6].try_into().unwrap())).unwrap();
        let answer = &answer[6 + length..];
        match pdu_type {
            4 => {
                assert!(matches!(served, Err(Error::Closed)), "{name}");
                assert_eq!(answer, response(Operation::CEcho, 1, Status::SUCCESS), "{name}");
            }
            5 => {
                assert_eq!(served.unwrap(), 0, "{name}");
                assert_eq!(answer, pdu::release_rp(), "{name}");
            }
            7 => {
                assert!(matches!(served, Err(Error::Aborted(Abort::NOT_SPECIFIED))), "{name}");
                assert!(answer.is_empty(), "{name}");
            }
            _ => {
                let Err(Error::PeerMisbehaved(fault)) = served else { panic!("{name}") };
                assert_eq!((fault, answer.to_vec()), {
                    let (fault, abort) = expected_fault(pdu_type);
                    (fault, pdu::abort(abort).to_vec())
                });
            }
        }
    }
}

/// PS3.8 §9.2.3, Sta8: after its A-RELEASE-RQ a peer may only abort.
#[tokio::test]
async fn every_pdu_after_the_peers_release_request() {
    for (name, pdu_type, bytes) in pdus() {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let script = [associate(pdu::ASSOCIATE_RQ, 16384), pdu::release_rq().to_vec(), bytes].concat();
        theirs.write_all(&script).await.unwrap();
        let requested = acceptor::read_associate_request(ours, Settings::default()).await.unwrap();
        let accept = negotiate(requested.request(), &Policy::default()).unwrap();
        let (mut receiver, _sender) = requested.accept(accept).await.unwrap().split();
        assert_eq!(receiver.next_message().await.unwrap(), Event::Release, "{name}");
        match receiver.next_message().await.unwrap_err() {
            Error::Aborted(_) => assert_eq!(pdu_type, 7, "{name}"),
            Error::PeerMisbehaved(Misbehaviour::UnexpectedPdu(_)) => {
                assert!((1..=6).contains(&pdu_type), "{name}");
            }
            Error::PeerMisbehaved(Misbehaviour::UnrecognizedPdu(found)) => {
                assert_eq!(found, pdu_type, "{name}")
            }
            other => panic!("{name}: {other}"),
        }
        assert!(matches!(receiver.next_message().await, Err(Error::Ended)), "{name}");
    }
}

fn proposal() -> requestor::Proposal {
    let syntaxes = vec![TransferSyntax::new(IVLE.parse().unwrap())];
    let mut proposal = requestor::Proposal::new("DIMSEWAY".parse().unwrap(), "CT1".parse().unwrap());
    proposal.presentation_contexts =
        vec![(VERIFICATION.parse().unwrap(), syntaxes.clone()), (CT.parse().unwrap(), syntaxes)];
    proposal
}

/// A scripted acceptor: for each step it reads one PDU, and then writes what the step says.
async fn script(mut stream: DuplexStream, steps: Vec<Vec<u8>>) -> Vec<u8> {
    let mut types = Vec::new();
    for step in steps {
        types.extend(read_pdu(&mut stream).await);
        stream.write_all(&step).await.unwrap();
    }
    while let Some(pdu_type) = read_pdu(&mut stream).await {
        types.push(pdu_type);
    }
    types
}

async fn read_pdu(stream: &mut DuplexStream) -> Option<u8> {
    let mut head = [0; 6];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes(head[2..].try_into().unwrap());
    let mut body = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    Some(head[0])
}

/// PS3.8 §9.2.3, Sta5: A-ASSOCIATE-AC and -RJ belong, A-ABORT is AA-3, all others are AA-8.
#[tokio::test]
async fn every_pdu_while_awaiting_an_answer() {
    for (name, pdu_type, bytes) in pdus() {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let proposal = proposal();
        let client = async {
            // Dropped at once, so that the script sees the close.
            requestor::request(ours, &proposal, Settings::default()).await.map(drop)
        };
        let (result, seen) = tokio::join!(client, script(theirs, vec![bytes]));
        let aborted = match (pdu_type, result) {
            (2, Ok(())) | (7, Err(Error::Aborted(_))) => false,
            (3, Err(Error::Rejected(reject))) => {
                assert_eq!(reject, AssociateReject::CALLED_AE_TITLE);
                false
            }
            (_, Err(Error::PeerMisbehaved(fault))) => {
                assert_eq!(fault, expected_fault(pdu_type).0, "{name}");
                true
            }
            (_, other) => panic!("{name}: {other:?}"),
        };
        assert_eq!(seen, if aborted { vec![1, 7] } else { vec![1] }, "{name}");
    }
}

/// PS3.8 §9.2.3, Sta6 of a requestor with an operation outstanding, and Sta7 with Sta9 and Sta11.
#[tokio::test]
async fn a_requestor_ends_every_story() {
    type Check = fn(&Result<Status, Error>) -> bool;
    // Name, what the acceptor writes after each PDU, the outcome, and the types of PDUs that it sees.
    type Story = (&'static str, Vec<Vec<u8>>, Check, &'static [u8]);
    let ac = associate(pdu::ASSOCIATE_AC, 16384);
    let ok = response(Operation::CEcho, 1, Status::SUCCESS);
    let wrong_id = response(Operation::CEcho, 9, Status::SUCCESS);
    let rp = pdu::release_rp().to_vec();
    let collision = [pdu::release_rq(), pdu::release_rp()].concat();
    let success: Check = |result| matches!(result, Ok(Status::SUCCESS));
    let cases: Vec<Story> = vec![
        ("the usual way", vec![ac.clone(), ok.clone(), rp.clone()], success, &[1, 4, 5]),
        ("release collision", vec![ac.clone(), ok.clone(), collision], success, &[1, 4, 5, 6]),
        (
            "a late response in Sta7 (AR-6)",
            vec![ac.clone(), ok.clone(), [ok.clone(), rp].concat()],
            success,
            &[1, 4, 5],
        ),
        (
            "a response to nothing",
            vec![ac.clone(), wrong_id],
            |r| matches!(r, Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage(0x8030)))),
            &[1, 4, 7],
        ),
        (
            "a request to the requestor",
            vec![ac.clone(), echo_rq()],
            |r| matches!(r, Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage(0x0030)))),
            &[1, 4, 7],
        ),
        (
            "release by the acceptor",
            vec![ac.clone(), pdu::release_rq().to_vec()],
            |r| matches!(r, Err(Error::ReleasedByPeer)),
            &[1, 4, 6],
        ),
        (
            "abort by the acceptor",
            vec![ac.clone(), pdu::abort(Abort::SERVICE_USER).to_vec()],
            |r| matches!(r, Err(Error::Aborted(Abort { source: AbortSource::ServiceUser, .. }))),
            &[1, 4],
        ),
        (
            "another answer to the association",
            vec![ac.clone(), ac],
            |r| matches!(r, Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedPdu(2)))),
            &[1, 4, 7],
        ),
    ];
    for (name, steps, check, expected) in cases {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let proposal = proposal();
        let client = async {
            let mut association = requestor::request(ours, &proposal, Settings::default()).await?;
            let status = association.echo().await?;
            association.release().await?;
            Ok(status)
        };
        let (result, seen) = tokio::join!(client, script(theirs, steps));
        assert!(check(&result), "{name}: {result:?}");
        assert_eq!(seen, expected, "{name}");
    }
}

/// A peer may refuse an object before it has all of it.
#[tokio::test]
async fn a_response_before_the_end_of_the_data_set_is_kept() {
    let (ours, mut theirs) = tokio::io::duplex(4096);
    let proposal = proposal();
    let client = async {
        let mut association = requestor::request(ours, &proposal, Settings::default()).await.unwrap();
        let context = association.contexts().get(3).unwrap().clone();
        let data = stream::iter((0..50).map(|_| Ok(Bytes::from_static(&[0; 1000]))));
        let response = association.store(&context, store_rq(), data).await.unwrap();
        association.release().await.unwrap();
        response.status
    };
    let peer = async {
        read_pdu(&mut theirs).await.unwrap();
        theirs.write_all(&associate(pdu::ASSOCIATE_AC, 1024)).await.unwrap();
        read_pdu(&mut theirs).await.unwrap();
        theirs.write_all(&response(Operation::CStore, 1, Status::OUT_OF_RESOURCES)).await.unwrap();
        while read_pdu(&mut theirs).await.unwrap() != pdu::RELEASE_RQ {}
        theirs.write_all(&pdu::release_rp()).await.unwrap();
    };
    assert_eq!(tokio::join!(client, peer).0, Status::OUT_OF_RESOURCES);
}

/// Responses come in any order and are paired by Message ID.
#[tokio::test]
async fn pipelined_stores_are_paired_by_message_id() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let proposal = proposal();
    let client = async {
        let mut association = requestor::request(ours, &proposal, Settings::default()).await.unwrap();
        let context = association.contexts().get(3).unwrap().clone();
        let mut ids = Vec::new();
        for _ in 0..2 {
            let data = stream::iter([Ok(Bytes::from_static(b"data"))]);
            ids.push(association.begin_store(&context, store_rq(), data).await.unwrap());
        }
        let answers =
            [association.next_response().await.unwrap(), association.next_response().await.unwrap()];
        assert!(matches!(association.next_response().await, Err(Error::Ended)));
        (ids, answers.map(|answer| (answer.message_id_being_responded_to, answer.status)))
    };
    let peer = async {
        read_pdu(&mut theirs).await.unwrap();
        theirs.write_all(&associate(pdu::ASSOCIATE_AC, 0)).await.unwrap();
        for _ in 0..4 {
            assert_eq!(read_pdu(&mut theirs).await, Some(pdu::P_DATA_TF));
        }
        theirs.write_all(&response(Operation::CStore, 2, Status::SUCCESS)).await.unwrap();
        theirs.write_all(&response(Operation::CStore, 1, Status::OUT_OF_RESOURCES)).await.unwrap();
        theirs
    };
    let ((ids, answers), _theirs) = tokio::join!(client, peer);
    assert_eq!(ids, [1, 2]);
    assert_eq!(answers, [(2, Status::SUCCESS), (1, Status::OUT_OF_RESOURCES)]);
}

/// PS3.8 §D.1: 0 is unlimited; 1 to 7 leaves no room for content.
#[tokio::test]
async fn a_maximum_length_without_room_ends_the_association() {
    for (length, fits) in [(0, true), (1, false), (5, false), (7, false), (8, true), (u32::MAX, true)] {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let script = [associate(pdu::ASSOCIATE_RQ, length), echo_rq(), pdu::release_rq().to_vec()].concat();
        let (served, answer) = tokio::join!(serve(ours), play(theirs, script));
        if fits {
            assert_eq!(served.unwrap(), 1, "{length}");
            assert!(answer.ends_with(&pdu::release_rp()), "{length}");
        } else {
            let expected = Incompatibility::MaximumLength(length);
            assert!(matches!(served, Err(Error::PeerIncompatible(found)) if found == expected), "{length}");
            assert_eq!(answer, pdu::abort(Abort::SERVICE_USER), "{length}");
        }
    }
}

/// No maximum length governs an A-ASSOCIATE-RQ, but our own limit does.
#[tokio::test]
async fn a_request_may_be_longer_than_the_maximum_pdu_but_not_endless() {
    let padding: Vec<u8> = (0..20).flat_map(|_| item(0x99, &[0; 60_000])).collect();
    let mut long = associate(pdu::ASSOCIATE_RQ, 16384);
    long.extend_from_slice(&padding[..9 * 60_004]);
    let length = u32::try_from(long.len() - 6).unwrap();
    long[2..6].copy_from_slice(&length.to_be_bytes());
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (served, _) = tokio::join!(serve(ours), play(theirs, long));
    assert!(matches!(served, Err(Error::Closed)), "accepted, then closed: {served:?}");

    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let script = [&[pdu::ASSOCIATE_RQ, 0], &[0x00, 0x10, 0x00, 0x01][..]].concat();
    let (served, answer) = tokio::join!(serve(ours), play(theirs, script));
    assert!(matches!(served, Err(Error::PeerMisbehaved(Misbehaviour::PduTooLong { .. }))));
    assert_eq!(answer, pdu::abort(Abort::SERVICE_USER));
}

/// Requests with more than the usual length wait for a permit, so that their number bounds the memory.
#[tokio::test(start_paused = true)]
async fn long_requests_wait_for_each_other() {
    let length = u32::try_from(ASSOCIATE_LENGTH_USUAL).unwrap() + 1;
    let begin = [&[pdu::ASSOCIATE_RQ, 0], &length.to_be_bytes()[..], &vec![0; 10_000]].concat();
    let settings = Settings { long_associates: Arc::new(Semaphore::new(1)), ..Settings::default() };
    let (first, mut stalls) = tokio::io::duplex(1 << 20);
    stalls.write_all(&begin).await.unwrap();
    let first = timed(acceptor::read_associate_request(first, settings.clone()));
    let later = async {
        pass(1).await;
        let (second, mut waits) = tokio::io::duplex(1 << 20);
        let (third, mut usual) = tokio::io::duplex(1 << 20);
        waits.write_all(&begin).await.unwrap();
        usual.write_all(&associate(pdu::ASSOCIATE_RQ, 16384)).await.unwrap();
        assert!(acceptor::read_associate_request(third, settings.clone()).await.is_ok(), "no need to wait");
        let read = timed(acceptor::read_associate_request(second, settings.clone()));
        let taken = async {
            pass(1).await;
            assert_eq!(settings.long_associates.available_permits(), 0);
        };
        tokio::join!(read, taken).0
    };
    assert_eq!(tokio::join!(first, later), ((Timer::Artim, 30), (Timer::Artim, 30)));
    assert_eq!(settings.long_associates.available_permits(), 1);
}

#[tokio::test]
async fn a_request_is_seen_and_rejected_with_its_reason() {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let server = async {
        let requested = acceptor::read_associate_request(ours, Settings::default()).await.unwrap();
        let request: &AssociateRequest = requested.request();
        assert_eq!(request.called_ae_title.title.as_ref().unwrap().as_str(), "DIMSEWAY");
        assert_eq!(request.calling_ae_title.title.as_ref().unwrap().as_str(), "CT1");
        requested.reject(AssociateReject::LOCAL_LIMIT_EXCEEDED).await.unwrap();
    };
    let ((), answer) = tokio::join!(server, play(theirs, associate(pdu::ASSOCIATE_RQ, 16384)));
    assert_eq!(answer, [3, 0, 0, 0, 0, 4, 0, 2, 3, 2]);
}

/// A cut object is followed by A-ABORT, never by a last fragment or a release.
#[tokio::test]
async fn a_failing_data_set_aborts_the_association() {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let proposal = proposal();
    let client = async {
        let mut association = requestor::request(ours, &proposal, Settings::default()).await.unwrap();
        let context = association.contexts().get(3).unwrap().clone();
        let pieces = [Ok(Bytes::from_static(&[0; 100])), Err(std::io::ErrorKind::InvalidData.into())];
        association.store(&context, store_rq(), stream::iter(pieces)).await
    };
    let (result, seen) = tokio::join!(client, script(theirs, vec![associate(pdu::ASSOCIATE_AC, 16384)]));
    assert!(matches!(result, Err(Error::Source(_))));
    assert_eq!(seen, [1, 4, 7]);
}

#[tokio::test]
async fn a_syntax_that_was_not_proposed_is_refused() {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let mut proposal = proposal();
    for (_, syntaxes) in &mut proposal.presentation_contexts {
        *syntaxes = vec![TransferSyntax::new("1.2.840.10008.1.2.1".parse().unwrap())];
    }
    let client = async { requestor::request(ours, &proposal, Settings::default()).await.map(drop) };
    let (result, seen) = tokio::join!(client, script(theirs, vec![associate(pdu::ASSOCIATE_AC, 0)]));
    let expected = Incompatibility::TransferSyntaxNotProposed(1);
    assert!(matches!(result, Err(Error::PeerIncompatible(found)) if found == expected));
    assert_eq!(seen, [1, 7]);
}

/// Lets the paused clock go on.
async fn pass(seconds: u64) {
    let never = std::future::pending::<()>();
    tokio::time::timeout(Duration::from_secs(seconds), never).await.unwrap_err();
}

/// Runs `work`, and returns the timer that ended it and the seconds that it took.
async fn timed<T>(work: impl Future<Output = Result<T, Error>>) -> (Timer, u64) {
    let begin = Instant::now();
    match work.await {
        Err(Error::Timeout(timer)) => (timer, begin.elapsed().as_secs()),
        Err(other) => panic!("not a time-out: {other}"),
        Ok(_) => panic!("no time-out"),
    }
}

/// PS3.8 §9.1.5: ARTIM covers the A-ASSOCIATE-RQ as a whole, so that a drip does not help, and AA-2 closes without
/// a PDU.
#[tokio::test(start_paused = true)]
async fn artim_ends_silent_and_dripping_connections() {
    for drips in [false, true] {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let drip = async {
            for byte in associate(pdu::ASSOCIATE_RQ, 16384) {
                pass(if drips { 1 } else { 1000 }).await;
                if theirs.write_all(&[byte]).await.is_err() {
                    break;
                }
            }
            let mut answer = Vec::new();
            theirs.read_to_end(&mut answer).await.unwrap();
            answer
        };
        let read = timed(acceptor::read_associate_request(ours, Settings::default()));
        let (ended, answer) = tokio::join!(read, drip);
        assert_eq!(ended, (Timer::Artim, 30), "{drips}");
        assert!(answer.is_empty(), "{drips}");
    }
}

#[tokio::test(start_paused = true)]
async fn artim_ends_the_wait_for_the_peers_close() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    theirs.write_all(&associate(pdu::ASSOCIATE_RQ, 16384)).await.unwrap();
    let requested = acceptor::read_associate_request(ours, Settings::default()).await.unwrap();
    assert_eq!(timed(requested.reject(AssociateReject::NO_REASON)).await, (Timer::Artim, 30));
}

/// Silence between messages has the idle timer, silence inside one the message timer, which every byte
/// restarts.
#[tokio::test(start_paused = true)]
async fn silence_ends_an_established_association() {
    let echo = echo_rq();
    type Case<'a> = (&'a str, &'a [u8], u64, (Timer, u64));
    let cases: [Case<'_>; 4] = [
        ("nothing at all", &[], 0, (Timer::Idle, 1800)),
        ("a whole message", &echo, 0, (Timer::Idle, 1800)),
        ("part of a header", &echo[..3], 0, (Timer::Message, 60)),
        ("part of a message, a byte per 50 s", &echo[..40], 50, (Timer::Message, 40 * 50 + 60)),
    ];
    for (what, bytes, pause, expected) in cases {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let peer = async {
            theirs.write_all(&associate(pdu::ASSOCIATE_RQ, 16384)).await.unwrap();
            for byte in bytes {
                pass(pause).await;
                theirs.write_all(&[*byte]).await.unwrap();
            }
            let mut answer = Vec::new();
            theirs.read_to_end(&mut answer).await.unwrap();
            answer
        };
        let ((timer, seconds), answer) = tokio::join!(timed(serve(ours)), peer);
        // After the A-ABORT the acceptor awaits the close, at most as long as ARTIM.
        assert_eq!((timer, seconds - 30), expected, "{what}");
        assert!(answer.ends_with(&pdu::abort(Abort::SERVICE_USER)), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_requestor_waits_for_every_answer_only_so_long() {
    let ac = associate(pdu::ASSOCIATE_AC, 16384);
    let ok = response(Operation::CEcho, 1, Status::SUCCESS);
    let cases = [
        (vec![], (Timer::Associate, 30)),
        (vec![ac.clone()], (Timer::Response, 600)),
        (vec![ac, ok], (Timer::Release, 30)),
    ];
    for (steps, expected) in cases {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let proposal = proposal();
        let client = async {
            let mut association = requestor::request(ours, &proposal, Settings::default()).await?;
            association.echo().await?;
            association.release().await
        };
        let (ended, seen) = tokio::join!(timed(client), script(theirs, steps));
        assert_eq!(ended, expected);
        assert_eq!(seen.last(), Some(&pdu::ABORT));
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_bytes_ends_the_write() {
    let (ours, mut theirs) = tokio::io::duplex(512);
    let proposal = proposal();
    let client = async {
        let mut association = requestor::request(ours, &proposal, Settings::default()).await?;
        let context = association.contexts().get(3).unwrap().clone();
        let data = stream::iter((0..50).map(|_| Ok(Bytes::from_static(&[0; 1000]))));
        association.store(&context, store_rq(), data).await
    };
    let peer = async {
        read_pdu(&mut theirs).await.unwrap();
        theirs.write_all(&associate(pdu::ASSOCIATE_AC, 1024)).await.unwrap();
        theirs
    };
    let (ended, _theirs) = tokio::join!(timed(client), peer);
    assert_eq!(ended, (Timer::Write, 60));
}
