//! The exchange with those who give tokens: small, quick, and never redirected.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use futures::StreamExt as _;
use http::HeaderMap;
use reqwest::{Method, RequestBuilder, Response, Url, redirect};

use super::token::{self, Granted, TokenError, TokenFault};
use crate::error::Unreadable;
use crate::proxy::is_near;
use crate::transport::TransportError;
use crate::url::{InvalidBaseUrl, without_credentials};
use crate::{Error, Proxy, Timeouts, Tls, answer};

/// Bytes of the largest answer that is read. 256 KiB: tokens with hundreds of groups have tens of kilobytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// The URL of a token end point (RFC 6749 §3.2). It may have parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenUrl(Url);

/// A token end point, and the way there.
pub(super) struct EndPoint {
    url: Url,
    connections: reqwest::Client,
    patience: Duration,
}

impl EndPoint {
    /// The way to `url`. The authority of the origin is trusted here too, since both often are the
    /// institution's own; its client certificate is not shown.
    pub(super) fn new(url: &TokenUrl, proxy: &Proxy, tls: &Tls, timeouts: &Timeouts) -> Result<Self, Error> {
        let TokenUrl(url) = url;
        let builder = reqwest::Client::builder()
            .user_agent(concat!("Dimseway/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(timeouts.connect)
            // Asked once an hour: a connection that was kept would be closed by then.
            .pool_max_idle_per_host(0);
        let authority = Tls { ca_file: tls.ca_file.clone(), ..Tls::default() };
        let connections = authority
            .apply(proxy.apply(builder, url)?, url)?
            .build()
            .map_err(|error| Error::Credentials(Box::new(TransportError::from(error))))?;
        Ok(Self { url: url.clone(), connections, patience: timeouts.token })
    }

    /// The URL without its parameters, as it is shown to people.
    pub(super) fn name(&self) -> String {
        TokenUrl(self.url.clone()).to_string()
    }

    /// The URL as it stands in claims.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn error(&self, fault: TokenFault) -> TokenError {
        TokenError { end_point: self.name(), fault }
    }

    /// A request with these parameters behind those of the URL.
    pub(super) fn get(&self, parameters: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.url.clone();
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        self.connections.request(Method::GET, url)
    }

    /// A request with a form (RFC 6749 §4.4.2).
    pub(super) fn post(&self, fields: &[(&str, &str)]) -> RequestBuilder {
        let form: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", crate::url::encoded(name), crate::url::encoded(value)))
            .collect();
        self.connections
            .request(Method::POST, self.url.clone())
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.join("&"))
    }

    /// Sends a request and reads the token in its answer. `known` tells by the header fields whether the
    /// answer comes from whom it should.
    pub(super) async fn ask(
        &self,
        request: RequestBuilder,
        known: impl Fn(&HeaderMap) -> bool,
    ) -> Result<Granted, TokenFault> {
        let request = request.header(http::header::ACCEPT, "application/json");
        let read = |headers: &HeaderMap, body: &[u8]| {
            if !known(headers) {
                return Err(Unreadable::Malformed);
            }
            Granted::read(body, SystemTime::now())
        };
        self.exchange(request, read, token::code).await
    }

    /// Sends a request and has what it is answered read: `read` a success, `code` the error code of a refusal.
    pub(super) async fn exchange<T>(
        &self,
        request: RequestBuilder,
        read: impl Fn(&HeaderMap, &[u8]) -> Result<Granted<T>, Unreadable>,
        code: impl Fn(&[u8]) -> Option<&'static str>,
    ) -> Result<Granted<T>, TokenFault> {
        let exchange = async {
            let response = request.send().await.map_err(unreachable)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = body(response).await?;
            if !status.is_success() {
                let retry_after = answer::retry_after(&headers, SystemTime::now());
                return Err(TokenFault::Refused { status, code: code(&body), retry_after });
            }
            if answer::is_html(&headers) || answer::looks_like_html(&body) {
                return Err(TokenFault::Unreadable(Unreadable::Html));
            }
            read(&headers, &body).map_err(TokenFault::Unreadable)
        };
        tokio::time::timeout(self.patience, exchange).await.unwrap_or(Err(TokenFault::Silent(self.patience)))
    }
}

async fn body(response: Response) -> Result<Vec<u8>, TokenFault> {
    let mut chunks = response.bytes_stream();
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await.transpose().map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(TokenFault::Unreadable(Unreadable::TooLarge));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(error: reqwest::Error) -> TokenFault {
    TokenFault::Unreachable(TransportError::from(error).to_string())
}

impl TokenUrl {
    /// Whether what is shown there, and the token, pass over a network without TLS, which RFC 6749 §3.2 forbids.
    #[must_use]
    pub fn is_in_the_clear(&self) -> bool {
        self.0.scheme() == "http" && !is_near(&self.0)
    }
}

impl FromStr for TokenUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = without_credentials(text)?;
        if url.fragment().is_some() {
            return Err(InvalidBaseUrl::QueryOrFragment);
        }
        Ok(Self(url))
    }
}

/// Without parameters: they may hold what is not for everyone.
impl fmt::Display for TokenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        url.set_query(None);
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for TokenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
