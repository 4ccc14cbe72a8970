//! The configuration in force: what was written, checked and put in the types of the rooms.

mod aws;
mod capabilities;
mod credentials;
pub(crate) mod effective;
mod mpps;
mod origin;
mod postdicom;
mod profile;
mod pull;
mod query;
mod rate_limit;
mod secret;
#[cfg(test)]
mod tests;
mod traces;
mod worklist;

use crate::config_file::{
    Acknowledge, Allow, Document, File, KeyPath, Log, Match, OneOrMany, Problem, UnknownPeers, Unrouted,
};
use crate::exit::in_one_line;
use bridge::config::{
    BackOff, Breaker, Drain, Forward, Limits, Pattern, Peer, PeerAddress, Route, ServedAe, Service, Services,
    Timers,
};
use instance::AeTitle;
use secrecy::SecretString;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Bytes that the size of a segment is a multiple of, which the spool asks for.
const SEGMENT_STEP: u64 = 1 << 20;

/// Everything that the program runs by.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// For the bridge.
    pub(crate) bridge: bridge::Config,
    /// For the spool.
    pub(crate) spool: spool::local::Config,
    /// Addresses for DIMSE; at least one.
    pub(crate) listen: Vec<SocketAddr>,
    /// For the admin HTTP server.
    pub(crate) admin: Admin,
    /// For MWL-RS and MPPS-RS, where they are served.
    pub(crate) web: Option<Web>,
    /// For the logs.
    pub(crate) log: Log,
    /// Files with secrets and certificates whose change asks for a reload.
    pub(crate) files: Vec<PathBuf>,
    /// What was written.
    pub(crate) file: File,
    document: Document,
}

/// How the admin HTTP server is reached.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    /// Address to listen on.
    pub(crate) listen: SocketAddr,
    /// What `/api` and the page ask for; none only on a loopback address.
    pub(crate) token: Option<SecretString>,
}

/// How MWL-RS and MPPS-RS are reached.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    /// Address to listen on.
    pub(crate) listen: SocketAddr,
    /// What every request must carry.
    pub(crate) token: SecretString,
    /// AE title whose worklist is shown.
    pub(crate) ae_title: AeTitle,
}

impl Configuration {
    /// Reads the file at `path` and the secrets that it names.
    ///
    /// # Errors
    /// The first problem, with its line.
    pub(crate) fn read(path: &Path) -> Result<Self, Problem> {
        let (file, document) = File::read(path)?;
        Self::from_file(&file, document)
    }

    /// Checks what was written and puts it in the types of the rooms.
    ///
    /// # Errors
    /// The first problem, with its line.
    pub(crate) fn from_file(file: &File, document: Document) -> Result<Self, Problem> {
        let mut files = Vec::new();
        let origins = origin::all(file, &document, &mut files)?;
        let pulls = pull::pulls(file, &document, &origins)?;
        let bridge = bridge::Config {
            served: served(file),
            peers: peers(file, &document)?,
            unknown_peers: match file.dimse.unknown_peers {
                UnknownPeers::Reject => bridge::config::UnknownPeers::Reject,
                UnknownPeers::Accept => bridge::config::UnknownPeers::Accept,
            },
            limits: limits(file, &document)?,
            timers: timers(file),
            origins,
            routes: routes(file, &document)?,
            unrouted: match file.routing.unrouted {
                Unrouted::Hold => bridge::config::Unrouted::Hold,
                Unrouted::Reject => bridge::config::Unrouted::Reject,
            },
            forward: forward(file),
            pulls,
            query: query::query(file),
            retrieve: query::retrieve(file),
            mpps: mpps::mpps(file, &document)?,
            worklist: worklist::worklist(file, &document)?,
            drain: Drain { delay: file.dimse.drain_delay.0, timeout: file.dimse.drain_timeout.0 },
        };
        let listen: Vec<SocketAddr> = file.dimse.listen.0.iter().map(|address| address.0).collect();
        if listen.is_empty() {
            return Err(document.problem(&"dimse.listen".into(), "at least one address is needed"));
        }
        let admin = admin(file, &document, &mut files)?;
        let web = web(file, &document, &bridge, &mut files)?;
        let configuration = Self {
            bridge,
            spool: spool(file, &document)?,
            listen,
            admin,
            web,
            log: file.log.clone(),
            files,
            file: file.clone(),
            document,
        };
        configuration.bridge.check().map_err(|error| configuration.problem(&error.key, &error.message))?;
        configuration.check_query_is_used()?;
        traces::check(file, &configuration.document)?;
        Ok(configuration)
    }

