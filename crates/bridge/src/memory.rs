//! One budget of bytes for all buffers of receiving and sending.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Metrics;

/// Bytes of one unit of the budget; a finer one would gain nothing.
const UNIT: u64 = 4096;

/// Bytes that receiving one instance takes: the receive buffer of the association, two blocks of the
/// spool, and the head of the data set.
pub(crate) const RECEIVING: u64 = 704 * 1024;

/// Bytes that one request to a destination takes: chunks of the spool on their way through the HTTP
/// connection and its write buffers.
pub(crate) const SENDING: u64 = 1024 * 1024;

/// A budget of bytes that those share who need buffers. Who finds it used up waits, in order of
/// arrival; nobody who holds a part of it waits for more, so it never locks up.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    units: Arc<Semaphore>,
    total: u64,
    metrics: Arc<Metrics>,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub struct Reserved {
    bytes: u64,
    metrics: Arc<Metrics>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl MemoryBudget {
    /// A budget of `bytes`.
    #[must_use]
    pub fn new(bytes: u64, metrics: Arc<Metrics>) -> Self {
        let units = usize::try_from(bytes / UNIT).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(units)), total: units as u64 * UNIT, metrics }
    }

    /// Waits until `bytes` are free and takes them. More than the whole budget counts as the whole.
    pub async fn reserve(&self, bytes: u64) -> Reserved {
        let bytes = bytes.min(self.total);
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        // The semaphore is never closed, so there always is a permit.
        let permit = Arc::clone(&self.units).acquire_many_owned(units).await.ok();
        let metrics = Arc::clone(&self.metrics);
        add(&metrics, bytes, 1);
        Reserved { bytes, metrics, _permit: permit }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        add(&self.metrics, self.bytes, -1);
    }
}

fn add(metrics: &Metrics, bytes: u64, sign: i64) {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    metrics.memory_used.with_label_values::<&str>(&[]).add(sign * bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn who_finds_it_used_up_waits() {
        let metrics = Arc::new(Metrics::new().unwrap());
        let budget = MemoryBudget::new(10 * UNIT, Arc::clone(&metrics));
        let used = || metrics.memory_used.with_label_values::<&str>(&[]).get();
        let first = budget.reserve(6 * UNIT).await;
        let mut second = Box::pin(budget.reserve(6 * UNIT));
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(used(), 6 * 4096);
        drop(first);
        let second = second.await;
        assert!(budget.reserve(u64::MAX).now_or_never().is_none(), "the whole budget is not free");
        drop(second);
        drop(budget.reserve(u64::MAX).await);
        assert_eq!(used(), 0);
    }
}
