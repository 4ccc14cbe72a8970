//! Store requests against servers that behave, refuse, break and stand still.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Response as Answer;
use futures::StreamExt as _;
use instance::part10;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::error::Remedy;
use crate::media_type::MediaType;
use crate::multipart::{Boundary, Reader, ReaderLimits};
use crate::testing::*;
use crate::{BaseUrl, Credentials, Profile};

/// A request as the server saw it.
#[derive(Debug, Clone)]
struct Seen {
    target: String,
    headers: http::HeaderMap,
    body: Bytes,
}

/// A server that reads requests whole, keeps the last one and gives the same answer to all.
async fn answering(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
) -> (BaseUrl, Arc<Mutex<Option<Seen>>>) {
    let seen = Arc::new(Mutex::new(None));
    let keep = seen.clone();
    let router = Router::new().fallback(move |request: Request| async move {
        let (parts, request_body) = request.into_parts();
        let body_seen = to_bytes(request_body, usize::MAX).await.unwrap_or_default();
        let target = format!("{} {}", parts.method, parts.uri);
        *keep.lock().unwrap() = Some(Seen { target, headers: parts.headers, body: body_seen });
        let answer = headers
            .iter()
            .fold(Answer::builder().status(status), |answer, (name, value)| answer.header(*name, *value));
        answer.body(Body::from(body)).unwrap()
    });
    (serve(router).await, seen)
}

const JSON: &[(&str, &str)] = &[("content-type", "application/dicom+json")];
const BOTH: &str = r#"{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.1"]}},{"00081155":{"vr":"UI","Value":["1.2"]}}]}}"#;
const FIRST_ONLY: &str = r#"{"00081199":{"Value":[{"00081155":{"Value":["1.1"]}}]},"00081198":{"Value":[{"00081155":{"Value":["1.2"]},"00081197":{"Value":[43264]}}]}}"#;
const NONE: &str = r#"{"00081198":{"Value":[{"00081155":{"Value":["1.1"]},"00081197":{"Value":[273]}},{"00081155":{"Value":["1.2"]},"00081197":{"Value":[272]}}]}}"#;
const BOTH_XML: &str = r#"<NativeDicomModel><DicomAttribute tag="00081199" vr="SQ"><Item number="1"><DicomAttribute tag="00081155" vr="UI"><Value number="1">1.1</Value></DicomAttribute></Item><Item number="2"><DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2</Value></DicomAttribute></Item></DicomAttribute></NativeDicomModel>"#;
const PAGE: &str = "<!DOCTYPE html><html><body>Please log in</body></html>";

const STORED: InstanceOutcome = InstanceOutcome::Stored { warning_reason: None, retrieve_url: None };
const UNKNOWN: InstanceOutcome = InstanceOutcome::Unknown;

fn failed(reason: u16, duplicate: bool) -> InstanceOutcome {
    InstanceOutcome::Failed { failure_reason: Some(reason), duplicate }
}

#[tokio::test]
async fn answers_tell_instances_apart() {
    type Row = (u16, &'static [(&'static str, &'static str)], &'static str, AnswerBody, [InstanceOutcome; 2]);
    const READ: AnswerBody = AnswerBody::ResponseDataSet;
    let unreadable = AnswerBody::Unreadable;
    let rows: [Row; 9] = [
        (200, JSON, BOTH, READ, [STORED, STORED]),
        (200, &[("content-type", "application/dicom+xml")], BOTH_XML, READ, [STORED, STORED]),
        (202, JSON, FIRST_ONLY, READ, [STORED, failed(43264, false)]),
        (409, JSON, NONE, READ, [failed(273, true), failed(272, false)]),
        (400, &[], NONE, READ, [failed(273, true), failed(272, false)]),
        (200, &[("content-type", "text/html")], PAGE, unreadable(Unreadable::Html), [UNKNOWN, UNKNOWN]),
        (200, &[], PAGE, unreadable(Unreadable::Html), [UNKNOWN, UNKNOWN]),
        (200, JSON, "", unreadable(Unreadable::Empty), [UNKNOWN, UNKNOWN]),
        (204, &[], "", unreadable(Unreadable::Empty), [UNKNOWN, UNKNOWN]),
    ];
    for (status, headers, body, expected_body, expected) in rows {
        let (base, _) = answering(status, headers, body).await;
        let answer = client(base).store(vec![small("1.1"), small("1.2")]).await.unwrap();
        assert_eq!(answer.http_status, status);
        assert_eq!((answer.body, answer.instances), (expected_body, expected.to_vec()), "{status} {body}");
    }
}

