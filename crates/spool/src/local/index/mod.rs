//! The index: what a query may ask of entries and deliveries, in SQLite.
//!
//! One thread writes, groups of commands per transaction. A transaction that only adds entries is not
//! synced (`synchronous = NORMAL` in WAL mode): should it be lost, recovery finds the entries in their
//! segments. One that leases, records, retires a segment or obeys a person is synced (`FULL`), since
//! nothing else knows what it says. A later sync covers all transactions before it, so what the index
//! holds after a power cut is always a prefix of what happened.

mod changes;
mod lease;
mod purge;
pub(crate) mod query;
mod segments;
mod steer;
mod thread;
pub(crate) mod undelivered;

use std::{path::Path, time::SystemTime};

use rusqlite::Connection;

pub(crate) use changes::{Changes, Retired};
pub(crate) use segments::{SegmentRow, SegmentState, all as segments};
pub(crate) use thread::{Handle, Stop, channel, start};

use super::format::SegmentHeader;
use crate::{EntryId, EntryTrailer, Error};

/// Version of the tables, kept in `user_version`.
const VERSION: i64 = 1;

/// An entry that the index is to know.
#[derive(Debug, Clone)]
pub(crate) struct NewEntry {
    pub(crate) entry_id: EntryId,
    pub(crate) segment: SegmentHeader,
    pub(crate) offset: u64,
    pub(crate) header_bytes: u64,
    pub(crate) nonce: u64,
    pub(crate) length: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) header_fields: Vec<u8>,
    pub(crate) trailer_fields: Vec<u8>,
    pub(crate) accepted_at: SystemTime,
    pub(crate) trailer: EntryTrailer,
    /// Set by recovery where the bytes fail their checksum.
    pub(crate) damaged: Option<String>,
}

impl NewEntry {
    pub(crate) const fn location(&self) -> query::Location {
        query::Location {
            segment: Some(self.segment.number),
            start: self.offset,
            header_bytes: self.header_bytes,
            nonce: self.nonce,
            length: self.length,
        }
    }
}

/// Opens the index for writing and makes its tables where it is new; true where it was.
pub(crate) fn open(path: &Path) -> Result<(Connection, bool), Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // 16 MiB between checkpoints, and a log that is cut back to that.
    connection.pragma_update(None, "wal_autocheckpoint", 4096)?;
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    // 4 MiB of pages, whatever the size of the backlog.
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.set_prepared_statement_cache_capacity(64);
    let new = prepare(&connection)?;
    Ok((connection, new))
}

fn prepare(connection: &Connection) -> Result<bool, Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        VERSION => Ok(false),
        0 => {
            let tables: i64 =
                connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0))?;
            if tables > 0 {
                return Err(Error::Unsupported("the index has tables of another program".into()));
            }
            let script = include_str!("schema.sql");
            connection.execute_batch(&format!("BEGIN;{script}PRAGMA user_version = {VERSION};COMMIT;"))?;
            Ok(true)
        }
        newer => Err(Error::Unsupported(format!("the index has version {newer}"))),
    }
}

/// Opens an index in memory, for a spool that must not be written to.
pub(crate) fn open_in_memory() -> Result<Connection, Error> {
    let connection = Connection::open_in_memory()?;
    prepare(&connection)?;
    Ok(connection)
}

/// Opens the index for reading beside the thread that writes.
pub(crate) fn open_for_reading(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(
        path,
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -2048)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Does `work` in one synced transaction, on a connection that no thread serves yet.
pub(crate) fn transact<T>(
    connection: &Connection,
    work: impl FnOnce(&mut Changes<'_>) -> Result<T, Error>,
) -> Result<(T, Vec<Retired>), Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut memory = changes::Memory::default();
    let mut changes = Changes::new(connection, &mut memory, super::fields::millis(SystemTime::now()));
    let done = work(&mut changes).and_then(|done| {
        changes.finish()?;
        connection.execute_batch("COMMIT")?;
        Ok((done, std::mem::take(&mut changes.retired)))
    });
    if done.is_err() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

/// SQLite keeps signed numbers; ours are far from the sign, except nonces, which keep their bits.
pub(crate) const fn signed(value: u64) -> i64 {
    value.cast_signed()
}

pub(crate) const fn unsigned(value: i64) -> u64 {
    value.cast_unsigned()
}
