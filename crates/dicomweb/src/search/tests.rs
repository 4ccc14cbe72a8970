//! Searches against servers that page, lie, repeat, break and put off.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response as Answer;
use futures::{StreamExt as _, stream};
use http::StatusCode;
use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::error::{Unreadable, Wait};
use crate::pace::{RateLimit, Rates};
use crate::testing::*;
use crate::{BaseUrl, Client, Error, Pace, Precedence, Profile};

const SMALL: SearchLimits = SearchLimits { rows_max: 100_000, page: 100, ahead: 4, item_bytes_max: 4096 };

fn item(number: usize) -> String {
    format!(r#"{{"00080018":{{"vr":"UI","Value":["1.2.{number}"]}}}}"#)
}

fn array(numbers: impl IntoIterator<Item = usize>) -> String {
    format!("[{}]", numbers.into_iter().map(item).collect::<Vec<_>>().join(","))
}

/// What was found, as the last component of each UID, and the error at the end.
async fn all(mut stream: SearchStream) -> (Vec<usize>, Option<Error>, SearchReport) {
    let mut found = Vec::new();
    while let Some(result) = stream.next().await {
        match result {
            Ok(item) => {
                let uid = item.uid(instance::Tag::SOP_INSTANCE_UID).unwrap();
                found.push(uid.as_str().rsplit('.').next().unwrap().parse().unwrap());
            }
            Err(error) => {
                assert!(stream.next().await.is_none(), "an error is the end");
                return (found, Some(error), stream.report());
            }
        }
    }
    assert!(stream.next().await.is_none(), "the end stays the end");
    (found, None, stream.report())
}

async fn instances(client: &Client, limits: SearchLimits) -> (Vec<usize>, Option<Error>, SearchReport) {
    all(client.search(Search::new(Level::Instance), limits)).await
}

/// What a request asks for by `limit` and `offset`.
fn paging(request: &Request) -> (usize, usize) {
    let query = request.uri().query().unwrap_or("");
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name));
    (value("limit=").unwrap().parse().unwrap(), value("offset=").unwrap_or("0").parse().unwrap())
}

/// A server that answers each request by its limit and offset, and counts the requests.
async fn paged<F>(answer: F) -> (BaseUrl, Arc<AtomicUsize>)
where
    F: Fn(usize, usize) -> Answer<Body> + Clone + Send + Sync + 'static,
{
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    let router = Router::new().fallback(move |request: Request| {
        count.fetch_add(1, Ordering::Relaxed);
        let (limit, offset) = paging(&request);
        let answer = answer(limit, offset);
        async move { answer }
    });
    (serve(router).await, requests)
}

fn ok(body: impl Into<Body>) -> Answer<Body> {
    Answer::builder().header("content-type", "application/dicom+json").body(body.into()).unwrap()
}

fn status(status: u16) -> Answer<Body> {
    Answer::builder().status(status).body(Body::empty()).unwrap()
}

/// How a server misunderstands paging.
#[derive(Debug, Clone, Copy)]
struct Habits {
    total: usize,
    /// It never gives more than this with one answer.
    cap: usize,
    /// It says so in a Warning.
    warns: bool,
    knows_limit: bool,
    knows_offset: bool,
    /// Each page repeats so many results of the one before.
    overlap: usize,
    /// It answers 204 or an empty list behind the last result.
    empty_status: bool,
}

const HONEST: Habits = Habits {
    total: 0,
    cap: usize::MAX,
    warns: false,
    knows_limit: true,
    knows_offset: true,
    overlap: 0,
    empty_status: true,
};

impl Habits {
    fn answer(self, limit: usize, offset: usize) -> Answer<Body> {
        let first = if self.knows_offset { offset.saturating_sub(self.overlap) } else { 0 };
        let limit = if self.knows_limit { limit } else { usize::MAX };
        let end = first.saturating_add(limit.min(self.cap)).min(self.total);
        if first >= self.total || offset >= self.total && self.knows_offset {
            return if self.empty_status { status(204) } else { ok("[ ]") };
        }
        let mut answer = ok(array(first..end));
        if self.warns && end < self.total {
            let text = "299 s: There are additional results that can be requested";
            answer.headers_mut().insert("warning", text.parse().unwrap());
        }
        answer
    }
}

