//! A step as it is kept: one line of what only we need to know, and the data set as DICOM JSON.

use dataset::{
    character_set::CharacterSet,
    json::{Item, ReadLimits, read_all, write_item},
};
use serde::{Deserialize, Serialize};
use spool::documents::DOCUMENT_BYTES_MAX;

use super::{
    attribute::{CODE_VALUE, CODING_SCHEME_DESIGNATOR, DISCONTINUATION_REASON_CODE_SEQUENCE, STATUS},
    fault::Fault,
};

/// (0040,0252) Performed Procedure Step Status (PS3.4 §F.1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    #[serde(rename = "IN PROGRESS")]
    InProgress,
    #[serde(rename = "COMPLETED")]
    Completed,
    #[serde(rename = "DISCONTINUED")]
    Discontinued,
}

impl Status {
    const ALL: [Self; 3] = [Self::InProgress, Self::Completed, Self::Discontinued];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Discontinued => "DISCONTINUED",
        }
    }

    pub(super) fn read(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == value)
    }

    /// The status that a data set states.
    pub(super) fn of(item: &Item) -> Option<Self> {
        item.text(STATUS).and_then(|value| Self::read(&value))
    }

    /// Whether the step may not be changed any more.
    pub(crate) const fn is_final(self) -> bool {
        !matches!(self, Self::InProgress)
    }
}

/// A step as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// How many requests were accepted for it: the N-CREATE and the N-SETs.
    pub(crate) reports: u32,
    /// The character set that the modality uses.
    pub(crate) character_set: CharacterSet,
    /// Its attributes.
    pub(crate) attributes: Item,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u8,
    reports: u32,
    character_set: String,
}

/// The form in which steps are written.
const VERSION: u8 = 1;

impl Step {
    /// The status of the step.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    pub(crate) fn status(&self) -> Result<Status, Fault> {
        Status::of(&self.attributes).ok_or(Fault::Damaged)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let header = Header {
            version: VERSION,
            reports: self.reports,
            character_set: self.character_set.as_str().to_owned(),
        };
        write_with_header(&header, &self.attributes)
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let (header, attributes) = read_with_header::<Header>(bytes).ok_or(Fault::Damaged)?;
        if header.version != VERSION {
            return Err(Fault::Damaged);
        }
        let character_set = CharacterSet::from_value(header.character_set.as_bytes());
        Ok(Self { reports: header.reports, character_set, attributes })
    }
}

/// A line of JSON and a data set behind it.
pub(super) fn write_with_header(header: &impl Serialize, item: &Item) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(header).unwrap_or_default();
    bytes.push(b'\n');
    // INVARIANT: writing into a vector cannot fail.
    write_item(item, &mut bytes).unwrap_or_default();
    bytes
}

/// Reads what [`write_with_header`] wrote.
pub(super) fn read_with_header<'a, H: Deserialize<'a>>(bytes: &'a [u8]) -> Option<(H, Item)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let header = serde_json::from_slice(&bytes[..end]).ok()?;
    let limits = ReadLimits { item_length_max: DOCUMENT_BYTES_MAX };
    let item = read_all(&bytes[end + 1..], limits).ok()?.into_iter().next()?;
    Some((header, item))
}

/// Discontinued because of an incorrect worklist entry selected (PS3.16 §CID 9300).
const INCORRECT_WORKLIST_ENTRY_SELECTED: &str = "110514";

/// Whether a step was discontinued since the wrong entry of the worklist had been selected.
pub(super) fn is_wrong_entry(step: &Item) -> bool {
    step.items(DISCONTINUATION_REASON_CODE_SEQUENCE).any(|code| {
        let is = |tag, value: &str| code.text(tag).is_some_and(|text| text == value);
        is(CODE_VALUE, INCORRECT_WORKLIST_ENTRY_SELECTED) && is(CODING_SCHEME_DESIGNATOR, "DCM")
    })
}
