//! Whether an instance fits to what is there of its study and series.

use rusqlite::OptionalExtension as _;

use super::{Entry, Index, attributes::Attribute, lock};
use crate::Error;

/// What all instances of a study have in common (AWS HealthImaging, "Understanding image sets").
const OF_STUDY: [&str; 4] = ["StudyDate", "AccessionNumber", "PatientID", "StudyID"];

/// What all instances of a series have in common beside.
const OF_SERIES: [&str; 1] = ["SeriesNumber"];

impl Index {
    /// Whether an instance says something else of its study or series than the first instance of it did;
    /// `value` gives the attributes of its data set.
    pub(crate) fn conflicts(
        &self,
        new: &Entry,
        value: impl Fn(&Attribute) -> Option<String>,
    ) -> Result<bool, Error> {
        let study = new.identity.study_instance_uid.as_str();
        let series = new.identity.series_instance_uid.as_str();
        let differs = |keywords: &[&str], rest: &str, uids: &[&str]| -> Result<bool, Error> {
            let connection = lock(&self.reader);
            let columns = keywords.join(", ");
            let mut statement = connection.prepare_cached(&format!("SELECT {columns} FROM {rest}"))?;
            let known = statement.query_row(rusqlite::params_from_iter(uids), |row| {
                (0..keywords.len()).map(|column| row.get::<_, Option<String>>(column)).collect()
            });
            let known: Option<Vec<Option<String>>> = known.optional()?;
            let said = keywords.iter().map(|keyword| Attribute::named(keyword).and_then(&value));
            Ok(known.is_some_and(|known| !known.into_iter().eq(said)))
        };
        let in_series = "series JOIN study ON study.id = series.study \
                         WHERE StudyInstanceUID = ? AND SeriesInstanceUID = ?";
        Ok(differs(&OF_STUDY, "study WHERE StudyInstanceUID = ?", &[study])?
            || differs(&OF_SERIES, in_series, &[study, series])?)
    }
}
