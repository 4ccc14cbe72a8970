//! Identifiers of C-FIND, C-MOVE and C-GET (PS3.4 §C.4): small data sets, bytes to [`Item`] and
//! back, with text in the character set that (0008,0005) names.
//!
//! In the item all text is Unicode, so (0008,0005) is not part of it.

mod read;
#[cfg(test)]
mod tests;
mod value;
mod write;

use instance::{Encoding, Tag};

pub use self::write::{OnUnmappable, Written, encode_for, fits, write};
use crate::{character_set::CharacterSet, element::ElementError, json::Item, scan::InflateError};

/// Most bytes of an identifier, also after inflation: 1 MiB, room for a list of 16,000 UIDs.
pub const LENGTH_MAX: usize = 1024 * 1024;

/// Most levels of sequences and items of an identifier, together: 32. Keys of worklists nest 6 deep.
pub const DEPTH_MAX: usize = 32;

/// Most elements and items of an identifier: 65,536; it bounds memory to some 10 MB. Workstations
/// send up to some hundred.
pub const ELEMENTS_MAX: u64 = 65_536;

/// Most values of an identifier: 65,536, for the same reason. Lists of UIDs are the longest.
pub const VALUES_MAX: usize = 65_536;

/// What reading a data set may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes, also after inflation. Default: [`LENGTH_MAX`].
    pub length_max: usize,
    /// Most elements and items. Default: [`ELEMENTS_MAX`].
    pub elements_max: u64,
    /// Most values. Default: [`VALUES_MAX`].
    pub values_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { length_max: LENGTH_MAX, elements_max: ELEMENTS_MAX, values_max: VALUES_MAX }
    }
}

impl Limits {
    /// Limits for a data set of so many bytes, with as many elements and values for each of them as an
    /// identifier may have.
    #[must_use]
    pub const fn of_length(length_max: usize) -> Self {
        let values_max = length_max / (LENGTH_MAX / VALUES_MAX);
        Self { length_max, elements_max: values_max as u64, values_max }
    }
}

/// A decoded identifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Identifier {
    /// The elements, without group lengths and (0008,0005), text in Unicode.
    pub item: Item,
    /// The character set that the text was in: the one that the identifier names, else the assumed
    /// one, else the default repertoire.
    pub character_set: CharacterSet,
    /// Whether the identifier names it.
    pub character_set_named: bool,
}

/// Why bytes are no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// More bytes than [`Limits::length_max`].
    #[error("the identifier has too many bytes")]
    TooLong,
    /// More values than [`Limits::values_max`].
    #[error("the identifier has too many values")]
    TooManyValues(Tag),
    /// It nests too deep or has too many elements.
    #[error(transparent)]
    Element(#[from] ElementError),
    /// It ends inside an element.
    #[error("the identifier ends inside {0}")]
    Truncated(Tag),
    /// It cannot be inflated.
    #[error(transparent)]
    Inflate(#[from] InflateError),
    /// (0008,0005) has a term that PS3.3 does not define, and there is text beyond ASCII.
    #[error("{0:?} is no known Specific Character Set")]
    UnknownCharacterSet(String),
    /// The text is not in the character set that (0008,0005) names.
    #[error("{0} is not in the Specific Character Set of the identifier")]
    Undecodable(Tag),
}

impl IdentifierError {
    /// The offending element, for (0000,0901), where one is at fault.
    #[must_use]
    pub const fn offending(&self) -> Option<Tag> {
        match self {
            Self::TooManyValues(tag) | Self::Truncated(tag) | Self::Undecodable(tag) => Some(*tag),
            Self::UnknownCharacterSet(_) => Some(Tag::SPECIFIC_CHARACTER_SET),
            Self::Element(ElementError::Malformed(tag)) => Some(*tag),
            Self::TooLong | Self::Element(_) | Self::Inflate(_) => None,
        }
    }
}

impl Identifier {
    /// Reads an identifier in `encoding`; `assumed` is the character set where it names none.
    ///
    /// It tolerates what installed devices send: group lengths, odd lengths and a missing last pad,
    /// sequences of defined and of undefined length, missing delimiters, implicit VR where explicit
    /// was negotiated and the reverse. A (0008,0005) with an unknown term is passed over while all
    /// text is ASCII.
    ///
    /// # Errors
    /// See [`IdentifierError`].
    pub fn read(
        bytes: &[u8],
        encoding: Encoding,
        assumed: Option<&CharacterSet>,
    ) -> Result<Self, IdentifierError> {
        read::read(bytes, encoding, assumed, Limits::default())
    }

    /// As [`Self::read`], for a data set of other limits, such as the attribute list of an N-CREATE.
    ///
    /// # Errors
    /// See [`IdentifierError`].
    pub fn read_within(
        bytes: &[u8],
        encoding: Encoding,
        assumed: Option<&CharacterSet>,
        limits: Limits,
    ) -> Result<Self, IdentifierError> {
        read::read(bytes, encoding, assumed, limits)
    }
}
