//! The backend of one machine: segments and SQLite in one directory.

pub mod config;

pub use config::Config;

use crate::Error;

/// What opening a spool found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Whether the index was absent or unreadable and was made anew from the payload.
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

/// The spool of one machine. Cloning is cheap; all clones share one spool.
#[derive(Debug, Clone)]
pub struct LocalSpool {}

impl LocalSpool {
    /// Opens the spool, recovers it, and starts its threads. Blocks; the methods of the ports are to be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::Unsupported`], [`Error::Io`], [`Error::Full`].
    pub fn open(config: Config) -> Result<(Self, RecoveryReport), Error> {
        let _ = config;
        Err(Error::Closed)
    }

    /// Closes the spool: what was committed is in the index, nothing is pending. Blocks.
    ///
    /// # Errors
    /// [`Error::Index`], [`Error::Io`].
    pub fn close(self) -> Result<(), Error> {
        Ok(())
    }
}
