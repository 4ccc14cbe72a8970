//! Signs the requests of one origin.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use reqwest::{Request, Response, Url};
use secrecy::ExposeSecret as _;

use super::canonical::CanonicalRequest;
use super::issuer::KeyIssuer;
use super::signature::{EMPTY_HASH, SigningKey, hash};
use super::web_identity::WebIdentity;
use super::{AccessKey, AccessKeySource, AwsSigV4, ChunkSigner, StreamedBody, encoded_length};
use crate::auth::cache::{Held, TokenCache};
use crate::auth::{Payload, TokenObserver, TokenState};
use crate::{Error, Proxy, Timeouts, Tls};

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const AMZ_DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");

const AMZN_ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Stands for the hash of a body whose signature comes with it.
const STREAMING: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/// What is not a header field after all: an access key with characters that cannot stand in one.
#[derive(Debug, thiserror::Error)]
#[error("the access key or its session token cannot stand in a header field")]
pub(crate) struct UnusableKey;

/// Signs the requests of one origin with the access key of the moment.
pub(crate) struct Signer {
    config: AwsSigV4,
    keys: Keys,
}

/// The access keys of one origin.
enum Keys {
    Fixed(AccessKey),
    Issued(TokenCache<KeyIssuer>),
}

/// What a request was signed with.
#[derive(Debug)]
pub(crate) struct Signed {
    /// The key, of those that end.
    held: Option<Arc<Held<AccessKey>>>,
    chunks: Option<ChunkSigner>,
}

impl Signer {
    pub(crate) fn new(
        config: AwsSigV4,
        proxy: &Proxy,
        tls: &Tls,
        timeouts: &Timeouts,
    ) -> Result<Self, Error> {
        let keys = match &config.source {
            AccessKeySource::Fixed(key) => Keys::Fixed(key.clone()),
            AccessKeySource::Container { url, token } => {
                Keys::issued(KeyIssuer::container(url, token.clone(), tls, timeouts)?)
            }
            AccessKeySource::WebIdentity { url, role_arn, session_name, token_file } => {
                let (role_arn, session_name) = (role_arn.clone(), session_name.clone());
                let identity = WebIdentity { role_arn, session_name, token_file: token_file.clone() };
                Keys::issued(KeyIssuer::web_identity(url, identity, proxy, tls, timeouts)?)
            }
        };
        Ok(Self { config, keys })
    }

    /// Signs a request, with a key that is fetched first where the one at hand is too old.
    pub(crate) async fn sign(&self, request: &mut Request, payload: Payload<'_>) -> Result<Signed, Error> {
        let (held, key) = match &self.keys {
            Keys::Fixed(key) => (None, key.clone()),
            Keys::Issued(cache) => {
                let held = cache.current().await?;
                let key = held.token().clone();
                (Some(held), key)
            }
        };
        let chunks = sign(request, payload, &self.config, &key, Timestamp::now())
            .map_err(|error| Error::Credentials(Box::new(error)))?;
        Ok(Signed { held, chunks })
    }

    /// Whether an answer refuses the key and there is another one by now.
    pub(crate) async fn renewed(&self, response: &Response, signed: &Signed) -> Result<bool, Error> {
        let (Keys::Issued(cache), Some(held)) = (&self.keys, &signed.held) else { return Ok(false) };
        if refuses_key(response.status(), response.headers()) {
            return Ok(cache.instead_of(held).await?);
        }
        // Whoever is busy, or finds fault with the request, may not have looked at the key.
        if response.status().is_success() {
            held.accepted();
        }
        Ok(false)
    }

    /// Has a key ready, of those that end, and tells of it.
    pub(crate) async fn authenticate(&self) -> Result<Option<TokenState>, Error> {
        let Keys::Issued(cache) = &self.keys else { return Ok(None) };
        let held = cache.current().await?;
        Ok(Some(cache.state_of(&held)))
    }

    /// The key that is held, of those that end.
    pub(crate) fn token_state(&self) -> Option<TokenState> {
        match &self.keys {
            Keys::Fixed(_) => None,
            Keys::Issued(cache) => cache.state(),
        }
    }

    /// Sets who is told of requests for keys.
    pub(crate) fn observe(&self, observer: TokenObserver) {
        if let Keys::Issued(cache) = &self.keys {
            cache.observe(observer);
        }
    }
}

