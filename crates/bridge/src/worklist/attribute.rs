//! The attributes of the Modality Worklist Information Model (PS3.4 §K.6.1.2.2, Table K.6-1).

use dataset::element::VR;
use instance::Tag;

/// Whether an answer has an attribute, with a value or without (PS3.4 §K.6.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReturnType {
    /// 1: with a value.
    One,
    /// 1C: with a value under a condition; here, where the order has one.
    OneC,
    /// 2: with or without a value.
    Two,
    /// 2C: with or without a value under a condition; here always.
    TwoC,
    /// 3: optional, and supported.
    Three,
}

/// An attribute of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) tag: Tag,
    pub(crate) vr: VR,
    pub(crate) return_type: ReturnType,
}

const fn attribute(tag: Tag, vr: VR, return_type: ReturnType) -> Attribute {
    Attribute { tag, vr, return_type }
}

/// (0040,0100) Scheduled Procedure Step Sequence.
pub(crate) const STEPS: Tag = Tag(0x0040, 0x0100);
/// (0040,0001) Scheduled Station AE Title.
pub(crate) const STATION_AE_TITLE: Tag = Tag(0x0040, 0x0001);
/// (0040,0002) Scheduled Procedure Step Start Date.
pub(crate) const START_DATE: Tag = Tag(0x0040, 0x0002);
/// (0040,0003) Scheduled Procedure Step Start Time.
pub(crate) const START_TIME: Tag = Tag(0x0040, 0x0003);
/// (0040,0006) Scheduled Performing Physician's Name.
pub(crate) const PERFORMING_PHYSICIAN: Tag = Tag(0x0040, 0x0006);
/// (0040,0007) Scheduled Procedure Step Description.
pub(crate) const STEP_DESCRIPTION: Tag = Tag(0x0040, 0x0007);
/// (0040,0008) Scheduled Protocol Code Sequence.
pub(crate) const PROTOCOL_CODES: Tag = Tag(0x0040, 0x0008);
/// (0040,0009) Scheduled Procedure Step ID.
pub(crate) const STEP_ID: Tag = Tag(0x0040, 0x0009);
/// (0040,0010) Scheduled Station Name.
pub(crate) const STATION_NAME: Tag = Tag(0x0040, 0x0010);
/// (0040,0011) Scheduled Procedure Step Location.
pub(crate) const STEP_LOCATION: Tag = Tag(0x0040, 0x0011);
/// (0040,0020) Scheduled Procedure Step Status.
pub(crate) const STEP_STATUS: Tag = Tag(0x0040, 0x0020);
/// (0040,1001) Requested Procedure ID.
pub(crate) const PROCEDURE_ID: Tag = Tag(0x0040, 0x1001);
/// (0032,1060) Requested Procedure Description.
pub(crate) const PROCEDURE_DESCRIPTION: Tag = Tag(0x0032, 0x1060);
/// (0032,1064) Requested Procedure Code Sequence.
pub(crate) const PROCEDURE_CODES: Tag = Tag(0x0032, 0x1064);
/// (0008,1030) Study Description.
pub(crate) const STUDY_DESCRIPTION: Tag = Tag(0x0008, 0x1030);
/// (0008,0090) Referring Physician's Name.
pub(crate) const REFERRING_PHYSICIAN: Tag = Tag(0x0008, 0x0090);
/// (0032,1032) Requesting Physician.
pub(crate) const REQUESTING_PHYSICIAN: Tag = Tag(0x0032, 0x1032);
/// (0010,0030) Patient's Birth Date.
pub(crate) const BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
/// (0010,0040) Patient's Sex.
pub(crate) const SEX: Tag = Tag(0x0010, 0x0040);
/// (0010,1000) Other Patient IDs.
pub(crate) const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);
/// (0040,1002) Reason for the Requested Procedure.
pub(crate) const REASON: Tag = Tag(0x0040, 0x1002);

use ReturnType::{One, OneC, Three, Two, TwoC};

/// What an item of (0040,0100) has.
pub(crate) const OF_STEP: &[Attribute] = &[
    attribute(Tag::MODALITY, VR::CS, One),
    attribute(Tag(0x0032, 0x1070), VR::LO, TwoC),
    attribute(STATION_AE_TITLE, VR::AE, One),
    attribute(START_DATE, VR::DA, One),
    attribute(START_TIME, VR::TM, One),
    attribute(Tag(0x0040, 0x0004), VR::DA, Three),
    attribute(Tag(0x0040, 0x0005), VR::TM, Three),
    attribute(PERFORMING_PHYSICIAN, VR::PN, Two),
    attribute(STEP_DESCRIPTION, VR::LO, OneC),
    attribute(PROTOCOL_CODES, VR::SQ, OneC),
    attribute(STEP_ID, VR::SH, One),
    attribute(STATION_NAME, VR::SH, Two),
    attribute(STEP_LOCATION, VR::SH, Two),
    attribute(Tag(0x0040, 0x0012), VR::LO, TwoC),
    attribute(STEP_STATUS, VR::CS, Three),
    attribute(Tag(0x0040, 0x0400), VR::LT, Three),
];

