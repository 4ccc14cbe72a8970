//! Errors of the HTTP library, with their causes in one line.

use std::error::Error as _;
use std::fmt;

use crate::Error;

/// An error of the HTTP library. Its text names the whole chain of causes, without the URL.
#[derive(Debug)]
pub(crate) struct TransportError(reqwest::Error);

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        Self(error.without_url())
    }
}

impl TransportError {
    /// Whether anything may have been sent decides between the two kinds.
    pub(crate) fn into_error(self) -> Error {
        if self.0.is_connect() { Error::Connect(Box::new(self)) } else { Error::Interrupted(Box::new(self)) }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