impl Keys {
    fn issued(issuer: KeyIssuer) -> Self {
        Self::Issued(TokenCache::new(issuer))
    }
}

impl Signed {
    /// What signs the body of the request, where that goes in chunks.
    pub(crate) fn take_chunks(&mut self) -> Option<ChunkSigner> {
        self.chunks.take()
    }
}

/// Whether an answer says that the key is not good, or not any more. A refusal may as well be of a signature
/// or for want of a permission, of which no other key is the remedy.
fn refuses_key(status: StatusCode, headers: &HeaderMap) -> bool {
    if status == StatusCode::UNAUTHORIZED {
        return true;
    }
    if !matches!(status, StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST) {
        return false;
    }
    let kind = headers.get(AMZN_ERROR_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ["ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId", "InvalidToken"]
        .iter()
        .any(|known| kind.starts_with(known))
}

/// Signs a request as it is, and gives what signs its body, where that goes in chunks.
fn sign(
    request: &mut Request,
    payload: Payload<'_>,
    config: &AwsSigV4,
    key: &AccessKey,
    now: Timestamp,
) -> Result<Option<ChunkSigner>, UnusableKey> {
    let signing_key = SigningKey::new(&key.secret, now, &config.region, &config.service);
    let payload_hash = match payload {
        Payload::Whole(b"") => EMPTY_HASH.to_owned(),
        Payload::Whole(bytes) => hash(bytes),
        Payload::Streamed { .. } if config.streamed == StreamedBody::Unsigned => {
            "UNSIGNED-PAYLOAD".to_owned()
        }
        Payload::Streamed { .. } => STREAMING.to_owned(),
    };
    let headers = request.headers_mut();
    headers.insert(AMZ_DATE, plain(signing_key.time())?);
    headers.insert(AMZ_CONTENT_SHA256, plain(&payload_hash)?);
    headers.remove(AMZ_SECURITY_TOKEN);
    if let Some(token) = &key.session_token {
        headers.insert(AMZ_SECURITY_TOKEN, secret(token.expose_secret())?);
    }
    if let Payload::Streamed { length } = payload {
        announce(headers, length, config.streamed);
    }
    let canonical = canonical(request, &payload_hash);
    let signature = signing_key.sign(&canonical);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={signature}",
        key.id,
        signing_key.scope(),
        canonical.signed_headers,
    );
    request.headers_mut().insert(header::AUTHORIZATION, secret(&authorization)?);
    let in_chunks = matches!(payload, Payload::Streamed { .. }) && config.streamed == StreamedBody::Chunks;
    Ok(in_chunks.then(|| ChunkSigner::new(signing_key, signature)))
}

/// The header fields that say how a streamed body is coded and how long it is.
fn announce(headers: &mut HeaderMap, length: Option<u64>, streamed: StreamedBody) {
    if let (Some(length), true) = (length, streamed != StreamedBody::Unsigned) {
        headers.insert(AMZ_DECODED_LENGTH, HeaderValue::from(length));
    }
    if streamed == StreamedBody::Chunks {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("aws-chunked"));
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(encoded_length(length)));
        }
    }
}

/// Over these fields the signature goes: those without which a server would take the request for another one.
/// Others may be added or changed by a proxy on the way.
fn canonical(request: &Request, payload_hash: &str) -> CanonicalRequest {
    let host = host(request.url());
    let signed = |name: &HeaderName| {
        *name == header::CONTENT_TYPE
            || *name == header::CONTENT_ENCODING
            || name.as_str().starts_with("x-amz-")
    };
    let fields = request
        .headers()
        .iter()
        .filter(|(name, _)| signed(name))
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .chain([("host", host.as_str())]);
    let url = request.url();
    let (path, query) = (url.path(), url.query().unwrap_or(""));
    CanonicalRequest::new(request.method().as_str(), path, query, fields, payload_hash)
}

/// The host as it is sent: with its port where that is not the one of the scheme.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn plain(text: &str) -> Result<HeaderValue, UnusableKey> {
    HeaderValue::from_str(text).map_err(|_| UnusableKey)
}

fn secret(text: &str) -> Result<HeaderValue, UnusableKey> {
    let mut value = plain(text)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