    /// Makes a client for each origin, which reads its certificates, and drops it again.
    ///
    /// # Errors
    /// The first origin whose certificates cannot be used.
    pub(crate) fn check_clients(&self) -> Result<(), Problem> {
        for origin in &self.bridge.origins {
            dicomweb::Client::new(origin.client.clone()).map_err(|error| {
                let path = KeyPath::root().key("origin").key(origin.name.as_str()).key("tls");
                self.document.problem(&path, error.to_string())
            })?;
        }
        Ok(())
    }

    /// The line for a fault that the bridge found when it put the configuration to use.
    pub(crate) fn start_problem(&self, error: &bridge::StartError) -> Problem {
        match error {
            bridge::StartError::Config(error) => self.problem(&error.key, &error.message),
            bridge::StartError::Client { origin, source } => {
                self.document.problem(&KeyPath::root().key("origin").key(origin.as_str()), source.to_string())
            }
            bridge::StartError::WorklistSource { source_name, reason } => {
                let path = KeyPath::from("worklist_source").key(source_name.as_str());
                self.document.problem(&path, reason.clone())
            }
            other => self.document.problem(&KeyPath::root(), other.to_string()),
        }
    }

    /// The line for a spool that cannot be opened.
    pub(crate) fn spool_problem(&self, error: spool::Error) -> Problem {
        let error = anyhow::Error::new(error);
        let directory = self.spool.directory.display();
        let message = format!("the spool in {directory} cannot be opened: {}", in_one_line(&error));
        self.document.problem(&"spool.directory".into(), message)
    }

    /// The line for a key as the bridge names it.
    fn problem(&self, key: &str, message: &str) -> Problem {
        let path = match key.strip_prefix("origin.") {
            // Names of origins may have dots, so they are taken whole.
            Some(rest) => {
                let name = self
                    .bridge
                    .origins
                    .iter()
                    .map(|origin| origin.name.as_str())
                    .filter(|name| {
                        rest.strip_prefix(name).is_some_and(|tail| tail.is_empty() || tail.starts_with('.'))
                    })
                    .max_by_key(|name| name.len())
                    .unwrap_or(rest);
                let path = KeyPath::root().key("origin").key(name);
                match rest[name.len()..].strip_prefix('.') {
                    Some(field) => path.key(field),
                    None => path,
                }
            }
            None if key.starts_with("mpps.sink.") => self.written_sink(key),
            None if key.starts_with("worklist_source.") => self.written_source(key),
            None if key == "memory_budget" => "dimse.memory_budget".into(),
            None if key == "query.origins" => "query.origin".into(),
            None => self.written_ae(key).unwrap_or_else(|| key.into()),
        };
        self.document.problem(&path, message)
    }

    /// The place of `ae.INDEX.KEY` where `dimse.ae_title` is the first of them.
    fn written_ae(&self, key: &str) -> Option<KeyPath> {
        self.file.dimse.ae_title.as_ref()?;
        let (index, key) = key.strip_prefix("ae.")?.split_once('.')?;
        Some(match index.parse::<usize>().ok()?.checked_sub(1) {
            Some(index) => KeyPath::from("ae").index(index).key(key),
            None => "dimse.ae_title".into(),
        })
    }

    /// The place of `mpps.sink.INDEX.KEY`, which the file has by name.
    fn written_sink(&self, key: &str) -> KeyPath {
        let sinks = self.bridge.mpps.iter().flat_map(|mpps| &mpps.sinks);
        let sink = key.strip_prefix("mpps.sink.").and_then(|rest| rest.split_once('.'));
        let named = sink.and_then(|(index, key)| Some((sinks.into_iter().nth(index.parse().ok()?)?, key)));
        named.map_or_else(
            || "mpps".into(),
            |(sink, key)| KeyPath::from("mpps_sink").key(sink.name.as_str()).key(key),
        )
    }

