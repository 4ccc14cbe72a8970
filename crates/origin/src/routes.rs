//! The resources of PS3.18 §10 and of the worklists, and what every request passes on its way to them.

pub(crate) mod bulk_data;
mod delete;
pub(crate) mod failure;
pub(crate) mod frames;
pub(crate) mod metadata;
pub(crate) mod retrieve;
pub(crate) mod search;
pub(crate) mod store;
pub(crate) mod store_answer;
pub(crate) mod target;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State as Shared},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    Personality, authentication::authenticate, aws, azure, connections::drain, google, media::refused,
    personality::Deletes, postdicom, server::State, token, worklist,
};

/// Keeps a request counted while its answer is still being streamed.
#[derive(Clone)]
pub(crate) struct InWork(#[expect(dead_code, reason = "held, never read")] Arc<OwnedSemaphorePermit>);

pub(crate) fn router(state: &Arc<State>) -> Router {
    let resources = match state.options.personality {
        Personality::PostDicom => postdicom::routes::router(state),
        Personality::Azure => azure::router(state),
        Personality::Google => google::router(state),
        Personality::Aws => state.aws.as_ref().map(aws::router).unwrap_or_default(),
        personality => Router::new().nest(personality.rules().base_path, archive(state)),
    };
    let permits = Arc::new(Semaphore::new(state.options.limits.requests_max));
    let router = resources
        .layer(middleware::from_fn_with_state(Arc::clone(state), authenticate))
        .layer(middleware::from_fn_with_state(Arc::clone(state), throttle))
        .merge(token::router(state))
        .layer(middleware::from_fn_with_state(Arc::clone(state), delay))
        .layer(middleware::from_fn_with_state(permits, admit))
        .with_state(Arc::clone(state));
    match state.options.personality {
        Personality::PostDicom => router.layer(middleware::from_fn(postdicom::routes::explain)),
        _ => router,
    }
}

/// The resources of the archive and of the worklists that a personality has.
pub(crate) fn archive(state: &State) -> Router<Arc<State>> {
    let rules = state.options.personality.rules();
    let resources = match rules.deletes {
        Deletes::All => resources().merge(deletions_below_studies()),
        Deletes::Studies => resources(),
    };
    resources.merge(rules.worklist.map(worklist::routes::router).unwrap_or_default())
}

/// The resources below the base path.
fn resources() -> Router<Arc<State>> {
    Router::new()
        .route("/studies", get(search::search).post(store::store))
        .route("/series", get(search::search))
        .route("/instances", get(search::search))
        .route("/studies/{study}", get(retrieve::retrieve).post(store::store).delete(delete::delete))
        .route("/studies/{study}/metadata", get(metadata::metadata))
        .route("/studies/{study}/series", get(search::search))
        .route("/studies/{study}/instances", get(search::search))
        .route("/studies/{study}/series/{series}", get(retrieve::retrieve))
        .route("/studies/{study}/series/{series}/metadata", get(metadata::metadata))
        .route("/studies/{study}/series/{series}/instances", get(search::search))
        .route("/studies/{study}/series/{series}/instances/{instance}", get(retrieve::retrieve))
        .route("/studies/{study}/series/{series}/instances/{instance}/metadata", get(metadata::metadata))
        .route("/studies/{study}/series/{series}/instances/{instance}/frames/{frames}", get(frames::frames))
        .route(
            "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{*place}",
            get(bulk_data::bulk_data),
        )
}

/// What many archives offer beside.
fn deletions_below_studies() -> Router<Arc<State>> {
    Router::new()
        .route("/studies/{study}/series/{series}", delete(delete::delete))
        .route("/studies/{study}/series/{series}/instances/{instance}", delete(delete::delete))
}

/// Lets so many requests in at a time as the limits say.
async fn admit(Shared(permits): Shared<Arc<Semaphore>>, mut request: Request, next: Next) -> Response {
    let Ok(permit) = permits.try_acquire_owned() else {
        let mut response =
            refused(StatusCode::SERVICE_UNAVAILABLE, "too many requests in work").into_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return response;
    };
    let in_work = InWork(Arc::new(permit));
    request.extensions_mut().insert(in_work.clone());
    let response = next.run(request).await;
    drop(in_work);
    response
}

/// Refuses as many requests as the faults say.
async fn throttle(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let Some(throttle) = state.faults.throttled() else { return next.run(request).await };
    drain(&mut request.into_body().into_data_stream()).await;
    let status = StatusCode::from_u16(throttle.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = refused(status, "too many requests").into_response();
    if let Some(after) = throttle.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, after.as_secs().into());
    }
    response
}

/// Lets the time pass that the options ask for.
async fn delay(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let delay = state.options.answer_delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    next.run(request).await
}
