use super::*;
use reqwest::{Client, Response};
use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;

struct Server {
    address: SocketAddr,
    client: Client,
    _stop: tokio_util::sync::DropGuard,
}

impl Server {
    /// An admin server of a program whose spool still recovers.
    async fn start(token: Option<&str>) -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let shared = Shared::new(Arc::new(Metrics::new().unwrap()), token.map(SecretString::from));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, shared, stop.clone().cancelled_owned()));
        Self { address, client: Client::builder().no_proxy().build().unwrap(), _stop: stop.drop_guard() }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }
}

#[tokio::test]
async fn a_recovering_program_is_alive_and_not_ready() {
    let server = Server::start(None).await;
    for (path, status, body) in [
        ("/healthz", 200, "alive\n"),
        ("/readyz", 503, "recovering\n"),
        ("/api/v1/queue", 503, r#"{"error":"the spool is recovering"}"#),
        ("/api/v1/queue/1", 503, r#"{"error":"the spool is recovering"}"#),
        ("/api/v1/queue?colour=red", 400, ""),
        ("/api/v2", 404, ""),
    ] {
        let answer = server.get(path, &[]).await;
        assert_eq!(answer.status(), status, "{path}");
        let text = answer.text().await.unwrap();
        assert!(body.is_empty() || text == body, "{path}: {text}");
    }
    let page = server.get("/", &[]).await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(page.text().await.unwrap().contains("recovering"));
}

#[tokio::test]
async fn metrics_are_in_the_text_format() {
    let server = Server::start(None).await;
    let answer = server.get("/metrics", &[]).await;
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4");
    assert!(answer.text().await.unwrap().contains("process_resident_memory_bytes"));
}

#[tokio::test]
async fn the_api_asks_for_the_token_and_the_rest_does_not() {
    let server = Server::start(Some("open sesame")).await;
    for (path, header, status) in [
        ("/api/v1/queue", None, 401),
        ("/api/v1/queue", Some("Bearer open"), 401),
        ("/api/v1/queue", Some("Bearer open sesamf"), 401),
        ("/api/v1/queue", Some("Basic open sesame"), 401),
        ("/api/v1/queue", Some("Bearer open sesame"), 503),
        ("/api/v1/queue", Some("bearer open sesame"), 503),
        ("/healthz", None, 200),
        ("/metrics", None, 200),
    ] {
        let headers: Vec<_> = header.into_iter().map(|value| ("authorization", value)).collect();
        assert_eq!(server.get(path, &headers).await.status(), status, "{path} {header:?}");
    }
}

#[tokio::test]
async fn without_a_token_a_foreign_name_is_refused() {
    let server = Server::start(None).await;
    for (host, status) in
        [("localhost:8080", 503), ("127.0.0.1", 503), ("[::1]:8080", 503), ("evil.example.org", 403)]
    {
        assert_eq!(server.get("/api/v1/queue", &[("host", host)]).await.status(), status, "{host}");
    }
}
