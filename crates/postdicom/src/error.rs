//! Errors, told apart by what can be done about them and by whether the call may have taken effect.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::{BoxError, Function, InvalidField, SideEffect};

/// Characters of the longest reason that is kept. 512: a sentence or two.
const REASON_CHARACTERS_MAX: usize = 512;

/// Header field in which the vendor says what went wrong. Its absence means nothing.
const REASON_FIELD: &str = "x-error-reason";

/// Whether a call that failed may have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Nothing of it left this machine: it may be sent again.
    NeverLeft,
    /// It was answered, and the answer says that nothing was done.
    Refused,
    /// It may have been carried out.
    OutcomeUnknown,
}

/// What can be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Send it again, after so long if the server said so.
    Retry {
        /// Retry-After of the answer.
        after: Option<Duration>,
    },
    /// This call will be refused again.
    Reject,
    /// A person must put credentials, address or conventions right; the call is not at fault.
    FixCredentials,
    /// It is not known whether the call took effect: look, then send again or hold.
    OutcomeUnknown,
}

/// What the vendor says about a failure: X-Error-Reason, or the message of an answer. It may name a
/// patient, so it shows in no error and no `Debug`; a person who asked may see it.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason(String);

/// Why a call has no usable answer. No message holds anything of the call or of the answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter cannot be sent.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The parameters are longer than one request takes.
    #[error("{function}: its parameters have {bytes} bytes, {bytes_max} are allowed")]
    TooLong {
        /// Which function.
        function: Function,
        /// Bytes of the field or body.
        bytes: usize,
        /// The limit in force.
        bytes_max: usize,
    },
    /// The call would go unencrypted to another machine.
    #[error("the address is not https, and calls carry passwords and patients' data")]
    Unencrypted,
    /// Credentials or certificates cannot be read or used.
    #[error("the credentials cannot be used: {0}")]
    Credentials(#[source] BoxError),
    /// The limits of the account left no turn for the call in time, so nothing was sent.
    #[error(
        "no turn within `rate_limit` of the origin for {}s, so nothing was sent; allow more requests there, or a \
         longer `unavailable_timeout`",
        .0.as_secs_f64()
    )]
    NoTurn(Duration),
    /// No connection was made, so nothing was sent.
    #[error("no connection to PostDICOM: {0}")]
    Connect(#[source] BoxError),
    /// The connection broke while the request was sent or the answer read.
    #[error("the connection to PostDICOM broke: {0}")]
    Interrupted(#[source] BoxError),
    /// No whole answer in time.
    #[error("time-out: no answer from PostDICOM")]
    Timeout,
    /// An answer without success.
    #[error("PostDICOM answered {status}{}", if reason.is_some() { ", and gives a reason" } else { "" })]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it says about it.
        reason: Option<Reason>,
        /// Retry-After, if given.
        retry_after: Option<Duration>,
    },
    /// An answer with a status of success that says that there was none.
    #[error("PostDICOM answered that it failed{}", if reason.is_some() { ", and gives a reason" } else { "" })]
    Failed {
        /// What it says about it.
        reason: Option<Reason>,
    },
    /// The answer is not what was asked for.
    #[error("PostDICOM's answer cannot be read: {0}")]
    Unreadable(Unreadable),
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// A page for people, such as a login form.
    #[error("it is an HTML page")]
    Html,
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Larger than the limit.
    #[error("it is too large")]
    TooLarge,
    /// No JSON.
    #[error("it is not JSON")]
    NotJson,
    /// JSON in which nothing looks like what was asked for; its outline names the keys that are known.
    #[error("it has an unknown shape: {0}")]
    Shape(String),
}

