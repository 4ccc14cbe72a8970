//! Exchanges with those who give access keys: small, quick, and never redirected.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use http::StatusCode;
use reqwest::{RequestBuilder, redirect};
use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;

use crate::BoxError;
use crate::transport::TransportError;

/// Bytes of the largest token or answer that is read. 64 KiB: both have a few kilobytes.
const BYTES_MAX: u64 = 64 * 1024;

/// Time for one exchange. 10 seconds: whoever does not answer by then is not there, and deliveries wait.
const EXCHANGE_TIME_MAX: Duration = Duration::from_secs(10);

/// Why there is no access key. No message holds anything secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyUnavailable {
    /// The file of a token cannot be read.
    #[error("the token file {path} cannot be read: {source}")]
    TokenFile { path: PathBuf, source: std::io::Error },
    /// A token is empty, too large, or cannot stand in a header field.
    #[error("the token that is exchanged for an access key cannot be used")]
    TokenUnusable,
    /// The exchange failed on its way.
    #[error("no answer from where access keys are given: {0}")]
    NoAnswer(#[source] BoxError),
    /// An answer that gives no key.
    #[error("no access key was given: the answer is {status}{}", .code.as_ref().map(|code| format!(" {code}")).unwrap_or_default())]
    Refused { status: StatusCode, code: Option<String> },
    /// An answer that is not understood.
    #[error("the answer that should hold an access key cannot be read")]
    Unreadable,
}

/// Connections to those who give keys. A proxy of the environment is used where `proxied`.
pub(super) fn connections(proxied: bool) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .timeout(EXCHANGE_TIME_MAX);
    if proxied { builder.build() } else { builder.no_proxy().build() }
}

/// Sends a request and reads what is answered.
pub(super) async fn exchange(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), KeyUnavailable> {
    let unanswered = |error: reqwest::Error| KeyUnavailable::NoAnswer(Box::new(TransportError::from(error)));
    let response = request.send().await.map_err(unanswered)?;
    let status = response.status();
    let mut chunks = response.bytes_stream();
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await.transpose().map_err(unanswered)? {
        if (body.len() + chunk.len()) as u64 > BYTES_MAX {
            return Err(KeyUnavailable::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, body))
}

/// The token in a file, without white space around it.
pub(super) async fn token_file(path: &Path) -> Result<SecretString, KeyUnavailable> {
    let unreadable = |source| KeyUnavailable::TokenFile { path: path.to_owned(), source };
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text).await.map_err(unreadable)?;
    if text.len() as u64 > BYTES_MAX || text.trim().is_empty() {
        return Err(KeyUnavailable::TokenUnusable);
    }
    Ok(text.trim().to_owned().into())
}
