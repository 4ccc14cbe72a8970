//! The end points of Azure: Entra ID, the metadata service of virtual machines, and App Service.

use std::sync::Arc;

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{
    Options,
    assertion::{self, Expected, Fault},
    form::Form,
    issuer::Issuer,
    options::EXCHANGE_AUDIENCE,
};

/// What tokens are for.
const RESOURCE: &str = "https://dicom.healthcareapis.azure.com";

/// Type of an assertion (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The two forms of the end point of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndPoint {
    /// `/TENANT/oauth2/token` with `resource`.
    V1,
    /// `/TENANT/oauth2/v2.0/token` with `scope`.
    V2,
}

/// A refusal as Entra ID words it: HTTP status, error (RFC 6749 §5.2), number, description.
struct Refusal(StatusCode, &'static str, u32, &'static str);

/// Client credentials (RFC 6749 §4.4).
pub(super) fn client_credentials(
    issuer: &Arc<Issuer>,
    end_point: EndPoint,
    tenant: &str,
    host: &str,
    form: &Form,
) -> Response {
    match permitted(&issuer.options, end_point, tenant, host, form) {
        Ok(()) => granted(issuer, end_point),
        Err(Refusal(status, error, code, description)) => {
            let description = format!("AADSTS{code}: {description}");
            let body = json!({ "error": error, "error_description": description, "error_codes": [code] });
            (status, Json(body)).into_response()
        }
    }
}

fn permitted(
    options: &Options,
    end_point: EndPoint,
    tenant: &str,
    host: &str,
    form: &Form,
) -> Result<(), Refusal> {
    let bad = StatusCode::BAD_REQUEST;
    if tenant != options.tenant {
        return Err(Refusal(bad, "invalid_request", 90002, "there is no such tenant"));
    }
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(Refusal(bad, "unsupported_grant_type", 70003, "client_credentials is expected"));
        }
        None => return Err(Refusal(bad, "invalid_request", 900_144, "grant_type is missing")),
    }
    match form.get("client_id") {
        Some(client) if client == options.client_id => {}
        Some(_) => return Err(Refusal(bad, "unauthorized_client", 700_016, "there is no such client")),
        None => return Err(Refusal(bad, "invalid_request", 900_144, "client_id is missing")),
    }
    let asked = match end_point {
        EndPoint::V1 => form.get("resource").map(is_resource),
        EndPoint::V2 => form.get("scope").map(|scope| scope == format!("{RESOURCE}/.default")),
    };
    match asked {
        Some(true) => {}
        Some(false) => {
            return Err(Refusal(bad, "invalid_scope", 70011, "the scope or resource is not known"));
        }
        None => return Err(Refusal(bad, "invalid_request", 900_144, "scope or resource is missing")),
    }
    let invalid = |code, why| Refusal(StatusCode::UNAUTHORIZED, "invalid_client", code, why);
    match (form.get("client_secret"), form.get("client_assertion")) {
        (Some(secret), None) if secret == options.client_secret => Ok(()),
        (Some(_), None) => Err(invalid(7_000_215, "the secret is not the one of the client")),
        (None, Some(assertion)) if form.get("client_assertion_type") == Some(ASSERTION_TYPE) => {
            asserted(options, host, assertion)
        }
        (None, Some(_)) => Err(Refusal(bad, "invalid_request", 900_144, "client_assertion_type is missing")),
        (None, None) => Err(invalid(7_000_218, "client_secret or client_assertion is missing")),
        (Some(_), Some(_)) => Err(Refusal(bad, "invalid_request", 90_014, "one credential is expected")),
    }
}

