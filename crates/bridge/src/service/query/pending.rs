//! Instances that are accepted and not delivered, as results of a query.
//!
//! They are part of what exists (the archive will have them). The spool is looked at before the origin, so
//! that what is delivered meanwhile is seen at least once; then the origin's results go first, since its
//! attributes win, and what it does not have follows.

mod attributes;
mod below;
mod merge;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use dataset::{json::Item, matching::Keys};
use instance::{Tag, Uid};
use spool::{Entry, EntryId};

use self::{attributes::Attributes, below::Below};
use super::{
    Budget, QueryError, Request, level::Level, related::is_related, searched::Searched,
    undelivered::Undelivered,
};
use crate::{association::Context, snapshot::Origin};

/// What waits for delivery to the origins of a query, by the entities of one level.
pub(crate) struct Pending {
    undelivered: Vec<Undelivered>,
    attributes: Attributes,
    level: Level,
    /// Keys that an entry can be held against: all but the counted ones.
    keys: Keys,
    /// What is counted or collected over entities, so that no single entry tells it, and results show or must
    /// match.
    counted: Vec<Tag>,
    /// The hash of the Patient ID of each study that waits, and one of its entries, in order; only where
    /// something is counted over patients.
    patients: Vec<(u64, EntryId)>,
    state: RandomState,
    /// By a hash of the UID, for little memory. That two of 100,000 have the same is less likely than 1 in
    /// 3,000,000,000.
    waiting: HashMap<u64, Waiting>,
    /// Whether entities were left out that cannot match as they are in the spool. An origin may have them
    /// with other attributes.
    left_out: bool,
    taken: usize,
    /// What waits below the study and the series that were counted last.
    of_study: Option<Below>,
    of_series: Option<Below>,
    /// The study that was looked for last, and which of the origins that were searched has it.
    home: Option<(Uid, Option<usize>)>,
}

/// An entity that has instances waiting.
struct Waiting {
    /// The one that shows its attributes.
    entry_id: EntryId,
    /// Whether those match.
    matches: bool,
}

impl Pending {
    /// Looks for what may be part of the results of `request` from `origins`; none where nothing is, or where
    /// it is not to be shown.
    ///
    /// # Errors
    /// The spool cannot tell, or there is too much of it.
    pub(crate) async fn look(
        context: &Arc<Context>,
        origins: &[Arc<Origin>],
        request: &Request,
        tags: &[Tag],
    ) -> Result<Option<Self>, QueryError> {
        let undelivered =
            origins.iter().filter_map(|origin| Undelivered::of(context, &origin.name)).collect();
        let mut keys = request.keys.clone();
        keys.retain(|tag, _| !is_related(tag));
        let mut pending = Self {
            undelivered,
            attributes: Attributes::new(Arc::clone(&context.core.ports.payloads), tags),
            level: request.level,
            keys,
            counted: tags.iter().copied().filter(|tag| is_related(*tag)).collect(),
            patients: Vec::new(),
            state: RandomState::new(),
            waiting: HashMap::new(),
            left_out: false,
            taken: 0,
            of_study: None,
            of_series: None,
            home: None,
        };
        for undelivered in pending.undelivered.clone() {
            pending.collect(&undelivered).await?;
        }
        pending.collect_patients().await?;
        let is_any = pending.left_out || !pending.waiting.is_empty() || !pending.patients.is_empty();
        Ok(is_any.then_some(pending))
    }

    async fn collect(&mut self, undelivered: &Undelivered) -> Result<(), QueryError> {
        let named = self.keys.get(Tag::STUDY_INSTANCE_UID).and_then(|key| key.uids()).map(<[Uid]>::to_vec);
        let by_study = self.level <= Level::Study;
        if let Some(studies) = named {
            for study in studies {
                self.collect_instances(undelivered, &study, by_study).await?;
            }
            return Ok(());
        }
        let mut studies = undelivered.studies();
        while let Some(entry) = studies.next().await? {
            if !self.attributes.may_be_of_study(&entry, &self.keys) {
                self.left_out = true;
            } else if by_study {
                self.add(undelivered, &entry).await?;
            } else {
                let study = &entry.trailer.identity.study_instance_uid;
                self.collect_instances(undelivered, study, false).await?;
            }
        }
        Ok(())
    }

