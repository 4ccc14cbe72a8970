//! Levels of the Query/Retrieve Information Models and their keys (PS3.4 §C.6).

use dimse::acse::InformationModel;
use instance::Tag;

/// (0008,0052) Query/Retrieve Level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// PATIENT.
    Patient,
    /// STUDY.
    Study,
    /// SERIES.
    Series,
    /// IMAGE: composite instances of every kind.
    Image,
}

/// (0008,0052) Query/Retrieve Level.
pub(crate) const QUERY_RETRIEVE_LEVEL: Tag = Tag(0x0008, 0x0052);
/// (0008,0053) Query/Retrieve View.
pub(crate) const QUERY_RETRIEVE_VIEW: Tag = Tag(0x0008, 0x0053);
/// (0008,0054) Retrieve AE Title.
pub(crate) const RETRIEVE_AE_TITLE: Tag = Tag(0x0008, 0x0054);
/// (0008,0056) Instance Availability.
pub(crate) const INSTANCE_AVAILABILITY: Tag = Tag(0x0008, 0x0056);
/// (0008,0201) Timezone Offset From UTC.
pub(crate) const TIMEZONE_OFFSET_FROM_UTC: Tag = Tag(0x0008, 0x0201);
/// (0008,1190) Retrieve URL.
pub(crate) const RETRIEVE_URL: Tag = Tag(0x0008, 0x1190);
/// (0008,0061) Modalities in Study.
pub(crate) const MODALITIES_IN_STUDY: Tag = Tag(0x0008, 0x0061);
/// (0008,0062) SOP Classes in Study.
pub(crate) const SOP_CLASSES_IN_STUDY: Tag = Tag(0x0008, 0x0062);
/// (0008,3002) Available Transfer Syntax UID.
pub(crate) const AVAILABLE_TRANSFER_SYNTAX_UID: Tag = Tag(0x0008, 0x3002);
/// (0020,1200) Number of Patient Related Studies.
pub(crate) const PATIENT_RELATED_STUDIES: Tag = Tag(0x0020, 0x1200);
/// (0020,1202) Number of Patient Related Series.
pub(crate) const PATIENT_RELATED_SERIES: Tag = Tag(0x0020, 0x1202);
/// (0020,1204) Number of Patient Related Instances.
pub(crate) const PATIENT_RELATED_INSTANCES: Tag = Tag(0x0020, 0x1204);
/// (0020,1206) Number of Study Related Series.
pub(crate) const STUDY_RELATED_SERIES: Tag = Tag(0x0020, 0x1206);
/// (0020,1208) Number of Study Related Instances.
pub(crate) const STUDY_RELATED_INSTANCES: Tag = Tag(0x0020, 0x1208);
/// (0020,1209) Number of Series Related Instances.
pub(crate) const SERIES_RELATED_INSTANCES: Tag = Tag(0x0020, 0x1209);

impl Level {
    /// All of them, from the top.
    pub(crate) const ALL: [Self; 4] = [Self::Patient, Self::Study, Self::Series, Self::Image];

    /// Reads the value of (0008,0052).
    pub(crate) fn from_value(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == value.trim())
    }

    /// The value of (0008,0052).
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "PATIENT",
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Image => "IMAGE",
        }
    }

    /// The unique key (PS3.4 §C.6.1.1, §C.6.2.1).
    pub(crate) const fn unique_key(self) -> Tag {
        match self {
            Self::Patient => Tag::PATIENT_ID,
            Self::Study => Tag::STUDY_INSTANCE_UID,
            Self::Series => Tag::SERIES_INSTANCE_UID,
            Self::Image => Tag::SOP_INSTANCE_UID,
        }
    }

    /// The levels of an information model, from the top.
    pub(crate) const fn of(model: InformationModel) -> &'static [Self] {
        match model {
            InformationModel::PatientRoot => &Self::ALL,
            InformationModel::StudyRoot => &[Self::Study, Self::Series, Self::Image],
            InformationModel::PatientStudyOnly => &[Self::Patient, Self::Study],
            // It has steps, and no levels.
            InformationModel::ModalityWorklist => &[],
        }
    }

    /// The level that an attribute belongs to, of those that are looked up in queries: the keys of PS3.4
    /// §C.6.1.1 and §C.6.2.1, the attributes of PS3.18 §10.6.3.3, and what workstations show in lists.
    /// None for the others, which any level may hold.
    pub(crate) fn of_attribute(tag: Tag) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.attributes().contains(&(tag.group(), tag.element())))
    }

    const fn attributes(self) -> &'static [(u16, u16)] {
        match self {
            Self::Patient => PATIENT,
            Self::Study => STUDY,
            Self::Series => SERIES,
            Self::Image => IMAGE,
        }
    }
}

