//! The admin API of the running daemon, as commands ask it.

use crate::{
    command::send::reachable,
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
    queue::model::Refusal,
};
use anyhow::Context;
use futures::StreamExt;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Longest wait for a connection to the daemon on this machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest silence of the daemon.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of an error answer that are read.
const REFUSAL_LENGTH_MAX: usize = 64 * 1024;

/// The admin API.
pub(crate) struct Api {
    /// For requests that are no `GET`.
    pub(crate) client: Client,
    /// Where it is.
    pub(crate) base: String,
    token: Option<SecretString>,
}

impl Api {
    /// That of the daemon of a configuration.
    ///
    /// # Errors
    /// A client cannot be made.
    pub(crate) fn new(configuration: &Configuration) -> anyhow::Result<Self> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            // The daemon is on this machine; a proxy would only see its token.
            .no_proxy()
            .build()?;
        let base = format!("http://{}", reachable(configuration.admin.listen));
        Ok(Self { client, base, token: configuration.admin.token.clone() })
    }

    /// Whether the daemon is there at all; a recovering one is.
    pub(crate) async fn answers(&self) -> bool {
        self.client
            .get(format!("{}/healthz", self.base))
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
    }

    /// The resource at a path below `/api/v1/`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }

    /// A request for it.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.authorized(self.client.get(self.url(path)))
    }

    /// A request with the token, where one is asked for.
    pub(crate) fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    /// The answer to a request, read from JSON.
    ///
    /// # Errors
    /// See [`Self::answer`].
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let response = self.answer(request).await?;
        response.json().await.context("the daemon's answer cannot be read").or_exit(Exit::Unavailable)
    }

    /// A successful answer; any other one becomes an error with the daemon's own words.
    ///
    /// # Errors
    /// [`Exit::Usage`], [`Exit::Data`] or [`Exit::Unavailable`].
    pub(crate) async fn answer(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response =
            request.send().await.context("the daemon does not answer").or_exit(Exit::Unavailable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let exit = match status {
            StatusCode::BAD_REQUEST => Exit::Usage,
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::CONFLICT => Exit::Data,
            _ => Exit::Unavailable,
        };
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(Ok(chunk)) = stream.next().await {
            body.extend_from_slice(&chunk);
            if body.len() > REFUSAL_LENGTH_MAX {
                break;
            }
        }
        let words = serde_json::from_slice::<Refusal>(&body)
            .map_or_else(|_| status.to_string(), |refusal| refusal.error);
        Err(fail(exit, words))
    }
}
