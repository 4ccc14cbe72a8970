//! Where the end points are.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, RawQuery, Request, State as Shared},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};

use super::{
    azure::{self, EndPoint},
    form::Form,
    google,
    issuer::Issuer,
    options::{APP_SERVICE, GOOGLE_TOKEN},
};
use crate::{
    Personality, TokenFault,
    media::{Refused, not_found, refused, typed},
    server::State,
};

/// Most bytes of a request: 64 KiB, many times the longest assertion.
const BODY_BYTES_MAX: usize = 64 << 10;

/// The end points of a personality.
pub(crate) fn router(state: &Arc<State>) -> Router<Arc<State>> {
    let router = match state.options.personality {
        Personality::Azure => Router::new()
            .route("/{tenant}/oauth2/v2.0/token", post(entra_v2))
            .route("/{tenant}/oauth2/token", post(entra_v1))
            .route("/metadata/identity/oauth2/token", get(virtual_machine))
            .route(APP_SERVICE, get(app_service)),
        Personality::Google => Router::new()
            .route(GOOGLE_TOKEN, post(service_account))
            .route("/computeMetadata/v1/instance/service-accounts/{account}/token", get(metadata_server)),
        _ => return Router::new(),
    };
    router.layer(middleware::from_fn_with_state(Arc::clone(state), fail))
}

/// Does wrong what the faults say.
async fn fail(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    match state.faults.get().token {
        None => {}
        Some(TokenFault::Slow(delay)) => tokio::time::sleep(delay).await,
        Some(TokenFault::Unavailable) => {
            return refused(StatusCode::SERVICE_UNAVAILABLE, "the token service is down").into_response();
        }
        Some(TokenFault::Page) => {
            return typed(StatusCode::OK, "text/html", "<html><body>Sign in</body></html>".into());
        }
    }
    next.run(request).await
}

fn issuer(state: &State) -> Result<&Arc<Issuer>, Refused> {
    state.tokens.as_ref().ok_or_else(not_found)
}

/// The parameters of a request, and the host that it names.
async fn form(parts: &Parts, body: Body) -> Result<(Form, String), Refused> {
    let is_form = parts.headers.get(header::CONTENT_TYPE).and_then(|field| field.to_str().ok());
    if !is_form.is_some_and(|field| field.starts_with("application/x-www-form-urlencoded")) {
        return Err(refused(StatusCode::BAD_REQUEST, "the body must be application/x-www-form-urlencoded"));
    }
    let bytes = to_bytes(body, BODY_BYTES_MAX).await;
    let bytes = bytes.map_err(|_| refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long or cut"))?;
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(parts.uri.authority().map(|authority| authority.as_str()));
    Ok((Form::read(&String::from_utf8_lossy(&bytes)), host.unwrap_or_default().to_owned()))
}

async fn entra_v2(
    Shared(state): Shared<Arc<State>>,
    Path(tenant): Path<String>,
    parts: Parts,
    body: Body,
) -> Result<Response, Refused> {
    let (form, host) = form(&parts, body).await?;
    Ok(azure::client_credentials(issuer(&state)?, EndPoint::V2, &tenant, &host, &form))
}

async fn entra_v1(
    Shared(state): Shared<Arc<State>>,
    Path(tenant): Path<String>,
    parts: Parts,
    body: Body,
) -> Result<Response, Refused> {
    let (form, host) = form(&parts, body).await?;
    Ok(azure::client_credentials(issuer(&state)?, EndPoint::V1, &tenant, &host, &form))
}

async fn virtual_machine(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    Ok(azure::virtual_machine(issuer(&state)?, &headers, &Form::read(&query.unwrap_or_default())))
}

async fn app_service(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    Ok(azure::app_service(issuer(&state)?, &headers, &Form::read(&query.unwrap_or_default())))
}

async fn service_account(
    Shared(state): Shared<Arc<State>>,
    parts: Parts,
    body: Body,
) -> Result<Response, Refused> {
    let (form, host) = form(&parts, body).await?;
    Ok(google::service_account(issuer(&state)?, &host, &form))
}

async fn metadata_server(
    Shared(state): Shared<Arc<State>>,
    Path(account): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    Ok(google::metadata_server(issuer(&state)?, &headers, &account))
}
