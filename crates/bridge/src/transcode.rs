//! An object in another transfer syntax, for a recipient that does not take the stored one.
//!
//! Only uncompressed little endian is made: every SOP Class may be proposed with Implicit VR Little
//! Endian (PS3.5 §10.1), and compressing would need a choice that nobody made. What is uncompressed
//! already is rewritten element by element while it passes. What is compressed goes through a child
//! process, `dimseway transcode`, which holds one frame at a time under limits of its own: codecs read
//! bytes that anybody may have written.

mod child;
mod codec;
mod decode;
mod error;
mod geometry;
mod limits;
mod target;
#[cfg(test)]
mod tests;

use std::{io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream, stream::BoxStream};
use instance::{TransferSyntax, part10::FileMeta};
use tokio::sync::Semaphore;

use self::{child::Running, target::Way};
pub use self::{
    decode::{Fault, Order, decode},
    error::TranscodeError,
    limits::Limits,
};
use crate::rewriting::Rewritten;

/// Bytes of a rewritten object that are kept back: 256 KiB. A small one that is malformed fails before
/// anything of it is sent.
const REWRITTEN_KEPT_BACK: usize = 256 * 1024;

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
    /// The data set. An error in it means that the object is not whole, whatever came before; it is a
    /// [`TranscodeError`].
    pub data_set: BoxStream<'static, io::Result<Bytes>>,
}

impl Transcoder {
    /// A transcoder that runs `program transcode` for what is compressed. `program` is this very program:
    /// `/proc/self/exe` stays it even where the file was replaced.
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
        target::target(stored, acceptable).map(|(target, _)| target)
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
        let stored = &meta.transfer_syntax;
        let (transfer_syntax, way) = target::target(stored, acceptable)?;
        let mut making = match way {
            Way::Rewrite => {
                let (from, to) = (stored.encoding(), transfer_syntax.encoding());
                Making::Rewritten(Box::new(Rewritten::new(data_set, from, to)))
            }
            Way::Decode(_) => {
                if length.is_some_and(|length| length > self.limits.length_max) {
                    return Err(child::too_large(self.limits.length_max));
                }
                let permit = Arc::clone(&self.children).acquire_owned().await;
                let permit = permit.map_err(|closed| TranscodeError::Child(io::Error::other(closed)))?;
                let order = Order {
                    from: stored.clone(),
                    to: transfer_syntax.clone(),
                    frame_length_max: self.limits.frame_length_max,
                    kept_back_max: self.limits.kept_back_max,
                };
                let running = Running::start(&self.program, &order, self.limits, data_set, permit)?;
                Making::Decoded(Box::new(running))
            }
        };
        let mut first = Vec::new();
        let mut kept_back = 0;
        while let Some(bytes) = making.next().await? {
            kept_back += bytes.len();
            first.push(Ok(bytes));
            if kept_back >= making.kept_back() {
                break;
            }
        }
        let rest = stream::try_unfold(making, |mut making| async move {
            Ok(making.next().await?.map(|bytes| (bytes, making)))
        });
        Ok(Transcoded { transfer_syntax, data_set: stream::iter(first).chain(rest).boxed() })
    }
}

/// An object that is being made.
enum Making<S> {
    Rewritten(Box<Rewritten<S>>),
    Decoded(Box<Running<S>>),
}

impl<S> Making<S>
where
    S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
{
    /// Bytes that are kept back until more is given: a child has kept back its own already.
    const fn kept_back(&self) -> usize {
        match self {
            Self::Rewritten(_) => REWRITTEN_KEPT_BACK,
            Self::Decoded(_) => 1,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, TranscodeError> {
        match self {
            Self::Rewritten(rewritten) => Ok(rewritten.next().await?),
            Self::Decoded(running) => running.next().await,
        }
    }
}
