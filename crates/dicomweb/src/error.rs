//! Errors, told apart by what can be done about them.

use std::time::Duration;

use http::StatusCode;

use crate::BoxError;
use crate::auth::TokenError;

/// The longest Retry-After that is kept to. 1 h: it costs a server that is busy for longer one request an hour,
/// and one that answers with a date in the next century is asked again. It holds for an instance and for a
/// destination alike.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// What can be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Send it again, after so long if the server said so. Nothing is wrong with the instances.
    Retry {
        /// Retry-After of the answer, at most [`RETRY_AFTER_MAX`].
        after: Option<Duration>,
    },
    /// The origin refuses this content; sent again it will be refused again.
    Reject,
    /// A person must put the origin's credentials or its address right; no instance is at fault.
    FixCredentials,
    /// It is not known whether the origin has stored anything: look it up, then send again.
    Unknown,
}

/// Why a request has no usable answer. No message holds anything that the server wrote.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection was made, so nothing was sent.
    #[error("no connection to the origin: {0}")]
    Connect(#[source] BoxError),
    /// Credentials or certificates cannot be read or used.
    #[error("the credentials cannot be used: {0}")]
    Credentials(#[source] BoxError),
    /// There is no token, so nothing was sent to the origin.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The origin answered with a status that is no success and carries no response data set.
    #[error("the origin answered {status}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// Retry-After, if given.
        retry_after: Option<Duration>,
        /// The origin refused the credentials, and there are other ones by now, so the next attempt may succeed.
        credentials_changed: bool,
    },
    /// A time-out.
    #[error("time-out: {0}")]
    Timeout(Wait),
    /// The connection broke while the request was sent or the answer read.
    #[error("the connection to the origin broke: {0}")]
    Interrupted(#[source] BoxError),
    /// The data of part number `part` (from 0) could not be read or has another length than announced;
    /// the request was reset.
    #[error("the data of part {part} cannot be read: {source}")]
    Source {
        /// Which part.
        part: usize,
        /// What its stream said.
        #[source]
        source: BoxError,
    },
    /// The answer is not what was asked for.
    #[error("the origin's answer cannot be read: {0}")]
    Unreadable(Unreadable),
    /// A search was given up behind so many results read.
    #[error("the origin has more than {0} results")]
    TooManyRows(u64),
    /// The origin has more results than it gives.
    #[error("the origin does not give all results")]
    Incomplete,
    /// The request cannot be made for this profile.
    #[error("the origin's profile does not allow it: {0}")]
    Profile(&'static str),
}

/// What was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wait {
    /// The turn of a request within the limits of the pace; nothing was sent.
    #[error("no turn within the limits of the origin's pace")]
    Turn,
    /// The server to take the next bytes.
    #[error("the origin took no data")]
    Sending,
    /// The answer to begin.
    #[error("no answer to the request")]
    Answer,
    /// The next bytes of the answer.
    #[error("the answer stands still")]
    Reading,
    /// The whole request.
    #[error("the request took too long")]
    Total,
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A page for people: a login form, or the default form of a Status Report (PS3.18 §8.6.3).
    #[error("it is an HTML page")]
    Html,
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// It ends before it is complete.
    #[error("it is cut")]
    Cut,
    /// Its end could not be told from a cut: it has neither a length nor a delimiter.
    #[error("it does not say where it ends")]
    Endless,
    /// Larger than any sound answer to this request.
    #[error("it is too large")]
    TooLarge,
    /// Neither of the media types asked for.
    #[error("it has an unexpected media type")]
    MediaType,
    /// Not in the grammar of its media type.
    #[error("it is malformed")]
    Malformed,
}

impl Error {
    /// What can be done about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Connect(_) | Self::Source { .. } => Remedy::Retry { after: None },
            Self::Credentials(_) => Remedy::FixCredentials,
            Self::Token(error) => error.remedy(),
            Self::Refused { credentials_changed: true, .. } => Remedy::Retry { after: Some(Duration::ZERO) },
            Self::Refused { status, retry_after, .. } => remedy_of(*status, *retry_after),
            Self::Timeout(Wait::Turn) => Remedy::Retry { after: None },
            Self::Timeout(_) | Self::Interrupted(_) | Self::Unreadable(_) => Remedy::Unknown,
            Self::TooManyRows(_) | Self::Incomplete | Self::Profile(_) => Remedy::Reject,
        }
    }
}