/// An assertion of the client itself, or of who is trusted to speak for it.
fn asserted(options: &Options, host: &str, assertion: &str) -> Result<(), Refusal> {
    let tenant = &options.tenant;
    let hosts = [format!("http://{host}"), format!("https://{host}"), LOGIN.to_owned()];
    let audiences: Vec<_> = hosts
        .iter()
        .flat_map(|host| {
            ["oauth2/v2.0/token", "oauth2/token", "v2.0"].map(|end| format!("{host}/{tenant}/{end}"))
        })
        .collect();
    let own = options.client_key.as_ref().map(|key| {
        let client = options.client_id.as_str();
        let expected =
            Expected { issuer: client, subject: Some(client), audiences: &audiences, life_max: None };
        assertion::check(assertion, key, &expected)
    });
    let federated = options.federation.as_ref().map(|federation| {
        let audiences = [EXCHANGE_AUDIENCE.to_owned()];
        let (issuer, subject) = (federation.issuer.as_str(), Some(federation.subject.as_str()));
        let expected = Expected { issuer, subject, audiences: &audiences, life_max: None };
        assertion::check(assertion, &federation.key, &expected)
    });
    let faults = match (own, federated) {
        (Some(Ok(_)), _) | (_, Some(Ok(_))) => return Ok(()),
        (own, federated) => [own, federated].into_iter().flatten().filter_map(Result::err),
    };
    // The fault that was found latest says most about what is wrong.
    let fault = faults.max_by_key(|fault| *fault as u8).unwrap_or(Fault::Signature);
    let (code, why) = match fault {
        Fault::Signature => (700_027, "the signature of the assertion does not hold"),
        Fault::Issuer => (700_021, "the issuer of the assertion is not the client, nor trusted"),
        Fault::Subject => (700_213, "the subject of the assertion is not the client, nor trusted"),
        Fault::Audience => (700_212, "the audience of the assertion is not this end point"),
        Fault::Time => (700_024, "the assertion is not valid at this time"),
    };
    Err(Refusal(StatusCode::UNAUTHORIZED, "invalid_client", code, why))
}

/// The end point that assertions may name in place of this one.
const LOGIN: &str = "https://login.microsoftonline.com";

fn granted(issuer: &Issuer, end_point: EndPoint) -> Response {
    let issued = issuer.issue();
    let seconds = issued.life_time.as_secs();
    let body = match end_point {
        EndPoint::V2 => json!({
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": issued.token,
        }),
        EndPoint::V1 => texts(&issued.token, seconds, RESOURCE),
    };
    (StatusCode::OK, Json(body)).into_response()
}

/// The older form of an answer, in which numbers are texts.
fn texts(token: &str, seconds: u64, resource: &str) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let expires = now.saturating_add_unsigned(seconds);
    json!({
        "token_type": "Bearer",
        "expires_in": seconds.to_string(),
        "ext_expires_in": seconds.to_string(),
        "expires_on": expires.to_string(),
        "not_before": now.to_string(),
        "resource": resource,
        "access_token": token,
    })
}

/// The metadata service of virtual machines.
pub(super) fn virtual_machine(issuer: &Issuer, headers: &HeaderMap, query: &Form) -> Response {
    if headers.contains_key("x-forwarded-for") {
        return not_granted("requests are not forwarded to the metadata service");
    }
    if headers.get("metadata").is_none_or(|value| !value.as_bytes().eq_ignore_ascii_case(b"true")) {
        return not_granted("Required metadata header not specified");
    }
    identity(issuer, query, &["2018-02-01", "2019-08-01", "2021-02-01"], true)
}

/// The end point of App Service.
pub(super) fn app_service(issuer: &Issuer, headers: &HeaderMap, query: &Form) -> Response {
    let given = headers.get("x-identity-header").and_then(|value| value.to_str().ok());
    if given != Some(issuer.options.identity_header.as_str()) {
        let body = json!({ "statusCode": 401, "message": "the identity header is not the right one" });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    identity(issuer, query, &["2019-08-01"], false)
}

/// A token for the identity of the machine; `expires_in` is not given by every end point.
fn identity(issuer: &Issuer, query: &Form, versions: &[&str], has_expires_in: bool) -> Response {
    if !query.get("api-version").is_some_and(|version| versions.contains(&version)) {
        return not_granted("the api-version is missing or not known");
    }
    let Some(resource) = query.get("resource").filter(|resource| is_resource(resource)) else {
        return not_granted("the resource is missing or not known");
    };
    if query.get("client_id").is_some_and(|client| client != issuer.options.client_id) {
        return not_granted("Identity not found");
    }
    let issued = issuer.issue();
    let mut body = texts(&issued.token, issued.life_time.as_secs(), resource);
    body["client_id"] = json!(issuer.options.client_id);
    if let Some(members) = body.as_object_mut().filter(|_| !has_expires_in) {
        members.retain(|name, _| !["expires_in", "ext_expires_in", "not_before"].contains(&name.as_str()));
    }
    (StatusCode::OK, Json(body)).into_response()
}

/// A resource is the same with a slash at its end.
fn is_resource(text: &str) -> bool {
    text.trim_end_matches('/') == RESOURCE
}

fn not_granted(why: &str) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": why });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
