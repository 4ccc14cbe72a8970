//! Refreshing the lists of the sources in the background.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::future::join_all;
use jiff::{Timestamp, ToSpan, civil::Date};
use rand::RngExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Entry, Fetched, Inner, LeftOut, SourceError, Wanted, Worklist, complete::Completing, kept, setup::Feed,
};
use crate::config;

/// How old what the documents say of the age of a list may become while the list stays as it is. 5 min: a
/// write costs an fdatasync, and [`max_age`](config::Worklist::max_age) is far above it.
const STILL: Duration = Duration::from_secs(300);

/// The last list of a source.
#[derive(Default)]
pub(super) struct List {
    pub(super) entries: Arc<Vec<Arc<Entry>>>,
    left_out: BTreeMap<LeftOut, usize>,
    /// Entries that an earlier source has too.
    pub(super) elsewhere: usize,
    pub(super) unreadable: usize,
    refreshed_at: Option<SystemTime>,
    /// When the documents were last told of the list.
    kept_at: Option<SystemTime>,
    /// Whether it answered the last time; none before it was asked.
    pub(super) answers: Option<bool>,
    /// Whether the index has what the source answered first.
    is_asked: bool,
}

impl List {
    /// When the source last gave it.
    pub(super) const fn refreshed_at(&self) -> Option<SystemTime> {
        self.refreshed_at
    }

    /// Orders that are not on the worklist for this reason.
    pub(super) fn left_out(&self, reason: LeftOut) -> usize {
        let merged = if reason == LeftOut::Duplicate { self.elsewhere } else { 0 };
        self.left_out.get(&reason).copied().unwrap_or_default() + merged
    }

    /// Whether the source was asked, now or before a restart, and the index knows it.
    pub(super) const fn is_asked(&self) -> bool {
        self.is_asked
    }
}

impl List {
    /// Takes over what the source gave, and tells whether that changes the entries.
    fn take(&mut self, completed: Completed) -> bool {
        self.left_out = completed.left_out;
        self.unreadable = completed.unreadable;
        let changed = !Arc::ptr_eq(&self.entries, &completed.entries);
        self.entries = completed.entries;
        changed
    }
}

/// What a source gave, completed.
pub(super) struct Completed {
    entries: Arc<Vec<Arc<Entry>>>,
    left_out: BTreeMap<LeftOut, usize>,
    unreadable: usize,
}

impl From<Completed> for super::ProbedList {
    fn from(completed: Completed) -> Self {
        Self {
            entries: completed.entries.len(),
            left_out: completed.left_out.into_iter().collect(),
            unreadable: completed.unreadable,
        }
    }
}

impl Worklist {
    /// Takes up what the documents keep: the last lists and the status of steps.
    pub(crate) async fn load(&self) {
        if let Err(error) = self.inner.state.load().await {
            tracing::error!(%error, "the status of worklist steps cannot be read");
        }
        let names: Vec<_> = self.inner.setup.load().feeds.iter().map(|feed| Arc::clone(&feed.name)).collect();
        for name in names {
            match kept::load(&*self.inner.documents, &name).await {
                Ok(Some(kept)) => {
                    tracing::info!(source = %name, entries = kept.entries.len(), "last worklist taken up");
                    let list = List {
                        entries: Arc::new(kept.entries),
                        refreshed_at: Some(kept.refreshed_at),
                        kept_at: Some(kept.refreshed_at),
                        is_asked: true,
                        ..List::default()
                    };
                    self.inner.lists().entry(name).or_insert(list);
                }
                Ok(None) => {}
                Err(error) => tracing::error!(source = %name, %error, "the last worklist cannot be read"),
            }
        }
        self.inner.make_index();
    }

    /// Refreshes the lists until `stop` is cancelled: each source is asked again some time after it has
    /// answered, never twice at the same time.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        loop {
            let feeds = self.inner.setup.load().feeds.clone();
            let refreshing = async {
                join_all(feeds.iter().map(|feed| self.inner.keep_fresh(feed))).await;
                // Without a source there is nothing to do until there is one.
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.inner.reconfigured.notified() => {}
                () = refreshing => {}
            }
        }
    }

    /// Brings the ages of the lists up to date in the metrics.
    pub(crate) fn show_ages(&self) {
        self.inner.show_ages(&self.inner.lists());
    }
}

