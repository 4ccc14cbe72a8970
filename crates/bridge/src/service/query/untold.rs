//! Keys by attributes that the searches of an origin may not give.
//!
//! A result that lacks such an attribute is no reason to say that it does not match. It is looked up in
//! the metadata of an instance (PS3.18 §10.4); what cannot be told even so is an optional key that is not
//! supported, by which everything matches (PS3.4 §C.2.2.1.3).

use std::sync::atomic::{AtomicUsize, Ordering};

use dataset::{
    element::VR,
    json::{Element, Item},
    matching::{Condition, Keys},
};
use dicomweb::{profile::Searchable, search::Level as Search};
use futures::StreamExt;
use instance::{Tag, Uid};

use super::{
    Budget, QueryError,
    level::{Level, MODALITIES_IN_STUDY, is_required},
    related::is_related,
    searched::{Searched, keys_of},
};
use crate::config::Query;

/// Keys that may match although a result lacks their attribute.
pub(crate) struct Untold {
    /// Keys whose attribute no result of the origin has shown so far.
    unseen: Vec<Tag>,
    /// Keys that must be counted where the origin does not, and whom nobody may count.
    counted: Vec<Tag>,
    /// A search for a single instance at a time.
    budget: Budget,
    looked_up: AtomicUsize,
    /// [`Query::look_ups_max`]
    look_ups_max: usize,
}

impl Untold {
    /// For results of `level` that must match `keys`.
    pub(crate) fn new(level: Level, keys: &Keys, searched: &Searched, config: &Query) -> Self {
        let capabilities = &searched.origin.client.profile().search;
        let searchable = match level {
            Level::Patient | Level::Study => &capabilities.studies,
            Level::Series => &capabilities.series,
            Level::Image => &capabilities.instances,
        };
        // Servers match sequences by the letter of the standard and leave them out of their answers.
        let is_given = |tag: Tag, condition: &Condition| {
            let is_named = matches!(searchable, Searchable::These(tags) if tags.contains(&tag));
            is_required(tag) || is_named && !matches!(condition, Condition::Sequence(_))
        };
        let matching = || keys.iter().filter(|(_, condition)| !condition.is_universal());
        let unseen = matching().filter(|(tag, condition)| {
            Level::of_attribute(*tag).is_some() && !is_related(*tag) && !is_given(*tag, condition)
        });
        let collects = |tag| level <= Level::Study && tag == MODALITIES_IN_STUDY && searchable.has(tag);
        let counted = matching().filter(|(tag, _)| is_related(*tag) && !collects(*tag));
        Self {
            unseen: unseen.map(|(tag, _)| tag).collect(),
            counted: counted.map(|(tag, _)| tag).collect(),
            budget: Budget::for_look_ups(config),
            looked_up: AtomicUsize::new(0),
            look_ups_max: config.look_ups_max,
        }
    }

    /// Takes notice of what the origin gives: results without that have no such attribute.
    /// A count without a value is none.
    pub(crate) fn note(&mut self, row: &mut Item) {
        self.unseen.retain(|tag| row.get(*tag).is_none());
        for tag in self.counted.iter().filter(|tag| row.text(**tag).is_none()).copied().collect::<Vec<_>>() {
            row.remove(tag);
        }
    }

    /// Whether a row without this attribute may match by it.
    pub(crate) fn may_match(&self, tag: Tag) -> bool {
        self.unseen.contains(&tag) || self.counted.contains(&tag)
    }

    /// Whether a row lacks the attribute of a key that it may match.
    pub(crate) fn is_lacking(&self, row: &Item) -> bool {
        self.unseen.iter().chain(&self.counted).any(|tag| row.get(*tag).is_none())
    }

    /// Looks up what a row lacks. What is not there becomes empty, and what cannot be told stays away.
    pub(crate) async fn complete(&self, row: &mut Item, searched: &Searched) {
        let lacking: Vec<Tag> = self.unseen.iter().copied().filter(|tag| row.get(*tag).is_none()).collect();
        let is_askable = searched.origin.client.profile().retrieve.instance_metadata;
        if lacking.is_empty()
            || !is_askable
            || self.looked_up.fetch_add(1, Ordering::Relaxed) >= self.look_ups_max
        {
            return;
        }
        match self.metadata(row, searched).await {
            Ok(Some(metadata)) => {
                for tag in lacking {
                    let element = metadata.get(tag).cloned();
                    row.insert(tag, element.unwrap_or_else(|| Element::empty(VR::UN)));
                }
            }
            Ok(None) => {}
            Err(error) => tracing::info!(cause = %error, "the attribute of a key cannot be looked up"),
        }
    }

    /// The metadata of an instance of the row's entity, which has the attributes of all levels above.
    async fn metadata(&self, row: &Item, searched: &Searched) -> Result<Option<Item>, QueryError> {
        let Some(study) = row.uid(Tag::STUDY_INSTANCE_UID) else { return Ok(None) };
        let path = match (row.uid(Tag::SERIES_INSTANCE_UID), row.uid(Tag::SOP_INSTANCE_UID)) {
            (Some(series), Some(instance)) => Some((series, instance)),
            (series, _) => self.an_instance(&study, series.as_ref(), searched).await?,
        };
        let Some((series, instance)) = path else { return Ok(None) };
        let client = &searched.origin.client;
        let limits = self.budget.limits();
        let mut found = client.metadata(&study, Some(&series), Some(&instance), limits);
        let source = match found.next().await {
            Some(Ok(metadata)) => return Ok(Some(metadata)),
            Some(Err(source)) => source,
            None => return Ok(None),
        };
        Err(QueryError::Origin { origin: searched.origin.name.clone(), source })
    }

    async fn an_instance(
        &self,
        study: &Uid,
        series: Option<&Uid>,
        searched: &Searched,
    ) -> Result<Option<(Uid, Uid)>, QueryError> {
        let mut rows = searched.rows(Search::Instance, &keys_of(Some(study), series), &[]);
        while let Some(row) = rows.next(&self.budget).await? {
            let path = row.uid(Tag::SERIES_INSTANCE_UID).or_else(|| series.cloned());
            if let Some(path) = path.zip(row.uid(Tag::SOP_INSTANCE_UID)) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}