/// Whether the attribute is a unique or a required key of PS3.4 §C.6.1.1 and §C.6.2.1, which every origin
/// gives where it has them (PS3.18 §10.6.3.3).
pub(crate) fn is_required(tag: Tag) -> bool {
    REQUIRED.contains(&(tag.group(), tag.element()))
}

const REQUIRED: [(u16, u16); 12] = [
    (0x0008, 0x0018), // SOP Instance UID
    (0x0008, 0x0020), // Study Date
    (0x0008, 0x0030), // Study Time
    (0x0008, 0x0050), // Accession Number
    (0x0008, 0x0060), // Modality
    (0x0010, 0x0010), // Patient's Name
    (0x0010, 0x0020), // Patient ID
    (0x0020, 0x000D), // Study Instance UID
    (0x0020, 0x000E), // Series Instance UID
    (0x0020, 0x0010), // Study ID
    (0x0020, 0x0011), // Series Number
    (0x0020, 0x0013), // Instance Number
];

/// Attributes of the patient (PS3.4 §C.6.1.1.2, PS3.3 §C.7.1.1).
const PATIENT: &[(u16, u16)] = &[
    (0x0010, 0x0010), // Patient's Name
    (0x0010, 0x0020), // Patient ID
    (0x0010, 0x0021), // Issuer of Patient ID
    (0x0010, 0x0024), // Issuer of Patient ID Qualifiers Sequence
    (0x0010, 0x0030), // Patient's Birth Date
    (0x0010, 0x0032), // Patient's Birth Time
    (0x0010, 0x0040), // Patient's Sex
    (0x0010, 0x1000), // Other Patient IDs
    (0x0010, 0x1001), // Other Patient Names
    (0x0010, 0x1002), // Other Patient IDs Sequence
    (0x0010, 0x2160), // Ethnic Group
    (0x0010, 0x4000), // Patient Comments
    (0x0020, 0x1200), // Number of Patient Related Studies
    (0x0020, 0x1202), // Number of Patient Related Series
    (0x0020, 0x1204), // Number of Patient Related Instances
];

/// Attributes of the study (PS3.4 §C.6.2.1.2, PS3.3 §C.7.2.1, §C.7.2.2).
const STUDY: &[(u16, u16)] = &[
    (0x0008, 0x0020), // Study Date
    (0x0008, 0x0030), // Study Time
    (0x0008, 0x0050), // Accession Number
    (0x0008, 0x0051), // Issuer of Accession Number Sequence
    (0x0008, 0x0061), // Modalities in Study
    (0x0008, 0x0062), // SOP Classes in Study
    (0x0008, 0x0063), // Anatomic Regions in Study Code Sequence
    (0x0008, 0x0090), // Referring Physician's Name
    (0x0008, 0x1030), // Study Description
    (0x0008, 0x1032), // Procedure Code Sequence
    (0x0008, 0x1048), // Physician(s) of Record
    (0x0008, 0x1060), // Name of Physician(s) Reading Study
    (0x0008, 0x1080), // Admitting Diagnoses Description
    (0x0010, 0x1010), // Patient's Age
    (0x0010, 0x1020), // Patient's Size
    (0x0010, 0x1030), // Patient's Weight
    (0x0010, 0x2180), // Occupation
    (0x0010, 0x21B0), // Additional Patient History
    (0x0020, 0x000D), // Study Instance UID
    (0x0020, 0x0010), // Study ID
    (0x0020, 0x1070), // Other Study Numbers
    (0x0020, 0x1206), // Number of Study Related Series
    (0x0020, 0x1208), // Number of Study Related Instances
];

