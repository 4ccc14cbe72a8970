//! The folder: received files, each under its study and series, and the index beside them.

mod archive;
mod incoming;
mod put;
mod reading;

use std::{
    fs,
    io::{self, Read, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use instance::{
    Identity, Uid,
    part10::{self, FileMeta},
};

pub(crate) use incoming::{Expected, Incoming, Refusal, StoreOutcome, Stored};

use crate::{
    Error,
    azure::{Action, Changes},
    index::{
        Entry, Index, Target,
        search::{Cursor, Found, Search},
    },
};

/// One stored instance, as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredInstance {
    /// The Part 10 file, byte for byte as it was sent.
    pub path: PathBuf,
    /// Bytes of the file.
    pub length: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// Files and index. Every asynchronous call does its work on a thread of the blocking pool.
pub(crate) struct Storage {
    /// `<study>/<series>/<instance>.dcm`.
    instances: PathBuf,
    /// Files that are being received; emptied when the folder is opened.
    incoming: PathBuf,
    index: Index,
    received: AtomicU64,
    /// Hears of every change.
    changes: Option<Changes>,
}

impl Storage {
    /// `changes` is what hears of every change; the latest instance then says what the attributes of its study
    /// and series are.
    pub(crate) fn open(directory: &Path, changes: Option<Changes>) -> Result<Self, Error> {
        let (instances, incoming) = (directory.join("instances"), directory.join("incoming"));
        match fs::remove_dir_all(&incoming) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::folder(incoming)(error));
            }
            _ => {}
        }
        for folder in [&instances, &incoming] {
            fs::create_dir_all(folder).map_err(Error::folder(folder))?;
        }
        let index = Index::open(&directory.join(INDEX), changes.is_some())?;
        Ok(Self { instances, incoming, index, received: AtomicU64::new(0), changes })
    }

    pub(crate) async fn instance_count(self: &Arc<Self>) -> Result<u64, Error> {
        self.blocking(|storage| storage.index.instance_count()).await
    }

    pub(crate) async fn instance(self: &Arc<Self>, uid: Uid) -> Result<Option<StoredInstance>, Error> {
        self.blocking(move |storage| {
            Ok(storage.index.entry(&uid)?.map(|entry| StoredInstance {
                path: storage.path(&entry),
                length: entry.length,
                sha256: entry.sha256,
            }))
        })
        .await
    }

    /// The identity of what is stored under a SOP Instance UID.
    pub(crate) async fn identity(self: &Arc<Self>, uid: Uid) -> Result<Option<Identity>, Error> {
        self.blocking(move |storage| Ok(storage.index.entry(&uid)?.map(|entry| entry.identity))).await
    }

    /// The study of a series, of the oldest one where its UID was used twice.
    pub(crate) async fn study_of_series(self: &Arc<Self>, series: Uid) -> Result<Option<Uid>, Error> {
        self.blocking(move |storage| storage.index.study_of_series(&series)).await
    }

    /// See [`Index::match_count`].
    pub(crate) fn match_count(&self, search: &Search) -> Result<u64, Error> {
        self.index.match_count(search)
    }

    /// See [`Index::match_at`].
    pub(crate) fn match_at(&self, search: &Search, offset: u64) -> Result<Option<Cursor>, Error> {
        self.index.match_at(search, offset)
    }

    /// See [`Index::matches`].
    pub(crate) fn matches(
        &self,
        search: &Search,
        from: Cursor,
        limit: u64,
        each: &mut dyn FnMut(&Found<'_>) -> Result<(), Error>,
    ) -> Result<(u64, Cursor), Error> {
        self.index.matches(search, from, limit, each)
    }

    /// Whether a target has an instance in another transfer syntax.
    pub(crate) async fn has_other_than(
        self: &Arc<Self>,
        target: Target,
        transfer_syntax: String,
    ) -> Result<bool, Error> {
        self.blocking(move |storage| storage.index.has_other_than(&target, &transfer_syntax)).await
    }

    /// One page of the entries of a target; see [`Index::entries`].
    pub(crate) async fn entries(
        self: &Arc<Self>,
        target: Target,
        after: i64,
    ) -> Result<Vec<(i64, Entry)>, Error> {
        self.blocking(move |storage| storage.index.entries(&target, after)).await
    }

    /// Deletes a target, files included, and gives how many instances it had.
    pub(crate) async fn remove(self: &Arc<Self>, target: Target) -> Result<u64, Error> {
        self.blocking(move |storage| {
            storage.index.remove(&target, |entry| {
                storage.remove_file(entry);
                storage.changed(Action::Delete, entry);
            })
        })
        .await
    }

    fn remove_file(&self, entry: &Entry) {
        let path = self.path(entry);
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(instance = %entry.identity.sop_instance_uid, %error, "file not removed");
        }
        // Folders go with their last file; a folder that is not empty stays.
        let folders = path.ancestors().skip(1).take(2);
        for folder in folders {
            let _not_empty = fs::remove_dir(folder);
        }
    }

    /// Tells of a change.
    fn changed(&self, action: Action, entry: &Entry) {
        if let Some(changes) = &self.changes {
            changes.record(action, &entry.identity);
        }
    }

    /// As [`Storage::entries`], for threads that may block.
    pub(crate) fn entries_blocking(&self, target: &Target, after: i64) -> Result<Vec<(i64, Entry)>, Error> {
        self.index.entries(target, after)
    }

    /// Opens the file of an entry.
    pub(crate) fn open_file(&self, entry: &Entry) -> Result<fs::File, Error> {
        let path = self.path(entry);
        fs::File::open(&path).map_err(Error::folder(path))
    }

    /// Opens the file of an entry behind its Part 10 framing, and gives what the framing says.
    pub(crate) fn open_data_set(&self, entry: &Entry) -> Result<(FileMeta, fs::File), Error> {
        let mut file = self.open_file(entry)?;
        let fault = |error| Error::folder(self.path(entry))(error);
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(HEAD_MAX as u64 + 1).read_to_end(&mut head).map_err(fault)?;
        let (meta, length) =
            part10::read(&head).map_err(|error| fault(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        file.seek(SeekFrom::Start(length as u64)).map_err(fault)?;
        Ok((meta, file))
    }

    /// Runs `work` on a thread of the blocking pool.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let storage = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&storage)).await.map_err(|_| Error::Task)?
    }

    fn path(&self, entry: &Entry) -> PathBuf {
        let identity = &entry.identity;
        self.instances
            .join(identity.study_instance_uid.as_str())
            .join(identity.series_instance_uid.as_str())
            .join(format!("{}.dcm", identity.sop_instance_uid))
    }

    fn next_incoming(&self) -> PathBuf {
        self.incoming.join(format!("{}.part", self.received.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Name of the database in the folder of an origin.
pub(crate) const INDEX: &str = "index.sqlite";

/// A UID read with tolerance may be nothing but dots, which as the name of a folder leads elsewhere.
fn names_a_folder(uid: &Uid) -> bool {
    uid.as_str().bytes().any(|byte| byte.is_ascii_digit())
}

/// Most bytes of preamble and File Meta Information.
const HEAD_MAX: usize = part10::PREAMBLE_LENGTH + part10::FILE_META_LENGTH_MAX;
