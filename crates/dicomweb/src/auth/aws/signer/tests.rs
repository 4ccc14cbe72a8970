use http::Method;

use super::*;
use crate::auth::aws::AccessKeySource;

const NOW: &str = "2026-01-02T03:04:05Z";

fn config(streamed: StreamedBody) -> AwsSigV4 {
    let source = AccessKeySource::Fixed(AccessKey::new("AKIA1", "hidden".to_owned().into()));
    AwsSigV4 { streamed, ..AwsSigV4::health_imaging("us-east-1", source) }
}

fn key() -> AccessKey {
    AccessKey {
        session_token: Some("session".to_owned().into()),
        ..AccessKey::new("AKIA1", "hidden".to_owned().into())
    }
}

fn signed(method: Method, payload: Payload<'_>, streamed: StreamedBody) -> (Request, Option<ChunkSigner>) {
    let url = "http://localhost:8080/datastore/1/studies?limit=1".parse().unwrap();
    let mut request = Request::new(method, url);
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/dicom"));
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    let chunks = sign(&mut request, payload, &config(streamed), &key(), NOW.parse().unwrap()).unwrap();
    (request, chunks)
}

fn text<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn a_search_is_signed_over_an_empty_body() {
    let (request, chunks) = signed(Method::GET, Payload::Whole(b""), StreamedBody::Chunks);
    assert!(chunks.is_none());
    assert_eq!(text(&request, "x-amz-date"), Some("20260102T030405Z"));
    assert_eq!(text(&request, "x-amz-content-sha256"), Some(EMPTY_HASH));
    assert_eq!(text(&request, "x-amz-security-token"), Some("session"));
    let authorization = text(&request, "authorization").unwrap();
    let expected = "AWS4-HMAC-SHA256 Credential=AKIA1/20260102/us-east-1/medical-imaging/aws4_request, \
        SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=";
    assert!(authorization.starts_with(expected), "{authorization}");
    for name in ["authorization", "x-amz-security-token"] {
        assert!(request.headers()[name].is_sensitive(), "{name}");
    }
    assert_eq!(canonical(&request, EMPTY_HASH).text.lines().nth(4), Some("host:localhost:8080"));
}

#[test]
fn a_streamed_body_is_announced_in_the_way_of_the_configuration() {
    let length = Some(66_560);
    let rows = [
        (StreamedBody::Chunks, STREAMING, Some("aws-chunked"), Some("66560"), Some("66824")),
        (StreamedBody::Plain, STREAMING, None, Some("66560"), None),
        (StreamedBody::Unsigned, "UNSIGNED-PAYLOAD", None, None, None),
    ];
    for (streamed, hash, coding, decoded, content_length) in rows {
        let (request, chunks) = signed(Method::POST, Payload::Streamed { length }, streamed);
        assert_eq!(chunks.is_some(), streamed == StreamedBody::Chunks);
        assert_eq!(text(&request, "x-amz-content-sha256"), Some(hash));
        assert_eq!(text(&request, "content-encoding"), coding);
        assert_eq!(text(&request, "x-amz-decoded-content-length"), decoded);
        assert_eq!(text(&request, "content-length"), content_length);
    }
    let (request, _) = signed(Method::POST, Payload::Streamed { length: None }, StreamedBody::Chunks);
    assert_eq!(text(&request, "x-amz-decoded-content-length"), None);
    assert_eq!(text(&request, "content-length"), None);
}

#[test]
fn a_key_that_is_no_header_field_is_an_error() {
    let mut request = Request::new(Method::GET, "http://localhost/".parse().unwrap());
    let key = AccessKey { id: "two\nlines".to_owned(), ..key() };
    let signed =
        sign(&mut request, Payload::Whole(b"x"), &config(StreamedBody::Chunks), &key, NOW.parse().unwrap());
    assert!(signed.is_err());
}

#[test]
fn only_a_refused_key_is_replaced() {
    let rows = [
        (401, None, false, true),
        (403, None, false, false),
        (403, None, true, true),
        (403, Some("ExpiredTokenException:http://internal.amazon.com/"), false, true),
        (400, Some("ExpiredToken"), false, true),
        (403, Some("UnrecognizedClientException"), false, true),
        (403, Some("InvalidSignatureException"), true, false),
        (403, Some("AccessDeniedException"), true, false),
        (400, None, true, false),
        (503, Some("ExpiredTokenException"), true, false),
    ];
    for (status, kind, ended, expected) in rows {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(AMZN_ERROR_TYPE, HeaderValue::from_static(kind));
        }
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(refuses_key(status, &headers, ended), expected, "{status} {kind:?} {ended}");
    }
}
