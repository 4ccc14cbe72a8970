use std::collections::BTreeMap;

use bytes::Bytes;
use instance::{AeTitle, TransferSyntax, Uid};

use super::*;
use crate::acse::{RejectReason, RejectResult, ServicePolicy};

const VERIFICATION: &str = "1.2.840.10008.1.1";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
const STORAGE_COMMITMENT: &str = "1.2.840.10008.1.20.1";
const PRIVATE: &str = "1.2.3.4.5.6";
const IVLE: &str = "1.2.840.10008.1.2";
const EVLE: &str = "1.2.840.10008.1.2.1";
const EVBE: &str = "1.2.840.10008.1.2.2";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
const PRIVATE_SYNTAX: &str = "1.2.840.113619.5.2";

fn uid(text: &str) -> Uid {
    text.parse().unwrap()
}

fn request(contexts: &[(u8, &str, &[&str])]) -> AssociateRequest {
    let context = |(id, syntax, transfer_syntaxes): &(u8, &str, &[&str])| ProposedContext {
        id: *id,
        abstract_syntax: Uid::from_bytes(syntax.as_bytes()).ok(),
        transfer_syntaxes: transfer_syntaxes.iter().map(|syntax| uid(syntax)).collect(),
    };
    let title: AeTitle = "ANY".parse().unwrap();
    AssociateRequest {
        protocol_version: 1,
        called_ae_title: title.clone().into(),
        calling_ae_title: title.into(),
        application_context: APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: contexts.iter().map(context).collect(),
        max_pdu_length: 16384,
        implementation_class_uid: None,
        implementation_version_name: None,
        operations_window: None,
        role_selections: Vec::new(),
        extended_negotiations: Vec::new(),
        user_identity: None,
    }
}

fn accepted(syntax: &str) -> ContextResult {
    ContextResult::Acceptance(TransferSyntax::new(uid(syntax)))
}

fn answers(accept: &AssociateAccept) -> Vec<(u8, ContextResult)> {
    accept.presentation_contexts.iter().map(|answer| (answer.id, answer.result.clone())).collect()
}

/// PS3.8 §9.3.3.2 names the results, PS3.6 §A the Storage SOP Classes.
#[test]
fn each_context_gets_its_result() {
    let unknown_class = ContextResult::AbstractSyntaxNotSupported;
    let cases: &[(&str, u8, &str, &[&str], ContextResult)] = &[
        ("verification", 1, VERIFICATION, &[IVLE], accepted(IVLE)),
        ("storage", 3, CT, &[IVLE], accepted(IVLE)),
        ("a private SOP Class counts as storage", 1, PRIVATE, &[EVLE], accepted(EVLE)),
        ("a private transfer syntax", 1, CT, &[PRIVATE_SYNTAX], accepted(PRIVATE_SYNTAX)),
        ("the requestor's order", 1, CT, &[JPEG_2000, JPEG_LOSSLESS], accepted(JPEG_2000)),
        ("explicit before implicit", 1, CT, &[IVLE, EVLE], accepted(EVLE)),
        ("compressed before implicit", 1, CT, &[IVLE, JPEG_2000], accepted(JPEG_2000)),
        ("big endian last", 1, CT, &[EVBE, IVLE], accepted(IVLE)),
        ("big endian alone", 1, CT, &[EVBE], accepted(EVBE)),
        ("no transfer syntax", 1, CT, &[], ContextResult::TransferSyntaxesNotSupported),
        ("another service", 1, STUDY_ROOT_FIND, &[IVLE], unknown_class.clone()),
        ("commitment has Storage in its name", 1, STORAGE_COMMITMENT, &[IVLE], unknown_class.clone()),
        ("an abstract syntax that is no UID", 1, "nonsense", &[IVLE], unknown_class),
        ("an even ID", 2, CT, &[IVLE], ContextResult::NoReason),
        ("the highest ID", 255, CT, &[IVLE], accepted(IVLE)),
    ];
    for (what, id, syntax, transfer_syntaxes, expected) in cases {
        let accept = negotiate(&request(&[(*id, syntax, transfer_syntaxes)]), &Policy::default()).unwrap();
        assert_eq!(answers(&accept), [(*id, expected.clone())], "{what}");
    }
}

#[test]
fn the_policy_narrows() {
    let narrow = Policy {
        verification: false,
        storage_transfer_syntaxes: TransferSyntaxes::Only(vec![uid(IVLE), uid(EVLE)]),
        storage_exceptions: BTreeMap::from([(uid(PRIVATE), TransferSyntaxes::Only(vec![uid(JPEG_2000)]))]),
        ..Policy::default()
    };
    let no_storage = Policy { storage: false, ..Policy::default() };
    let (unknown, no_syntax) =
        (ContextResult::AbstractSyntaxNotSupported, ContextResult::TransferSyntaxesNotSupported);
    let cases: &[(&str, &Policy, &str, &[&str], ContextResult)] = &[
        ("verification off", &narrow, VERIFICATION, &[IVLE], unknown.clone()),
        ("first allowed one", &narrow, CT, &[JPEG_2000, EVLE], accepted(EVLE)),
        ("none allowed", &narrow, CT, &[JPEG_2000], no_syntax.clone()),
        ("an exception for a class", &narrow, PRIVATE, &[EVLE, JPEG_2000], accepted(JPEG_2000)),
        ("an exception narrows too", &narrow, PRIVATE, &[EVLE], no_syntax),
        ("storage off", &no_storage, CT, &[IVLE], unknown.clone()),
        ("storage off, private class", &no_storage, PRIVATE, &[IVLE], unknown),
        ("storage off, verification on", &no_storage, VERIFICATION, &[IVLE], accepted(IVLE)),
    ];
    for (what, policy, syntax, transfer_syntaxes, expected) in cases {
        let accept = negotiate(&request(&[(1, syntax, transfer_syntaxes)]), policy).unwrap();
        assert_eq!(answers(&accept), [(1, expected.clone())], "{what}");
    }
}

