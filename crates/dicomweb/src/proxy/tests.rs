use std::process::Command;

use axum::Router;
use axum::extract::Request;
use axum::http::Response as Answer;
use tokio::net::TcpListener;

use super::*;
use crate::testing::{config, serve};
use crate::{BaseUrl, Client, ClientConfig};

/// The name of the test that is run again with another environment, and the variable by which it knows.
const INNER: &str = "proxy::tests::in_the_environment_that_is_given";
const ASKED: &str = "DIMSEWAY_TEST_ORIGIN";

/// A proxy that answers itself, with 204, and writes down what it was asked for.
async fn proxy() -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let log = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = log.clone();
    let router = Router::new().fallback(move |request: Request| async move {
        keep.lock().unwrap().push(request.uri().to_string());
        Answer::builder().status(204).body(axum::body::Body::empty()).unwrap()
    });
    let base = serve(router).await.to_string();
    (base.trim_end_matches("/dicom-web").to_owned(), log)
}

fn client(url: &str, proxy: Proxy) -> Client {
    let config = ClientConfig { proxy, ..config(url.parse::<BaseUrl>().unwrap()) };
    Client::new(config).unwrap()
}

#[tokio::test]
async fn a_proxy_that_is_written_out_is_used_for_all() {
    let (address, log) = proxy().await;
    let named = || Proxy::Url(address.parse().unwrap());
    client("http://archive.invalid/dicom-web", named()).probe().await.unwrap();
    client("http://127.0.0.1:9/dicom-web", named()).probe().await.unwrap();
    let asked = log.lock().unwrap().clone();
    assert!(asked[0].starts_with("http://archive.invalid/dicom-web/studies"), "{asked:?}");
    assert!(asked[1].starts_with("http://127.0.0.1:9/dicom-web/studies"), "{asked:?}");
}

/// Not a test of its own: part of the one below, in a process of its own.
#[tokio::test]
async fn in_the_environment_that_is_given() {
    let Ok(origin) = std::env::var(ASKED) else { return };
    client(&origin, Proxy::Environment).probe().await.unwrap();
}

/// Whether a client whose environment is this reaches an origin through the proxy.
async fn passes(origin: &str, environment: &[(&str, &str)]) -> bool {
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", INNER]).env(ASKED, origin);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        test.env_remove(name).env_remove(name.to_uppercase());
    }
    test.envs(environment.iter().copied());
    tokio::task::spawn_blocking(move || test.output().unwrap().status.success()).await.unwrap()
}

#[tokio::test]
async fn the_environment_is_followed_except_to_the_machine_itself() {
    let (address, log) = proxy().await;
    let http = [("HTTP_PROXY", address.as_str())];
    let origin = "http://archive.invalid/dicom-web";
    assert!(passes(origin, &http).await);
    assert!(passes(origin, &[("all_proxy", &address)]).await);
    assert_eq!(log.lock().unwrap().len(), 2);
    assert!(!passes(origin, &[]).await, "nobody knows that name");
    assert!(!passes(origin, &[http[0], ("NO_PROXY", ".invalid,10.0.0.0/8")]).await);
    assert_eq!(log.lock().unwrap().len(), 2);

    // Here is an origin that answers, and a proxy that would not.
    let (near, asked) = proxy().await;
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nowhere = format!("http://{nowhere}");
    assert!(passes(&format!("{near}/dicom-web"), &[("HTTP_PROXY", &nowhere)]).await);
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn directly_means_directly() {
    let (near, asked) = proxy().await;
    client(&format!("{near}/dicom-web"), Proxy::None).probe().await.unwrap();
    assert!(asked.lock().unwrap()[0].starts_with("/dicom-web/studies"));
}

#[test]
fn what_is_near_has_no_proxy() {
    let near = [
        "http://localhost:1/",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://127.1.2.3/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/metadata",
        "http://[fe80::1]/",
        "http://metadata.google.internal/",
    ];
    for url in near {
        assert!(is_near(&url.parse().unwrap()), "{url}");
    }
    for url in ["http://h/", "http://10.0.0.1/", "http://[2001:db8::1]/", "http://localhost.example.org/"] {
        assert!(!is_near(&url.parse().unwrap()), "{url}");
    }
}

#[test]
fn a_proxy_has_an_address_and_nothing_more() {
    assert_eq!("http://proxy:3128".parse::<ProxyUrl>().unwrap().to_string(), "http://proxy:3128/");
    for wrong in ["proxy:3128", "socks5://proxy:1", "http://u:p@proxy/", "http://proxy/?a"] {
        assert!(wrong.parse::<ProxyUrl>().is_err(), "{wrong}");
    }
}
