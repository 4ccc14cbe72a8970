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

impl Credentials {
    /// Where they are shown to somebody who gives tokens or keys for them; none of those that are shown to the
    /// origin alone, and of metadata servers.
    #[must_use]
    pub const fn token_url(&self) -> Option<&TokenUrl> {
        match self {
            Self::OAuthClient(client) => Some(&client.token_url),
            Self::AzureWorkloadIdentity(identity) => Some(&identity.token_url),
            Self::GoogleServiceAccount(account) => Some(&account.token_url),
            Self::AwsSigV4(aws::AwsSigV4 {
                source: aws::AccessKeySource::WebIdentity { url, .. }, ..
            }) => Some(url),
            Self::None
            | Self::Basic { .. }
            | Self::BearerFile(_)
            | Self::AzureManagedIdentity(_)
            | Self::GoogleMetadataServer(_)
            | Self::AwsSigV4(_) => None,
        }
    }
}
