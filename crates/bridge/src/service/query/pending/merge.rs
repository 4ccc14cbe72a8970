//! Counts of what the origin has and what waits together.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    hash::BuildHasher,
};

use dataset::{
    element::VR,
    json::{Element, Item},
};
use dicomweb::search::Level as Search;
use instance::{Tag, Uid};

use super::{
    Pending,
    attributes::kept_beside,
    below::{Below, found},
};
use crate::service::query::{
    Budget, QueryError,
    level::{
        Level, MODALITIES_IN_STUDY, PATIENT_RELATED_INSTANCES, PATIENT_RELATED_SERIES,
        PATIENT_RELATED_STUDIES, SERIES_RELATED_INSTANCES, SOP_CLASSES_IN_STUDY, STUDY_RELATED_INSTANCES,
        STUDY_RELATED_SERIES,
    },
    searched::Searched,
};

/// What is counted over a patient.
const OF_PATIENT: [Tag; 3] = [PATIENT_RELATED_STUDIES, PATIENT_RELATED_SERIES, PATIENT_RELATED_INSTANCES];

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
                self.patients.extend(hash.map(|hash| (hash, entry.entry_id)));
            }
        }
        self.patients.sort_unstable();
        Ok(())
    }

    /// Adds to the counts of `row` what waits and the origin does not have; without an origin that is all
    /// there is. A count that the origin has and nobody knows stays away.
    ///
    /// # Errors
    /// The spool or the origin cannot tell.
    pub(crate) async fn add_counts(
        &mut self,
        row: &mut Item,
        searched: Option<&Searched>,
        budget: &Budget,
    ) -> Result<(), QueryError> {
        if self.counted.is_empty() {
            return Ok(());
        }
        self.add_to_patient(row, searched, budget).await?;
        self.add_to_study(row, searched, budget).await
    }

    async fn add_to_study(
        &mut self,
        row: &mut Item,
        searched: Option<&Searched>,
        budget: &Budget,
    ) -> Result<(), QueryError> {
        let Some(study) = row.uid(Tag::STUDY_INSTANCE_UID) else { return Ok(()) };
        let of_series = row.uid(Tag::SERIES_INSTANCE_UID).filter(|_| self.level >= Level::Series);
        let mut below = self.below(&study, None, searched).await?;
        if !below.instances.is_empty() {
            self.add_below(row, &mut below, searched, budget).await?;
        }
        self.of_study = Some(below);
        if let Some(series) = of_series.filter(|_| self.is_addable(row, SERIES_RELATED_INSTANCES, searched)) {
            let mut below = self.below(&study, Some(&series), searched).await?;
            add(row, SERIES_RELATED_INSTANCES, below.new_instances(searched, budget).await?);
            self.of_series = Some(below);
        }
        Ok(())
    }

    async fn add_below(
        &self,
        row: &mut Item,
        below: &mut Below,
        searched: Option<&Searched>,
        budget: &Budget,
    ) -> Result<(), QueryError> {
        let wants = |row: &Item, tag| self.is_addable(row, tag, searched);
        for (tag, vr, more) in [
            (MODALITIES_IN_STUDY, VR::CS, &below.modalities),
            (SOP_CLASSES_IN_STUDY, VR::UI, &below.sop_classes),
        ] {
            if wants(row, tag) {
                let known = row.values(tag).iter().filter_map(|value| value.text()).map(Cow::into_owned);
                let all: BTreeSet<String> = known.chain(more.iter().cloned()).collect();
                row.insert(tag, Element::texts(vr, all.iter().map(String::as_str)));
            }
        }
        if wants(row, STUDY_RELATED_SERIES) {
            add(row, STUDY_RELATED_SERIES, below.new_series(searched, budget).await?);
        }
        if wants(row, STUDY_RELATED_INSTANCES) {
            add(row, STUDY_RELATED_INSTANCES, below.new_instances(searched, budget).await?);
        }
        Ok(())
    }

    /// What waits below a study or a series; results that follow each other often belong to the same.
    async fn below(
        &mut self,
        study: &Uid,
        series: Option<&Uid>,
        searched: Option<&Searched>,
    ) -> Result<Below, QueryError> {
        let last = if series.is_none() { &mut self.of_study } else { &mut self.of_series };
        match last.take().filter(|last| last.is_of(study, series, searched)) {
            Some(last) => Ok(last),
            None => Below::read(&self.undelivered, study, series, searched).await,
        }
    }

    /// Over all studies of the patient that wait, whichever of them the row shows.
    async fn add_to_patient(
        &self,
        row: &mut Item,
        searched: Option<&Searched>,
        budget: &Budget,
    ) -> Result<(), QueryError> {
        let wanted = OF_PATIENT.map(|tag| self.is_addable(row, tag, searched));
        if wanted == [false; 3] {
            return Ok(());
        }
        let studies = self.studies_of(row).await?;
        if studies.is_empty() {
            return Ok(());
        }
        let known = found(Search::Study, &studies, (None, None), searched, budget).await?;
        let (mut series, mut instances) = (0, 0);
        for study in &studies {
            let mut below = Below::read(&self.undelivered, study, None, searched).await?;
            if wanted[1] {
                series += below.new_series(searched, budget).await?;
            }
            if wanted[2] {
                instances += below.new_instances(searched, budget).await?;
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
        let Some((id, undelivered)) = row.text(Tag::PATIENT_ID).zip(self.undelivered.first()) else {
            return Ok(found);
        };
        let hash = self.hash_of_patient(&id);
        let begin = self.patients.partition_point(|(of, _)| *of < hash);
        for (_, entry_id) in self.patients[begin..].iter().take_while(|(of, _)| *of == hash) {
            let entry = match undelivered.entry(*entry_id).await {
                // It was delivered meanwhile, and the origin counts it.
                Err(QueryError::Spool(spool::Error::NotFound(_))) => continue,
                entry => entry?,
            };
            let kept = kept_beside(&entry);
            let issuers = row.text(Tag::ISSUER_OF_PATIENT_ID).zip(kept.text(Tag::ISSUER_OF_PATIENT_ID));
            if kept.text(Tag::PATIENT_ID).is_some_and(|of| of == id)
                && issuers.is_none_or(|(one, other)| one == other)
            {
                undelivered.count(&mut taken)?;
                found.insert(entry.trailer.identity.study_instance_uid);
            }
        }
        Ok(found)
    }
}

fn add(row: &mut Item, tag: Tag, more: usize) {
    let known = row.integer(tag).unwrap_or(0);
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    row.insert(tag, Element::integer(VR::IS, known.saturating_add(more)));
}
