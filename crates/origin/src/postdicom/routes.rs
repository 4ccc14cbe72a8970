//! The routes: thirteen functions, and DICOMweb on flat paths.

mod dicom_web;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{ConnectInfo, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse as _, Response},
    routing::any,
};
use serde_json::json;

use super::{CreationAnswer, answer::Answer, function::Function, functions::Call, parameters::Parameters};
use crate::{
    connections::Cut,
    media::{Refused, Why, refused},
    routes::target::base,
    server::State,
};

/// Says why a request was refused.
const ERROR_REASON: HeaderName = HeaderName::from_static("x-error-reason");

/// Everything below the base URL.
pub(crate) fn router(state: &Arc<State>) -> Router<Arc<State>> {
    let base_path = state.options.personality.rules().base_path;
    let functions = Function::ALL.into_iter().fold(Router::new(), |router, function| {
        let called = move |state, request| called(function, state, request);
        router.route(&format!("{base_path}{}", function.route().path), any(called))
    });
    functions.merge(dicom_web::router(base_path)).fallback(async || not_found())
}

fn not_found() -> Refused {
    refused(StatusCode::NOT_FOUND, "there is nothing at this path")
}

/// Gives every refusal its reason. HEAD is refused, which the router would take for a GET: a function
/// must not be done for it.
pub(crate) async fn explain(request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::HEAD {
        refused(StatusCode::METHOD_NOT_ALLOWED, "HEAD is not known here").into_response()
    } else {
        next.run(request).await
    };
    if response.status().is_success() {
        return response;
    }
    let reason = response.extensions().get::<Why>().map(|Why(reason)| reason.clone());
    let reason = reason.and_then(|reason| HeaderValue::from_str(&reason).ok());
    let status = response.status().canonical_reason().unwrap_or("refused");
    response.headers_mut().insert(ERROR_REASON, reason.unwrap_or(HeaderValue::from_static(status)));
    response
}

async fn called(
    function: Function,
    axum::extract::State(state): axum::extract::State<Arc<State>>,
    request: Request,
) -> Response {
    let options = &state.options.postdicom;
    let fault = if function.creates() { options.creation_answer } else { CreationAnswer::Sent };
    let cut = request.extensions().get::<ConnectInfo<Cut>>().map(|ConnectInfo(cut)| cut.clone());
    let answer = perform(function, &state, request, fault).await;
    if fault != CreationAnswer::Sent
        && let Some(cut) = cut
    {
        cut.cut();
    }
    match answer {
        Ok(answer) => answer.into_response(options.answer_shape),
        Err(refused) if options.failures_in_band => {
            Json(json!({ "Success": false, "Message": refused.why() })).into_response()
        }
        Err(refused) => refused.into_response(),
    }
}

async fn perform(
    function: Function,
    state: &Arc<State>,
    request: Request,
    fault: CreationAnswer,
) -> Result<Answer, Refused> {
    let (parts, _) = request.into_parts();
    let given = Parameters::read(&parts, function, state.options.limits.parameters_bytes_max)?;
    let Some(store) = &state.orders else { return Err(not_found()) };
    if fault == CreationAnswer::NeverMade {
        return Ok(Answer::Done);
    }
    let base = base(&parts, state.options.personality.rules().base_path);
    Call { state, store, base }.perform(function, given).await
}