impl Error {
    /// Whether the call may have changed something.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self {
            Self::Invalid(_)
            | Self::TooLong { .. }
            | Self::Unencrypted
            | Self::Credentials(_)
            | Self::NoTurn(_)
            | Self::Connect(_) => Delivery::NeverLeft,
            Self::Refused { status, .. } => delivery_of(*status),
            Self::Failed { .. } => Delivery::Refused,
            Self::Interrupted(_) | Self::Timeout | Self::Unreadable(_) => Delivery::OutcomeUnknown,
        }
    }

    /// What can be done about it, for a call with these side effects.
    #[must_use]
    pub fn remedy(&self, side_effect: SideEffect) -> Remedy {
        if side_effect != SideEffect::None && self.delivery() == Delivery::OutcomeUnknown {
            return Remedy::OutcomeUnknown;
        }
        match self {
            Self::Invalid(_) | Self::TooLong { .. } | Self::Failed { .. } => Remedy::Reject,
            Self::Unencrypted | Self::Credentials(_) => Remedy::FixCredentials,
            Self::NoTurn(_) | Self::Connect(_) | Self::Interrupted(_) | Self::Timeout => {
                Remedy::Retry { after: None }
            }
            // With a reason the endpoint itself spoke: not the address is unknown, but what was asked for.
            Self::Refused { status: StatusCode::NOT_FOUND, reason: Some(_), .. } => Remedy::Reject,
            Self::Refused { status, retry_after, .. } => remedy_of(*status, *retry_after),
            Self::Unreadable(Unreadable::Html) => Remedy::FixCredentials,
            Self::Unreadable(_) => Remedy::Reject,
        }
    }

    /// What the vendor says about it, for a person who asked.
    #[must_use]
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Refused { reason, .. } | Self::Failed { reason } => reason.as_ref(),
            _ => None,
        }
    }
}

/// Whether something may have been done by a call that was answered with this status (RFC 9110 §15).
///
/// A status of the class 4xx says that the request was not carried out; one of the class 5xx may come from
/// somebody on the way, after the server has carried it out.
fn delivery_of(status: StatusCode) -> Delivery {
    match status.as_u16() {
        300..=499 | 501 | 505 | 511 => Delivery::Refused,
        _ => Delivery::OutcomeUnknown,
    }
}

/// What can be done about a call without side effects that was answered with this status.
#[must_use]
pub fn remedy_of(status: StatusCode, retry_after: Option<Duration>) -> Remedy {
    match status.as_u16() {
        300..=399 | 401..=405 | 407 | 410 | 426 | 501 | 505 | 511 => Remedy::FixCredentials,
        408 | 421 | 423..=425 | 429 | 500.. => Remedy::Retry { after: retry_after },
        _ => Remedy::Reject,
    }
}

impl Reason {
    /// The words, which may name a patient: not for logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let printable = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
        (!text.is_empty()).then(|| Self(printable.take(REASON_CHARACTERS_MAX).collect()))
    }

    /// Reads X-Error-Reason, as UTF-8 or else as Latin-1, which is how header fields were once read.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(REASON_FIELD)?.as_bytes();
        match std::str::from_utf8(value) {
            Ok(text) => Self::new(text),
            Err(_) => Self::new(&value.iter().map(|byte| char::from(*byte)).collect::<String>()),
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reason(..)")
    }
}

/// The error that an error of the HTTP library stands for: whether anything may have been sent decides.
pub(crate) fn transport(error: reqwest::Error) -> Error {
    match (error.is_connect() || error.is_builder(), error.is_timeout()) {
        (true, _) => Error::Connect(chain(error).into()),
        (false, true) => Error::Timeout,
        (false, false) => Error::Interrupted(chain(error).into()),
    }
}

