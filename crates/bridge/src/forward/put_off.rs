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
    /// How many there were when an instance was blamed last: one at a time, or a busy origin would be asked by all
    /// of them without a pause.
    blamed_at: u64,
    instances: HashMap<EntryId, Times>,
}

/// How often one instance was put off.
#[derive(Debug, Clone, Copy)]
struct Times {
    count: u32,
    /// What had been answered by the last time.
    answered: u64,
    /// Whether others were served before it was put off again, at any time.
    blamed: bool,
}

/// What is known of instances that have just been put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PutOff {
    /// How often it has happened to each of them, at least.
    pub(crate) times: u32,
    /// Whether others were served since the last time, so that the origin as a whole is not busy.
    pub(crate) others_served: bool,
    /// Whether that was so at any time.
    pub(crate) blamed: bool,
}

impl PutOffs {
    /// How often an instance was put off since it was last answered.
    pub(crate) fn times(&self, lease: &Lease) -> u32 {
        let destinations = self.destinations();
        let found = destinations.get(&lease.token.destination);
        found.and_then(|found| found.instances.get(&lease.token.entry_id)).map_or(0, |times| times.count)
    }

    /// Takes in that a request with these instances, all for one destination, was put off. Only one that was sent
    /// alone can be blamed.
    pub(crate) fn note<'a>(&self, leases: impl ExactSizeIterator<Item = &'a Lease>) -> PutOff {
        let alone = leases.len() == 1;
        let mut destinations = self.destinations();
        let mut all: Option<PutOff> = None;
        for lease in leases {
            let at = destinations.entry(lease.token.destination.clone()).or_default();
            let one = at.note(lease.token.entry_id, alone);
            all = Some(all.map_or(one, |all| PutOff {
                times: all.times.min(one.times),
                others_served: all.others_served && one.others_served,
                blamed: all.blamed && one.blamed,
            }));
        }
        all.unwrap_or(PutOff { times: 0, others_served: false, blamed: false })
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

impl AtDestination {
    fn note(&mut self, entry: EntryId, alone: bool) -> PutOff {
        if self.instances.len() >= REMEMBERED_MAX {
            self.instances.clear();
        }
        let before = self.instances.get(&entry).copied();
        let before = before.unwrap_or(Times { count: 0, answered: self.answered, blamed: false });
        let others_served = alone && self.answered > before.answered.max(self.blamed_at);
        let blamed = before.blamed || others_served;
        if others_served {
            self.blamed_at = self.answered;
        }
        let now = Times { count: before.count.saturating_add(1), answered: self.answered, blamed };
        self.instances.insert(entry, now);
        PutOff { times: now.count, others_served, blamed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_blamed_at_a_time_and_only_while_others_are_served() {
        let mut at = AtDestination::default();
        let (one, other) = (EntryId(1), EntryId(2));
        let put_off = |times, others_served, blamed| PutOff { times, others_served, blamed };
        assert_eq!(at.note(one, true), put_off(1, false, false));
        assert_eq!(at.note(other, true), put_off(1, false, false));
        assert_eq!(at.note(one, true), put_off(2, false, false), "the origin serves nobody");
        at.answered += 1;
        assert_eq!(at.note(one, false), put_off(3, false, false), "it had company");
        at.answered += 1;
        assert_eq!(at.note(one, true), put_off(4, true, true));
        assert_eq!(
            at.note(other, true),
            put_off(2, false, false),
            "two that are put off show that it is busy"
        );
        assert_eq!(at.note(one, true), put_off(5, false, true), "it stays so");
        at.answered += 1;
        assert_eq!(at.note(other, true), put_off(3, true, true));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut at = AtDestination::default();
        for number in 0..3 * REMEMBERED_MAX as u64 {
            at.note(EntryId(number), false);
            assert!(at.instances.len() <= REMEMBERED_MAX);
        }
    }
}