/// Attributes of the series (PS3.4 §C.6.1.1.4, PS3.3 §C.7.3.1, §C.7.5.1, PS3.18 §10.6.3.3).
const SERIES: &[(u16, u16)] = &[
    (0x0008, 0x0021), // Series Date
    (0x0008, 0x0031), // Series Time
    (0x0008, 0x0060), // Modality
    (0x0008, 0x0070), // Manufacturer
    (0x0008, 0x0080), // Institution Name
    (0x0008, 0x1010), // Station Name
    (0x0008, 0x103E), // Series Description
    (0x0008, 0x1040), // Institutional Department Name
    (0x0008, 0x1050), // Performing Physician's Name
    (0x0008, 0x1070), // Operators' Name
    (0x0008, 0x1090), // Manufacturer's Model Name
    (0x0018, 0x0015), // Body Part Examined
    (0x0018, 0x1030), // Protocol Name
    (0x0018, 0x5100), // Patient Position
    (0x0020, 0x000E), // Series Instance UID
    (0x0020, 0x0011), // Series Number
    (0x0020, 0x0060), // Laterality
    (0x0020, 0x1209), // Number of Series Related Instances
    (0x0040, 0x0244), // Performed Procedure Step Start Date
    (0x0040, 0x0245), // Performed Procedure Step Start Time
    (0x0040, 0x0253), // Performed Procedure Step ID
    (0x0040, 0x0254), // Performed Procedure Step Description
    (0x0040, 0x0275), // Request Attributes Sequence
];

/// Attributes of the instance (PS3.4 §C.6.1.1.5, PS3.18 §10.6.3.3).
const IMAGE: &[(u16, u16)] = &[
    (0x0008, 0x0008), // Image Type
    (0x0008, 0x0012), // Instance Creation Date
    (0x0008, 0x0013), // Instance Creation Time
    (0x0008, 0x0016), // SOP Class UID
    (0x0008, 0x0018), // SOP Instance UID
    (0x0008, 0x0022), // Acquisition Date
    (0x0008, 0x0023), // Content Date
    (0x0008, 0x002A), // Acquisition DateTime
    (0x0008, 0x0032), // Acquisition Time
    (0x0008, 0x0033), // Content Time
    (0x0008, 0x3002), // Available Transfer Syntax UID
    (0x0020, 0x0012), // Acquisition Number
    (0x0020, 0x0013), // Instance Number
    (0x0020, 0x4000), // Image Comments
    (0x0028, 0x0008), // Number of Frames
    (0x0028, 0x0010), // Rows
    (0x0028, 0x0011), // Columns
    (0x0028, 0x0100), // Bits Allocated
    (0x0040, 0xA043), // Concept Name Code Sequence
    (0x0040, 0xA493), // Verification Flag
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unique_key_belongs_to_its_level_and_no_attribute_to_two() {
        for level in Level::ALL {
            assert_eq!(Level::from_value(&format!("{} ", level.as_str())), Some(level));
            assert_eq!(Level::of_attribute(level.unique_key()), Some(level));
            for (group, element) in level.attributes() {
                assert_eq!(
                    Level::of_attribute(Tag(*group, *element)),
                    Some(level),
                    "{group:04X},{element:04X}"
                );
            }
        }
        assert_eq!(Level::from_value("FRAME"), None);
        assert_eq!(Level::of_attribute(Tag(0x0009, 0x0010)), None);
        assert_eq!(Level::of(InformationModel::StudyRoot).first(), Some(&Level::Study));
    }
}
