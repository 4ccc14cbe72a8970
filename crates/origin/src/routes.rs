//! Routes.
use crate::server::State;
use axum::Router;
use std::sync::Arc;
pub(crate) mod failure {
    pub(crate) const DUPLICATE_SOP_INSTANCE: u16 = 0x0111;
}
pub(crate) fn router(_state: &Arc<State>) -> Router {
    Router::new()
}
