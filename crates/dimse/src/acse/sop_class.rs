//! Which SOP Classes belong to Storage (PS3.6 §A).

use dicom_core::dictionary::UidDictionary;
use dicom_dictionary_std::{StandardSopClassDictionary, uids};
use instance::Uid;

/// Verification SOP Class (PS3.4 §A.4).
pub const VERIFICATION: &str = uids::VERIFICATION;

/// Modality Performed Procedure Step SOP Class (PS3.4 §F.7.3).
pub const MODALITY_PERFORMED_PROCEDURE_STEP: &str = uids::MODALITY_PERFORMED_PROCEDURE_STEP;

/// Modality Performed Procedure Step Retrieve SOP Class (PS3.4 §F.8.3).
pub const MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE: &str = uids::MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE;

/// Modality Worklist Information Model - FIND (PS3.4 §K.6.1.4).
pub const MODALITY_WORKLIST: &str = uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND;

/// Meta SOP Classes, which the dictionary does not hold (PS3.6 §A); most of them are retired.
const META: [&str; 9] = [
    // Detached Patient, Results and Study Management.
    "1.2.840.10008.3.1.2.1.4",
    "1.2.840.10008.3.1.2.5.4",
    "1.2.840.10008.3.1.2.5.5",
    // Basic and Referenced Color Print Management.
    "1.2.840.10008.5.1.1.18",
    "1.2.840.10008.5.1.1.18.1",
    // Pull Stored Print Management.
    "1.2.840.10008.5.1.1.32",
    // Basic and Referenced Grayscale Print Management.
    "1.2.840.10008.5.1.1.9",
    "1.2.840.10008.5.1.1.9.1",
    // General Purpose Worklist Management.
    "1.2.840.10008.5.1.4.32",
];

/// What PS3.6 says of an abstract syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A Storage SOP Class, retired ones included, since old devices still send them.
    Storage,
    /// A SOP Class of another service.
    OtherService,
    /// Not listed: private, or of a later edition.
    Unknown,
}

/// Looks an abstract syntax up. PS3.6 has no column for the service, but all Storage SOP Classes, and
/// besides them only those of Storage Commitment and the Media Storage Directory, have Storage in their
/// keyword.
#[must_use]
pub fn kind(abstract_syntax: &Uid) -> Kind {
    let uid = abstract_syntax.as_str();
    match StandardSopClassDictionary.by_uid(uid) {
        Some(entry)
            if entry.alias.contains("Storage")
                && !entry.alias.starts_with("StorageCommitment")
                && entry.uid != uids::MEDIA_STORAGE_DIRECTORY_STORAGE =>
        {
            Kind::Storage
        }
        Some(_) => Kind::OtherService,
        None if META.contains(&uid) => Kind::OtherService,
        None => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_storage_from_other_services() {
        let cases = [
            ("1.2.840.10008.5.1.4.1.1.2", Kind::Storage, "CT Image Storage"),
            ("1.2.840.10008.5.1.4.1.1.1.1", Kind::Storage, "Digital X-Ray Image Storage - For Presentation"),
            ("1.2.840.10008.5.1.4.1.1.6", Kind::Storage, "Ultrasound Image Storage (Retired)"),
            ("1.2.840.10008.5.1.4.1.1.88.1", Kind::Storage, "Text SR Storage - Trial (Retired)"),
            ("1.2.840.10008.5.1.1.27", Kind::Storage, "Stored Print Storage (Retired)"),
            ("1.2.840.10008.5.1.1.30", Kind::Storage, "Hardcopy Color Image Storage (Retired)"),
            ("1.2.840.10008.5.1.4.34.7", Kind::Storage, "RT Beams Delivery Instruction Storage"),
            ("1.2.840.10008.5.1.4.38.1", Kind::Storage, "Hanging Protocol Storage"),
            ("1.2.840.10008.5.1.4.43.1", Kind::Storage, "Generic Implant Template Storage"),
            ("1.2.840.10008.5.1.4.1.1.104.1", Kind::Storage, "Encapsulated PDF Storage"),
            ("1.2.840.10008.5.1.4.1.1.200.1", Kind::Storage, "CT Defined Procedure Protocol Storage"),
            ("1.2.840.10008.1.1", Kind::OtherService, "Verification"),
            ("1.2.840.10008.1.3.10", Kind::OtherService, "Media Storage Directory Storage"),
            ("1.2.840.10008.1.20.1", Kind::OtherService, "Storage Commitment Push Model"),
            ("1.2.840.10008.1.20.2", Kind::OtherService, "Storage Commitment Pull Model (Retired)"),
            ("1.2.840.10008.5.1.4.1.2.2.1", Kind::OtherService, "Study Root Q/R Information Model - FIND"),
            ("1.2.840.10008.5.1.4.38.2", Kind::OtherService, "Hanging Protocol Information Model - FIND"),
            ("1.2.840.10008.5.1.4.1.1.200.4", Kind::OtherService, "Protocol Approval - FIND"),
            ("1.2.840.10008.5.1.4.1.1.201.5", Kind::OtherService, "Inventory Creation"),
            ("1.2.840.10008.5.1.4.34.6.1", Kind::OtherService, "Unified Procedure Step - Push"),
            ("1.2.840.10008.5.1.1.9", Kind::OtherService, "Basic Grayscale Print Management Meta"),
            ("1.3.12.2.1107.5.9.1", Kind::Unknown, "Siemens CSA Non-Image Storage"),
            ("1.2.840.10008.5.1.4.1.1.9999", Kind::Unknown, "a Storage SOP Class of a later edition"),
        ];
        for (uid, expected, name) in cases {
            assert_eq!(kind(&uid.parse().unwrap()), expected, "{name}");
        }
    }
}
