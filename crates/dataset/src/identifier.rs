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
    /// More bytes than [`LENGTH_MAX`].
    #[error("the identifier has more than {max} bytes", max = LENGTH_MAX)]
    TooLong,
    /// More values than [`VALUES_MAX`].
    #[error("the identifier has more than {max} values", max = VALUES_MAX)]
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
        read::read(bytes, encoding, assumed)
    }
}
