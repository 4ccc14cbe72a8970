//! Those who wait for a delivery before they answer C-STORE.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use spool::{Destination, EntryId, Outcome};
use tokio::sync::watch;

/// How a delivery ended, as far as one who waits for it must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Not yet.
    Open,
    /// The destination has confirmed the instance.
    Delivered,
    /// A person must decide; why, in words.
    Held(String),
}

impl Settled {
    /// What an outcome settles; nothing where another attempt follows.
    pub(crate) fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Delivered { .. } => Some(Self::Delivered),
            Outcome::Held { reason } => Some(Self::Held(reason.to_string())),
            Outcome::Quarantined { reason } => Some(Self::Held(reason.clone())),
            Outcome::Deferred { .. } | Outcome::Released { .. } => None,
        }
    }
}

type Waiting = HashMap<(EntryId, Destination), watch::Sender<Settled>>;

/// Tells those who wait. Its size is bounded by the operations in flight.
#[derive(Debug, Clone, Default)]
pub(crate) struct Confirmations {
    waiting: Arc<Mutex<Waiting>>,
}

/// A place among those who wait, given up when dropped.
#[derive(Debug)]
pub(crate) struct Awaited {
    key: (EntryId, Destination),
    settled: watch::Receiver<Settled>,
    confirmations: Confirmations,
}

impl Confirmations {
    /// Waits for the delivery of an entry from now on; what was settled before is for the caller to
    /// look up, after this call.
    pub(crate) fn watch(&self, entry_id: EntryId, destination: Destination) -> Awaited {
        let (sender, settled) = watch::channel(Settled::Open);
        let key = (entry_id, destination);
        self.lock().insert(key.clone(), sender);
        Awaited { key, settled, confirmations: self.clone() }
    }

    /// Tells who waits for this delivery, if anybody does.
    pub(crate) fn settle(&self, entry_id: EntryId, destination: &Destination, settled: Settled) {
        if let Some(sender) = self.lock().get(&(entry_id, destination.clone())) {
            sender.send_replace(settled);
        }
    }

    /// Whether anybody waits for a delivery to this destination.
    pub(crate) fn any_for(&self, destination: &Destination) -> bool {
        self.lock().keys().any(|(_, awaited)| awaited == destination)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // Nothing that could panic happens under the lock, and a map is whole in any case.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Awaited {
    /// Waits until the delivery is settled.
    pub(crate) async fn settled(&mut self) -> Settled {
        // The sender lives in the map until this place is given up.
        let settled = self.settled.wait_for(|settled| *settled != Settled::Open).await;
        let settled = settled.map(|settled| settled.clone());
        match settled {
            Ok(settled) => settled,
            Err(_) => std::future::pending().await,
        }
    }

    /// The destination that is waited for.
    pub(crate) const fn destination(&self) -> &Destination {
        &self.key.1
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.confirmations.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn tells_the_one_who_waits_and_forgets() {
        let confirmations = Confirmations::default();
        let (entry_id, destination): (EntryId, Destination) = ("1".parse().unwrap(), "a".parse().unwrap());
        let mut awaited = confirmations.watch(entry_id, destination.clone());
        confirmations.settle(entry_id, &"b".parse().unwrap(), Settled::Delivered);
        assert!(awaited.settled().now_or_never().is_none());
        assert!(confirmations.any_for(&destination) && !confirmations.any_for(&"b".parse().unwrap()));
        confirmations.settle(entry_id, &destination, Settled::Held("why".into()));
        assert_eq!(awaited.settled().await, Settled::Held("why".into()));
        drop(awaited);
        assert!(confirmations.lock().is_empty());
    }
}
