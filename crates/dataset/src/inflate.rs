//! Inflating deflated data sets (PS3.5 §A.5), with bounds.

use flate2::{Decompress, FlushDecompress, Status};

/// Why a deflated stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InflateError {
    /// The stream is broken, or cut where it had to be whole.
    #[error("the deflated data set cannot be inflated")]
    Broken,
    /// The stream grows beyond a ratio or a size limit.
    #[error("the deflated data set inflates beyond the limit")]
    BeyondLimit,
}

/// Bytes inflated at a time.
const PIECE_LENGTH: usize = 16 * 1024;

/// Bytes that may be inflated before the ratio counts: small data sets of blanks inflate well.
const FREE_LENGTH: u64 = 1024 * 1024;

/// Inflates a stream piece by piece.
#[derive(Debug)]
pub(crate) struct Inflater {
    stream: Decompress,
    piece: Vec<u8>,
    ratio_max: u64,
    ended: bool,
}

impl Inflater {
    pub(crate) fn new(ratio_max: u64) -> Self {
        Self { stream: Decompress::new(false), piece: vec![0; PIECE_LENGTH], ratio_max, ended: false }
    }

    /// Takes bytes off the front of `input` and gives what they inflate to; none when `input` is
    /// used up. Bytes behind the end of the stream are padding and not looked at.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, InflateError> {
        if self.ended {
            return Ok(None);
        }
        let (read_before, written_before) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(input, &mut self.piece, FlushDecompress::None);
        let status = status.map_err(|_| InflateError::Broken)?;
        let read = usize::try_from(self.stream.total_in() - read_before).unwrap_or(usize::MAX);
        *input = input.get(read..).unwrap_or_default();
        let written = usize::try_from(self.stream.total_out() - written_before).unwrap_or(usize::MAX);
        self.ended = status == Status::StreamEnd;
        let allowed = self.stream.total_in().saturating_mul(self.ratio_max).saturating_add(FREE_LENGTH);
        if self.stream.total_out() > allowed {
            return Err(InflateError::BeyondLimit);
        }
        if written == 0 && (read == 0 || input.is_empty()) {
            return Ok(None);
        }
        Ok(Some(&self.piece[..written.min(PIECE_LENGTH)]))
    }

    /// Whether the end of the deflated stream was seen.
    pub(crate) const fn ended(&self) -> bool {
        self.ended
    }
}

/// Inflates a whole small deflated data set (PS3.5 §A.5) to at most `length_max` bytes.
///
/// # Errors
/// A broken or cut stream, or one that inflates beyond the limit.
pub fn inflate_whole(bytes: &[u8], length_max: usize) -> Result<Vec<u8>, InflateError> {
    let mut inflater = Inflater::new(u64::MAX);
    let mut whole = Vec::new();
    let mut rest = bytes;
    while let Some(piece) = inflater.next(&mut rest)? {
        if whole.len() + piece.len() > length_max {
            return Err(InflateError::BeyondLimit);
        }
        whole.extend_from_slice(piece);
    }
    if inflater.ended() { Ok(whole) } else { Err(InflateError::Broken) }
}
