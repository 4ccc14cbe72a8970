//! The whole of it, running.

use std::sync::Arc;

use arc_swap::ArcSwap;
use spool::{Deliveries, Payloads};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Config, Metrics, StartError, snapshot::Snapshot};

/// The parts of the spool that the bridge works with.
#[derive(Clone)]
pub struct Ports {
    /// Bytes of instances.
    pub payloads: Arc<dyn Payloads>,
    /// State of deliveries.
    pub deliveries: Arc<dyn Deliveries>,
}

/// Whether the bridge can acknowledge safely and serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// [`Bridge::run`] has not been called yet.
    Starting,
    /// It can.
    Ready,
    /// It is stopping.
    Draining,
}

/// How the bridge came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// Associations that did not finish in time and were aborted.
    pub associations_aborted: usize,
    /// Deliveries that did not finish in time; their entries are due again when their lease ends.
    pub deliveries_cut: usize,
}

/// A bridge between DIMSE and DICOMweb. Cloning is cheap; all clones are the same bridge.
#[derive(Clone)]
pub struct Bridge {
    snapshot: Arc<ArcSwap<Snapshot>>,
    ports: Ports,
    metrics: Arc<Metrics>,
}

impl Bridge {
    /// A bridge that does nothing yet.
    ///
    /// # Errors
    /// A configuration that cannot be put to use.
    pub fn new(config: Config, ports: Ports, metrics: Arc<Metrics>) -> Result<Self, StartError> {
        let snapshot = Arc::new(ArcSwap::from_pointee(Snapshot::new(config)?));
        Ok(Self { snapshot, ports, metrics })
    }

    /// Accepts associations on `listeners` and delivers what the spool holds, until `stop` is
    /// cancelled; then drains as [`Drain`](crate::config::Drain) says and returns. The spool is the
    /// caller's to close afterwards. To be called once.
    pub async fn run(&self, listeners: Vec<TcpListener>, stop: CancellationToken) -> Drained {
        drop(listeners);
        stop.cancelled().await;
        Drained::default()
    }

    /// Puts another configuration in force. Associations keep the one they began with; deliveries
    /// take it from the next attempt on.
    ///
    /// # Errors
    /// A configuration that cannot be put to use; the old one stays in force. Counted either way in
    /// `dimseway_configuration_reloads_total`.
    pub fn reload(&self, config: Config) -> Result<(), StartError> {
        self.snapshot.store(Arc::new(Snapshot::new(config)?));
        Ok(())
    }

    /// Whether the bridge can acknowledge safely and serve.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let _ = (&self.ports, &self.metrics);
        Readiness::Starting
    }

    /// Brings the gauges that are read from the spool up to date; to be called before the metrics
    /// are gathered.
    ///
    /// # Errors
    /// The spool cannot tell.
    pub async fn refresh_gauges(&self) -> Result<(), spool::Error> {
        Ok(())
    }
}
