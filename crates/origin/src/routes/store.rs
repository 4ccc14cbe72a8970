//! Store transaction, STOW-RS (PS3.18 §10.5).

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    extract::State as Shared,
    http::{HeaderMap, Method, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use dicomweb::{
    media_type::MediaType,
    multipart::{Boundary, Malformed, ReadError, Reader, ReaderLimits},
};
use futures::{Stream, StreamExt as _};

use super::{store_answer::StoreAnswer, target::Resource};
use crate::{
    Error,
    connections::drain,
    media::{Refused, accepts_json, not_acceptable, refused},
    personality::store::AnswerForm,
    server::State,
    storage::{Expected, Incoming, Refusal, StoreOutcome},
};

/// The two forms of a store request (PS3.18 §8.6.1).
enum Form {
    Multipart(Boundary),
    Single,
}

/// Stores what the request carries and answers instance by instance. An instance is in its place as
/// soon as its last byte came: a request that is cut later is answered 400, or not at all, and leaves
/// the whole instances before the cut stored.
pub(crate) async fn store(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let is_azure = state.options.personality.rules().store.answer == AnswerForm::Azure;
    if is_azure && !accepts_json(&headers) {
        drain(&mut body.into_data_stream()).await;
        return Err(not_acceptable());
    }
    // PUT is only routed here where it replaces.
    let request = Request { replaces: method == Method::PUT, headers: &headers };
    Ok(store_body(&state, resource, request, body).await?.into_response(&headers))
}

/// What is known of a store request before its body is.
pub(crate) struct Request<'a> {
    /// Whether instances take the place of those with the same UIDs.
    pub(crate) replaces: bool,
    pub(crate) headers: &'a HeaderMap,
}

/// As [`store`], for who answers in a way of its own.
pub(crate) async fn store_body(
    state: &State,
    resource: Resource,
    request: Request<'_>,
    body: Body,
) -> Result<StoreAnswer, Refused> {
    let mut body = body.into_data_stream();
    let stored = store_all(state, resource, request, &mut body).await;
    if stored.is_err() {
        drain(&mut body).await;
    }
    stored
}

async fn store_all(
    state: &State,
    resource: Resource,
    request: Request<'_>,
    body: &mut BodyDataStream,
) -> Result<StoreAnswer, Refused> {
    let form = form(state, request.headers)?;
    let rules = state.options.personality.rules();
    let expected = Expected {
        study: resource.study.clone(),
        rules: rules.store,
        instance_bytes_max: state.options.limits.instance_bytes_max,
        replaces: request.replaces,
        version: resource.version,
        implicit_vr: state.options.azure.implicit_vr,
        pending: false,
    };
    let bytes_max = match rules.store.answer {
        AnswerForm::Azure => state.options.azure.request_bytes_max,
        AnswerForm::Standard => u64::MAX,
    };
    let announced = request.headers.get(header::CONTENT_LENGTH).and_then(|field| field.to_str().ok());
    if announced.and_then(|field| field.parse::<u64>().ok()).is_some_and(|length| length > bytes_max) {
        return Err(too_large());
    }
    let mut body = Bounded { body, left: bytes_max };
    let mut answer = StoreAnswer::new(resource, rules);
    match form {
        Form::Single => store_single(state, expected, &mut body, &mut answer).await?,
        Form::Multipart(boundary) => {
            store_parts(state, &expected, &mut body, &boundary, &mut answer).await?;
        }
    }
    Ok(answer)
}

fn form(state: &State, headers: &HeaderMap) -> Result<Form, Refused> {
    let unsupported = |why: &str| refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, why);
    let field = headers.get(header::CONTENT_TYPE).and_then(|field| field.to_str().ok());
    let media_type = field.and_then(|field| MediaType::parse(field).ok());
    let media_type = media_type.ok_or_else(|| unsupported("a Content-Type is required"))?;
    if media_type.is("application", "dicom") && state.options.personality.rules().store.single_part {
        return Ok(Form::Single);
    }
    if !media_type.is("multipart", "related") {
        return Err(unsupported("multipart/related or application/dicom is expected"));
    }
    // A `type` that is absent is forgiven: each part says for itself what it is.
    if media_type.parameter("type").is_some_and(|part| !part.eq_ignore_ascii_case("application/dicom")) {
        return Err(unsupported("parts of application/dicom are expected"));
    }
    let boundary = Boundary::of(&media_type);
    boundary.map(Form::Multipart).map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))
}

