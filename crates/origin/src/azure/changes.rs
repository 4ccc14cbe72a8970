//! What the change feed is made of: a table in the database of the default partition.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use instance::{Identity, Uid};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::Error;

/// Longest wait for a change of the index in the same database: 60 seconds.
const BUSY_MAX: Duration = Duration::from_secs(60);

/// The table, and how the changes of one instance are found. Times are microseconds since 1970.
const TABLE: &str = "
CREATE TABLE IF NOT EXISTS change (sequence INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,
    action TEXT NOT NULL, partition TEXT NOT NULL, study TEXT NOT NULL, series TEXT NOT NULL,
    instance TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS change_of_instance ON change (partition, instance, sequence);
CREATE INDEX IF NOT EXISTS change_time ON change (time, sequence);
";

/// What happened to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
    Delete,
}

/// All changes of all partitions.
pub(crate) struct ChangeFeed {
    connection: Mutex<Connection>,
}

/// The changes of one partition, as its archive tells of them.
pub(crate) struct Changes {
    feed: Arc<ChangeFeed>,
    partition: String,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) sequence: i64,
    pub(super) time: Timestamp,
    pub(super) action: String,
    pub(super) partition: String,
    pub(super) study: String,
    pub(super) series: String,
    pub(super) instance: String,
    /// What the last change of this instance was, and whether it is this one.
    pub(super) last: (String, bool),
}

/// Which changes are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    /// Those with these sequence numbers, the first excluded, the last included.
    Sequence(i64, i64),
    /// Those of this time, the end excluded, without so many and not more than so many.
    Time { start: Option<Timestamp>, end: Option<Timestamp>, offset: i64, limit: i64 },
    /// The last one.
    Latest,
}

impl Action {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Changes {
    pub(super) fn new(feed: Arc<ChangeFeed>, partition: &str) -> Self {
        Self { feed, partition: partition.to_owned() }
    }

    /// Tells of a change. Blocks on the disk.
    pub(crate) fn record(&self, action: Action, identity: &Identity) {
        if let Err(error) = self.feed.record(action, &self.partition, identity) {
            tracing::error!(%error, "change not recorded");
        }
    }
}

impl ChangeFeed {
    /// Opens or makes the table.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_MAX)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(TABLE)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Each change has a later time than the one before, so that a window of time cuts between them.
    fn record(&self, action: Action, partition: &str, identity: &Identity) -> Result<(), Error> {
        let now = Timestamp::now().as_microsecond();
        self.lock().execute(
            "INSERT INTO change (time, action, partition, study, series, instance) VALUES \
             (max(?1, coalesce((SELECT max(time) FROM change), 0) + 1), ?2, ?3, ?4, ?5, ?6)",
            params![
                now,
                action.name(),
                partition,
                identity.study_instance_uid.as_str(),
                identity.series_instance_uid.as_str(),
                identity.sop_instance_uid.as_str(),
            ],
        )?;
        Ok(())
    }

    /// The changes of a window, the oldest first. Blocks on the disk.
    pub(super) fn list(&self, window: Window) -> Result<Vec<Change>, Error> {
        const COLUMNS: &str = "SELECT sequence, time, action, partition, study, series, instance, \
             (SELECT later.action FROM change AS later WHERE later.partition = change.partition \
                  AND later.instance = change.instance ORDER BY later.sequence DESC LIMIT 1), \
             NOT EXISTS (SELECT 1 FROM change AS later WHERE later.partition = change.partition \
                  AND later.instance = change.instance AND later.sequence > change.sequence) FROM change";
        let micros = |time: Option<Timestamp>, open: i64| time.map_or(open, Timestamp::as_microsecond);
        let (condition, parameters) = match window {
            Window::Sequence(after, to) => {
                ("WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence", vec![after, to])
            }
            Window::Time { start, end, offset, limit } => (
                "WHERE time >= ?1 AND time < ?2 ORDER BY time, sequence LIMIT ?4 OFFSET ?3",
                vec![micros(start, i64::MIN), micros(end, i64::MAX), offset, limit],
            ),
            Window::Latest => ("ORDER BY sequence DESC LIMIT 1", Vec::new()),
        };
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!("{COLUMNS} {condition}"))?;
        let rows = statement.query_map(rusqlite::params_from_iter(parameters), read)?;
        rows.map(|row| row.map_err(Error::from)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Change> {
    Ok(Change {
        sequence: row.get(0)?,
        time: Timestamp::from_microsecond(row.get(1)?).unwrap_or_default(),
        action: row.get(2)?,
        partition: row.get(3)?,
        study: row.get(4)?,
        series: row.get(5)?,
        instance: row.get(6)?,
        last: (row.get(7)?, row.get(8)?),
    })
}

impl Change {
    /// Whether the instance is now as this change left it.
    pub(super) fn state(&self) -> &'static str {
        match &self.last {
            (last, _) if last == Action::Delete.name() => "deleted",
            (_, true) => "current",
            (_, false) => "replaced",
        }
    }

    /// Study, series and instance.
    pub(super) fn uids(&self) -> Option<[Uid; 3]> {
        let uid = |text: &str| text.parse().ok();
        Some([uid(&self.study)?, uid(&self.series)?, uid(&self.instance)?])
    }
}
