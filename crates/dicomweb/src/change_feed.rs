//! The list of what was stored, replaced and deleted at an origin server, in the order of time: the change
//! feed of Azure's v2. Not part of PS3.18.

use std::time::{Instant, SystemTime};

use http::StatusCode;
use instance::Uid;
use jiff::Timestamp;
use serde::Deserialize;

use crate::client::ANSWER_BYTES_MAX;
use crate::error::Unreadable;
use crate::profile::ChangeFeed;
use crate::url::{Target, encoded};
use crate::{Client, Error, answer, probe};

/// Most changes that a server of this kind gives at once.
pub const CHANGES_MAX: u32 = 200;

/// Which part of the list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changes {
    /// From this moment on, which belongs to it.
    pub since: Timestamp,
    /// Up to this moment, which does not belong to it.
    pub until: Timestamp,
    /// Changes that are left out at its beginning.
    pub offset: u64,
    /// Changes at most, 1 to [`CHANGES_MAX`].
    pub limit: u32,
    /// Whether each is given with the modality of its instance. The server then sends all metadata, which
    /// takes kilobytes for each change.
    pub with_modality: bool,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number: later changes have higher ones.
    pub sequence: u64,
    /// When it was made.
    pub timestamp: Timestamp,
    /// What it is.
    pub action: Action,
    /// Whether it still says how things are.
    pub state: ChangeState,
    /// The study.
    pub study: Uid,
    /// The series.
    pub series: Uid,
    /// The instance.
    pub instance: Uid,
    /// (0008,0060) Modality, where it was asked for and is there.
    pub modality: Option<String>,
    /// The partition that it is in, where the server has partitions. The list spans all of them.
    pub partition: Option<String>,
}

/// What a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// An instance was stored.
    Create,
    /// An instance has other attributes than before.
    Update,
    /// An instance was deleted.
    Delete,
    /// Something that is not documented.
    Other,
}

/// Whether a change still says how things are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeState {
    /// It does.
    Current,
    /// A later change has replaced it, or deleted the instance.
    Superseded,
}

/// A part of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangePage {
    /// Changes, oldest first.
    pub changes: Vec<Change>,
    /// How many there were, those that make no sense included.
    pub entries: u32,
    /// How far the server's clock is ahead of ours, in seconds, as in [`crate::Examination`].
    pub clock_ahead: Option<i64>,
}

/// The documents of Azure show members that begin with a capital, and its service writes them with a small letter.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(alias = "sequence")]
    sequence: u64,
    #[serde(alias = "timestamp")]
    timestamp: String,
    #[serde(alias = "action")]
    action: String,
    #[serde(alias = "state")]
    state: String,
    #[serde(alias = "studyInstanceUid")]
    study_instance_uid: String,
    #[serde(alias = "seriesInstanceUid")]
    series_instance_uid: String,
    #[serde(alias = "sopInstanceUid")]
    sop_instance_uid: String,
    #[serde(alias = "partitionName")]
    partition_name: Option<String>,
    #[serde(alias = "metadata")]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "00080060")]
    modality: Option<Modality>,
}

#[derive(Deserialize)]
struct Modality {
    #[serde(rename = "Value", default)]
    values: Vec<serde_json::Value>,
}

impl Entry {
    fn into_change(self) -> Option<Change> {
        let action = match self.action.to_ascii_lowercase().as_str() {
            "create" => Action::Create,
            "update" => Action::Update,
            "delete" => Action::Delete,
            _ => Action::Other,
        };
        let current = self.state.eq_ignore_ascii_case("current");
        Some(Change {
            sequence: self.sequence,
            timestamp: self.timestamp.parse().ok()?,
            action,
            state: if current { ChangeState::Current } else { ChangeState::Superseded },
            study: self.study_instance_uid.parse().ok()?,
            series: self.series_instance_uid.parse().ok()?,
            instance: self.sop_instance_uid.parse().ok()?,
            modality: self
                .metadata
                .and_then(|metadata| metadata.modality)
                .and_then(|modality| Some(modality.values.first()?.as_str()?.to_owned())),
            partition: self.partition_name,
        })
    }
}

impl Client {
    /// A part of the list of changes. One that makes no sense is left out and counted.
    ///
    /// # Errors
    /// Any error of the request; [`Error::Profile`] where the profile has no list by time.
    pub async fn changes(&self, wanted: &Changes) -> Result<ChangePage, Error> {
        if self.profile().change_feed != ChangeFeed::ByTime {
            return Err(Error::Profile("no list of changes by time"));
        }
        let Changes { since, until, offset, limit, with_modality } = wanted;
        let parameters = format!(
            "startTime={}&endTime={}&offset={offset}&limit={}&includeMetadata={with_modality}",
            encoded(&since.to_string()),
            encoded(&until.to_string()),
            limit.clamp(&1, &CHANGES_MAX),
        );
        let path = &self.profile().paths.change_feed;
        let url = self.base_url().resource_with(path, Target::default(), &parameters);
        let asked = Instant::now();
        let response = self.get(url, "application/json").await?;
        let clock_ahead = probe::clock_ahead(&response, SystemTime::now() - asked.elapsed() / 2);
        let status = response.status();
        if !status.is_success() {
            return Err(self.refused(&response, false));
        }
        if answer::is_html(response.headers()) {
            return Err(Error::Unreadable(Unreadable::Html));
        }
        let body = self.read_answer(response, ANSWER_BYTES_MAX).await?;
        if status == StatusCode::NO_CONTENT {
            return Ok(ChangePage { clock_ahead, ..ChangePage::default() });
        }
        let page = read(&body).map_err(Error::Unreadable)?;
        Ok(ChangePage { clock_ahead, ..page })
    }
}

