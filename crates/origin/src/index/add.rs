//! New instances in the index.

use rusqlite::{Transaction, params, params_from_iter};

use super::{
    Entry,
    attributes::{Attribute, Level, stored_at},
};
use crate::Error;

/// Adds instances in one transaction. What the instances of a study have in common is written once:
/// the first instance of a study or series says what its attributes are.
pub(super) struct Adding<'a> {
    transaction: Transaction<'a>,
    /// The series of the last instance: its UIDs, and the row numbers of study and series.
    last: Option<(String, String, [i64; 2])>,
    /// Instances of that series that its counts do not have yet.
    uncounted: i64,
    latest_wins: bool,
}

impl<'a> Adding<'a> {
    /// `latest_wins` lets every instance say what the attributes of its study and series are, not the first
    /// one alone.
    pub(super) const fn begin(transaction: Transaction<'a>, latest_wins: bool) -> Self {
        Self { transaction, last: None, uncounted: 0, latest_wins }
    }

    /// Adds an instance whose UID is not taken; `value` gives the attributes of its data set.
    pub(super) fn add(
        &mut self,
        new: &Entry,
        value: &dyn Fn(&Attribute) -> Option<String>,
    ) -> Result<(), Error> {
        let [study, series] = self.rows(new, value)?;
        let columns: Vec<_> = stored_at(Level::Instance).collect();
        let names: Vec<_> = columns.iter().map(|attribute| attribute.keyword).collect();
        let statement = format!(
            "INSERT INTO instance (study, series, transfer_syntax, length, sha256, {}) VALUES (?, ?, ?, ?, ?, {})",
            names.join(", "),
            marks(names.len())
        );
        let mut statement = self.transaction.prepare_cached(&statement)?;
        let length = i64::try_from(new.length).unwrap_or(i64::MAX);
        let transfer_syntax = new.transfer_syntax.uid().as_str();
        let fixed: [&dyn rusqlite::ToSql; 5] = [&study, &series, &transfer_syntax, &length, &new.sha256];
        let values: Vec<Option<String>> = columns
            .iter()
            .map(|attribute| match attribute.keyword {
                "SOPClassUID" => Some(new.identity.sop_class_uid.as_str().to_owned()),
                "SOPInstanceUID" => Some(new.identity.sop_instance_uid.as_str().to_owned()),
                _ => value(attribute),
            })
            .collect();
        let values = values.iter().map(|value| value as &dyn rusqlite::ToSql);
        statement.execute(params_from_iter(fixed.into_iter().chain(values)))?;
        self.uncounted += 1;
        Ok(())
    }

    /// Makes everything visible.
    pub(super) fn commit(mut self) -> Result<(), Error> {
        self.count()?;
        Ok(self.transaction.commit()?)
    }

    /// The row numbers of study and series, which are made where they are not there.
    fn rows(&mut self, new: &Entry, value: &dyn Fn(&Attribute) -> Option<String>) -> Result<[i64; 2], Error> {
        let (study_uid, series_uid) =
            (new.identity.study_instance_uid.as_str(), new.identity.series_instance_uid.as_str());
        match &self.last {
            Some((study, series, rows))
                if study == study_uid && series == series_uid && !self.latest_wins =>
            {
                return Ok(*rows);
            }
            _ => self.count()?,
        }
        self.insert(Level::Study, None, ("StudyInstanceUID", study_uid), value)?;
        let study: i64 = self
            .transaction
            .prepare_cached("SELECT id FROM study WHERE StudyInstanceUID = ?")?
            .query_row([study_uid], |row| row.get(0))?;
        if self.insert(Level::Series, Some(study), ("SeriesInstanceUID", series_uid), value)? > 0 {
            self.transaction
                .prepare_cached(
                    "UPDATE study SET NumberOfStudyRelatedSeries = NumberOfStudyRelatedSeries + 1 WHERE id = ?",
                )?
                .execute([study])?;
        }
        let series: i64 = self
            .transaction
            .prepare_cached("SELECT id FROM series WHERE study = ? AND SeriesInstanceUID = ?")?
            .query_row(params![study, series_uid], |row| row.get(0))?;
        self.last = Some((study_uid.to_owned(), series_uid.to_owned(), [study, series]));
        Ok([study, series])
    }

    /// Adds a study or series unless its UID is taken; how many rows were added.
    fn insert(
        &self,
        level: Level,
        study: Option<i64>,
        key: (&str, &str),
        value: &dyn Fn(&Attribute) -> Option<String>,
    ) -> Result<usize, Error> {
        let columns: Vec<_> = stored_at(level).collect();
        let names = columns.iter().map(|attribute| attribute.keyword);
        let names: Vec<_> = study.map(|_| "study").into_iter().chain(names).collect();
        let statement = format!(
            "INSERT OR IGNORE INTO {} ({}) VALUES ({})",
            level.table(),
            names.join(", "),
            marks(names.len())
        );
        let values = columns.iter().map(|attribute| match attribute.keyword {
            keyword if keyword == key.0 => Some(key.1.to_owned()),
            _ => value(attribute),
        });
        // Columns of text take a number as what it is where the column is one of numbers.
        let values: Vec<_> = study.map(|study| Some(study.to_string())).into_iter().chain(values).collect();
        let added = self.transaction.prepare_cached(&statement)?.execute(params_from_iter(&values))?;
        if added == 0 && self.latest_wins {
            self.update(level, &names, &values, key)?;
        }
        Ok(added)
    }

    /// Gives a study or series that is there the attributes of a new instance.
    fn update(
        &self,
        level: Level,
        names: &[&str],
        values: &[Option<String>],
        (keyword, uid): (&str, &str),
    ) -> Result<(), Error> {
        let (study, of_level) = match (names, values) {
            (["study", names @ ..], [study, values @ ..]) => (Some(study), (names, values)),
            _ => (None, (names, values)),
        };
        let sets: Vec<_> = of_level.0.iter().map(|name| format!("{name} = ?")).collect();
        let mut values: Vec<_> = of_level.1.to_vec();
        values.push(Some(uid.to_owned()));
        values.extend(study.cloned());
        let in_study = if study.is_some() { " AND study = ?" } else { "" };
        let (table, sets) = (level.table(), sets.join(", "));
        let statement = format!("UPDATE {table} SET {sets} WHERE {keyword} = ?{in_study}");
        self.transaction.prepare_cached(&statement)?.execute(params_from_iter(values))?;
        Ok(())
    }

    /// Adds what was not counted yet to the counts of study and series.
    fn count(&mut self) -> Result<(), Error> {
        let Some((_, _, [study, series])) = self.last.take().filter(|_| self.uncounted > 0) else {
            return Ok(());
        };
        let statements = [
            (
                "UPDATE study SET NumberOfStudyRelatedInstances = NumberOfStudyRelatedInstances + ?2 WHERE id = ?1",
                study,
            ),
            (
                "UPDATE series SET NumberOfSeriesRelatedInstances = NumberOfSeriesRelatedInstances + ?2 WHERE id = ?1",
                series,
            ),
        ];
        for (statement, row) in statements {
            self.transaction.prepare_cached(statement)?.execute([row, self.uncounted])?;
        }
        self.uncounted = 0;
        Ok(())
    }
}

fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}
