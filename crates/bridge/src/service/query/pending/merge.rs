//! Counts of what the origin has and what waits together.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    hash::BuildHasher,
};

use dataset::{
    element::VR,
    json::{Element, Item},
    matching::Condition,
};
use dicomweb::search::Level as Search;
use instance::{Tag, Uid};

use super::{Pending, attributes::kept_beside};
use crate::service::query::{
    Budget, QueryError,
    level::{
        Level, MODALITIES_IN_STUDY, PATIENT_RELATED_INSTANCES, PATIENT_RELATED_SERIES,
        PATIENT_RELATED_STUDIES, SERIES_RELATED_INSTANCES, SOP_CLASSES_IN_STUDY, STUDY_RELATED_INSTANCES,
        STUDY_RELATED_SERIES,
    },
    searched::{Searched, keys_of},
};

/// What is counted over a patient.
const OF_PATIENT: [Tag; 3] = [PATIENT_RELATED_STUDIES, PATIENT_RELATED_SERIES, PATIENT_RELATED_INSTANCES];

/// What waits below a study or a series.
#[derive(Default)]
struct Below {
    series: HashSet<Uid>,
    instances: HashSet<Uid>,
    modalities: BTreeSet<String>,
    sop_classes: BTreeSet<String>,
}

impl Pending {
    /// Takes notice of the patients of all that waits, where something is counted over patients: their
    /// studies at the origin need not be those that wait.
    ///
    /// # Errors
    /// The spool cannot tell.
    pub(super) async fn collect_patients(&mut self) -> Result<(), QueryError> {
        if !self.counted.iter().any(|tag| OF_PATIENT.contains(tag)) {
            return Ok(());
        }
        for undelivered in self.undelivered.clone() {
            let mut studies = undelivered.studies();
            while let Some(entry) = studies.next().await? {
                let hash = kept_beside(&entry).text(Tag::PATIENT_ID).map(|id| self.hash_of_patient(&id));
                self.patients.extend(hash);
            }
        }
        Ok(())
    }

    /// Adds to the counts of `row` what waits and the origin does not have; without an origin that is all
    /// there is. A count that the origin has and nobody knows stays away.
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
        self.add_to_patient(row, searched, budget).await?;
        self.add_to_study(row, searched, budget).await
    }

    async fn add_to_study(
        &self,
        row: &mut Item,
        searched: Option<&Searched>,
        budget: &Budget,
    ) -> Result<(), QueryError> {
        let Some(study) = row.uid(Tag::STUDY_INSTANCE_UID) else { return Ok(()) };
        let of_series = row.uid(Tag::SERIES_INSTANCE_UID).filter(|_| self.level == Level::Series);
        let of_study = self.below(&study, None).await?;
        if of_study.instances.is_empty() {
            return Ok(());
        }
        let wants = |row: &Item, tag| self.is_addable(row, tag, searched);
        for (tag, vr, more) in [
            (MODALITIES_IN_STUDY, VR::CS, &of_study.modalities),
            (SOP_CLASSES_IN_STUDY, VR::UI, &of_study.sop_classes),
        ] {
            if wants(row, tag) {
                let known = row.values(tag).iter().filter_map(|value| value.text()).map(Cow::into_owned);
                let all: BTreeSet<String> = known.chain(more.iter().cloned()).collect();
                row.insert(tag, Element::texts(vr, all.iter().map(String::as_str)));
            }
        }
        let path = (Some(&study), None);
        if wants(row, STUDY_RELATED_SERIES) {
            let known = found(Search::Series, &of_study.series, path, searched, budget).await?;
            add(row, STUDY_RELATED_SERIES, of_study.series.len() - known);
        }
        if wants(row, STUDY_RELATED_INSTANCES) {
            let known = found(Search::Instance, &of_study.instances, path, searched, budget).await?;
            add(row, STUDY_RELATED_INSTANCES, of_study.instances.len() - known);
        }
        if let Some(series) = of_series.filter(|_| wants(row, SERIES_RELATED_INSTANCES)) {
            let below = self.below(&study, Some(&series)).await?;
            let path = (Some(&study), Some(&series));
            let known = found(Search::Instance, &below.instances, path, searched, budget).await?;
            add(row, SERIES_RELATED_INSTANCES, below.instances.len() - known);
        }
        Ok(())
    }

    /// Over all studies of the patient that wait, whichever of them the row shows.
    async fn add_to_patient(
        &self,
        row: &mut Item,
        searched: Option<&Searched>,
        budget: &Budget,
    ) -> Result<(), QueryError> {
        let wanted = OF_PATIENT.map(|tag| self.is_addable(row, tag, searched));
        let id = row.text(Tag::PATIENT_ID).map(|id| self.hash_of_patient(&id));
        if wanted == [false; 3] || id.is_none_or(|id| !self.patients.contains(&id)) {
            return Ok(());
        }
        let studies = self.studies_of(row).await?;
        let known = found(Search::Study, &studies, (None, None), searched, budget).await?;
        let (mut series, mut instances) = (0, 0);
        for study in &studies {
            let (below, path) = (self.below(study, None).await?, (Some(study), None));
            if wanted[1] {
                let known = found(Search::Series, &below.series, path, searched, budget).await?;
                series += below.series.len() - known;
            }
            if wanted[2] {
                let known = found(Search::Instance, &below.instances, path, searched, budget).await?;
                instances += below.instances.len() - known;
            }
        }
        let more = [studies.len() - known, series, instances];
        for ((tag, more), _) in OF_PATIENT.into_iter().zip(more).zip(wanted).filter(|(_, wanted)| *wanted) {
            add(row, tag, more);
        }
        Ok(())
    }

    /// Whether something is wanted to which what waits can be added.
    fn is_addable(&self, row: &Item, tag: Tag, searched: Option<&Searched>) -> bool {
        self.counted.contains(&tag) && (searched.is_none() || row.text(tag).is_some())
    }

    fn hash_of_patient(&self, id: &str) -> u64 {
        self.state.hash_one(id)
    }

    /// The studies that wait of the patient of a row. Issuers tell patients apart where both are known.
    async fn studies_of(&self, row: &Item) -> Result<HashSet<Uid>, QueryError> {
        let (mut found, mut taken) = (HashSet::new(), 0);
        for undelivered in &self.undelivered {
            let mut studies = undelivered.studies();
            while let Some(entry) = studies.next().await? {
                let kept = kept_beside(&entry);
                let issuers = row.text(Tag::ISSUER_OF_PATIENT_ID).zip(kept.text(Tag::ISSUER_OF_PATIENT_ID));
                if kept.text(Tag::PATIENT_ID) == row.text(Tag::PATIENT_ID)
                    && issuers.is_none_or(|(one, other)| one == other)
                {
                    undelivered.count(&mut taken)?;
                    found.insert(entry.trailer.identity.study_instance_uid);
                }
            }
        }
        Ok(found)
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
                below.sop_classes.insert(identity.sop_class_uid.as_str().to_owned());
                below.series.insert(identity.series_instance_uid);
                below.instances.insert(identity.sop_instance_uid);
            }
        }
        Ok(below)
    }
}

/// How many of `uids` the origin has, below a study or a series where one is named.
async fn found(
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

fn add(row: &mut Item, tag: Tag, more: usize) {
    let known = row.integer(tag).unwrap_or(0);
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    row.insert(tag, Element::integer(VR::IS, known.saturating_add(more)));
}
