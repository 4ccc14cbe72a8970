//! The steps: one table in the database of the index, and all of them in memory.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use dataset::json::{Item, ReadLimits, read_all, write_item};
use rusqlite::{Connection, params};

use crate::Error;

/// Longest wait for a change of the index: 60 seconds, longer than the largest archive takes to put in
/// place.
const BUSY_MAX: Duration = Duration::from_secs(60);

/// The table. A data set is DICOM JSON; one that was removed is empty.
const TABLE: &str = "
CREATE TABLE IF NOT EXISTS worklist (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL,
    data_set BLOB NOT NULL, UNIQUE (kind, key));
";

/// What a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    ScheduledStep,
    PerformedStep,
    Workitem,
}

/// What there is under a key.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    /// There never was anything.
    Nothing,
    /// It was removed.
    Removed,
    /// A data set.
    There(Arc<Item>),
}

/// Steps of all kinds. Every call that changes something blocks, unless it goes through [`Store::blocking`].
pub(crate) struct Store {
    inner: Mutex<Inner>,
}

struct Inner {
    connection: Connection,
    lists: HashMap<Kind, List>,
}

/// The steps of one kind, the oldest first.
#[derive(Default)]
struct List {
    rows: Vec<Option<Arc<Item>>>,
    places: HashMap<String, usize>,
}

impl Kind {
    const ALL: [Self; 3] = [Self::ScheduledStep, Self::PerformedStep, Self::Workitem];

    const fn name(self) -> &'static str {
        match self {
            Self::ScheduledStep => "scheduled_step",
            Self::PerformedStep => "performed_step",
            Self::Workitem => "workitem",
        }
    }
}

impl List {
    fn put(&mut self, key: &str, item: Option<Arc<Item>>) {
        match self.places.get(key) {
            Some(place) => self.rows[*place] = item,
            None => {
                self.places.insert(key.to_owned(), self.rows.len());
                self.rows.push(item);
            }
        }
    }
}

impl Store {
    /// Opens or makes the table beside those of the index, which are there.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_MAX)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(TABLE)?;
        let mut lists: HashMap<Kind, List> = HashMap::new();
        for kind in Kind::ALL {
            let list = lists.entry(kind).or_default();
            let mut rows =
                connection.prepare("SELECT key, data_set FROM worklist WHERE kind = ?1 ORDER BY id")?;
            let rows = rows
                .query_map([kind.name()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
            for row in rows {
                let (key, json) = row?;
                let items = read_all(&json, ReadLimits::default()).unwrap_or_default();
                list.put(&key, items.into_iter().next().map(Arc::new));
            }
        }
        Ok(Self { inner: Mutex::new(Inner { connection, lists }) })
    }

    /// All of a kind, the oldest first.
    pub(super) fn all(&self, kind: Kind) -> Vec<Arc<Item>> {
        let inner = self.lock();
        inner.lists.get(&kind).into_iter().flat_map(|list| &list.rows).flatten().cloned().collect()
    }

    /// One of a kind.
    pub(super) fn get(&self, kind: Kind, key: &str) -> Kept {
        self.lock().get(kind, key)
    }

    /// Replaces what is kept under a key by what `change` makes of it, or leaves it where that refuses. Nothing
    /// else changes meanwhile.
    pub(super) fn change<R>(
        &self,
        kind: Kind,
        key: &str,
        change: impl FnOnce(Kept) -> Result<Item, R>,
    ) -> Result<Result<(), R>, Error> {
        let mut inner = self.lock();
        match change(inner.get(kind, key)) {
            Ok(item) => inner.put(kind, &[(key.to_owned(), Some(item))]).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Keeps steps in place of those with the same keys; `None` says that one was removed.
    pub(super) fn put_all(&self, kind: Kind, steps: &[(String, Option<Item>)]) -> Result<(), Error> {
        self.lock().put(kind, steps)
    }

    /// Forgets all of a kind.
    pub(super) fn clear(&self, kind: Kind) -> Result<(), Error> {
        let mut inner = self.lock();
        inner.connection.execute("DELETE FROM worklist WHERE kind = ?1", [kind.name()])?;
        inner.lists.remove(&kind);
        Ok(())
    }

    /// Runs `work` on a thread of the blocking pool.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let store = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(|_| Error::Task)?
    }

    /// A panic in another thread leaves no half-made change behind: memory follows the database.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn get(&self, kind: Kind, key: &str) -> Kept {
        let list = self.lists.get(&kind);
        match list.and_then(|list| Some(&list.rows[*list.places.get(key)?])) {
            None => Kept::Nothing,
            Some(None) => Kept::Removed,
            Some(Some(item)) => Kept::There(Arc::clone(item)),
        }
    }

    fn put(&mut self, kind: Kind, steps: &[(String, Option<Item>)]) -> Result<(), Error> {
        let transaction = self.connection.transaction()?;
        for (key, item) in steps {
            let mut json = Vec::new();
            // Writing to memory does not fail.
            let _ = item.as_ref().map(|item| write_item(item, &mut json));
            transaction.execute(
                "INSERT INTO worklist (kind, key, data_set) VALUES (?1, ?2, ?3)
                 ON CONFLICT (kind, key) DO UPDATE SET data_set = excluded.data_set",
                params![kind.name(), key, json],
            )?;
        }
        transaction.commit()?;
        let list = self.lists.entry(kind).or_default();
        for (key, item) in steps {
            list.put(key, item.clone().map(Arc::new));
        }
        Ok(())
    }
}
