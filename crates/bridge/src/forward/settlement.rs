//! Where outcomes go: the delivery record, the metrics, the log, and those who wait for them.

use std::{sync::Arc, time::SystemTime};

use spool::{Destination, Lease, Outcome, Token};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    condition::Conditions,
    confirmation::{Confirmations, Settled},
    peer::Associations,
    put_off::PutOffs,
};
use crate::{MemoryBudget, Metrics, Ports, config::Forward, trace};

/// What every attempt has in common.
#[derive(Clone)]
pub(crate) struct Settlement {
    pub(crate) ports: Ports,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) memory: MemoryBudget,
    pub(crate) confirmations: Confirmations,
    pub(crate) conditions: Conditions,
    pub(crate) put_offs: PutOffs,
    /// With DIMSE peers, between two batches.
    pub(crate) associations: Associations,
    pub(crate) forward: Forward,
    pub(crate) stop: CancellationToken,
}

/// An outcome on its way into the delivery record.
struct Recorded<'a> {
    lease: &'a Lease,
    /// Of the outcome, in metrics.
    label: &'static str,
    /// What those who wait are told.
    settled: Option<Settled>,
}

impl Recorded<'_> {
    fn not_recorded(&self, error: &spool::Error) {
        let (entry, destination) = (self.lease.token.entry_id, &self.lease.token.destination);
        tracing::error!(%entry, %destination, %error, "an outcome could not be recorded");
    }
}

impl Settlement {
    /// Records the outcome of a lease. A record that fails leaves the lease to run out: the instance
    /// is then delivered once more, never lost.
    pub(crate) async fn record(&self, lease: &Lease, outcome: Outcome) {
        self.record_all(vec![(lease, outcome)]).await;
    }

    /// Records the outcomes of many leases, as [`Self::record`] each; together they cost one sync.
    pub(crate) async fn record_all(&self, outcomes: Vec<(&Lease, Outcome)>) {
        let (mut recorded, mut records) = (Vec::new(), Vec::new());
        for (lease, outcome) in outcomes {
            let label = self.log(lease, &outcome);
            trace::attempted(lease, &outcome, label);
            recorded.push(Recorded { lease, label, settled: Settled::of(&outcome) });
            records.push((lease.token.clone(), outcome));
        }
        if records.is_empty() {
            return;
        }
        match self.ports.deliveries.record_all(records).await {
            Ok(results) => {
                for (recorded, result) in recorded.iter().zip(results) {
                    match result {
                        Ok(()) => self.settle(recorded),
                        Err(error) => recorded.not_recorded(&error),
                    }
                }
            }
            Err(error) => recorded.iter().for_each(|recorded| recorded.not_recorded(&error)),
        }
    }

    /// Counts what is recorded, and tells those who wait for it.
    fn settle(&self, recorded: &Recorded<'_>) {
        let Recorded { lease, label, settled } = recorded;
        let destination = &lease.token.destination;
        let destination_label = destination.to_string();
        self.metrics.deliveries.with_label_values(&[destination_label.as_str(), label]).inc();
        if *settled == Some(Settled::Delivered) {
            let lag = SystemTime::now().duration_since(lease.entry.header.accepted_at).unwrap_or_default();
            self.metrics.forward_lag.with_label_values(&[&destination_label]).observe(lag.as_secs_f64());
            self.metrics.sent_bytes.with_label_values(&[&destination_label]).inc_by(lease.entry.length);
        }
        if let Some(settled) = settled {
            self.confirmations.settle(lease.token.entry_id, destination, settled.clone());
        }
    }

    /// Keeps leases alive; never returns.
    pub(crate) async fn renew(&self, tokens: Vec<Token>) -> std::convert::Infallible {
        let mut ticks = interval(self.forward.lease / 3);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once, and the lease is fresh.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            for token in &tokens {
                // Those that are settled by now are stale, which is as it should be.
                if let Err(error) = self.ports.deliveries.renew(token, self.forward.lease).await {
                    tracing::trace!(entry = %token.entry_id, %error, "a lease was not renewed");
                }
            }
        }
    }

    pub(crate) fn count_verification(&self, destination: &Destination, result: &str) {
        let destination = destination.to_string();
        self.metrics.verifications.with_label_values(&[destination.as_str(), result]).inc();
    }

    /// Writes one line for an outcome and gives its label.
    fn log(&self, lease: &Lease, outcome: &Outcome) -> &'static str {
        let (entry, destination) = (lease.token.entry_id, &lease.token.destination);
        let (attempts, uid) = (lease.attempts, &lease.entry.trailer.identity.sop_instance_uid);
        match outcome {
            Outcome::Delivered { answer } => {
                tracing::debug!(%entry, %destination, attempts, sop_instance_uid = %uid, answer, "delivered");
                "delivered"
            }
            Outcome::Deferred { reason, .. } => {
                tracing::warn!(%entry, %destination, attempts, sop_instance_uid = %uid, reason, "deferred");
                "deferred"
            }
            Outcome::Held { reason } => {
                tracing::error!(%entry, %destination, attempts, sop_instance_uid = %uid, %reason, "held");
                "held"
            }
            Outcome::Quarantined { reason } => {
                tracing::error!(%entry, %destination, attempts, sop_instance_uid = %uid, reason, "quarantined");
                "quarantined"
            }
            Outcome::Released { .. } => {
                tracing::debug!(%entry, %destination, attempts, sop_instance_uid = %uid, "not attempted");
                "released"
            }
        }
    }
}
