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
use instance::AeTitle;
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
    /// The same for AE titles under which not all of it is shown.
    views: ArcSwap<HashMap<AeTitle, Arc<Index>>>,
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
            views: ArcSwap::default(),
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

    /// All of the worklist. A list that has become too old since is not in it.
    pub(crate) fn index(&self) -> Arc<Index> {
        self.index_of(None)
    }

    /// What queries to a title are answered from.
    fn index_of(&self, called: Option<&AeTitle>) -> Arc<Index> {
        let index = self.inner.index_of(called);
        if index.expires_at.is_none_or(|at| at > SystemTime::now()) {
            return index;
        }
        self.inner.make_index();
        self.inner.index_of(called)
    }

    /// What queries to a title are answered from, or without one all of the worklist, once every source of it
    /// has been asked or `patience` is over: right after the start there may be nothing yet.
    pub(crate) async fn index_within(&self, called: Option<&AeTitle>, patience: Duration) -> Arc<Index> {
        let mut asked = self.inner.asked.subscribe();
        let all_asked = async { while !self.inner.all_asked(called) && asked.changed().await.is_ok() {} };
        // Without them it is answered all the same.
        let _ = tokio::time::timeout(patience, all_asked).await;
        self.index_of(called)
    }
}

impl Inner {
    fn lists(&self) -> MutexGuard<'_, HashMap<Arc<str>, List>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_of(&self, called: Option<&AeTitle>) -> Arc<Index> {
        let view = called.and_then(|title| self.views.load().get(title).cloned());
        view.unwrap_or_else(|| self.index.load_full())
    }

    /// Whether there is a list of every source that is shown under a title, or it was asked for one.
    fn all_asked(&self, called: Option<&AeTitle>) -> bool {
        let (setup, lists) = (self.setup.load(), self.lists());
        setup.shown(called).all(|feed| lists.get(&feed.name).is_some_and(|list| list.is_asked()))
    }

    /// Makes the indexes of what there is, without lists that are too old.
    fn make_index(&self) {
        let setup = self.setup.load();
        let mut lists = self.lists();
        lists.retain(|name, _| setup.feeds.iter().any(|feed| feed.name == *name));
        let (index, duplicates) = merged(setup.shown(None), &lists, setup.config.max_age);
        for (name, duplicates) in duplicates {
            if let Some(list) = lists.get_mut(&name) {
                list.elsewhere = duplicates;
            }
        }
        let view =
            |title: &AeTitle| Arc::new(merged(setup.shown(Some(title)), &lists, setup.config.max_age).0);
        let views = setup.views.keys().map(|title| (title.clone(), view(title))).collect();
        self.views.store(Arc::new(views));
        self.index.store(Arc::new(index));
        self.show_metrics(&lists);
    }
}

/// The index of the lists of some sources, and how many entries of each an earlier one has too.
fn merged<'a>(
    feeds: impl Iterator<Item = &'a setup::Feed>,
    lists: &HashMap<Arc<str>, List>,
    max_age: Duration,
) -> (Index, Vec<(Arc<str>, usize)>) {
    let now = SystemTime::now();
    let (mut missing, mut expires_at, mut present) = (Vec::new(), None, Vec::new());
    for feed in feeds {
        let list = lists.get(&feed.name);
        let expiry = list.and_then(|list| list.refreshed_at()?.checked_add(max_age)).filter(|at| *at > now);
        match (list, expiry) {
            (Some(list), Some(at)) => {
                expires_at = Some(expires_at.map_or(at, |soonest: SystemTime| soonest.min(at)));
                present.push((Arc::clone(&feed.name), &list.entries));
            }
            _ => missing.push(Arc::clone(&feed.name)),
        }
    }
    let mut listed: Vec<_> = present.iter().map(|(_, entries)| Listed { entries, duplicates: 0 }).collect();
    let mut index = Index::new(&mut listed);
    let duplicates =
        present.iter().zip(&listed).map(|((name, _), listed)| (Arc::clone(name), listed.duplicates));
    let duplicates = duplicates.collect();
    (index.missing, index.expires_at) = (missing, expires_at);
    (index, duplicates)
}

#[cfg(test)]
mod tests;