#[tokio::test]
async fn refusals_have_their_remedies() {
    let retry = |after| Remedy::Retry { after };
    const RETRY_AFTER: &[(&str, &str)] = &[("retry-after", "7")];
    type Row = (u16, &'static [(&'static str, &'static str)], &'static str, Remedy);
    let rows: [Row; 10] = [
        (401, &[], "", Remedy::FixCredentials),
        (403, &[("content-type", "text/html")], PAGE, Remedy::FixCredentials),
        (302, &[("location", "/login")], "", Remedy::FixCredentials),
        (404, &[], "", Remedy::FixCredentials),
        (400, &[], "", Remedy::Reject),
        (409, JSON, r#"{"error":"exists"}"#, Remedy::Reject),
        (413, &[], "", Remedy::Reject),
        (429, RETRY_AFTER, "", retry(Some(Duration::from_secs(7)))),
        (500, JSON, BOTH, retry(None)),
        (503, RETRY_AFTER, "", retry(Some(Duration::from_secs(7)))),
    ];
    for (status, headers, body, remedy) in rows {
        let (base, _) = answering(status, headers, body).await;
        let error = client(base).store(vec![small("1.1"), small("1.2")]).await.unwrap_err();
        assert_eq!(error.remedy(), remedy, "{status}: {error}");
    }
}

#[tokio::test]
async fn the_profile_decides_what_a_bare_status_means() {
    let mut profile = Profile::standard();
    profile.store_response = StoreResponse::StatusOnly;
    profile.duplicate_statuses = vec![409];
    let duplicate = InstanceOutcome::Failed { failure_reason: None, duplicate: true };
    let rows = [(200, "", STORED), (200, PAGE, UNKNOWN), (409, "", duplicate)];
    for (status, body, expected) in rows {
        let (base, _) = answering(status, &[], body).await;
        let client = Client::new(crate::ClientConfig::new(base, profile.clone())).unwrap();
        let answer = client.store(vec![small("1.1")]).await.unwrap();
        assert_eq!(answer.instances, [expected], "{status} {body}");
        if status == 409 {
            let error = client.store(vec![small("1.1"), small("1.2")]).await.unwrap_err();
            assert_eq!(error.remedy(), Remedy::Reject, "a batch is not one duplicate");
        }
    }
}

/// The files in a multipart body. Where a part tells its length, that is it.
async fn files(seen: &Seen) -> Vec<Vec<u8>> {
    let parts = parts(seen).await;
    for (length, file) in &parts {
        assert_eq!(length.unwrap_or(file.len()), file.len());
    }
    parts.into_iter().map(|(_, file)| file).collect()
}

/// What each part says of its length, and its bytes.
async fn parts(seen: &Seen) -> Vec<(Option<usize>, Vec<u8>)> {
    let content_type = MediaType::parse(seen.headers["content-type"].to_str().unwrap()).unwrap();
    assert!(content_type.is("multipart", "related"));
    assert_eq!(content_type.parameter("type"), Some("application/dicom"));
    let boundary = Boundary::of(&content_type).unwrap();
    let body = futures::stream::iter([Ok::<_, std::io::Error>(seen.body.clone())]);
    let mut reader = Reader::new(body, &boundary, ReaderLimits::default());
    let mut parts = Vec::new();
    while let Some(headers) = reader.next_part().await.unwrap() {
        assert_eq!(headers["content-type"], "application/dicom");
        let length = headers.get("content-length").map(|length| length.to_str().unwrap().parse().unwrap());
        let mut file = Vec::new();
        while let Some(chunk) = reader.next_chunk().await.unwrap() {
            file.extend_from_slice(&chunk);
        }
        parts.push((length, file));
    }
    parts
}

#[tokio::test]
async fn a_body_of_known_length_has_a_content_length_and_any_other_is_chunked() {
    let (base, seen) = answering(200, JSON, BOTH).await;
    let client = client(base);
    let unknown = || part("1.2", None, vec![Ok(b"abc"), Ok(b""), Ok(b"def")]);
    for (second, chunked) in [(small("1.2"), false), (unknown(), true)] {
        client.store(vec![small("1.1"), second]).await.unwrap();
        let seen = seen.lock().unwrap().take().unwrap();
        assert_eq!(seen.target, "POST /dicom-web/studies");
        assert_eq!(seen.headers["accept"], "application/dicom+json");
        if chunked {
            assert_eq!(seen.headers["transfer-encoding"], "chunked");
            assert!(!seen.headers.contains_key("content-length"));
        } else {
            assert_eq!(seen.headers["content-length"], seen.body.len().to_string());
            assert!(!seen.headers.contains_key("transfer-encoding"));
        }
        let expected =
            ["1.1", "1.2"].map(|uid| [part10::write(&meta(uid), None), b"abcdef".to_vec()].concat());
        assert_eq!(files(&seen).await, expected);
        let told: Vec<_> = parts(&seen).await.iter().map(|(length, _)| length.is_some()).collect();
        assert_eq!(told, [true, !chunked], "each length that is known is told");
    }
}

#[tokio::test]
async fn a_single_part_is_the_file_itself() {
    let (base, seen) = answering(200, JSON, BOTH).await;
    let mut config = config(base);
    config.profile.store_form = StoreForm::SinglePart;
    config.profile.unknown_length_accepted = false;
    let client = Client::new(config).unwrap();
    let answer = client.store(vec![small("1.2")]).await.unwrap();
    assert_eq!(answer.instances, [STORED]);
    let seen = seen.lock().unwrap().take().unwrap();
    assert_eq!(seen.headers["content-type"], "application/dicom");
    assert_eq!(seen.body, [part10::write(&meta("1.2"), None), b"abcdef".to_vec()].concat());
    for parts in [vec![], vec![small("1.1"), small("1.2")], vec![part("1.1", None, vec![])]] {
        assert!(matches!(client.store(parts).await, Err(Error::Profile(_))));
    }
}

#[tokio::test]
async fn a_part_that_fails_resets_the_request() {
    let cut = |length, pieces| vec![small("1.1"), part("1.2", length, pieces), small("1.3")];
    let cases = [
        ("error, chunked", cut(None, vec![Ok(b"abc"), Err("cut"), Ok(b"def")]), "cut"),
        ("error, known length", cut(Some(6), vec![Ok(b"abc"), Err("cut")]), "cut"),
        ("too short", cut(Some(7), vec![Ok(b"abc"), Ok(b"def")]), "6 bytes"),
        ("too long", cut(Some(5), vec![Ok(b"abc"), Ok(b"def"), Ok(b"ghi")]), "6 bytes"),
    ];
    for (name, parts, message) in cases {
        let (base, server) = raw(|mut socket| async move {
            let mut seen = Vec::new();
            let _ = socket.read_to_end(&mut seen).await;
            seen
        })
        .await;
        let error = client(base).store(parts).await.unwrap_err();
        assert!(matches!(error, Error::Source { part: 1, .. }), "{name}: {error}");
        assert!(error.to_string().contains(message), "{name}: {error}");
        let seen = String::from_utf8_lossy(&server.await.unwrap()).into_owned();
        assert!(!seen.contains("--\r\n"), "{name}: the closing delimiter was written");
        assert!(!seen.ends_with("0\r\n\r\n"), "{name}: the last chunk was written");
        assert!(!seen.contains("ghi"), "{name}");
    }
}

/// A part far larger than what sockets buffer.
fn large(sop_instance_uid: &str) -> StorePart {
    const PIECE: &[u8] = &[7; 64 * 1024];
    part(sop_instance_uid, Some(1024 * PIECE.len() as u64), vec![Ok(PIECE); 1024])
}

#[tokio::test]
async fn an_early_answer_is_read_while_the_body_is_still_going() {
    for (status, remedy) in [
        ("401 Unauthorized", Remedy::FixCredentials),
        ("413 Content Too Large", Remedy::Reject),
        ("429 Too Many Requests\r\nRetry-After: 3", Remedy::Retry { after: Some(Duration::from_secs(3)) }),
    ] {
        let (base, server) = raw(move |mut socket| async move {
            read_until(&mut socket, b"\r\n\r\n").await;
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            socket.write_all(answer.as_bytes()).await.unwrap();
            socket
        })
        .await;
        let error = client(base).store(vec![large("1.1")]).await.unwrap_err();
        assert_eq!(error.remedy(), remedy, "{error}");
        drop(server.await.unwrap());
    }
}

#[tokio::test]
async fn an_early_answer_with_a_reset_is_the_answer_or_unknown() {
    let (base, server) = raw(|mut socket| async move {
        read_until(&mut socket, b"\r\n\r\n").await;
        socket.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        // Unread data in the socket makes the close a reset.
    })
    .await;
    let error = client(base).store(vec![large("1.1")]).await.unwrap_err();
    assert!(matches!(error.remedy(), Remedy::Reject | Remedy::Unknown), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_success_before_the_end_waits_for_the_rest() {
    for takes_the_rest in [true, false] {
        let (base, server) = raw(move |mut socket| async move {
            read_until(&mut socket, b"\r\n\r\n").await;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{BOTH}", BOTH.len());
            socket.write_all(answer.as_bytes()).await.unwrap();
            let mut seen = 0;
            let mut buffer = vec![0; 64 * 1024];
            while takes_the_rest && seen < 64 * 1024 * 1024 {
                seen += socket.read(&mut buffer).await.unwrap();
            }
        })
        .await;
        let result = client(base).store(vec![large("1.1")]).await;
        match (takes_the_rest, result) {
            (true, Ok(answer)) => assert_eq!(answer.instances, [STORED]),
            (false, Err(error)) => assert_eq!(error.remedy(), Remedy::Unknown, "{error}"),
            (_, other) => panic!("takes the rest: {takes_the_rest}, {other:?}"),
        }
        server.await.unwrap();
    }
}

#[tokio::test]
async fn broken_connections_leave_the_outcome_unknown() {
    let answers: [&[u8]; 4] = [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"00081199\"",
        b"no HTTP at all\r\n\r\n",
    ];
    for answer in answers {
        let (base, server) = raw(move |mut socket| async move {
            read_until(&mut socket, b"--\r\n").await;
            socket.write_all(answer).await.unwrap();
        })
        .await;
        let error = client(base).store(vec![small("1.1")]).await.unwrap_err();
        assert!(matches!(error, Error::Interrupted(_)), "{error}");
        assert_eq!(error.remedy(), Remedy::Unknown);
        server.await.unwrap();
    }
    let (base, server) = raw(|mut socket| async move { read_until(&mut socket, &[7; 100]).await }).await;
    let error = client(base).store(vec![large("1.1")]).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted(_)), "closed in the middle of the body: {error}");
    server.await.unwrap();
}

#[tokio::test]
async fn no_connection_means_nothing_was_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let error = client(base).store(vec![small("1.1")]).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry { after: None });
    assert!(error.to_string().to_lowercase().contains("refused"), "names the cause: {error}");
}

