//! Syncs of the spool as metrics.

use bridge::Metrics;
use spool::Observer;
use std::{sync::Arc, time::Duration};

/// Counts and times each sync.
pub(super) struct SyncObserver(Arc<Metrics>);

impl SyncObserver {
    pub(super) const fn new(metrics: Arc<Metrics>) -> Self {
        Self(metrics)
    }
}

impl Observer for SyncObserver {
    fn synced(&self, took: Duration, _entries: usize) {
        let none: &[&str] = &[];
        self.0.spool_syncs.with_label_values(none).inc();
        self.0.spool_sync_duration.with_label_values(none).observe(took.as_secs_f64());
    }
}
