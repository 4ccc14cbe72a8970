//! What stands on the wire with this profile.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Response as Answer;
use bytes::Bytes;
use futures::StreamExt as _;
use instance::{Uid, part10};

use super::*;
use crate::retrieve::{Accept, Retrieve};
use crate::search::{Level, MatchValue, Search, SearchLimits};
use crate::testing::*;
use crate::{AnswerBody, BaseUrl, Client, ClientConfig, Error, InstanceOutcome, StorePart};

/// Requests as the server saw them: method and target, header fields, body.
type Log = Arc<Mutex<Vec<(String, http::HeaderMap, Bytes)>>>;

/// A server that gives one answer to everything.
async fn server(status: u16, body: &'static str) -> (Client, Log) {
    let log = Log::default();
    let keep = log.clone();
    let router = Router::new().fallback(move |request: Request| async move {
        let (parts, body_seen) = request.into_parts();
        let body_seen = to_bytes(body_seen, usize::MAX).await.unwrap();
        let target = format!("{} {}", parts.method, parts.uri);
        keep.lock().unwrap().push((target, parts.headers, body_seen));
        Answer::builder().status(status).body(Body::from(body)).unwrap()
    });
    (client(serve(router).await), log)
}

fn client(base_url: BaseUrl) -> Client {
    Client::new(ClientConfig::new(base_url, Profile::postdicom())).unwrap()
}

fn targets(log: &Log) -> Vec<String> {
    log.lock().unwrap().iter().map(|(target, ..)| target.replace("/dicom-web", "")).collect()
}

fn uid(text: &str) -> Uid {
    text.parse().unwrap()
}

#[tokio::test]
async fn one_file_goes_to_the_root_in_the_form_of_the_vendors_clients() {
    let (client, log) = server(200, "Stored.").await;
    let part = small("1.2.3");
    let file = [part10::write(&part.meta, part.source.as_ref()), b"data of 1.2.3".to_vec()].concat();
    let part = StorePart {
        length: Some(13),
        data: futures::stream::iter([Ok(Bytes::from_static(b"data of 1.2.3"))]).boxed(),
        ..part
    };
    let answer = client.store(vec![part]).await.unwrap();
    assert!(matches!(answer.body, AnswerBody::Unreadable(_)));
    assert_eq!(answer.instances, [InstanceOutcome::Unknown], "words are no response data set");
    let (target, headers, body) = log.lock().unwrap().pop().unwrap();
    assert_eq!(target, "POST /dicom-web/");
    let content_type = "multipart/related; boundary=\"DICOM DATA BOUNDARY\"; type=\"application/dicom\"";
    assert_eq!(headers["content-type"], content_type);
    assert_eq!(headers["content-length"], body.len().to_string());
    let head = b"--DICOM DATA BOUNDARY\r\nContent-Type: application/dicom\r\n\r\n";
    assert_eq!(body, [head, &file[..], b"\r\n--DICOM DATA BOUNDARY--\r\n"].concat());
}

#[tokio::test]
async fn more_than_a_file_or_one_of_unknown_length_is_not_sent() {
    let (client, log) = server(200, "").await;
    assert_eq!(client.profile().request_instances_max, 1);
    let two = client.store(vec![small("1.1"), small("1.2")]).await;
    assert!(matches!(two, Err(Error::Profile(_))), "{two:?}");
    let unknown = StorePart { length: None, ..small("1.1") };
    assert!(matches!(client.store(vec![unknown]).await, Err(Error::Profile(_))));
    assert_eq!(targets(&log), [""; 0]);
}

#[tokio::test]
async fn what_holds_the_boundary_is_refused_and_never_sent_whole() {
    let data = b"before\r\n--DICOM DATA BOUNDARY\r\nContent-Type: text/plain\r\n\r\nbehind";
    for pieces in [1, 2, 5, 8, 23, 200] {
        let (client, log) = server(200, "").await;
        let chunks: Vec<_> = data.chunks(pieces).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let part = StorePart {
            length: Some(data.len() as u64),
            data: futures::stream::iter(chunks).boxed(),
            ..small("1.1")
        };
        let error = client.store(vec![part]).await.unwrap_err();
        assert!(matches!(error, Error::Profile(_)), "pieces of {pieces}: {error}");
        let whole = log.lock().unwrap().iter().any(|(.., body)| body.ends_with(b"behind"));
        assert!(!whole, "pieces of {pieces}");
    }
    // A line less is nothing to the server.
    let (client, _) = server(200, "").await;
    let data = &b"before\r\n-DICOM DATA BOUNDARY --DICOM DATA BOUNDARY"[..];
    let part = StorePart {
        length: Some(data.len() as u64),
        data: futures::stream::iter([Ok(Bytes::from_static(data))]).boxed(),
        ..small("1.1")
    };
    assert!(client.store(vec![part]).await.is_ok());
}

