//! HTTP Basic authentication (RFC 7617), when the origin was given credentials.

use std::fmt;

/// One user name and password that the origin asks of every request.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name; it holds no colon (RFC 7617).
    pub username: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}
