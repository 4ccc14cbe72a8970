//! An origin server that answers as told.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{Method, Response, StatusCode, header},
    routing::{get, post},
};
use dicomweb::{
    media_type::MediaType,
    multipart::{Boundary, Reader, ReaderLimits},
};
use futures::StreamExt;
use instance::part10;
use tokio::net::TcpListener;

/// What the origin does with the next store request.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// Stores everything and says so. What it does when nothing else was told.
    Store,
    /// This status, perhaps with Retry-After, whatever the body is.
    Status(u16, Option<u32>),
    /// 400 for every request that holds this instance, for ever; what it does not hold is stored.
    RefuseRequestsWith(String),
    /// 503 with this Retry-After for every request that holds this instance, for ever; what it does not hold is
    /// stored.
    PutRequestsOffWith(String, u32),
    /// 202 with this one refused for this Failure Reason; the rest is stored.
    Fail(String, u16),
    /// Stores everything and answers with this status, media type and body.
    StoreAndSay(u16, &'static str, &'static str),
    /// Stores what it does not have, keeps what it has, and says of everything that it stored it.
    KeepAndSayStored,
    /// Stores what it does not have, and fails what it has for this Failure Reason; PUT replaces that.
    RefuseWhatIsThere(u16),
    /// 202 with everything stored and this Warning Reason for each.
    Warn(u16),
    /// Stores nothing and breaks its answer off.
    BreakOff,
    /// Stores everything and breaks its answer off.
    StoreAndBreakOff,
    /// Stores nothing and answers with this status, media type and body.
    Say(u16, &'static str, &'static str),
}

/// A store request as the origin saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) content_type: String,
    pub(super) content_length: Option<u64>,
    /// Transfer syntaxes of its parts.
    pub(super) transfer_syntaxes: Vec<String>,
}

impl Seen {
    fn of(request: &Request) -> Self {
        let header =
            |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        Self {
            method: request.method().clone(),
            content_type: header(header::CONTENT_TYPE).unwrap_or_default().to_owned(),
            content_length: header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            transfer_syntaxes: Vec::new(),
        }
    }
}

#[derive(Default)]
struct Inner {
    answers: VecDeque<Answer>,
    lasting: Option<Answer>,
    /// Data sets by SOP Instance UID.
    stored: BTreeMap<String, Vec<u8>>,
    requests: usize,
    seen: Vec<Seen>,
    deleted: Vec<String>,
}

/// The origin. Cloning gives the same one.
#[derive(Clone, Default)]
pub(super) struct FakeOrigin(Arc<Mutex<Inner>>);

impl FakeOrigin {
    /// Serves on a listener until the runtime ends.
    pub(super) fn serve(&self, listener: TcpListener) {
        let router = self.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
    }

    /// What it serves.
    pub(super) fn router(&self) -> Router {
        Router::new()
            .route("/dicom-web/studies", post(store).put(store).get(probe))
            .route("/dicom-web/studies/{study}/series/{series}/instances", get(search))
            .route(
                "/dicom-web/studies/{study}/series/{series}/instances/{instance}",
                get(retrieve).delete(delete),
            )
            .with_state(self.clone())
    }

    pub(super) fn then(&self, answer: Answer) {
        self.0.lock().unwrap().answers.push_back(answer);
    }

    /// From now on, when nothing else was told.
    pub(super) fn always(&self, answer: Answer) {
        self.0.lock().unwrap().lasting = Some(answer);
    }

    pub(super) fn holds(&self, sop_instance_uid: &str, data_set: &[u8]) {
        self.0.lock().unwrap().stored.insert(sop_instance_uid.to_owned(), data_set.to_vec());
    }

    /// Deletes an instance, as a person would.
    pub(super) fn forget(&self, sop_instance_uid: &str) {
        self.0.lock().unwrap().stored.remove(sop_instance_uid);
    }