/// What can be done about a request that was answered with this status (PS3.18 §8.5) and without a data
/// set.
///
/// A status that blames the address or the way there (redirects, 404, 405, 501, 511 and their kin) is
/// a matter of the configuration: it is no reason to give up the instances.
#[must_use]
pub fn remedy_of(status: StatusCode, retry_after: Option<Duration>) -> Remedy {
    match status.as_u16() {
        100..=299 => Remedy::Unknown,
        300..=399 | 401..=405 | 407 | 410 | 426 | 501 | 505 | 506 | 511 => Remedy::FixCredentials,
        408 | 421 | 423..=425 | 429 | 500 | 502..=504 | 507..=510 | 512.. => {
            Remedy::Retry { after: retry_after }
        }
        ..=99 | 400 | 406 | 409 | 411..=420 | 422 | 427..=428 | 430..=499 => Remedy::Reject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_remedy() {
        const SECOND: Option<Duration> = Some(Duration::from_secs(1));
        let rows: &[(&[u16], Remedy)] = &[
            (&[100, 101, 102, 103, 199], Remedy::Unknown),
            (&[200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 299], Remedy::Unknown),
            (&[300, 301, 302, 303, 304, 305, 307, 308, 399], Remedy::FixCredentials),
            (&[401, 402, 403, 404, 405, 407, 410, 426], Remedy::FixCredentials),
            (&[501, 505, 506, 511], Remedy::FixCredentials),
            (&[408, 421, 423, 424, 425, 429], Remedy::Retry { after: SECOND }),
            (&[500, 502, 503, 504, 507, 508, 509, 510, 520, 599], Remedy::Retry { after: SECOND }),
            (&[400, 406, 409, 411, 412, 413, 414, 415, 416, 417, 418], Remedy::Reject),
            (&[422, 428, 431, 440, 444, 451, 499], Remedy::Reject),
        ];
        for (statuses, remedy) in rows {
            for status in *statuses {
                assert_eq!(remedy_of(StatusCode::from_u16(*status).unwrap(), SECOND), *remedy, "{status}");
            }
        }
    }

    #[test]
    fn no_success_status_is_ever_rejected_and_no_refusal_unknown() {
        for status in 100..=999 {
            let remedy = remedy_of(StatusCode::from_u16(status).unwrap(), None);
            assert_eq!(remedy == Remedy::Unknown, status < 300, "{status}");
        }
    }

    #[test]
    fn errors_have_their_remedies() {
        let refused = |credentials_changed| Error::Refused {
            status: StatusCode::UNAUTHORIZED,
            retry_after: None,
            credentials_changed,
        };
        let broken = || BoxError::from("broken");
        let cases = [
            (Error::Connect(broken()), Remedy::Retry { after: None }),
            (Error::Credentials(broken()), Remedy::FixCredentials),
            (refused(true), Remedy::Retry { after: Some(Duration::ZERO) }),
            (refused(false), Remedy::FixCredentials),
            (Error::Timeout(Wait::Sending), Remedy::Unknown),
            (Error::Timeout(Wait::Turn), Remedy::Retry { after: None }),
            (Error::Interrupted(broken()), Remedy::Unknown),
            (Error::Source { part: 0, source: broken() }, Remedy::Retry { after: None }),
            (Error::Unreadable(Unreadable::Html), Remedy::Unknown),
            (Error::Profile("no"), Remedy::Reject),
        ];
        for (error, remedy) in cases {
            assert_eq!(error.remedy(), remedy, "{error}");
        }
    }
}
