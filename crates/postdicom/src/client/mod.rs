//! The client: connections, credentials, one exchange at a time, and a function of its own for each of the
//! vendor's.

mod exchange;
mod functions;
mod look_up;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use http::{HeaderMap, HeaderValue, header};
use reqwest::redirect;
use secrecy::{ExposeSecret as _, SecretString};

use crate::conventions::HttpVersion;
use crate::error::chain;
use crate::{BaseUrl, Conventions, Error, Pace, Proxy, Tls};

pub use functions::Incomplete;
pub use look_up::Evidence;

/// Idle connections kept for reading calls. 4: more than ask at the same time.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// Who we are: Basic authentication (RFC 7617) with every request, of name and password in UTF-8. Captured.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// The password, read by the caller.
    pub password: SecretString,
}

/// Time-outs of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first SYN to the end of the TLS handshake. Default 10 s.
    pub connect: Duration,
    /// A whole call with its answer. Default 120 s, as in the vendor's client.
    pub total: Duration,
    /// Longest wait for the turn of a call, where a [`Pace`] is asked. Default 30 s: a workstation waits about
    /// that long.
    pub turn: Duration,
    /// How long an idle connection for reading calls is kept. Default 15 s: below the keep-alive time of
    /// common servers.
    pub pool_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(120),
            turn: Duration::from_secs(30),
            pool_idle: Duration::from_secs(15),
        }
    }
}

/// Everything a client needs to know.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The address that the vendor hands out.
    pub base_url: BaseUrl,
    /// Who we are; none where a proxy on the way knows.
    pub credentials: Option<Credentials>,
    /// Trust and client certificate.
    pub tls: Tls,
    /// The way out. Default: as the environment says.
    pub proxy: Proxy,
    /// How calls are put on the wire.
    pub conventions: Conventions,
    /// Time-outs.
    pub timeouts: Timeouts,
    /// Whether calls may go unencrypted to another machine. Default false: passwords and patients' data
    /// stand in header fields, which proxies write to their logs.
    pub plain_http_allowed: bool,
    /// Who is asked before each call. Default: nobody, and calls go as they come.
    pub pace: Option<Arc<dyn Pace>>,
}

impl ClientConfig {
    /// A configuration with the vendor's conventions.
    #[must_use]
    pub fn new(base_url: BaseUrl, credentials: Option<Credentials>) -> Self {
        Self {
            base_url,
            credentials,
            tls: Tls::default(),
            proxy: Proxy::default(),
            conventions: Conventions::default(),
            timeouts: Timeouts::default(),
            plain_http_allowed: false,
            pace: None,
        }
    }
}

/// A client of the vendor's endpoints. Cloning is cheap and shares connections.
///
/// Redirects are never followed: they could carry credentials and patients' data elsewhere.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    base_url: BaseUrl,
    conventions: Conventions,
    authorization: Option<HeaderValue>,
    pace: Option<Arc<dyn Pace>>,
    turn_max: Duration,
    /// Connections that are kept.
    reading: reqwest::Client,
    /// A connection for every call, so that none fails because the server has just closed it: a call with
    /// side effects that may have left must not be sent again.
    changing: reqwest::Client,
}

impl Client {
    /// Makes a client. Certificates are read now.
    ///
    /// # Errors
    /// [`Error::Unencrypted`]; [`Error::Credentials`] where a certificate or key file or the given
    /// credentials cannot be used.
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        let ClientConfig {
            base_url,
            credentials,
            tls,
            proxy,
            conventions,
            timeouts,
            plain_http_allowed,
            pace,
        } = config;
        if !(base_url.is_tls() || base_url.is_loopback() || plain_http_allowed) {
            return Err(Error::Unencrypted);
        }
        let mut fields = HeaderMap::new();
        for (name, value) in &conventions.headers {
            let mut value = value.clone();
            value.set_sensitive(true);
            fields.append(name, value);
        }
        let client = |idle_connections_max: usize| -> Result<reqwest::Client, Error> {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("Dimseway/", env!("CARGO_PKG_VERSION")))
                .default_headers(fields.clone())
                .redirect(redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .tcp_nodelay(true)
                .connect_timeout(timeouts.connect)
                .timeout(timeouts.total)
                .pool_idle_timeout(timeouts.pool_idle)
                .pool_max_idle_per_host(idle_connections_max);
            let builder = proxy.apply(builder, &base_url)?;
            let builder = match conventions.http_version {
                HttpVersion::One => builder.http1_only(),
                HttpVersion::Negotiated => builder,
            };
            tls.apply(builder, &base_url)?.build().map_err(|error| Error::Credentials(chain(error).into()))
        };
        let (reading, changing) = (client(IDLE_CONNECTIONS_MAX)?, client(0)?);
        let authorization = credentials.as_ref().map(basic).transpose()?;
        let turn_max = timeouts.turn;
        let inner = Inner { base_url, conventions, authorization, pace, turn_max, reading, changing };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The conventions in force.
    #[must_use]
    pub fn conventions(&self) -> &Conventions {
        &self.inner.conventions
    }

    /// The base URL.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.inner.base_url
    }
}

fn basic(credentials: &Credentials) -> Result<HeaderValue, Error> {
    let pair = format!("{}:{}", credentials.username, credentials.password.expose_secret());
    let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    let mut value = HeaderValue::from_str(&text).map_err(|error| Error::Credentials(Box::new(error)))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The header fields of one request that every request has.
fn fields(authorization: Option<&HeaderValue>) -> HeaderMap {
    let mut fields = HeaderMap::new();
    // The calls are GET requests, and an answer kept on the way would be a share that was never made.
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(authorization) = authorization {
        fields.insert(header::AUTHORIZATION, authorization.clone());
    }
    fields
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.inner.base_url)
            .field("conventions", &self.inner.conventions)
            .finish_non_exhaustive()
    }
}
