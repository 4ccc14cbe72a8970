//! What waits below a study or a series, and how much of it an origin does not have.

use std::collections::{BTreeSet, HashSet};

use dataset::matching::Condition;
use dicomweb::search::Level as Search;
use instance::{Tag, Uid};

use crate::service::query::{
    Budget, QueryError,
    searched::{Searched, keys_of},
    undelivered::Undelivered,
};

/// What waits below a study or a series.
pub(super) struct Below {
    origin: Option<String>,
    study: Uid,
    series: Option<Uid>,
    all_series: HashSet<Uid>,
    pub(super) instances: HashSet<Uid>,
    pub(super) modalities: BTreeSet<String>,
    pub(super) sop_classes: BTreeSet<String>,
    /// Series and instances that the origin does not have, once it was asked.
    new_series: Option<usize>,
    new_instances: Option<usize>,
}

impl Below {
    /// Reads what waits of a study, or of one of its series, beside what `searched` has.
    ///
    /// # Errors
    /// The spool cannot tell, or there is too much of it.
    pub(super) async fn read(
        waiting: &[Undelivered],
        study: &Uid,
        series: Option<&Uid>,
        searched: Option<&Searched>,
    ) -> Result<Self, QueryError> {
        let mut below = Self {
            origin: searched.map(|searched| searched.origin.name.clone()),
            study: study.clone(),
            series: series.cloned(),
            all_series: HashSet::new(),
            instances: HashSet::new(),
            modalities: BTreeSet::new(),
            sop_classes: BTreeSet::new(),
            new_series: None,
            new_instances: None,
        };
        let mut taken = 0;
        for undelivered in waiting {
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
                below.sop_classes.insert(identity.sop_class_uid.as_str().to_owned());
                below.all_series.insert(identity.series_instance_uid);
                below.instances.insert(identity.sop_instance_uid);
            }
        }
        Ok(below)
    }

    /// Whether this is what was read for these.
    pub(super) fn is_of(&self, study: &Uid, series: Option<&Uid>, searched: Option<&Searched>) -> bool {
        let origin = searched.map(|searched| searched.origin.name.as_str());
        self.study == *study && self.series.as_ref() == series && self.origin.as_deref() == origin
    }

    /// Series that the origin does not have; all of them without an origin.
    ///
    /// # Errors
    /// The origin cannot tell.
    pub(super) async fn new_series(
        &mut self,
        searched: Option<&Searched>,
        budget: &Budget,
    ) -> Result<usize, QueryError> {
        if let Some(new) = self.new_series {
            return Ok(new);
        }
        let path = (Some(&self.study), self.series.as_ref());
        let known = found(Search::Series, &self.all_series, path, searched, budget).await?;
        Ok(*self.new_series.insert(self.all_series.len() - known))
    }

    /// Instances that the origin does not have; all of them without an origin.
    ///
    /// # Errors
    /// The origin cannot tell.
    pub(super) async fn new_instances(
        &mut self,
        searched: Option<&Searched>,
        budget: &Budget,
    ) -> Result<usize, QueryError> {
        if let Some(new) = self.new_instances {
            return Ok(new);
        }
        let path = (Some(&self.study), self.series.as_ref());
        let known = found(Search::Instance, &self.instances, path, searched, budget).await?;
        Ok(*self.new_instances.insert(self.instances.len() - known))
    }
}

/// How many of `uids` the origin has, below a study or a series where one is named.
///
/// # Errors
/// The origin cannot tell.
pub(super) async fn found(
    level: Search,
    uids: &HashSet<Uid>,
    (study, series): (Option<&Uid>, Option<&Uid>),
    searched: Option<&Searched>,
    budget: &Budget,
) -> Result<usize, QueryError> {
    let Some(searched) = searched.filter(|_| !uids.is_empty()) else { return Ok(0) };
    let mut keys = keys_of(study, series);
    // Where it takes no lists, reading all that there is costs less than asking for each.
    // All studies that there are never cost less.
    let is_listed = searched.origin.client.profile().search.uid_list || study.is_none();
    if is_listed || uids.len() == 1 {
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
