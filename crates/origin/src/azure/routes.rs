//! From a path with version and partition to the resources of a partition.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State as Shared},
    http::{Method, StatusCode, Uri, uri::PathAndQuery},
    response::{IntoResponse as _, Response},
    routing::{get, put},
};
use serde_json::json;
use tower_service::Service as _;

use super::{
    Service, Version, change_feed,
    partition::{DEFAULT, Partition, is_name},
    version,
};
use crate::{
    Error,
    connections::drain,
    media::{Refused, not_found, refused},
    routes::{
        archive, store,
        target::{Mounted, Resource},
    },
    server::State,
};

/// Everything there is: what a path names is found by hand, since partitions come into being.
pub(crate) fn router(_: &Arc<State>) -> Router<Arc<State>> {
    Router::new().fallback(answer)
}

/// The resources of one partition.
pub(super) fn resources(state: &State) -> Router<Arc<State>> {
    const INSTANCE: &str = "/studies/{study}/series/{series}/instances/{instance}";
    let resources = archive(state)
        .route(&format!("{INSTANCE}/rendered"), get(rendered))
        .route(&format!("{INSTANCE}/frames/{{frames}}/rendered"), get(rendered));
    if !state.options.azure.upsert {
        return resources;
    }
    resources.route("/studies", put(store::store)).route("/studies/{study}", put(store::store))
}

/// 406: the origin decodes no pixels.
async fn rendered(Shared(state): Shared<Arc<State>>, resource: Resource) -> Result<Response, Refused> {
    let there = state.storage.entries(resource.target()?, 0).await?;
    if there.is_empty() {
        return Err(not_found());
    }
    Err(refused(StatusCode::NOT_ACCEPTABLE, "this origin renders no images"))
}

async fn answer(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let Some(service) = &state.azure else { return not_found().into_response() };
    let Some((version, rest)) = versioned(request.uri().path()) else {
        return refused(StatusCode::NOT_FOUND, "the path begins with no version").into_response();
    };
    let mut response = versioned_answer(service, version, &rest, request).await;
    version::announce(response.headers_mut());
    response
}

/// The version of a path, and what stands behind it.
fn versioned(path: &str) -> Option<(Version, String)> {
    let (segment, rest) = path.strip_prefix('/')?.split_once('/')?;
    Some((Version::read(segment)?, format!("/{rest}")))
}

async fn versioned_answer(
    service: &Arc<Service>,
    version: Version,
    path: &str,
    request: Request,
) -> Response {
    let is_get = request.method() == Method::GET;
    let query = request.uri().query().unwrap_or_default();
    let answer = match path {
        "/changefeed" if is_get => change_feed::list(service, version, query).await,
        "/changefeed/latest" if is_get => change_feed::latest(service, query).await,
        "/partitions" if is_get => partitions(service),
        _ => return in_partition(service, version, path, request).await,
    };
    answer.unwrap_or_else(Refused::into_response)
}

/// The partitions.
fn partitions(service: &Service) -> Result<Response, Refused> {
    if !service.options().azure.partitions {
        return Err(refused(StatusCode::BAD_REQUEST, "data partitions are switched off"));
    }
    let named = |(name, key): (String, usize)| json!({ "partitionKey": key, "partitionName": name });
    let partitions: Vec<_> = service.names().into_iter().zip(1..).map(named).collect();
    Ok(Json(partitions).into_response())
}

async fn in_partition(
    service: &Arc<Service>,
    version: Version,
    path: &str,
    mut request: Request,
) -> Response {
    let (partition, rest) = match partition_of(service, path, request.method()).await {
        Ok(found) => found,
        Err(refusal) => {
            drain(&mut request.into_body().into_data_stream()).await;
            return refusal.into_response();
        }
    };
    let whole = request.uri().path();
    let mounted = Mounted(whole.strip_suffix(rest.as_str()).unwrap_or_default().to_owned());
    let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
    let Some(uri) = with_path(request.uri(), &format!("{rest}{query}")) else {
        return refused(StatusCode::BAD_REQUEST, "the path cannot be read").into_response();
    };
    *request.uri_mut() = uri;
    request.extensions_mut().insert(version);
    request.extensions_mut().insert(mounted);
    let Partition { mut resources, .. } = partition;
    match resources.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

/// The partition that a path names, and what stands behind it. A store request makes one.
async fn partition_of(
    service: &Arc<Service>,
    path: &str,
    method: &Method,
) -> Result<(Partition, String), Refused> {
    let bad = |why: &str| refused(StatusCode::BAD_REQUEST, why);
    let named = path.strip_prefix("/partitions/").and_then(|path| path.split_once('/'));
    let (name, rest) = match (named, service.options().azure.partitions) {
        (None, false) => (DEFAULT, path.to_owned()),
        (Some((name, rest)), true) if is_name(name) => (name, format!("/{rest}")),
        (Some(_), true) => return Err(bad("the name of the partition is no such name")),
        (None, true) => return Err(bad("the path has to name a partition")),
        (Some(_), false) => return Err(bad("data partitions are switched off")),
    };
    let stores = [Method::POST, Method::PUT].contains(method);
    let partition = match service.get(name) {
        None if stores => {
            let (service, name) = (Arc::clone(service), name.to_owned());
            let made = tokio::task::spawn_blocking(move || service.open_or_make(&name)).await;
            made.map_err(|_| Error::Task)??
        }
        known => known.ok_or_else(not_found)?,
    };
    Ok((partition, rest))
}
