//! Deletion of studies, series and instances: the standard has none for these, but most
//! archives offer it under the same paths.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

use super::target::Resource;
use crate::{
    media::{Refused, not_found},
    server::State,
};

/// 204 when something was deleted, 404 when there was nothing.
pub(super) async fn delete(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
) -> Result<Response, Refused> {
    let target = resource.target()?;
    match state.storage.remove(target).await? {
        0 => Err(not_found()),
        _ => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}
