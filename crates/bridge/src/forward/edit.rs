//! The seam where rules change a data set on its way from the spool to a body.

use bytes::Bytes;
use dicomweb::BoxError;
use futures::stream::BoxStream;
use instance::TransferSyntax;
use spool::Entry;

/// A data set on its way.
pub struct DataSet {
    /// How it is written.
    pub transfer_syntax: TransferSyntax,
    /// Its bytes, if known before the last of them was made; a request needs it for Content-Length.
    pub length: Option<u64>,
    /// The bytes.
    pub bytes: BoxStream<'static, Result<Bytes, BoxError>>,
}

impl std::fmt::Debug for DataSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataSet")
            .field("transfer_syntax", &self.transfer_syntax)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// Changes data sets of one destination as they stream. An edit keeps nothing of the data set but
/// bounded state, and gives the same bytes each time, since a delivery may be repeated.
pub trait Edit: Send + Sync + std::fmt::Debug {
    /// The changed data set of `entry`.
    fn apply(&self, entry: &Entry, data_set: DataSet) -> DataSet;
}

/// No change: the data set that arrived is the data set that leaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Untouched;

impl Edit for Untouched {
    fn apply(&self, _entry: &Entry, data_set: DataSet) -> DataSet {
        data_set
    }
}
