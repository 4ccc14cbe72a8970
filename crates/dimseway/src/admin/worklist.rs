//! `/api/v1/worklist`.

use super::{
    Shared,
    queue::{Refused, running},
};
use crate::worklist::{Page, Question};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::get,
};
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/worklist", get(show))
}

async fn show(
    State(shared): State<Arc<Shared>>,
    Query(question): Query<Question>,
) -> Result<Json<Page>, Refused> {
    let (ae, date) = question.read().map_err(|error| Refused(StatusCode::BAD_REQUEST, error))?;
    let running = running(&shared)?;
    Ok(Json(running.bridge.worklist().show(ae.as_ref(), date).into()))
}
