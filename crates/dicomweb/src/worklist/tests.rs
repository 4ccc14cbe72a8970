//! Worklists of servers with habits.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response as Answer;
use futures::StreamExt as _;
use instance::Tag;

use super::*;
use crate::error::Unreadable;
use crate::profile::{Profile, WorklistCapabilities};
use crate::search::{SearchLimits, SearchReport, SearchStream};
use crate::testing::*;
use crate::{Client, Error};

type Log = Arc<Mutex<Vec<String>>>;

/// A server that gives one answer after the other, the last one again and again, and the requests to it.
async fn answering(answers: &[(u16, &str)]) -> (crate::BaseUrl, Log) {
    let log = Log::default();
    let keep = log.clone();
    let answers: Vec<_> = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
    let router = Router::new().fallback(move |request: Request| async move {
        let mut log = keep.lock().unwrap();
        let (status, body) = answers[log.len().min(answers.len() - 1)].clone();
        log.push(request.uri().to_string());
        let answer = Answer::builder().status(status).header("content-type", "application/dicom+json");
        answer.body(Body::from(body)).unwrap()
    });
    (serve(router).await, log)
}

async fn all(mut stream: SearchStream) -> (usize, Option<Error>, SearchReport) {
    let (mut found, mut failure) = (0, None);
    while let Some(result) = stream.next().await {
        match result {
            Ok(_) => found += 1,
            Err(error) => failure = Some(error),
        }
    }
    (found, failure, stream.report())
}