    async fn collect_instances(
        &mut self,
        undelivered: &Undelivered,
        study: &Uid,
        first_only: bool,
    ) -> Result<(), QueryError> {
        let mut instances = undelivered.instances(study);
        while let Some(entry) = instances.next().await? {
            self.add(undelivered, &entry).await?;
            if first_only {
                break;
            }
        }
        Ok(())
    }

    async fn add(&mut self, undelivered: &Undelivered, entry: &Entry) -> Result<(), QueryError> {
        undelivered.count(&mut self.taken)?;
        let hash = self.hash(&uid_of(entry, self.level));
        if !self.waiting.contains_key(&hash) {
            let matches = self.attributes.matches(entry, &self.keys).await;
            self.waiting.insert(hash, Waiting { entry_id: entry.entry_id, matches });
        }
        Ok(())
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
        let waits = self.waiting.remove(&self.hash(&uid)).is_some();
        // The study of a series or an instance may have others that wait.
        let is_below_study = self.level > Level::Study;
        if !waits && !self.left_out && self.patients.is_empty() && !is_below_study {
            return Ok(());
        }
        self.add_counts(row, Some(searched), budget).await
    }

    /// Ends the origins' part: the entries whose entities match and were not among their results.
    pub(crate) fn remaining(&mut self) -> Vec<EntryId> {
        let waiting = std::mem::take(&mut self.waiting).into_values();
        let mut remaining: Vec<_> = waiting.filter(|one| one.matches).map(|one| one.entry_id).collect();
        remaining.sort_unstable();
        remaining
    }

    /// The result that one of the remaining entries stands for, and which of the origins has it all the same,
    /// or the study that it is counted with. Where one has it, its attributes decide, and it is none where they
    /// do not match.
    ///
    /// # Errors
    /// The spool or the origin cannot tell.
    pub(crate) async fn result<'a>(
        &mut self,
        entry_id: EntryId,
        searched: &'a [Searched],
        tags: &[Tag],
        budget: &Budget,
    ) -> Result<Option<(Item, Option<&'a Searched>)>, QueryError> {
        let Some(spool) = self.undelivered.first() else { return Ok(None) };
        let entry = match spool.entry(entry_id).await {
            Err(QueryError::Spool(spool::Error::NotFound(_))) => return Ok(None),
            entry => entry?,
        };
        let identity = &entry.trailer.identity;
        // An instance is the same everywhere.
        let series = match self.level {
            Level::Patient | Level::Study => None,
            Level::Series | Level::Image => Some(&identity.series_instance_uid),
        };
        let mut known = None;
        for searched in searched.iter().filter(|_| self.level != Level::Image) {
            let entity = searched.entity(&identity.study_instance_uid, series, tags, budget).await?;
            if let Some(entity) = entity {
                known = Some((entity, searched));
                break;
            }
        }
        let Some(mut shown) = self.attributes.matching(&entry, &self.keys).await else { return Ok(None) };
        for (tag, element) in known.iter().flat_map(|(entity, _)| entity.iter()) {
            shown.insert(tag, element.clone());
        }
        if known.is_some() && !self.keys.matches(&shown) {
            return Ok(None);
        }
        let home = match known {
            Some((_, searched)) => Some(searched),
            None => self.home(&identity.study_instance_uid, searched, budget).await?,
        };
        Ok(Some((shown, home)))
    }

    /// Which of the origins has the study of a series or an instance, where something is counted over it.
    async fn home<'a>(
        &mut self,
        study: &Uid,
        searched: &'a [Searched],
        budget: &Budget,
    ) -> Result<Option<&'a Searched>, QueryError> {
        if self.level <= Level::Study || self.counted.is_empty() {
            return Ok(None);
        }
        if self.home.as_ref().is_none_or(|(last, _)| last != study) {
            let mut at = None;
            for (number, one) in searched.iter().enumerate() {
                if one.entity(study, None, &[], budget).await?.is_some() {
                    at = Some(number);
                    break;
                }
            }
            self.home = Some((study.clone(), at));
        }
        let at = self.home.as_ref().and_then(|(_, at)| *at);
        Ok(at.and_then(|at| searched.get(at)))
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
