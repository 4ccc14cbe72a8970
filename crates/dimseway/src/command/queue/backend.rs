//! Where the queue is: behind the admin API of a running daemon, or in a spool that nobody has open.

use crate::{
    command::{api::Api, spool_owner},
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
    queue::{
        self, Question,
        model::{Action, ActionBody, Changed, EntryDetails, Query, QueryString, QueuePage},
    },
};
use anyhow::Context;
use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use spool::{
    Deliveries, Destination, Details, EntryId, Payloads,
    local::{LocalSpool, ReadOnlySpool},
};

/// Where the queue is.
pub(super) enum Backend {
    /// In the running daemon.
    Api(Api),
    /// In a spool that nobody has open; locked by us meanwhile, to change it. With the destinations of the
    /// configuration.
    Spool(LocalSpool, Vec<Destination>),
    /// In a stopped or damaged spool, only looked at.
    ReadOnly(ReadOnlySpool),
}

/// A Part 10 file in pieces.
pub(super) struct ExportedFile {
    /// SOP Instance UID.
    pub(super) name: String,
    /// The bytes.
    pub(super) bytes: BoxStream<'static, anyhow::Result<Bytes>>,
}

impl Backend {
    /// Asks the daemon; where none answers, opens the spool, to `change` it or only to look at it.
    ///
    /// # Errors
    /// The spool is in use by a daemon that does not answer, cannot be opened, or is to be changed and is another
    /// user's.
    pub(super) async fn open(configuration: &Configuration, change: bool) -> anyhow::Result<Self> {
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
        if change {
            spool_owner::ensure_ours(&directory)?;
        }
        let known = configuration.bridge.destinations();
        let opened = tokio::task::spawn_blocking(move || open_spool(config, known, change));
        let context =
            || format!("no daemon answers at {}, and the spool in {}", api.base, directory.display());
        opened.await?.with_context(context).or_exit(Exit::Unavailable)
    }

    /// Gives the lock of the spool back.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Api(_) | Self::ReadOnly(_) => Ok(()),
            Self::Spool(spool, _) => Ok(tokio::task::spawn_blocking(move || spool.close()).await??),
        }
    }

    pub(super) async fn list(&self, query: &Query) -> anyhow::Result<QueuePage> {
        let Question { filter, cursor, limit } = queue::question(query).map_err(refused)?;
        let page = match self {
            Self::Api(api) => return api.json(api.get("queue").query(&QueryString::from(query))).await,
            Self::Spool(spool, _) => spool.list(&filter, cursor, limit).await,
            Self::ReadOnly(spool) => spool.list(&filter, cursor, limit).await,
        };
        Ok(QueuePage::from(page.map_err(|error| refused(error.into()))?))
    }

    pub(super) async fn show(&self, entry: &str) -> anyhow::Result<EntryDetails> {
        let id = queue::entry_id(entry).map_err(refused)?;
        match self {
            Self::Api(api) => api.json(api.get(&format!("queue/{id}"))).await,
            _ => Ok(EntryDetails::from(self.details(id).await?)),
        }
    }

    /// What the spool has on record of an entry.
    async fn details(&self, id: EntryId) -> anyhow::Result<Details> {
        let details = match self {
            Self::Spool(spool, _) => spool.show(id).await,
            Self::ReadOnly(spool) => spool.show(id).await,
            Self::Api(_) => return Err(fail(Exit::Internal, "the API has answers of its own")),
        };
        details.map_err(|error| refused(error.into()))
    }

    pub(super) async fn act(&self, action: &Action) -> anyhow::Result<Changed> {
        match self {
            Self::Api(api) => {
                let request = api.client.post(api.url(&format!("queue/{}", action.kind.as_str())));
                api.json(api.authorized(request).json(&ActionBody::from(action))).await
            }
            Self::Spool(spool, known) => queue::act(spool, known, action).await.map_err(refused),
            Self::ReadOnly(_) => Err(fail(Exit::Internal, "the spool was opened to look at it only")),
        }
    }

    pub(super) async fn file(&self, entry: &str) -> anyhow::Result<ExportedFile> {
        let id = queue::entry_id(entry).map_err(refused)?;
        if let Self::Api(api) = self {
            let name = self.show(entry).await?.instance;
            let response = api.answer(api.get(&format!("queue/{id}/file"))).await?;
            return Ok(ExportedFile {
                name,
                bytes: response.bytes_stream().map_err(anyhow::Error::new).boxed(),
            });
        }
        let head = queue::file_head(self.details(id).await?).map_err(refused)?;
        let data_set = match self {
            Self::Spool(spool, _) => Payloads::read(spool, id, 0..head.data_set_length),
            Self::ReadOnly(spool) => spool.read(id, 0..head.data_set_length),
            Self::Api(_) => stream::empty().boxed(),
        };
        let bytes = head.bytes;
        let bytes = stream::once(async { Ok(bytes) }).chain(data_set).map_err(anyhow::Error::new).boxed();
        Ok(ExportedFile { name: head.name, bytes })
    }
}

/// Opens the spool, which also finds what a crash kept out of its index. Only to look at it, a spool
/// is also read that cannot be opened: in use, damaged, or of another user.
fn open_spool(
    config: spool::local::Config,
    known: Vec<Destination>,
    change: bool,
) -> Result<Backend, spool::Error> {
    let directory = config.directory.clone();
    if change || spool_owner::is_ours(&directory)? {
        match LocalSpool::open(config) {
            Ok((spool, _)) => return Ok(Backend::Spool(spool, known)),
            Err(error) if change => return Err(error),
            Err(error) => eprintln!("only looking: {error}"),
        }
    }
    let spool = ReadOnlySpool::open(&directory)?;
    if spool.is_from_segments() {
        eprintln!("the index of the spool cannot be read: every delivery shows as due or held");
    } else {
        eprintln!("what was accepted in the last moment before a crash may not show");
    }
    Ok(Backend::ReadOnly(spool))
}

/// Gives a refusal the exit code that tells a script what to do.
fn refused(error: queue::Error) -> anyhow::Error {
    let exit = match &error {
        queue::Error::Invalid(_) => Exit::Usage,
        queue::Error::NotFound(_)
        | queue::Error::NoCall(_)
        | queue::Error::Gone(_)
        | queue::Error::Spool(spool::Error::State { .. }) => Exit::Data,
        queue::Error::Spool(_) => Exit::Unavailable,
    };
    fail(exit, error.to_string())
}