#[tokio::test]
async fn pages_to_the_end_whatever_the_server_makes_of_paging() {
    let rows: &[(Habits, bool, usize)] = &[
        (Habits { total: 0, ..HONEST }, true, 1),
        (Habits { total: 0, empty_status: false, ..HONEST }, true, 1),
        (Habits { total: 7, ..HONEST }, true, 1),
        // 99 may have been cut, since it is more than a server cuts with a word; the next page is empty.
        (Habits { total: 99, ..HONEST }, true, 2),
        (Habits { total: 100, ..HONEST }, true, 2),
        (Habits { total: 350, ..HONEST }, true, 5),
        (Habits { total: 350, empty_status: false, ..HONEST }, true, 5),
        // Fewer than asked for, without a word or with one.
        (Habits { total: 350, cap: 60, ..HONEST }, true, 7),
        (Habits { total: 350, cap: 20, warns: true, ..HONEST }, true, 18),
        // Results that move on while new ones come in.
        (Habits { total: 350, overlap: 30, ..HONEST }, true, 5),
        // A server that knows neither gives everything at once, and again.
        (Habits { total: 350, knows_limit: false, knows_offset: false, ..HONEST }, true, 2),
        (Habits { total: 20, knows_limit: false, knows_offset: false, ..HONEST }, true, 1),
        (Habits { total: 80, knows_offset: false, ..HONEST }, true, 2),
        // The rest is not to be had, and that is no success.
        (Habits { total: 350, knows_offset: false, ..HONEST }, false, 2),
        (Habits { total: 350, cap: 60, warns: true, knows_offset: false, ..HONEST }, false, 2),
    ];
    for (habits, complete, requests) in rows {
        let habits = *habits;
        let (base, counted) = paged(move |limit, offset| habits.answer(limit, offset)).await;
        let (found, error, report) = instances(&client(base), SMALL).await;
        assert_eq!(error.is_none(), *complete, "{habits:?}: {error:?}");
        assert!(error.is_none_or(|error| matches!(error, Error::Incomplete)), "{habits:?}");
        assert!(found.iter().copied().eq(0..found.len()), "{habits:?}: each once, in order");
        assert_eq!(found.len() == habits.total, *complete, "{habits:?}: {}", found.len());
        assert_eq!(counted.load(Ordering::Relaxed), *requests, "{habits:?}");
        assert_eq!(report.pages, *requests as u64, "{habits:?}");
        assert_eq!(report.rows, found.len() as u64 + report.duplicates, "{habits:?}");
    }
}

#[tokio::test]
async fn a_limit_of_the_profile_is_kept_and_a_missing_offset_is_no_success() {
    let (base, _) = paged(|limit, offset| {
        assert!(limit <= 30, "{limit}");
        Habits { total: 70, ..HONEST }.answer(limit, offset)
    })
    .await;
    let limited = client_with(base.clone(), |profile| profile.search.limit_max = Some(30));
    let (found, error, _) = instances(&limited, SMALL).await;
    assert_eq!((found.len(), error.is_none()), (70, true));
    let first_page = client_with(base, |profile| {
        profile.search.limit_max = Some(30);
        profile.search.offset = false;
    });
    let (found, error, _) = instances(&first_page, SMALL).await;
    assert_eq!(found.len(), 30);
    assert!(matches!(error, Some(Error::Incomplete)));
}

#[tokio::test]
async fn new_pages_with_nothing_new_end() {
    // Never the same page, and never a new result.
    let (base, requests) =
        paged(|limit, offset| ok(array((0..limit).map(|at| (at + offset / limit) % limit)))).await;
    let (found, error, report) = instances(&client(base), SMALL).await;
    assert_eq!(found.len(), 100);
    assert!(matches!(error, Some(Error::Incomplete)), "{error:?}");
    assert_eq!(requests.load(Ordering::Relaxed), 4);
    assert_eq!(report.duplicates, 300);
}

#[tokio::test]
async fn results_that_are_announced_and_not_given_are_no_success() {
    for (behind, complete) in [("[]", false), ("", false), ("repeated", false), ("new", true)] {
        let (base, _) = paged(move |_, offset| {
            let mut answer = match (offset, behind) {
                (0, _) => ok(array(0..20)),
                (_, "") => return status(204),
                (_, "repeated") => return ok(array(18..20)),
                (_, "new") => return ok(array(20..22)),
                (_, body) => return ok(body.to_owned()),
            };
            let text = "299 s: There are 2 additional results that can be requested";
            answer.headers_mut().insert("warning", text.parse().unwrap());
            answer
        })
        .await;
        let (found, error, _) = instances(&client(base), SMALL).await;
        assert_eq!(found.len(), if complete { 22 } else { 20 }, "{behind}");
        assert_eq!(error.is_none(), complete, "{behind}: {error:?}");
        assert!(error.is_none_or(|error| matches!(error, Error::Incomplete)), "{behind}");
    }
}