    /// The place of `worklist_source.NAME.KEY`, where the name may have dots.
    fn written_source(&self, key: &str) -> KeyPath {
        let path = KeyPath::from("worklist_source");
        let rest = key.strip_prefix("worklist_source.").unwrap_or_default();
        if self.file.worklist_source.contains_key(rest) {
            return path.key(rest);
        }
        match rest.rsplit_once('.') {
            Some((name, key)) => path.key(name).key(key),
            None => path.key(rest),
        }
    }

    /// Tables about queries that no AE title could ever use are a mistake.
    fn check_query_is_used(&self) -> Result<(), Problem> {
        let config = &self.bridge;
        let is_written = |key: &str| self.document.holds(&key.into());
        let written = ["query", "retrieve"].into_iter().find(|key| is_written(key));
        let offered = config.served.iter().any(|served| !config.query_origins(served).is_empty());
        match written {
            Some(_) if !offered => {
                let message = match config.origins.is_empty() {
                    true => "there is no origin to be searched",
                    false => "there are several origins, so it must be said which of them are searched",
                };
                Err(self.document.problem(&"query.origin".into(), message))
            }
            _ => Ok(()),
        }
    }
}

fn served(file: &File) -> Vec<ServedAe> {
    let first =
        file.dimse.ae_title.iter().map(|title| ServedAe { title: title.0.clone(), ..ServedAe::default() });
    let further = file.ae.iter().map(|ae| ServedAe {
        title: ae.title.0.clone(),
        services: services(&ae.services),
        query: ae.query.0.clone(),
        worklist: ae.worklist.0.clone(),
        ..ServedAe::default()
    });
    let served: Vec<ServedAe> = first.chain(further).collect();
    if served.is_empty() { vec![ServedAe::default()] } else { served }
}

fn peers(file: &File, document: &Document) -> Result<Vec<Peer>, Problem> {
    let peer = |(index, peer): (usize, &crate::config_file::Peer)| {
        let (query, retrieve) = query::of_peer(peer, &KeyPath::from("peer").index(index), document)?;
        let address = peer.address.as_ref();
        Ok(Peer {
            address: address.map(|address| PeerAddress::new(address.0.host.as_str(), address.0.port)),
            from: peer.from.iter().map(|network| network.0.0).collect(),
            allow: services(&peer.allow),
            query,
            retrieve,
            ..Peer::new(peer.ae_title.0.clone())
        })
    };
    file.peer.iter().enumerate().map(peer).collect()
}

fn services(allow: &[Allow]) -> Services {
    let service = |allow: &Allow| match allow {
        Allow::Echo => Service::Echo,
        Allow::Store => Service::Store,
        Allow::Query => Service::Query,
        Allow::Retrieve => Service::Retrieve,
        Allow::Worklist => Service::Worklist,
        Allow::Mpps => Service::PerformedProcedure,
        Allow::Commitment => Service::StorageCommitment,
    };
    allow.iter().map(service).collect()
}

fn limits(file: &File, document: &Document) -> Result<Limits, Problem> {
    let dimse = &file.dimse;
    let max_pdu = u32::try_from(dimse.max_pdu.0).map_err(|_| {
        document.problem(&"dimse.max_pdu".into(), "the largest PDU must be between 4 KiB and 4 MiB")
    })?;
    Ok(Limits {
        max_associations: count(dimse.max_associations),
        max_silent_connections: count(dimse.max_silent_connections),
        max_pdu,
        max_operations_invoked: dimse.max_operations_invoked,
        memory_budget: dimse.memory_budget.0,
        ..Limits::default()
    })
}

fn web(
    file: &File,
    document: &Document,
    bridge: &bridge::Config,
    files: &mut Vec<PathBuf>,
) -> Result<Option<Web>, Problem> {
    let written = &file.web;
    let path = KeyPath::from("web");
    let Some(listen) = written.listen else {
        let unused = ["token_file", "ae_title"].into_iter().map(|key| path.key(key));
        return match unused.into_iter().find(|path| document.holds(path)) {
            Some(unused) => Err(document.problem(&unused, "has no meaning without `listen`")),
            None => Ok(None),
        };
    };
    let name = written.token_file.as_ref();
    let name = name.ok_or_else(|| document.problem(&path.key("listen"), "`token_file` is required"))?;
    let token = secret::from_file(name, &path.key("token_file"), document, files)?;
    let mut served = bridge.served.iter().map(|served| &served.title);
    let ae_title = match &written.ae_title {
        Some(title) => served.find(|served| **served == title.0),
        None => served.next(),
    };
    let ae_title = ae_title
        .ok_or_else(|| document.problem(&path.key("ae_title"), "this AE title is not served"))?
        .clone();
    Ok(Some(Web { listen: listen.0, token, ae_title }))
}

