//! What a query asks, written as keywords and text.

use std::fmt;

use instance::Tag;
use tests::find::Identifier;

/// Levels of the information models, from the top (PS3.4 §C.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Patient,
    Study,
    Series,
    Image,
}

/// One attribute that tests ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) keyword: &'static str,
    pub(crate) tag: Tag,
    pub(crate) vr: &'static str,
    pub(crate) level: Level,
}

const fn a(keyword: &'static str, tag: (u16, u16), vr: &'static str, level: Level) -> Attribute {
    Attribute { keyword, tag: Tag(tag.0, tag.1), vr, level }
}

/// Attributes that are asked for, with the level that they belong to (PS3.4 §C.6.1.1, §C.6.2.1).
const ATTRIBUTES: &[Attribute] = &[
    a("PatientName", (0x0010, 0x0010), "PN", Level::Patient),
    a("PatientID", (0x0010, 0x0020), "LO", Level::Patient),
    a("IssuerOfPatientID", (0x0010, 0x0021), "LO", Level::Patient),
    a("PatientBirthDate", (0x0010, 0x0030), "DA", Level::Patient),
    a("PatientSex", (0x0010, 0x0040), "CS", Level::Patient),
    a("OtherPatientIDs", (0x0010, 0x1000), "LO", Level::Patient),
    a("NumberOfPatientRelatedStudies", (0x0020, 0x1200), "IS", Level::Patient),
    a("NumberOfPatientRelatedInstances", (0x0020, 0x1204), "IS", Level::Patient),
    a("StudyDate", (0x0008, 0x0020), "DA", Level::Study),
    a("StudyTime", (0x0008, 0x0030), "TM", Level::Study),
    a("AccessionNumber", (0x0008, 0x0050), "SH", Level::Study),
    a("ModalitiesInStudy", (0x0008, 0x0061), "CS", Level::Study),
    a("ReferringPhysicianName", (0x0008, 0x0090), "PN", Level::Study),
    a("StudyDescription", (0x0008, 0x1030), "LO", Level::Study),
    a("NameOfPhysiciansReadingStudy", (0x0008, 0x1060), "PN", Level::Study),
    a("PatientAge", (0x0010, 0x1010), "AS", Level::Study),
    a("StudyInstanceUID", (0x0020, 0x000D), "UI", Level::Study),
    a("StudyID", (0x0020, 0x0010), "SH", Level::Study),
    a("NumberOfStudyRelatedSeries", (0x0020, 0x1206), "IS", Level::Study),
    a("NumberOfStudyRelatedInstances", (0x0020, 0x1208), "IS", Level::Study),
    a("Modality", (0x0008, 0x0060), "CS", Level::Series),
    a("StationName", (0x0008, 0x1010), "SH", Level::Series),
    a("SeriesDescription", (0x0008, 0x103E), "LO", Level::Series),
    a("ManufacturerModelName", (0x0008, 0x1090), "LO", Level::Series),
    a("BodyPartExamined", (0x0018, 0x0015), "CS", Level::Series),
    a("SeriesInstanceUID", (0x0020, 0x000E), "UI", Level::Series),
    a("SeriesNumber", (0x0020, 0x0011), "IS", Level::Series),
    a("NumberOfSeriesRelatedInstances", (0x0020, 0x1209), "IS", Level::Series),
    a("PerformedProcedureStepStartDate", (0x0040, 0x0244), "DA", Level::Series),
    a("PerformedProcedureStepStartTime", (0x0040, 0x0245), "TM", Level::Series),
    a("RequestAttributesSequence", (0x0040, 0x0275), "SQ", Level::Series),
    a("ScheduledProcedureStepID", (0x0040, 0x0009), "SH", Level::Series),
    a("RequestedProcedureID", (0x0040, 0x1001), "SH", Level::Series),
    a("SOPClassUID", (0x0008, 0x0016), "UI", Level::Image),
    a("SOPInstanceUID", (0x0008, 0x0018), "UI", Level::Image),
    a("InstanceNumber", (0x0020, 0x0013), "IS", Level::Image),
    a("NumberOfFrames", (0x0028, 0x0008), "IS", Level::Image),
];

/// The attribute with a keyword of PS3.6.
pub(crate) fn attribute(keyword: &str) -> Attribute {
    let found = ATTRIBUTES.iter().find(|attribute| attribute.keyword == keyword);
    *found.unwrap_or_else(|| panic!("no attribute {keyword} in the list of the tests"))
}

