//! What every failure means to a DIMSE peer: the only place that turns errors into statuses.
//!
//! Statuses are those of PS3.4 §B.2.3 for C-STORE and of PS3.7 §C for every operation. The Error
//! Comment is bland: no paths, no addresses, nothing that an origin wrote, nothing about a patient.
//! What happened is in the log.

mod performed_procedure;
mod query;
mod retrieve;
mod worklist;

use dicomweb::{Remedy, auth::TokenError};
use dimse::{Category, Status, command::Response};

use crate::service::{DestinationRefusal, Refusal};

pub(crate) use self::{
    performed_procedure::performed_procedure_failed,
    query::{query_failed, request_refused},
    retrieve::{retrieve_refused, sub_operations_ended},
    worklist::{worklist_failed, worklist_request_refused},
};

/// The status that a refusal has, and what to say with it. Comments fit the 64 characters of
/// (0000,0902).
#[must_use]
pub fn of_refusal(refusal: &Refusal) -> (Status, &'static str) {
    match refusal {
        Refusal::UnrecognizedOperation => {
            (Status::UNRECOGNIZED_OPERATION, "not an operation of this service")
        }
        Refusal::DuplicateInvocation => (Status::DUPLICATE_INVOCATION, "the message id is in use"),
        Refusal::NoDataSet => (Status::MISTYPED_ARGUMENT, "a data set must follow"),
        Refusal::ArgumentUnusable(_) => {
            (Status::MISTYPED_ARGUMENT, "element of the command missing or unusable")
        }
        Refusal::SopClassNotOfContext => {
            (Status::SOP_CLASS_NOT_SUPPORTED, "SOP class is not that of the presentation context")
        }
        Refusal::IdentifierTooLong => (Status::CANNOT_UNDERSTAND, "the identifier is too long"),
        Refusal::TooManyOperations => (Status::RESOURCE_LIMITATION, "too many operations at once"),
        Refusal::Stopping => (Status::RESOURCE_LIMITATION, "the service is stopping"),
        Refusal::NotAllowed => (Status::NOT_AUTHORIZED, "not allowed for this AE title"),
        Refusal::Unrouted => (Status::PROCESSING_FAILURE, "no route for this instance"),
        Refusal::IdentityUnusable(_) => {
            (Status::DATA_SET_DOES_NOT_MATCH_SOP_CLASS, "identifying attribute missing or not a UID")
        }
        Refusal::IdentityDiffers(_) => {
            (Status::DATA_SET_DOES_NOT_MATCH_SOP_CLASS, "data set and command differ")
        }
        Refusal::Unreadable(_) => (Status::CANNOT_UNDERSTAND, "the data set cannot be read"),
        Refusal::Spool(error) => of_spool(error),
        Refusal::Destination(refusal) => of_destination(refusal),
    }
}

/// Fills a response with the status of a refusal, its comment and its offending element.
#[must_use]
pub fn refused(response: Response, refusal: &Refusal) -> Response {
    let (status, comment) = of_refusal(refusal);
    let response = Response { status, ..response }.error_comment(comment);
    match refusal {
        Refusal::ArgumentUnusable(tag) | Refusal::IdentityUnusable(tag) | Refusal::IdentityDiffers(tag) => {
            response.offending_element(*tag)
        }
        _ => response,
    }
}

/// Everything that the spool cannot do now and may do later is a lack of resources, so that a peer
/// sends the instance again.
fn of_spool(error: &spool::Error) -> (Status, &'static str) {
    use spool::Error;
    match error {
        Error::Full { .. } => (Status::OUT_OF_RESOURCES, "no room for this instance"),
        Error::Refused(_)
        | Error::Io(_)
        | Error::Index(_)
        | Error::IndexDamaged(_)
        | Error::Closed
        | Error::Locked { .. } => (Status::OUT_OF_RESOURCES, "storage is not available"),
        Error::TooLarge { .. } => (Status::CANNOT_UNDERSTAND, "an attribute is too long"),
        // Neither of these is an answer to the acceptance of an instance; should they become one, it
        // is a fault of ours. The list of the spool is open, so the rest is that too.
        Error::Corrupt { .. }
        | Error::StaleToken
        | Error::NotFound(_)
        | Error::PayloadGone(_)
        | Error::Range { .. }
        | Error::Conflict { .. }
        | Error::State { .. }
        | Error::Unsupported(_)
        | _ => (Status::PROCESSING_FAILURE, "internal error"),
    }
}

