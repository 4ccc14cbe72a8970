//! The port for the small durable documents of the services.

use std::time::SystemTime;

use async_trait::async_trait;

use crate::Error;

/// Bytes of the largest document: an MPPS or a commitment request with thousands of instances fits.
pub const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of the longest kind or key.
pub const KEY_BYTES_MAX: usize = 256;

/// A document and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its key within its kind.
    pub key: String,
    /// Grows with every change; never 0, never used again after a deletion.
    pub version: u64,
    /// The bytes.
    pub value: Vec<u8>,
    /// When it was last written.
    pub updated_at: SystemTime,
}

/// A document to be written where its present version is `expected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Its kind.
    pub kind: String,
    /// Its key within its kind.
    pub key: String,
    /// The present version; `None`: there must be none.
    pub expected: Option<u64>,
    /// The bytes.
    pub value: Vec<u8>,
}

/// Versioned compare-and-set by kind and key. A write is durable when the call returns. Documents do
/// not share a file with the index: that one may be deleted, these may not.
#[async_trait]
pub trait Documents: Send + Sync {
    /// The document, if there is one.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn get(&self, kind: &str, key: &str) -> Result<Option<Document>, Error>;

    /// Writes a document whose present version is `expected` (`None`: there must be none), and returns
    /// the new version.
    ///
    /// # Errors
    /// [`Error::Conflict`], [`Error::TooLarge`], [`Error::Full`].
    async fn put(&self, kind: &str, key: &str, expected: Option<u64>, value: Vec<u8>) -> Result<u64, Error>;

    /// Deletes a document whose present version is `expected`.
    ///
    /// # Errors
    /// [`Error::Conflict`], also where there is none.
    async fn delete(&self, kind: &str, key: &str, expected: u64) -> Result<(), Error>;

    /// Documents of a kind in the order of their keys, from behind `after`, at most `limit` of them.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn documents(&self, kind: &str, after: Option<&str>, limit: usize) -> Result<Vec<Document>, Error>;
}
