//! An object in another transfer syntax, for a recipient that does not take the stored one.
//!
//! Only uncompressed little endian is made: every SOP Class may be proposed with Implicit VR Little
//! Endian (PS3.5 §10.1), and compressing would need a choice that nobody made. What is uncompressed
//! already is rewritten element by element while it passes. What is compressed goes through a child
//! process, `dimseway transcode`, which holds one frame at a time under limits of its own: codecs read
//! bytes that anybody may have written.

mod error;
mod limits;

use std::{io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures::{Stream, stream::BoxStream};
use instance::{TransferSyntax, part10::FileMeta};
use tokio::sync::Semaphore;

pub use self::{error::TranscodeError, limits::Limits};

/// Transcodes objects, a bounded number at a time.
#[derive(Debug, Clone)]
pub struct Transcoder {
    program: PathBuf,
    limits: Limits,
    children: Arc<Semaphore>,
}

/// An object in another transfer syntax.
pub struct Transcoded {
    /// The transfer syntax, one of those that were acceptable.
    pub transfer_syntax: TransferSyntax,
    /// The data set. An error in it means that the object is not whole, whatever came before.
    pub data_set: BoxStream<'static, io::Result<Bytes>>,
}

impl Transcoder {
    /// A transcoder that runs `program transcode` for what is compressed; `program` is this very program.
    #[must_use]
    pub fn new(program: PathBuf, limits: Limits) -> Self {
        Self { program, limits, children: Arc::new(Semaphore::new(limits.children_max)) }
    }

    /// The transfer syntax that an object stored in `stored` would be made into, so that a caller knows
    /// before it fetches the object. Explicit VR comes before implicit: it keeps the VRs of private
    /// elements.
    ///
    /// # Errors
    /// [`TranscodeError::NoTarget`] and [`TranscodeError::NoDecoder`].
    pub fn target(
        &self,
        stored: &TransferSyntax,
        acceptable: &[TransferSyntax],
    ) -> Result<TransferSyntax, TranscodeError> {
        let _ = acceptable;
        Err(TranscodeError::NoTarget(stored.clone()))
    }

    /// Transcodes `data_set`, stored as `meta` says and `length` bytes long where that is known, into one
    /// of the `acceptable` transfer syntaxes. Returns when the first bytes are there; a compressed object
    /// of less than [`Limits::kept_back_max`] is decoded to its end by then. Whoever drops the result ends
    /// the child.
    ///
    /// # Errors
    /// Whatever is known to go wrong by then; what goes wrong later is an error in the stream.
    pub async fn transcode<S>(
        &self,
        meta: &FileMeta,
        length: Option<u64>,
        data_set: S,
        acceptable: &[TransferSyntax],
    ) -> Result<Transcoded, TranscodeError>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
    {
        let _ = (length, data_set, &self.program, &self.children, self.limits);
        Err(self.target(&meta.transfer_syntax, acceptable).err().unwrap_or(TranscodeError::Truncated))
    }
}
