//! The backend of one machine: segments and SQLite in one directory. The bytes on disk are described in
//! `docs/spool.md`.

pub mod config;
mod directory;
mod disk;
mod documents;
mod fields;
mod format;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod index;
mod intake;
mod outbox;
mod pool;
mod ports;
mod read_only;
mod reader;
mod recent;
mod recovery;
mod segment;
mod upkeep;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    hash::{BuildHasher, Hasher},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub use config::Config;
pub use documents::ReadOnlyDocuments;
pub use read_only::ReadOnlySpool;

use crate::{BecameDue, EntryId, Error};
use disk::Disk;
use intake::Intake;
use pool::Pool;
use rusqlite::Connection;
use tokio::sync::watch;
use upkeep::Upkeep;

/// What opening a spool found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Whether the index was absent or unreadable and was made anew from the payload. What was
    /// delivered and not yet recycled is then delivered again, and delivery records are lost.
    pub index_rebuilt: bool,
    /// Segments that had to be read because the index did not know them to be complete.
    pub segments_scanned: u64,
    /// Complete entries that the index did not know: due (or held) again.
    pub entries_recovered: u64,
    /// Entries that never were complete, and so never acknowledged: cleared.
    pub entries_incomplete: u64,
    /// Entries that fail their checksum.
    pub entries_quarantined: u64,
    /// Deliveries that were under way when the spool was last used.
    pub deliveries_interrupted: u64,
}

/// The spool of one machine. Cloning is cheap; all clones share one spool. Dropping the last one
/// without [`LocalSpool::close`] is like a crash: nothing acknowledged is lost.
#[derive(Clone)]
pub struct LocalSpool {
    pub(crate) shared: Arc<Shared>,
    threads: Arc<Threads>,
}

impl std::fmt::Debug for LocalSpool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalSpool").field("directory", &self.shared.config.directory).finish_non_exhaustive()
    }
}

/// What the threads and the handles of one spool share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) disk: Disk,
    /// Directory of the segments.
    pub(crate) segments: PathBuf,
    pub(crate) pool: Mutex<Pool>,
    pub(crate) index: index::Handle,
    pub(crate) upkeep: Upkeep,
    pub(crate) intake: Intake,
    pub(crate) counters: Counters,
    pub(crate) notify: watch::Sender<BecameDue>,
    pub(crate) buffers: Buffers,
    pub(crate) documents: documents::Store,
    /// For look-ups of single entries.
    reader: Mutex<Connection>,
    /// For lists, which may take long and must not hold deliveries up.
    lister: Mutex<Connection>,
    last_id: AtomicU64,
    /// Held open as long as anything may write; the system releases it.
    _lock: File,
}

struct Threads {
    shared: Arc<Shared>,
    running: Mutex<Option<(index::Stop, JoinHandle<()>)>>,
}

impl Threads {
    fn stop(&self, at_once: bool) {
        let Some((mut index, upkeep)) = lock(&self.running).take() else { return };
        if !at_once {
            self.shared.seal_idle_segments();
        }
        self.shared.upkeep.stop(at_once);
        if at_once {
            self.shared.index.close();
            index.stop(true);
            let _ = upkeep.join();
        } else {
            let _ = upkeep.join();
            self.shared.index.close();
            index.stop(false);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop(true);
    }
}

impl LocalSpool {
    /// Opens the spool, recovers it, and starts its threads. Blocks; the methods of the ports are to be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::Unsupported`], [`Error::Io`], [`Error::Full`].
    pub fn open(config: Config) -> Result<(Self, RecoveryReport), Error> {
        Self::open_on(config, Disk::default())
    }

