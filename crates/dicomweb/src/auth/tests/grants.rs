//! What each kind of credentials shows to the token end point.

use std::collections::BTreeMap;

use super::end_points::{Answer, Asked, Cloud};
use crate::auth::*;
use crate::error::{Remedy, Unreadable};
use crate::{Client, ClientConfig, Credentials, Error, Proxy};

/// The private key of a test.
fn key() -> SigningKey {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    SigningKey::from_pem(&key.serialize_pem().into(), Algorithm::Es256, None, None).unwrap()
}

/// The claims of an assertion. That its signature is good is a matter of other tests.
fn claims(assertion: &str) -> serde_json::Value {
    use base64::Engine as _;
    let payload = assertion.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// Stores one instance, whose request comes with the first token, and gives what was asked for that.
async fn asked_with(cloud: &Cloud, credentials: Credentials) -> Asked {
    let client = Client::new(cloud.config(credentials)).unwrap();
    client.probe().await.unwrap();
    client.probe().await.unwrap();
    assert_eq!(cloud.served().iter().map(|(_, status)| *status).collect::<Vec<_>>(), [204, 204]);
    let asked = cloud.asked();
    let [asked] = &asked[..] else { panic!("one token for both requests: {asked:?}") };
    assert_eq!(asked.headers["accept"], "application/json");
    asked.clone()
}

fn form<const N: usize>(fields: [(&str, &str); N]) -> BTreeMap<String, String> {
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[tokio::test]
async fn a_secret_goes_in_the_body_or_in_the_header() {
    let cloud = Cloud::new().await;
    let asked = asked_with(&cloud, cloud.secret()).await;
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!asked.headers.contains_key("authorization"));
    let expected = form([
        ("grant_type", "client_credentials"),
        ("client_id", "dimseway"),
        ("client_secret", "open sesame"),
        ("scope", "archive/.default"),
    ]);
    assert_eq!(asked.form, expected);

    let cloud = Cloud::new().await;
    let Credentials::OAuthClient(mut client) = cloud.secret() else { panic!() };
    client.proof = ClientProof::SecretInHeader("a:b c".to_owned().into());
    client.scope = None;
    client.parameters = form([("audience", "https://archive")]);
    let asked = asked_with(&cloud, Credentials::OAuthClient(client)).await;
    // `dimseway:a%3Ab%20c`
    assert_eq!(asked.headers["authorization"], "Basic ZGltc2V3YXk6YSUzQWIlMjBj");
    assert_eq!(asked.form, form([("grant_type", "client_credentials"), ("audience", "https://archive")]));
}

#[tokio::test]
async fn an_assertion_is_for_the_end_point_that_it_is_shown_to() {
    let cloud = Cloud::new().await;
    let Credentials::OAuthClient(mut client) = cloud.secret() else { panic!() };
    client.proof = ClientProof::Assertion(key());
    let mut asked = asked_with(&cloud, Credentials::OAuthClient(client)).await;
    let claims = claims(&asked.form.remove("client_assertion").unwrap());
    assert_eq!((&claims["iss"], &claims["sub"]), (&"dimseway".into(), &"dimseway".into()));
    assert_eq!(claims["aud"], cloud.token_url().to_string());
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
    let expected = form([
        ("grant_type", "client_credentials"),
        ("client_id", "dimseway"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("scope", "archive/.default"),
    ]);
    assert_eq!(asked.form, expected);
}

#[tokio::test]
async fn a_managed_identity_is_asked_for_as_its_host_wishes() {
    const RESOURCE: &str = "https://dicom.healthcareapis.azure.com";
    let cloud = Cloud::new().await;
    let identity = |host, client_id: Option<&str>| {
        Credentials::AzureManagedIdentity(AzureManagedIdentity {
            host,
            resource: RESOURCE.to_owned(),
            client_id: client_id.map(ToOwned::to_owned),
        })
    };
    let imds = ManagedIdentityHost::InstanceMetadata(cloud.token_url());
    let asked = asked_with(&cloud, identity(imds, None)).await;
    assert_eq!((asked.method.as_str(), asked.headers["metadata"].to_str().unwrap()), ("GET", "true"));
    assert_eq!(asked.query, form([("api-version", "2018-02-01"), ("resource", RESOURCE)]));

    let cloud = Cloud::new().await;
    let header = "853b9a84".to_owned().into();
    let app_service = ManagedIdentityHost::AppService { url: cloud.token_url(), header };
    let asked = asked_with(&cloud, identity(app_service, Some("c1"))).await;
    assert_eq!(asked.headers["x-identity-header"], "853b9a84");
    assert!(!asked.headers.contains_key("metadata"));
    assert_eq!(
        asked.query,
        form([("api-version", "2019-08-01"), ("resource", RESOURCE), ("client_id", "c1")])
    );
}

#[tokio::test]
async fn a_federated_token_is_read_for_each_request() {
    let cloud = Cloud::new().await;
    let directory = tempfile::tempdir().unwrap();
    let token_file = directory.path().join("token");
    let client = Client::new(cloud.config(Credentials::AzureWorkloadIdentity(AzureWorkloadIdentity {
        token_url: cloud.token_url(),
        client_id: "c1".to_owned(),
        token_file: token_file.clone(),
        scope: "https://dicom.healthcareapis.azure.com/.default".to_owned(),
    })))
    .unwrap();
    for token in ["first", "second"] {
        std::fs::write(&token_file, format!("{token}\n")).unwrap();
        client.probe().await.unwrap();
        let expected = form([
            ("grant_type", "client_credentials"),
            ("client_id", "c1"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", token),
            ("scope", "https://dicom.healthcareapis.azure.com/.default"),
        ]);
        assert_eq!(cloud.asked().last().unwrap().form, expected);
        cloud.revoke();
    }
    std::fs::remove_file(&token_file).unwrap();
    let error = client.probe().await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixCredentials);
    assert!(error.to_string().contains("token:"), "names the file: {error}");
}

#[tokio::test]
async fn a_service_account_is_read_from_its_key_file() {
    let cloud = Cloud::new().await;
    let rsa = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = aws_lc_rs::encoding::AsDer::as_der(&rsa).unwrap();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der.as_ref());
    let file = serde_json::json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k1",
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n"),
        "client_email": "dimseway@p.iam.gserviceaccount.com",
        "token_uri": cloud.token_url().to_string(),
    });
    const SCOPE: &str = "https://www.googleapis.com/auth/cloud-healthcare";
    let account = GoogleServiceAccount::from_key_file(&file.to_string(), SCOPE).unwrap();
    assert!(!format!("{account:?}").contains(&base64));
    let mut asked = asked_with(&cloud, Credentials::GoogleServiceAccount(account)).await;
    let claims = claims(&asked.form.remove("assertion").unwrap());
    assert_eq!(asked.form, form([("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")]));
    assert_eq!(claims["iss"], "dimseway@p.iam.gserviceaccount.com");
    assert_eq!((&claims["scope"], &claims["aud"]), (&SCOPE.into(), &cloud.token_url().to_string().into()));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    assert_eq!(claims.get("sub"), None);

    let of = |file: serde_json::Value| GoogleServiceAccount::from_key_file(&file.to_string(), SCOPE);
    let mut wrong = file.clone();
    wrong["type"] = "authorized_user".into();
    assert_eq!(of(wrong).unwrap_err(), InvalidKeyFile::OtherType);
    let mut wrong = file.clone();
    wrong["private_key"] = "k".into();
    assert_eq!(of(wrong).unwrap_err(), InvalidKeyFile::Key(UnusableKey::NoKey));
    assert_eq!(of("{}".into()).unwrap_err(), InvalidKeyFile::Malformed);
}

