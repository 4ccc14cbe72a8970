//! Documents, in a database of their own: unlike the index it cannot be made anew.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::watch;

use super::{
    LocalSpool, directory,
    fields::{millis, time},
    index::{open_for_reading, signed, unsigned},
    lock, outbox,
    ports::blocking,
};
use crate::{
    CallId, Document, Documents, Error, ListedCall,
    documents::{DOCUMENT_BYTES_MAX, KEY_BYTES_MAX, Write},
};

/// Documents and calls of one spool.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    pub(crate) notify: watch::Sender<u64>,
}

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS document (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    value BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
-- One counter for all versions, so that a deleted document never comes back with an old one.
CREATE TABLE IF NOT EXISTS counter (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);
INSERT OR IGNORE INTO counter VALUES (1, 0);
CREATE TABLE IF NOT EXISTS call (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    reason TEXT
);
CREATE INDEX IF NOT EXISTS call_due ON call (kind, due_at, id) WHERE failed = 0;
CREATE INDEX IF NOT EXISTS call_key ON call (kind, key, id) WHERE failed = 0;
CREATE INDEX IF NOT EXISTS call_kind ON call (kind, id);
CREATE INDEX IF NOT EXISTS call_failed ON call (kind, key, id) WHERE failed = 1;
";

/// How many calls there are, by the part of the key that names the receiver. Made once, from what is there.
const CALL_COUNT: &str = "
CREATE TABLE call_count (
    kind TEXT NOT NULL,
    receiver TEXT NOT NULL,
    failed INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (kind, receiver, failed)
) WITHOUT ROWID;
INSERT INTO call_count SELECT kind, substr(key, 1, instr(key || '/', '/') - 1), failed, count(*) FROM call GROUP BY 1, 2, 3;
CREATE TRIGGER call_added AFTER INSERT ON call BEGIN
    INSERT INTO call_count VALUES (NEW.kind, substr(NEW.key, 1, instr(NEW.key || '/', '/') - 1), NEW.failed, 1)
        ON CONFLICT DO UPDATE SET calls = calls + 1;
END;
CREATE TRIGGER call_removed AFTER DELETE ON call BEGIN
    UPDATE call_count SET calls = calls - 1
        WHERE kind = OLD.kind AND receiver = substr(OLD.key, 1, instr(OLD.key || '/', '/') - 1) AND failed = OLD.failed;
END;
CREATE TRIGGER call_judged AFTER UPDATE OF failed ON call WHEN OLD.failed <> NEW.failed BEGIN
    UPDATE call_count SET calls = calls - 1
        WHERE kind = OLD.kind AND receiver = substr(OLD.key, 1, instr(OLD.key || '/', '/') - 1) AND failed = OLD.failed;
    INSERT INTO call_count VALUES (NEW.kind, substr(NEW.key, 1, instr(NEW.key || '/', '/') - 1), NEW.failed, 1)
        ON CONFLICT DO UPDATE SET calls = calls + 1;
END;
";

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Self::open_database(path).map_err(|error| match error {
            Error::IndexDamaged(why) => Error::DocumentsDamaged(why),
            other => other,
        })
    }

    fn open_database(path: &Path) -> Result<Self, Error> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
        connection.pragma_update(None, "cache_size", -1024)?;
        connection.execute_batch(SCHEMA)?;
        if !connection.table_exists(None, "call_count")? {
            connection.execute_batch(&format!("BEGIN;{CALL_COUNT}COMMIT;"))?;
        }
        // A lease does not outlive the process that took it; its next attempt time stays in due_at.
        connection.execute("UPDATE call SET fence = 0 WHERE fence <> 0", [])?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), notify: watch::Sender::new(0) })
    }

    /// Does `work` in a transaction of its own, on a blocking thread.
    pub(crate) async fn transact<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = Arc::clone(&self.connection);
        blocking(move || {
            let mut connection = lock(&connection);
            let transaction = connection.transaction()?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await
    }
}

pub(crate) fn bounded(what: &'static str, length: usize, limit: usize) -> Result<(), Error> {
    if length > limit {
        return Err(Error::TooLarge { what, length: length as u64, limit: limit as u64 });
    }
    Ok(())
}

fn version(connection: &Connection, kind: &str, key: &str) -> Result<u64, Error> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT version FROM document WHERE kind = ?1 AND key = ?2")?
        .query_row([kind, key], |row| row.get(0))
        .optional()?;
    Ok(found.map_or(0, unsigned))
}

/// Whether a document is within the limits.
pub(super) fn check(write: &Write) -> Result<(), Error> {
    bounded("the document", write.value.len(), DOCUMENT_BYTES_MAX)?;
    bounded("the key of a document", write.key.len().max(write.kind.len()), KEY_BYTES_MAX)
}

/// Writes a document and returns its new version.
pub(super) fn put(connection: &Connection, write: &Write) -> Result<u64, Error> {
    let Write { kind, key, expected, value } = write;
    let current = version(connection, kind, key)?;
    if current != expected.unwrap_or(0) {
        return Err(Error::Conflict { current });
    }
    let next: i64 = connection
        .prepare_cached("UPDATE counter SET version = version + 1 RETURNING version")?
        .query_row([], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT INTO document (kind, key, version, value, updated_at) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO UPDATE SET version = ?3, value = ?4, updated_at = ?5",
        )?
        .execute(params![kind, key, next, value, millis(SystemTime::now())])?;
    Ok(unsigned(next))
}

