//! Application Entity titles (PS3.8 §9.3.2, value representation AE of PS3.5 §6.2).

use std::{fmt, str::FromStr, sync::Arc};

use crate::padding;

/// An AE title: 1 to 16 characters of the default repertoire, no backslash, no control characters.
/// Leading and trailing spaces are not significant; case is. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AeTitle(Arc<str>);

/// Why a value is not an AE title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAeTitle {
    /// Nothing but padding.
    #[error("the AE title is empty")]
    Empty,
    /// More than 16 characters.
    #[error("the AE title has {0} characters, 16 are allowed")]
    TooLong(usize),
    /// A backslash, a control character or a character outside ASCII.
    #[error("the AE title holds a character that is not allowed at position {0}")]
    Character(usize),
}

impl AeTitle {
    /// Characters of the longest AE title.
    pub const LENGTH_MAX: usize = 16;

    /// Reads a value as it stands in a PDU or a data element; space and NUL padding is taken off.
    ///
    /// # Errors
    /// Any value that is not an AE title even when read with tolerance.
    pub fn from_bytes(value: &[u8]) -> Result<Self, InvalidAeTitle> {
        let value = padding::taken_off(value);
        if value.is_empty() {
            return Err(InvalidAeTitle::Empty);
        }
        if value.len() > Self::LENGTH_MAX {
            return Err(InvalidAeTitle::TooLong(value.len()));
        }
        let allowed = |byte: &u8| (0x20..0x7F).contains(byte) && *byte != b'\\';
        if let Some(position) = value.iter().position(|byte| !allowed(byte)) {
            return Err(InvalidAeTitle::Character(position));
        }
        let text =
            std::str::from_utf8(value).map_err(|error| InvalidAeTitle::Character(error.valid_up_to()))?;
        Ok(Self(Arc::from(text)))
    }

    /// The characters, without padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The title padded with spaces to the 16 bytes that an A-ASSOCIATE PDU carries (PS3.8 §9.3.2).
    #[must_use]
    pub fn to_field(&self) -> [u8; Self::LENGTH_MAX] {
        let mut field = [b' '; Self::LENGTH_MAX];
        for (to, from) in field.iter_mut().zip(self.0.as_bytes()) {
            *to = *from;
        }
        field
    }
}

impl FromStr for AeTitle {
    type Err = InvalidAeTitle;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(value.as_bytes())
    }
}

impl AsRef<str> for AeTitle {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_devices_send() {
        let cases: &[(&[u8], Result<&str, InvalidAeTitle>)] = &[
            (b"STORESCU        ", Ok("STORESCU")),
            (b"  CT 1", Ok("CT 1")),
            (b"CT1\0\0\0", Ok("CT1")),
            (b"                ", Err(InvalidAeTitle::Empty)),
            (b"A\\B", Err(InvalidAeTitle::Character(1))),
            (b"A\nB", Err(InvalidAeTitle::Character(1))),
            (b"12345678901234567", Err(InvalidAeTitle::TooLong(17))),
        ];
        for (value, expected) in cases {
            let got = AeTitle::from_bytes(value);
            assert_eq!(got.as_ref().map(AeTitle::as_str), expected.as_ref().map(|s| *s), "{value:?}");
        }
    }

    #[test]
    fn pads_with_spaces_to_sixteen() {
        assert_eq!(&AeTitle::from_str("CT1").unwrap().to_field(), b"CT1             ");
    }
}