fn of_destination(refusal: &DestinationRefusal) -> (Status, &'static str) {
    match refusal {
        DestinationRefusal::Request(error) => of_request(error),
        DestinationRefusal::Instance { failure_reason } => of_failure_reason(*failure_reason),
        DestinationRefusal::Busy(_) => {
            (Status::OUT_OF_RESOURCES, "the destination cannot take the instance now")
        }
        DestinationRefusal::Duplicate => {
            (Status::DUPLICATE_SOP_INSTANCE, "another instance of this UID is stored")
        }
        DestinationRefusal::OutcomeUnknown => (Status::OUT_OF_RESOURCES, "the destination did not confirm"),
        DestinationRefusal::NotInTime => {
            (Status::OUT_OF_RESOURCES, "the destination did not confirm in time")
        }
        DestinationRefusal::Held(_) => (Status::PROCESSING_FAILURE, "the destination refused the instance"),
    }
}

/// A Failure Reason (0008,1197) is a C-STORE status where it lies in the ranges of PS3.4 §B.2.3 and
/// PS3.7 §C (PS3.18 §I.2.2); it is passed on then. A code that PS3.7 §C lists as a warning is not: it
/// would tell the peer that the instance is stored.
#[must_use]
pub fn of_failure_reason(failure_reason: Option<u16>) -> (Status, &'static str) {
    const COMMENT: &str = "the destination refused the instance";
    match failure_reason {
        Some(
            code @ (0x0105..=0x0124 | 0x0210..=0x0213 | 0xA700..=0xA7FF | 0xA900..=0xA9FF | 0xC000..=0xCFFF),
        ) if Status(code).category() == Category::Failure => (Status(code), COMMENT),
        _ => (Status::PROCESSING_FAILURE, COMMENT),
    }
}

/// An answer for the whole request. The instance travelled alone, so it concerns that instance.
fn of_request(error: &dicomweb::Error) -> (Status, &'static str) {
    // Where the token has changed since, 401 says nothing about the next request.
    if let dicomweb::Error::Refused { status, credentials_changed: false, .. } = error {
        return of_http(status.as_u16());
    }
    if let dicomweb::Error::Token(error) = error {
        return of_token(error);
    }
    match error.remedy() {
        Remedy::Retry { .. } | Remedy::Unknown => {
            (Status::OUT_OF_RESOURCES, "the destination is not available")
        }
        Remedy::FixCredentials => (Status::NOT_AUTHORIZED, "the destination refuses our credentials"),
        Remedy::Reject => (Status::PROCESSING_FAILURE, "the destination refused the request"),
    }
}

/// There is no token, so nothing was sent.
pub(super) fn of_token(error: &TokenError) -> (Status, &'static str) {
    match error.remedy() {
        Remedy::FixCredentials => (Status::NOT_AUTHORIZED, "the token end point refuses our credentials"),
        Remedy::Retry { .. } | Remedy::Reject | Remedy::Unknown => {
            (Status::OUT_OF_RESOURCES, "the token end point gives no token")
        }
    }
}

/// What an HTTP status without a response data set means (PS3.18 §8.5, §10.5.3.1).
fn of_http(status: u16) -> (Status, &'static str) {
    /// Referenced transfer syntax not supported (PS3.18 §I.2.2).
    const TRANSFER_SYNTAX: Status = Status(0xC122);
    match status {
        400 => (Status::CANNOT_UNDERSTAND, "the destination cannot read the instance"),
        401 | 403 => (Status::NOT_AUTHORIZED, "the destination refuses our credentials"),
        406 | 415 => (TRANSFER_SYNTAX, "the destination does not take the transfer syntax"),
        413 | 507 => (Status::OUT_OF_RESOURCES, "too large for the destination"),
        408 | 424 | 425 | 429 | 500 | 502..=504 => {
            (Status::OUT_OF_RESOURCES, "the destination is not available")
        }
        _ => (Status::PROCESSING_FAILURE, "the destination refused the request"),
    }
}

/// The label of a status in metrics: those that this file gives by name, others by their range, so
/// that an origin cannot make series without end.
#[must_use]
pub fn label(status: Status) -> &'static str {
    match status.0 {
        0x0000 => "0000",
        0x0110 => "0110",
        0x0111 => "0111",
        0x0122 => "0122",
        0x0124 => "0124",
        0x0210 => "0210",
        0x0211 => "0211",
        0x0212 => "0212",
        0x0213 => "0213",
        0xA701 => "A701",
        0xA702 => "A702",
        0xA700..=0xA7FF => "A700",
        0xA801 => "A801",
        0xA900..=0xA9FF => "A900",
        0xB000..=0xBFFF => "Bxxx",
        0xC122 => "C122",
        0xC000..=0xCFFF => "C000",
        0xFE00 => "FE00",
        0xFF00 => "FF00",
        0xFF01 => "FF01",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
