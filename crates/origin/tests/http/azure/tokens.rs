use std::time::Duration;

use origin::token::{Federation, Options, Role, SigningKey};
use reqwest::{Response, header};
use serde_json::{Value, json};

use super::{azure_with, instances::Small};
use crate::served::Served;

const SCOPE: &str = "https://dicom.healthcareapis.azure.com/.default";
const RESOURCE: &str = "https://dicom.healthcareapis.azure.com";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const CLIENT: &str = "66666666-7777-8888-9999-000000000000";

async fn with_tokens(change: impl FnOnce(&mut Options)) -> (Served, Options) {
    let mut tokens = Options::generate();
    change(&mut tokens);
    let given = tokens.clone();
    (azure_with(|options| options.tokens = Some(given)).await, tokens)
}

fn token_url(served: &Served) -> String {
    served.tokens.as_ref().unwrap().token_url.clone()
}

async fn ask(served: &Served, url: &str, form: &[(&str, &str)]) -> Response {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let body: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let request = served.client.post(url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(body.join("&")).send().await.unwrap()
}

/// The four parameters of client credentials with a secret.
fn with_secret(secret: &str) -> [(&str, &str); 4] {
    [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", secret), ("scope", SCOPE)]
}

async fn search(served: &Served, token: &str) -> u16 {
    let request = served.get("/studies").bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

fn token_of(answer: &Value) -> &str {
    answer["access_token"].as_str().unwrap()
}

#[tokio::test]
async fn a_secret_gives_a_token_that_every_request_needs() {
    let (served, tokens) = with_tokens(|_| {}).await;
    let refused = served.get("/studies").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"));
    assert_eq!(search(&served, "made up").await, 401);
    let answer = ask(&served, &token_url(&served), &with_secret(&tokens.client_secret)).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(search(&served, token_of(&answer)).await, 204);
    let stored = served.post("/studies").bearer_auth(token_of(&answer));
    let stored = stored.header(header::CONTENT_TYPE, "application/dicom").body(Small::new(1).file());
    assert_eq!(stored.send().await.unwrap().status(), 200);
    served.origin.revoke_tokens();
    assert_eq!(search(&served, token_of(&answer)).await, 401, "rotated");
}

#[tokio::test]
async fn a_request_for_a_token_is_refused_with_its_fault() {
    let (served, tokens) = with_tokens(|_| {}).await;
    let secret = tokens.client_secret.as_str();
    let url = token_url(&served);
    let spoilt = |name: &'static str, value: &'static str| {
        let mut form = with_secret(secret);
        form.iter_mut().filter(|(known, _)| *known == name).for_each(|pair| pair.1 = value);
        form
    };
    let cases = [
        ("wrong secret", spoilt("client_secret", "guessed"), 401, "invalid_client"),
        ("no secret", spoilt("client_secret", ""), 401, "invalid_client"),
        ("unknown client", spoilt("client_id", "somebody"), 400, "unauthorized_client"),
        ("another grant", spoilt("grant_type", "password"), 400, "unsupported_grant_type"),
        ("another scope", spoilt("scope", "https://graph.microsoft.com/.default"), 400, "invalid_scope"),
        ("no scope", spoilt("scope", ""), 400, "invalid_request"),
    ];
    for (name, form, status, error) in cases {
        let answer = ask(&served, &url, &form).await;
        assert_eq!(answer.status(), status, "{name}");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["error"], error, "{name}");
        assert!(answer["error_description"].as_str().unwrap().starts_with("AADSTS"), "{name}");
    }
    let elsewhere = url.replace("11111111", "00000000");
    assert_eq!(ask(&served, &elsewhere, &with_secret(secret)).await.status(), 400, "another tenant");
    let older = url.replace("/v2.0", "");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", secret),
        ("resource", RESOURCE),
    ];
    let answer: Value = ask(&served, &older, &form).await.json().await.unwrap();
    assert_eq!(answer["expires_in"], "3600", "a text");
    assert_eq!(search(&served, token_of(&answer)).await, 204);
}

#[tokio::test]
async fn an_assertion_takes_the_place_of_a_secret() {
    let (own, cluster) = (SigningKey::generate(), SigningKey::generate());
    let subject = "system:serviceaccount:imaging:dimseway";
    let (served, _) = with_tokens(|tokens| {
        tokens.client_key = Some(own.verifying_key());
        let issuer = "https://cluster.example.org".to_owned();
        let key = cluster.verifying_key();
        tokens.federation = Some(Federation { issuer, subject: subject.to_owned(), key });
    })
    .await;
    let url = token_url(&served);
    let now = jiff::Timestamp::now().as_second();
    let claims =
        json!({ "iss": CLIENT, "sub": CLIENT, "aud": url, "nbf": now, "exp": now + 600, "jti": "1" });
    let federated = json!({
        "iss": "https://cluster.example.org", "sub": subject, "aud": ["api://AzureADTokenExchange"],
        "iat": now, "exp": now + 3600,
    });
    let with = |claims: &Value, name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let header = || json!({ "typ": "JWT" });
    let cases = [
        ("its own", own.sign(header(), &claims), 200),
        ("of another key", SigningKey::generate().sign(header(), &claims), 401),
        ("too old", own.sign(header(), &with(&claims, "exp", json!(now - 600))), 401),
        ("too early", own.sign(header(), &with(&claims, "nbf", json!(now + 900))), 401),
        (
            "for another end point",
            own.sign(header(), &with(&claims, "aud", json!("https://example.org"))),
            401,
        ),
        ("of somebody else", own.sign(header(), &with(&claims, "iss", json!("somebody"))), 401),
        ("about somebody else", own.sign(header(), &with(&claims, "sub", json!("somebody"))), 401),
        ("of the cluster", cluster.sign(header(), &federated), 200),
        (
            "of the cluster about another account",
            cluster.sign(header(), &with(&federated, "sub", json!("other"))),
            401,
        ),
        (
            "of the cluster for itself",
            cluster.sign(header(), &with(&federated, "aud", json!("cluster"))),
            401,
        ),
        ("none at all", "rubbish".to_owned(), 401),
    ];
    for (name, assertion, status) in cases {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion.as_str()),
            ("scope", SCOPE),
        ];
        let answer = ask(&served, &url, &form).await;
        assert_eq!(answer.status(), status, "{name}");
        let answer: Value = answer.json().await.unwrap();
        if status == 200 {
            assert_eq!(search(&served, token_of(&answer)).await, 204, "{name}");
        }
    }
}

