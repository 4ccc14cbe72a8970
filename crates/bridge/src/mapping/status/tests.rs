use std::io;

use axum::http::StatusCode;
use dataset::scan::ScanError;
use dicomweb::error::Wait;
use dimse::command::Operation;
use instance::Tag;

use super::*;

/// Rows of PS3.4 §B.2.3 (Table B.2-1) and PS3.7 §C, in words, with the refusals that end there.
#[test]
fn every_refusal_has_the_status_of_the_standard() {
    let entry_id = || "1".parse().unwrap();
    let spool = Refusal::Spool;
    let cases: Vec<(&str, u16, Vec<Refusal>)> = vec![
        (
            "Refused: Out of Resources, A7xx (PS3.4 §B.2.3)",
            0xA700,
            vec![
                spool(spool::Error::Full { needed: 1, free: 0 }),
                spool(spool::Error::Io(io::Error::other("fdatasync"))),
                spool(spool::Error::Index("locked".into())),
                spool(spool::Error::IndexDamaged("malformed".into())),
                spool(spool::Error::Refused("the storage failed".into())),
                spool(spool::Error::Closed),
                spool(spool::Error::Locked { pid: 1 }),
                Refusal::Destination(DestinationRefusal::OutcomeUnknown),
                Refusal::Destination(DestinationRefusal::NotInTime),
                Refusal::Destination(DestinationRefusal::Busy("B00F".into())),
            ],
        ),
        (
            "Error: Data Set does not match SOP Class, A9xx (PS3.4 §B.2.3)",
            0xA900,
            vec![
                Refusal::IdentityUnusable(Tag::STUDY_INSTANCE_UID),
                Refusal::IdentityDiffers(Tag::SOP_INSTANCE_UID),
            ],
        ),
        (
            "Error: Cannot understand, Cxxx (PS3.4 §B.2.3)",
            0xC000,
            vec![
                Refusal::IdentifierTooLong,
                Refusal::Unreadable(ScanError::Truncated(Tag::SOP_CLASS_UID)),
                spool(spool::Error::TooLarge { what: "attributes", length: 2, limit: 1 }),
            ],
        ),
        (
            "Refused: SOP Class not supported, 0122 (PS3.7 §C.5.6)",
            0x0122,
            vec![Refusal::SopClassNotOfContext],
        ),
        (
            "Failure: Resource limitation, 0213 (PS3.7 §C.5.22)",
            0x0213,
            vec![Refusal::TooManyOperations, Refusal::Stopping],
        ),
        ("Refused: Not authorized, 0124 (PS3.7 §C.5.25)", 0x0124, vec![Refusal::NotAllowed]),
        (
            "Failure: Processing failure, 0110 (PS3.7 §C.5.21)",
            0x0110,
            vec![
                Refusal::Unrouted,
                spool(spool::Error::StaleToken),
                spool(spool::Error::NotFound(entry_id())),
                spool(spool::Error::PayloadGone(entry_id())),
                spool(spool::Error::Corrupt { entry_id: entry_id(), what: "crc".into() }),
                spool(spool::Error::Conflict { current: 1 }),
                Refusal::Destination(DestinationRefusal::Held("refused".into())),
            ],
        ),
        (
            "Failure: Duplicate SOP Instance, 0111 (PS3.7 §C.5.8)",
            0x0111,
            vec![Refusal::Destination(DestinationRefusal::Duplicate)],
        ),
        ("Failure: Duplicate invocation, 0210 (PS3.7 §C.5.9)", 0x0210, vec![Refusal::DuplicateInvocation]),
        (
            "Failure: Unrecognized operation, 0211 (PS3.7 §C.5.23)",
            0x0211,
            vec![Refusal::UnrecognizedOperation],
        ),
        (
            "Failure: Mistyped argument, 0212 (PS3.7 §C.5.15)",
            0x0212,
            vec![Refusal::NoDataSet, Refusal::ArgumentUnusable(Tag::SOP_INSTANCE_UID)],
        ),
    ];
    for (row, status, refusals) in cases {
        for refusal in refusals {
            let (got, comment) = of_refusal(&refusal);
            assert_eq!(got, Status(status), "{row}: {refusal:?}");
            assert!(!comment.is_empty() && comment.len() <= Response::ERROR_COMMENT_LENGTH_MAX, "{comment}");
        }
    }
}