impl Inner {
    async fn keep_fresh(self: &Arc<Self>, feed: &Feed) {
        loop {
            self.refresh(feed).await;
            let jitter = rand::rng().random_range(0.9..1.1);
            sleep(feed.refresh.mul_f64(jitter)).await;
        }
    }

    /// Asks a source once.
    pub(super) async fn refresh(self: &Arc<Self>, feed: &Feed) {
        // A modality may have told another replica how far it is, whatever becomes of the source.
        if let Err(error) = self.state.load().await {
            tracing::error!(%error, "the status of worklist steps cannot be read");
        }
        let config = self.setup.load().config.clone();
        let today = today(&config);
        let (from, to) = window(&config, today);
        let wanted = Wanted::between(from, to, config.orders_max);
        let fetched = timeout(config.refresh_timeout, feed.source.fetch(&wanted)).await;
        let outcome = match fetched.unwrap_or(Err(SourceError::Timeout)) {
            Ok(Some(fetched)) => {
                let (feed, config) = (feed.clone(), config.clone());
                // 10,000 orders take the processor a tenth of a second, in which no association may wait.
                let before = self.lists().get(&feed.name).map(|list| Arc::clone(&list.entries));
                let completed = move || {
                    let mut completed = complete(fetched, &feed, &config, today, (Some(from), Some(to)));
                    if let Some(before) = before.filter(|before| *before == completed.entries) {
                        completed.entries = before;
                    }
                    completed
                };
                tokio::task::spawn_blocking(completed).await.map(Some).map_err(|_| SourceError::Timeout)
            }
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        self.count_refresh(&feed.name, &outcome.as_ref().map(drop));
        match outcome {
            Ok(completed) => self.take(feed, completed, &config).await,
            Err(error) => self.note_failure(feed, &error),
        }
        self.lists().entry(Arc::clone(&feed.name)).or_default().is_asked = true;
        self.asked.send_modify(|asked| *asked += 1);
    }

    /// Takes over a list, or that it is as before, and keeps it.
    async fn take(self: &Arc<Self>, feed: &Feed, completed: Option<Completed>, config: &config::Worklist) {
        let now = SystemTime::now();
        let (changed, kept_at, entries) = {
            let mut lists = self.lists();
            let list = lists.entry(Arc::clone(&feed.name)).or_default();
            if list.answers.replace(true) == Some(false) {
                tracing::info!(source = %feed.name, "the worklist source answers again");
            }
            let changed = completed.is_some_and(|completed| list.take(completed));
            list.refreshed_at = Some(now);
            (changed, list.kept_at, Arc::clone(&list.entries))
        };
        // Of a list that stays, the index finds out itself when it is too old.
        if changed || self.index.load().missing.contains(&feed.name) {
            let inner = Arc::clone(self);
            let _ = tokio::task::spawn_blocking(move || inner.make_index()).await;
        }
        let kept = match kept_at {
            Some(kept_at) if !changed && now.duration_since(kept_at).is_ok_and(|age| age < STILL) => return,
            Some(_) if !changed => kept::still(&*self.documents, &feed.name, now).await,
            _ => kept::keep(&*self.documents, &feed.name, &entries, now).await,
        };
        let present: HashSet<_> = entries.iter().map(|entry| &entry.key).collect();
        let kept = match kept {
            Ok(()) => self.state.prune(&feed.name, &present, config.status_retention).await,
            error => error,
        };
        match kept {
            Ok(()) => {
                if let Some(list) = self.lists().get_mut(&feed.name) {
                    list.kept_at = Some(now);
                }
            }
            Err(error) => tracing::error!(source = %feed.name, %error, "the worklist cannot be kept"),
        }
    }

    /// Says once that a source gives no list.
    fn note_failure(&self, feed: &Feed, error: &SourceError) {
        let answered = {
            let mut lists = self.lists();
            lists.entry(Arc::clone(&feed.name)).or_default().answers.replace(false)
        };
        if answered != Some(false) {
            tracing::warn!(source = %feed.name, cause = %error, "no worklist; the last one is served");
        }
    }

    fn count_refresh(&self, source: &str, outcome: &Result<(), &SourceError>) {
        let outcome = if outcome.is_ok() { "answered" } else { "failed" };
        self.metrics.worklist_refreshes.with_label_values(&[source, outcome]).inc();
    }

    /// Shows the lists in the metrics.
    pub(super) fn show_metrics(&self, lists: &HashMap<Arc<str>, List>) {
        let metrics = &self.metrics;
        metrics.worklist_entries.reset();
        metrics.worklist_left_out.reset();
        let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        for (name, list) in lists {
            metrics.worklist_entries.with_label_values(&[name.as_ref()]).set(count(list.entries.len()));
            let reasons = LeftOut::ALL.into_iter().map(|reason| (reason.as_str(), list.left_out(reason)));
            for (reason, orders) in reasons.chain([("unreadable", list.unreadable)]) {
                metrics.worklist_left_out.with_label_values(&[name.as_ref(), reason]).set(count(orders));
            }
        }
        self.show_ages(lists);
    }

    fn show_ages(&self, lists: &HashMap<Arc<str>, List>) {
        let age = &self.metrics.worklist_age;
        age.reset();
        let now = SystemTime::now();
        for (name, list) in lists {
            if let Some(refreshed_at) = list.refreshed_at {
                let seconds = now.duration_since(refreshed_at).unwrap_or_default().as_secs_f64();
                age.with_label_values(&[name.as_ref()]).set(seconds);
            }
        }
    }
}

/// The day it is at the site.
pub(super) fn today(config: &config::Worklist) -> Date {
    Timestamp::now().to_zoned(config.time_zone.clone()).date()
}

/// The first and the last day that are kept.
pub(super) fn window(config: &config::Worklist, today: Date) -> (Date, Date) {
    let before = today.saturating_sub(i32::from(config.days_before).days());
    (before, today.saturating_add(i32::from(config.days_after).days()))
}

/// Makes entries of orders: each key once, those of other days left out, and no more than are kept.
pub(super) fn complete(
    fetched: Fetched,
    feed: &Feed,
    config: &config::Worklist,
    today: Date,
    (from, to): (Option<Date>, Option<Date>),
) -> Completed {
    let completing = Completing { source: &feed.name, config, time_zone: &feed.time_zone, today };
    let (mut entries, mut left_out, mut keys) = (Vec::new(), BTreeMap::new(), HashSet::new());
    for outcome in fetched.orders.into_iter().flat_map(|order| completing.entries(order)) {
        match outcome {
            Ok(entry) => {
                let day = entry.starts_at.date();
                if from.is_some_and(|from| day < from) || to.is_some_and(|to| day > to) {
                    continue;
                }
                if keys.insert(entry.key.clone()) {
                    entries.push(Arc::new(entry));
                } else {
                    *left_out.entry(LeftOut::Duplicate).or_default() += 1;
                }
            }
            Err(reason) => *left_out.entry(reason).or_default() += 1,
        }
    }
    if entries.len() > config.orders_max {
        let now = Timestamp::now().to_zoned(config.time_zone.clone()).datetime();
        entries.sort_by_cached_key(|entry| now.duration_since(entry.starts_at).abs());
        left_out.insert(LeftOut::TooMany, entries.len() - config.orders_max);
        entries.truncate(config.orders_max);
    }
    Completed { entries: Arc::new(entries), left_out, unreadable: fetched.unreadable }
}

impl Inner {
    /// Makes entries of what a look-up found.
    pub(super) fn complete_found(&self, fetched: Fetched, feed: &Feed) -> Arc<Vec<Arc<Entry>>> {
        let config = &self.setup.load().config;
        complete(fetched, feed, config, today(config), (None, None)).entries
    }
}
