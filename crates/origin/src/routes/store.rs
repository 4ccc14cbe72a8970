//! Store transaction, STOW-RS (PS3.18 §10.5).

use std::{future::Future, sync::Arc, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use dicomweb::{
    media_type::MediaType,
    multipart::{Boundary, Malformed, ReadError, Reader, ReaderLimits},
};
use futures::StreamExt as _;

use super::{failure, store_answer::StoreAnswer, target::Resource};
use crate::{
    Error,
    connections::drain,
    media::{Refused, refused},
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
pub(super) async fn store(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    Ok(store_body(&state, resource, &headers, body).await?.into_response(&headers))
}

/// As [`store`], for who answers in a way of its own.
pub(crate) async fn store_body(
    state: &State,
    resource: Resource,
    headers: &HeaderMap,
    body: Body,
) -> Result<StoreAnswer, Refused> {
    let mut body = body.into_data_stream();
    let stored = store_all(state, resource, headers, &mut body).await;
    if stored.is_err() {
        drain(&mut body).await;
    }
    stored
}

async fn store_all(
    state: &State,
    resource: Resource,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<StoreAnswer, Refused> {
    let form = form(state, headers)?;
    let expected = Expected {
        study: resource.study.clone(),
        personality: state.options.personality,
        instance_bytes_max: state.options.limits.instance_bytes_max,
    };
    let mut answer = StoreAnswer::new(resource.base, state.options.personality.rules().paths);
    match form {
        Form::Single => store_single(state, expected, body, &mut answer).await?,
        Form::Multipart(boundary) => store_parts(state, &expected, body, &boundary, &mut answer).await?,
    }
    Ok(answer)
}

fn form(state: &State, headers: &HeaderMap) -> Result<Form, Refused> {
    let unsupported = |why: &str| refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, why);
    let field = headers.get(header::CONTENT_TYPE).and_then(|field| field.to_str().ok());
    let media_type = field.and_then(|field| MediaType::parse(field).ok());
    let media_type = media_type.ok_or_else(|| unsupported("a Content-Type is required"))?;
    if media_type.is("application", "dicom") && state.options.personality.rules().single_part_store {
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
    body: &mut BodyDataStream,
    answer: &mut StoreAnswer,
) -> Result<(), Refused> {
    let incoming = Incoming::begin(&state.storage, expected);
    while let Some(chunk) = in_time(state, body.next()).await? {
        incoming.append(chunk.map_err(|_| refused(StatusCode::BAD_REQUEST, "the body is cut"))?).await;
    }
    add(answer, incoming.finish().await);
    Ok(())
}

async fn store_parts(
    state: &State,
    expected: &Expected,
    body: &mut BodyDataStream,
    boundary: &Boundary,
    answer: &mut StoreAnswer,
) -> Result<(), Refused> {
    let parts_max = state.options.personality.rules().parts_max.unwrap_or(state.options.limits.parts_max);
    let limits = ReaderLimits { parts_max, ..ReaderLimits::default() };
    let mut reader = Reader::new(body, boundary, limits);
    while let Some(part) = in_time(state, reader.next_part()).await?.map_err(broken)? {
        if !is_dicom(&part) {
            answer.refused(Refusal { reason: failure::CANNOT_UNDERSTAND, sop: None });
            continue;
        }
        let incoming = Incoming::begin(&state.storage, expected.clone());
        while let Some(chunk) = in_time(state, reader.next_chunk()).await?.map_err(broken)? {
            incoming.append(chunk).await;
        }
        add(answer, incoming.finish().await);
    }
    if answer.is_empty() {
        return Err(refused(StatusCode::BAD_REQUEST, "the request has no part"));
    }
    Ok(())
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
        Ok(StoreOutcome::Stored(identity)) => answer.stored(identity),
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

fn broken<E: std::fmt::Display>(error: ReadError<E>) -> Refused {
    let status = match &error {
        ReadError::Malformed(Malformed::TooManyParts(_)) => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    refused(status, error.to_string())
}
