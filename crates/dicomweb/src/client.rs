//! The client of one origin server: connections, credentials, and one exchange at a time.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::{RequestBuilder, Response, redirect};

use crate::answer;
use crate::auth::Authorization;
use crate::error::{Unreadable, Wait};
use crate::transport::TransportError;
use crate::{BaseUrl, Credentials, Error, Profile, Timeouts, Tls};

/// Most bytes of an answer to a search, a metadata request or a probe. 8 MiB: the metadata of one
/// instance with generous inline values.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Connections kept open per client while idle. Default of the platform would be unlimited; 16 is more
/// than the workers of one destination.
const IDLE_CONNECTIONS_MAX: usize = 16;

/// Everything a client needs to know.
#[derive(Clone)]
pub struct ClientConfig {
    /// Where the origin's resources begin.
    pub base_url: BaseUrl,
    /// What the origin can do.
    pub profile: Profile,
    /// Who we are.
    pub credentials: Credentials,
    /// Trust and client certificate.
    pub tls: Tls,
    /// Header fields added to every request. Values are treated as secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Time-outs.
    pub timeouts: Timeouts,
}

/// A client of one origin server. Cloning is cheap and shares connections.
///
/// Stores and retrieves have connections of their own, so that the flow control of one never holds up
/// the other. Redirects are never followed: they could carry credentials and patient data elsewhere.
/// A proxy is taken from the environment (`HTTPS_PROXY`, `NO_PROXY`), as common programs do.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) base_url: BaseUrl,
    pub(crate) profile: Profile,
    pub(crate) timeouts: Timeouts,
    pub(crate) authorization: Authorization,
    pub(crate) store: reqwest::Client,
    retrieve: reqwest::Client,
}

impl ClientConfig {
    /// A configuration with no credentials, no private authority and default time-outs.
    #[must_use]
    pub fn new(base_url: BaseUrl, profile: Profile) -> Self {
        Self {
            base_url,
            profile,
            credentials: Credentials::None,
            tls: Tls::default(),
            headers: Vec::new(),
            timeouts: Timeouts::default(),
        }
    }
}

impl Client {
    /// Makes a client. Certificates are read now, a token file when it is used.
    ///
    /// # Errors
    /// [`Error::Credentials`] where a certificate or key file or the given password cannot be used.
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        let ClientConfig { base_url, profile, credentials, tls, headers, timeouts } = config;
        let mut extra = HeaderMap::new();
        for (name, mut value) in headers {
            value.set_sensitive(true);
            extra.append(name, value);
        }
        let client = || -> Result<reqwest::Client, Error> {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("Dimseway/", env!("CARGO_PKG_VERSION")))
                .default_headers(extra.clone())
                .redirect(redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .tcp_nodelay(true)
                .connect_timeout(timeouts.connect)
                .pool_idle_timeout(timeouts.pool_idle)
                .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX);
            let builder = tls.apply(builder, &base_url)?;
            builder.build().map_err(|error| Error::Credentials(Box::new(TransportError::from(error))))
        };
        let (store, retrieve) = (client()?, client()?);
        let authorization = Authorization::new(credentials)?;
        let inner = Inner { base_url, profile, timeouts, authorization, store, retrieve };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The profile in force.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.inner.profile
    }

    /// The base URL.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.inner.base_url
    }

    /// A small authenticated request that tells whether the origin would answer.
    ///
    /// # Errors
    /// Whatever a request of that kind would meet.
    pub async fn probe(&self) -> Result<(), Error> {
        let url = self.inner.base_url.resource(&self.inner.profile.paths.probe, None);
        let response = self.get(url, "application/dicom+json").await?;
        if !response.status().is_success() {
            return Err(self.refused(&response, false));
        }
        if answer::is_html(response.headers()) {
            return Err(Error::Unreadable(Unreadable::Html));
        }
        self.read_answer(response, ANSWER_BYTES_MAX).await.map(drop)
    }

    /// A GET request, sent once more with fresh credentials after a 401.
    pub(crate) async fn get(&self, url: reqwest::Url, accept: &str) -> Result<Response, Error> {
        self.without_body(Method::GET, url, accept).await
    }

    /// Any request without a body that may be repeated; as [`Self::get`].
    pub(crate) async fn without_body(
        &self,
        method: Method,
        url: reqwest::Url,
        accept: &str,
    ) -> Result<Response, Error> {
        let mut refreshed = false;
        loop {
            let (request, credentials) =
                self.authorized(self.inner.retrieve.request(method.clone(), url.clone())).await?;
            let sending = request.header(header::ACCEPT, accept).send();
            let response = tokio::time::timeout(self.inner.timeouts.answer, sending)
                .await
                .map_err(|_| Error::Timeout(Wait::Answer))?
                .map_err(|error| TransportError::from(error).into_error())?;
            let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
            if unauthorized && !refreshed && self.inner.authorization.refresh(credentials.as_ref()).await? {
                refreshed = true;
                continue;
            }
            return Ok(response);
        }
    }

    /// The request with the Authorization header field that is valid now, and that field.
    pub(crate) async fn authorized(
        &self,
        request: RequestBuilder,
    ) -> Result<(RequestBuilder, Option<HeaderValue>), Error> {
        let credentials = self.inner.authorization.header().await?;
        Ok(match &credentials {
            Some(value) => (request.header(header::AUTHORIZATION, value), credentials),
            None => (request, None),
        })
    }

    /// The error that an answer without success stands for.
    pub(crate) fn refused(&self, response: &Response, credentials_changed: bool) -> Error {
        Error::Refused {
            status: response.status(),
            retry_after: answer::retry_after(response.headers(), std::time::SystemTime::now()),
            credentials_changed,
        }
    }

    /// The whole body of an answer, up to a limit.
    pub(crate) async fn read_answer(
        &self,
        mut response: Response,
        bytes_max: usize,
    ) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        loop {
            let chunk = tokio::time::timeout(self.inner.timeouts.read_idle, response.chunk())
                .await
                .map_err(|_| Error::Timeout(Wait::Reading))?
                .map_err(|error| TransportError::from(error).into_error())?;
            let Some(chunk) = chunk else { return Ok(body) };
            if body.len() + chunk.len() > bytes_max {
                return Err(Error::Unreadable(Unreadable::TooLarge));
            }
            body.extend_from_slice(&chunk);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.inner.base_url.to_string())
            .field("profile", &self.inner.profile.name)
            .field("authorization", &self.inner.authorization)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("ClientConfig")
            .field("base_url", &self.base_url.to_string())
            .field("profile", &self.profile.name)
            .field("credentials", &self.credentials)
            .field("tls", &self.tls)
            .field("headers", &names)
            .field("timeouts", &self.timeouts)
            .finish()
    }
}