impl Level {
    /// The value of (0008,0052).
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "PATIENT",
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Image => "IMAGE",
        }
    }

    /// The unique key.
    pub(crate) fn unique_key(self) -> Attribute {
        attribute(match self {
            Self::Patient => "PatientID",
            Self::Study => "StudyInstanceUID",
            Self::Series => "SeriesInstanceUID",
            Self::Image => "SOPInstanceUID",
        })
    }
}

/// A key: an attribute, or one of the items of a sequence, and what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// The sequence, for an attribute of its items.
    pub(crate) sequence: Option<Attribute>,
    pub(crate) attribute: Attribute,
    pub(crate) value: String,
}

/// What extended negotiation has to agree upon for a query (PS3.4 §C.5.1.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Negotiated {
    pub(crate) relational: bool,
    pub(crate) combined_date_time: bool,
    pub(crate) fuzzy: bool,
}

/// One row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) name: &'static str,
    /// The abstract syntax of the information model.
    pub(crate) model: &'static str,
    pub(crate) level: Level,
    pub(crate) keys: Vec<Key>,
    pub(crate) negotiated: Negotiated,
    /// Whether there must be results, or none: so that no row matches for a reason that is not its own.
    pub(crate) finds: Option<bool>,
}

impl Query {
    /// A query for all there is, whose results must not be empty.
    pub(crate) fn new(name: &'static str, model: &'static str, level: Level) -> Self {
        let unique = Key { sequence: None, attribute: level.unique_key(), value: String::new() };
        Self { name, model, level, keys: vec![unique], negotiated: Negotiated::default(), finds: Some(true) }
    }

    /// Adds a key, in place of the one that stood there; of an item as `Sequence.Attribute`.
    pub(crate) fn key(mut self, keyword: &str, value: &str) -> Self {
        let (sequence, keyword) = match keyword.split_once('.') {
            Some((sequence, keyword)) => (Some(attribute(sequence)), keyword),
            None => (None, keyword),
        };
        let key = Key { sequence, attribute: attribute(keyword), value: value.to_owned() };
        self.keys.retain(|old| (old.sequence, old.attribute) != (key.sequence, key.attribute));
        self.keys.push(key);
        self
    }

    /// Asks for attributes without restricting them.
    pub(crate) fn show(mut self, keywords: &[&str]) -> Self {
        for keyword in keywords {
            if !self.keys.iter().any(|key| key.attribute.keyword == *keyword) {
                self = self.key(keyword, "");
            }
        }
        self
    }

    pub(crate) const fn relational(mut self) -> Self {
        self.negotiated.relational = true;
        self
    }

    pub(crate) const fn combined_date_time(mut self) -> Self {
        self.negotiated.combined_date_time = true;
        self
    }

    pub(crate) const fn fuzzy(mut self) -> Self {
        self.negotiated.fuzzy = true;
        self
    }

    /// There must be no results.
    pub(crate) const fn finds_nothing(mut self) -> Self {
        self.finds = Some(false);
        self
    }

    /// There may be results or not.
    pub(crate) const fn may_find_nothing(mut self) -> Self {
        self.finds = None;
        self
    }

    /// The identifier in UTF-8.
    pub(crate) fn identifier(&self) -> Identifier {
        let mut identifier =
            Identifier::of_level(self.level.as_str()).with(Tag(0x0008, 0x0005), "CS", "ISO_IR 192");
        let mut sequences: Vec<(Tag, Identifier)> = Vec::new();
        for Key { sequence, attribute: Attribute { tag, vr, .. }, value } in &self.keys {
            match sequence {
                None if *vr == "SQ" => identifier = identifier.with_items(*tag, &[]),
                None => identifier = identifier.with(*tag, vr, value),
                Some(of) => match sequences.iter_mut().find(|(tag, _)| *tag == of.tag) {
                    Some((_, item)) => *item = std::mem::take(item).with(*tag, vr, value),
                    None => sequences.push((of.tag, Identifier::default().with(*tag, vr, value))),
                },
            }
        }
        sequences.into_iter().fold(identifier, |identifier, (tag, item)| identifier.with_items(tag, &[item]))
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?}", self.name, self.level)?;
        for key in self.keys.iter().filter(|key| !key.value.is_empty() && key.value.len() < 100) {
            write!(f, ", {}={}", key.attribute.keyword, key.value)?;
        }
        f.write_str(")")
    }
}
