//! Data element tags (PS3.5 §7.1).

use std::fmt;

/// The tag of a data element: group and element number. Ordered as in a data set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16, pub u16);

impl Tag {
    /// (0008,0005) Specific Character Set.
    pub const SPECIFIC_CHARACTER_SET: Self = Self(0x0008, 0x0005);
    /// (0008,0016) SOP Class UID.
    pub const SOP_CLASS_UID: Self = Self(0x0008, 0x0016);
    /// (0008,0018) SOP Instance UID.
    pub const SOP_INSTANCE_UID: Self = Self(0x0008, 0x0018);
    /// (0008,0020) Study Date.
    pub const STUDY_DATE: Self = Self(0x0008, 0x0020);
    /// (0008,0050) Accession Number.
    pub const ACCESSION_NUMBER: Self = Self(0x0008, 0x0050);
    /// (0008,0060) Modality.
    pub const MODALITY: Self = Self(0x0008, 0x0060);
    /// (0010,0010) Patient's Name.
    pub const PATIENT_NAME: Self = Self(0x0010, 0x0010);
    /// (0010,0020) Patient ID.
    pub const PATIENT_ID: Self = Self(0x0010, 0x0020);
    /// (0010,0021) Issuer of Patient ID.
    pub const ISSUER_OF_PATIENT_ID: Self = Self(0x0010, 0x0021);
    /// (0020,000D) Study Instance UID.
    pub const STUDY_INSTANCE_UID: Self = Self(0x0020, 0x000D);
    /// (0020,000E) Series Instance UID.
    pub const SERIES_INSTANCE_UID: Self = Self(0x0020, 0x000E);
    /// (7FE0,0010) Pixel Data.
    pub const PIXEL_DATA: Self = Self(0x7FE0, 0x0010);

    /// The group number.
    #[must_use]
    pub const fn group(self) -> u16 {
        self.0
    }

    /// The element number.
    #[must_use]
    pub const fn element(self) -> u16 {
        self.1
    }

    /// Group and element in one number, as DICOM JSON and AT values order them.
    #[must_use]
    pub const fn to_u32(self) -> u32 {
        ((self.0 as u32) << 16) | self.1 as u32
    }

    /// Whether the group is odd, which marks a private data element (PS3.5 §7.8).
    #[must_use]
    pub const fn is_private(self) -> bool {
        self.0 % 2 == 1
    }
}

impl From<u32> for Tag {
    fn from(value: u32) -> Self {
        let [g1, g2, e1, e2] = value.to_be_bytes();
        Self(u16::from_be_bytes([g1, g2]), u16::from_be_bytes([e1, e2]))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:04X},{:04X})", self.0, self.1)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_prints_as_the_standard_does() {
        assert!(Tag::PATIENT_ID < Tag::STUDY_INSTANCE_UID);
        assert_eq!(Tag::PIXEL_DATA.to_string(), "(7FE0,0010)");
        assert_eq!(Tag::from(0x7FE0_0010), Tag::PIXEL_DATA);
        assert_eq!(Tag::PIXEL_DATA.to_u32(), 0x7FE0_0010);
    }
}