#[tokio::test]
async fn searches_are_flat_and_have_one_key() {
    let (client, log) = server(200, "[]").await;
    let by =
        |level, key, value: MatchValue| Search { matching: vec![(vec![key], value)], ..Search::new(level) };
    let study = Some(uid("1.2"));
    let series = Some(uid("1.3"));
    let rows = [
        (by(Level::Study, Tag::PATIENT_ID, "A B/1".into()), "GET /studies?00100020=A%20B%2F1"),
        (by(Level::Study, Tag::STUDY_INSTANCE_UID, uid("1.2").into()), "GET /studies?0020000D=1.2"),
        (by(Level::Series, Tag::STUDY_INSTANCE_UID, uid("1.2").into()), "GET /studies/series?0020000D=1.2"),
        (Search { study: study.clone(), ..Search::new(Level::Series) }, "GET /studies/series?0020000D=1.2"),
        (
            Search { study, series, include: vec![Tag::SOP_CLASS_UID], ..Search::new(Level::Instance) },
            "GET /studies/series/instances?0020000E=1.3",
        ),
        (
            by(Level::Instance, Tag::SERIES_INSTANCE_UID, uid("1.3").into()),
            "GET /studies/series/instances?0020000E=1.3",
        ),
    ];
    for (search, expected) in rows {
        assert!(client.search(search, SearchLimits::default()).next().await.is_none());
        assert_eq!(targets(&log).last().unwrap(), expected);
    }
    let before = targets(&log).len();
    for level in [Level::Study, Level::Series, Level::Instance] {
        let first = client.search(Search::new(level), SearchLimits::default()).next().await;
        assert!(matches!(first, Some(Err(Error::Profile(_)))), "{level:?} without a key: {first:?}");
    }
    assert_eq!(targets(&log).len(), before);
}

#[tokio::test]
async fn retrieves_are_flat() {
    let (client, log) = server(204, "").await;
    let rows = [
        (None, None, "GET /studies/1.2"),
        (Some("1.3"), None, "GET /studies/series/1.3"),
        (Some("1.3"), Some("1.4"), "GET /studies/series/instances/1.4"),
    ];
    for (series, instance, expected) in rows {
        let retrieve = Retrieve {
            study: uid("1.2"),
            series: series.map(uid),
            instance: instance.map(uid),
            transfer_syntax: Accept::Any,
        };
        client.retrieve(&retrieve).await.unwrap();
        assert_eq!(targets(&log).last().unwrap(), expected);
        let accept = log.lock().unwrap().last().unwrap().1["accept"].clone();
        assert_eq!(accept, "multipart/related; type=\"application/dicom\"");
    }
    let before = targets(&log).len();
    for instance in [None, Some(uid("1.4"))] {
        let series = uid("1.3");
        let mut metadata =
            client.metadata(&uid("1.2"), Some(&series), instance.as_ref(), SearchLimits::default());
        assert!(matches!(metadata.next().await, Some(Err(Error::Profile(_)))));
    }
    assert_eq!(targets(&log).len(), before);
}

#[tokio::test]
async fn an_instance_is_looked_up_in_the_list_of_its_series() {
    let rows = [
        (200, r#"[{"00080018":{"Value":["1.2.9"]}},{"00080018":{"Value":["1.2.3"]}}]"#, "Present"),
        // Found before the list breaks.
        (200, r#"[{"00080018":{"Value":["1.2.3"]}},{"#, "Present"),
        (200, r#"[{"00080018":{"Value":["1.2.9"]}}]"#, "Absent"),
        (200, "[]", "Absent"),
        (204, "", "Absent"),
        (404, "", "Absent"),
        // Never absent where that is not known.
        (200, r#"[{"00080018":{"Value":["1.2.9"]}},{"#, "Unknown"),
        (200, r#"[{"0020000E":{"Value":["1.2.2"]}},{"00080018":{"Value":["1.2.9"]}}]"#, "Unknown"),
        (200, "No results.", "Unknown"),
        (200, "", "Unknown"),
    ];
    for (status, body, expected) in rows {
        let (client, log) = server(status, body).await;
        let found = match client.find_instance(&identity("1.2.3")).await {
            Ok(presence) => format!("{presence:?}"),
            Err(error) => format!("{:?}", error.remedy()),
        };
        assert_eq!(found, expected, "{status} {body}");
        assert_eq!(targets(&log), ["GET /studies/series/instances?0020000E=1.2.2"]);
    }
}

#[tokio::test]
async fn a_status_may_say_that_nothing_was_found() {
    for (statuses, expected) in [(vec![], false), (vec![404], true)] {
        let (plain, _) = server(404, "No studies.").await;
        let mut profile = Profile::postdicom();
        profile.search.nothing_found_statuses = statuses;
        let client = Client::new(ClientConfig::new(plain.base_url().clone(), profile)).unwrap();
        let search =
            Search { matching: vec![(vec![Tag::PATIENT_ID], "nobody".into())], ..Search::new(Level::Study) };
        assert_eq!(client.search(search, SearchLimits::default()).next().await.is_none(), expected);
        assert_eq!(client.probe().await.is_ok(), expected);
    }
}

#[tokio::test]
async fn a_probe_asks_for_a_study_that_nobody_has() {
    let (client, log) = server(200, "[]").await;
    client.probe().await.unwrap();
    assert_eq!(targets(&log), ["GET /studies?0020000D=2.25.0"]);
}

#[test]
fn the_boundary_is_one() {
    let boundary = Profile::postdicom().store_boundary.unwrap();
    assert_eq!(Boundary::new(boundary.as_str()), Ok(boundary));
}