/// PS3.8 §9.3.4: result, source and reason.
#[test]
fn rejections_have_their_exact_reason() {
    // PS3.8 §9.3.2: "shall only test that bit 0 is set".
    let versions = [(0x0000, false), (0x0001, true), (0x0002, false), (0x0003, true), (0xFFFF, true)];
    for (version, is_accepted) in versions {
        let rq = AssociateRequest { protocol_version: version, ..request(&[(1, CT, &[IVLE])]) };
        let answer = negotiate(&rq, &Policy::default());
        let expected = AssociateReject {
            result: RejectResult::Permanent,
            reason: RejectReason::ProtocolVersionNotSupported,
        };
        assert_eq!(answer.err(), (!is_accepted).then_some(expected), "version {version:04X}");
    }
    for context in ["", "1.2.840.10008.3.1.1.2", "1.2.840.10008.3.1.1.1.1"] {
        let rq = AssociateRequest { application_context: context.to_owned(), ..request(&[(1, CT, &[IVLE])]) };
        let rejected = negotiate(&rq, &Policy::default()).unwrap_err();
        assert_eq!(rejected.to_bytes(), [0, 1, 1, 2], "application context {context:?}");
    }
    let fields = [
        (AssociateReject::CALLED_AE_TITLE, [0, 1, 1, 7]),
        (AssociateReject::CALLING_AE_TITLE, [0, 1, 1, 3]),
        (AssociateReject::PROTOCOL_VERSION, [0, 1, 2, 2]),
        (AssociateReject::LOCAL_LIMIT_EXCEEDED, [0, 2, 3, 2]),
        (AssociateReject::TEMPORARY_CONGESTION, [0, 2, 3, 1]),
        (AssociateReject::NO_REASON, [0, 1, 1, 1]),
    ];
    for (reject, bytes) in fields {
        assert_eq!(reject.to_bytes(), bytes);
        assert_eq!(AssociateReject::from_bytes(bytes), reject);
    }
}

#[test]
fn a_repeated_id_is_answered_once() {
    let rq = request(&[(1, CT, &[EVLE]), (1, VERIFICATION, &[IVLE]), (3, VERIFICATION, &[IVLE])]);
    let accept = negotiate(&rq, &Policy::default()).unwrap();
    assert_eq!(answers(&accept), [(1, accepted(EVLE)), (3, accepted(IVLE))]);
}

/// PS3.7 §D.3.3.3: 0 is unlimited; without a proposal there is no answer.
#[test]
fn the_operations_window_is_the_smaller_one() {
    let cases = [
        (None, None),
        (Some((1, 1)), Some((1, 1))),
        (Some((5, 3)), Some((5, 3))),
        (Some((0, 0)), Some((32, 32))),
        (Some((1000, 64)), Some((32, 32))),
    ];
    let window = |(invoked, performed)| OperationsWindow { invoked, performed };
    for (proposed, expected) in cases {
        let rq = AssociateRequest { operations_window: proposed.map(window), ..request(&[(1, CT, &[IVLE])]) };
        let accept = negotiate(&rq, &Policy::default()).unwrap();
        assert_eq!(accept.operations_window, expected.map(window), "{proposed:?}");
    }
}

/// PS3.7 §D.3.3.4: accepted roles never exceed those proposed.
#[test]
fn roles_are_those_both_sides_want() {
    let roles = |scu, scp| Roles { scu, scp };
    let with_get = Policy { storage_requestor_scp: true, ..Policy::default() };
    let without = Policy::default();
    let cases = [
        (&without, roles(true, false), roles(true, false), accepted(IVLE)),
        (&without, roles(true, true), roles(true, false), accepted(IVLE)),
        (&without, roles(false, true), roles(false, false), ContextResult::UserRejection),
        (&with_get, roles(false, true), roles(false, true), accepted(IVLE)),
        (&with_get, roles(true, true), roles(true, true), accepted(IVLE)),
    ];
    for (policy, proposed, expected, result) in cases {
        let mut rq = request(&[(1, CT, &[IVLE])]);
        rq.role_selections = vec![
            RoleSelection { sop_class_uid: uid(CT), roles: proposed },
            RoleSelection { sop_class_uid: uid(STUDY_ROOT_FIND), roles: proposed },
        ];
        let accept = negotiate(&rq, policy).unwrap();
        assert_eq!(answers(&accept), [(1, result.clone())], "{proposed:?}");
        let selected: Vec<_> =
            accept.role_selections.iter().map(|s| (s.sop_class_uid.clone(), s.roles)).collect();
        let answered = matches!(result, ContextResult::Acceptance(_));
        assert_eq!(selected, if answered { vec![(uid(CT), expected)] } else { vec![] }, "{proposed:?}");
    }
}

