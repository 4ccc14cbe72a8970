//! Which instances an origin has put off (429, 503 with Retry-After), and whether it served others meanwhile.
//!
//! An origin that asks for time is left alone, and no instance has failed. But where one instance makes it ask,
//! each time, all that travel with that one would wait for ever.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use spool::{Destination, EntryId, Lease};

/// Most instances of one destination that are remembered. 10,000: a hundred full batches, in half a megabyte;
/// with more it is the origin that is busy, and all of them begin anew.
const REMEMBERED_MAX: usize = 10_000;

/// What was put off, by destination. It begins anew with the process. Cloning gives the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct PutOffs(Arc<Mutex<HashMap<Destination, AtDestination>>>);

#[derive(Debug, Default)]
struct AtDestination {
    /// Requests that were answered in earnest.
    answered: u64,
    instances: HashMap<EntryId, Times>,
}

/// How often one instance was put off.
#[derive(Debug, Clone, Copy)]
struct Times {
    count: u32,
    /// What had been answered by the last time.
    answered: u64,
}

/// What is known of instances that have just been put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PutOff {
    /// How often it has happened to each of them, at least.
    pub(crate) times: u32,
    /// Whether others were served since the last time, so that the origin as a whole is not busy.
    pub(crate) others_served: bool,
}

impl PutOffs {
    /// How often an instance was put off since it was last answered.
    pub(crate) fn times(&self, lease: &Lease) -> u32 {
        let destinations = self.destinations();
        let found = destinations.get(&lease.token.destination);
        found.and_then(|found| found.instances.get(&lease.token.entry_id)).map_or(0, |times| times.count)
    }

    /// Takes in that a request with these instances, all for one destination, was put off.
    pub(crate) fn note<'a>(&self, leases: impl IntoIterator<Item = &'a Lease>) -> PutOff {
        let mut destinations = self.destinations();
        let mut all: Option<PutOff> = None;
        for lease in leases {
            let at = destinations.entry(lease.token.destination.clone()).or_default();
            if at.instances.len() >= REMEMBERED_MAX {
                at.instances.clear();
            }
            let before = at.instances.get(&lease.token.entry_id).copied();
            let before = before.unwrap_or(Times { count: 0, answered: at.answered });
            let now = Times { count: before.count.saturating_add(1), answered: at.answered };
            at.instances.insert(lease.token.entry_id, now);
            let one = PutOff { times: now.count, others_served: at.answered > before.answered };
            all = Some(all.map_or(one, |all| PutOff {
                times: all.times.min(one.times),
                others_served: all.others_served && one.others_served,
            }));
        }
        all.unwrap_or(PutOff { times: 0, others_served: false })
    }

    /// Takes in that a request with these instances was answered in earnest, whatever the answer.
    pub(crate) fn forget<'a>(&self, leases: impl IntoIterator<Item = &'a Lease>) {
        let mut destinations = self.destinations();
        for (index, lease) in leases.into_iter().enumerate() {
            let at = destinations.entry(lease.token.destination.clone()).or_default();
            at.instances.remove(&lease.token.entry_id);
            at.answered += u64::from(index == 0);
        }
    }

    fn destinations(&self) -> MutexGuard<'_, HashMap<Destination, AtDestination>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
