//! Tokens of limited life: what those who give them answer, and why there is none.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::authorization::bearer;
use crate::error::{Remedy, Unreadable};

/// Life of a token whose answer does not say how long it is good, which it need not (RFC 6749 §5.1). 5 minutes:
/// shorter than any that is common, and one that is refused is replaced anyway.
const LIFE_UNSAID: Duration = Duration::from_secs(5 * 60);

/// The longest life that is believed. 24 h: longer ones gain nothing.
const LIFE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Why there is no token. No message holds anything that the end point wrote.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no token from {end_point}: {fault}")]
pub struct TokenError {
    /// The URL that was asked, without parameters.
    pub end_point: String,
    /// What was wrong.
    pub fault: TokenFault,
}

/// What was wrong with a request for a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// No connection was made, or it broke.
    #[error("{0}")]
    Unreachable(String),
    /// The answer was not there in time.
    #[error("no answer in {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// The answer refuses.
    #[error("it answered {status}{}", .code.map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused {
        /// The status.
        status: StatusCode,
        /// The error code, where it is one of those defined (RFC 6749 §5.2).
        code: Option<&'static str>,
        /// Retry-After, if given.
        retry_after: Option<Duration>,
    },
    /// The answer holds no token.
    #[error("its answer cannot be read: {0}")]
    Unreadable(Unreadable),
    /// What the token is asked for with cannot be had or used: a file, a key.
    #[error("{0}")]
    OwnProof(String),
}

/// A token as it is held at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenState {
    /// The URL that it came from, without parameters.
    pub end_point: String,
    /// How long it is good in all.
    pub life: Duration,
    /// How long it is good from now on.
    pub rest: Duration,
}

/// What became of one request for a token.
#[derive(Debug)]
pub struct TokenRequest<'a> {
    /// How long it took.
    pub took: Duration,
    /// How long the token is good, or why there is none.
    pub outcome: Result<Duration, &'a TokenError>,
}

/// Who is told of every request for a token.
#[derive(Clone)]
pub struct TokenObserver(Arc<dyn Fn(&TokenRequest<'_>) + Send + Sync>);

/// A token, and how long it is good from the moment on at which it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granted<T = HeaderValue> {
    pub(super) token: T,
    pub(super) life: Duration,
}

/// An access token (RFC 6749 §5.1), with the time of Azure's own services beside the standard one.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Seconds>,
    /// Seconds since 1970.
    expires_on: Option<Seconds>,
}

/// A number, or one in quotation marks, as Azure's own services write it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

/// An error (RFC 6749 §5.2).
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// Error codes that are repeated: those of RFC 6749 §5.2, RFC 6749 §4.1.2.1 and RFC 8707 §2.
const CODES: [&str; 10] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
    "server_error",
    "temporarily_unavailable",
    "invalid_target",
];

impl TokenError {
    /// What can be done about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match &self.fault {
            TokenFault::Unreachable(_) | TokenFault::Silent(_) | TokenFault::Unreadable(_) => {
                Remedy::Retry { after: None }
            }
            TokenFault::Refused {
                code: Some("server_error" | "temporarily_unavailable"),
                retry_after,
                ..
            } => Remedy::Retry { after: *retry_after },
            TokenFault::Refused { status, retry_after, .. } => match status.as_u16() {
                408 | 425 | 429 | 500.. => Remedy::Retry { after: *retry_after },
                _ => Remedy::FixCredentials,
            },
            TokenFault::OwnProof(_) => Remedy::FixCredentials,
        }
    }
}

impl TokenObserver {
    /// Tells of each request, at its end.
    pub fn new(observer: impl Fn(&TokenRequest<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observer))
    }

    pub(super) fn tell(&self, request: &TokenRequest<'_>) {
        (self.0)(request);
    }
}

impl fmt::Debug for TokenObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenObserver")
    }
}

impl Granted {
    /// Reads the answer to a request for a token; `now` is the time at which it was read.
    pub(super) fn read(body: &[u8], now: SystemTime) -> Result<Self, Unreadable> {
        if body.trim_ascii().is_empty() {
            return Err(Unreadable::Empty);
        }
        let answer: Answer = serde_json::from_slice(body).map_err(|_| Unreadable::Malformed)?;
        let kind = answer.token_type.as_deref().unwrap_or("Bearer");
        let token = answer.access_token.trim();
        if !kind.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(Unreadable::Malformed);
        }
        let token = bearer(token).map_err(|_| Unreadable::Malformed)?;
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let life = match (answer.expires_in, answer.expires_on) {
            (Some(seconds), _) => seconds.read()?,
            (None, Some(end)) => end.read()?.saturating_sub(since_1970),
            (None, None) => LIFE_UNSAID,
        };
        Ok(Self { token, life: life.min(LIFE_MAX) })
    }
}