fn step(number: usize) -> String {
    format!(r#"{{"00100020":{{"vr":"LO","Value":["P{number}"]}}}}"#)
}

fn workitem(number: usize) -> String {
    format!(r#"{{"00080018":{{"vr":"UI","Value":["1.2.{number}"]}}}}"#)
}

fn array(of: fn(usize) -> String, numbers: std::ops::Range<usize>) -> String {
    format!("[{}]", numbers.map(of).collect::<Vec<_>>().join(","))
}

fn search() -> WorklistSearch {
    let date = [Tag(0x0040, 0x0100), Tag(0x0040, 0x0002)];
    WorklistSearch {
        matching: vec![
            (date.to_vec(), "20260101-20260102".into()),
            (vec![Tag::PATIENT_ID], "P 1".into()),
            (vec![Tag(0x0040, 0x4005)], "2026".into()),
        ],
        include_all: true,
    }
}

#[tokio::test]
async fn keys_and_pages_are_those_of_the_profile() {
    let limits = SearchLimits { page: 2, ..SearchLimits::default() };
    let base = "/dicom-web/modality-scheduled-procedure-steps";
    let (first, second) = (array(step, 0..2), array(step, 2..3));
    let (url, log) = answering(&[(200, &first), (200, &second)]).await;
    let (found, error, _) = all(client(url).scheduled_procedure_steps(&search(), limits)).await;
    assert!(error.is_none());
    assert_eq!(found, 3);
    let keys = "00400100.00400002=20260101-20260102&00100020=P%201&00404005=2026&includefield=all&limit=2";
    assert_eq!(*log.lock().unwrap(), [format!("{base}?{keys}"), format!("{base}?{keys}&offset=2")]);

    let (url, log) = answering(&[(204, "")]).await;
    let azure = Client::new(crate::ClientConfig::new(url, Profile::azure())).unwrap();
    let (found, error, _) = all(azure.workitems(&search(), SearchLimits::default())).await;
    assert_eq!((found, error.is_none()), (0, true));
    // Neither a step of the other kind of worklist nor more than it gives.
    let keys = "00100020=P%201&00404005=2026&includefield=all&limit=200";
    assert_eq!(*log.lock().unwrap(), [format!("/dicom-web/workitems?{keys}")]);
    let (_, error, _) = all(azure.scheduled_procedure_steps(&search(), limits)).await;
    assert!(matches!(error, Some(Error::Profile(_))));
}

#[tokio::test]
async fn every_result_is_given_once() {
    let limits = SearchLimits { page: 2, ..SearchLimits::default() };
    // A server that knows no offset, and one whose results move on.
    let same = array(step, 0..2);
    let moved = [array(workitem, 0..2), array(workitem, 1..3), array(workitem, 3..4)];
    let (url, _) = answering(&[(200, &same)]).await;
    let (found, error, _) = all(client(url).scheduled_procedure_steps(&search(), limits)).await;
    assert_eq!(found, 2);
    assert!(matches!(error, Some(Error::Incomplete)), "{error:?}");
    let answers: Vec<_> = moved.iter().map(|body| (200, body.as_str())).collect();
    let (url, _) = answering(&answers).await;
    let (found, error, report) = all(client(url).workitems(&search(), limits)).await;
    assert_eq!((found, error.is_none(), report.duplicates), (4, true, 1));
}

/// PS3.18 §11.9.3: 206 is part of the results.
#[tokio::test]
async fn part_of_a_worklist_is_never_all_of_it() {
    let (first, second) = (array(workitem, 0..2), array(workitem, 2..3));
    let (url, log) = answering(&[(206, &first), (200, &second)]).await;
    let (found, error, _) = all(client(url).workitems(&search(), SearchLimits::default())).await;
    assert_eq!((found, error.is_none(), log.lock().unwrap().len()), (3, true, 2));
    let (url, _) = answering(&[(206, &first), (204, "")]).await;
    let (_, error, _) = all(client(url).workitems(&search(), SearchLimits::default())).await;
    assert!(matches!(error, Some(Error::Incomplete)), "{error:?}");
}

#[tokio::test]
async fn one_bad_result_does_not_take_the_worklist() {
    let body = format!("[{},7,{}]", step(1), step(2));
    let (url, _) = answering(&[(200, &body)]).await;
    let stream = client(url).scheduled_procedure_steps(&search(), SearchLimits::default());
    let (found, error, report) = all(stream).await;
    assert_eq!((found, error.is_none(), report.unreadable), (2, true, 1));
    // Without a SOP Instance UID nobody can name a workitem.
    let body = format!("[{},{}]", step(1), workitem(2));
    let (url, _) = answering(&[(200, &body)]).await;
    let (found, error, report) = all(client(url).workitems(&search(), SearchLimits::default())).await;
    assert_eq!((found, error.is_none(), report.unreadable), (1, true, 1));
    for body in [array(step, 0..2), "[{".to_owned(), "<html>".to_owned()] {
        let (url, _) = answering(&[(200, &body)]).await;
        let (found, error, _) = all(client(url).workitems(&search(), SearchLimits::default())).await;
        assert!(found == 0 && matches!(error, Some(Error::Unreadable(_))), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn too_many_are_an_error() {
    let body = array(step, 0..5);
    let (url, _) = answering(&[(200, &body)]).await;
    let limits = SearchLimits { rows_max: 3, ..SearchLimits::default() };
    let (_, error, _) = all(client(url).scheduled_procedure_steps(&search(), limits)).await;
    assert!(matches!(error, Some(Error::TooManyRows(3))), "{error:?}");
}

#[tokio::test]
async fn a_workitem_is_read_in_either_form() {
    let uid = "1.2.7".parse().unwrap();
    for body in [workitem(7), format!("[{}]", workitem(7))] {
        let (url, log) = answering(&[(200, &body)]).await;
        let item = client(url).workitem(&uid).await.unwrap().unwrap();
        assert_eq!(item.uid(Tag::SOP_INSTANCE_UID).as_ref(), Some(&uid));
        assert_eq!(*log.lock().unwrap(), ["/dicom-web/workitems/1.2.7"]);
    }
    for status in [204, 404, 410] {
        let (url, _) = answering(&[(status, "")]).await;
        assert_eq!(client(url).workitem(&uid).await.unwrap(), None, "{status}");
    }
    let cases = [
        (200, "<html>", Unreadable::Html),
        (200, "[]", Unreadable::Empty),
        (200, "{", Unreadable::Malformed),
    ];
    for (status, body, expected) in cases {
        let (url, _) = answering(&[(status, body)]).await;
        let error = client(url).workitem(&uid).await.unwrap_err();
        assert!(matches!(&error, Error::Unreadable(why) if *why == expected), "{body}: {error:?}");
    }
    let none = client_with("http://127.0.0.1:9".parse().unwrap(), |profile| {
        profile.worklist = WorklistCapabilities::none();
    });
    assert!(matches!(none.workitem(&uid).await, Err(Error::Profile(_))));
}
