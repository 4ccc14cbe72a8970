//! The resources of a data store, and the gate before them.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State as Shared},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use jiff::Timestamp;

use super::{
    BASE_PATH, Options, body::Announced, fault::Fault, keys::Keys, options::CONTAINER_CREDENTIALS, retrieve,
    security_token_service, signature,
};
use crate::{
    connections::drain,
    media::refused,
    routes::{bulk_data, frames, metadata, search, store},
    server::State,
};

/// Values of `includefield` in one search (Developer Guide, "Using IncludeField in QIDO-RS queries").
const INCLUDED_MAX: usize = 50;

/// The largest `offset` (Developer Guide, "Supported DICOMweb query types").
const OFFSET_MAX: u64 = 1_000_000;

/// Who may call.
pub(crate) struct Gate {
    pub(super) options: Options,
    pub(super) keys: Keys,
}

impl Gate {
    pub(crate) fn new(options: &Options) -> Self {
        Self { options: options.clone(), keys: Keys::new(options.clone()) }
    }

    /// Ends all sessions.
    pub(crate) fn revoke_all(&self) {
        self.keys.revoke_all();
    }
}

/// Everything there is at the address of the origin.
pub(crate) fn router(gate: &Arc<Gate>) -> Router<Arc<State>> {
    let data_store = Router::new()
        .route("/studies", get(search::search).post(store::store))
        .route("/series", get(search::search))
        .route("/instances", get(search::search))
        .route("/studies/{study}", post(store::store))
        .route("/studies/{study}/series", get(search::search))
        .route("/studies/{study}/instances", get(search::search))
        .route("/studies/{study}/series/{series}/metadata", get(metadata::metadata))
        .route("/studies/{study}/series/{series}/instances", get(search::search))
        .route("/studies/{study}/series/{series}/instances/{instance}", get(retrieve::retrieve))
        .route("/studies/{study}/series/{series}/instances/{instance}/metadata", get(metadata::metadata))
        .route("/studies/{study}/series/{series}/instances/{instance}/frames/{frames}", get(frames::frames))
        .route(
            "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{*place}",
            get(bulk_data::bulk_data),
        )
        .layer(middleware::from_fn(within_limits));
    let checked = middleware::from_fn_with_state(Arc::clone(gate), check);
    let end_points = Router::new()
        .route("/", post(security_token_service::assume_role))
        .route(CONTAINER_CREDENTIALS, get(security_token_service::container))
        .with_state(Arc::clone(gate));
    Router::new().nest(BASE_PATH, data_store).layer(checked).merge(end_points)
}

/// Lets a request pass that is signed by somebody known, and its body as far as it is.
async fn check(Shared(gate): Shared<Arc<Gate>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bytes_max = gate.options.request_bytes_max;
    let checked = Announced::read(&parts.headers, bytes_max).and_then(|announced| {
        let now = Timestamp::now();
        let chain = signature::check(&parts, &announced.hash, &gate.options, &gate.keys, now)?;
        Ok((announced, chain))
    });
    let (announced, chain) = match checked {
        Ok(checked) => checked,
        Err(fault) => return refuse(fault, body).await,
    };
    let (body, fault) = announced.decode(chain, body, bytes_max);
    let response = next.run(Request::from_parts(parts, body)).await;
    match fault.get() {
        Some(fault) => fault.into_response(),
        None => response,
    }
}

/// Refuses a search that asks for more than the Developer Guide says.
async fn within_limits(request: Request, next: Next) -> Response {
    if is_within_limits(request.uri().query().unwrap_or_default()) {
        return next.run(request).await;
    }
    refused(StatusCode::BAD_REQUEST, "too many included fields, or too large an offset").into_response()
}

fn is_within_limits(query: &str) -> bool {
    let values = |name| query.split('&').filter_map(move |one| one.strip_prefix(name));
    let included: usize = values("includefield=").map(|list| list.split(',').count()).sum();
    let offset = values("offset=").find_map(|value| value.parse::<u64>().ok());
    included <= INCLUDED_MAX && offset.is_none_or(|offset| offset <= OFFSET_MAX)
}

async fn refuse(fault: Fault, body: Body) -> Response {
    drain(&mut body.into_data_stream()).await;
    fault.into_response()
}