#[tokio::test]
async fn machines_ask_the_metadata_service() {
    let (served, tokens) = with_tokens(|_| {}).await;
    let addresses = served.tokens.clone().unwrap();
    let imds = |query: &str| {
        let host = &addresses.metadata_host;
        format!("{host}/metadata/identity/oauth2/token?{query}")
    };
    let whole = format!("api-version=2018-02-01&resource={RESOURCE}");
    let cases = [
        ("as it should be", whole.clone(), Some("true"), 200),
        ("user assigned", format!("{whole}&client_id={CLIENT}"), Some("true"), 200),
        ("another identity", format!("{whole}&client_id=other"), Some("true"), 400),
        ("without the header", whole.clone(), None, 400),
        ("without a version", format!("resource={RESOURCE}"), Some("true"), 400),
        (
            "another resource",
            "api-version=2018-02-01&resource=https://vault.azure.net".to_owned(),
            Some("true"),
            400,
        ),
    ];
    for (name, query, metadata, status) in cases {
        let mut request = served.client.get(imds(&query));
        if let Some(value) = metadata {
            request = request.header("metadata", value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
        let answer: Value = answer.json().await.unwrap();
        if status == 200 {
            assert_eq!(answer["expires_in"], "3600", "{name}");
            assert_eq!(search(&served, token_of(&answer)).await, 204, "{name}");
        }
    }
    let forwarded =
        served.client.get(imds(&whole)).header("metadata", "true").header("x-forwarded-for", "10.0.0.1");
    assert_eq!(forwarded.send().await.unwrap().status(), 400);

    let url = format!("{}?api-version=2019-08-01&resource={RESOURCE}", addresses.identity_endpoint);
    for (value, status) in [("guessed", 401), (tokens.identity_header.as_str(), 200)] {
        let answer = served.client.get(&url).header("x-identity-header", value).send().await.unwrap();
        assert_eq!(answer.status(), status, "{value}");
        if status == 200 {
            let answer: Value = answer.json().await.unwrap();
            assert!(answer.get("expires_in").is_none() && answer["expires_on"].is_string());
            assert_eq!(search(&served, token_of(&answer)).await, 204);
        }
    }
}

#[tokio::test]
async fn a_token_lasts_as_long_and_permits_as_much_as_it_should() {
    let cases = [
        ("too old", Duration::ZERO, Role::Owner, 401, 401),
        ("reader", Duration::from_secs(60), Role::Reader, 204, 403),
        ("without a role", Duration::from_secs(60), Role::None, 403, 403),
    ];
    for (name, life_time, role, found, stored) in cases {
        let (served, tokens) = with_tokens(|tokens| {
            tokens.life_time = life_time;
            tokens.role = role;
        })
        .await;
        let answer: Value = ask(&served, &token_url(&served), &with_secret(&tokens.client_secret))
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(search(&served, token_of(&answer)).await, found, "{name}");
        let request = served.post("/studies").bearer_auth(token_of(&answer));
        let request = request.header(header::CONTENT_TYPE, "application/dicom").body(Small::new(1).file());
        assert_eq!(request.send().await.unwrap().status(), stored, "{name}");
    }
}
