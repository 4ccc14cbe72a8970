//! Making the calls of one kind.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use spool::{CallLease, CallOutcome, Outbox, RetrySchedule};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{Calls, Verdict};
use crate::{Metrics, config::BackOff, forward::back_off};

/// After a failure of the spool: long enough for another process to let go, short against any back-off.
const SPOOL_AGAIN: Duration = Duration::from_secs(1);

/// The shortest sleep between two looks at the spool, so that a clock that jumps makes no busy loop.
const SLEEP_MIN: Duration = Duration::from_millis(10);

/// The longest sleep without a look at the spool, for a clock that is set back.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// How calls are made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    /// Calls at the same time.
    pub(crate) workers: usize,
    /// How long a call stays with the one who makes it.
    pub(crate) lease: Duration,
    /// When it is made again.
    pub(crate) back_off: BackOff,
}

/// Makes the calls of one kind until it is told to stop.
pub(crate) struct Runner {
    kind: &'static str,
    outbox: Arc<dyn Outbox>,
    calls: Arc<dyn Calls>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Runner {
    pub(crate) fn new(
        kind: &'static str,
        outbox: Arc<dyn Outbox>,
        calls: Arc<dyn Calls>,
        metrics: Arc<Metrics>,
        stop: CancellationToken,
    ) -> Self {
        Self { kind, outbox, calls, metrics, stop, tasks: JoinSet::new() }
    }

    /// Runs until it is told to stop, then gives the calls under way `drain` to end. What has not ended is
    /// made again when its lease is over. `settings` is asked before each look, so a new configuration
    /// counts at once.
    pub(crate) async fn run(mut self, settings: impl Fn() -> Settings, drain: Duration) {
        let mut added = self.outbox.calls_notified();
        loop {
            added.borrow_and_update();
            let settings = settings();
            let wake_at = self.start(&settings).await;
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(ended) = self.tasks.join_next() => self.take_end(ended),
                changed = added.changed() => if changed.is_err() { break },
                () = sleep_until(wake_at) => {}
            }
        }
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                _ = ended
            }
        };
        if timeout_at(Instant::now() + drain, all).await.is_err() {
            tracing::warn!(calls = self.tasks.len(), kind = self.kind, "calls did not end in time");
            self.tasks.shutdown().await;
        }
    }

    /// Starts what is due and may be started, and says when to look again.
    async fn start(&mut self, settings: &Settings) -> Instant {
        let now = Instant::now();
        while self.tasks.len() < settings.workers {
            let free = settings.workers - self.tasks.len();
            let retry = RetrySchedule::default();
            let leased = match self.outbox.lease_calls(self.kind, free, settings.lease, retry).await {
                Ok(leased) => leased,
                Err(error) => {
                    tracing::error!(%error, kind = self.kind, "calls cannot be leased");
                    return now + SPOOL_AGAIN;
                }
            };
            if leased.is_empty() {
                return self.next_look(now).await;
            }
            for lease in leased {
                let one = One {
                    outbox: Arc::clone(&self.outbox),
                    calls: Arc::clone(&self.calls),
                    metrics: Arc::clone(&self.metrics),
                    settings: settings.clone(),
                    lease,
                };
                self.tasks.spawn(one.make());
            }
        }
        // A call that ends makes room and wakes the loop.
        now + SLEEP_MAX
    }

    async fn next_look(&self, now: Instant) -> Instant {
        match self.outbox.next_call_due(self.kind).await {
            Ok(None) => now + SLEEP_MAX,
            Ok(Some(due)) => {
                let wait = due.duration_since(SystemTime::now()).unwrap_or_default();
                now + wait.clamp(SLEEP_MIN, SLEEP_MAX)
            }
            Err(error) => {
                tracing::error!(%error, kind = self.kind, "calls cannot be listed");
                now + SPOOL_AGAIN
            }
        }
    }

    fn take_end(&self, ended: Result<(), tokio::task::JoinError>) {
        if let Err(error) = ended
            && error.is_panic()
        {
            self.metrics.panics.with_label_values(&["outbox"]).inc();
            tracing::error!(kind = self.kind, "a call panicked; it is made again when its lease is over");
        }
    }
}

/// One call.
struct One {
    outbox: Arc<dyn Outbox>,
    calls: Arc<dyn Calls>,
    metrics: Arc<Metrics>,
    settings: Settings,
    lease: CallLease,
}

impl One {
    async fn make(self) {
        // Its end must be recorded before the lease is over.
        let time = self.settings.lease.mul_f64(0.9);
        let verdict = timeout(time, self.calls.make(&self.lease))
            .await
            .unwrap_or_else(|_| Verdict::Later { after: None, reason: "the call took too long".to_owned() });
        let label = self.calls.label(&self.lease);
        let (outcome, word) = self.outcome(&verdict);
        self.metrics.calls.with_label_values(&[label.as_str(), word]).inc();
        let call_id = self.lease.token.call_id.0;
        match &verdict {
            Verdict::Done => tracing::info!(call_id, to = label, "call made"),
            Verdict::Later { reason, .. } => {
                tracing::warn!(call_id, to = label, attempts = self.lease.attempts, reason, "call put off");
            }
            Verdict::Held { reason } => tracing::error!(call_id, to = label, reason, "call held"),
        }
        match self.outbox.record_call(self.lease.token, outcome).await {
            Ok(()) if matches!(verdict, Verdict::Held { .. }) => self.calls.held(&self.lease).await,
            Ok(()) => {}
            Err(error) => {
                tracing::error!(call_id, to = label, %error, "what came of a call was not recorded");
            }
        }
    }

    fn outcome(&self, verdict: &Verdict) -> (CallOutcome, &'static str) {
        match verdict {
            Verdict::Done => (CallOutcome::Done, "made"),
            Verdict::Later { after, reason } => {
                let back_off = &self.settings.back_off;
                let wait = back_off::wait(back_off, self.lease.attempts, *after, &mut rand::rng());
                let not_before = SystemTime::now() + wait;
                (CallOutcome::Deferred { not_before, reason: reason.clone() }, "deferred")
            }
            Verdict::Held { reason } => (CallOutcome::Failed { reason: reason.clone() }, "held"),
        }
    }
}
