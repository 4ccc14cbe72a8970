//! The tables of the index, and what their rows say.

use instance::{Identity, TransferSyntax, Uid};
use rusqlite::{Connection, Row, types};

use super::{
    Entry, Target,
    attributes::{Level, stored_at},
};

/// Columns of an [`Entry`], which [`read_entry`] reads, and the row number of the instance behind them.
pub(super) const ENTRY_COLUMNS: &str = "instance.SOPClassUID, instance.SOPInstanceUID, \
     study.StudyInstanceUID, series.SeriesInstanceUID, transfer_syntax, length, sha256, instance.id";

/// Instances with what holds them.
pub(super) const ENTRY_TABLES: &str =
    "instance JOIN series ON series.id = instance.series JOIN study ON study.id = instance.study";

/// Makes the tables where they are not there. Rows refer to each other by number, so that the
/// indexes list the instances of a study or series in the order in which they were stored.
pub(super) fn make(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS study (id INTEGER PRIMARY KEY, {},
             NumberOfStudyRelatedSeries INTEGER NOT NULL DEFAULT 0,
             NumberOfStudyRelatedInstances INTEGER NOT NULL DEFAULT 0);
         CREATE UNIQUE INDEX IF NOT EXISTS study_uid ON study (StudyInstanceUID);
         CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, study INTEGER NOT NULL, {},
             NumberOfSeriesRelatedInstances INTEGER NOT NULL DEFAULT 0);
         CREATE UNIQUE INDEX IF NOT EXISTS series_uid ON series (study, SeriesInstanceUID);
         CREATE TABLE IF NOT EXISTS instance (id INTEGER PRIMARY KEY, study INTEGER NOT NULL,
             series INTEGER NOT NULL, {}, transfer_syntax TEXT, length INTEGER, sha256 BLOB);
         CREATE UNIQUE INDEX IF NOT EXISTS instance_uid ON instance (SOPInstanceUID);
         CREATE INDEX IF NOT EXISTS instance_of_study ON instance (study);
         CREATE INDEX IF NOT EXISTS instance_of_series ON instance (series);",
        columns(Level::Study, "StudyInstanceUID"),
        columns(Level::Series, "SeriesInstanceUID"),
        columns(Level::Instance, "SOPInstanceUID"),
    ))
}

fn columns(level: Level, key: &str) -> String {
    let column = |keyword: &str| {
        if keyword == key { format!("{keyword} TEXT NOT NULL") } else { format!("{keyword} TEXT") }
    };
    stored_at(level).map(|attribute| column(attribute.keyword)).collect::<Vec<_>>().join(", ")
}

impl Target {
    /// The condition that an instance belongs to the target, with its parameters.
    pub(super) fn condition(&self) -> (&'static str, Vec<String>) {
        let mut parameters = vec![self.study.as_str().to_owned()];
        parameters.extend(self.series.iter().chain(&self.instance).map(|uid| uid.as_str().to_owned()));
        let condition = match (&self.series, &self.instance) {
            (None, _) => IN_STUDY,
            (Some(_), None) => IN_SERIES,
            (Some(_), Some(_)) => {
                "instance.series = (SELECT series.id FROM series JOIN study ON study.id = series.study \
                 WHERE StudyInstanceUID = ? AND SeriesInstanceUID = ?) AND SOPInstanceUID = ?"
            }
        };
        (condition, parameters)
    }
}

/// That an instance belongs to the study of a UID.
pub(super) const IN_STUDY: &str = "instance.study = (SELECT id FROM study WHERE StudyInstanceUID = ?)";

/// That an instance belongs to the series of a study, by both UIDs.
pub(super) const IN_SERIES: &str = "instance.series = (SELECT series.id FROM series JOIN study ON study.id = series.study \
     WHERE StudyInstanceUID = ? AND SeriesInstanceUID = ?)";

/// Counts what a study has left after a deletion, and takes out what has nothing left.
pub(super) fn recount(connection: &Connection, study: &str) -> rusqlite::Result<()> {
    let statements = [
        "UPDATE series SET NumberOfSeriesRelatedInstances = \
             (SELECT count(*) FROM instance WHERE instance.series = series.id) \
         WHERE study = (SELECT id FROM study WHERE StudyInstanceUID = ?)",
        "DELETE FROM series WHERE NumberOfSeriesRelatedInstances = 0 \
         AND study = (SELECT id FROM study WHERE StudyInstanceUID = ?)",
        "UPDATE study SET NumberOfStudyRelatedSeries = \
             (SELECT count(*) FROM series WHERE series.study = study.id), \
             NumberOfStudyRelatedInstances = (SELECT count(*) FROM instance WHERE instance.study = study.id) \
         WHERE StudyInstanceUID = ?",
        "DELETE FROM study WHERE NumberOfStudyRelatedSeries = 0 AND StudyInstanceUID = ?",
    ];
    for statement in statements {
        connection.execute(statement, [study])?;
    }
    Ok(())
}

/// SQLite knows signed integers only; nothing negative is ever put in.
pub(super) fn unsigned(row: &Row<'_>, position: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(position)?.unsigned_abs())
}

pub(super) fn read_entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let uid = |position: usize| -> rusqlite::Result<Uid> {
        row.get::<_, String>(position)?.parse().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(
                position,
                types::Type::Text,
                Box::<dyn std::error::Error + Send + Sync>::from(format!("{error}")),
            )
        })
    };
    Ok(Entry {
        identity: Identity {
            sop_class_uid: uid(0)?,
            sop_instance_uid: uid(1)?,
            study_instance_uid: uid(2)?,
            series_instance_uid: uid(3)?,
        },
        transfer_syntax: TransferSyntax::new(uid(4)?),
        length: unsigned(row, 5)?,
        sha256: row.get(6)?,
    })
}
