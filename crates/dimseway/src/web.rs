//! MWL-RS and MPPS-RS over HTTP, on a listener of their own.

#[cfg(test)]
mod tests;

use crate::admin::{Limited, carries};
use arc_swap::ArcSwap;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use bridge::{
    Bridge,
    service::web::{Refusal, Search},
};
use dataset::json::{Item, ReadLimits, read_all, write_array, write_item};
use instance::{AeTitle, Uid};
use secrecy::SecretString;
use std::{future::Future, io, sync::Arc};
use tokio::net::TcpListener;

const DICOM_JSON: &str = "application/dicom+json";

/// Bytes of the largest body of a request. 8 MiB: DICOM JSON takes up to four times what the longest data set
/// of an N-CREATE does.
const BODY_MAX: usize = 8 << 20;

/// What every request sees.
pub(crate) struct Shared {
    bridge: Bridge,
    /// What every request must carry.
    token: ArcSwap<SecretString>,
    /// Whose worklist is shown.
    ae_title: ArcSwap<AeTitle>,
}

impl Shared {
    /// For a bridge that runs.
    pub(crate) fn new(bridge: Bridge, web: &crate::configuration::Web) -> Arc<Self> {
        let token = ArcSwap::from_pointee(web.token.clone());
        Arc::new(Self { bridge, token, ae_title: ArcSwap::from_pointee(web.ae_title.clone()) })
    }

    /// Takes over what another configuration says.
    pub(crate) fn configure(&self, web: &crate::configuration::Web) {
        self.token.store(Arc::new(web.token.clone()));
        self.ae_title.store(Arc::new(web.ae_title.clone()));
    }
}

/// Serves on `listener` until `shutdown` resolves.
///
/// # Errors
/// The listener fails for good.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(Limited::new(listener), router(shared)).with_graceful_shutdown(shutdown).await
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/modality-scheduled-procedure-steps", get(scheduled))
        .route("/modality-performed-procedure-steps/{uid}", get(performed).post(create_or_update))
        .route("/modality-performed-procedure-steps/{uid}/update", axum::routing::post(update))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        // Outermost, so that who has no token learns nothing of what there is.
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), authorized))
        .with_state(shared)
}

/// Lets a request pass that carries the token (RFC 6750).
async fn authorized(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if carries(&request, &shared.token.load()) {
        return next.run(request).await;
    }
    let why = "the bearer token of `web.token_file` is needed\n";
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], why).into_response()
}

/// An answer that is no success.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, format!("{}\n", self.1)).into_response()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::NotOffered | Refusal::Unknown => StatusCode::NOT_FOUND,
            Refusal::Invalid(_) => StatusCode::BAD_REQUEST,
            Refusal::Exists => StatusCode::CONFLICT,
            Refusal::Final => StatusCode::GONE,
            Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, refusal.to_string())
    }
}

fn invalid(why: impl Into<String>) -> Refused {
    Refused(StatusCode::BAD_REQUEST, why.into())
}

/// `GET /modality-scheduled-procedure-steps` (PS3.18 §14).
async fn scheduled(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Refused> {
    let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let search = Search::read(pairs).map_err(|error| invalid(error.to_string()))?;
    acceptable(&headers)?;
    let found = shared.bridge.scheduled_procedure_steps(&shared.ae_title.load(), &search).await?;
    if found.items.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let mut body = Vec::new();
    write_array(&found.items, &mut body).map_err(|error| invalid(error.to_string()))?;
    let mut response = ([(header::CONTENT_TYPE, DICOM_JSON)], body).into_response();
    if found.further > 0 {
        // PS3.18 §8.3.4.4 has the words.
        let warning =
            format!("299 dimseway: There are {} additional results that can be requested", found.further);
        if let Ok(value) = warning.parse() {
            response.headers_mut().insert(header::WARNING, value);
        }
    }
    Ok(response)
}

/// `GET /modality-performed-procedure-steps/{uid}` (PS3.18 §15.6).
async fn performed(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(uid): Path<String>,
) -> Result<Response, Refused> {
    acceptable(&headers)?;
    let step = shared.bridge.performed_procedure_step(&sop_instance_uid(&uid)?).await?;
    let mut body = Vec::new();
    write_item(&step, &mut body).map_err(|error| invalid(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, DICOM_JSON)], body).into_response())
}

/// `POST /modality-performed-procedure-steps/{uid}`, and with `?update` (PS3.18 §15.4, §15.5).
async fn create_or_update(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(uid): Path<String>,
    Query(parameters): Query<Vec<(String, String)>>,
    body: Bytes,
) -> Result<StatusCode, Refused> {
    let uid = sop_instance_uid(&uid)?;
    let item = data_set(&headers, &body)?;
    match parameters.as_slice() {
        [] => {
            shared.bridge.create_performed_procedure_step(uid, &item).await?;
            Ok(StatusCode::CREATED)
        }
        [(name, _)] if name == "update" => {
            shared.bridge.update_performed_procedure_step(&uid, &item).await?;
            Ok(StatusCode::OK)
        }
        _ => Err(invalid("`update` is the only parameter")),
    }
}

/// `POST /modality-performed-procedure-steps/{uid}/update`, as some clients write it.
async fn update(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(uid): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refused> {
    let item = data_set(&headers, &body)?;
    shared.bridge.update_performed_procedure_step(&sop_instance_uid(&uid)?, &item).await?;
    Ok(StatusCode::OK)
}

fn sop_instance_uid(text: &str) -> Result<Uid, Refused> {
    text.parse().map_err(|error| invalid(format!("the UID of the resource: {error}")))
}

/// One data set in DICOM JSON, as an object or an array of one.
fn data_set(headers: &HeaderMap, body: &[u8]) -> Result<Item, Refused> {
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(DICOM_JSON) && !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("send {DICOM_JSON}")));
    }
    let items = read_all(body, ReadLimits { item_length_max: BODY_MAX });
    let items = items.map_err(|_| invalid("the body is no DICOM JSON"))?;
    let [item] = <[Item; 1]>::try_from(items).map_err(|_| invalid("one data set is needed"))?;
    Ok(item)
}

/// Whether the client takes DICOM JSON, which is all that there is.
fn acceptable(headers: &HeaderMap) -> Result<(), Refused> {
    let Some(accept) = headers.get(header::ACCEPT) else { return Ok(()) };
    let takes = |range: &str| {
        let range = range.split(';').next().unwrap_or_default().trim();
        let known = ["*/*", "application/*", DICOM_JSON, "application/json"];
        known.iter().any(|known| known.eq_ignore_ascii_case(range))
    };
    match accept.to_str().is_ok_and(|accept| accept.split(',').any(takes)) {
        true => Ok(()),
        false => Err(Refused(StatusCode::NOT_ACCEPTABLE, format!("only {DICOM_JSON} is served"))),
    }
}
