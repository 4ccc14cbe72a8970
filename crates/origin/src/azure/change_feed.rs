//! The resources of the change feed.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    MemberNames, Service, Version,
    changes::{Change, Window},
};
use crate::{
    Error,
    index::Target,
    media::{Refused, refused, typed},
    routes::metadata,
};

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    window: Window,
    metadata: bool,
}

/// The changes of a window.
pub(super) async fn list(service: &Arc<Service>, version: Version, query: &str) -> Result<Response, Refused> {
    let query = Query::read(query, version)?;
    let json = in_json(service, query, false).await?;
    Ok(typed(StatusCode::OK, "application/json", json.into()))
}

/// The last change.
pub(super) async fn latest(service: &Arc<Service>, query: &str) -> Result<Response, Refused> {
    let query = Query { window: Window::Latest, ..Query::read(query, Version::V2)? };
    match in_json(service, query, true).await? {
        json if json.is_empty() => Ok(StatusCode::NO_CONTENT.into_response()),
        json => Ok(typed(StatusCode::OK, "application/json", json.into())),
    }
}

/// An array, or its only member where `bare` says so. Two hundred changes are the most there are of it.
async fn in_json(service: &Arc<Service>, query: Query, bare: bool) -> Result<String, Error> {
    let service = Arc::clone(service);
    let written = tokio::task::spawn_blocking(move || {
        let mut json = String::new();
        let changes = service.changes().list(query.window)?;
        for (position, change) in changes.iter().enumerate() {
            json.push_str(if position == 0 { "" } else { ",\n" });
            write(&service, change, query.metadata, &mut json)?;
        }
        Ok(if bare { json } else { format!("[{json}]\n") })
    });
    written.await.map_err(|_| Error::Task)?
}

fn write(service: &Service, change: &Change, metadata: bool, json: &mut String) -> Result<(), Error> {
    let names = service.options().azure.member_names;
    let state = change.state();
    let mut members: Vec<(&str, Value)> = vec![
        ("sequence", json!(change.sequence)),
        ("studyInstanceUid", json!(change.study)),
        ("seriesInstanceUid", json!(change.series)),
        ("sopInstanceUid", json!(change.instance)),
        ("action", json!(change.action)),
        ("timestamp", json!(change.time.to_string())),
        ("state", json!(state)),
    ];
    if service.options().azure.partitions {
        members.insert(1, ("partitionName", json!(change.partition)));
    }
    let mut separator = '{';
    for (name, value) in members {
        // Writing to memory does not fail.
        let _ = write!(json, "{separator}\"{}\":{value}", member(name, names));
        separator = ',';
    }
    if let Some(data_set) = data_set(service, change).filter(|_| metadata && state == "current") {
        let _ = write!(json, ",\"{}\":{data_set}", member("metadata", names));
    }
    json.push('}');
    Ok(())
}

fn member(name: &str, names: MemberNames) -> String {
    match names {
        MemberNames::LowerFirst => name.to_owned(),
        MemberNames::UpperFirst => name[..1].to_ascii_uppercase() + &name[1..],
    }
}

/// The data set of an instance as metadata gives it; none where it is gone by now.
fn data_set(service: &Service, change: &Change) -> Option<String> {
    let [study, series, instance] = change.uids()?;
    let target = Target { study, series: Some(series), instance: Some(instance) };
    let state = service.partition(&change.partition)?;
    let (_, entry) = state.storage.entries_blocking(&target, 0).ok()?.into_iter().next()?;
    let mut json = Vec::new();
    metadata::without_bulk_data(&state, &entry, Version::V2, &mut json).ok()?;
    String::from_utf8(json).ok()
}

impl Query {
    fn read(query: &str, version: Version) -> Result<Self, Refused> {
        let bad = |why: &str| refused(StatusCode::BAD_REQUEST, why);
        let (mut start, mut end, mut offset, mut limit) = (None, None, 0, None);
        let mut metadata = true;
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = percent_decode_str(value).decode_utf8().map_err(|_| bad("a value is not UTF-8"))?;
            let number = || value.parse::<i64>().ok().filter(|number| *number >= 0);
            let number = || number().ok_or_else(|| bad("offset and limit are numbers"));
            // A time without its offset from UTC says nothing.
            let time = || value.parse::<Timestamp>().map_err(|_| bad("a time is not as RFC 3339 has it"));
            match name.to_ascii_lowercase().as_str() {
                "starttime" if version.forgives() => start = Some(time()?),
                "endtime" if version.forgives() => end = Some(time()?),
                "offset" => offset = number()?,
                "limit" => limit = Some(number()?),
                "includemetadata" => {
                    metadata = value.parse().map_err(|_| bad("includeMetadata is true or false"))?;
                }
                // What the service does not know it does not look at.
                _ => {}
            }
        }
        if start.zip(end).is_some_and(|(start, end)| start >= end) {
            return Err(bad("the end of the window is not behind its start"));
        }
        let (default, max) = if version.forgives() { (100, 200) } else { (10, 100) };
        let limit = limit.unwrap_or(default);
        if !(1..=max).contains(&limit) {
            return Err(bad("the limit is out of its bounds"));
        }
        let window = if version.forgives() {
            Window::Time { start, end, offset, limit }
        } else {
            Window::Sequence(offset, offset.saturating_add(limit))
        };
        Ok(Self { window, metadata })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_of_time_or_of_numbers() {
        let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let early = time("2026-01-01T00:00:00Z");
        let cases = [
            (Version::V2, "", Some(Window::Time { start: None, end: None, offset: 0, limit: 100 })),
            (
                Version::V2,
                "startTime=2026-01-01T01%3A00%3A00%2B01%3A00&limit=200&offset=3",
                Some(Window::Time { start: early, end: None, offset: 3, limit: 200 }),
            ),
            (Version::V2, "limit=201", None),
            (Version::V2, "limit=0", None),
            (Version::V2, "offset=-1", None),
            (Version::V2, "startTime=2026-01-01T00:00:00", None),
            (Version::V2, "startTime=2026-01-01T00:00:00Z&endTime=2026-01-01T00:00:00Z", None),
            (Version::V2, "includeMetadata=perhaps", None),
            (Version::V1, "offset=20", Some(Window::Sequence(20, 30))),
            (Version::V1, "offset=20&limit=100", Some(Window::Sequence(20, 120))),
            (Version::V1, "limit=101", None),
        ];
        for (version, query, expected) in cases {
            let read = Query::read(query, version).ok().map(|query| query.window);
            assert_eq!(read, expected, "{query}");
        }
    }
}
