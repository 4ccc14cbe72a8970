use proptest::prelude::*;

use super::*;
use crate::acse::ContextResult as R;

fn item(item_type: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[item_type, 0], &length[..], value].concat()
}

/// The variable field of an A-ASSOCIATE PDU.
fn body(called: &[u8; 16], calling: &[u8; 16], items: &[Vec<u8>]) -> Vec<u8> {
    [&[0, 1, 0, 0], &called[..], calling, &[0; 32], &items.concat()].concat()
}

fn application_context() -> Vec<u8> {
    item(0x10, APPLICATION_CONTEXT.as_bytes())
}

fn proposed_context(id: u8) -> Vec<u8> {
    let sub_items = [item(0x30, b"1.2.840.10008.1.1"), item(0x40, b"1.2.840.10008.1.2\0")].concat();
    item(0x20, &[&[id, 0, 0, 0], &sub_items[..]].concat())
}

fn answered_context(id: u8, result: u8, sub_items: &[u8]) -> Vec<u8> {
    item(0x21, &[&[id, 0, result, 0], sub_items].concat())
}

fn request() -> AssociateRequest {
    AssociateRequest {
        protocol_version: 1,
        called_ae_title: AeTitleField::new(*b"ARCHIVE\0\0\0\0\0\0\0\0\0"),
        calling_ae_title: AeTitleField::new(*b"  CT 1          "),
        application_context: APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: vec![ProposedContext {
            id: 1,
            abstract_syntax: uid("1.2.840.10008.5.1.4.1.1.2"),
            transfer_syntaxes: vec![uid("1.2.840.10008.1.2.1").unwrap(), uid("1.2.3").unwrap()],
        }],
        max_pdu_length: 16384,
        implementation_class_uid: uid("1.2.3.4"),
        implementation_version_name: Some("TEST".to_owned()),
        operations_window: Some(OperationsWindow { invoked: 8, performed: 1 }),
        role_selections: vec![RoleSelection {
            sop_class_uid: uid("1.2.840.10008.5.1.4.1.1.2").unwrap(),
            roles: Roles { scu: true, scp: true },
        }],
        extended_negotiations: vec![ExtendedNegotiation {
            sop_class_uid: uid("1.2.840.10008.5.1.4.1.1.2").unwrap(),
            application_information: Bytes::from_static(&[2, 0, 3]),
        }],
        user_identity: Some(UserIdentity {
            kind: UserIdentityKind::UsernamePasscode,
            positive_response_requested: true,
            primary: Bytes::from_static(b"user"),
            secondary: Bytes::from_static(b"secret"),
        }),
    }
}

fn accept() -> AssociateAccept {
    AssociateAccept {
        presentation_contexts: vec![
            ContextAnswer { id: 1, result: R::Acceptance(TransferSyntax::new(uid("1.2.3").unwrap())) },
            ContextAnswer { id: 3, result: R::AbstractSyntaxNotSupported },
        ],
        max_pdu_length: 262_144,
        implementation_class_uid: uid("1.2.3.4"),
        implementation_version_name: Some("TEST".to_owned()),
        operations_window: Some(OperationsWindow { invoked: 8, performed: 1 }),
        role_selections: request().role_selections,
        extended_negotiations: request().extended_negotiations,
        user_identity_response: Some(Bytes::from_static(b"ticket")),
    }
}

#[test]
fn reads_what_it_wrote() {
    let pdu = write_request(&request()).unwrap();
    assert_eq!((pdu[0], &pdu[10..17]), (ASSOCIATE_RQ, &b"ARCHIVE"[..]));
    let read = read_request(&pdu[6..]).unwrap();
    assert_eq!(read, request());
    assert_eq!(read.called_ae_title.title.unwrap().as_str(), "ARCHIVE");
    assert_eq!(read.calling_ae_title.title.unwrap().as_str(), "CT 1");

    let pdu = write_accept(&accept(), &request()).unwrap();
    assert_eq!(&pdu[10..26], b"ARCHIVE\0\0\0\0\0\0\0\0\0", "PS3.8 §9.3.3: identical to the value received");
    assert_eq!(read_accept(&pdu[6..]), Ok(accept()));
}