async fn store_single(
    state: &State,
    expected: Expected,
    body: &mut Bounded<'_>,
    answer: &mut StoreAnswer,
) -> Result<(), Refused> {
    let incoming = begin(state, expected);
    while let Some(chunk) = in_time(state, body.next()).await? {
        incoming.append(chunk.map_err(cut)?).await;
    }
    add(answer, incoming.finish().await);
    Ok(())
}

async fn store_parts(
    state: &State,
    expected: &Expected,
    body: &mut Bounded<'_>,
    boundary: &Boundary,
    answer: &mut StoreAnswer,
) -> Result<(), Refused> {
    let parts_max = state.options.personality.rules().parts_max.unwrap_or(state.options.limits.parts_max);
    let limits = ReaderLimits { parts_max, ..ReaderLimits::default() };
    let mut reader = Reader::new(body, boundary, limits);
    while let Some(part) = in_time(state, reader.next_part()).await?.map_err(broken)? {
        if !is_dicom(&part) {
            answer.refused(Refusal::of(expected.rules.unreadable_reason, None));
            continue;
        }
        let mut chunk = in_time(state, reader.next_chunk()).await?.map_err(broken)?;
        if chunk.is_none() && part.is_empty() && expected.rules.answer == AnswerForm::Azure {
            // Some clients write a body of no part with one delimiter and the closing one.
            continue;
        }
        let incoming = begin(state, expected.clone());
        while let Some(bytes) = chunk {
            incoming.append(bytes).await;
            chunk = in_time(state, reader.next_chunk()).await?.map_err(broken)?;
        }
        add(answer, incoming.finish().await);
    }
    if answer.is_empty() && expected.rules.answer == AnswerForm::Standard {
        return Err(refused(StatusCode::BAD_REQUEST, "the request has no part"));
    }
    Ok(())
}

/// Begins an instance, which the faults may refuse.
fn begin(state: &State, expected: Expected) -> Incoming {
    let pending = expected.rules.answer == AnswerForm::Azure && state.faults.pending();
    Incoming::begin(&state.storage, Expected { pending, ..expected })
}

/// Whether a part is an instance; one without Content-Type is taken for one.
fn is_dicom(part: &HeaderMap) -> bool {
    part.get(header::CONTENT_TYPE).is_none_or(|field| {
        let media_type = field.to_str().ok().and_then(|field| MediaType::parse(field).ok());
        media_type.is_some_and(|media_type| media_type.is("application", "dicom"))
    })
}

fn add(answer: &mut StoreAnswer, outcome: Result<StoreOutcome, Error>) {
    match outcome {
        Ok(StoreOutcome::Stored(stored)) => answer.stored(stored),
        Ok(StoreOutcome::Refused(refusal)) => answer.refused(refusal),
        Err(error) => answer.refused(Refusal::failed(&error, None)),
    }
}

/// Gives up on a body that stands still.
async fn in_time<T>(state: &State, next: impl Future<Output = T>) -> Result<T, Refused> {
    let limit: Duration = state.options.limits.body_idle_max;
    let late = |_| refused(StatusCode::REQUEST_TIMEOUT, "the body stands still");
    tokio::time::timeout(limit, next).await.map_err(late)
}

fn broken(error: ReadError<Cut>) -> Refused {
    match error {
        ReadError::Body(error) => cut(error),
        ReadError::Malformed(Malformed::TooManyParts(_)) => {
            refused(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
        }
        error => refused(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

fn cut(error: Cut) -> Refused {
    match error {
        Cut::TooLarge => too_large(),
        Cut::Broken => refused(StatusCode::BAD_REQUEST, "the body is cut"),
    }
}

fn too_large() -> Refused {
    refused(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than the origin takes")
}

/// A body of which no more than so many bytes are taken.
struct Bounded<'a> {
    body: &'a mut BodyDataStream,
    left: u64,
}

/// Why a body ends before its end.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum Cut {
    #[error("the body is cut")]
    Broken,
    #[error("the body is too large")]
    TooLarge,
}

impl Stream for Bounded<'_> {
    type Item = Result<Bytes, Cut>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.body.poll_next_unpin(context));
        Poll::Ready(next.map(|chunk| {
            let chunk = chunk.map_err(|_| Cut::Broken)?;
            self.left = self.left.checked_sub(chunk.len() as u64).ok_or(Cut::TooLarge)?;
            Ok(chunk)
        }))
    }
}
