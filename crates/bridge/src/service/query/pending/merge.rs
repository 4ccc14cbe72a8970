//! Counts of what the origin has and what waits together.

use std::collections::{BTreeSet, HashSet};

use dataset::{
    element::VR,
    json::{Element, Item},
    matching::Condition,
};
use dicomweb::search::Level as Search;
use instance::{Tag, Uid};

use super::Pending;
use crate::service::query::{
    Budget, QueryError,
    level::{
        Level, MODALITIES_IN_STUDY, SERIES_RELATED_INSTANCES, STUDY_RELATED_INSTANCES, STUDY_RELATED_SERIES,
    },
    searched::{Searched, keys_of},
};

/// What waits below a study or a series.
#[derive(Default)]
struct Below {
    series: HashSet<Uid>,
    instances: HashSet<Uid>,
    modalities: BTreeSet<String>,
}

impl Pending {
    /// Adds to the counts of `row` what waits and the origin does not have; without an origin that is all
    /// there is.
    ///
    /// # Errors
    /// The spool or the origin cannot tell.
    pub(crate) async fn add_counts(
        &self,
        row: &mut Item,
        searched: Option<&Searched>,
        budget: &Budget,
    ) -> Result<(), QueryError> {
        if self.counted.is_empty() || self.level == Level::Image {
            return Ok(());
        }
        let Some(study) = row.uid(Tag::STUDY_INSTANCE_UID) else { return Ok(()) };
        let of_series = row.uid(Tag::SERIES_INSTANCE_UID).filter(|_| self.level == Level::Series);
        let of_study = self.below(&study, None).await?;
        if of_study.instances.is_empty() {
            return Ok(());
        }
        let wants = |tag| self.counted.contains(&tag);
        if wants(MODALITIES_IN_STUDY) {
            let known = row.values(MODALITIES_IN_STUDY).iter().filter_map(|value| value.text());
            let known = known.map(std::borrow::Cow::into_owned);
            let all: BTreeSet<String> = known.chain(of_study.modalities.iter().cloned()).collect();
            row.insert(MODALITIES_IN_STUDY, Element::texts(VR::CS, all.iter().map(String::as_str)));
        }
        if wants(STUDY_RELATED_SERIES) {
            let known = found(Search::Series, &of_study.series, (&study, None), searched, budget).await?;
            add(row, STUDY_RELATED_SERIES, of_study.series.len() - known);
        }
        if wants(STUDY_RELATED_INSTANCES) {
            let known =
                found(Search::Instance, &of_study.instances, (&study, None), searched, budget).await?;
            add(row, STUDY_RELATED_INSTANCES, of_study.instances.len() - known);
        }
        if let Some(series) = of_series.filter(|_| wants(SERIES_RELATED_INSTANCES)) {
            let below = self.below(&study, Some(&series)).await?;
            let path = (&study, Some(&series));
            let known = found(Search::Instance, &below.instances, path, searched, budget).await?;
            add(row, SERIES_RELATED_INSTANCES, below.instances.len() - known);
        }
        Ok(())
    }

    async fn below(&self, study: &Uid, series: Option<&Uid>) -> Result<Below, QueryError> {
        let mut below = Below::default();
        let (pending, mut taken) = (&self.undelivered, 0);
        for undelivered in pending {
            let mut instances = undelivered.instances(study);
            while let Some(entry) = instances.next().await? {
                // Each study for itself: it is counted at most twice.
                undelivered.count(&mut taken)?;
                let identity = entry.trailer.identity.clone();
                if series.is_some_and(|series| *series != identity.series_instance_uid) {
                    continue;
                }
                let modality = entry.trailer.attribute(Tag::MODALITY).map(String::from_utf8_lossy);
                let modality = modality.map(|text| text.trim_matches([' ', '\0']).to_owned());
                below.modalities.extend(modality.filter(|text| !text.is_empty()));
                below.series.insert(identity.series_instance_uid);
                below.instances.insert(identity.sop_instance_uid);
            }
        }
        Ok(below)
    }
}

/// How many of `uids` the origin has below a study or a series.
async fn found(
    level: Search,
    uids: &HashSet<Uid>,
    (study, series): (&Uid, Option<&Uid>),
    searched: Option<&Searched>,
    budget: &Budget,
) -> Result<usize, QueryError> {
    let Some(searched) = searched.filter(|_| !uids.is_empty()) else { return Ok(0) };
    let mut keys = keys_of(Some(study), series);
    // Where it takes no lists, reading all that there is costs less than asking for each.
    if searched.origin.client.profile().search.uid_list || uids.len() == 1 {
        let list = uids.iter().cloned().collect();
        keys.insert(level.unique_key(), Condition::ListOfUid(list));
    }
    let mut rows = searched.rows(level, &keys, &[]);
    let mut known = HashSet::new();
    while let Some(row) = rows.next(budget).await? {
        known.extend(row.uid(level.unique_key()).filter(|uid| uids.contains(uid)));
    }
    Ok(known.len())
}

fn add(row: &mut Item, tag: Tag, more: usize) {
    let known = row.integer(tag).unwrap_or(0);
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    row.insert(tag, Element::integer(VR::IS, known.saturating_add(more)));
}
