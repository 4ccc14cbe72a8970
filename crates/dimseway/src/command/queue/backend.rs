//! Where the queue is: behind the admin API of a running daemon, or in a spool that nobody has open.

use crate::{
    command::send::reachable,
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
    queue::{
        self,
        model::{Action, ActionBody, Changed, EntryDetails, Query, QueryString, QueuePage, Refusal},
    },
};
use anyhow::Context;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use spool::local::LocalSpool;
use std::time::Duration;

/// Longest wait for a connection to the daemon on this machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest silence of the daemon.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of an error answer that are read.
const REFUSAL_LENGTH_MAX: usize = 64 * 1024;

/// Where the queue is.
pub(super) enum Backend {
    /// In the running daemon.
    Api(Api),
    /// In the spool, which is locked by us meanwhile.
    Spool(LocalSpool),
}

/// A Part 10 file in pieces.
pub(super) struct ExportedFile {
    /// SOP Instance UID.
    pub(super) name: String,
    /// The bytes.
    pub(super) bytes: BoxStream<'static, anyhow::Result<Bytes>>,
}

/// The admin API.
pub(super) struct Api {
    client: Client,
    base: String,
    token: Option<SecretString>,
}

impl Backend {
    /// Asks the daemon; where none answers, opens the spool.
    ///
    /// # Errors
    /// The spool is in use by a daemon that does not answer, or cannot be opened.
    pub(super) async fn open(configuration: &Configuration) -> anyhow::Result<Self> {
        let api = Api::new(configuration)?;
        if api.answers().await {
            return Ok(Self::Api(api));
        }
        let config = configuration.spool.clone();
        let directory = config.directory.clone();
        if !directory.is_dir() {
            return Err(fail(
                Exit::Unavailable,
                format!(
                    "no daemon answers at {}, and there is no spool in {}",
                    api.base,
                    directory.display()
                ),
            ));
        }
        let opened = tokio::task::spawn_blocking(move || LocalSpool::open(config)).await?;
        let (spool, _) = opened
            .with_context(|| {
                format!("no daemon answers at {}, and the spool in {}", api.base, directory.display())
            })
            .or_exit(Exit::Unavailable)?;
        Ok(Self::Spool(spool))
    }

    /// Gives the lock of the spool back.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Api(_) => Ok(()),
            Self::Spool(spool) => Ok(tokio::task::spawn_blocking(move || spool.close()).await??),
        }
    }

    pub(super) async fn list(&self, query: &Query) -> anyhow::Result<QueuePage> {
        match self {
            Self::Api(api) => api.json(api.get("queue").query(&QueryString::from(query))).await,
            Self::Spool(spool) => queue::list(spool, query).await.map_err(refused),
        }
    }

    pub(super) async fn show(&self, entry: &str) -> anyhow::Result<EntryDetails> {
        let id = queue::entry_id(entry).map_err(refused)?;
        match self {
            Self::Api(api) => api.json(api.get(&format!("queue/{id}"))).await,
            Self::Spool(spool) => queue::show(spool, entry).await.map_err(refused),
        }
    }

    pub(super) async fn act(&self, action: &Action) -> anyhow::Result<Changed> {
        match self {
            Self::Api(api) => {
                let request = api.client.post(api.url(&format!("queue/{}", action.kind.as_str())));
                api.json(api.authorized(request).json(&ActionBody::from(action))).await
            }
            Self::Spool(spool) => queue::act(spool, action).await.map_err(refused),
        }
    }

    pub(super) async fn file(&self, entry: &str) -> anyhow::Result<ExportedFile> {
        let name = self.show(entry).await?.instance;
        match self {
            Self::Api(api) => {
                let id = queue::entry_id(entry).map_err(refused)?;
                let response = api.answer(api.get(&format!("queue/{id}/file"))).await?;
                Ok(ExportedFile { name, bytes: response.bytes_stream().map_err(anyhow::Error::new).boxed() })
            }
            Self::Spool(spool) => {
                let file = queue::file_of(spool, spool, entry).await.map_err(refused)?;
                Ok(ExportedFile { name, bytes: file.bytes.map_err(anyhow::Error::new).boxed() })
            }
        }
    }
}

/// Gives a refusal the exit code that tells a script what to do.
fn refused(error: queue::Error) -> anyhow::Error {
    let exit = match &error {
        queue::Error::Invalid(_) => Exit::Usage,
        queue::Error::NotFound(_)
        | queue::Error::Gone(_)
        | queue::Error::Spool(spool::Error::State { .. }) => Exit::Data,
        queue::Error::Spool(_) => Exit::Unavailable,
    };
    fail(exit, error.to_string())
}

impl Api {
    fn new(configuration: &Configuration) -> anyhow::Result<Self> {
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
    async fn answers(&self) -> bool {
        self.client
            .get(format!("{}/healthz", self.base))
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.authorized(self.client.get(self.url(path)))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let response = self.answer(request).await?;
        response.json().await.context("the daemon's answer cannot be read").or_exit(Exit::Unavailable)
    }

    /// A successful answer; any other one becomes an error with the daemon's own words.
    async fn answer(&self, request: RequestBuilder) -> anyhow::Result<Response> {
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