#[test]
fn reads_requests_that_devices_send() {
    let title = b"X               ";
    let user = |sub_items: &[Vec<u8>]| item(0x50, &sub_items.concat());
    let no_items: Vec<Vec<u8>> = vec![];
    let cases: Vec<(&str, Vec<Vec<u8>>, &str, usize)> = vec![
        ("bare", vec![application_context(), proposed_context(1)], APPLICATION_CONTEXT, 1),
        ("no items", no_items, "", 0),
        ("no application context", vec![proposed_context(1)], "", 1),
        (
            "NUL padded application context",
            vec![item(0x10, b"1.2.840.10008.3.1.1.1\0")],
            APPLICATION_CONTEXT,
            0,
        ),
        (
            "an unknown item, skipped as PS3.8 §9.3.1 has it",
            vec![application_context(), item(0x99, b"??"), proposed_context(1)],
            APPLICATION_CONTEXT,
            1,
        ),
        (
            "a context without abstract syntax",
            vec![application_context(), item(0x20, &[1, 0, 0, 0])],
            APPLICATION_CONTEXT,
            1,
        ),
        (
            "user sub-items with wrong lengths",
            vec![
                application_context(),
                user(&[item(0x51, &[0, 0, 1]), item(0x53, &[1]), item(0x54, &[0, 9, 1]), item(0x58, &[1])]),
            ],
            APPLICATION_CONTEXT,
            0,
        ),
        (
            "text that is not ASCII",
            vec![application_context(), user(&[item(0x55, b"V\xE91"), item(0x52, b"\xFF")])],
            APPLICATION_CONTEXT,
            0,
        ),
        (
            "130 contexts",
            [
                vec![application_context()],
                (0..130_u8).map(|i| proposed_context(i.wrapping_mul(2) | 1)).collect(),
            ]
            .concat(),
            APPLICATION_CONTEXT,
            130,
        ),
    ];
    for (what, items, application_context, contexts) in cases {
        let read =
            read_request(&body(title, title, &items)).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read.application_context, application_context, "{what}");
        assert_eq!(read.presentation_contexts.len(), contexts, "{what}");
        assert_eq!((read.max_pdu_length, read.operations_window), (0, None), "{what}");
    }
}

/// PS3.8 §9.3.3.2: the transfer syntax of a rejected context is not significant.
#[test]
fn reads_answers_that_devices_send() {
    let syntax = item(0x40, b"1.2.840.10008.1.2 ");
    let implicit = R::Acceptance(TransferSyntax::new(uid("1.2.840.10008.1.2").unwrap()));
    let cases = [
        ("accepted", answered_context(1, 0, &syntax), implicit.clone()),
        ("rejected without transfer syntax", answered_context(1, 3, &[]), R::AbstractSyntaxNotSupported),
        (
            "rejected with an empty one",
            answered_context(1, 4, &item(0x40, b"")),
            R::TransferSyntaxesNotSupported,
        ),
        ("rejected with one", answered_context(1, 1, &syntax), R::UserRejection),
        ("an undefined result", answered_context(1, 9, &syntax), R::NoReason),
        ("accepted without transfer syntax", answered_context(1, 0, &[]), R::NoReason),
        (
            "accepted with two",
            answered_context(1, 0, &[syntax.clone(), item(0x40, b"1.2")].concat()),
            implicit,
        ),
    ];
    for (what, context, expected) in cases {
        let read = read_accept(&body(&[0; 16], &[0; 16], &[application_context(), context])).unwrap();
        assert_eq!(read.presentation_contexts, [ContextAnswer { id: 1, result: expected }], "{what}");
    }
}

#[test]
fn every_cut_is_malformed_or_shorter() {
    let whole = write_request(&request()).unwrap();
    for cut in 0..whole.len() - 6 {
        // A cut between two items leaves a request with fewer items, which is no fault of its syntax.
        if let Ok(read) = read_request(&whole[6..6 + cut]) {
            assert_ne!(read, request(), "cut at {cut}");
        }
    }
}

proptest! {
    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_request(&noise);
        let _ = read_accept(&noise);
    }

    #[test]
    fn damaged_pdus_never_panic(at in 0_usize..10_000, with in any::<u8>()) {
        for pdu in [write_request(&request()).unwrap(), write_accept(&accept(), &request()).unwrap()] {
            let mut body = pdu[6..].to_vec();
            let at = at % body.len();
            body[at] = with;
            let _ = read_request(&body);
            let _ = read_accept(&body);
        }
    }
}