/// What stands beside it: requested procedure, imaging service request, visit and patient.
pub(crate) const BESIDE_STEP: &[Attribute] = &[
    attribute(Tag::ACCESSION_NUMBER, VR::SH, Two),
    attribute(Tag(0x0008, 0x0051), VR::SQ, Three),
    attribute(REFERRING_PHYSICIAN, VR::PN, Two),
    attribute(STUDY_DESCRIPTION, VR::LO, Three),
    attribute(Tag(0x0008, 0x1110), VR::SQ, Two),
    attribute(Tag(0x0008, 0x1120), VR::SQ, Two),
    attribute(Tag::PATIENT_NAME, VR::PN, One),
    attribute(Tag::PATIENT_ID, VR::LO, One),
    attribute(Tag::ISSUER_OF_PATIENT_ID, VR::LO, Three),
    attribute(BIRTH_DATE, VR::DA, Two),
    attribute(SEX, VR::CS, Two),
    attribute(OTHER_PATIENT_IDS, VR::LO, Three),
    attribute(Tag(0x0010, 0x1002), VR::SQ, Three),
    attribute(Tag(0x0010, 0x1020), VR::DS, Three),
    attribute(Tag(0x0010, 0x1030), VR::DS, Two),
    attribute(Tag(0x0010, 0x2000), VR::LO, Two),
    attribute(Tag(0x0010, 0x2110), VR::LO, Two),
    attribute(Tag(0x0010, 0x21B0), VR::LT, Three),
    attribute(Tag(0x0010, 0x21C0), VR::US, Two),
    attribute(Tag(0x0010, 0x4000), VR::LT, Three),
    attribute(Tag::STUDY_INSTANCE_UID, VR::UI, One),
    attribute(REQUESTING_PHYSICIAN, VR::PN, Two),
    attribute(Tag(0x0032, 0x1033), VR::LO, Three),
    attribute(PROCEDURE_DESCRIPTION, VR::LO, OneC),
    attribute(PROCEDURE_CODES, VR::SQ, OneC),
    attribute(Tag(0x0038, 0x0010), VR::LO, Two),
    attribute(Tag(0x0038, 0x0014), VR::SQ, Three),
    attribute(Tag(0x0038, 0x0050), VR::LO, Two),
    attribute(Tag(0x0038, 0x0300), VR::LO, Two),
    attribute(Tag(0x0038, 0x0500), VR::LO, Two),
    attribute(STEPS, VR::SQ, One),
    attribute(PROCEDURE_ID, VR::SH, One),
    attribute(REASON, VR::LO, Three),
    attribute(Tag(0x0040, 0x1003), VR::SH, Two),
    attribute(Tag(0x0040, 0x1004), VR::LO, Two),
    attribute(Tag(0x0040, 0x1400), VR::LT, Three),
    attribute(Tag(0x0040, 0x3001), VR::LO, Two),
];

/// Whether an attribute of a step is a key that is supported, whatever the order has of it.
pub(crate) fn is_of_step(tag: Tag) -> bool {
    OF_STEP.binary_search_by_key(&tag, |attribute| attribute.tag).is_ok()
}

/// Whether an attribute beside the step is a key that is supported, whatever the order has of it.
pub(crate) fn is_beside_step(tag: Tag) -> bool {
    BESIDE_STEP.binary_search_by_key(&tag, |attribute| attribute.tag).is_ok()
}

#[cfg(test)]
mod tests {
    use dataset::json::{ReadLimits, read_all};

    use super::*;

    #[test]
    fn the_tables_are_in_order_and_have_the_vrs_of_the_dictionary() {
        for table in [OF_STEP, BESIDE_STEP] {
            assert!(table.is_sorted_by(|one, next| one.tag < next.tag));
            for attribute in table {
                // A reader of JSON takes the VR of the dictionary where none is written.
                let json = format!("{{\"{:08X}\":{{}}}}", attribute.tag.to_u32());
                let items = read_all(json.as_bytes(), ReadLimits::default()).unwrap();
                assert_eq!(items[0].get(attribute.tag).unwrap().vr, attribute.vr, "{}", attribute.tag);
            }
        }
        assert!(is_of_step(STATION_AE_TITLE) && !is_of_step(Tag::PATIENT_ID));
        assert!(is_beside_step(Tag::PATIENT_ID) && !is_beside_step(Tag::MODALITY));
    }
}
