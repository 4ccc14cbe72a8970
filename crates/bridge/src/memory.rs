//! The budget of bytes for all buffers of receiving, sending and retrieving.

use std::sync::Arc;

use dicomweb::client::ANSWER_WINDOW;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Metrics;

/// Bytes of one unit of the budget; a finer one would gain nothing.
const UNIT: u64 = 4096;

/// The part of the budget that is reserved for sending, in parts of the whole: one in four, which is
/// twelve requests of the default of 48 MiB. No side takes from another, because each may stall for as
/// long as a peer likes: senders that drip would stop all deliveries, and the spool would fill; a
/// destination that hangs would stop the intake; a workstation that reads slowly would stop both.
const SENDING_PART: u64 = 4;

/// The part of the budget that is reserved for C-MOVE and C-GET, in parts of the whole: one in six, which
/// is 21 requests of the default of 48 MiB, or 9 that may come over HTTP/2, and leaves room for 40 data
/// sets on their way in.
const RETRIEVING_PART: u64 = 6;

/// Bytes that receiving one instance takes: the receive buffer of the association, two blocks of the
/// spool, and the head of the data set.
const RECEIVING: u64 = 704 * 1024;

/// Bytes that an instance takes whose data set was received and whose commit is under way: the last
/// block of the spool, and the one before that may still be on its way to the disk.
const COMMITTING: u64 = 512 * 1024;

/// Bytes that one request to a destination takes: chunks of the spool on their way through the HTTP
/// connection and its write buffers.
const SENDING: u64 = 1024 * 1024;

/// Bytes that one answer of an origin, or one entry of the spool, takes on its way to a recipient: what is
/// read ahead, and the buffers of its connection.
const RETRIEVING: u64 = 384 * 1024;

/// Bytes that such an answer takes where it may come over HTTP/2, which has a window for each.
const RETRIEVING_OVER_HTTP_2: u64 = RETRIEVING + ANSWER_WINDOW as u64;

/// A budget of bytes that those share who need buffers, with a part of its own for each of receiving,
/// sending and retrieving. Who finds that part used up waits, in order of arrival; nobody who holds
/// some of it waits for more, so it never locks up.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    receiving: Part,
    sending: Part,
    retrieving: Part,
}

/// What one of receiving, sending and retrieving may take.
#[derive(Debug, Clone)]
struct Part {
    units: Arc<Semaphore>,
    total: u64,
    metrics: Arc<Metrics>,
}

/// Some bytes of the budget, given back when dropped.
#[derive(Debug)]
pub struct Reserved {
    bytes: u64,
    metrics: Arc<Metrics>,
    permit: Option<OwnedSemaphorePermit>,
}

impl MemoryBudget {
    /// A budget of `bytes`, a quarter of them for sending alone, a sixth for retrieving alone, and the
    /// others for receiving alone.
    #[must_use]
    pub fn new(bytes: u64, metrics: &Arc<Metrics>) -> Self {
        let (sending, retrieving) = (bytes / SENDING_PART, bytes / RETRIEVING_PART);
        Self {
            receiving: Part::new(bytes - sending - retrieving, metrics),
            sending: Part::new(sending, metrics),
            retrieving: Part::new(retrieving, metrics),
        }
    }

    /// Waits until there is room to receive one instance, and takes it.
    pub async fn receiving(&self) -> Reserved {
        self.receiving.reserve(RECEIVING).await
    }

    /// Waits until there is room for one request to a destination, and takes it.
    pub async fn sending(&self) -> Reserved {
        self.sending.reserve(SENDING).await
    }

    /// Waits until there is room for one answer of an origin, or one entry of the spool, on its way to a
    /// recipient, and takes it. Whether HTTP/2 is spoken shows only with the answer, and never without TLS.
    pub async fn retrieving(&self, over_tls: bool) -> Reserved {
        let bytes = if over_tls { RETRIEVING_OVER_HTTP_2 } else { RETRIEVING };
        self.retrieving.reserve(bytes).await
    }
}

