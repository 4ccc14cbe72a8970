//! Deletion of studies, series and instances: not in PS3.18 for these resources, but what most
//! archives offer under the same paths.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

use super::target::Resource;
use crate::{media::refusal, server::State};

/// 204 when something was deleted, 404 when there was nothing.
pub(super) async fn delete(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
) -> Result<Response, Response> {
    let target = resource.target()?;
    match state.storage.remove(target).await {
        Ok(0) => Err(refusal(StatusCode::NOT_FOUND, "no such resource")),
        Ok(_) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error) => Err(error.into_response()),
    }
}