fn document(row: &rusqlite::Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        key: row.get(0)?,
        version: unsigned(row.get(1)?),
        value: row.get(2)?,
        updated_at: time(row.get(3)?),
    })
}

/// Reads a document.
fn get(connection: &Connection, kind: &str, key: &str) -> Result<Option<Document>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT key, version, value, updated_at FROM document WHERE kind = ?1 AND key = ?2",
    )?;
    Ok(statement.query_row([kind, key], document).optional()?)
}

/// Reads documents of a kind from behind a key.
fn list(
    connection: &Connection,
    kind: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Document>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT key, version, value, updated_at FROM document WHERE kind = ?1 AND (?2 IS NULL OR key > ?2) \
         ORDER BY key LIMIT ?3",
    )?;
    let rows = statement.query_map(params![kind, after, limit.min(1000) as i64], document)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The documents and calls of a spool, without its lock and without a change to them.
#[derive(Clone)]
pub struct ReadOnlyDocuments {
    connection: Arc<Mutex<Connection>>,
}

impl std::fmt::Debug for ReadOnlyDocuments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadOnlyDocuments").finish_non_exhaustive()
    }
}

impl ReadOnlyDocuments {
    /// Opens the documents of the spool in a directory for looking. Blocks.
    ///
    /// # Errors
    /// [`Error::Index`], also where there are none.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let connection = open_for_reading(&directory::documents(directory))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// As [`crate::Outbox::list_calls`].
    ///
    /// # Errors
    /// [`Error::Index`].
    pub async fn list_calls(
        &self,
        failed: Option<bool>,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<ListedCall>, Error> {
        self.read(move |connection| outbox::list(connection, failed, after, limit)).await
    }

    /// As [`crate::Outbox::call`].
    ///
    /// # Errors
    /// [`Error::Index`].
    pub async fn call(&self, call_id: CallId) -> Result<Option<ListedCall>, Error> {
        self.read(move |connection| outbox::get(connection, call_id)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = Arc::clone(&self.connection);
        blocking(move || read(&lock(&connection))).await
    }
}

fn read_only<T>() -> Result<T, Error> {
    Err(Error::Unsupported("a spool that is only looked at is not written to".to_owned()))
}

#[async_trait]
impl Documents for ReadOnlyDocuments {
    async fn get(&self, kind: &str, key: &str) -> Result<Option<Document>, Error> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        self.read(move |connection| get(connection, &kind, &key)).await
    }

    async fn put(&self, _: &str, _: &str, _: Option<u64>, _: Vec<u8>) -> Result<u64, Error> {
        read_only()
    }

    async fn delete(&self, _: &str, _: &str, _: u64) -> Result<(), Error> {
        read_only()
    }

    async fn documents(&self, kind: &str, after: Option<&str>, limit: usize) -> Result<Vec<Document>, Error> {
        let (kind, after) = (kind.to_owned(), after.map(str::to_owned));
        self.read(move |connection| list(connection, &kind, after.as_deref(), limit)).await
    }
}

#[async_trait]
impl Documents for LocalSpool {
    async fn get(&self, kind: &str, key: &str) -> Result<Option<Document>, Error> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        self.shared.documents.transact(move |connection| get(connection, &kind, &key)).await
    }

    async fn put(&self, kind: &str, key: &str, expected: Option<u64>, value: Vec<u8>) -> Result<u64, Error> {
        let write = Write { kind: kind.to_owned(), key: key.to_owned(), expected, value };
        check(&write)?;
        self.shared.documents.transact(move |connection| put(connection, &write)).await
    }

    async fn delete(&self, kind: &str, key: &str, expected: u64) -> Result<(), Error> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        let delete = move |connection: &Connection| {
            let deleted = connection
                .prepare_cached("DELETE FROM document WHERE kind = ?1 AND key = ?2 AND version = ?3")?
                .execute(params![kind, key, signed(expected)])?;
            if deleted == 0 {
                return Err(Error::Conflict { current: version(connection, &kind, &key)? });
            }
            Ok(())
        };
        self.shared.documents.transact(delete).await
    }

    async fn documents(&self, kind: &str, after: Option<&str>, limit: usize) -> Result<Vec<Document>, Error> {
        let (kind, after) = (kind.to_owned(), after.map(str::to_owned));
        let list = move |connection: &Connection| list(connection, &kind, after.as_deref(), limit);
        self.shared.documents.transact(list).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Config;

    #[tokio::test]
    async fn documents_are_read_beside_a_running_process_and_not_written() {
        let directory = tempfile::tempdir().unwrap();
        assert!(ReadOnlyDocuments::open(directory.path()).is_err(), "there is no spool");
        let config = Config { minimum_free_bytes: 0, ..Config::new(directory.path()) };
        let (spool, _) = LocalSpool::open(config).unwrap();
        spool.put("kind", "a", None, b"1".to_vec()).await.unwrap();
        let looked_at = ReadOnlyDocuments::open(directory.path()).unwrap();
        spool.put("kind", "b", None, b"2".to_vec()).await.unwrap();
        let keys: Vec<String> =
            looked_at.documents("kind", None, 10).await.unwrap().into_iter().map(|one| one.key).collect();
        assert_eq!(keys, ["a", "b"]);
        assert_eq!(looked_at.get("kind", "b").await.unwrap().unwrap().value, b"2");
        assert!(looked_at.put("kind", "c", None, Vec::new()).await.is_err());
        assert!(looked_at.delete("kind", "a", 1).await.is_err());
        drop(spool);
    }
}
