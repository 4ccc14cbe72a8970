//! Transfer syntaxes, as far as the bytes of a data set depend on them (PS3.5 §10 and Annex A).

use crate::Uid;

/// A transfer syntax, known or private. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TransferSyntax(Uid);

/// How the data elements of a data set are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Implicit VR Little Endian (PS3.5 §A.1).
    ImplicitVrLittleEndian,
    /// Explicit VR Little Endian (PS3.5 §A.2), also of every encapsulated transfer syntax (§A.4).
    ExplicitVrLittleEndian,
    /// Explicit VR Big Endian (PS3.5 §A.3, retired).
    ExplicitVrBigEndian,
    /// Explicit VR Little Endian, then deflated as a whole (PS3.5 §A.5).
    DeflatedExplicitVrLittleEndian,
}

/// UID of Implicit VR Little Endian.
pub const IMPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";
/// UID of Explicit VR Little Endian.
pub const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// UID of Deflated Explicit VR Little Endian.
pub const DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1.99";
/// UID of Explicit VR Big Endian (retired).
pub const EXPLICIT_VR_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
/// UID of JPIP Referenced Deflate, whose data set is deflated too (PS3.5 §A.7).
const JPIP_REFERENCED_DEFLATE: &str = "1.2.840.10008.1.2.4.95";
/// UID of JPIP HTJ2K Referenced Deflate, whose data set is deflated too.
const JPIP_HTJ2K_REFERENCED_DEFLATE: &str = "1.2.840.10008.1.2.4.205";

impl TransferSyntax {
    /// The transfer syntax that `uid` names; a private one is as good as any other.
    #[must_use]
    pub const fn new(uid: Uid) -> Self {
        Self(uid)
    }

    /// The UID that names it.
    #[must_use]
    pub const fn uid(&self) -> &Uid {
        &self.0
    }

    /// How the data set is written. Everything that is not implicit, big endian or deflated is
    /// Explicit VR Little Endian: PS3.5 §A.4 demands it of encapsulated syntaxes, and private ones
    /// are taken to follow.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        match self.0.as_str() {
            IMPLICIT_VR_LITTLE_ENDIAN => Encoding::ImplicitVrLittleEndian,
            EXPLICIT_VR_BIG_ENDIAN => Encoding::ExplicitVrBigEndian,
            DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN | JPIP_REFERENCED_DEFLATE | JPIP_HTJ2K_REFERENCED_DEFLATE => {
                Encoding::DeflatedExplicitVrLittleEndian
            }
            _ => Encoding::ExplicitVrLittleEndian,
        }
    }
}

impl From<Uid> for TransferSyntax {
    fn from(uid: Uid) -> Self {
        Self(uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_encodings_that_differ() {
        let cases = [
            (IMPLICIT_VR_LITTLE_ENDIAN, Encoding::ImplicitVrLittleEndian),
            (EXPLICIT_VR_LITTLE_ENDIAN, Encoding::ExplicitVrLittleEndian),
            (EXPLICIT_VR_BIG_ENDIAN, Encoding::ExplicitVrBigEndian),
            (DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, Encoding::DeflatedExplicitVrLittleEndian),
            ("1.2.840.10008.1.2.4.90", Encoding::ExplicitVrLittleEndian),
            ("1.2.3.4.5.6", Encoding::ExplicitVrLittleEndian),
        ];
        for (uid, encoding) in cases {
            assert_eq!(TransferSyntax::new(uid.parse().unwrap()).encoding(), encoding, "{uid}");
        }
    }
}
