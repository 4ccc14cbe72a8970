//! Statuses of C-FIND (PS3.4 §C.4.1.1.4).

use dicomweb::{Error, Remedy};
use dimse::{Status, command::Response};

use crate::service::query::{QueryError, RequestError};

/// Refused: out of resources (PS3.4 §C.4.1.1.4).
const OUT_OF_RESOURCES: Status = Status(0xA700);
/// Error: the identifier does not match the SOP Class (PS3.4 §C.4.1.1.4).
const IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS: Status = Status(0xA900);
/// Failed: unable to process (PS3.4 §C.4.1.1.4, Cxxx).
const UNABLE_TO_PROCESS: Status = Status(0xC000);
/// The same, because the origin refused the search that was made of the identifier.
const SEARCH_REFUSED: Status = Status(0xC001);
/// The same, because the origin has no such search.
const SEARCH_ABSENT: Status = Status(0xC002);

/// Fills a response to a request whose identifier cannot be answered.
pub(crate) fn request_refused(response: Response, error: &RequestError) -> Response {
    let response = Response { status: IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS, ..response };
    let response = response.error_comment(&error.to_string());
    match error.offending() {
        Some(tag) => response.offending_element(tag),
        None => response,
    }
}

/// Fills the final response to a query that did not come to its end.
pub(crate) fn query_failed(response: Response, error: &QueryError) -> Response {
    let (status, comment) = of_query(error);
    Response { status, ..response }.error_comment(&comment)
}

/// The status that the end of a query has, and what to say with it, in at most 64 characters.
pub(crate) fn of_query(error: &QueryError) -> (Status, String) {
    match error {
        QueryError::NoOrigin => (UNABLE_TO_PROCESS, "no archive is configured for queries".to_owned()),
        QueryError::TooManyResults(max) => {
            (OUT_OF_RESOURCES, format!("more than {max} results, ask for less"))
        }
        QueryError::TooManyRows(max) => {
            (OUT_OF_RESOURCES, format!("more than {max} rows to look at, narrow the query"))
        }
        QueryError::TooManyRequests(max) => {
            (OUT_OF_RESOURCES, format!("more than {max} searches needed, narrow the query"))
        }
        QueryError::TooManyPatients(max) => {
            (OUT_OF_RESOURCES, format!("more than {max} patients to ask for, narrow the query"))
        }
        QueryError::TooManyPending(max) => {
            (OUT_OF_RESOURCES, format!("more than {max} undelivered instances, narrow it"))
        }
        QueryError::Spool(_) => (OUT_OF_RESOURCES, "storage is not available".to_owned()),
        QueryError::Origin { source, .. } => {
            let (status, comment) = of_origin(source);
            (status, comment.to_owned())
        }
        QueryError::Orders { source, .. } => {
            let (status, comment) = of_orders(source);
            (status, comment.to_owned())
        }
    }
}

/// What an answer of PostDICOM's own end points to a list of orders means.
fn of_orders(error: &postdicom::Error) -> (Status, &'static str) {
    use postdicom::{Error, Remedy, SideEffect, Unreadable};
    const REFUSES: (Status, &str) = (Status::NOT_AUTHORIZED, "the archive refuses to list its orders");
    match (error, error.remedy(SideEffect::None)) {
        (Error::Unreadable(Unreadable::TooLarge), _) => {
            (OUT_OF_RESOURCES, "too many orders for one list, narrow the query")
        }
        (Error::NoTurn(_), _) => (OUT_OF_RESOURCES, "no turn within `rate_limit` for the list of orders"),
        (Error::Unreadable(Unreadable::Html), _) => REFUSES,
        (Error::Unreadable(_), _) => (UNABLE_TO_PROCESS, "the list of orders cannot be read"),
        (_, Remedy::Retry { .. } | Remedy::OutcomeUnknown) => {
            (OUT_OF_RESOURCES, "the archive does not list its orders now")
        }
        (_, Remedy::FixCredentials) => REFUSES,
        (_, Remedy::Reject) => (SEARCH_REFUSED, "the archive refused the list of orders"),
    }
}

/// What an origin's answer to a search means (PS3.18 §8.5, §10.6.3.1). The comment tells whose fault it
/// is and holds nothing that the origin wrote.
fn of_origin(error: &Error) -> (Status, &'static str) {
    const UNAVAILABLE: (Status, &str) = (OUT_OF_RESOURCES, "the archive is not available");
    match error {
        Error::Refused { status, credentials_changed: false, .. } => match status.as_u16() {
            400 => (SEARCH_REFUSED, "the archive refused the search"),
            401 | 403 => (Status::NOT_AUTHORIZED, "the archive refuses our credentials"),
            404 | 405 | 501 => (SEARCH_ABSENT, "the archive has no such search"),
            413 => (OUT_OF_RESOURCES, "too many results for the archive, narrow the query"),
            408 | 425 | 429 | 500 | 502..=504 => UNAVAILABLE,
            _ => (UNABLE_TO_PROCESS, "the archive did not answer the search"),
        },
        Error::Token(error) => super::of_token(error),
        Error::TooManyRows(_) | Error::Incomplete => {
            (OUT_OF_RESOURCES, "the archive does not give all results")
        }
        Error::Unreadable(_) => (UNABLE_TO_PROCESS, "the archive's answer cannot be read"),
        Error::Profile(_) => (SEARCH_ABSENT, "the archive has no such search"),
        error => match error.remedy() {
            Remedy::Retry { .. } | Remedy::Unknown => UNAVAILABLE,
            Remedy::FixCredentials => (Status::NOT_AUTHORIZED, "the archive refuses our credentials"),
            Remedy::Reject => (UNABLE_TO_PROCESS, "the archive did not answer the search"),
        },
    }
}

#[cfg(test)]
mod tests;