#[tokio::test]
async fn the_metadata_server_is_asked_in_its_own_way() {
    let cloud = Cloud::new().await;
    let server = GoogleMetadataServer { token_url: cloud.token_url(), scope: Some("a b".to_owned()) };
    let asked = asked_with(&cloud, Credentials::GoogleMetadataServer(server.clone())).await;
    assert_eq!(
        (asked.method.as_str(), &asked.headers["metadata-flavor"]),
        ("GET", &"Google".parse().unwrap())
    );
    assert_eq!(asked.query, form([("scopes", "a,b")]));

    // Somebody else who answers to that name.
    cloud.answers(Answer::Other(200, "application/json", r#"{"access_token":"t"}"#));
    let client = Client::new(cloud.config(Credentials::GoogleMetadataServer(server))).unwrap();
    let error = client.probe().await.unwrap_err();
    let Error::Token(error) = error else { panic!("{error}") };
    assert_eq!(error.fault, TokenFault::Unreadable(Unreadable::Malformed));
}

#[tokio::test]
async fn no_proxy_leads_to_a_metadata_server() {
    let cloud = Cloud::new().await;
    let server = GoogleMetadataServer { token_url: cloud.token_url(), scope: None };
    let identity = AzureManagedIdentity {
        host: ManagedIdentityHost::InstanceMetadata(cloud.token_url()),
        resource: "r".to_owned(),
        client_id: None,
    };
    let rows = [
        (Credentials::GoogleMetadataServer(server), true),
        (Credentials::AzureManagedIdentity(identity), true),
        (cloud.secret(), false),
    ];
    // Nobody is there.
    let proxy = Proxy::Url("http://127.0.0.1:1".parse().unwrap());
    for (credentials, directly) in rows {
        let config = ClientConfig { proxy: proxy.clone(), ..cloud.config(credentials) };
        let token = Client::new(config).unwrap().authenticate().await;
        assert_eq!(token.is_ok(), directly, "{token:?}");
    }
}

#[test]
fn nothing_secret_shows() {
    let cloud: TokenUrl = "https://h/token?sig=hidden".parse().unwrap();
    let credentials = Credentials::OAuthClient(OAuthClient {
        token_url: cloud,
        client_id: "dimseway".to_owned(),
        proof: ClientProof::SecretInBody("hidden".to_owned().into()),
        scope: None,
        parameters: BTreeMap::new(),
    });
    let text = format!("{credentials:?}");
    assert!(text.contains("https://h/token") && !text.contains("hidden"), "{text}");
    let in_the_clear = |url: &str| url.parse::<TokenUrl>().unwrap().is_in_the_clear();
    assert!(in_the_clear("http://h/token"));
    assert!(!in_the_clear("https://h/token") && !in_the_clear("http://127.0.0.1:1/token"));
    for wrong in ["h/token", "ftp://h/token", "https://u:p@h/token", "https://h/token#f"] {
        assert!(wrong.parse::<TokenUrl>().is_err(), "{wrong}");
    }
}
