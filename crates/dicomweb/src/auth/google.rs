//! Identities of Google Cloud: a service account by its key file, or the one of the machine.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::RequestBuilder;
use serde::Deserialize;

use super::assertion::{Algorithm, Claims, SigningKey, UnusableKey};
use super::end_point::{EndPoint, TokenUrl};
use super::token::TokenFault;

/// The grant of an assertion (RFC 7523 §2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How long an assertion is good, and so the token. 1 hour: the longest that Google gives.
const ASSERTION_LIFE: Duration = Duration::from_secs(60 * 60);

/// Shown to the metadata server, and by it.
const METADATA_FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");

/// A service account with a key of its own.
#[derive(Debug, Clone)]
pub struct GoogleServiceAccount {
    /// The account's address.
    pub client_email: String,
    /// Where tokens are given.
    pub token_url: TokenUrl,
    /// The key.
    pub key: SigningKey,
    /// What the token is to be good for, for example `https://www.googleapis.com/auth/cloud-healthcare`.
    pub scope: String,
}

/// Why a file is not the key file of a service account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeyFile {
    /// Not JSON, or without what a key file has.
    #[error("it is not the JSON key file of a service account: `client_email`, `private_key`, `token_uri`")]
    Malformed,
    /// Of another kind of credentials.
    #[error("its type is not `service_account`")]
    OtherType,
    /// The token end point is no URL.
    #[error("its token_uri: {0}")]
    TokenUrl(#[from] crate::url::InvalidBaseUrl),
    /// The key cannot sign.
    #[error("its private_key: {0}")]
    Key(#[from] UnusableKey),
}

/// What is taken from a key file.
#[derive(Deserialize)]
struct KeyFile {
    r#type: String,
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: String,
}

/// The metadata server of a machine in Google Cloud.
#[derive(Debug, Clone)]
pub struct GoogleMetadataServer {
    /// Where it gives tokens, as a rule [`TOKEN_URL`](Self::TOKEN_URL).
    pub token_url: TokenUrl,
    /// What the token is to be good for; none for the scopes of the machine.
    pub scope: Option<String>,
}

/// A service account, made ready.
pub(super) struct ServiceAccount {
    client_email: String,
    scope: String,
    key: SigningKey,
}

/// The metadata server, made ready.
pub(super) struct MetadataServer {
    scope: Option<String>,
}

impl GoogleServiceAccount {
    /// Reads a key file as Google hands it out.
    ///
    /// # Errors
    /// Text that is no such file.
    pub fn from_key_file(json: &str, scope: impl Into<String>) -> Result<Self, InvalidKeyFile> {
        let file: KeyFile = serde_json::from_str(json).map_err(|_| InvalidKeyFile::Malformed)?;
        if file.r#type != "service_account" {
            return Err(InvalidKeyFile::OtherType);
        }
        let key_id = file.private_key_id.as_deref();
        let key = SigningKey::from_pem(&file.private_key.into(), Algorithm::Rs256, key_id, None)?;
        let token_url = file.token_uri.parse()?;
        Ok(Self { client_email: file.client_email, token_url, key, scope: scope.into() })
    }
}

impl GoogleMetadataServer {
    /// Where every machine of Google Cloud finds the token of its own account.
    pub const TOKEN_URL: &'static str =
        "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";
}

impl ServiceAccount {
    pub(super) fn new(account: &GoogleServiceAccount) -> Self {
        let GoogleServiceAccount { client_email, scope, key, .. } = account.clone();
        Self { client_email, scope, key }
    }

    pub(super) fn request(&self, end_point: &EndPoint) -> Result<RequestBuilder, TokenFault> {
        let claims = Claims {
            issuer: &self.client_email,
            subject: None,
            audience: end_point.url().as_str(),
            scope: Some(&self.scope),
            life: ASSERTION_LIFE,
        };
        let assertion = self
            .key
            .sign(&claims, SystemTime::now())
            .map_err(|error| TokenFault::OwnProof(error.to_string()))?;
        Ok(end_point.post(&[("grant_type", JWT_BEARER), ("assertion", &assertion)]))
    }
}

impl MetadataServer {
    pub(super) fn new(server: &GoogleMetadataServer) -> Self {
        Self { scope: server.scope.clone() }
    }

    pub(super) fn request(&self, end_point: &EndPoint) -> RequestBuilder {
        // Several scopes are separated by commas here, by blanks everywhere else (RFC 6749 §3.3).
        let scopes =
            self.scope.as_deref().map(|scope| scope.split_whitespace().collect::<Vec<_>>().join(","));
        let parameters: Vec<_> = scopes.iter().map(|scopes| ("scopes", scopes.as_str())).collect();
        end_point.get(&parameters).header(METADATA_FLAVOR, HeaderValue::from_static("Google"))
    }

    /// Whether an answer is the metadata server's, and not that of whoever answers to any name.
    pub(super) fn is_genuine(headers: &HeaderMap) -> bool {
        headers.get(METADATA_FLAVOR).is_some_and(|flavor| flavor == "Google")
    }
}
