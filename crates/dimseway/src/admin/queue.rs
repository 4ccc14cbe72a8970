//! `/api/v1/queue`.

use super::{Running, Shared};
use crate::queue::{
    self,
    model::{ActionBody, ActionKind, Query, QueryString, Refusal},
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query as UrlQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/queue", get(list))
        .route("/queue/{word}", get(show).post(act))
        .route("/queue/{word}/file", get(file))
}

/// An answer that is no success.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(Refusal { error: self.1 })).into_response()
    }
}

impl From<queue::Error> for Refused {
    fn from(error: queue::Error) -> Self {
        let status = match &error {
            queue::Error::Invalid(_) => StatusCode::BAD_REQUEST,
            queue::Error::NotFound(_) => StatusCode::NOT_FOUND,
            queue::Error::Gone(_) => StatusCode::GONE,
            queue::Error::Spool(spool::Error::State { .. }) => StatusCode::CONFLICT,
            queue::Error::Spool(error) => {
                tracing::error!(%error, "the spool could not answer the admin API");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self(status, error.to_string())
    }
}

fn running(shared: &Shared) -> Result<Arc<Running>, Refused> {
    let recovering = || Refused(StatusCode::SERVICE_UNAVAILABLE, "the spool is recovering".to_owned());
    shared.running().ok_or_else(recovering)
}

async fn list(
    State(shared): State<Arc<Shared>>,
    UrlQuery(query): UrlQuery<QueryString>,
) -> Result<Response, Refused> {
    let page = queue::list(&*running(&shared)?.ports.deliveries, &Query::from(query)).await?;
    Ok(Json(page).into_response())
}

async fn show(State(shared): State<Arc<Shared>>, Path(entry): Path<String>) -> Result<Response, Refused> {
    let details = queue::show(&*running(&shared)?.ports.deliveries, &entry).await?;
    Ok(Json(details).into_response())
}

async fn act(
    State(shared): State<Arc<Shared>>,
    Path(word): Path<String>,
    Json(body): Json<ActionBody>,
) -> Result<Response, Refused> {
    let kind = ActionKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    let Some(kind) = kind else {
        return Err(Refused(StatusCode::NOT_FOUND, format!("there is no action `{word}`")));
    };
    let action = body.into_action(kind);
    let changed = queue::act(&*running(&shared)?.ports.deliveries, &action).await?;
    tracing::info!(action = kind.as_str(), deliveries = changed.deliveries, "an operator changed the queue");
    Ok(Json(changed).into_response())
}

async fn file(State(shared): State<Arc<Shared>>, Path(entry): Path<String>) -> Result<Response, Refused> {
    let running = running(&shared)?;
    let file = queue::file_of(&*running.ports.deliveries, &*running.ports.payloads, &entry).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/dicom".to_owned()),
        (header::CONTENT_LENGTH, file.length.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.dcm\"", file.name)),
    ];
    Ok((headers, Body::from_stream(file.bytes)).into_response())
}
