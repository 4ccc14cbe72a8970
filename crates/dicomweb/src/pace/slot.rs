//! Requests that are under way.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

/// How long nobody has taken a byte of an answer that does not count any more. 1 s. Whoever reads several
/// answers in an order of its own may ask for another one while these stand still; it would lock up.
pub(super) const STANDING_STILL: Duration = Duration::from_secs(1);

/// Is told when a request has ended.
pub(super) trait Owner: Send + Sync {
    fn slot_is_free(&self);
}

/// One request that is under way, until it is dropped.
pub(super) struct Slot {
    still_since: Mutex<Option<Instant>>,
    owner: Weak<dyn Owner>,
}

/// All requests that are under way.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<Weak<Slot>>);

impl Slot {
    pub(super) fn stands_still_since(&self, since: Option<Instant>) {
        *self.still_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn counts(&self, now: Instant) -> bool {
        let since = *self.still_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_none_or(|since| now.saturating_duration_since(since) < STANDING_STILL)
    }
}

impl Slots {
    /// How many there are.
    pub(super) fn taken(&mut self, now: Instant) -> usize {
        self.0.retain(|slot| slot.strong_count() > 0);
        self.0.iter().filter_map(Weak::upgrade).filter(|slot| slot.counts(now)).count()
    }

    pub(super) fn take<O: Owner + 'static>(&mut self, owner: &Arc<O>) -> Arc<Slot> {
        let weak: Weak<O> = Arc::downgrade(owner);
        let slot = Arc::new(Slot { still_since: Mutex::new(None), owner: weak });
        self.0.retain(|slot| slot.strong_count() > 0);
        self.0.push(Arc::downgrade(&slot));
        slot
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(owner) = self.owner.upgrade() {
            owner.slot_is_free();
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}
