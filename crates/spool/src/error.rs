//! What can go wrong, split by what the caller does about it.

use crate::EntryId;

/// A failure of the spool. Nothing that failed was accepted: the caller may always report it to the
/// peer, and never has to undo anything.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No room: the disk, the quota or the minimum of free bytes. New instances are refused until a
    /// probe succeeds; deliveries go on. A C-STORE is answered A700 (PS3.4 §B.2.3).
    #[error("the spool is full: {needed} bytes are needed, {free} are free")]
    Full {
        /// Bytes that were asked for.
        needed: u64,
        /// Bytes that the file system had left for us.
        free: u64,
    },
    /// The storage failed in any other way. A failed `fdatasync` fails every instance that shared it.
    #[error("spool input or output failed: {0}")]
    Io(#[source] std::io::Error),
    /// New instances are refused because the storage or the index failed before, as the words say, until a
    /// probe succeeds or the index works again. A C-STORE is answered A700 (PS3.4 §B.2.3).
    #[error("new instances are refused: {0}")]
    Refused(String),
    /// Stored bytes do not match their checksum. The entry belongs in state Quarantined.
    #[error("entry {entry_id} is damaged: {what}")]
    Corrupt {
        /// The damaged entry.
        entry_id: EntryId,
        /// What does not match, for the log.
        what: String,
    },
    /// Another process has the spool open.
    #[error("the spool is in use by process {pid}")]
    Locked {
        /// The process that holds the lock; 0 where it could not be told.
        pid: u32,
    },
    /// The lease was given to someone else, has ended, or an operator moved the delivery meanwhile.
    #[error("the lease is not valid any more")]
    StaleToken,
    /// No such entry, or no such delivery of it.
    #[error("no such entry: {0}")]
    NotFound(EntryId),
    /// The entry is on record, but its bytes have been recycled because every delivery has ended.
    #[error("the bytes of entry {0} are not kept any more")]
    PayloadGone(EntryId),
    /// A byte range that ends beyond the entry.
    #[error("bytes {start}..{end} of entry {entry_id} were asked for, it has {length}")]
    Range {
        /// The entry.
        entry_id: EntryId,
        /// First byte asked for.
        start: u64,
        /// Byte behind the last one asked for.
        end: u64,
        /// Bytes that the entry has.
        length: u64,
    },
    /// A compare-and-set found another version than the one expected.
    #[error("the document has version {current}, not the expected one")]
    Conflict {
        /// The version there is; 0 where there is none.
        current: u64,
    },
    /// A value is larger than the limit that its type documents.
    #[error("{what} has {length} bytes, {limit} are allowed")]
    TooLarge {
        /// Which value.
        what: &'static str,
        /// Its length in bytes.
        length: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The transition is not one that the state of the delivery allows.
    #[error("entry {entry_id} is {state}, which does not allow that")]
    State {
        /// The entry.
        entry_id: EntryId,
        /// The state it is in.
        state: crate::State,
    },
    /// The index could not do its work. Committed instances stay safe in the payload and are found
    /// again when the spool is opened.
    #[error("the index of the spool failed: {0}")]
    Index(String),
    /// The file of the index is damaged. It is put aside and made anew when the spool is opened.
    #[error("the index of the spool is damaged: {0}")]
    IndexDamaged(String),
    /// The file of the documents is damaged. Unlike the index it cannot be made anew.
    #[error("documents.sqlite of the spool is damaged, and cannot be made anew: {0}")]
    DocumentsDamaged(String),
    /// The directory holds a newer format, or something that is no spool.
    #[error("this is not a spool that this version can open: {0}")]
    Unsupported(String),
    /// The spool is being closed.
    #[error("the spool is closed")]
    Closed,
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::Full { needed: 0, free: 0 }
            }
            _ => Self::Io(error),
        }
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::from(std::io::Error::from(errno))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full { needed: 0, free: 0 },
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Self::IndexDamaged(error.to_string())
            }
            _ => Self::Index(error.to_string()),
        }
    }
}
