use instance::Tag;

use super::*;
use crate::service::{query::QueryError, retrieve::KeyError};

fn origin(status: u16) -> RetrieveRefusal {
    let status = status.try_into().unwrap();
    let source = dicomweb::Error::Refused { status, retry_after: None, credentials_changed: false };
    QueryError::Origin { origin: "archive".to_owned(), source }.into()
}

/// PS3.4 §C.4.2.1.5 and §C.4.3.1.4: what is refused before any sub-operation.
#[test]
fn refusals_have_the_status_of_the_table() {
    let rows: [(RetrieveRefusal, u16, Option<Tag>); 13] = [
        (RetrieveRefusal::DestinationUnknown, 0xA801, None),
        (KeyError::Level.into(), 0xA900, Some(Tag(0x0008, 0x0052))),
        (KeyError::Missing(Tag::PATIENT_ID).into(), 0xA900, Some(Tag::PATIENT_ID)),
        (KeyError::NotUid(Tag::STUDY_INSTANCE_UID).into(), 0xA900, Some(Tag::STUDY_INSTANCE_UID)),
        (RetrieveRefusal::TooManyInstances(100_000), 0xA701, None),
        (QueryError::NoOrigin.into(), 0xA701, None),
        (QueryError::TooManyRows(1_000_000).into(), 0xA701, None),
        (origin(400), 0xA701, None),
        (origin(401), 0x0124, None),
        (origin(403), 0x0124, None),
        (origin(413), 0xA701, None),
        (origin(429), 0xA701, None),
        (origin(503), 0xA701, None),
    ];
    for (refusal, status, offending) in rows {
        let response = Response::new(dimse::command::Operation::CMove, 1, Status::SUCCESS);
        let response = retrieve_refused(response, &refusal);
        assert_eq!(response.status, Status(status), "{refusal}");
        assert_eq!(response.offending_elements.first().copied(), offending, "{refusal}");
        assert!(response.error_comment.is_some_and(|comment| comment.len() > 10), "{refusal}");
        let (_, comment) = of_retrieve_refusal(&refusal);
        assert!(comment.len() <= Response::ERROR_COMMENT_LENGTH_MAX, "{comment}");
    }
}

/// PS3.4 §C.4.2.1.5: completed, warning and failed sub-operations, and the status.
#[test]
fn the_end_has_the_status_of_the_table() {
    let rows = [
        ((0, 0, 0), 0x0000),
        ((3, 0, 0), 0x0000),
        ((2, 1, 0), 0xB000),
        ((0, 3, 0), 0xB000),
        ((2, 0, 1), 0xB000),
        ((1, 1, 1), 0xB000),
        ((0, 1, 2), 0xB000),
        ((0, 0, 3), 0xA702),
    ];
    for ((completed, warning, failed), status) in rows {
        let (ended, comment) = sub_operations_ended(completed, warning, failed, Cause::Origin);
        assert_eq!(ended, Status(status), "{completed} {warning} {failed}");
        assert_eq!(comment.is_some(), status == 0xA702);
    }
    let causes = [
        (Cause::Unauthorized, 0x0124),
        (Cause::Origin, 0xA702),
        (Cause::NoAssociation, 0xA702),
        (Cause::Recipient, 0xA702),
        (Cause::Refused, 0xA702),
        (Cause::NotAccepted, 0xA702),
    ];
    for (cause, status) in causes {
        let (ended, comment) = sub_operations_ended(0, 0, 1, cause);
        assert_eq!(ended, Status(status), "{cause:?}");
        assert!(comment.is_some_and(|comment| comment.len() <= Response::ERROR_COMMENT_LENGTH_MAX));
    }
    assert_eq!(sub_operations_ended(1, 0, 1, Cause::Unauthorized), (Status(0xB000), None));
}