    pub(super) fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.lock().unwrap().stored.clone()
    }

    /// The store requests that came whole, in order.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().seen.clone()
    }

    /// SOP Instance UIDs of what was deleted, in order.
    pub(super) fn deleted(&self) -> Vec<String> {
        self.0.lock().unwrap().deleted.clone()
    }

    /// Store requests so far.
    pub(super) fn requests(&self) -> usize {
        self.0.lock().unwrap().requests
    }

    fn next(&self) -> Answer {
        let mut inner = self.0.lock().unwrap();
        inner.requests += 1;
        let lasting = inner.lasting.clone().unwrap_or(Answer::Store);
        inner.answers.pop_front().unwrap_or(lasting)
    }
}

async fn probe(State(origin): State<FakeOrigin>) -> Response<Body> {
    let lasting = origin.0.lock().unwrap().lasting.clone();
    match lasting {
        Some(Answer::Status(status, _)) => say(status, "text/plain", String::new()),
        _ => say(200, "application/dicom+json", "[]".to_owned()),
    }
}

async fn search(State(origin): State<FakeOrigin>, request: Request) -> Response<Body> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let found: Vec<String> =
        origin.stored().into_keys().filter(|uid| query.contains(&format!("={uid}"))).collect();
    match found.first() {
        Some(uid) => say(200, "application/dicom+json", format!("[{{{}}}]", element("00080018", "UI", uid))),
        None => say(204, "application/dicom+json", String::new()),
    }
}

async fn retrieve(
    State(origin): State<FakeOrigin>,
    Path((_, _, uid)): Path<(String, String, String)>,
) -> Response<Body> {
    let Some(data_set) = origin.stored().remove(&uid) else { return say(404, "text/plain", String::new()) };
    let meta = part10::FileMeta {
        sop_class_uid: super::site::CT.parse().unwrap(),
        sop_instance_uid: uid.parse().unwrap(),
        transfer_syntax: super::site::explicit(),
    };
    let mut body = b"--next\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
    body.extend(part10::write(&meta, None));
    body.extend(data_set);
    body.extend(b"\r\n--next--\r\n");
    let media_type = "multipart/related; type=\"application/dicom\"; boundary=next";
    Response::builder().header(header::CONTENT_TYPE, media_type).body(Body::from(body)).unwrap()
}

async fn delete(
    State(origin): State<FakeOrigin>,
    Path((_, _, uid)): Path<(String, String, String)>,
) -> Response<Body> {
    origin.forget(&uid);
    origin.0.lock().unwrap().deleted.push(uid);
    say(204, "text/plain", String::new())
}

