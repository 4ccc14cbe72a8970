//! An access key: what requests are signed with.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// An access key of AWS. Nothing secret shows in `Debug`.
#[derive(Clone)]
pub struct AccessKey {
    /// Its identifier, which every request shows.
    pub id: String,
    /// What signatures are made with; no request shows it.
    pub secret: SecretString,
    /// What goes with a key that was given for a time (`x-amz-security-token`).
    pub session_token: Option<SecretString>,
}

impl AccessKey {
    /// A key without an end.
    #[must_use]
    pub fn new(id: impl Into<String>, secret: SecretString) -> Self {
        Self { id: id.into(), secret, session_token: None }
    }
}

impl PartialEq for AccessKey {
    fn eq(&self, other: &Self) -> bool {
        let token = |key: &Self| key.session_token.as_ref().map(|token| token.expose_secret().to_owned());
        self.id == other.id
            && self.secret.expose_secret() == other.secret.expose_secret()
            && token(self) == token(other)
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}
