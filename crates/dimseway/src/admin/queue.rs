//! `/api/v1/queue`.

use super::{Running, Shared};
use crate::queue::{
    self, Question,
    model::{ActionBody, ActionKind, EntryDetails, Query, QueryString, QueuePage, Refusal},
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query as UrlQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::{StreamExt, stream};
use spool::Destination;
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/queue", get(list))
        .route("/queue/{word}", get(show).post(act))
        .route("/queue/{word}/file", get(file))
}

/// An answer that is no success.
pub(super) struct Refused(pub(super) StatusCode, pub(super) String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(Refusal { error: self.1 })).into_response()
    }
}

impl From<queue::Error> for Refused {
    fn from(error: queue::Error) -> Self {
        let status = match &error {
            queue::Error::Invalid(_) => StatusCode::BAD_REQUEST,
            queue::Error::NotFound(_) | queue::Error::NoCall(_) => StatusCode::NOT_FOUND,
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

/// The running bridge.
///
/// # Errors
/// It does not run yet.
pub(super) fn running(shared: &Shared) -> Result<Arc<Running>, Refused> {
    let recovering = || Refused(StatusCode::SERVICE_UNAVAILABLE, "the spool is recovering".to_owned());
    shared.running().ok_or_else(recovering)
}

async fn list(
    State(shared): State<Arc<Shared>>,
    UrlQuery(query): UrlQuery<QueryString>,
) -> Result<Response, Refused> {
    let Question { filter, cursor, limit } = queue::question(&Query::from(query))?;
    let running = running(&shared)?;
    let mut page = running.ports.deliveries.list(&filter, cursor, limit).await.map_err(queue::Error::from)?;
    for line in page.lines.iter_mut().filter(|line| line.state.is_pending()) {
        if let Some(destination) = &line.destination {
            say_what_it_waits_for(&running, destination, &mut line.reason);
        }
    }
    Ok(Json(QueuePage::from(page)).into_response())
}

async fn show(State(shared): State<Arc<Shared>>, Path(entry): Path<String>) -> Result<Response, Refused> {
    let id = queue::entry_id(&entry)?;
    let running = running(&shared)?;
    let mut details = running.ports.deliveries.show(id).await.map_err(queue::Error::from)?;
    for delivery in details.deliveries.iter_mut().filter(|delivery| delivery.state.is_pending()) {
        say_what_it_waits_for(&running, &delivery.destination, &mut delivery.reason);
    }
    Ok(Json(EntryDetails::from(details)).into_response())
}

/// A delivery that was not attempted yet has no reason of its own while its destination is down.
fn say_what_it_waits_for(running: &Running, destination: &Destination, reason: &mut Option<String>) {
    if reason.is_none() {
        *reason = running.bridge.waits_for(destination).map(str::to_owned);
    }
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
    let running = running(&shared)?;
    let known = running.bridge.destinations();
    let changed = queue::act(&*running.ports.deliveries, &known, &action).await?;
    tracing::info!(action = kind.as_str(), deliveries = changed.deliveries, "an operator changed the queue");
    Ok(Json(changed).into_response())
}

async fn file(State(shared): State<Arc<Shared>>, Path(entry): Path<String>) -> Result<Response, Refused> {
    let id = queue::entry_id(&entry)?;
    let ports = running(&shared)?.ports.clone();
    let head = queue::file_head(ports.deliveries.show(id).await.map_err(queue::Error::from)?)?;
    let length = head.bytes.len() as u64 + head.data_set_length;
    let headers = [
        (header::CONTENT_TYPE, "application/dicom".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.dcm\"", head.name)),
    ];
    // A damaged entry ends with an error: the client sees fewer bytes than announced.
    let bytes = head.bytes;
    let data_set = ports.payloads.read(id, 0..head.data_set_length);
    let file = stream::once(async { Ok(bytes) }).chain(data_set);
    Ok((headers, Body::from_stream(file)).into_response())
}
