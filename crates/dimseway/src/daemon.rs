//! The running program: ports, spool, bridge and admin server, started in an order in which nothing
//! is promised before it can be kept.

mod reload;
mod sync_observer;

pub(crate) use reload::watch;

use crate::{
    admin,
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
    signals::Stop,
    telemetry::Lines,
    web,
};
use anyhow::Context;
use bridge::{Bridge, Drained, Metrics, Ports, Readiness};
use spool::local::{LocalSpool, RecoveryReport};
use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};
use sync_observer::SyncObserver;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// How long admin connections may take to finish their request at the end.
const ADMIN_CLOSE: Duration = Duration::from_secs(1);

/// Between two looks at a bridge that is about to serve.
const START_POLL: Duration = Duration::from_millis(5);

/// Ports that are open and not served yet.
pub(crate) struct Listeners {
    /// For DIMSE.
    pub(crate) dimse: Vec<TcpListener>,
    /// For the admin server.
    pub(crate) admin: TcpListener,
    /// For MWL-RS and MPPS-RS, where they are served.
    pub(crate) web: Option<TcpListener>,
}

impl Listeners {
    /// Opens the ports of the configuration.
    ///
    /// # Errors
    /// A port is taken or not allowed.
    pub(crate) async fn bind(configuration: &Configuration) -> anyhow::Result<Self> {
        let admin = bind(configuration.admin.listen, "admin.listen")?;
        let mut dimse = Vec::with_capacity(configuration.listen.len());
        for address in &configuration.listen {
            dimse.push(bind(*address, "dimse.listen")?);
        }
        let web = configuration.web.as_ref().map(|web| bind(web.listen, "web.listen"));
        Ok(Self { dimse, admin, web: web.transpose()? })
    }
}

fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    bridge::bind(address)
        .with_context(|| format!("{key}: {address} cannot be listened on"))
        .or_exit(Exit::Unavailable)
}

/// The running program.
pub(crate) struct Daemon {
    /// Where it serves DIMSE; the first of several.
    pub(crate) dimse: SocketAddr,
    /// Where the admin server answers.
    pub(crate) admin: SocketAddr,
    /// Where MWL-RS and MPPS-RS answer.
    pub(crate) web: Option<SocketAddr>,
    /// What they show.
    pub(crate) web_shared: Option<Arc<web::Shared>>,
    /// What the admin server shows.
    pub(crate) shared: Arc<admin::Shared>,
    /// The bridge.
    pub(crate) bridge: Bridge,
    /// The spool.
    pub(crate) ports: Ports,
    spool: LocalSpool,
    running: JoinHandle<Drained>,
    admin_server: JoinHandle<std::io::Result<()>>,
    web_server: Option<AbortOnDropHandle<std::io::Result<()>>>,
    admin_stop: CancellationToken,
}

impl Daemon {
    /// Opens the spool and serves; returns once associations are accepted.
    ///
    /// # Errors
    /// The spool cannot be opened, or the configuration cannot be put to use.
    pub(crate) async fn start(
        configuration: &Configuration,
        listeners: Listeners,
        stop: &Stop,
    ) -> anyhow::Result<Self> {
        let metrics = Arc::new(Metrics::new().context("the metrics cannot be registered")?);
        let shared = admin::Shared::new(Arc::clone(&metrics), configuration.admin.token.clone());
        let admin = listeners.admin.local_addr()?;
        let dimse = match listeners.dimse.first() {
            Some(listener) => listener.local_addr()?,
            None => return Err(fail(Exit::Configuration, "dimse.listen: at least one address is needed")),
        };
        let admin_stop = CancellationToken::new();
        let admin_server = tokio::spawn(admin::serve(
            listeners.admin,
            Arc::clone(&shared),
            admin_stop.clone().cancelled_owned(),
        ));
        let spool = open_spool(configuration, &metrics).await?;
        let ports = Ports::of(&spool);
        let bridge = Bridge::new(configuration.bridge.clone(), ports.clone(), metrics)
            .map_err(|error| configuration.start_problem(&error))
            .or_exit(Exit::Configuration)?;
        shared.set_running(bridge.clone(), ports.clone());
        let running = tokio::spawn({
            let (bridge, drain) = (bridge.clone(), stop.drain.clone());
            async move { bridge.run(listeners.dimse, drain).await }
        });
        while bridge.readiness() == Readiness::Starting && !running.is_finished() {
            tokio::time::sleep(START_POLL).await;
        }
        let web = listeners.web.as_ref().map(TcpListener::local_addr).transpose()?;
        let web_shared = configuration.web.as_ref().map(|web| web::Shared::new(bridge.clone(), web));
        let served = listeners.web.zip(web_shared.clone());
        // Requests under way end while associations do; then the spool closes.
        let web_server = served.map(|(listener, shared)| {
            AbortOnDropHandle::new(tokio::spawn(web::serve(
                listener,
                shared,
                stop.drain.clone().cancelled_owned(),
            )))
        });
        tracing::info!(%dimse, %admin, ?web, version = env!("CARGO_PKG_VERSION"), "serving");
        Ok(Self {
            dimse,
            admin,
            web,
            web_shared,
            shared,
            bridge,
            ports,
            spool,
            running,
            admin_server,
            web_server,
            admin_stop,
        })
    }

