//! An origin whose searches answer as told, and which stores nothing.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, Response, StatusCode, header},
};
use tokio::net::TcpListener;

use crate::{
    Config,
    tests::{origin::FakeOrigin, site::Site},
};

/// Answers a path below the base URL, with its query, by status and body.
type Answer = dyn Fn(&str) -> (u16, String) + Send + Sync;

#[derive(Clone)]
pub(super) struct Scripted {
    answer: Arc<Answer>,
    asked: Arc<Mutex<Vec<String>>>,
    /// What a path must hold, and the header field of its answer then.
    header: Option<[&'static str; 3]>,
}

impl Scripted {
    pub(super) fn new(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), asked: Arc::default(), header: None }
    }

    /// Answers to paths that hold `part` have this header field.
    pub(super) fn with_header(self, part: &'static str, name: &'static str, value: &'static str) -> Self {
        Self { header: Some([part, name, value]), ..self }
    }

    pub(super) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(respond).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// A bridge to this origin.
    pub(super) async fn site(&self, change: impl FnOnce(&mut Config)) -> Site {
        Site::with_origin(FakeOrigin::default(), self.serve().await, change).await
    }

    /// What it answers.
    pub(super) fn answer(&self, path: &str) -> (u16, String) {
        (self.answer)(path)
    }

    /// What was searched for so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn respond(State(origin): State<Scripted>, request: Request) -> Response<Body> {
    let respond = |status: u16, body: String| {
        Response::builder()
            .status(StatusCode::from_u16(status).unwrap())
            .header(header::CONTENT_TYPE, "application/dicom+json")
            .body(Body::from(body))
            .unwrap()
    };
    let path = request.uri().path_and_query().unwrap().as_str();
    let mut path = path.strip_prefix("/dicom-web").unwrap_or(path).to_owned();
    // Parameters of PostDICOM's own end points stand in a header field.
    let parameters = request.headers().iter().find(|(name, _)| name.as_str().ends_with("parameters"));
    path.extend(parameters.map(|(_, value)| format!(" {}", value.to_str().unwrap())));
    if request.method() != Method::GET || path.contains("=2.25.0") {
        return respond(503, String::new());
    }
    let (status, body) = (origin.answer)(&path);
    origin.asked.lock().unwrap().push(path.clone());
    let mut response = respond(status, body);
    if let Some([_, name, value]) = origin.header.filter(|[part, ..]| path.contains(part)) {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// One page of results, whatever the offset: nothing behind it.
pub(super) fn page(path: &str, results: impl IntoIterator<Item = String>) -> (u16, String) {
    if offset(path) > 0 {
        return (204, String::new());
    }
    let results: Vec<String> = results.into_iter().collect();
    match results.is_empty() {
        true => (204, String::new()),
        false => (200, format!("[{}]", results.join(","))),
    }
}

pub(super) fn offset(path: &str) -> usize {
    let offset = path.split(['?', '&']).find_map(|parameter| parameter.strip_prefix("offset="));
    offset.and_then(|offset| offset.parse().ok()).unwrap_or(0)
}

/// A result of JSON elements, each a tag, a VR and a value.
pub(super) fn result(elements: &[(&str, &str, &str)]) -> String {
    let element = |(tag, vr, value): &(&str, &str, &str)| match (*vr, *value) {
        (_, "") => format!("\"{tag}\":{{\"vr\":\"{vr}\"}}"),
        ("PN", name) => format!("\"{tag}\":{{\"vr\":\"PN\",\"Value\":[{{\"Alphabetic\":\"{name}\"}}]}}"),
        ("IS", number) => format!("\"{tag}\":{{\"vr\":\"IS\",\"Value\":[{number}]}}"),
        (vr, value) => format!("\"{tag}\":{{\"vr\":\"{vr}\",\"Value\":[\"{value}\"]}}"),
    };
    format!("{{{}}}", elements.iter().map(element).collect::<Vec<_>>().join(","))
}
