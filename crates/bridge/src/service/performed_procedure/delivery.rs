//! Delivering reports to sinks, in order.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use spool::{CallLease, Documents, Outbox};

use super::{
    WORKLIST,
    progress::{Kept, Progress},
    report::Report,
    sink::{Earlier, Follower, Known, Outcome, Sink},
};
use crate::{
    Metrics,
    outbox::{Calls, Verdict},
    snapshot::Snapshot,
};

/// How long a report waits for one before it that is held: 60 s, within which it follows when a person has
/// released that.
const BEHIND_HELD: Duration = Duration::from_secs(60);

/// Makes the calls that are reports.
pub(crate) struct Reports {
    pub(crate) documents: Arc<dyn Documents>,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(crate) follower: Arc<Follower>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Reports {
    fn sink(&self, name: &str) -> Option<Arc<dyn Sink>> {
        if name == WORKLIST {
            let follower: Arc<dyn Sink> = Arc::<Follower>::clone(&self.follower);
            return Some(follower);
        }
        self.snapshot.load().sinks.get(name)
    }

    async fn deliver(&self, lease: &CallLease, report: &Report) -> Result<Verdict, spool::Error> {
        let Some(sink) = self.sink(&report.sink) else {
            return Ok(Verdict::Held { reason: "the sink is not configured any more".to_owned() });
        };
        let mut kept = Kept::load(&*self.documents, &report.sop_instance_uid, &report.sink).await?;
        let before = kept.progress;
        if before.delivered >= report.number {
            return Ok(Verdict::Done);
        }
        if before.delivered + 1 < report.number && !self.is_first(lease).await? {
            let reason = "a report of the same step before this one is held".to_owned();
            return Ok(Verdict::Later { after: Some(BEHIND_HELD), reason });
        }
        let earlier = if before.begun == Some(report.number) {
            Earlier::OutcomeUnknown
        } else {
            kept.write(Progress { begun: Some(report.number), ..before }).await?;
            Earlier::NoEffect
        };
        let is_scheduled = report.is_create() && self.follower.is_scheduled(&report.list);
        let outcome = sink.deliver(report, Known { earlier, is_scheduled }).await;
        self.settle(&mut kept, report, outcome).await
    }

    /// Whether no call of the same step and sink stands before it: a person has discarded those before it that
    /// were not delivered.
    async fn is_first(&self, lease: &CallLease) -> Result<bool, spool::Error> {
        let first = self.outbox.first_call(&lease.call.kind, &lease.call.key).await?;
        Ok(first == Some(lease.token.call_id))
    }

    async fn settle(
        &self,
        kept: &mut Kept<'_>,
        report: &Report,
        outcome: Outcome,
    ) -> Result<Verdict, spool::Error> {
        let before = kept.progress;
        let snapshot = self.snapshot.load_full();
        let refusals_max = snapshot.config.mpps.as_ref().map_or(u32::MAX, |mpps| mpps.refusals_max);
        let (begun, refused, after, reason) = match outcome {
            Outcome::Delivered => {
                let progress = Progress { delivered: report.number, begun: None, refusals: 0 };
                kept.write(progress).await?;
                let lag = report.accepted_at.elapsed().unwrap_or_default().as_secs_f64();
                let label = snapshot.sinks.label(&report.sink);
                self.metrics.performed_procedure_lag.with_label_values(&[label.as_str()]).observe(lag);
                return Ok(Verdict::Done);
            }
            // What was begun stays noted until it is durable that a person decides.
            Outcome::Held { reason } => return Ok(Verdict::Held { reason }),
            Outcome::NoEffect { after, refused, reason } => (None, refused, after, reason),
            Outcome::Unknown { after, refused, reason } => (before.begun, refused, after, reason),
        };
        let refusals = before.refusals + u32::from(refused);
        kept.write(Progress { begun, refusals, ..before }).await?;
        Ok(if refusals >= refusals_max {
            Verdict::Held { reason: format!("refused {refusals} times, at last: {reason}") }
        } else {
            Verdict::Later { after, reason }
        })
    }
}

#[async_trait]
impl Calls for Reports {
    async fn make(&self, lease: &CallLease) -> Verdict {
        let Some(report) = Report::read(&lease.call.body) else {
            return Verdict::Held { reason: "the call cannot be read".to_owned() };
        };
        self.deliver(lease, &report).await.unwrap_or_else(|error| Verdict::Later {
            after: None,
            reason: format!("the spool did not keep how far it came: {error}"),
        })
    }

    /// Whoever has it made again has seen to what may have been done.
    async fn held(&self, lease: &CallLease) {
        let Some(report) = Report::read(&lease.call.body) else { return };
        let forgotten = async {
            let mut kept = Kept::load(&*self.documents, &report.sop_instance_uid, &report.sink).await?;
            let progress = Progress { begun: None, refusals: 0, ..kept.progress };
            kept.write(progress).await
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, "the state of a held call was not written");
        }
    }

    fn label(&self, lease: &CallLease) -> String {
        let name = lease.call.key.split_once('/').map_or("", |(name, _)| name);
        self.snapshot.load().sinks.label(name)
    }
}
