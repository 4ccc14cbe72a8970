//! Who gets tokens, and which.

use std::{fmt, net::SocketAddr, time::Duration};

use serde_json::json;

use super::{SigningKey, VerifyingKey};
use crate::Personality;

/// Who gets tokens, for what, and for how long.
#[derive(Clone)]
pub struct Options {
    /// Tenant in the path of the end points of Azure.
    pub tenant: String,
    /// Client that asks, the identity of virtual machines too.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// What checks the signature of its assertions; none: it may only use its secret.
    pub client_key: Option<VerifyingKey>,
    /// Whose tokens stand in for assertions; none: nobody's.
    pub federation: Option<Federation>,
    /// What App Service expects in `X-IDENTITY-HEADER`.
    pub identity_header: String,
    /// The service account that the JWT bearer grant is for.
    pub service_account: ServiceAccount,
    /// How long a token is taken. Default one hour, that of both clouds.
    pub life_time: Duration,
    /// What a token permits.
    pub role: Role,
}

/// What a token permits. A request for more is answered 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Everything.
    #[default]
    Owner,
    /// Searches and retrieves.
    Reader,
    /// Nothing: the client is known and has no role.
    None,
}

/// An issuer of tokens that is trusted for one subject, as a Kubernetes cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Federation {
    /// Claim `iss`.
    pub issuer: String,
    /// Claim `sub`, as `system:serviceaccount:NAMESPACE:NAME`.
    pub subject: String,
    /// What checks its signatures.
    pub key: VerifyingKey,
}

/// A service account and its only key.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    /// Claim `iss` of its assertions.
    pub email: String,
    /// Name of the key, in the header of its assertions.
    pub key_id: String,
    /// The key.
    pub key: SigningKey,
}

/// Where the token end points are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The token end point of the personality.
    pub token_url: String,
    /// `http://host:port` of the metadata end points of virtual machines, of either cloud.
    pub metadata_host: String,
    /// `IDENTITY_ENDPOINT` of App Service.
    pub identity_endpoint: String,
}

/// Audience of an assertion that was issued by somebody else.
pub(super) const EXCHANGE_AUDIENCE: &str = "api://AzureADTokenExchange";

impl Options {
    /// One client with a secret that nobody can guess, and one service account with a new key.
    #[must_use]
    pub fn generate() -> Self {
        let random = || format!("{:032x}", rand::random::<u128>());
        Self {
            tenant: "11111111-2222-3333-4444-555555555555".to_owned(),
            client_id: "66666666-7777-8888-9999-000000000000".to_owned(),
            client_secret: random(),
            client_key: None,
            federation: None,
            identity_header: random(),
            service_account: ServiceAccount {
                email: "dimseway@demo.iam.gserviceaccount.com".to_owned(),
                key_id: random(),
                key: SigningKey::generate(),
            },
            life_time: Duration::from_secs(3600),
            role: Role::default(),
        }
    }

    /// Where the end points are of an origin that listens on `address`.
    #[must_use]
    pub fn addresses(&self, personality: Personality, address: SocketAddr) -> Addresses {
        let host = format!("http://{address}");
        let token_url = match personality {
            Personality::Google => format!("{host}{GOOGLE_TOKEN}"),
            _ => format!("{host}/{}/oauth2/v2.0/token", self.tenant),
        };
        Addresses { token_url, identity_endpoint: format!("{host}{APP_SERVICE}"), metadata_host: host }
    }
}

/// Token end point of service accounts.
pub(super) const GOOGLE_TOKEN: &str = "/token";

/// Token end point of App Service.
pub(super) const APP_SERVICE: &str = "/msi/token";

impl ServiceAccount {
    /// The key file that a client is configured with, as JSON. It holds the private key.
    #[must_use]
    pub fn key_file(&self, token_url: &str) -> String {
        let file = json!({
            "type": "service_account",
            "private_key_id": self.key_id,
            "private_key": self.key.private_pem(),
            "client_email": self.email,
            "token_uri": token_url,
        });
        file.to_string()
    }
}

impl fmt::Debug for Options {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tenant", &self.tenant)
            .field("client_id", &self.client_id)
            .field("life_time", &self.life_time)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
