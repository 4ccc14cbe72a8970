//! An origin on a loopback port, and what the tests say to it.

use std::path::PathBuf;

use dicomweb::multipart::{Boundary, Writer, part_headers};
use http::HeaderValue;
use origin::{Options, Origin, Personality, synthetic::Instance, token};
use reqwest::{Client, RequestBuilder, Response, header};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

/// Stops serving when it is dropped.
pub(crate) struct Served {
    pub(crate) origin: Origin,
    pub(crate) base: String,
    /// Where tokens are to be had, if anywhere.
    pub(crate) tokens: Option<token::Addresses>,
    pub(crate) client: Client,
    pub(crate) folder: TempDir,
    server: JoinHandle<std::io::Result<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) async fn serve() -> Served {
    serve_with(|_| {}).await
}

pub(crate) async fn serve_with(change: impl FnOnce(&mut Options)) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path().join("origin"), Personality::Standard);
    change(&mut options);
    let origin = Origin::open_with(options.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (base, tokens) = (options.url(address), options.token_addresses(address));
    let served = origin.clone();
    let server = tokio::spawn(async move { origin::serve(listener, &served, std::future::pending()).await });
    Served { origin, base, tokens, client: Client::new(), folder, server }
}

impl Served {
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base))
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.get(path).send().await.unwrap().status().as_u16()
    }

    /// Stores in one multipart request.
    pub(crate) async fn store(&self, files: &[Vec<u8>]) -> Response {
        let (content_type, body) = multipart(files);
        self.post("/studies").header(header::CONTENT_TYPE, content_type).body(body).send().await.unwrap()
    }

    /// Stores the one file as the whole body.
    pub(crate) async fn store_single(&self, path: &str, file: Vec<u8>) -> Response {
        let request = self.post(path).header(header::CONTENT_TYPE, "application/dicom");
        request.body(file).send().await.unwrap()
    }

    pub(crate) async fn count(&self) -> u64 {
        self.origin.instance_count().await.unwrap()
    }

    /// Files that are being received.
    pub(crate) fn incoming(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("origin/incoming")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// The Part 10 file of an instance.
pub(crate) fn file(instance: &Instance) -> Vec<u8> {
    instance.file().flatten().collect()
}

/// A multipart body and its Content-Type.
pub(crate) fn multipart(files: &[Vec<u8>]) -> (String, Vec<u8>) {
    let writer = Writer::new(Boundary::random());
    let headers = part_headers(HeaderValue::from_static("application/dicom"));
    let mut body = Vec::new();
    for (position, file) in files.iter().enumerate() {
        body.extend_from_slice(&writer.part_head(&headers, position == 0));
        body.extend_from_slice(file);
    }
    body.extend_from_slice(&writer.closing(files.is_empty()));
    (writer.content_type("application/dicom"), body)
}

/// The path of an instance below the base URL.
pub(crate) fn path(instance: &Instance) -> String {
    let identity = instance.identity();
    format!(
        "/studies/{}/series/{}/instances/{}",
        identity.study_instance_uid, identity.series_instance_uid, identity.sop_instance_uid
    )
}
