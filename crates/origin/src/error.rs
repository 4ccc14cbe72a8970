//! Faults of the origin itself; what a client did wrong is an HTTP answer, not an [`Error`].

use std::{io, path::PathBuf};

/// Why the origin cannot open its folder or work on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be made, read, renamed or removed.
    #[error("{path}: {source}")]
    Folder {
        /// What was worked on.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The index refused a statement.
    #[error("the index of the origin: {0}")]
    Index(#[from] rusqlite::Error),
    /// This personality keeps no orders.
    #[error("this personality of the origin keeps no orders")]
    NoOrders,
    /// This personality has no worklists.
    #[error("this personality of the origin has no worklists")]
    NoWorklist,
    /// A blocking task ended without a result: it panicked, or the runtime shuts down.
    #[error("a task of the origin ended without a result")]
    Task,
}

impl Error {
    /// Gives an I/O error the path that it concerns.
    pub(crate) fn folder(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Folder { path, source }
    }

    /// Whether there is no room left on the disk.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Folder { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}
