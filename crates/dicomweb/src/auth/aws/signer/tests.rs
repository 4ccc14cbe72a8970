use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request as AxumRequest;
use http::Method;
use jiff::SignedDuration;

use super::super::ContainerToken;
use super::*;
use crate::auth::TokenUrl;
use crate::error::Remedy;
use crate::testing::serve;

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
        (401, None, true),
        (403, None, false),
        (403, Some("ExpiredTokenException:http://internal.amazon.com/"), true),
        (400, Some("ExpiredToken"), true),
        (403, Some("UnrecognizedClientException"), true),
        (403, Some("InvalidSignatureException"), false),
        (403, Some("AccessDeniedException"), false),
        (400, None, false),
        (503, Some("ExpiredTokenException"), false),
    ];
    for (status, kind, expected) in rows {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(AMZN_ERROR_TYPE, HeaderValue::from_static(kind));
        }
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(refuses_key(status, &headers), expected, "{status} {kind:?}");
    }
}

fn signer(source: AccessKeySource) -> Signer {
    let config = AwsSigV4::health_imaging("us-east-1", source);
    Signer::new(config, &Proxy::None, &Tls::default(), &Timeouts::default()).unwrap()
}

/// The key with which a request is signed now, and what it was signed with.
async fn key_of(signer: &Signer) -> Result<(String, Signed), Error> {
    let mut request = Request::new(Method::GET, "http://localhost/studies".parse().unwrap());
    let signed = signer.sign(&mut request, Payload::Whole(b"")).await?;
    let authorization = text(&request, "authorization").unwrap();
    let (_, credential) = authorization.split_once("Credential=").unwrap();
    Ok((credential.split('/').next().unwrap().to_owned(), signed))
}

fn answered(status: u16, kind: &str) -> Response {
    let response = http::Response::builder().status(status).header(AMZN_ERROR_TYPE, kind);
    response.body("").unwrap().into()
}

#[tokio::test]
async fn a_fixed_key_stays_what_it_is() {
    let signer = signer(AccessKeySource::Fixed(key()));
    let (id, signed) = key_of(&signer).await.unwrap();
    assert_eq!(id, "AKIA1");
    assert!(!signer.renewed(&answered(403, "ExpiredTokenException"), &signed).await.unwrap());
    assert_eq!(signer.authenticate().await.unwrap(), None);
}

/// An agent that wants to be shown a token and gives a new key each time.
#[tokio::test]
async fn the_agent_of_a_container_gives_keys() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let router = Router::new().fallback(move |request: AxumRequest| async move {
        let shown = request.headers().get("authorization");
        if shown.is_none_or(|shown| shown != "let me in") {
            return (StatusCode::UNAUTHORIZED, String::new());
        }
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let end = Timestamp::now() + SignedDuration::from_hours(1);
        let key = format!(
            r#"{{"AccessKeyId":"KEY{number}","SecretAccessKey":"s","Token":"t","Expiration":"{end}"}}"#
        );
        (StatusCode::OK, key)
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    let token = Some(ContainerToken::File(file.clone()));
    let url = serve(router).await.to_string().parse().unwrap();
    let source = AccessKeySource::Container { url, token };
    let error = key_of(&signer(source.clone())).await.unwrap_err();
    assert!(error.to_string().contains("token"), "{error}");
    assert_eq!(error.remedy(), Remedy::FixCredentials);

    std::fs::write(&file, "let me in\n").unwrap();
    let signer = signer(source);
    let state = signer.authenticate().await.unwrap().unwrap();
    assert_eq!(state.life.as_secs().div_ceil(60), 60);
    let keys = futures::future::join_all((0..20).map(|_| key_of(&signer))).await;
    let mut keys: Vec<_> = keys.into_iter().map(Result::unwrap).collect();
    assert!(keys.iter().all(|(id, _)| id == "KEY1"));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "all share one exchange");

    let (_, signed) = keys.pop().unwrap();
    assert!(!signer.renewed(&answered(200, ""), &signed).await.unwrap());
    assert!(!signer.renewed(&answered(403, "AccessDeniedException"), &signed).await.unwrap());
    assert!(signer.renewed(&answered(403, "ExpiredTokenException"), &signed).await.unwrap());
    assert!(signer.renewed(&answered(401, ""), &signed).await.unwrap());
    assert_eq!(key_of(&signer).await.unwrap().0, "KEY2");
    assert_eq!(asked.load(Ordering::SeqCst), 2, "a key that was refused is replaced once");
}

/// A stand-in of the Security Token Service, which takes one token only.
#[tokio::test]
async fn a_web_identity_is_exchanged_for_a_session() {
    let router = Router::new().fallback(|request: AxumRequest| async move {
        let body = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
        let expected = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15\
            &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdimseway&RoleSessionName=ward\
            &WebIdentityToken=a%2Bb";
        if body != expected {
            let refusal = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>";
            return (StatusCode::BAD_REQUEST, refusal.to_owned());
        }
        let end = Timestamp::now() + SignedDuration::from_hours(1);
        let session = format!(
            "<R><Credentials><SessionToken>t</SessionToken><SecretAccessKey>s</SecretAccessKey>\
             <Expiration>{end}</Expiration><AccessKeyId>ASIA1</AccessKeyId></Credentials></R>"
        );
        (StatusCode::OK, session)
    });
    let directory = tempfile::tempdir().unwrap();
    let token_file = directory.path().join("token");
    let url: TokenUrl = serve(router).await.to_string().parse().unwrap();
    let source = || AccessKeySource::WebIdentity {
        url: url.clone(),
        role_arn: "arn:aws:iam::123456789012:role/dimseway".to_owned(),
        session_name: "ward".to_owned(),
        token_file: token_file.clone(),
    };
    std::fs::write(&token_file, "old").unwrap();
    let error = key_of(&signer(source())).await.unwrap_err();
    assert!(error.to_string().contains("400 Bad Request (InvalidIdentityToken)"), "{error}");
    std::fs::write(&token_file, "a+b\n").unwrap();
    assert_eq!(key_of(&signer(source())).await.unwrap().0, "ASIA1");
}
