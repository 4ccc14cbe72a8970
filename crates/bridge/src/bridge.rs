//! The whole of it, running.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use spool::{Deliveries, Destination, Documents, Outbox, Payloads};
use tokio::{net::TcpListener, sync::Notify, time::timeout};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

use crate::{
    Config, MemoryBudget, Metrics, StartError,
    association::{admission::Admission, listen},
    forward::{
        condition::Conditions, confirmation::Confirmations, peer::Associations, put_off::PutOffs,
        scheduler::Scheduler, settlement::Settlement,
    },
    outbox::runner::{Runner, Settings},
    pull::{self, Pulls},
    service::{
        performed_procedure::{self, delivery::Reports, sink::Follower},
        retrieve::Destinations,
    },
    snapshot::Snapshot,
    transcode::Transcoder,
    worklist::{Setup, Worklist},
};

/// How long associations may take to end once they are told to abort. 2 s: an A-ABORT takes
/// milliseconds, and with the default drain times the whole stop stays below the 30 s that Kubernetes
/// grants.
const ABORTED: Duration = Duration::from_secs(2);

/// The parts of the spool that the bridge works with.
#[derive(Clone)]
pub struct Ports {
    /// Bytes of instances.
    pub payloads: Arc<dyn Payloads>,
    /// State of deliveries.
    pub deliveries: Arc<dyn Deliveries>,
    /// The small durable documents of the services.
    pub documents: Arc<dyn Documents>,
    /// Calls with side effects that are still to be made.
    pub outbox: Arc<dyn Outbox>,
}

impl Ports {
    /// All parts of one spool.
    #[must_use]
    pub fn of<S: spool::Spool + Clone + 'static>(spool: &S) -> Self {
        Self {
            payloads: Arc::new(spool.clone()),
            deliveries: Arc::new(spool.clone()),
            documents: Arc::new(spool.clone()),
            outbox: Arc::new(spool.clone()),
        }
    }
}

/// Whether the bridge can acknowledge safely and serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// [`Bridge::run`] has not been called yet.
    Starting,
    /// It can.
    Ready,
    /// It is stopping, or has stopped.
    Draining,
}

/// How the bridge came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// Associations that did not finish in time and were aborted in the middle of a message.
    pub associations_aborted: usize,
    /// Deliveries that did not finish in time; their entries are due again when their lease ends.
    pub deliveries_cut: usize,
}

/// A bridge between DIMSE and DICOMweb. Cloning is cheap; all clones are the same bridge.
#[derive(Clone)]
pub struct Bridge {
    pub(crate) core: Arc<Core>,
    reloaded: Arc<Notify>,
    forwarding: CancellationToken,
}

/// What associations and deliveries share.
pub(crate) struct Core {
    pub(crate) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(crate) ports: Ports,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) memory: MemoryBudget,
    pub(crate) confirmations: Confirmations,
    pub(crate) conditions: Conditions,
    pub(crate) admission: Arc<Admission>,
    /// Where C-MOVE sends to.
    pub(crate) destinations: Destinations,
    pub(crate) transcoder: Transcoder,
    /// What is brought back from origins.
    pub(crate) pulls: Pulls,
    /// What modalities are to do.
    pub(crate) worklist: Worklist,
    /// What modalities have done.
    pub(crate) performed_procedure: performed_procedure::Provider,
    pub(crate) phases: Phases,
    pub(crate) connections: TaskTracker,
    /// What the settings of all associations have in common.
    pub(crate) association_settings: dimse::association::Settings,
    running: AtomicBool,
    association_id: AtomicU64,
    associations_cut: AtomicUsize,
}

/// The steps of stopping, in this order.
#[derive(Debug, Default)]
pub(crate) struct Phases {
    /// New associations are rejected as transient.
    pub(crate) draining: CancellationToken,
    /// No connection is accepted any more.
    pub(crate) closing: CancellationToken,
    /// Associations end after the message in hand.
    pub(crate) finishing: CancellationToken,
    /// Associations end now.
    pub(crate) aborting: CancellationToken,
}

