//! What a query has to find, computed from the generated data.

use std::collections::BTreeMap;

use origin::synthetic::archive::{Archive, Attributes, Instance, Series, Study};

use super::keys::{Attribute, Key, Level, Query, attribute};
use super::matcher;

/// One patient, study, series or instance, with what belongs to it and to those above it.
pub(crate) struct Entity<'a> {
    layers: Vec<&'a Attributes>,
    counted: BTreeMap<&'static str, String>,
}

impl Entity<'_> {
    /// The values of an attribute with backslashes between them; empty where it has none.
    pub(crate) fn text(&self, attribute: Attribute) -> &str {
        if let Some(counted) = self.counted.get(attribute.keyword) {
            return counted;
        }
        self.layers.iter().find_map(|layer| layer.text(attribute.tag)).unwrap_or_default()
    }

    /// What names the entity: a UID, or Patient ID with its issuer, which an archive that does not tell it
    /// must not know twice.
    pub(crate) fn name(&self, level: Level) -> String {
        match level {
            Level::Patient => {
                let issuer = self.text(attribute("IssuerOfPatientID"));
                format!("{}|{issuer}", self.text(attribute("PatientID")))
            }
            level => self.text(level.unique_key()).to_owned(),
        }
    }

    fn items(&self, sequence: Attribute) -> &[Attributes] {
        let mut items = self.layers.iter().map(|layer| layer.items(sequence.tag));
        items.find(|items| !items.is_empty()).unwrap_or_default()
    }

    /// Keys of levels below are none that the entity could have.
    fn matches(&self, query: &Query) -> bool {
        let keys = || query.keys.iter().filter(|key| key.attribute.level <= query.level);
        let sequences = keys().filter_map(|key| key.sequence);
        let of_items = |sequence: Attribute| -> Vec<(Attribute, &str)> {
            let of = keys().filter(|key| key.sequence == Some(sequence) && !key.value.is_empty());
            of.map(|key| (key.attribute, key.value.as_str())).collect()
        };
        let items_match = sequences.into_iter().all(|sequence| {
            let keys = of_items(sequence);
            keys.is_empty() || matcher::matches_item(&keys, self.items(sequence))
        });
        items_match && self.dates_match(query) && keys().all(|key| self.matches_key(query, key))
    }

    fn matches_key(&self, query: &Query, key: &Key) -> bool {
        let combined =
            query.negotiated.combined_date_time && matches!(key.attribute.keyword, "StudyDate" | "StudyTime");
        key.sequence.is_some()
            || combined
            || matcher::matches(key.attribute, &key.value, self.text(key.attribute), query.negotiated)
    }

    fn dates_match(&self, query: &Query) -> bool {
        if !query.negotiated.combined_date_time {
            return true;
        }
        let value = |keyword| {
            query.keys.iter().find(|key| key.attribute.keyword == keyword).map(|key| key.value.as_str())
        };
        let (Some(dates), Some(times)) = (value("StudyDate"), value("StudyTime")) else {
            panic!("a query with combined ranges has both");
        };
        let (date, time) = (self.text(attribute("StudyDate")), self.text(attribute("StudyTime")));
        matcher::matches_combined((dates, times), date, time)
    }
}

/// What is found, by name.
pub(crate) fn expected<'a>(archive: &'a Archive, query: &Query) -> BTreeMap<String, Entity<'a>> {
    let entities = entities(archive, query.level).into_iter();
    entities.filter(|entity| entity.matches(query)).map(|entity| (entity.name(query.level), entity)).collect()
}

/// Everything of a level. Patients are there once for each of their studies, which are the same.
fn entities(archive: &Archive, level: Level) -> Vec<Entity<'_>> {
    let patients = if level == Level::Patient { related_to_patients(archive) } else { BTreeMap::new() };
    let mut entities = Vec::new();
    for study in &archive.studies {
        match level {
            Level::Patient => {
                let mut entity = of_study(study);
                if let Some(counted) = patients.get(&entity.name(level)) {
                    entity.counted.extend(counted.clone());
                }
                entities.push(entity);
            }
            Level::Study => entities.push(of_study(study)),
            Level::Series => entities.extend(study.series.iter().map(|series| of_series(study, series))),
            Level::Image => entities.extend(study.series.iter().flat_map(|series| {
                series.instances.iter().map(|instance| of_instance(study, series, instance))
            })),
        }
    }
    entities
}

fn of_study(study: &Study) -> Entity<'_> {
    let modality =
        |series: &Series| series.attributes.text(attribute("Modality").tag).unwrap_or_default().to_owned();
    let mut modalities: Vec<_> = study.series.iter().map(modality).collect();
    modalities.sort_unstable();
    modalities.dedup();
    let counted = [
        ("ModalitiesInStudy", modalities.join("\\")),
        ("NumberOfStudyRelatedSeries", study.series.len().to_string()),
        ("NumberOfStudyRelatedInstances", study.instance_count().to_string()),
    ];
    Entity { layers: vec![&study.attributes], counted: counted.into() }
}

fn of_series<'a>(study: &'a Study, series: &'a Series) -> Entity<'a> {
    let mut entity = of_study(study);
    entity.layers.push(&series.attributes);
    entity.counted.insert("NumberOfSeriesRelatedInstances", series.instances.len().to_string());
    entity
}

fn of_instance<'a>(study: &'a Study, series: &'a Series, instance: &'a Instance) -> Entity<'a> {
    let mut entity = of_series(study, series);
    entity.layers.push(&instance.attributes);
    entity
}

/// Counts over all studies of each patient.
fn related_to_patients(archive: &Archive) -> BTreeMap<String, [(&'static str, String); 2]> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for study in &archive.studies {
        let count = counts.entry(of_study(study).name(Level::Patient)).or_default();
        *count = (count.0 + 1, count.1 + study.instance_count());
    }
    let counted = |(studies, instances): (usize, usize)| {
        [
            ("NumberOfPatientRelatedStudies", studies.to_string()),
            ("NumberOfPatientRelatedInstances", instances.to_string()),
        ]
    };
    counts.into_iter().map(|(name, count)| (name, counted(count))).collect()
}