    pub(crate) fn open_on(config: Config, disk: Disk) -> Result<(Self, RecoveryReport), Error> {
        config.check()?;
        let lock_file = directory::prepare(&config, &disk)?;
        let segments = directory::segments(&config.directory);
        let (mut connection, rebuilt) = directory::open_index(&config.directory)?;
        let recovered = match recovery::recover(&connection, &segments, rebuilt) {
            Err(Error::IndexDamaged(error)) => {
                directory::put_index_aside(&config.directory, &error)?;
                connection = directory::open_index(&config.directory)?.0;
                recovery::recover(&connection, &segments, true)?
            }
            recovered => recovered?,
        };
        let documents = documents::Store::open(&directory::documents(&config.directory))?;
        // The databases are useless after a power cut if their names are not there.
        disk.sync_directory(&config.directory)?;
        let reader = index::open_for_reading(&directory::index(&config.directory))?;
        let lister = index::open_for_reading(&directory::index(&config.directory))?;
        let (handle, inbox) = index::channel();
        let pool = Pool::after_recovery(recovered.last_number, recovered.files, recovered.disk_bytes);
        let shared = Arc::new(Shared {
            config,
            disk,
            segments,
            pool: Mutex::new(pool),
            index: handle,
            upkeep: Upkeep::default(),
            intake: Intake::default(),
            counters: Counters::default(),
            notify: watch::Sender::new(BecameDue::new()),
            buffers: Buffers::default(),
            documents,
            reader: Mutex::new(reader),
            lister: Mutex::new(lister),
            last_id: AtomicU64::new(recovered.last_id),
            _lock: lock_file,
        });
        shared.adopt_spares(recovered.spares);
        shared.upkeep.recycle(recovered.retired);
        shared.restore_reserve();
        shared.first_spare();
        let index = index::start(connection, inbox, Arc::downgrade(&shared))?;
        let upkeep = upkeep::start(Arc::clone(&shared))?;
        let threads =
            Arc::new(Threads { shared: Arc::clone(&shared), running: Mutex::new(Some((index, upkeep))) });
        Ok((Self { shared, threads }, recovered.report))
    }

    /// Closes the spool: all that was committed before is in the index. Blocks. Commits that are still
    /// under way stay safe and are found when the spool is opened again.
    ///
    /// # Errors
    /// None at present; the type leaves room.
    pub fn close(self) -> Result<(), Error> {
        self.threads.stop(false);
        Ok(())
    }
}

impl Shared {
    /// A number that was never given before, not below the microseconds since 1970.
    pub(crate) fn next_id(&self) -> EntryId {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let now = u64::try_from(now).unwrap_or(0);
        let next = |last: u64| Some(last.saturating_add(1).max(now));
        // INVARIANT: the closure never answers None, so the update cannot fail; both arms are the same.
        match self.last_id.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) {
            Ok(last) | Err(last) => EntryId(last.saturating_add(1).max(now)),
        }
    }

    /// Reads the index on a connection of its own. Blocks.
    pub(crate) fn query<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        read(&lock(&self.reader))
    }

    /// The same, for what may take long.
    pub(crate) fn list<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        read(&lock(&self.lister))
    }
}

/// What is counted since the spool was opened.
pub(crate) struct Counters {
    opened: Instant,
    /// Milliseconds between the opening and the last commit.
    last_commit: AtomicU64,
    pub(crate) committed: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) sync_nanoseconds: AtomicU64,
    pub(crate) created_late: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            opened: Instant::now(),
            last_commit: AtomicU64::new(0),
            committed: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            sync_nanoseconds: AtomicU64::new(0),
            created_late: AtomicU64::new(0),
        }
    }
}

impl Counters {
    fn milliseconds(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Time since the last commit, or since the opening.
    pub(crate) fn calm_for(&self) -> Duration {
        Duration::from_millis(self.milliseconds().saturating_sub(self.last_commit.load(Ordering::Relaxed)))
    }

    fn synced(&self, took: Duration) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sync_nanoseconds.fetch_add(took, Ordering::Relaxed);
    }

    fn committed(&self, entries: usize) {
        self.committed.fetch_add(entries as u64, Ordering::Relaxed);
        self.last_commit.store(self.milliseconds(), Ordering::Relaxed);
    }

    fn created_late(&self) {
        self.created_late.fetch_add(1, Ordering::Relaxed);
    }
}

/// Blocks of 256 KiB that are used again.
#[derive(Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// Blocks kept at most: 16, so 4 MiB.
    const KEPT_MAX: usize = 16;

    pub(crate) fn take(&self) -> Vec<u8> {
        lock(&self.0).pop().unwrap_or_else(|| Vec::with_capacity(format::BLOCK))
    }

    pub(crate) fn give(&self, mut block: Vec<u8>) {
        let mut kept = lock(&self.0);
        if block.capacity() == format::BLOCK && kept.len() < Self::KEPT_MAX {
            block.clear();
            kept.push(block);
        }
    }
}

/// What the lock guards is consistent between statements, so a panic elsewhere does not spoil it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that no peer can guess. The standard library keys its hashers with random bytes of the
/// system.
pub(crate) fn nonce() -> u64 {
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u64(0);
    hasher.finish()
}