impl Bridge {
    /// A bridge that does nothing yet. The memory budget is fixed from here on.
    ///
    /// # Errors
    /// A configuration that cannot be put to use.
    pub fn new(config: Config, ports: Ports, metrics: Arc<Metrics>) -> Result<Self, StartError> {
        let snapshot = Snapshot::new(config)?;
        snapshot.count_token_requests(&metrics);
        let memory = MemoryBudget::new(snapshot.config.limits.memory_budget, &metrics);
        let retrieve = &snapshot.config.retrieve;
        let transcoder = Transcoder::new(retrieve.transcode_program.clone(), retrieve.transcode_limits);
        let setup = Setup::new(&snapshot.config)?;
        let worklist = Worklist::new(Arc::clone(&ports.documents), Arc::clone(&metrics), setup);
        let (documents, outbox) = (Arc::clone(&ports.documents), Arc::clone(&ports.outbox));
        let performed_procedure = performed_procedure::Provider::new(documents, outbox);
        let core = Core {
            snapshot: Arc::new(ArcSwap::from_pointee(snapshot)),
            ports,
            memory,
            confirmations: Confirmations::default(),
            conditions: Conditions::default(),
            admission: Arc::new(Admission::new(Arc::clone(&metrics))),
            destinations: Destinations::default(),
            transcoder,
            pulls: Pulls::default(),
            worklist,
            performed_procedure,
            metrics,
            phases: Phases::default(),
            connections: TaskTracker::new(),
            association_settings: dimse::association::Settings::default(),
            running: AtomicBool::new(false),
            association_id: AtomicU64::new(0),
            associations_cut: AtomicUsize::new(0),
        };
        Ok(Self {
            core: Arc::new(core),
            reloaded: Arc::new(Notify::new()),
            forwarding: CancellationToken::new(),
        })
    }

    /// Accepts associations on `listeners` and delivers what the spool holds, until `stop` is
    /// cancelled; then drains as [`Drain`](crate::config::Drain) says and returns. The spool is the
    /// caller's to close afterwards. To be called once.
    pub async fn run(&self, listeners: Vec<TcpListener>, stop: CancellationToken) -> Drained {
        // A modality that calls at once finds the worklist of before.
        self.core.worklist.load().await;
        self.core.running.store(true, Ordering::Relaxed);
        let accepting = listen::accept(Arc::clone(&self.core), listeners);
        let forwarding = self.scheduler().run();
        let (worklist, until) = (self.core.worklist.clone(), self.forwarding.clone());
        // A task of its own, since lists of 10,000 entries take the processor for a while.
        let refreshing = AbortOnDropHandle::new(tokio::spawn(async move { worklist.run(until).await }));
        let reporting = self.report();
        let pulling = pull::run(Arc::clone(&self.core), self.core.phases.draining.clone());
        let (deliveries_cut, (), (), refreshed, (), ()) =
            tokio::join!(forwarding, accepting, self.drain(stop), refreshing, reporting, pulling);
        if refreshed.is_err() {
            self.core.metrics.panics.with_label_values(&["worklist"]).inc();
        }
        Drained { associations_aborted: self.core.associations_cut.load(Ordering::Relaxed), deliveries_cut }
    }

    /// Delivers what modalities report of performed procedure steps, and forgets old steps.
    async fn report(&self) {
        let core = &self.core;
        let documents = || Arc::clone(&core.ports.documents);
        let reports = Reports {
            documents: documents(),
            outbox: Arc::clone(&core.ports.outbox),
            snapshot: Arc::clone(&core.snapshot),
            follower: Arc::new(Follower::new(core.worklist.clone(), documents())),
            metrics: Arc::clone(&core.metrics),
        };
        let runner = Runner::new(
            performed_procedure::CALL,
            Arc::clone(&core.ports.outbox),
            Arc::new(reports),
            Arc::clone(&core.metrics),
            self.forwarding.clone(),
        );
        // Calls that wait are made also when no step is taken any more.
        let settings = || {
            let mpps = core.snapshot.load().config.mpps.clone().unwrap_or_default();
            Settings { workers: mpps.workers, lease: mpps.lease, back_off: mpps.back_off }
        };
        let drain = core.snapshot.load().config.drain.timeout;
        let snapshot = Arc::clone(&core.snapshot);
        let outbox = Arc::clone(&core.ports.outbox);
        let until = self.forwarding.clone();
        let forgetting = performed_procedure::retention::run(documents(), outbox, snapshot, until);
        tokio::join!(runner.run(settings, drain), forgetting);
    }

    fn scheduler(&self) -> Scheduler {
        let settlement = Settlement {
            ports: self.core.ports.clone(),
            metrics: Arc::clone(&self.core.metrics),
            memory: self.core.memory.clone(),
            confirmations: self.core.confirmations.clone(),
            conditions: self.core.conditions.clone(),
            put_offs: PutOffs::default(),
            associations: Associations::default(),
            forward: self.core.snapshot.load().config.forward.clone(),
            stop: self.forwarding.clone(),
        };
        let finishing = self.core.phases.finishing.clone();
        Scheduler::new(Arc::clone(&self.core.snapshot), settlement, Arc::clone(&self.reloaded), finishing)
    }

