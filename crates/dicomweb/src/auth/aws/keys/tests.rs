use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use secrecy::SecretString;

use super::super::ContainerToken;
use super::*;
use crate::error::Remedy;
use crate::testing::serve;

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An agent that gives a new key each time, good until `end`, and counts; it fails while `down`.
struct Agent {
    source: AccessKeySource,
    asked: Arc<AtomicUsize>,
    down: Arc<Mutex<bool>>,
}

async fn agent(end: &'static str, token: Option<ContainerToken>) -> Agent {
    let (asked, down) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(false)));
    let (count, off) = (asked.clone(), down.clone());
    let router = Router::new().fallback(move |request: Request| async move {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        if *off.lock().unwrap() {
            return (StatusCode::SERVICE_UNAVAILABLE, String::new());
        }
        let shown = request.headers().get("authorization").map_or("", |value| value.to_str().unwrap());
        let key = format!(
            r#"{{"AccessKeyId":"KEY{number}","SecretAccessKey":"{shown}","Token":"t","Expiration":"{end}"}}"#
        );
        (StatusCode::OK, key)
    });
    let url = serve(router).await.to_string().parse().unwrap();
    Agent { source: AccessKeySource::Container { url, token }, asked, down }
}

async fn id(keys: &Keys, now: &str) -> String {
    keys.current(moment(now)).await.unwrap().key.id.clone()
}

#[tokio::test]
async fn a_key_is_replaced_early() {
    let agent = agent("2026-01-01T01:00:00Z", None).await;
    let keys = Keys::new(agent.source).unwrap();
    let rows = [
        ("2026-01-01T00:00:00Z", "KEY1"),
        ("2026-01-01T00:54:59Z", "KEY1"),
        // Five minutes are left of it.
        ("2026-01-01T00:55:00Z", "KEY2"),
        // The same end, and half of five minutes are left of that one.
        ("2026-01-01T00:57:29Z", "KEY2"),
        ("2026-01-01T00:57:30Z", "KEY3"),
        ("2026-01-01T02:00:00Z", "KEY4"),
    ];
    for (now, expected) in rows {
        assert_eq!(id(&keys, now).await, expected, "{now}");
    }
}

#[tokio::test]
async fn all_who_wait_share_one_exchange() {
    let agent = agent("2099-01-01T00:00:00Z", None).await;
    let keys = Keys::new(agent.source).unwrap();
    let waiting = (0..20).map(|_| id(&keys, "2026-01-01T00:00:00Z"));
    let ids = futures::future::join_all(waiting).await;
    assert!(ids.iter().all(|id| id == "KEY1"), "{ids:?}");
    assert_eq!(agent.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_is_still_good_serves_while_there_is_nothing_better() {
    let agent = agent("2026-01-01T01:00:00Z", None).await;
    let keys = Keys::new(agent.source).unwrap();
    assert_eq!(id(&keys, "2026-01-01T00:00:00Z").await, "KEY1");
    *agent.down.lock().unwrap() = true;
    assert_eq!(id(&keys, "2026-01-01T00:56:00Z").await, "KEY1");
    assert_eq!(id(&keys, "2026-01-01T00:56:29Z").await, "KEY1");
    assert_eq!(agent.asked.load(Ordering::SeqCst), 2, "no second try within half a minute");
    assert_eq!(id(&keys, "2026-01-01T00:56:31Z").await, "KEY1");
    assert_eq!(agent.asked.load(Ordering::SeqCst), 3);

    let error = keys.current(moment("2026-01-01T01:00:00Z")).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixCredentials);
    assert!(error.to_string().contains("503"), "{error}");
    *agent.down.lock().unwrap() = false;
    assert_eq!(id(&keys, "2026-01-01T01:00:01Z").await, "KEY5");
}

#[tokio::test]
async fn a_key_that_was_refused_is_replaced_once() {
    let agent = agent("2099-01-01T00:00:00Z", None).await;
    let keys = Keys::new(agent.source).unwrap();
    let now = moment("2026-01-01T00:00:00Z");
    let first = keys.current(now).await.unwrap();
    let (one, other) = tokio::join!(keys.instead_of(&first, now), keys.instead_of(&first, now));
    assert!(one.unwrap() && other.unwrap());
    assert!(keys.instead_of(&first, now).await.unwrap(), "there is another one already");
    assert_eq!(agent.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_fixed_key_stays_what_it_is() {
    let key = AccessKey::new("AKIA1", SecretString::from("hidden".to_owned()));
    let keys = Keys::new(AccessKeySource::Fixed(key)).unwrap();
    let now = moment("2026-01-01T00:00:00Z");
    let held = keys.current(now).await.unwrap();
    assert_eq!(held.key.id, "AKIA1");
    assert!(!format!("{held:?}").contains("hidden"));
    assert!(!keys.instead_of(&held, now).await.unwrap());
}

#[tokio::test]
async fn the_token_of_a_container_is_read_for_each_exchange() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let agent = agent("2026-01-01T01:00:00Z", Some(ContainerToken::File(path.clone()))).await;
    let keys = Keys::new(agent.source).unwrap();
    let error = keys.current(moment("2026-01-01T00:00:00Z")).await.unwrap_err();
    assert!(error.to_string().contains("token"), "{error}");
    for token in ["first", "second\n"] {
        std::fs::write(&path, token).unwrap();
        let held = keys.current(moment("2026-01-02T00:00:00Z")).await.unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(&held.key.secret), token.trim());
    }
}

/// A stand-in of the Security Token Service, which takes one token only.
#[tokio::test]
async fn a_web_identity_is_exchanged_for_a_session() {
    let router = Router::new().fallback(|request: Request| async move {
        let body = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
        let expected = "Action=AssumeRoleWithWebIdentity&Version=2011%2D06%2D15\
            &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdimseway&RoleSessionName=ward\
            &WebIdentityToken=a%2Bb";
        if body != expected.replace(' ', "") {
            let refusal = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>";
            return (StatusCode::BAD_REQUEST, refusal.to_owned());
        }
        let session = "<R><Credentials><SessionToken>t</SessionToken><SecretAccessKey>s</SecretAccessKey>\
            <Expiration>2099-01-01T00:00:00Z</Expiration><AccessKeyId>ASIA1</AccessKeyId></Credentials></R>";
        (StatusCode::OK, session.to_owned())
    });
    let directory = tempfile::tempdir().unwrap();
    let token_file = directory.path().join("token");
    let keys = Keys::new(AccessKeySource::WebIdentity {
        url: serve(router).await.to_string().parse().unwrap(),
        role_arn: "arn:aws:iam::123456789012:role/dimseway".to_owned(),
        session_name: "ward".to_owned(),
        token_file: token_file.clone(),
    })
    .unwrap();
    let now = "2026-01-01T00:00:00Z";
    std::fs::write(&token_file, "old").unwrap();
    let error = keys.current(moment(now)).await.unwrap_err();
    assert!(error.to_string().contains("400 Bad Request InvalidIdentityToken"), "{error}");
    std::fs::write(&token_file, "a+b\n").unwrap();
    assert_eq!(id(&keys, now).await, "ASIA1");
}
