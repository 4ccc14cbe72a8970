//! The bounded scan of a data set that passes by.
//!
//! [`Scanner`] takes a stream in pieces of any size, keeps the wanted attributes and nothing else,
//! and says when it has seen enough. Everything else is skipped by length, so megabytes of private
//! data may stand before (0020,000D). [`check_whole`] is the same care for a small data set that is
//! about to be read as a whole by a library that trusts its lengths. [`Passing`] tells of a data set
//! of any size whether it was cut.

mod attributes;
mod passing;
mod scanner;
#[cfg(test)]
mod tests;
mod wanted;

use instance::{Encoding, Tag};

pub use self::{
    attributes::{Attributes, IdentityError},
    passing::Passing,
    scanner::Scanner,
    wanted::Wanted,
};
use crate::element::{ElementError, Limits, Mode, Reader};
pub use crate::inflate::{InflateError, inflate_whole};

/// What a scan may cost, whatever the bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// Most levels of sequences and items; default 64. Real objects have fewer than 20 (an SR tree
    /// is two levels per content item), and it bounds the stack of open frames.
    pub depth_max: usize,
    /// Most elements, items and fragments; default 1,000,000. Whole series of functional groups
    /// stay below it, and 12 bytes of input cost no more than one of them.
    pub elements_max: u64,
    /// Most bytes of values kept, all attributes together; default 64 KiB. What does not fit is
    /// left out. The identity takes 256 bytes; queries and routes need a few hundred more.
    pub kept_bytes_max: usize,
    /// Most bytes kept of one value; default 4 KiB. A longer value is cut there: no attribute that
    /// routes or queries look at may be that long (PS3.5 §6.2).
    pub value_length_max: usize,
    /// Most bytes that one byte of a deflated data set may inflate to, on average, beyond the first
    /// MiB; default 256. Deflate itself ends near 1030; images compress 2 to 10 times.
    pub inflate_ratio_max: u64,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self {
            depth_max: 64,
            elements_max: 1_000_000,
            kept_bytes_max: 64 * 1024,
            value_length_max: 4 * 1024,
            inflate_ratio_max: 256,
        }
    }
}

/// Whether a scan needs to see more of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More may come.
    NeedMore,
    /// All that was wanted has been seen; further bytes are not looked at.
    Done,
}

/// Why bytes could not be read as a data set; the caller answers C000 (PS3.4 §B.2.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The data set ends inside an element that was needed, or before it.
    #[error("the data set ends inside {0}")]
    Truncated(Tag),
    /// Sequences nest deeper than [`ScanLimits::depth_max`].
    #[error("sequences nest deeper than {0} levels")]
    TooDeep(usize),
    /// More elements than [`ScanLimits::elements_max`].
    #[error("the data set has more than {0} elements")]
    TooManyElements(u64),
    /// The bytes break the encoding where no tolerance helps.
    #[error("the data set is malformed at {0}")]
    Malformed(Tag),
    /// The deflated stream is broken, or grows beyond [`ScanLimits::inflate_ratio_max`].
    #[error(transparent)]
    Inflate(#[from] InflateError),
}

/// Checks a whole small data set before a library may read it: no element is longer than what is
/// present, depth and count stay within `limits`, and nothing in it needs tolerance, so that the
/// library reads the same structure. A deflated data set must have gone through [`inflate_whole`].
///
/// # Errors
/// The first fault found.
pub fn check_whole(bytes: &[u8], encoding: Encoding, limits: ScanLimits) -> Result<(), ScanError> {
    let limits = Limits { depth_max: limits.depth_max, elements_max: limits.elements_max };
    let mut reader = Reader::new(encoding.into(), Mode::Strict, limits);
    let mut rest = bytes;
    while reader.next(&mut rest)?.is_some() {}
    if reader.may_end() { Ok(()) } else { Err(ScanError::Truncated(reader.top_level().unwrap_or(Tag(0, 0)))) }
}

impl From<ElementError> for ScanError {
    fn from(error: ElementError) -> Self {
        match error {
            ElementError::TooDeep(levels) => Self::TooDeep(levels),
            ElementError::TooManyElements(count) => Self::TooManyElements(count),
            ElementError::Malformed(tag) => Self::Malformed(tag),
        }
    }
}
