//! The attributes that the index keeps: those that PS3.18 §10.6.1.2 wants matched, those that
//! PS3.18 §10.6.3.3 wants returned, and a few that clients like to include.

use instance::Tag;

/// Levels of the information model, from the top (PS3.4 §C.6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Study,
    Series,
    Instance,
}

/// How a column comes into being and is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text as it stands in the data set.
    Text,
    /// Person names: matched without regard to case, each component group by itself.
    PersonName,
    /// Dates and times: ranges are allowed.
    DateTime,
    /// Binary unsigned short, kept as decimal text.
    Number,
    /// A UID: a list is allowed.
    Uid,
    /// A sequence, kept as the array of its items in the JSON Model; some of their attributes can be
    /// matched, see [`ITEM_KEYS`].
    Sequence,
    /// Not in the data set: computed by the index from what is stored.
    Computed,
}

/// One column of the index. Its name is the keyword of PS3.6 §6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) tag: Tag,
    pub(crate) keyword: &'static str,
    pub(crate) vr: &'static str,
    pub(crate) level: Level,
    pub(crate) kind: Kind,
    /// Returned without being asked for.
    pub(crate) default: bool,
}

use Kind::{Computed, DateTime, Number, PersonName, Sequence, Text, Uid};
use Level::{Instance, Series, Study};

const fn a(
    tag: (u16, u16),
    keyword: &'static str,
    vr: &'static str,
    level: Level,
    kind: Kind,
    default: bool,
) -> Attribute {
    Attribute { tag: Tag(tag.0, tag.1), keyword, vr, level, kind, default }
}

/// Every column, in the order of a data set.
pub(crate) const ATTRIBUTES: &[Attribute] = &[
    a((0x0008, 0x0016), "SOPClassUID", "UI", Instance, Uid, true),
    a((0x0008, 0x0018), "SOPInstanceUID", "UI", Instance, Uid, true),
    a((0x0008, 0x0020), "StudyDate", "DA", Study, DateTime, true),
    a((0x0008, 0x0021), "SeriesDate", "DA", Series, DateTime, false),
    a((0x0008, 0x0023), "ContentDate", "DA", Instance, DateTime, false),
    a((0x0008, 0x0030), "StudyTime", "TM", Study, DateTime, true),
    a((0x0008, 0x0031), "SeriesTime", "TM", Series, DateTime, false),
    a((0x0008, 0x0033), "ContentTime", "TM", Instance, DateTime, false),
    a((0x0008, 0x0050), "AccessionNumber", "SH", Study, Text, true),
    a((0x0008, 0x0060), "Modality", "CS", Series, Text, true),
    a((0x0008, 0x0061), "ModalitiesInStudy", "CS", Study, Computed, true),
    a((0x0008, 0x0080), "InstitutionName", "LO", Series, Text, false),
    a((0x0008, 0x0090), "ReferringPhysicianName", "PN", Study, PersonName, true),
    a((0x0008, 0x1010), "StationName", "SH", Series, Text, false),
    a((0x0008, 0x1030), "StudyDescription", "LO", Study, Text, true),
    a((0x0008, 0x103E), "SeriesDescription", "LO", Series, Text, true),
    a((0x0008, 0x1060), "NameOfPhysiciansReadingStudy", "PN", Study, PersonName, false),
    a((0x0008, 0x1090), "ManufacturerModelName", "LO", Series, Text, false),
    a((0x0008, 0x3002), "AvailableTransferSyntaxUID", "UI", Instance, Computed, true),
    a((0x0010, 0x0010), "PatientName", "PN", Study, PersonName, true),
    a((0x0010, 0x0020), "PatientID", "LO", Study, Text, true),
    a((0x0010, 0x0021), "IssuerOfPatientID", "LO", Study, Text, false),
    a((0x0010, 0x0030), "PatientBirthDate", "DA", Study, DateTime, true),
    a((0x0010, 0x0032), "PatientBirthTime", "TM", Study, DateTime, false),
    a((0x0010, 0x0040), "PatientSex", "CS", Study, Text, true),
    a((0x0010, 0x1000), "OtherPatientIDs", "LO", Study, Text, false),
    a((0x0010, 0x1010), "PatientAge", "AS", Study, Text, false),
    a((0x0018, 0x0015), "BodyPartExamined", "CS", Series, Text, false),
    a((0x0020, 0x000D), "StudyInstanceUID", "UI", Study, Uid, true),
    a((0x0020, 0x000E), "SeriesInstanceUID", "UI", Series, Uid, true),
    a((0x0020, 0x0010), "StudyID", "SH", Study, Text, true),
    a((0x0020, 0x0011), "SeriesNumber", "IS", Series, Text, true),
    a((0x0020, 0x0013), "InstanceNumber", "IS", Instance, Text, true),
    a((0x0020, 0x1206), "NumberOfStudyRelatedSeries", "IS", Study, Computed, true),
    a((0x0020, 0x1208), "NumberOfStudyRelatedInstances", "IS", Study, Computed, true),
    a((0x0020, 0x1209), "NumberOfSeriesRelatedInstances", "IS", Series, Computed, true),
    a((0x0028, 0x0008), "NumberOfFrames", "IS", Instance, Text, true),
    a((0x0028, 0x0010), "Rows", "US", Instance, Number, true),
    a((0x0028, 0x0011), "Columns", "US", Instance, Number, true),
    a((0x0028, 0x0100), "BitsAllocated", "US", Instance, Number, true),
    a((0x0040, 0x0244), "PerformedProcedureStepStartDate", "DA", Series, DateTime, true),
    a((0x0040, 0x0245), "PerformedProcedureStepStartTime", "TM", Series, DateTime, true),
    a((0x0040, 0x0275), "RequestAttributesSequence", "SQ", Series, Sequence, true),
];