#[tokio::test]
async fn a_server_that_stands_still_is_noticed_at_every_stage() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{";
    let cases = [
        ("takes no data", large("1.1"), None, Wait::Sending),
        ("never answers", small("1.1"), Some(""), Wait::Answer),
        ("stops in the answer", small("1.1"), Some(head), Wait::Reading),
    ];
    for (name, part, answer, expected) in cases {
        let (base, server) = raw(move |mut socket| async move {
            if let Some(answer) = answer {
                read_until(&mut socket, b"--\r\n").await;
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
            socket
        })
        .await;
        let mut config = config(base);
        config.timeouts = impatient();
        let error = Client::new(config).unwrap().store(vec![part]).await.unwrap_err();
        assert!(matches!(&error, Error::Timeout(wait) if *wait == expected), "{name}: {error}");
        assert_eq!(error.remedy(), Remedy::Unknown);
        drop(server.await.unwrap());
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (elsewhere, seen) = answering(200, JSON, BOTH).await;
    for status in [301, 302, 303, 307, 308] {
        let target = elsewhere.to_string();
        let router = Router::new().fallback(move |request: Request| async move {
            let _ = to_bytes(request.into_body(), usize::MAX).await;
            Answer::builder().status(status).header("location", target).body(Body::empty()).unwrap()
        });
        let mut config = config(serve(router).await);
        let password = "secret".to_owned().into();
        config.credentials = Credentials::Basic { username: "u".to_owned(), password };
        let client = Client::new(config).unwrap();
        let error = client.store(vec![small("1.1")]).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert!(client.probe().await.is_err());
        assert!(client.find_instance(&identity("1.1")).await.is_err());
    }
    assert!(seen.lock().unwrap().is_none());
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let router = Router::new().fallback(|request: Request| async move {
        let _ = to_bytes(request.into_body(), usize::MAX).await;
        let chunk = Bytes::from_static(&[b' '; 64 * 1024]);
        Body::from_stream(futures::stream::repeat(chunk).map(Ok::<_, std::io::Error>))
    });
    let answer = client(serve(router).await).store(vec![small("1.1")]).await.unwrap();
    assert_eq!(answer.body, AnswerBody::Unreadable(Unreadable::TooLarge));
    assert_eq!(answer.instances, [UNKNOWN]);
}

#[tokio::test]
async fn a_request_that_replaces_is_a_put() {
    let (base, seen) = answering(200, JSON, BOTH).await;
    let parts = || vec![small("1.1"), small("1.2")];
    let method = || seen.lock().unwrap().take().map(|seen| seen.target.split(' ').next().unwrap().to_owned());
    let standard = client(base.clone());
    standard.store(parts()).await.unwrap();
    assert_eq!(method().as_deref(), Some("POST"));
    assert!(matches!(standard.replace(parts()).await, Err(Error::Profile(_))));
    assert_eq!(method(), None, "a server that does not say so may do anything with it");
    let replacing = client_with(base.clone(), |profile| profile.put_replaces = true);
    replacing.store(parts()).await.unwrap();
    assert_eq!(method().as_deref(), Some("POST"));
    replacing.replace(parts()).await.unwrap();
    assert_eq!(method().as_deref(), Some("PUT"));
    let always = client_with(base, |profile| profile.store_method = StoreMethod::Put);
    always.store(parts()).await.unwrap();
    assert_eq!(method().as_deref(), Some("PUT"));
}

#[tokio::test]
async fn accepted_with_warnings_alone_is_stored() {
    const WARNED: &str = r#"{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.1"]},"00081196":{"vr":"US","Value":[1]},"00741048":{"vr":"SQ","Value":[{"00000902":{"vr":"LO","Value":["DICOM100: (0010,0010) - too long"]}}]}}]}}"#;
    let (base, _) = answering(202, JSON, WARNED).await;
    let answer = client(base).store(vec![small("1.1")]).await.unwrap();
    let stored = InstanceOutcome::Stored { warning_reason: Some(1), retrieve_url: None };
    assert_eq!(answer.instances, [stored]);
}