/// A count of the file, which is 32 bits wide so that a typing error is caught.
fn count(written: u32) -> usize {
    usize::try_from(written).unwrap_or(usize::MAX)
}

const fn timers(file: &File) -> Timers {
    Timers {
        artim: file.dimse.artim_timeout.0,
        idle: file.dimse.idle_timeout.0,
        message: file.dimse.message_timeout.0,
        stored: file.dimse.stored_timeout.0,
    }
}

fn routes(file: &File, document: &Document) -> Result<Vec<Route>, Problem> {
    file.route.iter().enumerate().map(|(index, route)| one_route(index, route, document)).collect()
}

fn one_route(index: usize, route: &crate::config_file::Route, document: &Document) -> Result<Route, Problem> {
    let path = KeyPath::from("route").index(index);
    let store = route.store.iter().enumerate().map(|(position, name)| {
        name.parse().map_err(|error| {
            document.problem(&path.key("store").index(position), format!("`{name}`: {error}"))
        })
    });
    Ok(Route {
        matches: conditions(&route.r#match, &path.key("match"), document)?,
        store: store.collect::<Result<_, _>>()?,
        acknowledge: match route.acknowledge {
            Acknowledge::Spooled => bridge::config::Acknowledge::Spooled,
            Acknowledge::Stored => bridge::config::Acknowledge::Stored,
        },
        continues: route.r#continue,
    })
}

fn conditions(
    written: &Match,
    path: &KeyPath,
    document: &Document,
) -> Result<bridge::config::Match, Problem> {
    let patterns = |key: &str, written: &OneOrMany<String>| -> Result<Vec<Pattern>, Problem> {
        let pattern = |text: &String| {
            text.parse().map_err(|error| document.problem(&path.key(key), format!("`{text}`: {error}")))
        };
        written.0.iter().map(pattern).collect()
    };
    Ok(bridge::config::Match {
        calling_ae: patterns("calling_ae", &written.calling_ae)?,
        called_ae: patterns("called_ae", &written.called_ae)?,
        sop_class: patterns("sop_class", &written.sop_class)?,
        modality: patterns("modality", &written.modality)?,
    })
}

fn forward(file: &File) -> Forward {
    let forward = &file.forward;
    Forward {
        workers: count(forward.workers),
        batch_instances: count(forward.batch_instances),
        batch_bytes: forward.batch_bytes.0,
        lease: forward.lease.0,
        back_off: BackOff {
            min: forward.back_off.min.0,
            max: forward.back_off.max.0,
            jitter: forward.back_off.jitter,
        },
        breaker: Breaker {
            failures: forward.breaker.failures,
            probe_min: forward.breaker.probe_min.0,
            probe_max: forward.breaker.probe_max.0,
            credentials: forward.breaker.credentials.0,
        },
    }
}

fn spool(file: &File, document: &Document) -> Result<spool::local::Config, Problem> {
    let written = &file.spool;
    if written.segment_size.0 == 0 || !written.segment_size.0.is_multiple_of(SEGMENT_STEP) {
        let message = "a segment has a multiple of 1MiB, and at least that";
        return Err(document.problem(&"spool.segment_size".into(), message));
    }
    Ok(spool::local::Config {
        segment_bytes: written.segment_size.0,
        spare_segments: count(written.spare_segments),
        minimum_free_bytes: written.minimum_free.0,
        reserve_bytes: written.reserve.0,
        record_retention: written.record_retention.0,
        records_max: written.records_max,
        ..spool::local::Config::new(document.directory().join(&written.directory))
    })
}

fn admin(file: &File, document: &Document, files: &mut Vec<PathBuf>) -> Result<Admin, Problem> {
    let listen = file.admin.listen.0;
    let path: KeyPath = "admin.token_file".into();
    let token = match &file.admin.token_file {
        Some(name) => Some(secret::from_file(name, &path, document, files)?),
        None if listen.ip().is_loopback() => None,
        None => {
            return Err(document.problem(
                &"admin.listen".into(),
                format!("{listen} is not a loopback address, so `token_file` is required"),
            ));
        }
    };
    Ok(Admin { listen, token })
}
