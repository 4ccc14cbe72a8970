//! The origin as a whole: folder, index and rules, and how it is served.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use instance::Uid;
use tokio::net::TcpListener;

use crate::{
    Credentials, Error, Faults, Limits, Personality, StoredInstance, aws, azure,
    connections::{Connections, Cut},
    fault::Switches,
    google,
    postdicom::{self, Store},
    storage::{INDEX, Storage},
    synthetic::archive::File,
    token::{self, Issuer},
    worklist,
};

/// Path below which the DICOMweb resources stand.
pub const BASE_PATH: &str = "/dicom-web";

/// What an origin is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder that holds instances and index; made when it does not exist.
    pub directory: PathBuf,
    /// Whose behaviour it shows.
    pub personality: Personality,
    /// What every request must carry; `None` asks for nothing. [`Personality::PostDicom`] begins with
    /// generated ones, see [`Origin::credentials`]; the others with none.
    pub credentials: Option<Credentials>,
    /// What one client may ask for.
    pub limits: Limits,
    /// Time that passes before each request is looked at, as on a long line. Default none.
    pub answer_delay: Duration,
    /// What [`Personality::PostDicom`] has and does beside; the others do not look at it.
    pub postdicom: postdicom::Options,
    /// Who gets bearer tokens, which every request must carry then; `None` asks for none.
    /// [`Personality::Azure`] and [`Personality::Google`] begin with generated ones.
    pub tokens: Option<token::Options>,
    /// How [`Personality::Azure`] is set up.
    pub azure: azure::Options,
    /// Which store [`Personality::Google`] is.
    pub google: google::Options,
    /// Who may sign requests to [`Personality::Aws`].
    pub aws: aws::Options,
    /// What is wrong from the beginning; [`Origin::set_faults`] changes it.
    pub faults: Faults,
}

/// A DICOMweb origin server on a folder. Cloning is cheap and gives the same server.
#[derive(Clone)]
pub struct Origin {
    pub(crate) state: Arc<State>,
}

/// What every request shares.
pub(crate) struct State {
    pub(crate) storage: Arc<Storage>,
    /// Where the personality keeps orders.
    pub(crate) orders: Option<Arc<Store>>,
    /// Where the personality keeps its worklists.
    pub(crate) worklist: Option<Arc<worklist::Store>>,
    /// Where the personality gives tokens out.
    pub(crate) tokens: Option<Arc<Issuer>>,
    /// Where the personality has versions, partitions and a change feed.
    pub(crate) azure: Option<Arc<azure::Service>>,
    /// Who may sign requests, where the personality takes signed ones.
    pub(crate) aws: Option<Arc<aws::Gate>>,
    pub(crate) faults: Arc<Switches>,
    pub(crate) options: Options,
}

/// User name of generated credentials.
const USERNAME: &str = "user@example.org";

impl Options {
    /// Default limits, no delay, and credentials only where the personality cannot be without.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, personality: Personality) -> Self {
        let credentials = (personality == Personality::PostDicom).then(|| Credentials::generate(USERNAME));
        Self {
            directory: directory.into(),
            personality,
            credentials,
            limits: Limits::default(),
            answer_delay: Duration::ZERO,
            postdicom: postdicom::Options::default(),
            tokens: personality.has_tokens().then(token::Options::generate),
            azure: azure::Options::default(),
            google: google::Options::default(),
            aws: aws::Options::generate(),
            faults: Faults::default(),
        }
    }

    /// The base URL to configure for an origin with these options that listens on `address`.
    #[must_use]
    pub fn url(&self, address: SocketAddr) -> String {
        match self.personality {
            Personality::Google => format!("http://{address}{}", self.google.base_path()),
            personality => format!("http://{address}{}", personality.rules().base_path),
        }
    }

    /// Where the token end points are of an origin with these options that listens on `address`.
    #[must_use]
    pub fn token_addresses(&self, address: SocketAddr) -> Option<token::Addresses> {
        Some(self.tokens.as_ref()?.addresses(self.personality, address))
    }
}

impl Origin {
    /// Opens, or makes, the folder with [`Options::new`]. Blocks on the disk.
    /// What another process is receiving into the same folder is lost: one process at a time.
    ///
    /// # Errors
    /// The folder cannot be made, or holds an index that SQLite cannot read.
    pub fn open(directory: impl AsRef<Path>, personality: Personality) -> Result<Self, Error> {
        Self::open_with(Options::new(directory.as_ref(), personality))
    }

