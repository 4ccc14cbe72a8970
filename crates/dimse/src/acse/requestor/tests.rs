//! A requestor that finds, moves and gets, against acceptors that follow a script.

use bytes::Bytes;
use tokio::io::DuplexStream;

use super::*;
use crate::{
    Event, MessageReceiver, MessageSender, Misbehaviour, Status,
    acse::{
        InformationModel, Policy, QueryRetrieveClass, QueryRetrieveOperation, Roles, ServicePolicy,
        TransferSyntaxes, acceptor, negotiate,
    },
    command::{CFindRq, CStoreRq, Command, Operation, Priority, Response, SubOperations},
};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const EVLE: &str = "1.2.840.10008.1.2.1";

fn class(operation: QueryRetrieveOperation) -> QueryRetrieveClass {
    QueryRetrieveClass { model: InformationModel::StudyRoot, operation }
}

fn proposal() -> Proposal {
    let explicit = || vec![TransferSyntax::new(EVLE.parse().unwrap())];
    let mut proposal = Proposal::new("DIMSEWAY".parse().unwrap(), "WS1".parse().unwrap());
    use QueryRetrieveOperation::{Find, Get, Move};
    proposal.presentation_contexts =
        [Find, Move, Get].map(|operation| (class(operation).uid(), explicit())).into();
    proposal.presentation_contexts.push((crate::acse::sop_class::VERIFICATION.parse().unwrap(), explicit()));
    proposal.presentation_contexts.push((CT.parse().unwrap(), explicit()));
    proposal.operations_performed = 3;
    let roles = Roles { scu: false, scp: true };
    proposal.role_selections = vec![RoleSelection { sop_class_uid: CT.parse().unwrap(), roles }];
    proposal
}

type Receiver = MessageReceiver<tokio::io::ReadHalf<DuplexStream>>;
type Sender = MessageSender<tokio::io::WriteHalf<DuplexStream>>;

/// An acceptor of everything that is proposed.
async fn accept(stream: DuplexStream) -> (Receiver, Sender) {
    let requested = acceptor::read_associate_request(stream, Settings::default()).await.unwrap();
    let service = |class: QueryRetrieveClass| {
        let requestor_roles = Roles::DEFAULT;
        let (transfer_syntaxes, extended_negotiation) = (TransferSyntaxes::Any, None);
        (class.uid(), ServicePolicy { transfer_syntaxes, requestor_roles, extended_negotiation })
    };
    let services = QueryRetrieveClass::ALL.map(service).into();
    let policy = Policy { services, storage_requestor_scp: true, ..Policy::default() };
    let accept = negotiate(requested.request(), &policy).unwrap();
    requested.accept(accept).await.unwrap().split()
}

/// Runs a requestor and its peer side by side, and gives what both have to say.
async fn both<A, B>(
    requestor: impl AsyncFnOnce(RequestorAssociation<DuplexStream>) -> A,
    peer: impl AsyncFnOnce(Receiver, Sender) -> B,
) -> (A, B) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let requestor = async {
        let proposal = proposal();
        requestor(request(ours, &proposal, Settings::default()).await.unwrap()).await
    };
    let peer = async {
        let (receiver, sender) = accept(theirs).await;
        peer(receiver, sender).await
    };
    tokio::join!(requestor, peer)
}

/// The next message and its data set.
async fn receive(receiver: &mut Receiver) -> (Command, Vec<u8>) {
    let Event::Message(message) = receiver.next_message().await.unwrap() else { panic!("a release") };
    let mut data_set = Vec::new();
    while let Some(fragment) = receiver.next_fragment().await.unwrap() {
        data_set.extend_from_slice(&fragment);
    }
    (message.command, data_set)
}

fn context(
    association: &RequestorAssociation<DuplexStream>,
    uid: &str,
) -> crate::association::PresentationContext {
    association.contexts().iter().find(|c| c.abstract_syntax.as_str() == uid).unwrap().clone()
}

fn response(operation: Operation, status: Status) -> Command {
    Command::Rsp(Response::new(operation, 1, status))
}

