//! Whether an instance is there: QIDO-RS (PS3.18 §10.6) or metadata (PS3.18 §10.4).

use http::StatusCode;
use instance::Identity;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::client::ANSWER_BYTES_MAX;
use crate::error::Unreadable;
use crate::profile::Lookup;
use crate::{Client, Error, answer};

/// Whether an origin holds an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is there.
    Present,
    /// It is not.
    Absent,
    /// The profile has no way to ask.
    NotAskable,
}

/// An item of an answer, of which only the SOP Instance UID matters.
#[derive(Deserialize)]
struct Found {
    #[serde(rename = "00080018", alias = "SOPInstanceUID", default)]
    sop_instance_uid: Option<Element>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Element {
    Values {
        #[serde(rename = "Value", default)]
        values: Option<Vec<Value>>,
    },
    Unknown(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Unknown(IgnoredAny),
}

impl Found {
    fn is(&self, identity: &Identity) -> bool {
        let Some(Element::Values { values: Some(values) }) = &self.sop_instance_uid else { return false };
        matches!(values.first(), Some(Value::Text(text)) if text.parse().as_ref() == Ok(&identity.sop_instance_uid))
    }
}

impl Client {
    /// Asks the origin whether it holds an instance, in the way of the profile.
    ///
    /// 404 and 410 count as absent, as 204 and an empty list do: the worst that follows from a wrong
    /// "absent" is a delivery more, which the origin answers as a duplicate.
    ///
    /// # Errors
    /// Any error of the request; an answer that cannot be read is an error, never "absent".
    pub async fn find_instance(&self, identity: &Identity) -> Result<Presence, Error> {
        let paths = &self.profile().paths;
        let template = match self.profile().lookup {
            Lookup::Search => &paths.search_instances,
            Lookup::Metadata => &paths.instance_metadata,
            Lookup::None => return Ok(Presence::NotAskable),
        };
        let url = self.inner.base_url.resource(template, Some(identity));
        let response = self.get(url, "application/dicom+json").await?;
        match response.status() {
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Presence::Absent),
            status if !status.is_success() => return Err(self.refused(&response, false)),
            _ => {}
        }
        if answer::is_html(response.headers()) {
            return Err(Error::Unreadable(Unreadable::Html));
        }
        let body = self.read_answer(response, ANSWER_BYTES_MAX).await?;
        if body.trim_ascii().is_empty() {
            return Err(Error::Unreadable(Unreadable::Empty));
        }
        let found: Vec<Found> =
            serde_json::from_slice(&body).map_err(|_| Error::Unreadable(Unreadable::Malformed))?;
        let present = found.iter().any(|item| item.is(identity));
        Ok(if present { Presence::Present } else { Presence::Absent })
    }
}
