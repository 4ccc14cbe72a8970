//! Boundaries (RFC 2046 §5.1.1).

use std::fmt;

use crate::media_type::MediaType;

/// The boundary parameter of a multipart media type: 1 to [`Boundary::LENGTH_MAX`] printable ASCII
/// characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Boundary(String);

/// Why a multipart body has no usable boundary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBoundary {
    /// The media type is not multipart.
    #[error("the media type is not multipart")]
    NotMultipart,
    /// The parameter is absent.
    #[error("the media type has no boundary parameter")]
    Absent,
    /// The parameter is empty, too long or holds a character that is not printable ASCII.
    #[error("the boundary parameter is empty, too long or not printable ASCII")]
    Malformed,
}

impl Boundary {
    /// Characters of the longest boundary that is read. RFC 2046 §5.1.1 and PS3.18 §8.6.1.2.1 allow 70;
    /// servers are known to go beyond it.
    pub const LENGTH_MAX: usize = 200;

    /// A boundary that no data contains except by a chance of 2^-128: 32 hexadecimal digits.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// A boundary known at compile time, which a test of the profiles checks.
    pub(crate) fn literal(value: &'static str) -> Self {
        Self(value.to_owned())
    }

    /// Takes a boundary as written.
    ///
    /// # Errors
    /// [`InvalidBoundary::Malformed`]
    pub fn new(value: &str) -> Result<Self, InvalidBoundary> {
        let value = value.trim_end();
        let printable = value.bytes().all(|byte| (0x20..0x7F).contains(&byte) && byte != b'"');
        if value.is_empty() || value.len() > Self::LENGTH_MAX || !printable {
            return Err(InvalidBoundary::Malformed);
        }
        Ok(Self(value.to_owned()))
    }

    /// The boundary that a Content-Type of any multipart subtype names.
    ///
    /// # Errors
    /// Any media type that is not multipart or names no usable boundary.
    pub fn of(media_type: &MediaType) -> Result<Self, InvalidBoundary> {
        if media_type.kind() != "multipart" {
            return Err(InvalidBoundary::NotMultipart);
        }
        Self::new(media_type.parameter("boundary").ok_or(InvalidBoundary::Absent)?)
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