#[tokio::test]
async fn an_origin_is_asked_sixteen_things_at_a_time() {
    let (asked, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (asking, counting) = (asked.clone(), most.clone());
    let full = Arc::new(tokio::sync::Barrier::new(16));
    let router = Router::new().fallback(move || {
        counting.fetch_max(asking.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let (asking, full) = (asking.clone(), full.clone());
        async move {
            // Nobody is answered before sixteen are asking.
            full.wait().await;
            asking.fetch_sub(1, Ordering::SeqCst);
            ok(array(0..1))
        }
    });
    let client = client(serve(router).await);
    let searches = (0..64).map(|_| all(client.search(Search::new(Level::Instance), SMALL)));
    for (found, error, _) in futures::future::join_all(searches).await {
        assert_eq!((found.len(), error.is_none()), (1, true));
    }
    assert_eq!((most.load(Ordering::SeqCst), asked.load(Ordering::SeqCst)), (16, 0));
}

#[tokio::test]
async fn a_search_waits_for_its_turn_no_longer_than_somebody_is_patient() {
    let (base, requests) = paged(|_, _| ok(array([7]))).await;
    let rates = Rates { concurrent: Some(1), ..Rates::default() };
    let mut config = config(base);
    config.pace = Pace::new(RateLimit { rates, ..RateLimit::default() });
    config.timeouts.unavailable = Duration::from_millis(50);
    let client = Client::new(config).unwrap();
    let delivery = client.pace().admit(Precedence::Bulk).await;
    let (found, error, _) = instances(&client, SMALL).await;
    assert!(matches!(error, Some(Error::Timeout(Wait::Turn))), "{error:?}");
    assert_eq!((found.len(), requests.load(Ordering::Relaxed)), (0, 0));
    drop(delivery);
    let (found, error, _) = instances(&client, SMALL).await;
    assert!(error.is_none() && found == [7], "{error:?}");
}

#[tokio::test]
async fn endless_results_end_at_the_limit() {
    let (base, _) = paged(|limit, offset| ok(array(offset..offset + limit))).await;
    let (found, error, _) = instances(&client(base), SearchLimits { rows_max: 250, ..SMALL }).await;
    assert_eq!(found.len(), 250);
    assert!(matches!(error, Some(Error::TooManyRows(250))), "{error:?}");
}

#[tokio::test]
async fn asks_where_the_profile_says_with_everything_that_is_asked() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let router = Router::new().fallback(move |request: Request| {
        log.lock().unwrap().push(request.uri().to_string());
        assert_eq!(request.headers()["accept"], "application/dicom+json");
        async { StatusCode::NO_CONTENT }
    });
    let client = client_with(serve(router).await, |profile| {
        profile.paths.series_instances = "/flat?0020000E={series}".parse().unwrap();
    });
    let (study, series) = (Some("1.2".parse().unwrap()), Some("1.3".parse().unwrap()));
    let search = |level, below: usize| Search {
        study: study.clone().filter(|_| below > 0),
        series: series.clone().filter(|_| below > 1),
        matching: vec![(vec![instance::Tag::PATIENT_ID], "A B".into())],
        include: vec![instance::Tag::MODALITY],
        ..Search::new(level)
    };
    let searches = [
        (search(Level::Study, 0), "/studies?"),
        (search(Level::Series, 0), "/series?"),
        (search(Level::Series, 1), "/studies/1.2/series?"),
        (search(Level::Instance, 0), "/instances?"),
        (search(Level::Instance, 1), "/studies/1.2/instances?"),
        (search(Level::Instance, 2), "/flat?0020000E=1.3&"),
    ];
    for (search, path) in searches {
        let (found, error, _) = all(client.search(search, SMALL)).await;
        assert!(found.is_empty() && error.is_none());
        let expected = format!("/dicom-web{path}00100020=A%20B&includefield=00080060&limit=100");
        assert_eq!(asked.lock().unwrap().pop().unwrap(), expected);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_an_error_behind_what_was_good() {
    let long = format!(r#"{{"00104000":{{"Value":["{}"]}}}}"#, "x".repeat(5000));
    let two = format!("[{},{}", item(0), item(1));
    let rows: Vec<(String, usize, Unreadable)> = vec![
        (two.clone(), 2, Unreadable::Cut),
        (format!("{two},{{"), 2, Unreadable::Cut),
        (format!("[{},{{\"00080018\":}},{}]", item(0), item(1)), 2, Unreadable::Malformed),
        (format!("[{},7,{}]", item(0), item(1)), 2, Unreadable::Malformed),
        (format!("[{},{long},{}]", item(0), item(1)), 2, Unreadable::TooLarge),
        (r#"{"error":"no"}"#.to_owned(), 0, Unreadable::Malformed),
        ("no".to_owned(), 0, Unreadable::Malformed),
        ("<!DOCTYPE html><p>".to_owned(), 0, Unreadable::Html),
        (String::new(), 0, Unreadable::Empty),
        (format!("[\"{}", "x".repeat(2_000_000)), 0, Unreadable::TooLarge),
    ];
    for (body, good, expected) in rows {
        let answer = body.clone();
        let (base, _) = paged(move |_, _| ok(answer.clone())).await;
        let (found, error, _) = instances(&client(base), SMALL).await;
        let head = &body[..body.len().min(80)];
        assert_eq!(found.len(), good, "{head}");
        assert!(matches!(error, Some(Error::Unreadable(reason)) if reason == expected), "{head}: {error:?}");
    }
    let router = Router::new().fallback(|| async { axum::response::Html("[]") });
    let (_, error, _) = instances(&client(serve(router).await), SMALL).await;
    assert!(matches!(error, Some(Error::Unreadable(Unreadable::Html))));
}

#[tokio::test]
async fn a_result_without_its_uid_is_left_out_and_makes_the_search_fail() {
    let (base, _) = paged(|_, _| {
        ok(format!(r#"[{},{{"00080018":{{"vr":"UI"}}}},{{"00100010":{{"vr":"??","Value":[[]]}}}}]"#, item(0)))
    })
    .await;
    let (found, error, report) = instances(&client(base), SMALL).await;
    assert_eq!(found, [0]);
    assert!(matches!(error, Some(Error::Unreadable(Unreadable::Malformed))));
    assert_eq!((report.rows, report.unidentified, report.elements_dropped), (3, 2, 1));
}

#[tokio::test]
async fn refusals_keep_their_status_wherever_they_come() {
    for code in [400, 401, 403, 404, 406, 413, 429, 500, 503] {
        let (base, requests) = paged(move |limit, offset| match offset {
            0 => ok(array(0..limit)),
            _ => status(code),
        })
        .await;
        let mut config = config(base);
        config.timeouts.unavailable = Duration::ZERO;
        let (found, error, _) = instances(&Client::new(config).unwrap(), SMALL).await;
        assert_eq!(found.len(), 100);
        let same = matches!(&error, Some(Error::Refused { status, .. }) if status.as_u16() == code);
        assert!(same, "{code}: {error:?}");
        assert_eq!(requests.load(Ordering::Relaxed), 2, "{code}");
    }
}

#[tokio::test]
async fn what_is_put_off_is_asked_for_again() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = tries.clone();
    let (base, _) = paged(move |limit, offset| match count.fetch_add(1, Ordering::Relaxed) % 3 {
        2 => Habits { total: 150, ..HONEST }.answer(limit, offset),
        other => {
            let mut answer = status(if other == 0 { 429 } else { 503 });
            answer.headers_mut().insert("retry-after", "0".parse().unwrap());
            answer
        }
    })
    .await;
    let (found, error, _) = instances(&client(base), SMALL).await;
    assert_eq!((found.len(), error.is_none()), (150, true));
    assert_eq!(tries.load(Ordering::Relaxed), 9, "150 may have been cut, so a third page is asked for");

    let (base, requests) = paged(|_, _| {
        let mut answer = status(503);
        answer.headers_mut().insert("retry-after", "31".parse().unwrap());
        answer
    })
    .await;
    let (_, error, _) = instances(&client(base), SMALL).await;
    let after = Some(Duration::from_secs(31));
    assert!(matches!(error, Some(Error::Refused { retry_after, .. }) if retry_after == after));
    assert_eq!(requests.load(Ordering::Relaxed), 1, "31 s are longer than anybody waits");
}

#[tokio::test]
async fn what_the_header_fields_say_is_reported() {
    let (base, _) = paged(|_, _| {
        let mut answer = ok(array(0..1));
        let headers = answer.headers_mut();
        headers.append("warning", "299 s: The fuzzymatching parameter is not supported.".parse().unwrap());
        headers.append("erroneous-dicom-attributes", "00101010".parse().unwrap());
        answer
    })
    .await;
    let mut config = config(base);
    config.profile = Profile::azure();
    let (_, error, report) = instances(&Client::new(config).unwrap(), SMALL).await;
    assert!(error.is_none());
    assert!(report.fuzzy_not_supported && report.erroneous_attributes && !report.other_warning);
}

/// A server that plays one script per connection, in bytes.
async fn scripted(scripts: Vec<String>) -> (BaseUrl, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let task = tokio::spawn(async move {
        for script in scripts {
            let (mut socket, _) = listener.accept().await.unwrap();
            read_until(&mut socket, b"\r\n\r\n").await;
            socket.write_all(script.as_bytes()).await.unwrap();
        }
    });
    (base, task)
}

/// An answer of which only the first bytes are sent.
fn cut(body: &str, sent: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.len(), &body[..sent])
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_once_more_and_gives_nothing_twice() {
    let body = array(0..3);
    for sent in 0..body.len() {
        let (base, server) = scripted(vec![cut(&body, sent), cut(&body, body.len())]).await;
        let (found, error, _) = instances(&client(base), SMALL).await;
        assert_eq!((found, error.is_none()), (vec![0, 1, 2], true), "{sent}");
        server.await.unwrap();
    }
    // Without a single byte of an answer, and twice in a row.
    let (base, server) = scripted(vec![String::new(), cut(&body, body.len())]).await;
    assert!(instances(&client(base), SMALL).await.1.is_none());
    server.await.unwrap();
    let (base, server) = scripted(vec![cut(&body, 60), cut(&body, 60)]).await;
    let (found, error, _) = instances(&client(base), SMALL).await;
    assert_eq!(found, [0]);
    assert!(matches!(error, Some(Error::Interrupted(_))), "{error:?}");
    server.await.unwrap();
}

#[tokio::test]
async fn an_answer_that_stands_still_is_given_up() {
    let (base, server) = raw(|mut socket| async move {
        read_until(&mut socket, b"\r\n\r\n").await;
        socket.write_all(cut(&array(0..2), 60).as_bytes()).await.unwrap();
        // The client closes.
        read_until(&mut socket, b"never").await
    })
    .await;
    let mut config = config(base);
    config.timeouts.read_idle = Duration::from_millis(50);
    let (found, error, _) = instances(&Client::new(config).unwrap(), SMALL).await;
    assert_eq!(found, [0]);
    assert!(matches!(error, Some(Error::Timeout(Wait::Reading))), "{error:?}");
    assert!(server.await.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_that_does_not_come_to_its_end_in_time_is_given_up() {
    let (base, server) = raw(|mut socket| async move {
        read_until(&mut socket, b"\r\n\r\n").await;
        socket.write_all(cut(&array(0..2), 60).as_bytes()).await.unwrap();
        // The client closes.
        read_until(&mut socket, b"never").await
    })
    .await;
    let mut config = config(base);
    config.timeouts.page = Duration::from_millis(50);
    let (found, error, _) = instances(&Client::new(config).unwrap(), SMALL).await;
    assert_eq!(found, [0]);
    assert!(matches!(error, Some(Error::Timeout(Wait::Total))), "{error:?}");
    assert!(server.await.unwrap().is_empty());
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let (base, server) = raw(|mut socket| async move {
        read_until(&mut socket, b"\r\n\r\n").await;
        socket.write_all(cut(&array(0..100), 300).as_bytes()).await.unwrap();
        read_until(&mut socket, b"never").await
    })
    .await;
    let mut stream = client(base).search(Search::new(Level::Instance), SMALL);
    stream.next().await.unwrap().unwrap();
    drop(stream);
    assert!(server.await.unwrap().is_empty(), "the server sees the end of the connection");
}

#[tokio::test]
async fn reads_ahead_no_further_than_allowed() {
    let (base, requests) = paged(|limit, offset| ok(array(offset..offset + limit))).await;
    let limits = SearchLimits { page: 2, ahead: 5, ..SMALL };
    let mut stream = client(base).search(Search::new(Level::Instance), limits);
    // 5 results wait in the queue and one before it, which are three pages.
    let asked = || requests.load(Ordering::Relaxed);
    while asked() < 3 {
        tokio::task::yield_now().await;
    }
    stays(asked, 3).await;
    for _ in 0..2 {
        stream.next().await.unwrap().unwrap();
    }
    while asked() < 4 {
        tokio::task::yield_now().await;
    }
    stays(asked, 4).await;
}

#[tokio::test]
async fn the_next_page_of_a_long_search_is_asked_for_while_one_is_read() {
    // At most one request is made in vain, where the last page is longer than a half.
    for (total, at_most) in [(340, 4), (350, 5), (360, 6), (400, 5), (1000, 11)] {
        let habits = Habits { total, ..HONEST };
        let (base, requests) = paged(move |limit, offset| habits.answer(limit, offset)).await;
        let (found, error, report) = instances(&client(base), SMALL).await;
        assert!(error.is_none() && found.iter().copied().eq(0..total), "{total}: {error:?}");
        assert!(requests.load(Ordering::Relaxed) <= at_most, "{total}: {requests:?}");
        assert_eq!(report.rows, total as u64);
    }
}

#[tokio::test]
async fn a_page_that_is_refused_ahead_is_asked_for_in_its_turn() {
    let asked = Arc::new(tokio::sync::Notify::new());
    let refused = Arc::new(AtomicUsize::new(0));
    let (base, _) = paged(move |limit, offset| match offset {
        // The rest of the third page comes once the fourth is asked for.
        200 => {
            let mut whole = array(200..200 + limit).into_bytes();
            let rest = whole.split_off(whole.len() * 3 / 4);
            let asked = asked.clone();
            let rest = stream::once(async move {
                asked.notified().await;
                Ok::<_, std::io::Error>(rest)
            });
            ok(Body::from_stream(stream::iter([Ok(whole)]).chain(rest)))
        }
        300 => {
            asked.notify_one();
            match refused.fetch_add(1, Ordering::Relaxed) {
                0 => status(503),
                _ => ok(array(300..307)),
            }
        }
        _ => ok(array(offset..offset + limit)),
    })
    .await;
    let (found, error, report) = instances(&client(base), SMALL).await;
    assert!(error.is_none() && found.iter().copied().eq(0..307), "{} {error:?}", found.len());
    assert_eq!(report.pages, 4);
}

/// Gives everything in this process its turns, and sees that the number stays.
async fn stays(number: impl Fn() -> usize, expected: usize) {
    for _ in 0..2000 {
        tokio::task::yield_now().await;
        assert_eq!(number(), expected);
    }
}

#[tokio::test]
async fn metadata_is_listed_as_a_search_is() {
    let router = Router::new().fallback(|request: Request| async move {
        match request.uri().to_string().as_str() {
            "/dicom-web/studies/1.2/metadata" => ok(array([0, 1, 0, 2])),
            "/dicom-web/studies/1.2/series/1.3/metadata" => ok(array(0..400)),
            "/dicom-web/studies/1.2/series/1.3/instances/1.4/metadata" => ok(array(4..5)),
            _ => status(404),
        }
    });
    let base = serve(router).await;
    let client = client(base.clone());
    let uid = |text: &str| text.parse::<instance::Uid>().unwrap();
    let (study, series, one) = (uid("1.2"), uid("1.3"), uid("1.4"));
    let (found, error, _) = all(client.metadata(&study, None, None, SMALL)).await;
    assert_eq!((found, error.is_none()), (vec![0, 1, 2], true));
    let (found, error, report) = all(client.metadata(&study, Some(&series), None, SMALL)).await;
    assert_eq!((found.len(), error.is_none(), report.pages), (400, true, 1));
    let (found, _, _) = all(client.metadata(&study, Some(&series), Some(&one), SMALL)).await;
    assert_eq!(found, [4]);
    let (_, error, _) = all(client.metadata(&one, None, None, SMALL)).await;
    assert!(matches!(error, Some(Error::Refused { status: StatusCode::NOT_FOUND, .. })));
    let without = client_with(base, |profile| profile.retrieve.metadata = false);
    assert!(matches!(all(without.metadata(&study, None, None, SMALL)).await.1, Some(Error::Profile(_))));
}
