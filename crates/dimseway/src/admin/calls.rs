//! `/api/v1/calls`.

use super::{
    Shared,
    queue::{Refused, running},
};
use crate::{
    calls::{self, ActionKind, Call, Changed, Page, Question, Selection},
    queue::Error,
};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::get,
};
use spool::CallId;
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/calls", get(list)).route("/calls/{word}", get(show).post(act))
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Query(question): Query<Question>,
) -> Result<Json<Page>, Refused> {
    let (failed, after, limit) = question.read();
    let listed =
        running(&shared)?.ports.outbox.list_calls(failed, after, limit).await.map_err(Error::from)?;
    Ok(Json(Page::new(listed, limit)))
}

async fn show(State(shared): State<Arc<Shared>>, Path(word): Path<String>) -> Result<Json<Call>, Refused> {
    let call = calls::number(&word)?;
    let found = running(&shared)?.ports.outbox.call(CallId(call)).await.map_err(Error::from)?;
    Ok(Json(found.ok_or(Error::NoCall(call))?.into()))
}

async fn act(
    State(shared): State<Arc<Shared>>,
    Path(word): Path<String>,
    Json(selection): Json<Selection>,
) -> Result<Json<Changed>, Refused> {
    let kind = ActionKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    let Some(kind) = kind else {
        return Err(Refused(StatusCode::NOT_FOUND, format!("there is no action `{word}`")));
    };
    let changed = calls::act(&*running(&shared)?.ports.outbox, kind, &selection).await?;
    tracing::info!(action = kind.as_str(), calls = changed.calls, "an operator changed the calls");
    Ok(Json(changed))
}