#[tokio::test]
async fn a_find_gives_its_identifiers_and_the_final_response() {
    let lengths = [0_usize, 1, 700, 300_000];
    let requestor = async |mut association: RequestorAssociation<DuplexStream>| {
        let find = context(&association, class(QueryRetrieveOperation::Find).as_str());
        let mut replies = association.find(&find, Bytes::from_static(b"keys")).await.unwrap();
        for length in lengths {
            let (response, identifier) = replies.next().await.unwrap().unwrap();
            assert_eq!((response.status, identifier.unwrap().len()), (Status::PENDING, length));
        }
        let (response, identifier) = replies.next().await.unwrap().unwrap();
        assert_eq!((response.status, identifier), (Status::SUCCESS, None));
        assert!(replies.next().await.unwrap().is_none());
        assert!(matches!(association.next_received().await, Err(Error::Ended)), "nothing is outstanding");
    };
    let peer = async |mut receiver: Receiver, mut sender: Sender| {
        let received = receive(&mut receiver).await;
        for length in lengths {
            let identifier = Some(vec![7; length].into());
            sender.push(1, &response(Operation::CFind, Status::PENDING), identifier).unwrap();
            sender.flush().await.unwrap();
        }
        sender.send_command(1, &response(Operation::CFind, Status::SUCCESS)).await.unwrap();
        received
    };
    let ((), (command, identifier)) = both(requestor, peer).await;
    let affected_sop_class_uid = class(QueryRetrieveOperation::Find).uid();
    let expected = CFindRq { message_id: 1, priority: Priority::Medium, affected_sop_class_uid };
    assert_eq!((command, identifier), (Command::CFindRq(expected), b"keys".to_vec()));
}

#[tokio::test]
async fn a_move_names_its_destination_and_is_cancelled() {
    let requestor = async |mut association: RequestorAssociation<DuplexStream>| {
        let move_ = context(&association, class(QueryRetrieveOperation::Move).as_str());
        let destination = "STORE".parse().unwrap();
        let mut replies = association.move_(&move_, destination, Bytes::from_static(b"k")).await.unwrap();
        assert_eq!(replies.next().await.unwrap().unwrap().0.status, Status::PENDING);
        replies.cancel().await.unwrap();
        replies.last().await.unwrap()
    };
    let counts = SubOperations { remaining: Some(3), completed: 1, failed: 1, warning: 0 };
    let peer = async |mut receiver: Receiver, mut sender: Sender| {
        let (request, _) = receive(&mut receiver).await;
        sender.send_command(3, &response(Operation::CMove, Status::PENDING)).await.unwrap();
        let (cancel, _) = receive(&mut receiver).await;
        let last = Response::new(Operation::CMove, 1, Status::CANCEL).sub_operations(counts);
        sender.push(3, &Command::Rsp(last), Some(Bytes::from_static(b"failed"))).unwrap();
        sender.flush().await.unwrap();
        (request, cancel)
    };
    let ((last, identifier), (request, cancel)) = both(requestor, peer).await;
    assert_eq!((last.status, last.sub_operations), (Status::CANCEL, Some(counts)));
    assert_eq!(identifier.unwrap(), &b"failed"[..]);
    let Command::CMoveRq(request) = request else { panic!("{request:?}") };
    assert_eq!(request.move_destination.as_str(), "STORE");
    let Command::CCancelRq(cancel) = cancel else { panic!("{cancel:?}") };
    assert_eq!(cancel.message_id_being_responded_to, request.message_id);
}

fn store_rq(message_id: u16) -> Command {
    Command::CStoreRq(CStoreRq {
        message_id,
        priority: Priority::Medium,
        affected_sop_class_uid: CT.parse().unwrap(),
        affected_sop_instance_uid: format!("1.2.{message_id}").parse().unwrap(),
        move_originator: None,
    })
}

