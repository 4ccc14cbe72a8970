use axum::http::StatusCode;
use dicomweb::error::{Unreadable, Wait};
use instance::Tag;

use super::*;
use crate::service::query::level::Level;

fn origin(source: Error) -> QueryError {
    QueryError::Origin { origin: "archive".into(), source }
}

/// The answer of a token end point that gives none.
fn no_token(status: u16) -> Error {
    use dicomweb::auth::{TokenError, TokenFault};
    let status = StatusCode::from_u16(status).unwrap();
    let fault = TokenFault::Refused { status, code: None, retry_after: None };
    Error::Token(TokenError { end_point: "https://h/token".to_owned(), fault })
}

fn orders(source: postdicom::Error) -> QueryError {
    QueryError::Orders { origin: "archive".into(), source }
}

fn orders_refused(status: u16) -> QueryError {
    let status = StatusCode::from_u16(status).unwrap();
    orders(postdicom::Error::Refused { status, reason: None, retry_after: None })
}

fn orders_unreadable(why: postdicom::Unreadable) -> QueryError {
    orders(postdicom::Error::Unreadable(why))
}

fn refused(status: u16) -> QueryError {
    let status = StatusCode::from_u16(status).unwrap();
    origin(Error::Refused { status, retry_after: None, credentials_changed: false })
}

/// Rows of PS3.4 §C.4.1.1.4 (Table C.4-1) and PS3.7 §C, in words, with what ends there.
#[test]
fn every_end_of_a_query_has_the_status_of_the_standard() {
    let broken = || dicomweb::BoxError::from("broken");
    let rows: Vec<(&str, u16, Vec<QueryError>)> = vec![
        (
            "Refused: Out of resources, A700",
            0xA700,
            vec![
                QueryError::TooManyResults(100_000),
                QueryError::TooManyRows(1_000_000),
                QueryError::TooManyRequests(10_000),
                QueryError::TooManyPatients(500),
                QueryError::TooManyPending(100_000),
                orders_refused(500),
                orders_refused(429),
                orders(postdicom::Error::Timeout),
                orders(postdicom::Error::NoTurn(std::time::Duration::from_secs(30))),
                orders_unreadable(postdicom::Unreadable::TooLarge),
                QueryError::Spool(spool::Error::Closed),
                refused(408),
                refused(413),
                refused(429),
                refused(500),
                refused(503),
                refused(504),
                origin(Error::Connect(broken())),
                origin(no_token(503)),
                origin(Error::Timeout(Wait::Answer)),
                origin(Error::Timeout(Wait::Turn)),
                origin(Error::Interrupted(broken())),
                origin(Error::Incomplete),
            ],
        ),
        (
            "Refused: Not authorized, 0124",
            0x0124,
            vec![
                refused(401),
                refused(403),
                origin(no_token(401)),
                orders_refused(401),
                orders_refused(404),
                orders_unreadable(postdicom::Unreadable::Html),
            ],
        ),
        (
            "Failed: Unable to process, Cxxx",
            0xC000,
            vec![
                QueryError::NoOrigin,
                refused(409),
                refused(302),
                origin(Error::Unreadable(Unreadable::Malformed)),
                orders_unreadable(postdicom::Unreadable::NotJson),
            ],
        ),
        (
            "the same, the search was refused",
            0xC001,
            vec![refused(400), orders_refused(400), orders(postdicom::Error::Failed { reason: None })],
        ),
        (
            "the same, there is no such search",
            0xC002,
            vec![refused(404), refused(501), origin(Error::Profile("no"))],
        ),
    ];
    for (row, status, errors) in rows {
        for error in errors {
            let (got, comment) = of_query(&error);
            assert_eq!(got, Status(status), "{row}: {error}");
            assert!(!comment.is_empty() && comment.len() <= Response::ERROR_COMMENT_LENGTH_MAX, "{comment}");
        }
    }
}

#[test]
fn an_identifier_that_does_not_match_is_answered_with_its_element() {
    let response = Response::new(dimse::command::Operation::CFind, 1, Status::SUCCESS);
    let response = request_refused(response, &RequestError::KeyMissing(Level::Study));
    assert_eq!(response.status, Status(0xA900));
    assert_eq!(response.offending_elements, [Tag::STUDY_INSTANCE_UID]);
    assert_eq!(response.error_comment.as_deref(), Some("Study Instance UID (0020,000D) is needed"));
}
