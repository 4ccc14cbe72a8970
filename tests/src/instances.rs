//! Instances for tests: data sets put together by hand, or bodies of files.

use std::path::Path;

use instance::part10;

/// CT Image Storage (PS3.4 §B.5).
pub const CT_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Explicit VR Little Endian (PS3.5 §A.2).
pub const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Implicit VR Little Endian (PS3.5 §A.1).
pub const IMPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";

/// One instance as a modality would send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// SOP Class UID.
    pub sop_class: String,
    /// SOP Instance UID.
    pub sop_instance: String,
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID.
    pub series: String,
    /// Transfer Syntax UID.
    pub transfer_syntax: String,
    /// The data set's bytes, without File Meta Information.
    pub data_set: Vec<u8>,
}

/// An element in Explicit VR Little Endian (PS3.5 §7.1.2), padded to even length.
#[must_use]
pub fn element(group: u16, number: u16, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len() + 13);
    bytes.extend_from_slice(&group.to_le_bytes());
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(vr.as_bytes());
    let padded = value.len() + value.len() % 2;
    if matches!(vr, "OB" | "OW" | "OF" | "OD" | "OL" | "SQ" | "UN" | "UT" | "UC" | "UR") {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&u32::try_from(padded).unwrap_or(u32::MAX).to_le_bytes());
    } else {
        bytes.extend_from_slice(&u16::try_from(padded).unwrap_or(u16::MAX).to_le_bytes());
    }
    bytes.extend_from_slice(value);
    if value.len() % 2 == 1 {
        bytes.push(if vr == "UI" || vr == "OB" { 0 } else { b' ' });
    }
    bytes
}

impl Instance {
    /// A CT slice with `pixels` bytes of Pixel Data that depend on its UID, in Explicit VR Little
    /// Endian. Studies and slices with the same numbers are the same instance.
    #[must_use]
    pub fn ct(study: u32, slice: u32, pixels: usize) -> Self {
        let study_uid = format!("2.25.9000{study}");
        let series = format!("{study_uid}.1");
        let sop_instance = format!("{series}.{slice}");
        let data_set = ct_data_set(&study_uid, &series, &sop_instance, slice, pixels);
        Self {
            sop_class: CT_IMAGE_STORAGE.to_owned(),
            sop_instance,
            study: study_uid,
            series,
            transfer_syntax: EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
            data_set,
        }
    }

    /// The first `count` slices of a study.
    #[must_use]
    pub fn study(study: u32, count: u32, pixels: usize) -> Vec<Self> {
        (1..=count).map(|slice| Self::ct(study, slice, pixels)).collect()
    }

    /// The same instance of another SOP Class, whose UID has as many characters.
    ///
    /// # Panics
    /// Where it has more or fewer.
    #[must_use]
    pub fn of_class(&self, sop_class: &str) -> Self {
        assert_eq!(sop_class.len(), self.sop_class.len(), "UIDs of one length");
        let mut other = self.clone();
        let old = self.sop_class.as_bytes();
        let at = other.data_set.windows(old.len()).position(|window| window == old).expect("a SOP Class UID");
        other.data_set[at..at + old.len()].copy_from_slice(sop_class.as_bytes());
        other.sop_class = sop_class.to_owned();
        other
    }

    /// The same instance with another last byte of Pixel Data.
    ///
    /// # Panics
    /// Where the data set is empty.
    #[must_use]
    pub fn with_other_content(&self) -> Self {
        let mut other = self.clone();
        *other.data_set.last_mut().expect("a data set") ^= 0xFF;
        other
    }

    /// The instance as a Part 10 file.
    ///
    /// # Panics
    /// Where a UID is none.
    #[must_use]
    pub fn file(&self) -> Vec<u8> {
        let uid = |text: &str| instance::Uid::from_bytes(text.as_bytes()).expect("a UID");
        let meta = part10::FileMeta {
            sop_class_uid: uid(&self.sop_class),
            sop_instance_uid: uid(&self.sop_instance),
            transfer_syntax: instance::TransferSyntax::new(uid(&self.transfer_syntax)),
        };
        let mut file = part10::write(&meta, None);
        file.extend_from_slice(&self.data_set);
        file
    }

    /// Writes the instance as a Part 10 file.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.file()).expect("a file");
    }
}

fn ct_data_set(study: &str, series: &str, sop_instance: &str, slice: u32, pixels: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(pixels + 1024);
    let mut put = |group, number, vr: &str, value: &[u8]| bytes.extend(element(group, number, vr, value));
    put(0x0008, 0x0005, "CS", b"ISO_IR 100");
    put(0x0008, 0x0016, "UI", CT_IMAGE_STORAGE.as_bytes());
    put(0x0008, 0x0018, "UI", sop_instance.as_bytes());
    put(0x0008, 0x0020, "DA", b"20260102");
    put(0x0008, 0x0060, "CS", b"CT");
    put(0x0010, 0x0010, "PN", b"Test^Patient");
    put(0x0010, 0x0020, "LO", b"TEST-1");
    put(0x0020, 0x000D, "UI", study.as_bytes());
    put(0x0020, 0x000E, "UI", series.as_bytes());
    put(0x0020, 0x0013, "IS", slice.to_string().as_bytes());
    put(0x7FE0, 0x0010, "OW", &noise(sop_instance, pixels));
    bytes
}

/// Bytes that depend on a name and never repeat in a short cycle, so that a part that went missing or
/// came twice shows.
fn noise(name: &str, length: usize) -> Vec<u8> {
    let mut state = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
