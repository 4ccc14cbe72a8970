//! A DICOM store of the Google Cloud Healthcare API.

use origin::{Personality, synthetic::Study, token::Options};
use reqwest::header;
use serde_json::{Value, json};

use crate::served::{Served, file, multipart, path, serve_with};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-healthcare";

async fn google() -> (Served, Options) {
    let tokens = Options::generate();
    let given = tokens.clone();
    let served = serve_with(|options| {
        options.personality = Personality::Google;
        options.tokens = Some(given);
    })
    .await;
    (served, tokens)
}

/// The store with a client that carries a token.
async fn with_token() -> Served {
    let (mut served, tokens) = google().await;
    let answer = grant(&served, &assertion(&tokens, &served)).await;
    let token = format!("Bearer {}", answer.1["access_token"].as_str().unwrap());
    let headers = [(header::AUTHORIZATION, token.parse().unwrap())].into_iter().collect();
    served.client = reqwest::Client::builder().default_headers(headers).build().unwrap();
    served
}

fn claims(tokens: &Options, served: &Served) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let url = &served.tokens.as_ref().unwrap().token_url;
    json!({ "iss": tokens.service_account.email, "scope": SCOPE, "aud": url, "iat": now, "exp": now + 3600 })
}

fn assertion(tokens: &Options, served: &Served) -> String {
    let header = json!({ "typ": "JWT", "kid": tokens.service_account.key_id });
    tokens.service_account.key.sign(header, &claims(tokens, served))
}

async fn grant(served: &Served, assertion: &str) -> (u16, Value) {
    let url = &served.tokens.as_ref().unwrap().token_url;
    let form =
        format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}");
    let request = served.client.post(url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let response = request.body(form).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_service_account_gets_a_token_for_its_assertion() {
    let (served, tokens) = google().await;
    let right = claims(&tokens, &served);
    let with = |name: &str, value: Value| {
        let mut claims = right.clone();
        claims[name] = value;
        tokens.service_account.key.sign(json!({ "typ": "JWT" }), &claims)
    };
    let now = jiff::Timestamp::now().as_second();
    let other_key = json!({ "typ": "JWT", "kid": "another" });
    let cases = [
        ("as it should be", assertion(&tokens, &served), 200),
        ("of another key", origin::token::SigningKey::generate().sign(json!({}), &right), 400),
        ("of another name of the key", tokens.service_account.key.sign(other_key, &right), 400),
        ("of another account", with("iss", json!("other@example.org")), 400),
        ("for another end point", with("aud", json!("https://example.org/token")), 400),
        ("for another scope", with("scope", json!("https://www.googleapis.com/auth/drive")), 400),
        ("too old", with("exp", json!(now - 600)), 400),
        ("for too long", with("exp", json!(now + 7200)), 400),
    ];
    for (name, assertion, status) in cases {
        let (got, answer) = grant(&served, &assertion).await;
        assert_eq!(got, status, "{name}: {answer}");
    }
    let key: Value = serde_json::from_str(&tokens.service_account.key_file("http://x/token")).unwrap();
    assert_eq!((&key["type"], &key["token_uri"]), (&json!("service_account"), &json!("http://x/token")));
    assert!(key["private_key"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

#[tokio::test]
async fn the_metadata_server_answers_who_knows_it() {
    let (served, tokens) = google().await;
    let host = &served.tokens.as_ref().unwrap().metadata_host;
    let accounts = format!("{host}/computeMetadata/v1/instance/service-accounts");
    let email = tokens.service_account.email.as_str();
    for (account, flavor, status) in [
        ("default", Some("Google"), 200),
        (email, Some("Google"), 200),
        ("other", Some("Google"), 404),
        ("default", None, 403),
    ] {
        let mut request = served.client.get(format!("{accounts}/{account}/token"));
        if let Some(flavor) = flavor {
            request = request.header("metadata-flavor", flavor);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{account}");
        if status == 200 {
            assert_eq!(response.headers()["metadata-flavor"], "Google");
            let answer: Value = response.json().await.unwrap();
            let found = served.get("/studies").bearer_auth(answer["access_token"].as_str().unwrap());
            assert_eq!(found.send().await.unwrap().status(), 204);
        }
    }
    assert_eq!(served.status("/studies").await, 401);
}

#[tokio::test]
async fn searches_are_for_nine_attributes() {
    let served = with_token().await;
    let study = Study::new(1, 2);
    let files: Vec<_> = study.instances().map(|instance| file(&instance)).collect();
    assert_eq!(served.store(&files).await.status(), 200);
    let uid = study.study_instance_uid();
    let cases = [
        ("exact", "/studies?PatientID=SYNTHETIC-00000001".to_owned(), 200),
        ("case", "/studies?PatientID=synthetic-00000001".to_owned(), 204),
        ("beginning of a word", "/studies?PatientName=phan&fuzzymatching=true".to_owned(), 200),
        ("range", "/studies?StudyDate=20200101-20201231".to_owned(), 200),
        ("another key", "/studies?PatientBirthDate=19000101".to_owned(), 400),
        ("key of the study below it", format!("/studies/{uid}/series?PatientID=SYNTHETIC-00000001"), 200),
        ("limit of studies", "/studies?limit=5001".to_owned(), 400),
        ("limit of instances", "/instances?limit=50000".to_owned(), 200),
        ("limit of instances and more", "/instances?limit=50001".to_owned(), 400),
        ("offset", "/studies?offset=1000001".to_owned(), 400),
        ("worklist", "/workitems".to_owned(), 404),
    ];
    for (name, path, status) in cases {
        assert_eq!(served.status(&path).await, status, "{name}");
    }
}

#[tokio::test]
async fn other_content_under_a_uid_is_a_failure_that_says_so() {
    let served = with_token().await;
    let instance = Study::new(1, 1).instance(0);
    let same = file(&instance);
    let mut other = same.clone();
    *other.last_mut().unwrap() ^= 1;
    for (file, status) in [(same.clone(), 200), (same, 200), (other, 409)] {
        let (content_type, body) = multipart(&[file]);
        let request = served.post("/studies").header(header::CONTENT_TYPE, content_type).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        let answer: Value = response.json().await.unwrap();
        if status == 409 {
            let item = &answer["00081198"]["Value"][0];
            assert_eq!(item["00081197"]["Value"], json!([272]));
            assert!(item.to_string().contains("already exists"), "{item}");
        } else {
            assert_eq!(
                answer["00081199"]["Value"][0]["00081190"]["Value"][0],
                format!("{}{}", served.base, path(&instance))
            );
        }
    }
    let accept = "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80";
    let refused = served.get(&path(&instance)).header(header::ACCEPT, accept).send().await.unwrap();
    assert_eq!(refused.status(), 406);
}