/// Reads a part of the list.
pub(crate) fn read(body: &[u8]) -> Result<ChangePage, Unreadable> {
    let entries: Vec<serde_json::Value> = serde_json::from_slice(body).map_err(|_| Unreadable::Malformed)?;
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    let change = |entry| serde_json::from_value::<Entry>(entry).ok()?.into_change();
    let changes = entries.into_iter().filter_map(change).collect();
    Ok(ChangePage { changes, entries: count, clock_ahead: None })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::Request;
    use axum::http::Response as Answer;

    use super::*;
    use crate::testing::*;

    const LIST: &str = r#"[
        {"Sequence": 7, "StudyInstanceUid": "1.2.1", "SeriesInstanceUid": "1.2.2", "SopInstanceUid": "1.2.3",
         "Action": "Create", "Timestamp": "2026-11-22T10:00:00.1234567+01:00", "State": "current",
         "Metadata": {"00080060": {"vr": "CS", "Value": ["CT"]}, "00100010": {"vr": "PN", "Value": [{}]}}},
        {"Sequence": 8, "StudyInstanceUid": "no UID", "SeriesInstanceUid": "1.2.2", "SopInstanceUid": "1.2.3",
         "Action": "create", "Timestamp": "2026-11-22T10:00:00Z", "State": "current"},
        {"Sequence": 9, "StudyInstanceUid": "1.2.1", "SeriesInstanceUid": "1.2.2", "SopInstanceUid": "1.2.4",
         "Action": "delete", "Timestamp": "2026-11-22T10:00:01Z", "State": "deleted", "Metadata": null},
        {"Sequence": 10}, 11]"#;

    async fn listing(
        status: u16,
        content_type: &'static str,
        body: &'static str,
    ) -> (Client, Arc<Mutex<String>>) {
        let asked = Arc::new(Mutex::new(String::new()));
        let keep = asked.clone();
        let router = Router::new().fallback(move |request: Request| async move {
            *keep.lock().unwrap() = request.uri().to_string();
            let answer = Answer::builder().status(status).header("content-type", content_type);
            answer.body(axum::body::Body::from(body)).unwrap()
        });
        let client = client_with(serve(router).await, |profile| profile.change_feed = ChangeFeed::ByTime);
        (client, asked)
    }

    fn wanted() -> Changes {
        Changes {
            since: "2026-11-22T09:00:00Z".parse().unwrap(),
            until: "2026-11-22T10:00:00.5Z".parse().unwrap(),
            offset: 200,
            limit: 5000,
            with_modality: false,
        }
    }

    #[tokio::test]
    async fn changes_are_read_and_what_makes_no_sense_is_counted() {
        let (client, asked) = listing(200, "application/json; charset=utf-8", LIST).await;
        let page = client.changes(&wanted()).await.unwrap();
        assert_eq!(
            *asked.lock().unwrap(),
            "/dicom-web/changefeed?startTime=2026-11-22T09%3A00%3A00Z&endTime=2026-11-22T10%3A00%3A00.5Z\
             &offset=200&limit=200&includeMetadata=false"
        );
        assert_eq!(page.entries, 5);
        let [created, deleted] = page.changes.as_slice() else { panic!("{page:?}") };
        assert_eq!(
            (created.sequence, created.action, created.state),
            (7, Action::Create, ChangeState::Current)
        );
        assert_eq!(created.timestamp.to_string(), "2026-11-22T09:00:00.1234567Z");
        assert_eq!(created.modality.as_deref(), Some("CT"));
        assert_eq!(deleted.action, Action::Delete);
        assert_eq!((deleted.instance.as_str(), deleted.state), ("1.2.4", ChangeState::Superseded));
    }

    #[tokio::test]
    async fn members_may_begin_with_a_small_letter() {
        const SMALL: &str = r#"[
            {"sequence": 7, "studyInstanceUid": "1.2.1", "seriesInstanceUid": "1.2.2", "sopInstanceUid": "1.2.3",
             "action": "create", "timestamp": "2026-11-22T10:00:00Z", "state": "current", "partitionName": "east",
             "metadata": {"00080060": {"vr": "CS", "Value": ["CT"]}}}]"#;
        let (client, _) = listing(200, "application/json", SMALL).await;
        let page = client.changes(&wanted()).await.unwrap();
        let [created] = page.changes.as_slice() else { panic!("{page:?}") };
        assert_eq!((created.sequence, created.instance.as_str()), (7, "1.2.3"));
        assert_eq!(created.modality.as_deref(), Some("CT"));
        assert_eq!(created.partition.as_deref(), Some("east"));
        assert!(
            page.clock_ahead.is_some_and(|ahead| ahead.abs() <= 2),
            "the test server writes its own date"
        );
    }

    #[tokio::test]
    async fn anything_else_is_an_error() {
        for (status, content_type, body, found) in [
            (204, "text/plain", "", true),
            (200, "application/json", "[]", true),
            (200, "application/json", "{}", false),
            (200, "text/html", "<html>", false),
            (400, "application/json", "[]", false),
        ] {
            let (client, _) = listing(status, content_type, body).await;
            assert_eq!(client.changes(&wanted()).await.is_ok(), found, "{status} {body}");
        }
        let without = client("http://127.0.0.1:9/".parse().unwrap());
        assert!(matches!(without.changes(&wanted()).await, Err(Error::Profile(_))));
    }
}