async fn store(State(origin): State<FakeOrigin>, request: Request) -> Response<Body> {
    let answer = origin.next();
    let mut seen = Seen::of(&request);
    let replaces = seen.method == Method::PUT;
    let parts = read_parts(request).await;
    if let Ok(parts) = &parts {
        seen.transfer_syntaxes =
            parts.iter().map(|part| part.meta.transfer_syntax.uid().to_string()).collect();
        origin.0.lock().unwrap().seen.push(seen);
    }
    if let Answer::Status(status, retry_after) = answer {
        let mut response = say(status, "text/plain", String::new());
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        return response;
    }
    let Ok(parts) = parts else { return say(400, "text/plain", "cut".to_owned()) };
    if let Answer::Say(status, media_type, body) = answer {
        return say(status, media_type, body.to_owned());
    }
    if matches!(answer, Answer::BreakOff) {
        return broken_off();
    }
    if let Answer::RefuseRequestsWith(culprit) = &answer
        && parts.iter().any(|part| part.meta.sop_instance_uid.as_str() == culprit)
    {
        return say(400, "text/plain", "bad instance".to_owned());
    }
    if let Answer::PutRequestsOffWith(culprit, seconds) = &answer
        && parts.iter().any(|part| part.meta.sop_instance_uid.as_str() == culprit)
    {
        let mut response = say(503, "text/plain", "busy".to_owned());
        response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
        return response;
    }
    let (mut stored, mut failed) = (Vec::new(), Vec::new());
    for Part { meta, data_set } in parts {
        let uid = meta.sop_instance_uid.to_string();
        match &answer {
            Answer::Fail(culprit, reason) if *culprit == uid => {
                failed.push(with_reason(&uid, "00081197", *reason))
            }
            Answer::RefuseWhatIsThere(reason) if !replaces && origin.stored().contains_key(&uid) => {
                failed.push(with_reason(&uid, "00081197", *reason));
            }
            Answer::Warn(reason) => {
                origin.holds(&uid, &data_set);
                stored.push(with_reason(&uid, "00081196", *reason));
            }
            _ => {
                if !matches!(answer, Answer::KeepAndSayStored) || !origin.stored().contains_key(&uid) {
                    origin.holds(&uid, &data_set);
                }
                stored.push(format!("{{{}}}", reference(&uid)));
            }
        }
    }
    if let Answer::StoreAndSay(status, media_type, body) = answer {
        return say(status, media_type, body.to_owned());
    }
    if matches!(answer, Answer::StoreAndBreakOff) {
        return broken_off();
    }
    let sequence =
        |tag: &str, items: &[String]| format!("\"{tag}\":{{\"vr\":\"SQ\",\"Value\":[{}]}}", items.join(","));
    let body = format!("{{{},{}}}", sequence("00081199", &stored), sequence("00081198", &failed));
    let status = match (stored.is_empty(), failed.is_empty()) {
        (true, false) if matches!(answer, Answer::RefuseWhatIsThere(_)) => 409,
        (_, true) if !matches!(answer, Answer::Warn(_)) => 200,
        _ => 202,
    };
    say(status, "application/dicom+json", body)
}

fn broken_off() -> Response<Body> {
    let cut = futures::stream::iter([Ok("{"), Err(std::io::Error::other("unplugged"))]);
    let answer = Response::builder().header(header::CONTENT_TYPE, "application/dicom+json");
    answer.body(Body::from_stream(cut)).unwrap()
}

fn with_reason(uid: &str, tag: &str, reason: u16) -> String {
    format!("{{{},\"{tag}\":{{\"vr\":\"US\",\"Value\":[{reason}]}}}}", reference(uid))
}

fn reference(uid: &str) -> String {
    format!("{},{}", element("00081150", "UI", super::site::CT), element("00081155", "UI", uid))
}

fn element(tag: &str, vr: &str, value: &str) -> String {
    format!("\"{tag}\":{{\"vr\":\"{vr}\",\"Value\":[\"{value}\"]}}")
}

fn say(status: u16, media_type: &'static str, body: String) -> Response<Body> {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header(header::CONTENT_TYPE, media_type)
        .body(Body::from(body))
        .unwrap()
}

struct Part {
    meta: part10::FileMeta,
    data_set: Vec<u8>,
}

impl Part {
    fn of(mut file: Vec<u8>) -> Result<Self, part10::InvalidFile> {
        let (meta, length) = part10::read(&file)?;
        Ok(Self { meta, data_set: file.split_off(length) })
    }
}

/// The parts of a request; an error where the body was cut.
async fn read_parts(request: Request) -> Result<Vec<Part>, Box<dyn std::error::Error + Send + Sync>> {
    let content_type = request.headers()[header::CONTENT_TYPE].to_str()?.to_owned();
    let mut body = request.into_body().into_data_stream().boxed();
    if content_type == "application/dicom" {
        let mut file = Vec::new();
        while let Some(chunk) = body.next().await {
            file.extend_from_slice(&chunk?);
        }
        return Ok(vec![Part::of(file)?]);
    }
    let boundary = Boundary::of(&MediaType::parse(&content_type)?)?;
    let mut reader = Reader::new(body, &boundary, ReaderLimits::default());
    let mut parts = Vec::new();
    while reader.next_part().await?.is_some() {
        let mut file = Vec::new();
        while let Some(chunk) = reader.next_chunk().await? {
            file.extend_from_slice(&chunk);
        }
        parts.push(Part::of(file)?);
    }
    Ok(parts)
}
