//! The index: an SQLite database beside the files, with what searches need.

pub(crate) mod attributes;
pub(crate) mod search;

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use instance::{Identity, TransferSyntax, Uid};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use crate::Error;
use attributes::{Attribute, Level, stored_at};

/// The database. Every call blocks: on the disk, and on other calls.
pub(crate) struct Index {
    /// Changes go one after the other, together with the renames and removals that belong to them.
    writer: Mutex<Connection>,
    /// Searches do not wait for changes.
    reader: Mutex<Connection>,
}

/// What the index says of one stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) identity: Identity,
    pub(crate) transfer_syntax: TransferSyntax,
    pub(crate) length: u64,
    pub(crate) sha256: [u8; 32],
}

/// What to list or delete: a study, a series of it, or an instance of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) study: Uid,
    pub(crate) series: Option<Uid>,
    pub(crate) instance: Option<Uid>,
}

const ENTRY_COLUMNS: &str =
    "SOPClassUID, SOPInstanceUID, StudyInstanceUID, SeriesInstanceUID, transfer_syntax, length, sha256";

/// Entries fetched at a time, so that a study of any size is listed in constant memory.
pub(crate) const ENTRIES_PER_PAGE: u32 = 256;

impl Index {
    /// Opens or makes the database.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let writer = Connection::open(path)?;
        // The log of changes is synchronised at checkpoints only: a power cut may take back the last
        // instances, and this server never promised otherwise.
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "NORMAL")?;
        writer.execute_batch(&schema())?;
        let reader = Connection::open(path)?;
        reader.pragma_update(None, "query_only", true)?;
        Ok(Self { writer: Mutex::new(writer), reader: Mutex::new(reader) })
    }

    pub(crate) fn instance_count(&self) -> Result<u64, Error> {
        Ok(lock(&self.reader).query_row("SELECT count(*) FROM instance", [], |row| unsigned(row, 0))?)
    }

    pub(crate) fn search(&self, search: &search::Search) -> Result<search::Page, Error> {
        search::run(&lock(&self.reader), search)
    }

    pub(crate) fn entry(&self, sop_instance_uid: &Uid) -> Result<Option<Entry>, Error> {
        entry(&lock(&self.reader), sop_instance_uid)
    }

    /// The entries of a target behind `after`, in order of their row numbers, at most
    /// [`ENTRIES_PER_PAGE`] of them, each with its row number.
    pub(crate) fn entries(&self, target: &Target, after: i64) -> Result<Vec<(i64, Entry)>, Error> {
        let (condition, mut parameters) = target.condition();
        let statement = format!(
            "SELECT {ENTRY_COLUMNS}, rowid FROM instance WHERE {condition} AND rowid > CAST(? AS INTEGER) \
             ORDER BY rowid LIMIT {ENTRIES_PER_PAGE}"
        );
        parameters.push(after.to_string());
        let connection = lock(&self.reader);
        let mut statement = connection.prepare_cached(&statement)?;
        let rows = statement
            .query_map(params_from_iter(parameters), |row| Ok((row.get::<_, i64>(7)?, read_entry(row)?)))?;
        rows.map(|row| row.map_err(Error::from)).collect()
    }

    /// Adds an instance unless its UID is taken. `place` runs in between, while no other change can
    /// happen; when it fails nothing is added. Gives the entry that was there before.
    ///
    /// `value` gives the attributes of the data set.
    pub(crate) fn add(
        &self,
        new: &Entry,
        value: impl Fn(&Attribute) -> Option<String>,
        place: impl FnOnce() -> Result<(), Error>,
    ) -> Result<Option<Entry>, Error> {
        let mut connection = lock(&self.writer);
        if let Some(known) = entry(&connection, &new.identity.sop_instance_uid)? {
            return Ok(Some(known));
        }
        place()?;
        let transaction = connection.transaction()?;
        for level in [Level::Study, Level::Series, Level::Instance] {
            let mut columns: Vec<_> = stored_at(level).map(|attribute| attribute.keyword).collect();
            let mut values: Vec<_> = stored_at(level).map(&value).collect();
            set(&mut columns, &mut values, "StudyInstanceUID", &new.identity.study_instance_uid);
            if level >= Level::Series {
                set(&mut columns, &mut values, "SeriesInstanceUID", &new.identity.series_instance_uid);
            }
            let marks = vec!["?"; columns.len()].join(", ");
            // The first instance of a study or series says what its attributes are.
            let statement =
                format!("INSERT OR IGNORE INTO {} ({}) VALUES ({marks})", level.table(), columns.join(", "));
            transaction.prepare_cached(&statement)?.execute(params_from_iter(values))?;
        }
        transaction.execute(
            "UPDATE instance SET SOPClassUID = ?, transfer_syntax = ?, length = ?, sha256 = ? \
             WHERE SOPInstanceUID = ?",
            params![
                new.identity.sop_class_uid.as_str(),
                new.transfer_syntax.uid().as_str(),
                i64::try_from(new.length).unwrap_or(i64::MAX),
                new.sha256,
                new.identity.sop_instance_uid.as_str()
            ],
        )?;
        transaction.commit()?;
        Ok(None)
    }

    /// Takes a target out of the index and gives each entry that went to `remove`, while no other
    /// change can happen. Gives how many there were.
    pub(crate) fn remove(&self, target: &Target, mut remove: impl FnMut(&Entry)) -> Result<u64, Error> {
        let (condition, parameters) = target.condition();
        let mut connection = lock(&self.writer);
        let transaction = connection.transaction()?;
        let mut gone = Vec::new();
        {
            let mut statement = transaction
                .prepare(&format!("DELETE FROM instance WHERE {condition} RETURNING {ENTRY_COLUMNS}"))?;
            let mut rows = statement.query(params_from_iter(parameters))?;
            while let Some(row) = rows.next()? {
                gone.push(read_entry(row)?);
            }
        }
        transaction.execute(
            "DELETE FROM series WHERE StudyInstanceUID = ?1 AND NOT EXISTS (SELECT 1 FROM instance \
             WHERE instance.StudyInstanceUID = series.StudyInstanceUID \
             AND instance.SeriesInstanceUID = series.SeriesInstanceUID)",
            [target.study.as_str()],
        )?;
        transaction.execute(
            "DELETE FROM study WHERE StudyInstanceUID = ?1 AND NOT EXISTS (SELECT 1 FROM series \
             WHERE series.StudyInstanceUID = study.StudyInstanceUID)",
            [target.study.as_str()],
        )?;
        transaction.commit()?;
        gone.iter().for_each(&mut remove);
        Ok(gone.len() as u64)
    }
}

