//! Values of elements of an order's instances.

use std::str::FromStr;

use instance::Tag;
use serde::{Deserialize, Serialize};

use crate::conventions::TagForm;
use crate::parameters::Parameters;
use crate::{Fault, InstitutionUuid, InvalidField, OrderUuid, SeriesUuid};

/// Characters of the longest element name. 64: the longest keyword of PS3.6 has 68, and nothing says that
/// keywords are taken; a tag has 11.
const CHARACTERS_MAX: usize = 64;

/// The element whose value is asked for. Its form on the wire is not documented, so besides tags, written
/// as [`crate::TagForm`] says, any text is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DicomTagId {
    /// The tag of an element.
    Tag(Tag),
    /// Sent as it is.
    Text(String),
}

/// Values of elements; for accounts authorised for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetDicomTagContent {
    /// Whose order it is.
    pub institution: InstitutionUuid,
    /// The order.
    pub order: OrderUuid,
    /// Only this series.
    pub series: Option<SeriesUuid>,
    /// The elements; none: as the vendor sees fit.
    pub tags: Vec<DicomTagId>,
}

/// Reads `00100010`, `0010,0010` and `(0010,0010)`.
pub(crate) fn tag_of(text: &str) -> Option<Tag> {
    let bare = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let digits = match bare.split_once(',') {
        Some((group, element)) if group.len() == 4 && element.len() == 4 => format!("{group}{element}"),
        Some(_) => return None,
        None => bare.to_owned(),
    };
    let hexadecimal = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then(|| u32::from_str_radix(&digits, 16).ok().map(Tag::from))?
}

impl DicomTagId {
    fn written(&self, form: TagForm) -> String {
        match (self, form) {
            (Self::Text(text), _) => text.clone(),
            (Self::Tag(tag), TagForm::Digits) => format!("{:08X}", tag.to_u32()),
            (Self::Tag(tag), TagForm::Comma) => format!("{:04X},{:04X}", tag.group(), tag.element()),
            (Self::Tag(tag), TagForm::Parentheses) => tag.to_string(),
        }
    }
}

impl From<Tag> for DicomTagId {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl FromStr for DicomTagId {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Fault::Missing);
        }
        if text.chars().count() > CHARACTERS_MAX {
            return Err(Fault::TooLong(CHARACTERS_MAX));
        }
        Ok(tag_of(text).map_or_else(|| Self::Text(text.to_owned()), Self::Tag))
    }
}

impl TryFrom<String> for DicomTagId {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<DicomTagId> for String {
    fn from(tag: DicomTagId) -> Self {
        tag.written(TagForm::Digits)
    }
}

impl GetDicomTagContent {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        let form = to.conventions().tags;
        to.uuid("PatientOrderInstitutionUuid", &self.institution)?
            .uuid("PatientOrderUuid", &self.order)?
            .maybe_uuid("PatientSeriesUuid", self.series.as_ref())?
            .list("DicomTagIdList", self.tags.iter().map(|tag| tag.written(form)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_in_every_form_and_written_in_one() {
        for text in ["00100010", "0010,0010", "(0010,0010)", " 00100010 "] {
            let tag: DicomTagId = text.parse().unwrap();
            assert_eq!(tag, DicomTagId::Tag(Tag::PATIENT_NAME), "{text}");
        }
        for text in ["PatientName", "0010", "0010,00100", "0010001g"] {
            assert_eq!(text.parse(), Ok(DicomTagId::Text(text.to_owned())));
        }
        let tag = DicomTagId::from(Tag::STUDY_INSTANCE_UID);
        let forms = [TagForm::Digits, TagForm::Comma, TagForm::Parentheses].map(|form| tag.written(form));
        assert_eq!(forms, ["0020000D", "0020,000D", "(0020,000D)"]);
        assert_eq!("".parse::<DicomTagId>(), Err(Fault::Missing));
    }
}