impl Seconds {
    fn read(&self) -> Result<Duration, Unreadable> {
        let seconds = match self {
            Self::Number(seconds) => *seconds,
            Self::Text(text) => text.trim().parse().map_err(|_| Unreadable::Malformed)?,
        };
        Duration::try_from_secs_f64(seconds).map_err(|_| Unreadable::Malformed)
    }
}

/// The code of an error answer, where it is a defined one.
pub(super) fn code(body: &[u8]) -> Option<&'static str> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    CODES.into_iter().find(|code| *code == refusal.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_long_a_token_is_good() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let cases = [
            (r#"{"access_token":"t","token_type":"Bearer","expires_in":3599}"#, 3599),
            (r#"{"access_token":"t","token_type":"bearer","expires_in":"3599","expires_on":"1"}"#, 3599),
            (r#"{"access_token":"t","expires_on":"1000060"}"#, 60),
            (r#"{"access_token":"t","expires_on":999999}"#, 0),
            (r#"{"access_token":" t ","scope":"a b","ext_expires_in":1}"#, 300),
            (r#"{"access_token":"t","expires_in":9e9}"#, 86_400),
        ];
        for (body, seconds) in cases {
            let granted = Granted::read(body.as_bytes(), now).unwrap();
            assert_eq!(granted.token, "Bearer t");
            assert!(granted.token.is_sensitive());
            assert_eq!(granted.life, Duration::from_secs(seconds), "{body}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let cases = [
            ("", Unreadable::Empty),
            (" \n", Unreadable::Empty),
            ("<html>", Unreadable::Malformed),
            ("{}", Unreadable::Malformed),
            (r#"{"access_token":""}"#, Unreadable::Malformed),
            (r#"{"access_token":"a\nb"}"#, Unreadable::Malformed),
            (r#"{"access_token":"t","token_type":"mac"}"#, Unreadable::Malformed),
            (r#"{"access_token":"t","expires_in":-1}"#, Unreadable::Malformed),
            (r#"{"access_token":"t","expires_in":"soon"}"#, Unreadable::Malformed),
        ];
        for (body, reason) in cases {
            assert_eq!(Granted::read(body.as_bytes(), SystemTime::now()), Err(reason), "{body}");
        }
    }

    #[test]
    fn only_defined_codes_are_repeated() {
        assert_eq!(code(br#"{"error":"invalid_client","error_description":"x"}"#), Some("invalid_client"));
        for body in [r#"{"error":"Jane Doe"}"#, r#"{"error":{"code":1}}"#, "invalid_client", ""] {
            assert_eq!(code(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn faults_have_their_remedies() {
        const MINUTE: Option<Duration> = Some(Duration::from_secs(60));
        let refused = |status: u16, code, retry_after| TokenFault::Refused {
            status: StatusCode::from_u16(status).unwrap(),
            code,
            retry_after,
        };
        let cases = [
            (TokenFault::Unreachable("refused".to_owned()), Remedy::Retry { after: None }),
            (TokenFault::Silent(Duration::from_secs(10)), Remedy::Retry { after: None }),
            (TokenFault::Unreadable(Unreadable::Html), Remedy::Retry { after: None }),
            (refused(503, None, MINUTE), Remedy::Retry { after: MINUTE }),
            (refused(429, None, None), Remedy::Retry { after: None }),
            (refused(400, Some("temporarily_unavailable"), None), Remedy::Retry { after: None }),
            (refused(400, Some("invalid_client"), None), Remedy::FixCredentials),
            (refused(401, None, None), Remedy::FixCredentials),
            (refused(302, None, None), Remedy::FixCredentials),
            (TokenFault::OwnProof("no file".to_owned()), Remedy::FixCredentials),
        ];
        for (fault, remedy) in cases {
            let error = TokenError { end_point: "http://h/token".to_owned(), fault };
            assert_eq!(error.remedy(), remedy, "{error}");
        }
    }
}
