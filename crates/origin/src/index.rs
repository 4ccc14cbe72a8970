//! The index: an SQLite database beside the files, with what searches need.

mod add;
pub(crate) mod attributes;
mod compare;
mod conflict;
mod schema;
pub(crate) mod search;

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use instance::{Identity, TransferSyntax, Uid};
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use crate::Error;
use add::Adding;
use attributes::Attribute;
use schema::{ENTRY_COLUMNS, ENTRY_TABLES, read_entry, unsigned};
use search::{Cursor, Found, Search};

/// The database. Every call blocks: on the disk, and on other calls.
pub(crate) struct Index {
    /// Changes go one after the other, together with the renames and removals that belong to them.
    writer: Mutex<Connection>,
    /// Searches do not wait for changes.
    reader: Mutex<Connection>,
    /// Whether the latest instance says what the attributes of its study and series are.
    latest_wins: bool,
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

/// Entries fetched at a time, so that a study of any size is listed in constant memory.
pub(crate) const ENTRIES_PER_PAGE: u32 = 256;

/// Instances added in one transaction, when many come at once: as many as change the index by some
/// megabytes.
const INSTANCES_PER_TRANSACTION: usize = 10_000;

impl Index {
    /// Opens or makes the database.
    pub(crate) fn open(path: &Path, latest_wins: bool) -> Result<Self, Error> {
        let writer = Connection::open(path)?;
        // The log of changes is synchronised at checkpoints only: a power cut may take back the last
        // instances, and this server never promised otherwise.
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "NORMAL")?;
        writer.set_prepared_statement_cache_capacity(STATEMENTS);
        schema::make(&writer)?;
        let reader = Connection::open(path)?;
        reader.pragma_update(None, "query_only", true)?;
        reader.set_prepared_statement_cache_capacity(STATEMENTS);
        compare::register(&reader)?;
        Ok(Self { writer: Mutex::new(writer), reader: Mutex::new(reader), latest_wins })
    }

    pub(crate) fn instance_count(&self) -> Result<u64, Error> {
        Ok(lock(&self.reader).query_row("SELECT count(*) FROM instance", [], |row| unsigned(row, 0))?)
    }

    /// How many matches a search has.
    pub(crate) fn match_count(&self, search: &Search) -> Result<u64, Error> {
        search::count(&lock(&self.reader), search)
    }

    /// Where the match stands that has so many before it; none where there are not more.
    pub(crate) fn match_at(&self, search: &Search, offset: u64) -> Result<Option<Cursor>, Error> {
        search::at(&lock(&self.reader), search, offset)
    }

