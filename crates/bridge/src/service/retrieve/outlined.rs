//! Instances of which only the number is known, until the answers that hold them name them.

use std::{collections::HashSet, sync::Arc};

use dicomweb::retrieve::{Accept, Retrieve};
use futures::{StreamExt, TryStreamExt};
use instance::{Uid, part10::FileMeta};

use super::instances::{Task, Wanted, Whole, Work};
use crate::{
    association::Context,
    service::query::{self, ListedInstance, OutlinedSeries, QueryError, Scope, Source},
    snapshot::Origin,
};

/// Fewest instances that series must have on average: 64. Each is asked for by itself, which takes the way to
/// the origin and back; a list of fewer takes no longer.
const IN_A_SERIES_MIN: usize = 64;

/// Instances beyond the number that was told which are sent all the same: 1,000. They came after they were
/// counted.
const NEWCOMERS_MAX: usize = 1_000;

/// Instances of which only the number is known.
#[derive(Debug)]
pub(super) struct Outlined {
    origin: Arc<Origin>,
    scope: Scope,
    /// Those that no answer has named yet.
    unnamed: usize,
    /// Those that an answer has named, and how many they may be.
    named: HashSet<Uid>,
    named_max: usize,
}

impl Outlined {
    /// What is to be done for the series of `scope` at `origin`, each asked for as a whole; none where a list of
    /// their instances is better.
    pub(super) fn plan(
        origin: &Arc<Origin>,
        scope: &Scope,
        series: Vec<OutlinedSeries>,
        instances_max: usize,
    ) -> Option<Work> {
        let unnamed = series.iter().fold(0_usize, |sum, one| sum.saturating_add(one.instances));
        let is_worth_it = unnamed / IN_A_SERIES_MIN >= series.len();
        if series.is_empty() || !is_worth_it || unnamed > instances_max {
            return None;
        }
        let task = |one: OutlinedSeries| {
            let retrieve = Retrieve {
                study: one.study_instance_uid,
                series: Some(one.series_instance_uid),
                instance: None,
                transfer_syntax: Accept::Any,
            };
            Task::Whole(Whole { origin: Arc::clone(origin), retrieve, members: Vec::new() })
        };
        let outlined = Self {
            origin: Arc::clone(origin),
            scope: scope.clone(),
            unnamed,
            named: HashSet::with_capacity(unnamed),
            named_max: unnamed + NEWCOMERS_MAX,
        };
        let tasks = series.into_iter().map(task).collect();
        Some(Work { tasks, outlined: Some(outlined), ..Work::default() })
    }

    /// Instances that no answer has named yet.
    pub(super) const fn unnamed(&self) -> usize {
        self.unnamed
    }

    /// Takes note of an instance that the answer for `whole` holds; none where it was named before.
    pub(super) fn name(&mut self, whole: &Whole, meta: &FileMeta) -> Option<Wanted> {
        let series = whole.retrieve.series.clone()?;
        if self.named.len() >= self.named_max || !self.named.insert(meta.sop_instance_uid.clone()) {
            return None;
        }
        self.unnamed = self.unnamed.saturating_sub(1);
        Some(Wanted {
            study: whole.retrieve.study.clone(),
            series,
            sop_instance_uid: meta.sop_instance_uid.clone(),
            sop_class: Some(meta.sop_class_uid.clone()),
            transfer_syntax: Some(meta.transfer_syntax.clone()),
            source: Source::Origin(Arc::clone(&whole.origin)),
        })
    }

    /// Asks which instances there are that no answer has named.
    pub(super) async fn list(
        self,
        context: Arc<Context>,
    ) -> (usize, Result<Vec<ListedInstance>, QueryError>) {
        let Self { origin, scope, unnamed, named, named_max } = self;
        let listed = query::list(&context, vec![origin], scope);
        let is_new = |listed: &Result<ListedInstance, _>| {
            !listed.as_ref().is_ok_and(|listed| named.contains(&listed.sop_instance_uid))
        };
        let missing = listed.filter(|listed| std::future::ready(is_new(listed))).take(named_max);
        (unnamed, missing.try_collect().await)
    }
}
