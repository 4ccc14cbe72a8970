//! Scheduled procedure steps of modalities (PS3.18 §14).

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State as Shared},
    http::HeaderMap,
    response::Response,
};

use super::{attributes::OF_ENTRY, query::Query, routes::store, rules::SEARCH, search::Search, store::Kind};
use crate::{
    media::{Refused, accepts_json, not_acceptable},
    server::State,
};

/// Lists scheduled steps (PS3.18 §14.4).
pub(super) async fn search(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if !accepts_json(&headers) {
        return Err(not_acceptable());
    }
    let limits = &state.options.limits;
    let query = Query::read(&query.unwrap_or_default(), &SEARCH, limits.parameters_max)?;
    let search = Search {
        store: store(&state)?,
        kind: Kind::ScheduledStep,
        rules: &SEARCH,
        returned: OF_ENTRY,
        matches_max: limits.matches_max,
    };
    search.answer(query)
}
