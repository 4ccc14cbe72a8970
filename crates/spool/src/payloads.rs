//! The port for the bytes of instances.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{future::BoxFuture, stream::BoxStream};

use crate::{Committed, EntryHeader, EntryId, EntryTrailer, Error};

/// Bytes of the largest chunk that [`Payloads::read`] yields.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// Takes instances in as they arrive and gives their bytes back, verified.
#[async_trait]
pub trait Payloads: Send + Sync {
    /// Begins an entry. Nothing of it is visible before [`PayloadWriter::commit`] has resolved.
    ///
    /// # Errors
    /// [`Error::Full`] where no room can be reserved, [`Error::Refused`] where the intake is refused until a
    /// probe succeeds; [`Error::Io`].
    async fn begin(&self, header: EntryHeader) -> Result<Box<dyn PayloadWriter>, Error>;

    /// The bytes of an entry, in chunks of at most [`CHUNK_BYTES_MAX`], each verified against its
    /// checksum before it is handed out. The stream ends after its first error. While it lives the
    /// bytes are not recycled.
    ///
    /// # Errors (as items)
    /// [`Error::Corrupt`]: record the delivery as Quarantined; [`Error::NotFound`],
    /// [`Error::PayloadGone`], [`Error::Range`], [`Error::Io`].
    fn read(&self, entry_id: EntryId, range: Range<u64>) -> BoxStream<'static, Result<Bytes, Error>>;
}

/// One entry in the making. Dropping it abandons the entry without a trace.
#[async_trait]
pub trait PayloadWriter: Send {
    /// Adds bytes of the data set. They are hashed at once, which takes less than a millisecond per
    /// megabyte where the processor helps, then gathered and handed to a blocking thread in blocks of
    /// 256 KiB; waits when the block before is still being written. Not cancellation safe: where the
    /// future is dropped while it waits, the entry is lost and `commit` fails.
    ///
    /// # Errors
    /// [`Error::Full`] and [`Error::Io`]; the entry is then lost and the writer must be dropped.
    async fn append(&mut self, data: Bytes) -> Result<(), Error>;

    /// Ends the entry. The work begins with this call, not with the first poll, and it is finished
    /// even if the future is dropped; so the caller may receive the next instance meanwhile, and
    /// commits that wait together share one `fdatasync`. The future resolves when the entry is
    /// durable: after a power cut it is there, whole, and will be delivered.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Io`], [`Error::TooLarge`]: the entry was not accepted.
    fn commit(self: Box<Self>, trailer: EntryTrailer) -> BoxFuture<'static, Result<Committed, Error>>;
}