    /// Takes the steps of stopping once `stop` is cancelled.
    async fn drain(&self, stop: CancellationToken) {
        stop.cancelled().await;
        let Core { phases, connections, snapshot, .. } = &*self.core;
        let drain = snapshot.load().config.drain.clone();
        tracing::info!(delay = ?drain.delay, "stopping: new associations are rejected");
        phases.draining.cancel();
        tokio::time::sleep(drain.delay).await;
        phases.closing.cancel();
        phases.finishing.cancel();
        connections.close();
        // Answers that wait for a delivery need the forwarder, so it stops after the associations.
        if timeout(drain.timeout, connections.wait()).await.is_err() {
            tracing::warn!(associations = self.core.admission.associations(), "aborting what did not finish");
            phases.aborting.cancel();
            if timeout(ABORTED, connections.wait()).await.is_err() {
                let associations = self.core.admission.associations();
                tracing::error!(associations, "associations did not end when aborted; stopping without them");
            }
        }
        self.forwarding.cancel();
    }

    /// Puts another configuration in force. Associations keep the one they began with; deliveries
    /// take it from the next attempt on. Listeners and the memory budget stay as they are.
    ///
    /// # Errors
    /// A configuration that cannot be put to use; the old one stays in force. Counted either way in
    /// `dimseway_configuration_reloads_total`.
    pub fn reload(&self, config: Config) -> Result<(), StartError> {
        let reloads = &self.core.metrics.reloads;
        let made = Snapshot::succeeding(config, &self.core.snapshot.load())
            .and_then(|snapshot| Setup::new(&snapshot.config).map(|setup| (snapshot, setup)));
        match made {
            Ok((snapshot, setup)) => {
                snapshot.count_token_requests(&self.core.metrics);
                self.core.worklist.configure(setup);
                self.core.snapshot.store(Arc::new(snapshot));
                self.reloaded.notify_one();
                self.core.pulls.reload();
                reloads.with_label_values(&["accepted"]).inc();
                Ok(())
            }
            Err(error) => {
                reloads.with_label_values(&["rejected"]).inc();
                Err(error)
            }
        }
    }

    /// Whether the bridge can acknowledge safely and serve.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        if self.core.phases.draining.is_cancelled() {
            Readiness::Draining
        } else if self.core.running.load(Ordering::Relaxed) {
            Readiness::Ready
        } else {
            Readiness::Starting
        }
    }

    /// Every destination of the configuration in force that deliveries can be made to.
    #[must_use]
    pub fn destinations(&self) -> Vec<Destination> {
        self.core.snapshot.load().config.destinations()
    }

    /// What a pending delivery to `destination` waits for, in words; none where it is served.
    #[must_use]
    pub fn waits_for(&self, destination: &Destination) -> Option<&'static str> {
        let closed = || {
            let snapshot = self.core.snapshot.load();
            let pace = snapshot.origin(destination)?.client.pace();
            pace.is_closed_for_deliveries()
                .then_some("it is not the time of day for deliveries (`rate_limit`)")
        };
        self.core.conditions.in_words(destination).or_else(closed)
    }

    /// What modalities are to do.
    #[must_use]
    pub fn worklist(&self) -> &Worklist {
        &self.core.worklist
    }

    /// The metrics.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.core.metrics
    }

    /// Brings the gauges that are read from the spool up to date; to be called before the metrics
    /// are gathered.
    ///
    /// # Errors
    /// The spool cannot tell.
    pub async fn refresh_gauges(&self) -> Result<(), spool::Error> {
        let statistics = self.core.ports.deliveries.statistics().await?;
        self.core.metrics.show_spool(&statistics, SystemTime::now());
        let calls = self.core.ports.outbox.count_calls().await?;
        let snapshot = self.core.snapshot.load();
        self.core.metrics.show_calls(&calls, |to| snapshot.sinks.label(to));
        self.core.worklist.show_ages();
        for origin in self.core.snapshot.load().origins.values() {
            self.core.metrics.show_pace(&origin.name, origin.client.pace());
        }
        self.core.metrics.show_pulls(&self.core.pulls.lags());
        Ok(())
    }
}

impl Core {
    /// A number for the next association, unique in this process.
    pub(crate) fn next_association_id(&self) -> u64 {
        self.association_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts an association that was aborted in the middle of a message because time ran out.
    pub(crate) fn count_cut_association(&self) {
        self.associations_cut.fetch_add(1, Ordering::Relaxed);
    }
}
