//! The client of one origin server: connections, credentials, and one exchange at a time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::{Request, RequestBuilder, Response, redirect};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::answer;
use crate::auth::{Authorization, Payload, Proof, TokenObserver, TokenState};
use crate::error::{Unreadable, Wait};
use crate::pace::Admission;
use crate::transport::TransportError;
use crate::{BaseUrl, Credentials, Error, Pace, Precedence, Profile, Proxy, Timeouts, Tls};

/// Most bytes of an answer to a search, a metadata request or a probe. 8 MiB: the metadata of one
/// instance with generous inline values.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Connections kept open per client while idle. Default of the platform would be unlimited; 16 is more
/// than the workers of one destination.
const IDLE_CONNECTIONS_MAX: usize = 16;

/// Requests of all searches together that an origin is asked to answer at the same time; one whose answer
/// has begun does not count, since a peer may take that as slowly as it likes. 16: four queries at full
/// speed; many origins refuse more (429), and that ends a query.
const SEARCHES_MAX: usize = 16;

/// Bytes of one answer to a search or retrieve that may be under way over HTTP/2 and not yet taken. 512 KiB:
/// 40 Mbit/s for each answer over 100 ms, and there are several of them as a rule.
pub const ANSWER_WINDOW: u32 = 512 * 1024;

/// Answers over one HTTP/2 connection whose bytes nobody takes, because a peer is slow, without holding up
/// the others. 64: more than one peer or the other ever waits for.
const ANSWERS_STANDING_STILL: u32 = 64;

/// Bytes of an instance that have to come within [`Timeouts::page`] of waiting for them, where nobody waits for the
/// instance but what is behind it. 64 KiB: within 300 s that is slower than any line in use, and far more than a
/// byte now and then.
const TRICKLE_MIN: usize = 64 * 1024;

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
    /// The way to the origin and to whoever gives its tokens.
    pub proxy: Proxy,
    /// Time-outs.
    pub timeouts: Timeouts,
    /// How fast the origin is used. Whoever makes several clients of one origin gives all of them the same.
    pub pace: Pace,
}

/// A client of one origin server. Cloning is cheap and shares connections.
///
/// Stores, searches and retrieves have connections of their own, so that the flow control of one never
/// holds up another. Redirects are never followed: they could carry credentials and patient data elsewhere.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
    pub(crate) precedence: Precedence,
}

pub(crate) struct Inner {
    pub(crate) base_url: BaseUrl,
    pub(crate) profile: Profile,
    pub(crate) timeouts: Timeouts,
    pub(crate) pace: Pace,
    pub(crate) authorization: Authorization,
    pub(crate) store: reqwest::Client,
    pub(crate) search: reqwest::Client,
    /// For each request of a search that is not answered yet.
    pub(crate) searches: Semaphore,
    pub(crate) retrieve: reqwest::Client,
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
            proxy: Proxy::default(),
            timeouts: Timeouts::default(),
            pace: Pace::default(),
        }
    }
}

