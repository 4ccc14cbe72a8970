//! The worklist: what modalities are to do (PS3.4 §K), gathered from where orders are made and answered from
//! here at once, also while those places cannot be reached.
//!
//! A [`Source`] gives [`Order`]s. Each becomes an [`Entry`] for every step that it has, completed from the
//! configuration. The lists of all sources are merged into an index that queries read;
//! [`Worklist::run`] refreshes them in the background and keeps each in the spool's documents, from which a
//! restart begins. [`State`] has what modalities report of steps by MPPS.

mod attribute;
mod complete;
mod derived;
mod entry;
mod index;
mod kept;
mod look_up;
mod probe;
mod refresh;
mod setup;
mod show;
mod source;
mod state;
mod steps;
#[cfg(test)]
pub(crate) mod testing;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use spool::Documents;
use tokio::sync::{Notify, Semaphore, watch};

pub(crate) use self::{
    attribute::{
        Attribute, BESIDE_STEP, OF_STEP, ReturnType, START_DATE, STATION_AE_TITLE, STEP_STATUS, STEPS,
        is_beside_step, is_of_step,
    },
    complete::date,
    index::{Index, Narrowing, step},
    look_up::LookUpError,
    setup::Setup,
};
pub use self::{
    complete::LeftOut,
    entry::{Entry, EntryKey, Order, Provenance, Provenances},
    probe::{Probed, ProbedList},
    show::{Hidden, Shown, ShownAttribute, ShownEntry, SourceShown},
    source::{Fetched, Source, SourceError, Wanted},
    state::{State, StepStatus},
    steps::StepReference,
};
use self::{index::Listed, refresh::List};
use crate::Metrics;

/// The worklist of a bridge. Cloning gives another handle.
#[derive(Clone)]
pub struct Worklist {
    inner: Arc<Inner>,
}

struct Inner {
    documents: Arc<dyn Documents>,
    metrics: Arc<Metrics>,
    state: State,
    setup: ArcSwap<Setup>,
    /// The last list of each source. Held for as long as an index is made, never across an await.
    lists: Mutex<HashMap<Arc<str>, List>>,
    index: ArcSwap<Index>,
    /// Told when a source was asked, whatever it answered.
    asked: watch::Sender<u64>,
    look_ups: Semaphore,
    reconfigured: Notify,
    looked_up: Mutex<steps::LookedUp>,
}

impl Worklist {
    /// A worklist without sources.
    pub(crate) fn new(documents: Arc<dyn Documents>, metrics: Arc<Metrics>, setup: Setup) -> Self {
        let look_ups = Semaphore::new(setup.config.look_ups_max);
        let inner = Inner {
            state: State::new(Arc::clone(&documents)),
            documents,
            metrics,
            setup: ArcSwap::from_pointee(setup),
            lists: Mutex::default(),
            index: ArcSwap::default(),
            asked: watch::Sender::new(0),
            look_ups,
            reconfigured: Notify::new(),
            looked_up: Mutex::default(),
        };
        let worklist = Self { inner: Arc::new(inner) };
        worklist.inner.make_index();
        worklist
    }

    /// Puts another configuration in force. Lists of sources that stay are kept; the number of look-ups at the
    /// same time is that of the start.
    pub(crate) fn configure(&self, setup: Setup) {
        self.inner.setup.store(Arc::new(setup));
        self.inner.make_index();
        self.inner.reconfigured.notify_one();
    }

    /// How far steps have come.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.inner.state
    }

    /// What is in force.
    pub(crate) fn setup(&self) -> Arc<Setup> {
        self.inner.setup.load_full()
    }

    /// What queries are answered from. A list that has become too old since is not in it.
    pub(crate) fn index(&self) -> Arc<Index> {
        let index = self.inner.index.load_full();
        if index.expires_at.is_none_or(|at| at > SystemTime::now()) {
            return index;
        }
        self.inner.make_index();
        self.inner.index.load_full()
    }

    /// The same, once every source has been asked or `patience` is over: right after the start there may be
    /// nothing yet.
    pub(crate) async fn index_within(&self, patience: Duration) -> Arc<Index> {
        let mut asked = self.inner.asked.subscribe();
        let all_asked = async { while !self.inner.all_asked() && asked.changed().await.is_ok() {} };
        // Without them it is answered all the same.
        let _ = tokio::time::timeout(patience, all_asked).await;
        self.index()
    }
}

impl Inner {
    fn lists(&self) -> MutexGuard<'_, HashMap<Arc<str>, List>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is a list of every source, or it was asked for one.
    fn all_asked(&self) -> bool {
        let (setup, lists) = (self.setup.load(), self.lists());
        setup.feeds.iter().all(|feed| lists.get(&feed.name).is_some_and(|list| list.is_asked()))
    }

    /// Makes the index of what there is, without lists that are too old.
    fn make_index(&self) {
        let setup = self.setup.load();
        let mut lists = self.lists();
        lists.retain(|name, _| setup.feeds.iter().any(|feed| feed.name == *name));
        let (now, max_age) = (SystemTime::now(), setup.config.max_age);
        let (mut missing, mut expires_at, mut present) = (Vec::new(), None, Vec::new());
        for feed in &setup.feeds {
            let expiry = lists.get(&feed.name).and_then(|list| list.refreshed_at()?.checked_add(max_age));
            match expiry.filter(|at| *at > now) {
                Some(at) => {
                    expires_at = Some(expires_at.map_or(at, |soonest: SystemTime| soonest.min(at)));
                    present.push(Arc::clone(&feed.name));
                }
                None => missing.push(Arc::clone(&feed.name)),
            }
        }
        let entries: Vec<_> =
            present.iter().filter_map(|name| Some(Arc::clone(&lists.get(name)?.entries))).collect();
        let mut listed: Vec<_> = entries.iter().map(|entries| Listed { entries, duplicates: 0 }).collect();
        let mut index = Index::new(&mut listed);
        for (name, Listed { duplicates, .. }) in present.iter().zip(&listed) {
            if let Some(list) = lists.get_mut(name) {
                list.elsewhere = *duplicates;
            }
        }
        (index.missing, index.expires_at) = (missing, expires_at);
        self.index.store(Arc::new(index));
        self.show_metrics(&lists);
    }
}

#[cfg(test)]
mod tests;
