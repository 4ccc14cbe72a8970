use super::*;
use crate::{
    command::check::profile,
    config_file::{Document, File},
    configuration::Configuration,
};
use axum::{Router, body::Body, http::Response};
use dicomweb::auth::OAuthClient;
use origin::{Options, Personality, TokenFault};
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::net::TcpListener;

fn configured(url: &str, keys: &str) -> Origin {
    let text = format!("[origin.a]\nurl = \"{url}\"\n{keys}");
    let (file, document) = File::parse(Document::new("dimseway.toml".into(), text)).unwrap();
    Configuration::from_file(&file, document).unwrap().bridge.origins.remove(0)
}

/// The lines as they are printed.
async fn said(origin: &Origin) -> Vec<String> {
    let (verdicts, _) = verdicts(origin).await;
    verdicts.into_iter().map(|(subject, verdict)| format!("{subject}: {}", verdict.in_one_line())).collect()
}

/// Serves one answer to everything, and gives the base URL.
async fn serve(status: u16, headers: &'static [(&'static str, &'static str)], body: &'static str) -> String {
    let router = Router::new().fallback(move || async move {
        let answer = Response::builder().status(status);
        let answer = headers.iter().fold(answer, |answer, (name, value)| answer.header(*name, *value));
        answer.body(Body::from(body)).unwrap()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/dicom-web", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn an_answer_that_is_none_tells_what_to_look_at() {
    const HTML: &[(&str, &str)] = &[("content-type", "text/html")];
    const OLD: &[(&str, &str)] = &[("date", "Sun, 06 Nov 1994 08:49:37 GMT")];
    let (good, apart) =
        ("clock of origin a: ok the server's and the one here", "clock of origin a: warn the server's");
    let rows = [
        (204, &[][..], "", "origin a: ok answers a search with limit 1 in ", good),
        (401, &[][..], "", "origin a: FAILED the origin answered 401 Unauthorized; look at `auth`", good),
        (403, &[][..], "", "origin a: FAILED the origin answered 403 Forbidden; look at `auth`", good),
        (404, &[][..], "", "origin a: FAILED the origin answered 404 Not Found; is `url` that of", good),
        (
            200,
            HTML,
            "<html>",
            "origin a: FAILED the origin's answer cannot be read: it is an HTML page; look at",
            good,
        ),
        (204, OLD, "", "origin a: ok", apart),
        (401, OLD, "", "origin a: FAILED", apart),
    ];
    for (status, headers, body, answer, clock) in rows {
        let said = said(&configured(&serve(status, headers, body).await, "")).await;
        let [first, second] = said.as_slice() else { panic!("{said:?}") };
        assert!(first.starts_with(answer) && second.starts_with(clock), "{status}: {said:?}");
    }
    let said = said(&configured("http://127.0.0.1:1", "")).await;
    assert!(said.len() == 1 && said[0].contains("FAILED") && said[0].contains("is it up"), "{said:?}");
}

/// An embedded origin, what it was made of, and where it listens.
async fn embedded(personality: Personality) -> (origin::Origin, Options, SocketAddr, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let options = Options::new(directory.path(), personality);
    let origin = origin::Origin::open_with(options.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = origin.clone();
    tokio::spawn(async move { origin::serve(listener, &served, std::future::pending()).await });
    (origin, options, address, directory)
}

#[tokio::test]
async fn an_origin_that_keeps_to_the_standard_has_nothing_to_complain_of() {
    let (_origin, options, address, _directory) = embedded(Personality::Standard).await;
    let configured = configured(&options.url(address), "");
    let said = said(&configured).await;
    assert!(said.len() == 2 && said.iter().all(|line| line.contains(": ok ")), "{said:?}");
    let lines = profile::lines(&configured);
    assert!(lines.len() == 1 && lines[0].ends_with("/dicom-web: `standard`"), "{lines:?}");
}

#[tokio::test]
async fn a_token_is_fetched_first_and_without_one_nothing_is_asked() {
    let (origin, options, address, _directory) = embedded(Personality::Azure).await;
    let tokens = options.tokens.clone().unwrap();
    let mut configured = configured(&options.url(address), "profile = \"azure\"\n");
    let client = |secret: &str| OAuthClient {
        token_url: options.token_addresses(address).unwrap().token_url.parse().unwrap(),
        client_id: tokens.client_id.clone(),
        proof: ClientProof::SecretInBody(secret.to_owned().into()),
        scope: Some("https://dicom.healthcareapis.azure.com/.default".to_owned()),
        parameters: Default::default(),
    };
    configured.client.credentials = Credentials::OAuthClient(client(&tokens.client_secret));
    let good = said(&configured).await;
    let [token, answer, clock] = good.as_slice() else { panic!("{good:?}") };
    assert!(
        token.starts_with("token of origin a: ok from http://") && token.contains(", good for "),
        "{token}"
    );
    assert!(answer.starts_with("origin a: ok") && clock.starts_with("clock of origin a: ok"), "{good:?}");

    configured.client.credentials = Credentials::OAuthClient(client("wrong"));
    let refused = said(&configured).await;
    let [token, answer] = refused.as_slice() else { panic!("{refused:?}") };
    assert!(token.starts_with("token of origin a: FAILED no token from http://"), "{token}");
    assert!(token.contains("look at `auth`") && !token.contains("wrong"), "{token}");
    assert_eq!(answer, "origin a: skipped without a token it is not asked");

    origin.set_faults(origin::Faults { token: Some(TokenFault::Unavailable), ..Default::default() });
    configured.client.credentials = Credentials::OAuthClient(client(&tokens.client_secret));
    let down = said(&configured).await;
    assert!(down[0].contains("FAILED") && down[0].contains("can the token end point be reached"), "{down:?}");
}

#[test]
fn the_profile_is_told_as_the_file_would_say_it() {
    let keys = "profile = \"azure\"\nazure.partition = \"east-1\"\ncapabilities.search.limit_max = 50\n";
    let lines = profile::lines(&configured("https://a.example.org/v2", keys));
    let head =
        "profile  a at https://a.example.org/v2, in partition east-1: `azure`, which is the standard but for";
    assert_eq!(lines[0], head);
    let holds = |wanted: &str| lines.iter().any(|line| line.trim() == wanted);
    for wanted in [
        "search.limit_max = 50  # of this configuration",
        "transfer_syntaxes = \"explicit-vr\"",
        "search.fuzzy = [\"PatientName\", \"ReferringPhysicianName\"]",
        "busy_failure_reasons = [45071]",
    ] {
        assert!(holds(wanted), "{wanted}: {lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.contains("paths.")), "the partition is told once: {lines:#?}");
}

#[test]
fn a_clock_counts_for_what_is_made_by_it() {
    let rows = [
        (0, "ok the server's and the one here are 0 s apart"),
        (-30, "ok the server's and the one here are 30 s apart"),
        (31, "warn the server's is 31 s ahead of the one here"),
        (-61, "warn the server's is 1 min behind the one here"),
        (3600, "warn the server's is 60 min ahead of the one here"),
        (i64::MIN, "warn"),
    ];
    for (ahead, expected) in rows {
        let line = clock(ahead, false).in_one_line();
        assert!(line.starts_with(expected), "{line}");
    }
    let line = clock(301, true).in_one_line();
    assert!(line.starts_with("FAILED") && line.ends_with("requests are refused"), "{line}");
}