impl Client {
    /// Makes a client. Certificates are read now, a token file when it is used.
    ///
    /// # Errors
    /// [`Error::Credentials`] where a certificate or key file or the given password cannot be used.
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        Self::adapted(config, |builder| builder)
    }

    /// As [`Self::new`], with connections that are not quite the usual ones.
    pub(crate) fn adapted(
        config: ClientConfig,
        adapt: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, Error> {
        let ClientConfig { base_url, profile, credentials, tls, headers, proxy, timeouts, pace } = config;
        let mut extra = HeaderMap::new();
        for (name, mut value) in headers {
            value.set_sensitive(true);
            extra.append(name, value);
        }
        let builder = || -> Result<reqwest::ClientBuilder, Error> {
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
            tls.apply(proxy.apply(adapt(builder), base_url.as_url())?, base_url.as_url())
        };
        let client = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| Error::Credentials(Box::new(TransportError::from(error))))
        };
        let reading = || {
            let builder = builder()?
                .http2_initial_stream_window_size(ANSWER_WINDOW)
                .http2_initial_connection_window_size(ANSWER_WINDOW * ANSWERS_STANDING_STILL);
            client(builder)
        };
        let (store, search, retrieve) = (client(builder()?)?, reading()?, reading()?);
        let authorization = Authorization::new(credentials, &proxy, &tls, &timeouts)?;
        let searches = Semaphore::new(SEARCHES_MAX);
        let inner =
            Inner { base_url, profile, timeouts, pace, authorization, store, search, searches, retrieve };
        Ok(Self { inner: Arc::new(inner), precedence: Precedence::Interactive })
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

    /// How fast the origin is used.
    #[must_use]
    pub fn pace(&self) -> &Pace {
        &self.inner.pace
    }

    /// The same client for requests that nobody waits for; they let others go first.
    #[must_use]
    pub fn in_bulk(&self) -> Self {
        Self { precedence: Precedence::Bulk, ..self.clone() }
    }

    /// Waits for the turn of a request.
    pub(crate) async fn admit(&self) -> Admission {
        self.inner.pace.admit(self.precedence).await
    }

    /// Fetches a token where none is held that is good for a while yet, and tells of it; none where the
    /// credentials are of a kind without tokens.
    ///
    /// # Errors
    /// [`Error::Token`], or [`Error::Credentials`] of those whose tokens are somebody else's matter.
    pub async fn authenticate(&self) -> Result<Option<TokenState>, Error> {
        self.inner.authorization.authenticate().await
    }

    /// The token that is held, if any; nothing is asked for it.
    #[must_use]
    pub fn token_state(&self) -> Option<TokenState> {
        self.inner.authorization.token_state()
    }

    /// Tells this observer of every request for a token from now on. The first one that is given stays.
    pub fn observe_tokens(&self, observer: TokenObserver) {
        self.inner.authorization.observe(observer);
    }

    /// A GET request, sent once more with fresh credentials after a 401.
    pub(crate) async fn get(&self, url: reqwest::Url, accept: &str) -> Result<Response, Error> {
        self.without_body(&self.inner.search, Method::GET, url, accept).await
    }

    /// Any request without a body that may be repeated, over connections of the caller's choice; as
    /// [`Self::get`].
    pub(crate) async fn without_body(
        &self,
        connections: &reqwest::Client,
        method: Method,
        url: reqwest::Url,
        accept: &str,
    ) -> Result<Response, Error> {
        self.in_turn(connections, method, url, accept, Duration::MAX).await
    }

    /// As [`Self::without_body`], where nobody waits longer than `turn_max` for the turn of the request.
    pub(crate) async fn in_turn(
        &self,
        connections: &reqwest::Client,
        method: Method,
        url: reqwest::Url,
        accept: &str,
        turn_max: Duration,
    ) -> Result<Response, Error> {
        let mut refreshed = false;
        loop {
            let admission =
                tokio::time::timeout(turn_max, self.admit()).await.map_err(|_| Error::Timeout(Wait::Turn))?;
            let request = connections.request(method.clone(), url.clone()).header(header::ACCEPT, accept);
            let (request, proof) = self.authorized(request, Payload::Whole(b"")).await?;
            let mut response = tokio::time::timeout(self.inner.timeouts.answer, connections.execute(request))
                .await
                .map_err(|_| Error::Timeout(Wait::Answer))?
                .map_err(|error| TransportError::from(error).into_error())?;
            // The request is under way until its answer has been read or dropped.
            response.extensions_mut().insert(admission);
            // Told in any case, so that it is known which credentials were taken.
            if self.inner.authorization.renewed(&response, &proof).await? && !refreshed {
                refreshed = true;
                continue;
            }
            return Ok(response);
        }
    }

    /// The request, which lacks nothing more but a body that is streamed, with credentials that are valid now;
    /// and what its answer is taken in with ([`Authorization::renewed`]).
    pub(crate) async fn authorized(
        &self,
        request: RequestBuilder,
        payload: Payload<'_>,
    ) -> Result<(Request, Proof), Error> {
        let mut request = request.build().map_err(|error| TransportError::from(error).into_error())?;
        let proof = self.inner.authorization.authorize(&mut request, payload).await?;
        Ok((request, proof))
    }

    /// The error that an answer without success stands for.
    pub(crate) fn refused(&self, response: &Response, credentials_changed: bool) -> Error {
        Error::Refused {
            status: response.status(),
            retry_after: answer::retry_after(response.headers(), std::time::SystemTime::now()),
            credentials_changed,
        }
    }

    /// The body of an instance, which may be slow but must not stand still. Where nobody waits for it, somebody else
    /// may wait behind it, and it must not trickle for ever either.
    pub(crate) fn body(&self, response: Response) -> impl Stream<Item = Result<Bytes, Error>> + Send + use<> {
        let whole = match self.precedence {
            Precedence::Interactive => Duration::MAX,
            Precedence::Bulk => self.inner.timeouts.page,
        };
        self.body_within(response, whole, Some(TRICKLE_MIN))
    }

    /// The body of an answer that is no instance, which must not take for ever either.
    pub(crate) fn page(&self, response: Response) -> impl Stream<Item = Result<Bytes, Error>> + Send + use<> {
        self.body_within(response, self.inner.timeouts.page, None)
    }

    fn body_within(
        &self,
        response: Response,
        whole: Duration,
        enough: Option<usize>,
    ) -> impl Stream<Item = Result<Bytes, Error>> + Send + use<> {
        let idle = self.inner.timeouts.read_idle;
        let reading = Reading::new(idle, whole, enough);
        let pace = Some(self.inner.pace.clone()).filter(Pace::limits_bytes);
        let (precedence, admission) = (self.precedence, response.extensions().get::<Admission>().cloned());
        let admission = admission.unwrap_or_default();
        let state = (response, pace, admission, reading);
        stream::try_unfold(state, move |(mut response, pace, admission, mut reading)| async move {
            admission.is_used();
            let chunk = reading
                .wait(response.chunk())
                .await?
                .map_err(|error| TransportError::from(error).into_error())?;
            reading.note(chunk.as_ref().map_or(0, Bytes::len));
            if let (Some(pace), Some(chunk)) = (&pace, &chunk) {
                pace.bytes(precedence, chunk.len()).await;
            }
            admission.is_left();
            Ok(chunk.map(|chunk| (chunk, (response, pace, admission, reading))))
        })
    }

    /// The whole body of an answer, up to a limit.
    pub(crate) async fn read_answer(&self, response: Response, bytes_max: usize) -> Result<Vec<u8>, Error> {
        let mut chunks = std::pin::pin!(self.page(response));
        let mut body = Vec::new();
        while let Some(chunk) = chunks.next().await.transpose()? {
            if body.len() + chunk.len() > bytes_max {
                return Err(Error::Unreadable(Unreadable::TooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// How long the bytes of one answer are waited for.
#[derive(Debug)]
struct Reading {
    /// Each time.
    idle: Duration,
    /// All times together, or all until enough has come.
    whole: Duration,
    /// What is left of that.
    left: Duration,
    /// Bytes after which it begins anew, if it ever does.
    enough: Option<usize>,
    /// Bytes since it began.
    came: usize,
}

impl Reading {
    const fn new(idle: Duration, whole: Duration, enough: Option<usize>) -> Self {
        Self { idle, whole, left: whole, enough, came: 0 }
    }

    /// Bytes have come.
    fn note(&mut self, bytes: usize) {
        self.came = self.came.saturating_add(bytes);
        if self.enough.is_some_and(|enough| self.came >= enough) {
            (self.came, self.left) = (0, self.whole);
        }
    }

    async fn wait<F: Future>(&mut self, chunk: F) -> Result<F::Output, Error> {
        let began = Instant::now();
        let waited = tokio::time::timeout(self.idle.min(self.left), chunk).await;
        let cause = if self.left <= self.idle { Wait::Total } else { Wait::Reading };
        self.left = self.left.saturating_sub(began.elapsed());
        waited.map_err(|_| Error::Timeout(cause))
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
            .field("proxy", &self.proxy)
            .field("timeouts", &self.timeouts)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::Router;
    use axum::extract::Request;
    use axum::http::Response as Answer;

    use super::*;
    use crate::error::Remedy;
    use crate::testing::*;

    /// A server that wants this Authorization, and writes down every request line.
    async fn wanting(authorization: &'static str) -> (BaseUrl, Arc<Mutex<Vec<String>>>) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let keep = log.clone();
        let router = Router::new().fallback(move |request: Request| async move {
            let (parts, body) = request.into_parts();
            let _ = axum::body::to_bytes(body, usize::MAX).await;
            keep.lock().unwrap().push(format!("{} {}", parts.method, parts.uri));
            let granted = parts.headers.get("authorization").is_some_and(|value| value == authorization);
            Answer::builder().status(if granted { 204 } else { 401 }).body(axum::body::Body::empty()).unwrap()
        });
        (serve(router).await, log)
    }

    #[tokio::test]
    async fn probes_in_the_way_of_the_profile() {
        let (base, log) = wanting("Basic dTpw").await;
        let mut config = config(base);
        let credentials = |password: &str| Credentials::Basic {
            username: "u".to_owned(),
            password: password.to_owned().into(),
        };
        config.credentials = credentials("p");
        Client::new(config.clone()).unwrap().probe().await.unwrap();
        assert_eq!(*log.lock().unwrap(), ["GET /dicom-web/studies?StudyInstanceUID=2.25.0&limit=1"]);
        config.credentials = credentials("wrong");
        let error = Client::new(config).unwrap().probe().await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::FixCredentials);
        assert_eq!(log.lock().unwrap().len(), 2, "the same credentials are not tried twice");
    }

    #[tokio::test]
    async fn a_token_that_has_changed_is_tried_once_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let (base, log) = wanting("Bearer new").await;
        let mut config = config(base);
        config.credentials = Credentials::BearerFile(path.clone());
        let client = Client::new(config).unwrap();
        std::fs::write(&path, "old").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(client.probe().await.unwrap_err().remedy(), Remedy::FixCredentials);

        // The file looks as before, so only the refusal tells.
        let renew = |token: &str| {
            std::fs::write(&path, token).unwrap();
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        };
        renew("new");
        client.probe().await.unwrap();
        assert_eq!(log.lock().unwrap().len(), 3);

        renew("old");
        let client = client.clone();
        assert!(client.probe().await.is_ok(), "the cached token is still good");
    }

    #[tokio::test]
    async fn a_store_that_is_refused_says_whether_fresh_credentials_are_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "old").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        let (base, log) = wanting("Bearer new").await;
        let mut config = config(base);
        config.credentials = Credentials::BearerFile(path.clone());
        let client = Client::new(config).unwrap();
        let error = client.store(vec![small("1.1")]).await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::FixCredentials);
        std::fs::write(&path, "new").unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        let error = client.store(vec![small("1.1")]).await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::Retry { after: Some(Duration::ZERO) });
        assert_eq!(client.store(vec![small("1.1")]).await.unwrap().http_status, 204);
        assert_eq!(log.lock().unwrap().len(), 3);
    }

    /// A byte now and then is no standstill.
    #[tokio::test(start_paused = true)]
    async fn an_answer_that_trickles_is_given_up_once_its_time_is_used_up() {
        const SECOND: Duration = Duration::from_secs(1);
        let mut reading = Reading::new(60 * SECOND, 100 * SECOND, None);
        for _ in 0..3 {
            reading.wait(tokio::time::sleep(30 * SECOND)).await.unwrap();
            // Whoever takes what was read may take hours for it.
            tokio::time::advance(10_000 * SECOND).await;
        }
        let error = reading.wait(tokio::time::sleep(30 * SECOND)).await.unwrap_err();
        assert!(matches!(error, Error::Timeout(Wait::Total)), "{error}");
        let mut instance = Reading::new(60 * SECOND, Duration::MAX, Some(TRICKLE_MIN));
        for _ in 0..1000 {
            instance.wait(tokio::time::sleep(59 * SECOND)).await.unwrap();
        }
        let error = instance.wait(tokio::time::sleep(61 * SECOND)).await.unwrap_err();
        assert!(matches!(error, Error::Timeout(Wait::Reading)), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_may_come_slowly_and_not_in_drops() {
        const SECOND: Duration = Duration::from_secs(1);
        for (bytes, comes) in [(TRICKLE_MIN / 2, true), (1, false)] {
            let mut reading = Reading::new(60 * SECOND, 100 * SECOND, Some(TRICKLE_MIN));
            let mut came = true;
            for _ in 0..1000 {
                came &= reading.wait(tokio::time::sleep(30 * SECOND)).await.is_ok();
                reading.note(bytes);
            }
            assert_eq!(came, comes, "{bytes}");
        }
    }

    #[tokio::test]
    async fn extra_header_fields_go_with_every_request_and_show_nowhere() {
        let router = Router::new().fallback(|request: Request| async move {
            let granted = request.headers().get("x-api-key").is_some_and(|value| value == "secret");
            Answer::builder().status(if granted { 204 } else { 403 }).body(axum::body::Body::empty()).unwrap()
        });
        let mut config = config(serve(router).await);
        config.headers.push((HeaderName::from_static("x-api-key"), HeaderValue::from_static("secret")));
        assert!(!format!("{config:?}").contains("secret"));
        let client = Client::new(config).unwrap();
        assert!(!format!("{client:?}").contains("secret"));
        client.probe().await.unwrap();
    }

    #[tokio::test]
    async fn a_page_for_people_is_no_answer_to_a_probe() {
        let router = Router::new().fallback(|| async { axum::response::Html("<html>") });
        let error = client(serve(router).await).probe().await.unwrap_err();
        assert!(matches!(error, Error::Unreadable(Unreadable::Html)), "{error}");
    }
}
