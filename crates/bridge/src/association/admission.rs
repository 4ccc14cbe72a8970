//! How many connections and associations there may be.
//!
//! An A-ASSOCIATE-RJ can only answer an A-ASSOCIATE-RQ, so these are two limits: connections that
//! have said nothing yet displace each other, and associations beyond the limit are rejected.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::Metrics;

/// Counts connections and associations.
#[derive(Debug)]
pub(crate) struct Admission {
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct State {
    /// By order of arrival.
    silent: BTreeMap<u64, (IpAddr, CancellationToken)>,
    /// How many of them each address has, so that a flood costs no search.
    by_address: HashMap<IpAddr, usize>,
    arrived: u64,
    associations: usize,
}

/// A connection that has no association, counted until dropped.
#[derive(Debug)]
pub(crate) struct Silent {
    admission: Arc<Admission>,
    number: u64,
    displaced: CancellationToken,
}

/// An association, counted until dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
}

impl Admission {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { state: Mutex::default(), metrics }
    }

    /// Counts a new connection. Where there are `max` already, the oldest one of the address that has
    /// the most is displaced, so that silent connections in mass displace each other.
    pub(crate) fn connection(self: &Arc<Self>, address: IpAddr, max: usize) -> Silent {
        let displaced = CancellationToken::new();
        let mut state = self.lock();
        if state.silent.len() >= max
            && let Some(number) = state.oldest_of_most()
            && let Some(token) = state.remove(number)
        {
            token.cancel();
        }
        state.arrived += 1;
        let number = state.arrived;
        state.silent.insert(number, (address, displaced.clone()));
        *state.by_address.entry(address).or_default() += 1;
        self.show(&state);
        drop(state);
        Silent { admission: Arc::clone(self), number, displaced }
    }

    /// Counts an association, unless there are `max` already.
    pub(crate) fn association(self: &Arc<Self>, max: usize) -> Option<Admitted> {
        let mut state = self.lock();
        if state.associations >= max {
            return None;
        }
        state.associations += 1;
        Some(Admitted { admission: Arc::clone(self) })
    }

    /// Associations that there are.
    pub(crate) fn associations(&self) -> usize {
        self.lock().associations
    }

    fn show(&self, state: &State) {
        let silent = i64::try_from(state.silent.len()).unwrap_or(i64::MAX);
        self.metrics.connections_silent.with_label_values::<&str>(&[]).set(silent);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counting cannot panic half-way, so a poisoned count is still right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove(&mut self, number: u64) -> Option<CancellationToken> {
        let (address, token) = self.silent.remove(&number)?;
        if let Entry::Occupied(mut count) = self.by_address.entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        Some(token)
    }

    /// The oldest connection of an address that has the most. In a flood it is among the first.
    fn oldest_of_most(&self) -> Option<u64> {
        let most = self.by_address.values().max()?;
        let is_of_most = |address: &IpAddr| self.by_address.get(address) == Some(most);
        self.silent.iter().find(|(_, (address, _))| is_of_most(address)).map(|(number, _)| *number)
    }
}

impl Silent {
    /// Resolves when the connection has to make room.
    pub(crate) async fn displaced(&self) {
        self.displaced.cancelled().await;
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        state.remove(self.number);
        self.admission.show(&state);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.lock().associations -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Arc<Admission> {
        Arc::new(Admission::new(Arc::new(Metrics::new().unwrap())))
    }

    #[test]
    fn the_address_with_the_most_makes_room() {
        let (admission, flood, modality) =
            (admission(), "192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let first = admission.connection(modality, 3);
        let flooding: Vec<_> = (0..100).map(|_| admission.connection(flood, 3)).collect();
        assert!(!first.displaced.is_cancelled(), "one connection of another address stays");
        let kept: Vec<_> = flooding.iter().map(|silent| !silent.displaced.is_cancelled()).collect();
        assert_eq!(kept.iter().filter(|kept| **kept).count(), 2);
        assert!(kept[98] && kept[99], "the newest stay");
        assert_eq!(admission.metrics.connections_silent.with_label_values::<&str>(&[]).get(), 3);
        drop((first, flooding));
        assert!(admission.lock().silent.is_empty() && admission.lock().by_address.is_empty());
    }

    #[test]
    fn associations_are_counted_until_they_end() {
        let admission = admission();
        let first = admission.association(2);
        let second = admission.association(2);
        assert!(first.is_some() && second.is_some());
        assert!(admission.association(2).is_none());
        assert!(admission.association(3).is_some(), "and given back at once");
        drop(first);
        assert!(admission.association(2).is_some());
        assert_eq!(admission.associations(), 1);
    }
}
