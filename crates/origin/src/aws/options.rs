//! Who may call, and how long a session lasts.

use std::{fmt, net::SocketAddr, time::Duration};

/// How the personality is set up.
#[derive(Clone)]
pub struct Options {
    /// Region that requests are signed for.
    pub region: String,
    /// Service that requests are signed for.
    pub service: String,
    /// Identifier of the access key that does not end.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The role that a web identity may assume.
    pub role_arn: String,
    /// The only token of a web identity that is taken.
    pub web_identity_token: String,
    /// What the agent of a container is to be shown.
    pub container_token: String,
    /// How long the access key of a session is taken. Default one hour, that of AssumeRoleWithWebIdentity.
    pub session_life: Duration,
    /// Difference between the clocks that a signature may show. Default 5 minutes, the rule of AWS.
    pub clock_difference_max: Duration,
    /// Bytes of a store request at most, without what chunks add. Default 1 GB, the limit of the real service.
    pub request_bytes_max: u64,
}

/// Where the end points are that give access keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The Security Token Service.
    pub security_token_service: String,
    /// The agent of a container.
    pub container_credentials: String,
}

/// Path of the agent of a container.
pub(super) const CONTAINER_CREDENTIALS: &str = "/v2/credentials";

impl Options {
    /// New keys and tokens that nobody can guess.
    #[must_use]
    pub fn generate() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            service: "medical-imaging".to_owned(),
            access_key_id: format!("AKIA{}", identifier()),
            secret_access_key: secret(),
            role_arn: "arn:aws:iam::123456789012:role/dimseway".to_owned(),
            web_identity_token: secret(),
            container_token: secret(),
            session_life: Duration::from_secs(3600),
            clock_difference_max: Duration::from_secs(300),
            request_bytes_max: 1_000_000_000,
        }
    }

    /// Where the end points are of an origin that listens on `address`.
    #[must_use]
    pub fn addresses(&self, address: SocketAddr) -> Addresses {
        Addresses {
            security_token_service: format!("http://{address}/"),
            container_credentials: format!("http://{address}{CONTAINER_CREDENTIALS}"),
        }
    }
}

/// 16 letters and digits.
pub(super) fn identifier() -> String {
    format!("{:032X}", rand::random::<u128>()).chars().take(16).collect()
}

/// 40 characters.
pub(super) fn secret() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>()).chars().take(40).collect()
}

impl fmt::Debug for Options {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("region", &self.region)
            .field("service", &self.service)
            .field("access_key_id", &self.access_key_id)
            .field("role_arn", &self.role_arn)
            .field("session_life", &self.session_life)
            .finish_non_exhaustive()
    }
}
