//! Whether an instance is there: QIDO-RS (PS3.18 §10.6) or metadata (PS3.18 §10.4).

use dataset::json::{ReadLimits, Reader};
use futures::StreamExt as _;
use http::StatusCode;
use instance::{Identity, Tag};
use reqwest::Url;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::client::ANSWER_BYTES_MAX;
use crate::error::Unreadable;
use crate::profile::Lookup;
use crate::search::{Listing, SearchLimits, SearchStream};
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

/// An item of an answer (PS3.18 §10.6.3.3), of which only the SOP Instance UID matters.
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
    /// 404 and 410 count as absent, as 204 (PS3.18 §10.6.3.1) and an empty list do: the worst that follows
    /// from a wrong "absent" is a delivery more, which the origin answers as a duplicate.
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
        if !template.names_instance() {
            return self.find_among(url, identity).await;
        }
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
        let present = match serde_json::from_slice::<Vec<Found>>(&body) {
            Ok(found) => found.iter().any(|item| item.is(identity)),
            Err(_) => is_in_damaged(&body, identity)?,
        };
        Ok(if present { Presence::Present } else { Presence::Absent })
    }

    /// Looks for an instance in a list of many, which is read until it comes.
    async fn find_among(&self, url: Url, identity: &Identity) -> Result<Presence, Error> {
        let mut listed = SearchStream::begin(self, Ok(Listing::Whole(url)), SearchLimits::default());
        while let Some(item) = listed.next().await {
            match item {
                Ok(item) if item.uid(Tag::SOP_INSTANCE_UID).as_ref() == Some(&identity.sop_instance_uid) => {
                    return Ok(Presence::Present);
                }
                Ok(_) => {}
                Err(Error::Refused { status: StatusCode::NOT_FOUND | StatusCode::GONE, .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Presence::Absent)
    }
}

/// Whether an answer that is not quite JSON lists an instance. What cannot be read might be the one.
fn is_in_damaged(body: &[u8], identity: &Identity) -> Result<bool, Error> {
    let malformed = || Error::Unreadable(Unreadable::Malformed);
    let mut reader = Reader::new(ReadLimits::default());
    let mut rest = body;
    let mut all_named = true;
    while let Some(item) = reader.next(&mut rest).map_err(|_| malformed())? {
        let uid = item.ok().and_then(|item| item.uid(Tag::SOP_INSTANCE_UID));
        if uid.as_ref() == Some(&identity.sop_instance_uid) {
            return Ok(true);
        }
        all_named &= uid.is_some();
    }
    if all_named && reader.finish().is_ok() { Ok(false) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Request;
    use axum::http::Response as Answer;

    use super::*;
    use crate::Profile;
    use crate::testing::*;

    /// What the origin's answer to a look-up of 1.2.3 means, in the words of `Debug`.
    async fn look_up(lookup: Lookup, status: u16, content_type: &'static str, body: &'static str) -> String {
        let expected = match lookup {
            Lookup::Metadata => "/dicom-web/studies/1.2.1/series/1.2.2/instances/1.2.3/metadata",
            _ => "/dicom-web/studies/1.2.1/series/1.2.2/instances?SOPInstanceUID=1.2.3",
        };
        let router = Router::new().fallback(move |request: Request| async move {
            assert_eq!(request.uri(), expected);
            assert_eq!(request.headers()["accept"], "application/dicom+json");
            Answer::builder()
                .status(status)
                .header("content-type", content_type)
                .body(axum::body::Body::from(body))
                .unwrap()
        });
        let mut config = config(serve(router).await);
        config.profile = Profile { lookup, ..Profile::standard() };
        match Client::new(config).unwrap().find_instance(&identity("1.2.3")).await {
            Ok(presence) => format!("{presence:?}"),
            Err(error) => format!("{:?}", error.remedy()),
        }
    }

    #[tokio::test]
    async fn tells_present_from_absent_and_from_no_answer() {
        const JSON: &str = "application/dicom+json";
        let rows = [
            (200, JSON, r#"[{"00080018":{"vr":"UI","Value":["1.2.3"]},"x":null}]"#, "Present"),
            (
                200,
                JSON,
                r#"[{"00080018":7},{},{"00080018":{"Value":[null]}},{"00080018":{"Value":["1.2.3 "]}}]"#,
                "Present",
            ),
            (200, JSON, r#"[{"00080018":{"vr":"UI","Value":["1.2.4"]}}]"#, "Absent"),
            (200, JSON, "[]", "Absent"),
            (
                200,
                JSON,
                "[{\"00080018\":{\"vr\":\"UI\",\"Value\":[\"1.2.3\"]},\"00081030\":{\"Value\":[\"\u{1}\"]}}]",
                "Present",
            ),
            (
                200,
                JSON,
                "[{\"00080018\":{\"vr\":\"UI\",\"Value\":[\"1.2.4\"]},\"00081030\":{\"Value\":[\"\u{1}\"]}}]",
                "Absent",
            ),
            (200, JSON, "[{\"00080018\":{\"vr\":\"UI\",\"Value\":[\"\u{1}\"]}}]", "Unknown"),
            (204, JSON, "", "Absent"),
            (404, JSON, "", "Absent"),
            (410, JSON, "", "Absent"),
            (200, JSON, "", "Unknown"),
            (200, JSON, "[{", "Unknown"),
            (200, JSON, r#"{"error":1}"#, "Unknown"),
            (200, "text/html", "[]", "Unknown"),
            (403, JSON, "", "FixCredentials"),
            (503, JSON, "", "Retry { after: None }"),
        ];
        for lookup in [Lookup::Search, Lookup::Metadata] {
            for (status, content_type, body, expected) in rows {
                let got = look_up(lookup, status, content_type, body).await;
                assert_eq!(got, expected, "{lookup:?} {status} {body}");
            }
        }
        assert_eq!(look_up(Lookup::None, 200, JSON, "[]").await, "NotAskable");
    }
}