    /// Gives matches from a place on, at most `limit` of them, to `each`; how many there were, and
    /// where to go on. Other searches wait meanwhile, so `limit` is small.
    pub(crate) fn matches(
        &self,
        search: &Search,
        from: Cursor,
        limit: u64,
        each: &mut dyn FnMut(&Found<'_>) -> Result<(), Error>,
    ) -> Result<(u64, Cursor), Error> {
        search::run(&lock(&self.reader), search, from, limit, each)
    }

    pub(crate) fn entry(&self, sop_instance_uid: &Uid) -> Result<Option<Entry>, Error> {
        entry(&lock(&self.reader), sop_instance_uid)
    }

    /// The study of a series, of the oldest one where its UID was used twice.
    pub(crate) fn study_of_series(&self, series_instance_uid: &Uid) -> Result<Option<Uid>, Error> {
        let connection = lock(&self.reader);
        let mut statement = connection.prepare_cached(
            "SELECT StudyInstanceUID FROM series JOIN study ON study.id = series.study \
             WHERE SeriesInstanceUID = ? ORDER BY series.id LIMIT 1",
        )?;
        let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let study = statement.query_row([series_instance_uid.as_str()], read).optional()?;
        Ok(study.and_then(|study| study.parse().ok()))
    }

    /// The entries of a target behind `after`, in order of their row numbers, at most
    /// [`ENTRIES_PER_PAGE`] of them, each with its row number.
    pub(crate) fn entries(&self, target: &Target, after: i64) -> Result<Vec<(i64, Entry)>, Error> {
        let (condition, mut parameters) = target.condition();
        let statement = format!(
            "SELECT {ENTRY_COLUMNS} FROM {ENTRY_TABLES} WHERE {condition} \
             AND instance.id > CAST(? AS INTEGER) ORDER BY instance.id LIMIT {ENTRIES_PER_PAGE}"
        );
        parameters.push(after.to_string());
        let connection = lock(&self.reader);
        let mut statement = connection.prepare_cached(&statement)?;
        let rows = statement
            .query_map(params_from_iter(parameters), |row| Ok((row.get::<_, i64>(7)?, read_entry(row)?)))?;
        rows.map(|row| row.map_err(Error::from)).collect()
    }

    /// Whether a target has an instance in another transfer syntax.
    pub(crate) fn has_other_than(&self, target: &Target, transfer_syntax: &str) -> Result<bool, Error> {
        let (condition, mut parameters) = target.condition();
        let statement =
            format!("SELECT EXISTS (SELECT 1 FROM instance WHERE {condition} AND transfer_syntax <> ?)");
        parameters.push(transfer_syntax.to_owned());
        let connection = lock(&self.reader);
        let mut statement = connection.prepare_cached(&statement)?;
        Ok(statement.query_row(params_from_iter(parameters), |row| row.get(0))?)
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
        let mut adding = Adding::begin(connection.transaction()?, self.latest_wins);
        adding.add(new, &value)?;
        adding.commit()?;
        Ok(None)
    }

    /// As [`Index::add`], in place of an instance that has the UID; gives that one. What the instances of a
    /// study or series have in common is from now on as this one says.
    pub(crate) fn replace(
        &self,
        new: &Entry,
        value: impl Fn(&Attribute) -> Option<String>,
        place: impl FnOnce() -> Result<(), Error>,
    ) -> Result<Option<Entry>, Error> {
        let mut connection = lock(&self.writer);
        let known = entry(&connection, &new.identity.sop_instance_uid)?;
        place()?;
        let transaction = connection.transaction()?;
        if let Some(known) = &known {
            let uid = new.identity.sop_instance_uid.as_str();
            transaction.execute("DELETE FROM instance WHERE SOPInstanceUID = ?", [uid])?;
            schema::recount(&transaction, known.identity.study_instance_uid.as_str())?;
        }
        let mut adding = Adding::begin(transaction, self.latest_wins);
        adding.add(new, &value)?;
        adding.commit()?;
        Ok(known)
    }

    /// Adds many instances whose UIDs are not taken, and gives how many there were. `next` makes each
    /// one and puts it in its place.
    pub(crate) fn add_all<F>(
        &self,
        mut next: impl FnMut() -> Result<Option<(Entry, F)>, Error>,
    ) -> Result<u64, Error>
    where
        F: Fn(&Attribute) -> Option<String>,
    {
        let mut connection = lock(&self.writer);
        let mut count = 0;
        loop {
            let mut adding = Adding::begin(connection.transaction()?, self.latest_wins);
            for _ in 0..INSTANCES_PER_TRANSACTION {
                let Some((new, value)) = next()? else {
                    adding.commit()?;
                    return Ok(count);
                };
                adding.add(&new, &value)?;
                count += 1;
            }
            adding.commit()?;
        }
    }

    /// Takes a target out of the index and gives each entry that went to `remove`, while no other
    /// change can happen. Gives how many there were.
    pub(crate) fn remove(&self, target: &Target, mut remove: impl FnMut(&Entry)) -> Result<u64, Error> {
        let (condition, parameters) = target.condition();
        let mut connection = lock(&self.writer);
        let transaction = connection.transaction()?;
        let mut gone = Vec::new();
        {
            let statement = format!("SELECT {ENTRY_COLUMNS} FROM {ENTRY_TABLES} WHERE {condition}");
            let mut statement = transaction.prepare_cached(&statement)?;
            let mut rows = statement.query(params_from_iter(&parameters))?;
            while let Some(row) = rows.next()? {
                gone.push(read_entry(row)?);
            }
        }
        transaction
            .execute(&format!("DELETE FROM instance WHERE {condition}"), params_from_iter(&parameters))?;
        schema::recount(&transaction, target.study.as_str())?;
        transaction.commit()?;
        gone.iter().for_each(&mut remove);
        Ok(gone.len() as u64)
    }
}

/// Statements kept prepared on each connection: searches differ by the keys they have.
const STATEMENTS: usize = 64;

/// A panic in another thread leaves no half-made change behind: SQLite rolls it back.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn entry(connection: &Connection, sop_instance_uid: &Uid) -> Result<Option<Entry>, Error> {
    let statement = format!("SELECT {ENTRY_COLUMNS} FROM {ENTRY_TABLES} WHERE instance.SOPInstanceUID = ?");
    let mut statement = connection.prepare_cached(&statement)?;
    Ok(statement.query_row([sop_instance_uid.as_str()], read_entry).optional()?)
}
