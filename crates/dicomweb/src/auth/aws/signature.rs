//! Signatures: of a request as a whole, and of the chunks of its body one after the other.

use std::fmt;

use aws_lc_rs::{digest, hmac};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::canonical::CanonicalRequest;

/// SHA-256 of nothing.
pub(super) const EMPTY_HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A key for one day, region and service, and the moment at which it signs.
#[derive(Clone)]
pub(super) struct SigningKey {
    key: hmac::Key,
    /// `20130524T000000Z`
    time: String,
    /// `20130524/us-east-1/s3/aws4_request`
    scope: String,
}

impl SigningKey {
    pub(super) fn new(secret: &SecretString, time: Timestamp, region: &str, service: &str) -> Self {
        let day = time.strftime("%Y%m%d").to_string();
        let first = format!("AWS4{}", secret.expose_secret());
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes());
        for step in [&day, region, service, "aws4_request"] {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, step.as_bytes()).as_ref());
        }
        Self {
            key,
            time: time.strftime("%Y%m%dT%H%M%SZ").to_string(),
            scope: format!("{day}/{region}/{service}/aws4_request"),
        }
    }

    /// The value of `x-amz-date`.
    pub(super) fn time(&self) -> &str {
        &self.time
    }

    /// What follows the access key in the credential of a request.
    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    /// The signature of a request, in hexadecimal.
    pub(super) fn sign(&self, request: &CanonicalRequest) -> String {
        self.hmac(&self.string_to_sign(request))
    }

    fn string_to_sign(&self, request: &CanonicalRequest) -> String {
        let Self { time, scope, .. } = self;
        format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hash(request.text.as_bytes()))
    }

    fn hmac(&self, text: &str) -> String {
        hexadecimal(hmac::sign(&self.key, text.as_bytes()).as_ref())
    }
}

/// Signs the chunks of a body one after the other, each signature going over that of its predecessor; the
/// first one over that of the request.
#[derive(Clone)]
pub(crate) struct ChunkSigner {
    key: SigningKey,
    previous: String,
}

impl ChunkSigner {
    pub(super) fn new(key: SigningKey, of_request: String) -> Self {
        Self { key, previous: of_request }
    }

    /// The signature of the next chunk, in hexadecimal.
    pub(crate) fn sign(&mut self, chunk: &[u8]) -> &str {
        let SigningKey { time, scope, .. } = &self.key;
        let (previous, chunk) = (&self.previous, hash(chunk));
        self.previous = self
            .key
            .hmac(&format!("AWS4-HMAC-SHA256-PAYLOAD\n{time}\n{scope}\n{previous}\n{EMPTY_HASH}\n{chunk}"));
        &self.previous
    }
}

impl fmt::Debug for ChunkSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSigner").field("scope", &self.key.scope).finish_non_exhaustive()
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn hash(bytes: &[u8]) -> String {
    hexadecimal(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