/// Attributes of items that can be matched (PS3.18 §10.6.1.2), as they are written in JSON and by
/// their keywords.
const ITEM_KEYS: &[(&str, &str)] =
    &[("00400009", "ScheduledProcedureStepID"), ("00401001", "RequestedProcedureID")];

impl Attribute {
    /// The sequence and the attribute of its items, as it is written in JSON, that a query parameter
    /// with a point in its name stands for.
    pub(crate) fn item_named(name: &str) -> Option<(&'static Self, &'static str)> {
        let (sequence, key) = name.split_once('.')?;
        let sequence = Self::named(sequence).filter(|one| one.kind == Sequence)?;
        let (tag, _) = ITEM_KEYS.iter().find(|(tag, keyword)| key == *tag || key == *keyword)?;
        Some((sequence, tag))
    }

    /// The attribute that a query parameter names: eight hexadecimal digits or a keyword
    /// (PS3.18 §8.3.4.1).
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        let tag = Some(name).filter(|name| name.len() == 8).and_then(|n| u32::from_str_radix(n, 16).ok());
        ATTRIBUTES.iter().find(|one| tag.is_some_and(|tag| one.tag.to_u32() == tag) || one.keyword == name)
    }

    /// Whether a search may match it: computed counts cannot be matched.
    pub(crate) fn can_match(&self) -> bool {
        self.is_stored() || self.keyword == "ModalitiesInStudy"
    }

    /// Whether a scan of the top level of a data set gives its value.
    pub(crate) fn is_scanned(&self) -> bool {
        self.is_stored() && self.kind != Sequence
    }

    /// Whether the index takes it from the data set, rather than computing it.
    pub(crate) const fn is_stored(&self) -> bool {
        !matches!(self.kind, Computed)
    }
}

impl Level {
    /// Its table.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Study => "study",
            Series => "series",
            Instance => "instance",
        }
    }
}

/// The columns of one level that come from data sets.
pub(crate) fn stored_at(level: Level) -> impl Iterator<Item = &'static Attribute> {
    ATTRIBUTES.iter().filter(move |one| one.level == level && one.is_stored())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_in_the_order_of_a_data_set() {
        assert!(ATTRIBUTES.is_sorted_by_key(|one| one.tag));
    }

    #[test]
    fn a_name_is_a_keyword_or_eight_digits() {
        let cases = [
            ("StudyDate", Some("StudyDate")),
            ("00080020", Some("StudyDate")),
            ("0020000d", Some("StudyInstanceUID")),
            ("StudyDat", None),
            ("00080021.00080020", None),
        ];
        for (name, keyword) in cases {
            assert_eq!(Attribute::named(name).map(|one| one.keyword), keyword, "{name}");
        }
        for name in ["RequestAttributesSequence.RequestedProcedureID", "00400275.00401001"] {
            let named = Attribute::item_named(name).map(|(sequence, tag)| (sequence.keyword, tag));
            assert_eq!(named, Some(("RequestAttributesSequence", "00401001")), "{name}");
        }
        assert_eq!(Attribute::item_named("00400275.00100010"), None);
    }
}
