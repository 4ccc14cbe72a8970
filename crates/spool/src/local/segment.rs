//! One segment in use, and the sync that its entries share.

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Instant,
};

use tokio::sync::oneshot;

use super::{Shared, format, format::SegmentHeader, index::NewEntry, lock};
use crate::{Committed, Error};

/// A segment that entries are written to. One writer at a time holds it; several entries may wait for
/// the same sync.
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    pub(crate) file: Arc<File>,
    state: Mutex<SyncState>,
}

#[derive(Default)]
struct SyncState {
    /// Entries whose tail is written and that wait for a sync.
    waiting: Vec<Waiting>,
    /// Whether a thread is syncing; it takes care of those that come meanwhile.
    syncing: bool,
    /// Whether no further entry will be written here.
    sealed: bool,
    /// Whether the index was told so.
    seal_told: bool,
    /// Whether a write or sync failed: never written again.
    failed: bool,
}

/// An entry that is written whole and not yet durable.
pub(crate) struct Waiting {
    pub(crate) entry: Box<NewEntry>,
    pub(crate) reply: oneshot::Sender<Result<Committed, Error>>,
}

impl Segment {
    pub(crate) fn new(header: SegmentHeader, file: File) -> Self {
        Self { header, file: Arc::new(file), state: Mutex::default() }
    }

    pub(crate) fn has_failed(&self) -> bool {
        lock(&self.state).failed
    }

    /// Adds an entry to those that wait; true where the caller must [`settle`].
    pub(crate) fn wait(&self, waiting: Waiting) -> bool {
        let mut state = lock(&self.state);
        state.waiting.push(waiting);
        !std::mem::replace(&mut state.syncing, true)
    }

    /// No further entry will be written here. Tells the index, unless entries still wait.
    pub(crate) fn seal(&self, shared: &Shared) {
        lock(&self.state).sealed = true;
        self.tell_seal(shared);
    }

    /// A write failed: no one begins here again, and no later sync here is trusted.
    pub(crate) fn fail(&self, shared: &Shared) {
        let mut state = lock(&self.state);
        state.failed = true;
        state.sealed = true;
        drop(state);
        self.tell_seal(shared);
    }

    fn tell_seal(&self, shared: &Shared) {
        let mut state = lock(&self.state);
        let quiet = state.waiting.is_empty() && !state.syncing;
        if !state.sealed || !quiet || std::mem::replace(&mut state.seal_told, true) {
            return;
        }
        let poisoned = state.failed;
        drop(state);
        shared.upkeep.seal(self.header, poisoned);
    }
}

/// Makes durable what waits in `segment`, group by group, until nothing waits.
pub(crate) fn settle(shared: &Shared, segment: &Segment) {
    loop {
        let group = {
            let mut state = lock(&segment.state);
            if state.waiting.is_empty() {
                state.syncing = false;
                break;
            }
            std::mem::take(&mut state.waiting)
        };
        let began = Instant::now();
        // Once a sync has failed the kernel may report success for pages that it dropped, so the
        // segment is not asked again.
        let synced = if segment.has_failed() {
            Err(std::io::Error::other("an earlier write or sync of the segment failed"))
        } else {
            shared.disk.sync(&segment.file)
        };
        shared.counters.synced(began.elapsed());
        shared.config.observer.synced(began.elapsed(), group.len());
        match synced {
            Ok(()) => accept(shared, segment, group),
            Err(error) => refuse(shared, segment, group, &error),
        }
    }
    segment.tell_seal(shared);
}

fn accept(shared: &Shared, segment: &Segment, group: Vec<Waiting>) {
    shared.counters.committed(group.len());
    {
        let mut pool = lock(&shared.pool);
        for Waiting { entry, .. } in &group {
            pool.recent.add(entry.entry_id, entry.location(), segment);
        }
    }
    for Waiting { entry, reply } in group {
        let committed = Committed { entry_id: entry.entry_id, length: entry.length, sha256: entry.sha256 };
        // The peer never waits for the index: it may lag behind, recovery finds the entry.
        let late = shared.index.try_insert(entry);
        let _ = reply.send(Ok(committed));
        if let Some(late) = late {
            shared.index.insert(late);
        }
    }
}

fn refuse(shared: &Shared, segment: &Segment, group: Vec<Waiting>, error: &std::io::Error) {
    tracing::error!(segment = segment.header.number, %error, entries = group.len(), "a sync of the spool failed");
    {
        let mut state = lock(&segment.state);
        state.failed = true;
        state.sealed = true;
    }
    shared.refuse_intake(error);
    for Waiting { entry, reply } in group {
        // As far as it can be done the entry is taken back, so that it is not found after a restart.
        let blank = [0; format::PAGE as usize];
        let _ = shared.disk.write_at(&segment.file, &blank, entry.offset);
        let _ = reply.send(Err(again(error)));
    }
}

/// The same failure once more, for another entry that shared it.
pub(crate) fn again(error: &std::io::Error) -> Error {
    Error::from(std::io::Error::new(error.kind(), error.to_string()))
}

/// File name of a segment.
pub(crate) fn path(shared_directory: &std::path::Path, number: u64) -> PathBuf {
    shared_directory.join(format!("{number:016}.segment"))
}

/// The number in a file name, if it is one of a segment.
pub(crate) fn number(name: &std::ffi::OsStr) -> Option<u64> {
    name.to_str()?.strip_suffix(".segment")?.parse().ok()
}
