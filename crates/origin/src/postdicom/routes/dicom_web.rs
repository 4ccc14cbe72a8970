//! DICOMweb as the vendor's clients use it: a store request to the base URL itself, and paths in which a
//! series or an instance stands without what holds it.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, RawQuery, State as Shared},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use instance::Uid;
use percent_encoding::percent_decode_str;

use crate::{
    index::{
        Target,
        attributes::{Attribute, Level},
        search::Match,
    },
    media::{Refused, accepts_json, not_acceptable, not_found, refused, typed},
    personality::search::SearchResource,
    postdicom::{StoreAnswer, parameters::unknown},
    routes::{
        InWork,
        retrieve::{self, Wanted},
        search::{self, query::Query},
        store,
        target::Resource,
    },
    server::State,
};

pub(super) fn router(base_path: &str) -> Router<Arc<State>> {
    let at = |path: &str| format!("{base_path}{path}");
    Router::new()
        .route(&at("/"), post(stored))
        .route(&at("/studies"), get(studies))
        .route(&at("/studies/series"), get(series))
        .route(&at("/studies/series/instances"), get(instances))
        .route(&at("/studies/{uid}"), get(study_files))
        .route(&at("/studies/series/{uid}"), get(series_files))
        .route(&at("/studies/series/instances/{uid}"), get(instance_file))
}

/// Stores one file and attaches its study to an order.
async fn stored(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let answer =
        store::store_body(&state, resource, store::Request { replaces: false, headers: &headers }, body)
            .await?;
    let studies: Vec<Uid> = answer.studies().cloned().collect();
    if let Some(orders) = &state.orders {
        let institution = state.options.postdicom.account.first_institution().to_owned();
        let attached = move |orders: &super::super::Store| {
            studies.iter().try_for_each(|study| orders.attach(study.as_str(), &institution))
        };
        orders.blocking(attached).await?;
    }
    Ok(match state.options.postdicom.store_answer {
        StoreAnswer::DataSet => answer.into_response(&headers),
        StoreAnswer::Text => {
            typed(StatusCode::OK, "text/plain; charset=utf-8", "The upload is complete.\n".into())
        }
        StoreAnswer::Empty => StatusCode::OK.into_response(),
    })
}

/// The keys of each search, exactly as the vendor's clients write them.
const STUDY_KEYS: &[&str] = &["00100020", "0020000D"];
const SERIES_KEYS: &[&str] = &["0020000D"];
const INSTANCE_KEYS: &[&str] = &["0020000E"];

/// What a search gets from its request.
struct Asked {
    state: Arc<State>,
    resource: Resource,
    query: Option<String>,
    in_work: InWork,
    headers: HeaderMap,
}

async fn studies(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    RawQuery(query): RawQuery,
    Extension(in_work): Extension<InWork>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    list(Asked { state, resource, query, in_work, headers }, Level::Study, STUDY_KEYS).await
}

async fn series(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    RawQuery(query): RawQuery,
    Extension(in_work): Extension<InWork>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    list(Asked { state, resource, query, in_work, headers }, Level::Series, SERIES_KEYS).await
}

async fn instances(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    RawQuery(query): RawQuery,
    Extension(in_work): Extension<InWork>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    list(Asked { state, resource, query, in_work, headers }, Level::Instance, INSTANCE_KEYS).await
}

/// Lists what has exactly one value of exactly one key.
async fn list(asked: Asked, level: Level, keys: &[&str]) -> Result<Response, Refused> {
    if !accepts_json(&asked.headers) {
        return Err(not_acceptable());
    }
    let (attribute, value) = key(asked.query.as_deref().unwrap_or_default(), keys)?;
    let query = Query::of(attribute, Match::OneOf(vec![value]));
    let listed = SearchResource::new(level, false, false);
    search::list(asked.state, asked.resource, listed, query, asked.in_work).await
}

/// The only parameter of a search.
fn key(query: &str, keys: &[&str]) -> Result<(&'static Attribute, String), Refused> {
    let bad = |why: &str| refused(StatusCode::BAD_REQUEST, why);
    let expected = || bad(&format!("exactly one of these keys is expected: {}", keys.join(", ")));
    let (name, value) = query.split_once('=').ok_or_else(expected)?;
    let attribute = Attribute::named(name).filter(|_| keys.contains(&name) && !value.contains('&'));
    let attribute = attribute.ok_or_else(expected)?;
    let value = percent_decode_str(value).decode_utf8().map_err(|_| bad("a value is not UTF-8"))?;
    if value.is_empty() {
        return Err(bad("the value is empty"));
    }
    Ok((attribute, value.into_owned()))
}

async fn study_files(
    Shared(state): Shared<Arc<State>>,
    Path(study): Path<String>,
    Extension(in_work): Extension<InWork>,
) -> Result<Response, Refused> {
    let target = Target { study: uid(&study)?, series: None, instance: None };
    retrieve::give(state, target, Wanted::whole_files(), in_work).await
}

async fn series_files(
    Shared(state): Shared<Arc<State>>,
    Path(series): Path<String>,
    Extension(in_work): Extension<InWork>,
) -> Result<Response, Refused> {
    let series = uid(&series)?;
    let study = state.storage.study_of_series(series.clone()).await?.ok_or_else(not_found)?;
    let target = Target { study, series: Some(series), instance: None };
    retrieve::give(state, target, Wanted::whole_files(), in_work).await
}

async fn instance_file(
    Shared(state): Shared<Arc<State>>,
    Path(instance): Path<String>,
    Extension(in_work): Extension<InWork>,
) -> Result<Response, Refused> {
    let identity = state.storage.identity(uid(&instance)?).await?.ok_or_else(not_found)?;
    let target = Target {
        study: identity.study_instance_uid,
        series: Some(identity.series_instance_uid),
        instance: Some(identity.sop_instance_uid),
    };
    retrieve::give(state, target, Wanted::whole_files(), in_work).await
}

fn uid(text: &str) -> Result<Uid, Refused> {
    text.parse().map_err(|_| unknown("UID"))
}