#[tokio::test]
async fn a_get_performs_its_sub_operations() {
    let requestor = async |mut association: RequestorAssociation<DuplexStream>| {
        let roles = association.negotiated().roles(&CT.parse().unwrap());
        assert_eq!(roles, Roles { scu: false, scp: true });
        let get = context(&association, class(QueryRetrieveOperation::Get).as_str());
        association.begin_get(&get, Bytes::from_static(b"k")).await.unwrap();
        let (mut lengths, mut statuses) = (Vec::new(), Vec::new());
        while statuses.last() != Some(&Status::SUCCESS) {
            match association.next_received().await.unwrap() {
                Received::Response(response, _) => statuses.push(response.status),
                Received::Store(request) => {
                    let mut length = 0;
                    while let Some(fragment) = association.next_fragment().await.unwrap() {
                        length += fragment.len();
                    }
                    lengths.push(length);
                    association.respond(&request, Status::COERCION_OF_DATA_ELEMENTS).await.unwrap();
                }
            }
        }
        (lengths, statuses)
    };
    let peer = async |mut receiver: Receiver, mut sender: Sender| {
        receive(&mut receiver).await;
        let mut answers = Vec::new();
        for message_id in [7, 8] {
            let data_set = Bytes::from(vec![1; 100_000 * usize::from(message_id)]);
            sender.push(9, &store_rq(message_id), Some(data_set)).unwrap();
            sender.flush().await.unwrap();
            answers.push(receive(&mut receiver).await.0);
            sender.send_command(5, &response(Operation::CGet, Status::PENDING)).await.unwrap();
        }
        sender.send_command(5, &response(Operation::CGet, Status::SUCCESS)).await.unwrap();
        answers
    };
    let ((lengths, statuses), answers) = both(requestor, peer).await;
    assert_eq!(lengths, [700_000, 800_000]);
    assert_eq!(statuses, [Status::PENDING, Status::PENDING, Status::SUCCESS]);
    for (answer, message_id) in answers.into_iter().zip([7, 8]) {
        let Command::Rsp(answer) = answer else { panic!("{answer:?}") };
        assert_eq!(answer.message_id_being_responded_to, message_id);
        assert_eq!(answer.status, Status::COERCION_OF_DATA_ELEMENTS);
        assert_eq!(answer.affected_sop_instance_uid, format!("1.2.{message_id}").parse().ok());
    }
}

/// What comes while another response is awaited is kept, in its order.
#[tokio::test]
async fn responses_in_between_are_kept() {
    let requestor = async |mut association: RequestorAssociation<DuplexStream>| {
        let find = context(&association, class(QueryRetrieveOperation::Find).as_str());
        association.begin_find(&find, Bytes::from_static(b"k")).await.unwrap();
        assert_eq!(association.echo().await.unwrap(), Status::SUCCESS);
        let mut seen = Vec::new();
        while let Ok(Received::Response(response, identifier)) = association.next_received().await {
            seen.push((response.status, identifier.map(|identifier| identifier[0])));
        }
        seen
    };
    let peer = async |mut receiver: Receiver, mut sender: Sender| {
        receive(&mut receiver).await;
        receive(&mut receiver).await;
        for number in 0..3 {
            let identifier = Some(vec![number].into());
            sender.push(1, &response(Operation::CFind, Status::PENDING), identifier).unwrap();
        }
        sender.push(7, &Command::Rsp(Response::new(Operation::CEcho, 2, Status::SUCCESS)), None).unwrap();
        sender.push(1, &response(Operation::CFind, Status::SUCCESS), None).unwrap();
        sender.flush().await.unwrap();
        (receiver, sender)
    };
    let (seen, _) = both(requestor, peer).await;
    let pending = |number| (Status::PENDING, Some(number));
    assert_eq!(seen, [pending(0), pending(1), pending(2), (Status::SUCCESS, None)]);
}

/// PS3.7 §9.1: nothing is performed that was not asked for, and nothing is answered twice.
#[tokio::test]
async fn what_was_not_asked_for_is_answered_with_an_abort() {
    let cases = [
        ("a C-STORE without a C-GET", 9, store_rq(1), Misbehaviour::UnexpectedMessage(0x0001)),
        ("another operation", 1, response(Operation::CMove, Status::PENDING), {
            Misbehaviour::UnexpectedMessage(0x8021)
        }),
        ("another message", 1, Command::Rsp(Response::new(Operation::CFind, 2, Status::PENDING)), {
            Misbehaviour::UnexpectedMessage(0x8020)
        }),
    ];
    for (what, context_id, command, expected) in cases {
        let requestor = async |mut association: RequestorAssociation<DuplexStream>| {
            let find = context(&association, class(QueryRetrieveOperation::Find).as_str());
            association.begin_find(&find, Bytes::from_static(b"k")).await.unwrap();
            association.next_received().await.unwrap_err()
        };
        let peer = async |mut receiver: Receiver, mut sender: Sender| {
            receive(&mut receiver).await;
            sender.push(context_id, &command, Some(Bytes::from_static(b"x"))).unwrap();
            sender.flush().await.unwrap();
            receiver.next_message().await.unwrap_err()
        };
        let (error, seen) = both(requestor, peer).await;
        assert!(matches!(&error, Error::PeerMisbehaved(found) if *found == expected), "{what}: {error}");
        assert!(matches!(seen, Error::Aborted(_)), "{what}: {seen}");
    }
}
