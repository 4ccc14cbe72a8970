//! The seam where rules change a data set on its way from the spool to a body.
//!
//! An edit works in two passes. The first says how long the data set will be, so that the request has its
//! Content-Length, and whether it can be changed at all, so that nothing has been sent where it cannot. The
//! second makes the bytes, as often as a request is repeated, the same each time.

mod re_encoding;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use dicomweb::{
    BoxError,
    profile::{Profile, TransferSyntaxes},
};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use instance::TransferSyntax;
use spool::{Entry, EntryId, Payloads};

pub use self::re_encoding::ReEncoding;
pub(crate) use self::re_encoding::reachable;

/// The data set that arrived, to be read as often as needed.
#[derive(Clone)]
pub struct Original {
    payloads: Arc<dyn Payloads>,
    entry_id: EntryId,
    /// How it is written.
    pub transfer_syntax: TransferSyntax,
    /// Its bytes.
    pub length: u64,
}

impl Original {
    /// The data set of `entry`.
    #[must_use]
    pub fn of(entry: &Entry, payloads: &Arc<dyn Payloads>) -> Self {
        Self {
            payloads: Arc::clone(payloads),
            entry_id: entry.entry_id,
            transfer_syntax: entry.header.transfer_syntax.clone(),
            length: entry.length,
        }
    }

    /// Reads it from its beginning; each block is verified before it is handed out.
    #[must_use]
    pub fn read(&self) -> BoxStream<'static, Result<Bytes, BoxError>> {
        self.payloads.read(self.entry_id, 0..self.length).map_err(BoxError::from).boxed()
    }
}

impl std::fmt::Debug for Original {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Original")
            .field("entry_id", &self.entry_id)
            .field("transfer_syntax", &self.transfer_syntax)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// A data set as it leaves.
pub struct DataSet {
    /// How it is written.
    pub transfer_syntax: TransferSyntax,
    /// Its bytes.
    pub length: u64,
    making: Making,
}

enum Making {
    Untouched(Original),
    ReEncoded(re_encoding::ReEncoded),
}

/// SHA-256 of what was made, once all of it was.
type MadeSha256 = Arc<OnceLock<[u8; 32]>>;

impl DataSet {
    /// The data set that arrived.
    #[must_use]
    pub fn untouched(original: Original) -> Self {
        Self {
            transfer_syntax: original.transfer_syntax.clone(),
            length: original.length,
            making: Making::Untouched(original),
        }
    }

    /// Its bytes from their beginning, the same each time.
    #[must_use]
    pub fn bytes(&self) -> BoxStream<'static, Result<Bytes, BoxError>> {
        match &self.making {
            Making::Untouched(original) => original.read(),
            Making::ReEncoded(made) => made.bytes(),
        }
    }

    /// The data set that arrived, where another one leaves.
    pub(crate) const fn changed_from(&self) -> Option<&Original> {
        match &self.making {
            Making::Untouched(_) => None,
            Making::ReEncoded(made) => Some(made.original()),
        }
    }

    /// For the delivery record: what was sent, where that is not what arrived.
    #[must_use]
    pub fn change_in_words(&self) -> Option<String> {
        match &self.making {
            Making::Untouched(_) => None,
            Making::ReEncoded(made) => Some(made.in_words(&self.transfer_syntax)),
        }
    }
}

impl std::fmt::Debug for DataSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataSet")
            .field("transfer_syntax", &self.transfer_syntax)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// Why a data set cannot leave as the destination needs it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The destination does not take its transfer syntax, and it cannot be had in another one.
    #[error("the origin's profile does not take transfer syntax {0}, and nothing else is made of it")]
    NotTaken(instance::Uid),
    /// It is not written in the way that its transfer syntax demands.
    #[error("the origin's profile does not take transfer syntax {from}, and {reason}")]
    Malformed {
        /// The transfer syntax.
        from: instance::Uid,
        /// What is wrong.
        reason: dataset::rewrite::RewriteError,
    },
    /// Its bytes could not be read.
    #[error("{0}")]
    Source(BoxError),
}

/// Changes data sets of one destination as they stream. An edit keeps nothing of the data set but
/// bounded state, and gives the same bytes each time, since a delivery may be repeated.
#[async_trait]
pub trait Edit: Send + Sync + std::fmt::Debug {
    /// What leaves in the place of `original`.
    ///
    /// # Errors
    /// What cannot be changed as the destination needs it, and bytes that cannot be read.
    async fn prepare(&self, original: Original) -> Result<DataSet, EditError>;
}

/// The edit that an origin needs.
#[must_use]
pub fn of(profile: &Profile) -> Arc<dyn Edit> {
    match &profile.transfer_syntaxes {
        TransferSyntaxes::All => Arc::new(Untouched),
        accepted => Arc::new(ReEncoding::new(accepted.clone())),
    }
}

/// No change: the data set that arrived is the data set that leaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Untouched;

#[async_trait]
impl Edit for Untouched {
    async fn prepare(&self, original: Original) -> Result<DataSet, EditError> {
        Ok(DataSet::untouched(original))
    }
}
