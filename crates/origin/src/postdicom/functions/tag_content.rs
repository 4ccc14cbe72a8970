//! Values of elements of what was stored for an order.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use dataset::json::{Options, Select, from_data_set};
use instance::{Tag, Uid};
use serde_json::{Map, Value};

use super::Call;
use crate::{
    Error,
    index::Target,
    media::{Refused, refused},
    postdicom::{
        answer::{Answer, series_uuid},
        parameters::{Parameters, bad, unknown},
    },
    storage::Storage,
};

impl Call<'_> {
    /// Elements of the first instance of a series, or of the order. How the vendor wants a tag written is
    /// not known, so every usual form is taken; no tags are all of them, without bulk data.
    pub(super) async fn get_dicom_tag_content(&self, mut given: Parameters) -> Result<Answer, Refused> {
        if self.state.options.postdicom.tag_content_forbidden {
            return Err(refused(StatusCode::FORBIDDEN, "the account is not authorised for this function"));
        }
        let order = self.named(&mut given).await?.uuid;
        let wanted = given.text("PatientSeriesUuid");
        let tags = given.list("DicomTagIdList")?;
        let tags: Option<BTreeSet<Tag>> = tags.iter().map(|tag| tag_of(tag)).collect();
        let tags = tags.ok_or_else(|| bad("DicomTagIdList", "one of the list is no tag"))?;
        let series = self.with_store(move |store| store.series(&order)).await?;
        let one = series.iter().find(|series| wanted.is_empty() || series_uuid(series) == wanted);
        let Some(series) = one else {
            return Err(unknown(if wanted.is_empty() { "PatientOrderUuid" } else { "PatientSeriesUuid" }));
        };
        let uid = |text: &str| text.parse::<Uid>().map_err(|_| unknown("PatientSeriesUuid"));
        let target = Target {
            study: uid(&series.study_instance_uid)?,
            series: Some(uid(&series.series_instance_uid)?),
            instance: None,
        };
        let wanted = tags.clone();
        let found = self.state.storage.blocking(move |storage| elements(storage, &target, wanted)).await?;
        let found = found.ok_or_else(|| unknown("PatientOrderUuid"))?;
        Ok(Answer::Elements(found, tags))
    }
}

/// The elements in the JSON Model (PS3.18 §F.2).
fn elements(
    storage: &Storage,
    target: &Target,
    tags: BTreeSet<Tag>,
) -> Result<Option<Map<String, Value>>, Error> {
    let entries = storage.entries_blocking(target, 0)?;
    let Some((_, entry)) = entries.first() else { return Ok(None) };
    let (_, data_set) = storage.open_data_set(entry)?;
    let select = if tags.is_empty() { Select::All } else { Select::Only(tags) };
    let options = Options { select, ..Options::default() };
    let mut json = Vec::new();
    let written = from_data_set(data_set, entry.transfer_syntax.encoding(), options, &mut json);
    let fault = |error| Error::folder("the data set of an instance")(std::io::Error::other(error));
    written.map_err(fault)?;
    match serde_json::from_slice(&json) {
        Ok(elements) => Ok(Some(elements)),
        Err(error) => Err(Error::folder("the data set of an instance")(error.into())),
    }
}

/// `00100010`, `0010,0010` or `(0010,0010)`.
fn tag_of(text: &str) -> Option<Tag> {
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let digits = match inner.split_once(',') {
        Some((group, element)) if group.len() == 4 => format!("{group}{element}"),
        Some(_) => return None,
        None => inner.to_owned(),
    };
    let is_tag = digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_tag.then(|| u32::from_str_radix(&digits, 16).ok().map(Tag::from)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_in_every_usual_form() {
        for text in ["00100010", "0010,0010", "(0010,0010)"] {
            assert_eq!(tag_of(text), Some(Tag::PATIENT_NAME), "{text}");
        }
        for text in ["", "PatientName", "0010001", "001,00010", "0010 0010", "+0100010"] {
            assert_eq!(tag_of(text), None, "{text}");
        }
    }
}
