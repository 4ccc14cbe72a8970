//! Instances that are accepted and not delivered, as results of a query.
//!
//! They are part of what exists (the archive will have them). The spool is looked at before the origin, so
//! that what is delivered meanwhile is seen at least once; then the origin's results go first, since its
//! attributes win, and what it does not have follows.

mod attributes;
mod merge;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use dataset::{json::Item, matching::Keys};
use instance::{Tag, Uid};
use spool::{Entry, EntryId};

use self::attributes::Attributes;
use super::{
    Budget, QueryError, Request,
    level::{
        Level, MODALITIES_IN_STUDY, SERIES_RELATED_INSTANCES, STUDY_RELATED_INSTANCES, STUDY_RELATED_SERIES,
    },
    searched::Searched,
    undelivered::Undelivered,
};
use crate::association::Context;

/// What is counted over an entity, so that no single entry tells it.
pub(crate) const COUNTED: [Tag; 4] =
    [MODALITIES_IN_STUDY, STUDY_RELATED_SERIES, STUDY_RELATED_INSTANCES, SERIES_RELATED_INSTANCES];

/// What waits for delivery to one origin, by the entities of one level.
pub(crate) struct Pending {
    undelivered: Undelivered,
    attributes: Attributes,
    level: Level,
    /// Keys that an entry can be held against: all but the counted ones.
    keys: Keys,
    /// Those of [`COUNTED`] that results show or must match.
    counted: Vec<Tag>,
    state: RandomState,
    /// By a hash of the UID, for little memory. That two of 100,000 have the same is less likely than 1 in
    /// 3,000,000,000.
    waiting: HashMap<u64, Waiting>,
    looked_at: usize,
}

/// An entity that has instances waiting.
struct Waiting {
    /// The one that shows its attributes.
    entry_id: EntryId,
    /// Whether those match.
    matches: bool,
}

impl Pending {
    /// Looks for what may be part of the results of `request` from `origin`; none where nothing is, or where
    /// it is not to be shown.
    ///
    /// # Errors
    /// The spool cannot tell, or there is too much of it.
    pub(crate) async fn look(
        context: &Arc<Context>,
        origin: &str,
        request: &Request,
        tags: &[Tag],
    ) -> Result<Option<Self>, QueryError> {
        let Some(undelivered) = Undelivered::of(context, origin) else { return Ok(None) };
        let mut keys = request.keys.clone();
        keys.retain(|tag, _| !COUNTED.contains(&tag));
        let mut pending = Self {
            undelivered,
            attributes: Attributes::new(Arc::clone(&context.core.ports.payloads), tags),
            level: request.level,
            keys,
            counted: COUNTED.into_iter().filter(|tag| tags.contains(tag)).collect(),
            state: RandomState::new(),
            waiting: HashMap::new(),
            looked_at: 0,
        };
        pending.collect().await?;
        Ok((!pending.waiting.is_empty()).then_some(pending))
    }

    async fn collect(&mut self) -> Result<(), QueryError> {
        let named = self.keys.get(Tag::STUDY_INSTANCE_UID).and_then(|key| key.uids()).map(<[Uid]>::to_vec);
        let by_study = self.level <= Level::Study;
        if let Some(studies) = named {
            for study in studies {
                self.collect_instances(&study, by_study).await?;
            }
            return Ok(());
        }
        let mut studies = self.undelivered.studies();
        while let Some(entry) = studies.next(&mut self.looked_at).await? {
            if by_study {
                self.add(&entry).await;
            } else {
                self.collect_instances(&entry.trailer.identity.study_instance_uid, false).await?;
            }
        }
        Ok(())
    }

    async fn collect_instances(&mut self, study: &Uid, first_only: bool) -> Result<(), QueryError> {
        let mut instances = self.undelivered.instances(study);
        while let Some(entry) = instances.next(&mut self.looked_at).await? {
            self.add(&entry).await;
            if first_only {
                break;
            }
        }
        Ok(())
    }

    async fn add(&mut self, entry: &Entry) {
        let hash = self.hash(&uid_of(entry, self.level));
        if !self.waiting.contains_key(&hash) {
            let matches = self.attributes.matches(entry, &self.keys).await;
            self.waiting.insert(hash, Waiting { entry_id: entry.entry_id, matches });
        }
    }

    fn hash(&self, uid: &Uid) -> u64 {
        self.state.hash_one(uid.as_str())
    }

    /// Adds to a result of the origin what waits for it. It will not be shown a second time.
    ///
    /// # Errors
    /// The origin cannot be asked what it has of that.
    pub(crate) async fn merge_into(
        &mut self,
        row: &mut Item,
        searched: &Searched,
        budget: &Budget,
    ) -> Result<(), QueryError> {
        let key = match self.level {
            Level::Patient => Tag::STUDY_INSTANCE_UID,
            level => level.unique_key(),
        };
        let Some(uid) = row.uid(key) else { return Ok(()) };
        match self.waiting.remove(&self.hash(&uid)) {
            Some(_) => self.add_counts(row, Some(searched), budget).await,
            None => Ok(()),
        }
    }

    /// Ends the origin's part: the entries whose entities match and were not among its results.
    pub(crate) fn remaining(&mut self) -> Vec<EntryId> {
        let waiting = std::mem::take(&mut self.waiting).into_values();
        let mut remaining: Vec<_> = waiting.filter(|one| one.matches).map(|one| one.entry_id).collect();
        remaining.sort_unstable();
        remaining
    }

    /// The result that one of the remaining entries stands for, and whether the origin has it all the same:
    /// then its attributes decide, and it is none where they do not match. The origin is not asked where
    /// `searched` is none.
    ///
    /// # Errors
    /// The spool or the origin cannot tell.
    pub(crate) async fn result(
        &self,
        entry_id: EntryId,
        searched: Option<&Searched>,
        tags: &[Tag],
        budget: &Budget,
    ) -> Result<Option<(Item, bool)>, QueryError> {
        let entry = match self.undelivered.entry(entry_id).await {
            Err(QueryError::Spool(spool::Error::NotFound(_))) => return Ok(None),
            entry => entry?,
        };
        let identity = &entry.trailer.identity;
        let known = match (self.level, searched) {
            // It is the same instance everywhere.
            (Level::Image, _) | (_, None) => None,
            (Level::Series, Some(searched)) => {
                let series = Some(&identity.series_instance_uid);
                searched.entity(&identity.study_instance_uid, series, tags, budget).await?
            }
            (Level::Patient | Level::Study, Some(searched)) => {
                searched.entity(&identity.study_instance_uid, None, tags, budget).await?
            }
        };
        let Some(mut shown) = self.attributes.matching(&entry, &self.keys).await else { return Ok(None) };
        let at_origin = known.is_some();
        for (tag, element) in known.iter().flat_map(Item::iter) {
            shown.insert(tag, element.clone());
        }
        if at_origin && !self.keys.matches(&shown) {
            return Ok(None);
        }
        Ok(Some((shown, at_origin)))
    }
}

fn uid_of(entry: &Entry, level: Level) -> Uid {
    let identity = &entry.trailer.identity;
    match level {
        Level::Patient | Level::Study => identity.study_instance_uid.clone(),
        Level::Series => identity.series_instance_uid.clone(),
        Level::Image => identity.sop_instance_uid.clone(),
    }
}