    /// Counts the lines of the log that its reader does not take, from now on and those before.
    pub(crate) fn count_lost_lines(&self, lines: &Lines) {
        lines.count_lost(self.shared.metrics.log_lines_lost.with_label_values::<&str>(&[]));
    }

    /// Waits for the end: drained after the first signal, at once after the second.
    ///
    /// # Errors
    /// The spool could not be closed, or the bridge ended by a defect.
    pub(crate) async fn finish(self, stop: &Stop) -> anyhow::Result<()> {
        let drained = tokio::select! {
            drained = self.running => drained.context("the bridge ended by a defect")?,
            () = stop.force.cancelled() => {
                tracing::warn!("stopped at once; what was not acknowledged is sent again by its sender");
                return Ok(());
            }
        };
        tracing::info!(
            associations_aborted = drained.associations_aborted,
            deliveries_cut = drained.deliveries_cut,
            "drained"
        );
        if let Some(server) = self.web_server {
            // A step is either durable or was not acknowledged, so what is left may be cut.
            let _ = tokio::time::timeout(ADMIN_CLOSE, server).await;
        }
        let spool = self.spool;
        tokio::task::spawn_blocking(move || spool.close()).await?.context("the spool could not be closed")?;
        self.admin_stop.cancel();
        // A client that holds its connection open does not keep the program.
        let _ = tokio::time::timeout(ADMIN_CLOSE, self.admin_server).await;
        tracing::info!("stopped");
        Ok(())
    }
}

async fn open_spool(configuration: &Configuration, metrics: &Arc<Metrics>) -> anyhow::Result<LocalSpool> {
    let mut config = configuration.spool.clone();
    config.observer = Arc::new(SyncObserver::new(Arc::clone(metrics)));
    let opened = tokio::task::spawn_blocking(move || LocalSpool::open(config)).await?;
    let (spool, report) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let exit = exit_of(&error);
            return Err(configuration.spool_problem(error)).or_exit(exit);
        }
    };
    log_recovery(&report);
    Ok(spool)
}

/// A directory that can never be used is a mistake in the configuration, another process will end,
/// and the rest is the disk or its content.
fn exit_of(error: &spool::Error) -> Exit {
    match error {
        spool::Error::Locked { .. } => Exit::Unavailable,
        spool::Error::Unsupported(_) => Exit::Configuration,
        spool::Error::Io(error) => match error.kind() {
            ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::AlreadyExists
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::InvalidFilename
            | ErrorKind::InvalidInput
            | ErrorKind::ReadOnlyFilesystem => Exit::Configuration,
            _ => Exit::Internal,
        },
        _ => Exit::Internal,
    }
}

fn log_recovery(report: &RecoveryReport) {
    let RecoveryReport {
        index_rebuilt,
        segments_scanned,
        entries_recovered,
        entries_incomplete,
        entries_quarantined,
        deliveries_interrupted,
        ..
    } = report;
    if *entries_quarantined > 0 {
        tracing::error!(
            entries_quarantined,
            "entries of the spool are damaged: see `dimseway queue list --state quarantined`"
        );
    }
    tracing::info!(
        index_rebuilt,
        segments_scanned,
        entries_recovered,
        entries_incomplete,
        deliveries_interrupted,
        "the spool is open"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_whose_fault_an_unusable_spool_is() {
        let table = [
            (spool::Error::Locked { pid: 1 }, 69),
            (spool::Error::Unsupported("version 9".to_owned()), 78),
            (spool::Error::Io(ErrorKind::NotADirectory.into()), 78),
            (spool::Error::Io(ErrorKind::PermissionDenied.into()), 78),
            (spool::Error::Io(ErrorKind::ReadOnlyFilesystem.into()), 78),
            (spool::Error::Io(std::io::Error::from_raw_os_error(5)), 70),
            (spool::Error::Index("malformed".to_owned()), 70),
        ];
        for (error, code) in table {
            assert_eq!(exit_of(&error).code(), code, "{error}");
        }
    }
}
