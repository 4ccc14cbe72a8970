//! What is counted and collected over a patient, study or series (PS3.4 §C.3.4).

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use dataset::{
    element::VR,
    json::{Element, Item},
    matching::{Keys, Options},
};
use dicomweb::search::Level as Search;
use instance::{Tag, Uid};

use super::{
    Budget, QueryError,
    level::{
        Level, MODALITIES_IN_STUDY, PATIENT_RELATED_INSTANCES, PATIENT_RELATED_SERIES,
        PATIENT_RELATED_STUDIES, SERIES_RELATED_INSTANCES, SOP_CLASSES_IN_STUDY, STUDY_RELATED_INSTANCES,
        STUDY_RELATED_SERIES,
    },
    searched::{Searched, keys_of},
};

/// What can be counted or collected over an entity of a level.
const RELATED: [(Tag, Level); 8] = [
    (PATIENT_RELATED_STUDIES, Level::Patient),
    (PATIENT_RELATED_SERIES, Level::Patient),
    (PATIENT_RELATED_INSTANCES, Level::Patient),
    (MODALITIES_IN_STUDY, Level::Study),
    (SOP_CLASSES_IN_STUDY, Level::Study),
    (STUDY_RELATED_SERIES, Level::Study),
    (STUDY_RELATED_INSTANCES, Level::Study),
    (SERIES_RELATED_INSTANCES, Level::Series),
];

/// Whether an attribute is counted or collected over what is below its entity.
pub(crate) fn is_related(tag: Tag) -> bool {
    RELATED.iter().any(|(related, _)| *related == tag)
}

/// Counts what results lack, as long as its budget lasts.
pub(crate) struct Related {
    wanted: Vec<(Tag, Level)>,
    /// Whether results must match by one of them, so that none may be left uncounted.
    is_key: bool,
    budget: Budget,
    /// Whether the budget is used up.
    exhausted: AtomicBool,
    /// The last study or series, whose results below it have the same.
    last: Mutex<Option<(Uid, Item)>>,
}

impl Related {
    /// Counts those of `tags` that results of `level` have.
    pub(crate) fn new(level: Level, tags: &[Tag], keys: &Keys, budget: Budget) -> Self {
        let wanted = RELATED.into_iter().filter(|(tag, of)| *of <= level && tags.contains(tag));
        let wanted: Vec<_> = wanted.collect();
        let must_match = |tag| keys.get(tag).is_some_and(|condition| !condition.is_universal());
        let is_key = wanted.iter().any(|(tag, _)| must_match(*tag));
        Self { wanted, is_key, budget, exhausted: AtomicBool::new(false), last: Mutex::default() }
    }

    /// Whether results may be given this attribute.
    pub(crate) fn gives(&self, tag: Tag) -> bool {
        self.wanted.iter().any(|(wanted, _)| *wanted == tag)
    }

