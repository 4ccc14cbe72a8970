//! Refusals in the form of AWS: a status, the kind of error in a header field, a message.

use axum::{
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No Authorization header field.
    NoSignature,
    /// One that lacks something, or a header field that ought to be signed and is not.
    Incomplete(&'static str),
    /// An access key that nobody has.
    UnknownKey,
    /// A session that has ended.
    Expired,
    /// A signature of another moment, region or service.
    OutOfScope(&'static str),
    /// A signature that is wrong.
    NoMatch,
    /// A body that is not what its header fields say.
    Body(&'static str),
    /// A body of more bytes than are taken.
    TooLarge,
}

impl Fault {
    const fn kind(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NoSignature => {
                (StatusCode::FORBIDDEN, "MissingAuthenticationTokenException", "the request is not signed")
            }
            Self::Incomplete(why) => (StatusCode::BAD_REQUEST, "IncompleteSignatureException", why),
            Self::UnknownKey => {
                (StatusCode::FORBIDDEN, "UnrecognizedClientException", "the access key is not known")
            }
            Self::Expired => (StatusCode::FORBIDDEN, "ExpiredTokenException", "the session has ended"),
            Self::OutOfScope(why) => (StatusCode::FORBIDDEN, "InvalidSignatureException", why),
            Self::NoMatch => {
                (StatusCode::FORBIDDEN, "InvalidSignatureException", "the signature does not match")
            }
            Self::Body(why) => (StatusCode::BAD_REQUEST, "ValidationException", why),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "ValidationException", "the request has too many bytes")
            }
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, kind, message) = self.kind();
        let headers = [(header::CONTENT_TYPE, "application/json"), (ERROR_TYPE, kind)];
        (status, headers, json!({ "message": message }).to_string()).into_response()
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind().2)
    }
}

impl std::error::Error for Fault {}