impl Target {
    fn condition(&self) -> (String, Vec<String>) {
        let mut condition = "StudyInstanceUID = ?".to_owned();
        let mut parameters = vec![self.study.as_str().to_owned()];
        if let Some(series) = &self.series {
            condition.push_str(" AND SeriesInstanceUID = ?");
            parameters.push(series.as_str().to_owned());
        }
        if let Some(instance) = &self.instance {
            condition.push_str(" AND SOPInstanceUID = ?");
            parameters.push(instance.as_str().to_owned());
        }
        (condition, parameters)
    }
}

/// A panic in another thread leaves no half-made change behind: SQLite rolls it back.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn entry(connection: &Connection, sop_instance_uid: &Uid) -> Result<Option<Entry>, Error> {
    let statement = format!("SELECT {ENTRY_COLUMNS} FROM instance WHERE SOPInstanceUID = ?");
    let mut statement = connection.prepare_cached(&statement)?;
    Ok(statement.query_row([sop_instance_uid.as_str()], read_entry).optional()?)
}

/// SQLite knows signed integers only; nothing negative is ever put in.
fn unsigned(row: &Row<'_>, position: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(position)?.unsigned_abs())
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let uid = |position: usize| -> rusqlite::Result<Uid> {
        row.get::<_, String>(position)?.parse().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(
                position,
                rusqlite::types::Type::Text,
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

/// Gives a column its value, whether or not it is among the columns already.
fn set(columns: &mut Vec<&'static str>, values: &mut Vec<Option<String>>, name: &'static str, uid: &Uid) {
    let value = Some(uid.as_str().to_owned());
    if let Some(position) = columns.iter().position(|column| *column == name) {
        values[position] = value;
    } else {
        columns.push(name);
        values.push(value);
    }
}

fn schema() -> String {
    let columns = |level: Level, keys: &[&str]| {
        let stored = stored_at(level).map(|attribute| attribute.keyword);
        let others = stored.filter(|keyword| !keys.contains(keyword));
        keys.iter()
            .map(|key| format!("{key} TEXT NOT NULL"))
            .chain(others.map(|keyword| format!("{keyword} TEXT")))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "CREATE TABLE IF NOT EXISTS study ({}, PRIMARY KEY (StudyInstanceUID));
         CREATE TABLE IF NOT EXISTS series ({}, PRIMARY KEY (StudyInstanceUID, SeriesInstanceUID));
         CREATE TABLE IF NOT EXISTS instance (
             {}, transfer_syntax TEXT, length INTEGER, sha256 BLOB, PRIMARY KEY (SOPInstanceUID));
         CREATE INDEX IF NOT EXISTS instance_of ON instance (StudyInstanceUID, SeriesInstanceUID);",
        columns(Level::Study, &["StudyInstanceUID"]),
        columns(Level::Series, &["StudyInstanceUID", "SeriesInstanceUID"]),
        columns(Level::Instance, &["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]),
    )
}
