//! A configuration made ready for use: what an association or a delivery holds on to.

use std::{collections::HashMap, sync::Arc};

use dicomweb::auth::{TokenObserver, TokenRequest};
use instance::{AeTitle, Uid};
use spool::Destination;
use tokio::sync::Semaphore;

use crate::{
    config::{Config, ConfigError, Duplicate, Peer, PostDicom, ServedAe, Services},
    forward::{
        batch,
        edit::{self, Edit},
    },
    metrics::Metrics,
    routing::RoutingTable,
    service::performed_procedure::sink::Sinks,
};

/// Why a configuration cannot be put to use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The client of an origin cannot be made: a certificate or key file that cannot be used.
    #[error("origin.{origin}: {}", crate::forward::verdict::failure_in_words(source))]
    Client {
        /// The origin.
        origin: String,
        /// Why.
        source: dicomweb::Error,
    },
    /// The client of PostDICOM's own end points cannot be made: its address would carry patients' data
    /// unencrypted, or a certificate or key file cannot be used.
    #[error("origin.{origin}.postdicom: {source}")]
    PostDicom {
        /// The origin.
        origin: String,
        /// Why.
        source: postdicom::Error,
    },
    /// A source of the worklist cannot be asked at all.
    #[error("worklist_source.{source_name}: {reason}")]
    WorklistSource {
        /// The source.
        source_name: String,
        /// Why.
        reason: String,
    },
}

/// An origin server, ready to be used. Its credentials are read when a request is made.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) name: String,
    pub(crate) client: dicomweb::Client,
    /// The same one for what nobody waits for.
    pub(crate) bulk: dicomweb::Client,
    pub(crate) duplicate: Duplicate,
    pub(crate) workers: usize,
    pub(crate) limits: batch::Limits,
    pub(crate) edit: Arc<dyn Edit>,
    /// For each result of a query that is counted or looked up, over all associations.
    pub(crate) look_ups: Semaphore,
    /// The vendor's own end points, where it is PostDICOM and they are configured.
    pub(crate) postdicom: Option<Account>,
}

/// An account of PostDICOM, ready to be asked for its orders.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) client: postdicom::Client,
    pub(crate) config: PostDicom,
}

impl Account {
    fn of(origin: &crate::config::Origin) -> Result<Option<Self>, StartError> {
        let Some(config) = origin.postdicom.clone() else { return Ok(None) };
        let client = origin.account().unwrap_or_else(|| config.client.clone());
        let client = postdicom::Client::new(client)
            .map_err(|source| StartError::PostDicom { origin: origin.name.clone(), source })?;
        Ok(Some(Self { client, config }))
    }
}

/// Results of all queries together that are counted or looked up at one origin at the same time. Each is one
/// search at a time. 16: two queries at full speed; many origins refuse more (429), and that ends a query.
const LOOK_UPS_MAX: usize = 16;

/// A configuration made ready for use. Associations and deliveries keep the one they began with.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) config: Config,
    pub(crate) routing: RoutingTable,
    pub(crate) origins: HashMap<String, Arc<Origin>>,
    /// Where performed procedure steps go on to.
    pub(crate) sinks: Sinks,
}

impl Snapshot {
    /// Checks a configuration and makes the clients of its origins.
    pub(crate) fn new(config: Config) -> Result<Self, StartError> {
        config.check()?;
        let mut origins = HashMap::new();
        for origin in &config.origins {
            let client = dicomweb::Client::new(origin.client.clone())
                .map_err(|source| StartError::Client { origin: origin.name.clone(), source })?;
            let limits = batch::Limits::of(&config.forward, client.profile());
            let workers = origin.workers.unwrap_or(config.forward.workers);
            let (name, duplicate) = (origin.name.clone(), origin.duplicate);
            let edit = edit::of(client.profile());
            let (bulk, look_ups) = (client.in_bulk(), Semaphore::new(LOOK_UPS_MAX));
            let postdicom = Account::of(origin)?;
            origins.insert(
                name.clone(),
                Arc::new(Origin {
                    name,
                    client,
                    bulk,
                    duplicate,
                    workers,
                    limits,
                    edit,
                    look_ups,
                    postdicom,
                }),
            );
        }
        let sinks = Sinks::new(&config, &origins);
        Ok(Self { routing: RoutingTable::new(&config), config, origins, sinks })
    }

    /// As [`Self::new`], where `before` was in force: an origin of the same name goes on at the pace that it
    /// had, within its new limits.
    pub(crate) fn succeeding(mut config: Config, before: &Self) -> Result<Self, StartError> {
        let mut paces = Vec::new();
        for origin in &mut config.origins {
            if let Some(old) = before.origins.get(&origin.name) {
                let new = std::mem::replace(&mut origin.client.pace, old.client.pace().clone());
                paces.push((old.client.pace().clone(), new.limit()));
            }
        }
        let snapshot = Self::new(config)?;
        paces.into_iter().for_each(|(pace, limit)| pace.configure(limit));
        Ok(snapshot)
    }

    /// Counts the requests for tokens of all origins.
    pub(crate) fn count_token_requests(&self, metrics: &Arc<Metrics>) {
        for (name, origin) in &self.origins {
            let (name, metrics) = (name.clone(), Arc::clone(metrics));
            let count = move |request: &TokenRequest<'_>| {
                if let Err(error) = &request.outcome {
                    tracing::warn!(origin = name, %error, "no token was fetched");
                }
                metrics.count_token_request(&name, request);
            };
            origin.client.observe_tokens(TokenObserver::new(count));
        }
    }

    /// The AE title under which a peer called, if it is served.
    pub(crate) fn served(&self, title: &AeTitle) -> Option<&ServedAe> {
        self.config.served.iter().find(|served| served.title == *title)
    }

    /// The peer of the configuration with this AE title.
    pub(crate) fn peer(&self, title: &AeTitle) -> Option<&Peer> {
        self.config.peers.iter().find(|peer| peer.ae_title == *title)
    }

    /// The services that a calling AE title may use; an unknown one that was let in may use all.
    pub(crate) fn allowed(&self, calling: &AeTitle) -> Services {
        self.peer(calling).map_or(Services::ALL, |peer| peer.allow)
    }

    /// The origin behind a destination.
    pub(crate) fn origin(&self, destination: &Destination) -> Option<&Arc<Origin>> {
        match destination {
            Destination::Origin(name) => self.origins.get(name),
            Destination::Peer(_) => None,
        }
    }

    /// Transfer syntaxes in which instances of this association reach every origin that they may go to, as
    /// they are or in another encoding; `None` where all do.
    pub(crate) fn transfer_syntaxes(&self, calling: &AeTitle, called: &AeTitle) -> Option<Vec<Uid>> {
        let mut narrowed: Option<Vec<Uid>> = None;
        for destination in self.routing.reachable(calling, called) {
            let profile = self.origin(destination).map(|origin| origin.client.profile());
            let list = profile.and_then(|profile| edit::reachable(&profile.transfer_syntaxes));
            let Some(list) = list else { continue };
            narrowed = Some(match narrowed {
                None => list,
                Some(before) => before.into_iter().filter(|uid| list.contains(uid)).collect(),
            });
        }
        narrowed
    }
}
