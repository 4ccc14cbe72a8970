//! The resources of a data store, and the gate before them.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State as Shared},
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
    routes::{metadata, search, store},
    server::State,
};

/// Who may call.
pub(super) struct Gate {
    pub(super) options: Options,
    pub(super) keys: Keys,
}

/// Everything there is at the address of the origin.
pub(crate) fn router(options: &Options) -> Router<Arc<State>> {
    let gate = Arc::new(Gate { options: options.clone(), keys: Keys::new(options.clone()) });
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
        .route("/studies/{study}/series/{series}/instances/{instance}/metadata", get(metadata::metadata));
    let checked = middleware::from_fn_with_state(Arc::clone(&gate), check);
    let end_points = Router::new()
        .route("/", post(security_token_service::assume_role))
        .route(CONTAINER_CREDENTIALS, get(security_token_service::container))
        .with_state(gate);
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

async fn refuse(fault: Fault, body: Body) -> Response {
    drain(&mut body.into_data_stream()).await;
    fault.into_response()
}
