//! An uncompressed object, rewritten while it passes.

use std::io;

use bytes::Bytes;
use dataset::{
    element::Limits,
    rewrite::{RewriteError, Rewriting},
    scan::ScanLimits,
};
use futures::{Stream, StreamExt};
use instance::Encoding;

use super::error::TranscodeError;

/// Bytes rewritten at a time. A deflated data set may become a thousand times longer, so its pieces are
/// small.
const PIECE_LENGTH: usize = 64 * 1024;
const DEFLATED_PIECE_LENGTH: usize = 1024;

/// An uncompressed object on its way.
pub(super) struct Rewritten<S> {
    source: S,
    rewriting: Rewriting,
    piece_length: usize,
    pending: Bytes,
    ended: bool,
}

impl<S> Rewritten<S>
where
    S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
{
    pub(super) fn new(source: S, from: Encoding, to: Encoding) -> Self {
        let deflated = from == Encoding::DeflatedExplicitVrLittleEndian;
        let ratio = ScanLimits::default().inflate_ratio_max;
        Self {
            source,
            rewriting: Rewriting::new(from, to, Limits::default(), ratio),
            piece_length: if deflated { DEFLATED_PIECE_LENGTH } else { PIECE_LENGTH },
            pending: Bytes::new(),
            ended: false,
        }
    }

    /// The next bytes, none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, TranscodeError> {
        let mut rewritten = Vec::new();
        while rewritten.is_empty() && !self.ended {
            if self.pending.is_empty() {
                match self.source.next().await {
                    Some(bytes) => self.pending = bytes.map_err(TranscodeError::Source)?,
                    None => {
                        self.rewriting.finish()?;
                        self.ended = true;
                    }
                }
            }
            let piece = self.pending.split_to(self.pending.len().min(self.piece_length));
            self.rewriting.push(&piece, &mut rewritten)?;
        }
        Ok((!rewritten.is_empty()).then(|| rewritten.into()))
    }
}

impl From<RewriteError> for TranscodeError {
    fn from(error: RewriteError) -> Self {
        match error {
            RewriteError::Truncated(_) => Self::Truncated,
            other => Self::Undecodable(other.to_string()),
        }
    }
}
