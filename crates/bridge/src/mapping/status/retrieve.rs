//! Statuses of C-MOVE and C-GET (PS3.4 §C.4.2.1.5, §C.4.3.1.4).

use dimse::{Status, command::Response};

use super::query::of_query;
use crate::service::retrieve::{Cause, RetrieveRefusal};

/// Refused: out of resources, unable to calculate number of matches.
const UNABLE_TO_CALCULATE_NUMBER_OF_MATCHES: Status = Status(0xA701);
/// Refused: out of resources, unable to perform sub-operations.
const UNABLE_TO_PERFORM_SUB_OPERATIONS: Status = Status(0xA702);
/// Refused: move destination unknown (C-MOVE only).
const MOVE_DESTINATION_UNKNOWN: Status = Status(0xA801);
/// Error: the identifier does not match the SOP Class.
const IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS: Status = Status(0xA900);
/// Warning: sub-operations complete, one or more failures or warnings.
const SUB_OPERATIONS_COMPLETE_WITH_FAILURES: Status = Status(0xB000);

/// Fills the final response to a retrieve that was not begun.
pub(crate) fn retrieve_refused(response: Response, refusal: &RetrieveRefusal) -> Response {
    let (status, comment) = of_retrieve_refusal(refusal);
    let response = Response { status, ..response }.error_comment(&comment);
    match refusal {
        RetrieveRefusal::Keys(error) => match error.offending() {
            Some(tag) => response.offending_element(tag),
            None => response,
        },
        _ => response,
    }
}

fn of_retrieve_refusal(refusal: &RetrieveRefusal) -> (Status, String) {
    match refusal {
        RetrieveRefusal::Keys(error) => (IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS, error.to_string()),
        RetrieveRefusal::DestinationUnknown => {
            (MOVE_DESTINATION_UNKNOWN, "the move destination is not configured".to_owned())
        }
        RetrieveRefusal::Listing(error) => match of_query(error) {
            (Status::NOT_AUTHORIZED, comment) => (Status::NOT_AUTHORIZED, comment),
            (_, comment) => (UNABLE_TO_CALCULATE_NUMBER_OF_MATCHES, comment),
        },
        RetrieveRefusal::TooManyInstances(max) => {
            (UNABLE_TO_CALCULATE_NUMBER_OF_MATCHES, format!("more than {max} instances, ask for less"))
        }
    }
}

/// The final status once no sub-operation remains, and what to say where none succeeded. It is a
/// warning also where all of them succeeded and one with a warning, and a failure only where none
/// succeeded (PS3.4 §C.4.2.1.5).
pub(crate) const fn sub_operations_ended(
    completed: usize,
    warning: usize,
    failed: usize,
    cause: Cause,
) -> (Status, Option<&'static str>) {
    match (completed + warning, warning, failed) {
        (_, 0, 0) => (Status::SUCCESS, None),
        (0, _, _) => {
            let (status, comment) = of_cause(cause);
            (status, Some(comment))
        }
        _ => (SUB_OPERATIONS_COMPLETE_WITH_FAILURES, None),
    }
}

const fn of_cause(cause: Cause) -> (Status, &'static str) {
    const UNABLE: Status = UNABLE_TO_PERFORM_SUB_OPERATIONS;
    match cause {
        Cause::Unauthorized => (Status::NOT_AUTHORIZED, "the archive refuses our credentials"),
        Cause::Origin => (UNABLE, "the archive does not give the instances"),
        Cause::NoAssociation => (UNABLE, "the destination takes no association"),
        Cause::Recipient => (UNABLE, "the recipient does not answer or ends its associations"),
        Cause::Refused => (UNABLE, "the recipient refuses the instances"),
        Cause::NotAccepted => (UNABLE, "no presentation context accepted for the instances"),
    }
}

#[cfg(test)]
mod tests;