    /// Opens, or makes, the folder that `options` names. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Origin::open`].
    pub fn open_with(options: Options) -> Result<Self, Error> {
        // As a spool, it is for its owner alone.
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700)
            .create(&options.directory)
            .map_err(Error::folder(&options.directory))?;
        let faults = Arc::new(Switches::default());
        faults.set(options.faults.clone());
        let tokens = options.tokens.clone().filter(|_| options.personality.has_tokens());
        let azure = match options.personality {
            Personality::Azure => Some(Arc::new(azure::Service::open(&options, &faults)?)),
            _ => None,
        };
        let index = options.directory.join(INDEX);
        let storage = match &azure {
            Some(service) => service.default_storage(),
            None => Arc::new(Storage::open(&options.directory, None)?),
        };
        let orders = match options.personality {
            Personality::PostDicom => Some(Arc::new(Store::open(&index)?)),
            _ => None,
        };
        let worklist = match (&azure, options.personality.rules().worklist) {
            (Some(service), _) => service.default_worklist(),
            (None, Some(_)) => Some(Arc::new(worklist::Store::open(&index)?)),
            (None, None) => None,
        };
        let tokens = tokens.map(|tokens| Arc::new(Issuer::new(tokens)));
        let aws = (options.personality == Personality::Aws).then(|| Arc::new(aws::Gate::new(&options.aws)));
        let state = State { storage, orders, worklist, tokens, azure, aws, faults, options };
        let origin = Self { state: Arc::new(state) };
        origin.attach_all()?;
        Ok(origin)
    }

    /// What every request must carry.
    #[must_use]
    pub fn credentials(&self) -> Option<&Credentials> {
        self.state.options.credentials.as_ref()
    }

    /// Does these things wrong from now on, and no others.
    pub fn set_faults(&self, faults: Faults) {
        self.state.faults.set(faults);
    }

    /// What it does wrong; what was counted is counted down.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.state.faults.get()
    }

    /// Takes no token any more that was given out by now.
    pub fn revoke_tokens(&self) {
        if let Some(gate) = &self.state.aws {
            gate.revoke_all();
        }
        if let Some(tokens) = &self.state.tokens {
            tokens.revoke_all();
        }
    }

    /// A data partition of [`Personality::Azure`], as an origin of its own; none where nothing was stored
    /// in it yet.
    #[must_use]
    pub fn partition(&self, name: &str) -> Option<Self> {
        let state = self.state.azure.as_ref()?.partition(name)?;
        Some(Self { state })
    }

    /// Gives every study its order, where there are orders.
    fn attach_all(&self) -> Result<(), Error> {
        let Some(orders) = &self.state.orders else { return Ok(()) };
        orders.attach_all(self.state.options.postdicom.account.first_institution())
    }

    /// Stores generated instances, whose UIDs it does not have yet, past the wire: many thousand in a
    /// second. Gives how many there were. Blocks on the disk.
    ///
    /// # Errors
    /// A file cannot be written, the index refuses, or a SOP Instance UID is taken.
    pub fn add_all(&self, files: impl IntoIterator<Item = File>) -> Result<u64, Error> {
        let count = self.state.storage.add_all(files)?;
        self.attach_all()?;
        Ok(count)
    }

    /// Lists generated instances as [`Origin::add_all`] does, but keeps none of their files: searches
    /// find them, and retrieves of them fail. For measurements of searches alone. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Origin::add_all`].
    pub fn list_all(&self, files: impl IntoIterator<Item = File>) -> Result<u64, Error> {
        let count = self.state.storage.index_all(files, |_, _| Ok(()))?;
        self.attach_all()?;
        Ok(count)
    }

    /// The resources of the origin below [`BASE_PATH`].
    pub fn router(&self) -> Router {
        crate::routes::router(&self.state)
    }

    /// How many instances are stored.
    ///
    /// # Errors
    /// The index cannot be read.
    pub async fn instance_count(&self) -> Result<u64, Error> {
        self.state.storage.instance_count().await
    }

    /// What is stored under a SOP Instance UID: where the file is, and what its bytes hash to.
    ///
    /// # Errors
    /// The index cannot be read.
    pub async fn instance(&self, sop_instance_uid: &Uid) -> Result<Option<StoredInstance>, Error> {
        self.state.storage.instance(sop_instance_uid.clone()).await
    }
}

/// The base URL to configure for an origin that listens on `address`.
#[must_use]
pub fn base_url(address: SocketAddr) -> String {
    format!("http://{address}{BASE_PATH}")
}

/// Serves `origin` on `listener` (HTTP/1.1, and HTTP/2 with prior knowledge) until `shutdown`
/// resolves; requests in work are finished first. The HTTP library bounds the head of a request: 100
/// header fields and about 400 KiB in HTTP/1.1, 16 KiB in HTTP/2, and 64 KB of URL in both.
///
/// # Errors
/// The listener fails for good.
pub async fn serve(
    listener: TcpListener,
    origin: &Origin,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let connections = Connections::new(listener, origin.state.options.limits.connections_max);
    let service = origin.router().into_make_service_with_connect_info::<Cut>();
    axum::serve(connections, service).with_graceful_shutdown(shutdown).await
}
