//! Errors, told apart by what can be done about them.

use std::time::Duration;

use http::StatusCode;

use crate::BoxError;

/// What can be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Send it again, after so long if the server said so. Nothing is wrong with the instances.
    Retry {
        /// Retry-After of the answer.
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
    #[error("no connection to the origin")]
    Connect(#[source] BoxError),
    /// Credentials or certificates cannot be read or used.
    #[error("the credentials cannot be used")]
    Credentials(#[source] BoxError),
    /// The origin answered with a status that is no success and carries no response data set.
    #[error("the origin answered {status}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// Retry-After, if given.
        retry_after: Option<Duration>,
        /// 401 only: the token file has given another token since, so the next attempt may succeed.
        credentials_changed: bool,
    },
    /// A time-out.
    #[error("time-out: {0}")]
    Timeout(Wait),
    /// The connection broke while the request was sent or the answer read.
    #[error("the connection to the origin broke")]
    Interrupted(#[source] BoxError),
    /// The data of part number `part` (from 0) could not be read; the request was reset.
    #[error("the data of part {part} cannot be read")]
    Source {
        /// Which part.
        part: usize,
        /// What its stream said.
        #[source]
        source: BoxError,
    },
    /// The answer is not what was asked for: HTML, another media type, malformed or too large.
    #[error("the origin's answer cannot be read: {0}")]
    Unreadable(String),
    /// The request cannot be made for this profile.
    #[error("the profile does not allow it: {0}")]
    Profile(&'static str),
}

/// What was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wait {
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

impl Error {
    /// What can be done about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        todo!()
    }
}
