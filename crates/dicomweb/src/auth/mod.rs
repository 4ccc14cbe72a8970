//! How a client proves who it is.

mod assertion;
mod authorization;
pub mod aws;
mod azure;
mod bearer_file;
mod cache;
mod client_credentials;
mod end_point;
mod google;
mod grant;
#[cfg(test)]
mod tests;
mod token;

use std::path::PathBuf;

use secrecy::SecretString;

pub use assertion::{Algorithm, SigningKey, UnusableKey};
pub(crate) use authorization::{Authorization, Payload, Proof};
pub use azure::{AzureManagedIdentity, AzureWorkloadIdentity, ManagedIdentityHost};
pub use client_credentials::{ClientProof, OAuthClient};
pub use end_point::TokenUrl;
pub use google::{GoogleMetadataServer, GoogleServiceAccount, InvalidKeyFile};
pub use token::{TokenError, TokenFault, TokenObserver, TokenRequest, TokenState};

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
    /// A token of the client credentials grant (RFC 6749 §4.4).
    OAuthClient(OAuthClient),
    /// A token of a managed identity of Azure.
    AzureManagedIdentity(AzureManagedIdentity),
    /// A token of Entra ID in exchange for one of Kubernetes.
    AzureWorkloadIdentity(AzureWorkloadIdentity),
    /// A token of a service account of Google Cloud.
    GoogleServiceAccount(GoogleServiceAccount),
    /// A token of the machine's own account in Google Cloud.
    GoogleMetadataServer(GoogleMetadataServer),
    /// Every request signed with an access key of AWS.
    AwsSigV4(aws::AwsSigV4),
}
