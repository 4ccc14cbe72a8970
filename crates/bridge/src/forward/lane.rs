//! What is under way to one destination, and when to look for more.

use std::time::Duration;

use spool::Destination;
use tokio::time::Instant;

use super::{
    breaker::{CircuitBreaker, Permitted},
    peer,
};
use crate::{config, snapshot::Snapshot};

/// How long what becomes due waits for company, once the queue of a destination has been emptied, or all of it
/// leased but a few of the study that is arriving: 60 milliseconds, a dozen CT slices of one association, and
/// nothing to who reads them. To look at once would make a lease, a request and a record of each, whose syncs
/// stand in the way of those that the next slice is acknowledged by. Longer waits leave the archive idle, which then has the more to do behind the last slice.
const GATHER: Duration = Duration::from_millis(60);

/// One destination.
pub(super) struct Lane {
    pub(super) breaker: CircuitBreaker,
    pub(super) in_flight: usize,
    pub(super) probing: bool,
    /// When to look for what is due; a moment in the past to look now.
    pub(super) look_at: Instant,
    /// What the spool had announced for the destination when it was last asked.
    pub(super) announced: u64,
    /// What became due since the queue was emptied, or nearly, is gathered until then.
    gather_until: Instant,
}

/// What a free worker may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Most instances.
    pub(super) instances: usize,
    /// Workers that share what is due; 1 where each takes as much as it may.
    pub(super) sharing: usize,
}

impl Lane {
    pub(super) fn new(settings: config::Breaker) -> Self {
        let now = Instant::now();
        let breaker = CircuitBreaker::new(settings);
        Self { breaker, in_flight: 0, probing: false, look_at: now, announced: 0, gather_until: now }
    }

    /// The queue has been emptied, or nearly: what comes next waits for company.
    pub(super) fn gather(&mut self, now: Instant) {
        self.gather_until = now + GATHER;
    }

    /// When to look for what is due.
    pub(super) fn next_look(&self) -> Instant {
        self.look_at.max(self.gather_until)
    }

    /// When a worker may begin: as [`Self::next_look`], and not before the pace of the destination allows it.
    pub(super) fn next_start(&self, destination: &Destination, snapshot: &Snapshot) -> Instant {
        let paced = snapshot.origin(destination).and_then(|origin| origin.client.pace().bulk_ready_at());
        self.next_look().max(paced.unwrap_or(self.look_at))
    }

    /// Whether a worker is free for another attempt, and what it may take.
    pub(super) fn has_room(
        &self,
        destination: &Destination,
        snapshot: &Snapshot,
        now: Instant,
    ) -> Option<Room> {
        let (workers, instances, sharing) = match snapshot.origin(destination) {
            Some(origin) => {
                let pace = origin.client.pace();
                // One that waits for its turn would only keep instances from others.
                let workers = origin.workers.min(pace.bulk_requests_max().unwrap_or(usize::MAX));
                // Where requests are counted, few and full ones are better than all at once.
                let sharing = if pace.limit().is_none() { workers } else { 1 };
                (workers, origin.limits.instances, sharing)
            }
            None => (peer::WORKERS, snapshot.config.forward.batch_instances, peer::WORKERS),
        };
        let (workers, instances, sharing) = match self.breaker.permitted(now) {
            Permitted::All => (workers, instances, sharing),
            // A trial need not be paid for with a long batch.
            Permitted::One => (1, 1, 1),
            Permitted::NotBefore(_) => return None,
        };
        (self.in_flight < workers).then_some(Room { instances, sharing })
    }
}
