//! Where the worklists are.

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post, put},
};
use instance::Uid;

use super::{Rules, Store, body::bad, performed, scheduled, workitems};
use crate::{
    media::{Refused, not_found, refused},
    server::State,
};

/// The resources of a personality below the base path.
pub(crate) fn router(rules: &Rules) -> Router<Arc<State>> {
    let workitems = Router::new()
        .route("/workitems", get(workitems::search).post(workitems::create))
        .route("/workitems/{uid}", get(workitems::retrieve).post(workitems::update))
        .route("/workitems/{uid}/state", put(workitems::change_state))
        .route("/workitems/{uid}/cancelrequest", post(workitems::request_cancellation));
    let worklists = match rules.scheduled_steps {
        Some(path) => workitems.route(path, get(scheduled::search)),
        None => workitems,
    };
    if !rules.performed_steps {
        return worklists;
    }
    const PERFORMED: &str = "/modality-performed-procedure-steps/{uid}";
    worklists
        .route(PERFORMED, get(performed::retrieve).post(performed::post))
        .route(&format!("{PERFORMED}/update"), post(performed::update))
}

/// The steps that the origin keeps.
pub(super) fn store(state: &State) -> Result<&Arc<Store>, Refused> {
    state.worklist.as_ref().ok_or_else(not_found)
}

/// The rules of the personality.
pub(super) fn rules(state: &State) -> Result<&'static Rules, Refused> {
    state.options.personality.rules().worklist.ok_or_else(not_found)
}

/// The UID that names a step.
pub(super) fn uid(text: &str) -> Result<Uid, Refused> {
    text.parse().map_err(|error: instance::uid::InvalidUid| bad(error.to_string()))
}

/// 410, for what was there.
pub(super) fn gone() -> Refused {
    refused(StatusCode::GONE, "it was removed")
}