/// PS3.4 §C.4.3: a requestor that only performs Storage does so for a C-GET, whatever is done with the instances
/// that others send.
#[test]
fn a_context_to_send_on_is_offered_without_storage() {
    let get_only = Policy {
        storage: false,
        storage_requestor_scp: true,
        storage_transfer_syntaxes: TransferSyntaxes::Only(vec![uid(JPEG_2000)]),
        ..Policy::default()
    };
    let both = Policy { storage: true, ..get_only.clone() };
    let unknown = ContextResult::AbstractSyntaxNotSupported;
    let roles = |scu, scp| Some(Roles { scu, scp });
    let any: &[&str] = &[IVLE, JPEG_LOSSLESS, EVLE];
    let cases = [
        (&get_only, None, any, unknown),
        (&get_only, roles(true, false), any, ContextResult::UserRejection),
        (&get_only, roles(false, true), any, accepted(EVLE)),
        (&get_only, roles(true, true), any, accepted(EVLE)),
        (&get_only, roles(false, true), &[JPEG_LOSSLESS], accepted(JPEG_LOSSLESS)),
        (&get_only, roles(false, true), &[IVLE, JPEG_LOSSLESS], accepted(JPEG_LOSSLESS)),
        (&get_only, roles(false, true), &[EVBE, IVLE], accepted(IVLE)),
        (&both, None, any, ContextResult::TransferSyntaxesNotSupported),
        (&both, roles(false, true), any, accepted(EVLE)),
        (&both, roles(true, true), any, ContextResult::TransferSyntaxesNotSupported),
    ];
    for (policy, proposed, syntaxes, expected) in cases {
        let mut rq = request(&[(1, CT, syntaxes)]);
        let selection = |roles| RoleSelection { sop_class_uid: uid(CT), roles };
        rq.role_selections = proposed.map(selection).into_iter().collect();
        let accept = negotiate(&rq, policy).unwrap();
        assert_eq!(answers(&accept), [(1, expected)], "{proposed:?} {syntaxes:?}");
    }
}

/// PS3.4 §C.5: relational queries, date-time matching, fuzzy matching, one byte each.
#[test]
fn extended_negotiation_answers_with_what_both_support() {
    let service = ServicePolicy {
        transfer_syntaxes: TransferSyntaxes::Only(vec![uid(IVLE), uid(EVLE)]),
        requestor_roles: Roles::DEFAULT,
        extended_negotiation: Some(Bytes::from_static(&[1, 1, 0])),
    };
    let policy = Policy { services: BTreeMap::from([(uid(STUDY_ROOT_FIND), service)]), ..Policy::default() };
    let mut rq = request(&[(1, STUDY_ROOT_FIND, &[JPEG_2000, EVLE]), (3, CT, &[IVLE])]);
    let negotiation = |class: &str, bytes: &'static [u8]| ExtendedNegotiation {
        sop_class_uid: uid(class),
        application_information: Bytes::from_static(bytes),
    };
    rq.extended_negotiations = vec![
        negotiation(STUDY_ROOT_FIND, &[1, 0, 1, 1]),
        negotiation(CT, &[2]),
        negotiation(VERIFICATION, &[1]),
    ];
    let accept = negotiate(&rq, &policy).unwrap();
    assert_eq!(answers(&accept), [(1, accepted(EVLE)), (3, accepted(IVLE))]);
    assert_eq!(accept.extended_negotiations, [negotiation(STUDY_ROOT_FIND, &[1, 0, 0])]);
}

/// PS3.7 §D.3.3.7.2: the response is sent only where it was asked for, and is empty for types 1 and 2.
#[test]
fn a_user_identity_is_answered_when_asked() {
    let policy = Policy { user_identity_response: Bytes::from_static(b"ticket"), ..Policy::default() };
    let cases = [
        (UserIdentityKind::Username, false, None),
        (UserIdentityKind::Username, true, Some(&b""[..])),
        (UserIdentityKind::UsernamePasscode, true, Some(&b""[..])),
        (UserIdentityKind::Kerberos, true, Some(&b"ticket"[..])),
        (UserIdentityKind::Jwt, false, None),
    ];
    for (kind, positive_response_requested, expected) in cases {
        let mut rq = request(&[(1, CT, &[IVLE])]);
        rq.user_identity = Some(UserIdentity {
            kind,
            positive_response_requested,
            primary: Bytes::from_static(b"user"),
            secondary: Bytes::from_static(b"secret"),
        });
        let accept = negotiate(&rq, &policy).unwrap();
        assert_eq!(accept.user_identity_response.as_deref(), expected, "{kind:?}");
        assert!(!format!("{rq:?}").contains("secret"));
    }
}
