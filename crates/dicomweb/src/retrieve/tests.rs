//! Answers that are whole, cut at every byte, split at every byte, malformed, slow and unwanted.

use axum::Router;
use axum::extract::Request;
use axum::http::Response as Answer;
use futures::{StreamExt as _, TryStreamExt as _};
use instance::part10;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::AsyncWriteExt as _;

use super::parts::Parts;
use super::*;
use crate::error::{Unreadable, Wait};
use crate::multipart::Boundary;
use crate::testing::*;
use crate::{Client, Error};

const MULTIPART: &str = "multipart/related; type=\"application/dicom\"; boundary=B";

fn study(study: &str) -> Retrieve {
    Retrieve { study: study.parse().unwrap(), series: None, instance: None, transfer_syntax: Accept::Any }
}

/// The file of one instance with this data set.
fn file(sop_instance_uid: &str, data_set: &[u8]) -> Vec<u8> {
    [part10::write(&meta(sop_instance_uid), None), data_set.to_vec()].concat()
}

/// A data set that may not look like more File Meta Information.
fn data_set(number: u8) -> Vec<u8> {
    [b"\x08\x00\x05\x00CS\x00\x00--B\r\n\r\n".as_slice(), &[number; 40]].concat()
}

/// A body of parts with these header lines.
fn body(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (headers, data) in parts {
        body.extend_from_slice(format!("--B\r\n{headers}\r\n").as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--B--");
    body
}

const DICOM: &str = "Content-Type: application/dicom\r\n";

fn two() -> Vec<u8> {
    let first = file("1.1", &data_set(1));
    let headers = format!("{DICOM}Content-Length: {}\r\n", first.len());
    body(&[(&headers, first), (DICOM, file("1.2", &data_set(2)))])
}

/// All instances of an answer, as UID and data set, and the error that ended it.
async fn all(mut retrieved: Retrieved) -> (Vec<(String, Vec<u8>)>, Option<Error>) {
    let mut instances = Vec::new();
    loop {
        let part = match retrieved.next_part().await {
            Ok(Some(part)) => part,
            Ok(None) => break,
            Err(error) => return (instances, Some(error)),
        };
        let announced = part.length;
        match part.data_set.try_collect::<Vec<_>>().await {
            Ok(chunks) => {
                let data_set = chunks.concat();
                assert!(announced.is_none_or(|length| length == data_set.len() as u64));
                instances.push((part.file_meta.sop_instance_uid.to_string(), data_set));
            }
            Err(error) => {
                assert!(retrieved.next_part().await.is_err(), "nothing follows a cut data set");
                return (instances, Some(error));
            }
        }
    }
    assert!(retrieved.next_part().await.unwrap().is_none(), "the end stays the end");
    (instances, None)
}

/// Whether these are the first ones of the two instances, each whole.
fn are_whole(instances: &[(String, Vec<u8>)]) -> bool {
    let expected = [("1.1".to_owned(), data_set(1)), ("1.2".to_owned(), data_set(2))];
    expected.starts_with(instances)
}

/// The answer that would be read from these chunks.
fn of_chunks(chunks: Vec<Vec<u8>>) -> Retrieved {
    let chunks = futures::stream::iter(chunks.into_iter().map(|chunk| Ok(bytes::Bytes::from(chunk)))).boxed();
    let boundary = Boundary::new("B").unwrap();
    Retrieved::of(Parts::multipart(chunks, &boundary))
}

#[tokio::test]
async fn an_answer_reads_the_same_wherever_it_is_split() {
    let body = two();
    for at in 0..=body.len() {
        let (instances, error) = all(of_chunks(vec![body[..at].to_vec(), body[at..].to_vec()])).await;
        assert!(error.is_none() && instances.len() == 2 && are_whole(&instances), "{at}: {error:?}");
    }
    let bytes = body.iter().map(|byte| vec![*byte]).collect();
    let (instances, error) = all(of_chunks(bytes)).await;
    assert!(error.is_none() && instances.len() == 2 && are_whole(&instances));
}

#[tokio::test]
async fn an_answer_that_is_cut_anywhere_is_an_error_and_gives_only_whole_instances() {
    let body = two();
    for at in 0..body.len() {
        let (instances, error) = all(of_chunks(vec![body[..at].to_vec()])).await;
        assert!(matches!(error, Some(Error::Unreadable(_))), "{at}: {error:?}");
        assert!(are_whole(&instances), "{at}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_anywhere_is_an_error_and_gives_only_whole_instances() {
    let body = two();
    let whole = body.clone();
    let (base, _server) = raw_repeatedly(move |number| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {MULTIPART}\r\nContent-Length: {}\r\n\r\n",
            whole.len()
        );
        [head.into_bytes(), whole[..number].to_vec()].concat()
    })
    .await;
    let client = client(base);
    for at in 0..body.len() {
        let retrieved = client.retrieve(&study("1.2")).await.unwrap();
        let (instances, error) = all(retrieved).await;
        assert!(matches!(error, Some(Error::Interrupted(_))), "{at}: {error:?}");
        assert!(are_whole(&instances), "{at}");
    }
    let (instances, error) = all(client.retrieve(&study("1.2")).await.unwrap()).await;
    assert!(error.is_none() && instances.len() == 2, "{error:?}");
}

/// A server that sends, on connection number n (from 0), what the script says for n, and closes it.
async fn raw_repeatedly(
    script: impl Fn(usize) -> Vec<u8> + Send + 'static,
) -> (crate::BaseUrl, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let task = tokio::spawn(async move {
        for number in 0.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            read_until(&mut socket, b"\r\n\r\n").await;
            socket.write_all(&script(number)).await.unwrap();
        }
    });
    (base, task)
}

#[tokio::test]
async fn what_a_part_says_of_itself_must_be_true() {
    let data = file("1.1", b"data");
    let length = data.len();
    let headers = |length: usize| format!("{DICOM}Content-Length: {length}\r\n");
    let rows = [
        (body(&[(&headers(length), data.clone())]), None),
        (body(&[(&headers(length + 1), data.clone())]), Some(Unreadable::Cut)),
        (body(&[(&headers(length - 1), data.clone())]), Some(Unreadable::Malformed)),
        (body(&[(&headers(3), data.clone())]), Some(Unreadable::Malformed)),
        (body(&[("Content-Length: many\r\n", data.clone())]), None),
        (body(&[("", data)]), None),
        (body(&[("", b"no file".to_vec())]), Some(Unreadable::Malformed)),
        (body(&[("", vec![])]), Some(Unreadable::Malformed)),
        (body(&[("", vec![0; 200])]), Some(Unreadable::Malformed)),
        (body(&[("Content-Type: application/json\r\n", b"{}".to_vec())]), Some(Unreadable::Malformed)),
    ];
    for (body, expected) in rows {
        let text = String::from_utf8_lossy(&body[..60.min(body.len())]).into_owned();
        let (instances, error) = all(of_chunks(vec![body])).await;
        match expected {
            None => assert!(error.is_none() && instances.len() == 1, "{text}: {error:?}"),
            Some(reason) => {
                assert!(instances.is_empty(), "{text}");
                assert!(matches!(error, Some(Error::Unreadable(r)) if r == reason), "{text}: {error:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_transfer_syntax_comes_from_the_file_or_else_from_the_part() {
    let headers = "Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90\r\n";
    let mut unnamed = file("1.2", b"data");
    let at = unnamed.windows(4).position(|tag| tag == [2, 0, 0x10, 0]).unwrap();
    unnamed[at + 2] = 0x11;
    let mut retrieved = of_chunks(vec![body(&[(headers, file("1.1", b"data")), (headers, unnamed)])]);
    for expected in ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90"] {
        let part = retrieved.next_part().await.unwrap().unwrap();
        assert_eq!(part.file_meta.transfer_syntax.uid().as_str(), expected);
    }
}

#[tokio::test]
async fn what_is_not_wanted_of_a_data_set_is_passed_over() {
    let mut retrieved = of_chunks(two().chunks(7).map(<[u8]>::to_vec).collect());
    let mut first = retrieved.next_part().await.unwrap().unwrap();
    first.data_set.next().await.unwrap().unwrap();
    drop(first);
    let second = retrieved.next_part().await.unwrap().unwrap();
    assert_eq!(second.file_meta.sop_instance_uid.as_str(), "1.2");
    assert_eq!(second.data_set.try_collect::<Vec<_>>().await.unwrap().concat(), data_set(2));
    assert!(retrieved.next_part().await.unwrap().is_none());
}

#[tokio::test]
async fn a_next_part_that_nobody_waits_for_is_never_the_end() {
    let (_sender, chunks) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, Error>>(1);
    let chunks = futures::stream::unfold(chunks, |mut chunks| async { Some((chunks.recv().await?, chunks)) });
    let boundary = Boundary::new("B").unwrap();
    let mut retrieved = Retrieved::of(Parts::multipart(chunks.boxed(), &boundary));
    assert!(futures::poll!(std::pin::pin!(retrieved.next_part())).is_pending());
    assert!(retrieved.next_part().await.is_err());
}

async fn client_of(status: u16, content_type: &'static str, body: &'static [u8]) -> Client {
    let router = Router::new().fallback(move |request: Request| async move {
        assert_eq!(request.uri(), "/dicom-web/studies/1.2");
        let accept = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
        assert_eq!(request.headers()["accept"], accept);
        let answer = Answer::builder().status(status).header("content-type", content_type);
        answer.body(axum::body::Body::from(body)).unwrap()
    });
    client(serve(router).await)
}

#[tokio::test]
async fn statuses_and_media_types_say_what_has_come() {
    let file: &'static [u8] = file("1.1", b"data").leak();
    let (instances, error) =
        all(client_of(200, "application/dicom", file).await.retrieve(&study("1.2")).await.unwrap()).await;
    assert!(error.is_none());
    assert_eq!(instances, [("1.1".to_owned(), b"data".to_vec())]);
    let (instances, error) =
        all(client_of(204, MULTIPART, b"").await.retrieve(&study("1.2")).await.unwrap()).await;
    assert!(error.is_none() && instances.is_empty());
    for status in [400, 401, 403, 404, 406, 410, 500] {
        let error = client_of(status, "text/plain", b"").await.retrieve(&study("1.2")).await.unwrap_err();
        assert!(matches!(error, Error::Refused { status: got, .. } if got.as_u16() == status), "{error}");
    }
    let rows = [
        ("text/html", Unreadable::Html),
        ("application/json", Unreadable::MediaType),
        ("multipart/related", Unreadable::MediaType),
    ];
    for (content_type, expected) in rows {
        let error = client_of(200, content_type, b"x").await.retrieve(&study("1.2")).await.unwrap_err();
        assert!(matches!(error, Error::Unreadable(reason) if reason == expected), "{error}");
    }
}

#[tokio::test]
async fn a_single_part_without_an_end_is_no_answer() {
    let file = file("1.1", b"data");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/dicom\r\n";
    let (base, _server) = raw_repeatedly(move |number| match number {
        0 => [format!("{head}\r\n").as_bytes(), &file].concat(),
        1 => {
            let size = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", file.len());
            [size.as_bytes(), &file, b"\r\n0\r\n\r\n"].concat()
        }
        _ => {
            let size = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", file.len());
            [size.as_bytes(), &file, b"\r\n"].concat()
        }
    })
    .await;
    let client = client(base);
    let error = client.retrieve(&study("1.2")).await.unwrap_err();
    assert!(matches!(error, Error::Unreadable(Unreadable::Endless)), "{error}");
    assert_eq!(all(client.retrieve(&study("1.2")).await.unwrap()).await.0.len(), 1);
    let (instances, error) = all(client.retrieve(&study("1.2")).await.unwrap()).await;
    assert!(instances.is_empty() && matches!(error, Some(Error::Interrupted(_))), "{error:?}");
}

#[tokio::test]
async fn a_request_that_breaks_or_is_put_off_is_sent_again() {
    let body = two();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let (base, _server) = raw_repeatedly(move |number| {
        count.fetch_add(1, Ordering::Relaxed);
        match number {
            0 => Vec::new(),
            1 => b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                .to_vec(),
            _ => {
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {MULTIPART}\r\nContent-Length: {length}\r\n\r\n"
                );
                [head.as_bytes(), &body].concat()
            }
        }
    })
    .await;
    let (instances, error) = all(client(base).retrieve(&study("1.2")).await.unwrap()).await;
    assert!(error.is_none() && instances.len() == 2);
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn dropping_answer_and_data_set_resets_the_request() {
    let (base, server) = raw(|mut socket| async move {
        read_until(&mut socket, b"\r\n\r\n").await;
        let part = [b"--B\r\n\r\n".to_vec(), file("1.1", &[7; 5000])].concat();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {MULTIPART}\r\nContent-Length: 1000000\r\n\r\n");
        socket.write_all(&[head.as_bytes(), &part].concat()).await.unwrap();
        read_until(&mut socket, b"never").await
    })
    .await;
    let mut retrieved = client(base).retrieve(&study("1.2")).await.unwrap();
    let mut part = retrieved.next_part().await.unwrap().unwrap();
    part.data_set.next().await.unwrap().unwrap();
    drop(retrieved);
    drop(part);
    assert!(server.await.unwrap().is_empty(), "the server sees the end of the connection");
}

#[tokio::test]
async fn a_data_set_that_stands_still_is_given_up() {
    let (base, server) = raw(|mut socket| async move {
        read_until(&mut socket, b"\r\n\r\n").await;
        let part = [b"--B\r\n\r\n".to_vec(), file("1.1", &[7; 5000])].concat();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {MULTIPART}\r\nContent-Length: 1000000\r\n\r\n");
        socket.write_all(&[head.as_bytes(), &part].concat()).await.unwrap();
        read_until(&mut socket, b"never").await
    })
    .await;
    let mut config = config(base);
    config.timeouts.read_idle = std::time::Duration::from_millis(50);
    let client = Client::new(config).unwrap();
    let (instances, error) = all(client.retrieve(&study("1.2")).await.unwrap()).await;
    assert!(instances.is_empty());
    assert!(matches!(error, Some(Error::Timeout(Wait::Reading))), "{error:?}");
    server.await.unwrap();
}

#[tokio::test]
async fn answers_that_nobody_takes_do_not_hold_up_others_over_http_2() {
    // Far more than fits into the window of a connection that nothing has been said about.
    let large: bytes::Bytes = body(&[(DICOM, file("1.1", &vec![7; 3 * 1024 * 1024]))]).into();
    let router = Router::new().fallback(move |request: Request| {
        assert_eq!(request.version(), http::Version::HTTP_2);
        let body = if request.uri().path().ends_with("/1.1") { large.clone() } else { two().into() };
        async move {
            let answer = Answer::builder().header("content-type", MULTIPART);
            answer.body(axum::body::Body::from(body)).unwrap()
        }
    });
    let config = config(serve(router).await);
    let client = Client::adapted(config, reqwest::ClientBuilder::http2_prior_knowledge).unwrap();
    let mut standing_still = Vec::new();
    for _ in 0..16 {
        let mut retrieved = client.retrieve(&study("1.1")).await.unwrap();
        let mut part = retrieved.next_part().await.unwrap().unwrap();
        part.data_set.next().await.unwrap().unwrap();
        standing_still.push((retrieved, part));
    }
    let (instances, error) = all(client.retrieve(&study("1.2")).await.unwrap()).await;
    assert!(error.is_none() && instances.len() == 2);
    for (_, part) in standing_still {
        let rest = part.data_set.try_fold(0, async |length, chunk| Ok(length + chunk.len())).await.unwrap();
        assert!(rest < 3 * 1024 * 1024, "all of them are still there");
    }
}
