//! Unique identifiers (PS3.5 §9).

use std::{fmt, str::FromStr, sync::Arc};

use crate::padding;

/// A unique identifier: 1 to 64 characters, digits and dots (PS3.5 §9.1).
///
/// Reading is tolerant where installed devices err without harm: trailing NUL and space padding is
/// taken off, a component may begin with a zero, and dots may stand anywhere. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(Arc<str>);

/// Why a value is not a unique identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUid {
    /// Nothing is left once the padding is taken off.
    #[error("the UID is empty")]
    Empty,
    /// More than 64 characters (PS3.5 §9.1).
    #[error("the UID has {0} characters, 64 are allowed")]
    TooLong(usize),
    /// A character other than a digit or a dot.
    #[error("the UID holds a character that is neither digit nor dot at position {0}")]
    Character(usize),
}

impl Uid {
    /// Characters of the longest UID (PS3.5 §9.1).
    pub const LENGTH_MAX: usize = 64;

    /// Reads a value as it stands in a data set or a PDU, padding included.
    ///
    /// # Errors
    /// Any value that is not a UID even when read with tolerance.
    pub fn from_bytes(value: &[u8]) -> Result<Self, InvalidUid> {
        let value = padding::taken_off(value);
        if value.is_empty() {
            return Err(InvalidUid::Empty);
        }
        if value.len() > Self::LENGTH_MAX {
            return Err(InvalidUid::TooLong(value.len()));
        }
        if let Some(position) = value.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.') {
            return Err(InvalidUid::Character(position));
        }
        let text = std::str::from_utf8(value).map_err(|error| InvalidUid::Character(error.valid_up_to()))?;
        Ok(Self(Arc::from(text)))
    }

    /// The characters, without padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as a data element holds it: padded with one NUL to even length (PS3.5 §9.1).
    #[must_use]
    pub fn to_padded(&self) -> Vec<u8> {
        let mut value = self.0.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(0);
        }
        value
    }
}

impl FromStr for Uid {
    type Err = InvalidUid;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(value.as_bytes())
    }
}

impl AsRef<str> for Uid {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_devices_send() {
        let cases: &[(&[u8], Result<&str, InvalidUid>)] = &[
            (b"1.2.840.10008.1.1", Ok("1.2.840.10008.1.1")),
            (b"1.2.3\0", Ok("1.2.3")),
            (b"1.2.3\0\0", Ok("1.2.3")),
            (b" 1.2.3  ", Ok("1.2.3")),
            (b"1.02.3", Ok("1.02.3")),
            (b"", Err(InvalidUid::Empty)),
            (b"\0\0", Err(InvalidUid::Empty)),
            (b"  ", Err(InvalidUid::Empty)),
            (b"1.2/3", Err(InvalidUid::Character(3))),
            (b"1.2\\1.3", Err(InvalidUid::Character(3))),
            (&[b'1'; 65], Err(InvalidUid::TooLong(65))),
        ];
        for (value, expected) in cases {
            let got = Uid::from_bytes(value);
            assert_eq!(got.as_ref().map(Uid::as_str), expected.as_ref().map(|s| *s), "{value:?}");
        }
    }

    #[test]
    fn pads_to_even_length() {
        assert_eq!(Uid::from_str("1.2").unwrap().to_padded(), b"1.2\0");
        assert_eq!(Uid::from_str("1.23").unwrap().to_padded(), b"1.23");
    }
}