/// An error of the HTTP library with all its causes in one line, without the URL.
pub(crate) fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn refused(status: u16) -> Error {
        Error::Refused {
            status: StatusCode::from_u16(status).unwrap(),
            reason: Reason::new("DOE^JOHN is unknown"),
            retry_after: None,
        }
    }

    #[test]
    fn every_error_says_whether_it_left_and_what_to_do() {
        use Delivery::*;
        let broken = || BoxError::from("broken");
        let again = Remedy::Retry { after: None };
        let rows = [
            (
                Error::Invalid(crate::Fault::Missing.at("PatientId")),
                NeverLeft,
                Remedy::Reject,
                Remedy::Reject,
            ),
            (Error::Unencrypted, NeverLeft, Remedy::FixCredentials, Remedy::FixCredentials),
            (Error::Credentials(broken()), NeverLeft, Remedy::FixCredentials, Remedy::FixCredentials),
            (Error::Connect(broken()), NeverLeft, again, again),
            (Error::NoTurn(Duration::from_secs(30)), NeverLeft, again, again),
            (Error::Interrupted(broken()), OutcomeUnknown, again, Remedy::OutcomeUnknown),
            (Error::Timeout, OutcomeUnknown, again, Remedy::OutcomeUnknown),
            (refused(302), Refused, Remedy::FixCredentials, Remedy::FixCredentials),
            (refused(400), Refused, Remedy::Reject, Remedy::Reject),
            (refused(401), Refused, Remedy::FixCredentials, Remedy::FixCredentials),
            (refused(404), Refused, Remedy::Reject, Remedy::Reject),
            (refused(405), Refused, Remedy::FixCredentials, Remedy::FixCredentials),
            (refused(409), Refused, Remedy::Reject, Remedy::Reject),
            (refused(429), Refused, again, again),
            (refused(431), Refused, Remedy::Reject, Remedy::Reject),
            (refused(500), OutcomeUnknown, again, Remedy::OutcomeUnknown),
            (refused(501), Refused, Remedy::FixCredentials, Remedy::FixCredentials),
            (refused(502), OutcomeUnknown, again, Remedy::OutcomeUnknown),
            (refused(503), OutcomeUnknown, again, Remedy::OutcomeUnknown),
            (refused(504), OutcomeUnknown, again, Remedy::OutcomeUnknown),
            (Error::Failed { reason: None }, Refused, Remedy::Reject, Remedy::Reject),
            (
                Error::Unreadable(Unreadable::Html),
                OutcomeUnknown,
                Remedy::FixCredentials,
                Remedy::OutcomeUnknown,
            ),
            (Error::Unreadable(Unreadable::TooLarge), OutcomeUnknown, Remedy::Reject, Remedy::OutcomeUnknown),
        ];
        for (error, delivery, reading, changing) in rows {
            assert_eq!(error.delivery(), delivery, "{error}");
            assert_eq!(error.remedy(SideEffect::None), reading, "{error}");
            for side_effect in [SideEffect::Searchable, SideEffect::Hidden] {
                assert_eq!(error.remedy(side_effect), changing, "{error}");
            }
        }
    }

    #[test]
    fn what_may_have_been_done_is_never_sent_again() {
        for status in 300..=999 {
            let error = refused(status);
            let again = matches!(error.remedy(SideEffect::Hidden), Remedy::Retry { .. });
            assert!(!(again && error.delivery() == Delivery::OutcomeUnknown), "{status}");
            assert_eq!(
                error.delivery() == Delivery::OutcomeUnknown,
                error.remedy(SideEffect::Hidden) == Remedy::OutcomeUnknown
            );
        }
    }

    #[test]
    fn reasons_are_read_and_kept_back() {
        let reason = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REASON_FIELD, HeaderValue::from_bytes(value).unwrap());
            Reason::of(&headers)
        };
        assert_eq!(reason("Müller unbekannt".as_bytes()).unwrap().expose(), "Müller unbekannt");
        assert_eq!(reason(b"M\xfcller").unwrap().expose(), "Müller");
        assert_eq!(reason(b"a\tb").unwrap().expose(), "a b");
        assert_eq!(reason(b" "), None);
        assert_eq!(reason(&[b'x'; 4000]).unwrap().expose().len(), REASON_CHARACTERS_MAX);
        assert_eq!(Reason::of(&HeaderMap::new()), None);
        let error = refused(400);
        assert_eq!(error.to_string(), "PostDICOM answered 400 Bad Request, and gives a reason");
        assert!(!format!("{error:?}").contains("DOE"));
    }
}