#[test]
fn the_offending_element_is_named() {
    let response = Response::new(Operation::CStore, 1, Status::SUCCESS);
    let response = refused(response, &Refusal::IdentityDiffers(Tag::SOP_INSTANCE_UID));
    assert_eq!(response.status, Status(0xA900));
    assert_eq!(response.offending_elements, [Tag::SOP_INSTANCE_UID]);
    assert_eq!(response.error_comment.as_deref(), Some("data set and command differ"));
}

#[test]
fn http_answers_become_c_store_statuses() {
    let cases = [
        (400, 0xC000),
        (401, 0x0124),
        (403, 0x0124),
        (404, 0x0110),
        (405, 0x0110),
        (406, 0xC122),
        (408, 0xA700),
        (409, 0x0110),
        (413, 0xA700),
        (415, 0xC122),
        (424, 0xA700),
        (425, 0xA700),
        (429, 0xA700),
        (500, 0xA700),
        (501, 0x0110),
        (502, 0xA700),
        (503, 0xA700),
        (504, 0xA700),
        (507, 0xA700),
    ];
    for (http, dimse) in cases {
        let error = dicomweb::Error::Refused {
            status: StatusCode::from_u16(http).unwrap(),
            retry_after: None,
            credentials_changed: false,
        };
        let refusal = Refusal::Destination(DestinationRefusal::Request(error));
        assert_eq!(of_refusal(&refusal).0, Status(dimse), "{http}");
    }
}

#[test]
fn a_destination_out_of_reach_is_a_lack_of_resources() {
    let errors = [
        dicomweb::Error::Connect("refused".into()),
        dicomweb::Error::Timeout(Wait::Answer),
        dicomweb::Error::Interrupted("reset".into()),
        // The next request goes with another token.
        dicomweb::Error::Refused {
            status: StatusCode::UNAUTHORIZED,
            retry_after: None,
            credentials_changed: true,
        },
    ];
    for error in errors {
        let (status, _) = of_refusal(&Refusal::Destination(DestinationRefusal::Request(error)));
        assert_eq!(status, Status(0xA700));
    }
}

#[test]
fn without_a_token_it_is_said_whose_fault_that_is() {
    use dicomweb::auth::{TokenError, TokenFault};
    let faults = [
        (TokenFault::Unreachable("refused".to_owned()), 0xA700, "the token end point gives no token"),
        (TokenFault::OwnProof("no file".to_owned()), 0x0124, "the token end point refuses our credentials"),
    ];
    for (fault, expected, comment) in faults {
        let error = dicomweb::Error::Token(TokenError { end_point: "https://h/token".to_owned(), fault });
        let refusal = Refusal::Destination(DestinationRefusal::Request(error));
        assert_eq!(of_refusal(&refusal), (Status(expected), comment));
    }
}

#[test]
fn failure_reasons_pass_when_they_are_statuses_of_c_store() {
    let cases = [
        // Warnings: to pass them on would tell the peer that the instance is stored.
        (Some(0x0107), 0x0110),
        (Some(0x0116), 0x0110),
        (Some(0xA700), 0xA700),
        (Some(0xA7FF), 0xA7FF),
        (Some(0xA900), 0xA900),
        (Some(0xC000), 0xC000),
        (Some(0xC122), 0xC122),
        (Some(0x0110), 0x0110),
        (Some(0x0122), 0x0122),
        (Some(0x0124), 0x0124),
        (Some(0x0001), 0x0110),
        (Some(0xA901), 0xA901),
        (Some(0xB000), 0x0110),
        (Some(0xB007), 0x0110),
        // Codes of Azure's own (duplicate, being created), which look like warnings.
        (Some(0xB00E), 0x0110),
        (Some(0xB00F), 0x0110),
        (Some(0x0000), 0x0110),
        (Some(0xFF00), 0x0110),
        (Some(0xFE00), 0x0110),
        (None, 0x0110),
    ];
    for (reason, status) in cases {
        assert_eq!(of_failure_reason(reason).0, Status(status), "{reason:04X?}");
    }
}

#[test]
fn labels_are_bounded() {
    let labels: std::collections::BTreeSet<_> = (0..=u16::MAX).map(|code| label(Status(code))).collect();
    assert_eq!(labels.len(), 21);
}
