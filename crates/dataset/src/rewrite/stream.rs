//! A whole stream, bytes in, bytes out.

use instance::{Encoding, Tag};

use super::{Image, RewriteError, Rewriter};
use crate::{
    element::{Limits, Mode, Reader},
    inflate::Inflater,
};

/// Rewrites one data set without encapsulated values, piece by piece.
#[derive(Debug)]
pub struct Rewriting {
    inflater: Option<Inflater>,
    passing: PassThrough,
}

#[derive(Debug)]
struct PassThrough {
    reader: Reader,
    rewriter: Rewriter,
}

impl Rewriting {
    /// From `from` to Explicit VR Little Endian, or to Implicit VR Little Endian where `to` is that. One
    /// byte of a deflated data set may inflate to `inflate_ratio_max` on average.
    #[must_use]
    pub fn new(from: Encoding, to: Encoding, limits: Limits, inflate_ratio_max: u64) -> Self {
        let deflated = from == Encoding::DeflatedExplicitVrLittleEndian;
        Self {
            inflater: deflated.then(|| Inflater::new(inflate_ratio_max)),
            passing: PassThrough {
                reader: Reader::new(from.into(), Mode::EnterSequences, limits),
                rewriter: Rewriter::new(to),
            },
        }
    }

    /// The same, told beforehand what a first pass has found ([`Self::measured`]).
    #[must_use]
    pub fn knowing(mut self, image: Image) -> Self {
        self.passing.rewriter = self.passing.rewriter.knowing(image);
        self
    }

    /// Appends to `to` what the next bytes become; takes all of `bytes`. What is inflated at once is
    /// given to `to` at once, so pieces of a deflated data set should be small.
    ///
    /// # Errors
    /// Bytes that are no such data set, or that break a limit.
    pub fn push(&mut self, bytes: &[u8], to: &mut Vec<u8>) -> Result<(), RewriteError> {
        let mut rest = bytes;
        match &mut self.inflater {
            None => self.passing.push(bytes, to),
            Some(inflater) => {
                while let Some(piece) = inflater.next(&mut rest)? {
                    self.passing.push(piece, to)?;
                }
                Ok(())
            }
        }
    }

    /// Ends the data set.
    ///
    /// # Errors
    /// A data set that is cut.
    pub fn finish(&self) -> Result<(), RewriteError> {
        let reader = &self.passing.reader;
        let whole = reader.may_end() && self.inflater.as_ref().is_none_or(Inflater::ended);
        if whole { Ok(()) } else { Err(RewriteError::Truncated(reader.top_level().unwrap_or(Tag(0, 0)))) }
    }

    /// Ends a pass whose output only counts: what the data set says of its pixels, outside of any sequence,
    /// for [`Self::knowing`].
    ///
    /// # Errors
    /// A data set that is cut, and one in which bytes stand that would be lost.
    pub fn measured(&self) -> Result<Image, RewriteError> {
        self.finish()?;
        match self.passing.reader.left_out() {
            Some(tag) => Err(RewriteError::LeftOut(tag)),
            None => Ok(self.passing.rewriter.image()),
        }
    }
}

impl PassThrough {
    fn push(&mut self, bytes: &[u8], to: &mut Vec<u8>) -> Result<(), RewriteError> {
        let mut rest = bytes;
        while let Some(event) = self.reader.next(&mut rest)? {
            self.rewriter.event(event, to)?;
        }
        Ok(())
    }
}
