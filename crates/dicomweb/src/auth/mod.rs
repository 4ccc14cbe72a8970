//! How a client proves who it is.

mod authorization;
pub mod aws;
mod bearer_file;

use std::path::PathBuf;

use secrecy::SecretString;

pub(crate) use authorization::{Authorization, Payload, Proof};

/// Credentials of one origin server. Nothing secret shows in `Debug`.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// None.
    #[default]
    None,
    /// Basic authentication (RFC 7617).
    Basic {
        /// The user's name.
        username: String,
        /// The password, read by the caller.
        password: SecretString,
    },
    /// A bearer token (RFC 6750) in a file, read again when the file changes and once on 401.
    BearerFile(PathBuf),
    /// Every request signed with an access key of AWS.
    AwsSigV4(aws::AwsSigV4),
}
