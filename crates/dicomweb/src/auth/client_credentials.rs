//! The client credentials grant (RFC 6749 §4.4): a secret, or an assertion signed with a private key
//! (RFC 7523 §2.2).

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use http::HeaderValue;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};

use super::assertion::{Claims, SigningKey};
use super::end_point::{EndPoint, TokenUrl};
use super::token::TokenFault;
use crate::Error;
use crate::url::encoded;

/// What an assertion is, for the end point (RFC 7523 §2.2).
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion is good. 5 minutes: for clocks that differ, and no longer.
const ASSERTION_LIFE: Duration = Duration::from_secs(5 * 60);

/// The client credentials grant of one client.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    /// The token end point, for example `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`.
    pub token_url: TokenUrl,
    /// The client's identifier there.
    pub client_id: String,
    /// How the client proves who it is.
    pub proof: ClientProof,
    /// What the token is to be good for (RFC 6749 §3.3).
    pub scope: Option<String>,
    /// Further parameters of the request, such as `audience` or `resource` (RFC 8707 §2).
    pub parameters: BTreeMap<String, String>,
}

/// How a client proves who it is to a token end point.
#[derive(Debug, Clone)]
pub enum ClientProof {
    /// A secret in the body of the request (RFC 6749 §2.3.1).
    SecretInBody(SecretString),
    /// A secret by Basic authentication (RFC 6749 §2.3.1).
    SecretInHeader(SecretString),
    /// A signed assertion (RFC 7523 §2.2).
    Assertion(SigningKey),
}

/// The grant, made ready.
pub(super) struct ClientCredentials {
    client_id: String,
    proof: Proof,
    scope: Option<String>,
    parameters: BTreeMap<String, String>,
}

enum Proof {
    Body(SecretString),
    Header(HeaderValue),
    Assertion(SigningKey),
}

impl ClientCredentials {
    pub(super) fn new(client: &OAuthClient) -> Result<Self, Error> {
        let proof = match &client.proof {
            ClientProof::SecretInBody(secret) => Proof::Body(secret.clone()),
            ClientProof::SecretInHeader(secret) => Proof::Header(basic(&client.client_id, secret)?),
            ClientProof::Assertion(key) => Proof::Assertion(key.clone()),
        };
        let (client_id, scope) = (client.client_id.clone(), client.scope.clone());
        Ok(Self { client_id, proof, scope, parameters: client.parameters.clone() })
    }

    pub(super) fn request(&self, end_point: &EndPoint) -> Result<RequestBuilder, TokenFault> {
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        fields.extend(self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        match &self.proof {
            Proof::Header(header) => Ok(end_point.post(&fields).header(http::header::AUTHORIZATION, header)),
            Proof::Body(secret) => {
                fields.push(("client_id", &self.client_id));
                fields.push(("client_secret", secret.expose_secret()));
                Ok(end_point.post(&fields))
            }
            Proof::Assertion(key) => {
                let claims = Claims {
                    issuer: &self.client_id,
                    subject: Some(&self.client_id),
                    audience: end_point.url().as_str(),
                    scope: None,
                    life: ASSERTION_LIFE,
                };
                let assertion = key
                    .sign(&claims, SystemTime::now())
                    .map_err(|error| TokenFault::OwnProof(error.to_string()))?;
                fields.push(("client_id", &self.client_id));
                fields.push(("client_assertion_type", JWT_BEARER));
                fields.push(("client_assertion", &assertion));
                Ok(end_point.post(&fields))
            }
        }
    }
}

/// Identifier and secret are encoded as in a form before they are joined (RFC 6749 §2.3.1).
fn basic(client_id: &str, secret: &SecretString) -> Result<HeaderValue, Error> {
    let pair = format!("{}:{}", encoded(client_id), encoded(secret.expose_secret()));
    let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    let mut value = HeaderValue::from_str(&text).map_err(|error| Error::Credentials(Box::new(error)))?;
    value.set_sensitive(true);
    Ok(value)
}
