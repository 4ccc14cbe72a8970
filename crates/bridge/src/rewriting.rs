//! An uncompressed data set in another encoding, rewritten while it passes.

use bytes::Bytes;
use dataset::{
    element::Limits,
    rewrite::{Image, RewriteError, Rewriting},
    scan::ScanLimits,
};
use futures::{Stream, StreamExt};
use instance::Encoding;

/// Bytes rewritten at a time. A deflated data set may become a thousand times longer, so its pieces are
/// small.
const PIECE_LENGTH: usize = 64 * 1024;
const DEFLATED_PIECE_LENGTH: usize = 1024;

/// Why a data set did not become another one.
#[derive(Debug)]
pub(crate) enum Failed<E> {
    /// Its bytes could not be had.
    Source(E),
    /// They are no such data set.
    DataSet(RewriteError),
}

/// An uncompressed data set on its way.
pub(crate) struct Rewritten<S> {
    source: S,
    rewriting: Rewriting,
    piece_length: usize,
    pending: Bytes,
    ended: bool,
}

impl<S, E> Rewritten<S>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
{
    /// The data set of `source` in the encoding `to`.
    pub(crate) fn new(source: S, from: Encoding, to: Encoding) -> Self {
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

    /// The same, told beforehand what [`Self::measured`] gave.
    pub(crate) fn knowing(self, image: Image) -> Self {
        Self { rewriting: self.rewriting.knowing(image), ..self }
    }

    /// The next bytes, none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failed<E>> {
        let mut rewritten = Vec::new();
        while rewritten.is_empty() && !self.ended {
            if self.pending.is_empty() {
                match self.source.next().await {
                    Some(bytes) => self.pending = bytes.map_err(Failed::Source)?,
                    None => {
                        self.rewriting.finish().map_err(Failed::DataSet)?;
                        self.ended = true;
                    }
                }
            }
            let piece = self.pending.split_to(self.pending.len().min(self.piece_length));
            self.rewriting.push(&piece, &mut rewritten).map_err(Failed::DataSet)?;
        }
        Ok((!rewritten.is_empty()).then(|| rewritten.into()))
    }

    /// Reads to the end and gives only the length of it all, and what a second reading must know.
    pub(crate) async fn measured(mut self) -> Result<(u64, Image), Failed<E>> {
        let mut length = 0;
        while let Some(bytes) = self.next().await? {
            length += bytes.len() as u64;
        }
        let image = self.rewriting.measured().map_err(Failed::DataSet)?;
        Ok((length, image))
    }
}