impl Part {
    fn new(bytes: u64, metrics: &Arc<Metrics>) -> Self {
        let units = usize::try_from(bytes / UNIT).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS);
        let (units, total) = (Arc::new(Semaphore::new(units)), units as u64 * UNIT);
        Self { units, total, metrics: Arc::clone(metrics) }
    }

    /// Waits until `bytes` are free and takes them. More than the whole part counts as the whole.
    async fn reserve(&self, bytes: u64) -> Reserved {
        let bytes = bytes.min(self.total);
        // The semaphore is never closed, so there always is a permit.
        let permit = Arc::clone(&self.units).acquire_many_owned(units(bytes)).await.ok();
        Reserved::new(bytes, &self.metrics, permit)
    }
}

impl Reserved {
    fn new(bytes: u64, metrics: &Arc<Metrics>, permit: Option<OwnedSemaphorePermit>) -> Self {
        add(metrics, bytes, 1);
        Self { bytes, metrics: Arc::clone(metrics), permit }
    }

    /// Takes out what an instance needs whose data set was received, until its commit has ended.
    #[must_use]
    pub fn committing(&mut self) -> Self {
        let bytes = COMMITTING.min(self.bytes);
        let permit = self.permit.as_mut().and_then(|permit| permit.split(units(bytes) as usize));
        self.bytes -= bytes;
        add(&self.metrics, bytes, -1);
        Self::new(bytes, &self.metrics, permit)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        add(&self.metrics, self.bytes, -1);
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

fn add(metrics: &Metrics, bytes: u64, sign: i64) {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    metrics.memory_used.with_label_values::<&str>(&[]).add(sign * bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn budget(bytes: u64) -> (MemoryBudget, impl Fn() -> u64) {
        let metrics = Arc::new(Metrics::new().unwrap());
        let budget = MemoryBudget::new(bytes, &metrics);
        (budget, move || metrics.memory_used.with_label_values::<&str>(&[]).get().try_into().unwrap())
    }

    #[tokio::test]
    async fn who_finds_it_used_up_waits() {
        let (budget, used) = budget(SENDING * SENDING_PART);
        let first = budget.sending().await;
        let mut second = Box::pin(budget.sending());
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(used(), SENDING);
        drop(first);
        drop(second.await);
        assert_eq!(used(), 0);
    }

    #[tokio::test]
    async fn neither_side_takes_what_the_other_needs() {
        let (budget, used) = budget(48 * 1024 * 1024);
        let receiving: Vec<_> = std::iter::from_fn(|| budget.receiving().now_or_never()).collect();
        assert_eq!(receiving.len(), 40);
        let sending: Vec<_> = std::iter::from_fn(|| budget.sending().now_or_never()).collect();
        assert_eq!(sending.len(), 12, "a stalled intake stops no delivery");
        let retrieving = |over_tls| {
            let one = || budget.retrieving(over_tls).now_or_never();
            std::iter::from_fn(one).collect::<Vec<_>>()
        };
        assert_eq!(retrieving(true).len(), 9, "nor any retrieve");
        let retrieving = retrieving(false);
        assert_eq!(retrieving.len(), 21, "nor any retrieve");
        drop(receiving);
        assert!(budget.receiving().now_or_never().is_some(), "nor the other way round");
        drop((sending, retrieving));
        assert_eq!(used(), 0);
    }

    #[tokio::test]
    async fn a_commit_keeps_its_part_and_gives_the_others_back() {
        let (budget, used) = budget(RECEIVING * 12 / 7 + UNIT);
        let mut receiving = budget.receiving().await;
        let committing = receiving.committing();
        assert_eq!(used(), RECEIVING);
        drop(receiving);
        assert_eq!(used(), COMMITTING);
        assert!(budget.receiving().now_or_never().is_none(), "a part of it is not free");
        drop(committing);
        assert!(budget.receiving().now_or_never().is_some());
        assert_eq!(used(), 0);
    }

    #[tokio::test]
    async fn more_than_there_is_counts_as_all_of_it() {
        let (budget, used) = budget(12 * UNIT);
        let (mut receiving, sending) = (budget.receiving().await, budget.sending().await);
        let (retrieving, committing) = (budget.retrieving(false).await, receiving.committing());
        assert_eq!(used(), 12 * UNIT);
        drop((receiving, sending, retrieving, committing));
        assert_eq!(used(), 0);
    }
}