    /// Adds to a row what it lacks. Where the budget is used up, that stays empty.
    ///
    /// # Errors
    /// The origin cannot be searched for it; the budget is used up and results must match by it.
    pub(crate) async fn complete(&self, row: &mut Item, searched: &Searched) -> Result<(), QueryError> {
        for level in [Level::Patient, Level::Study, Level::Series] {
            let lacking = self.lacking(row, level);
            if lacking.is_empty() {
                continue;
            }
            match self.count(row, level, &lacking, searched).await {
                Ok(()) => {}
                Err(QueryError::TooManyRows(_) | QueryError::TooManyRequests(_)) if !self.is_key => {
                    tracing::info!("related entities are not counted any more: the budget is used up");
                    self.exhausted.store(true, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether a row lacks anything that would be counted.
    pub(crate) fn is_lacking(&self, row: &Item) -> bool {
        !self.exhausted.load(Ordering::Relaxed) && self.wanted.iter().any(|(tag, _)| row.text(*tag).is_none())
    }

    fn lacking(&self, row: &Item, level: Level) -> Vec<Tag> {
        if self.exhausted.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let of_level = self.wanted.iter().filter(|(_, of)| *of == level);
        of_level.map(|(tag, _)| *tag).filter(|tag| row.text(*tag).is_none()).collect()
    }

    async fn count(
        &self,
        row: &mut Item,
        level: Level,
        lacking: &[Tag],
        searched: &Searched,
    ) -> Result<(), QueryError> {
        let study = row.uid(Tag::STUDY_INSTANCE_UID);
        let series = row.uid(Tag::SERIES_INSTANCE_UID);
        let counted = match (level, study, series) {
            (Level::Patient, ..) => self.patient(row, searched).await?,
            (Level::Study, Some(study), _) => self.known((study, None), lacking, searched).await?,
            (Level::Series, Some(study), Some(series)) => {
                self.known((study, Some(series)), lacking, searched).await?
            }
            _ => return Ok(()),
        };
        for tag in lacking {
            if let Some(element) = counted.get(*tag) {
                row.insert(*tag, element.clone());
            }
        }
        Ok(())
    }

    async fn known(
        &self,
        (study, series): (Uid, Option<Uid>),
        lacking: &[Tag],
        searched: &Searched,
    ) -> Result<Item, QueryError> {
        let uid = series.clone().unwrap_or_else(|| study.clone());
        if let Some((last, counted)) = &*self.last.lock().unwrap_or_else(PoisonError::into_inner)
            && *last == uid
            && lacking.iter().all(|tag| counted.get(*tag).is_some())
        {
            return Ok(counted.clone());
        }
        let counted = match series {
            None => self.study(&study, lacking, searched).await?,
            Some(series) => {
                let (instances, _) = self.instances(&study, Some(&series), searched).await?;
                [count(SERIES_RELATED_INSTANCES, instances)].into_iter().collect()
            }
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((uid, counted.clone()));
        Ok(counted)
    }

    async fn study(&self, study: &Uid, lacking: &[Tag], searched: &Searched) -> Result<Item, QueryError> {
        let mut counted = Item::new();
        let wants = |tag| lacking.contains(&tag);
        let mut instances = None;
        if wants(STUDY_RELATED_SERIES) || wants(MODALITIES_IN_STUDY) || wants(STUDY_RELATED_INSTANCES) {
            let (mut series, mut modalities, mut sum) = (0, BTreeSet::new(), Some(0));
            let include = [Tag::MODALITY, SERIES_RELATED_INSTANCES];
            let mut rows = searched.rows(Search::Series, &keys_of(Some(study), None), &include);
            while let Some(row) = rows.next(&self.budget).await? {
                series += 1;
                modalities.extend(row.text(Tag::MODALITY).map(|modality| modality.into_owned()));
                sum = sum.zip(row.integer(SERIES_RELATED_INSTANCES)).map(|(sum, more)| sum + more);
            }
            instances = sum;
            insert(&mut counted, count(STUDY_RELATED_SERIES, series));
            insert(&mut counted, collected(MODALITIES_IN_STUDY, VR::CS, &modalities));
        }
        if wants(SOP_CLASSES_IN_STUDY) || wants(STUDY_RELATED_INSTANCES) && instances.is_none() {
            let (number, classes) = self.instances(study, None, searched).await?;
            instances = Some(number);
            insert(&mut counted, collected(SOP_CLASSES_IN_STUDY, VR::UI, &classes));
        }
        if let Some(instances) = instances {
            insert(&mut counted, count(STUDY_RELATED_INSTANCES, instances));
        }
        Ok(counted)
    }

    async fn instances(
        &self,
        study: &Uid,
        series: Option<&Uid>,
        searched: &Searched,
    ) -> Result<(i64, BTreeSet<String>), QueryError> {
        let (mut instances, mut classes) = (0, BTreeSet::new());
        let mut rows = searched.rows(Search::Instance, &keys_of(Some(study), series), &[Tag::SOP_CLASS_UID]);
        while let Some(row) = rows.next(&self.budget).await? {
            instances += 1;
            classes.extend(row.text(Tag::SOP_CLASS_UID).map(|class| class.into_owned()));
        }
        Ok((instances, classes))
    }

    /// Over all studies with the patient's ID and its issuer.
    async fn patient(&self, row: &Item, searched: &Searched) -> Result<Item, QueryError> {
        let mut of_patient = Item::new();
        for tag in [Tag::PATIENT_ID, Tag::ISSUER_OF_PATIENT_ID] {
            if let Some(element) = row.get(tag) {
                of_patient.insert(tag, element.clone());
            }
        }
        let Ok(keys) = Keys::read(&of_patient, Options::default()) else { return Ok(Item::new()) };
        if keys.is_universal() {
            return Ok(Item::new());
        }
        let (mut studies, mut series, mut instances) = (0, 0, 0);
        let include =
            [Tag::PATIENT_ID, Tag::ISSUER_OF_PATIENT_ID, STUDY_RELATED_SERIES, STUDY_RELATED_INSTANCES];
        let below: Vec<Tag> = [
            (PATIENT_RELATED_SERIES, STUDY_RELATED_SERIES),
            (PATIENT_RELATED_INSTANCES, STUDY_RELATED_INSTANCES),
        ]
        .into_iter()
        .filter(|(over_patient, _)| self.gives(*over_patient))
        .map(|(_, over_study)| over_study)
        .collect();
        let mut rows = searched.rows(Search::Study, &keys, &include);
        while let Some(mut row) = rows.next(&self.budget).await? {
            if !keys.matches(&row) {
                continue;
            }
            studies += 1;
            let lacking: Vec<Tag> = below.iter().copied().filter(|tag| row.integer(*tag).is_none()).collect();
            if let Some(study) = row.uid(Tag::STUDY_INSTANCE_UID).filter(|_| !lacking.is_empty()) {
                let counted = self.study(&study, &lacking, searched).await?;
                counted.iter().for_each(|(tag, element)| insert(&mut row, (tag, element.clone())));
            }
            series += row.integer(STUDY_RELATED_SERIES).unwrap_or(0);
            instances += row.integer(STUDY_RELATED_INSTANCES).unwrap_or(0);
        }
        Ok([
            count(PATIENT_RELATED_STUDIES, studies),
            count(PATIENT_RELATED_SERIES, series),
            count(PATIENT_RELATED_INSTANCES, instances),
        ]
        .into_iter()
        .collect())
    }
}

fn insert(item: &mut Item, (tag, element): (Tag, Element)) {
    item.insert(tag, element);
}

fn count(tag: Tag, number: i64) -> (Tag, Element) {
    (tag, Element::integer(VR::IS, number))
}

fn collected(tag: Tag, vr: VR, values: &BTreeSet<String>) -> (Tag, Element) {
    (tag, Element::texts(vr, values.iter().map(String::as_str)))
}
