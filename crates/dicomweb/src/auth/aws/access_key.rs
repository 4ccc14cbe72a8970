//! An access key: what requests are signed with.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;

/// An access key of AWS. Nothing secret shows in `Debug`.
#[derive(Clone)]
pub struct AccessKey {
    /// Its identifier, which every request shows.
    pub id: String,
    /// What signatures are made with; no request shows it.
    pub secret: SecretString,
    /// What goes with a key that was given for a time (`x-amz-security-token`).
    pub session_token: Option<SecretString>,
    /// When that time ends.
    pub expires: Option<Timestamp>,
}

impl AccessKey {
    /// A key without an end.
    #[must_use]
    pub fn new(id: impl Into<String>, secret: SecretString) -> Self {
        Self { id: id.into(), secret, session_token: None, expires: None }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
