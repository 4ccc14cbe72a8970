//! The end points of Google: the JWT bearer grant of service accounts, and the metadata server of virtual
//! machines.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{
    assertion::{self, Expected, Fault},
    form::Form,
    issuer::Issuer,
    options::GOOGLE_TOKEN,
};

/// The grant of RFC 7523 §2.1.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Scopes of which an assertion names one at least.
const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/cloud-healthcare", "https://www.googleapis.com/auth/cloud-platform"];

/// Longest life of an assertion: one hour.
const LIFE_MAX: i64 = 3600;

/// Says that an answer comes from the metadata server, and a request knows that it goes there.
const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");

/// The JWT bearer grant.
pub(super) fn service_account(issuer: &Issuer, host: &str, form: &Form) -> Response {
    if form.get("grant_type") != Some(GRANT) {
        return refused("unsupported_grant_type", "Invalid grant_type");
    }
    let account = &issuer.options.service_account;
    let audiences = [
        format!("http://{host}{GOOGLE_TOKEN}"),
        format!("https://{host}{GOOGLE_TOKEN}"),
        "https://oauth2.googleapis.com/token".to_owned(),
    ];
    let expected =
        Expected { issuer: &account.email, subject: None, audiences: &audiences, life_max: Some(LIFE_MAX) };
    let checked = form.get("assertion").ok_or(Fault::Signature);
    let checked = checked.and_then(|text| assertion::check(text, &account.key.verifying_key(), &expected));
    match checked {
        Ok(token) => {
            let scopes = token.claims["scope"].as_str().unwrap_or_default();
            if !scopes.split(' ').any(|scope| SCOPES.contains(&scope)) {
                return refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.");
            }
            if token.header["kid"].as_str().is_some_and(|kid| kid != account.key_id) {
                return refused("invalid_grant", "Invalid JWT Signature.");
            }
            granted(issuer)
        }
        Err(fault) => refused(
            "invalid_grant",
            match fault {
                Fault::Signature => "Invalid JWT Signature.",
                Fault::Issuer | Fault::Subject => "Invalid grant: account not found",
                Fault::Audience => "Invalid JWT: the audience is not this end point",
                Fault::Time => {
                    "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe."
                }
            },
        ),
    }
}

/// The token of the service account of the machine.
pub(super) fn metadata_server(issuer: &Issuer, headers: &HeaderMap, account: &str) -> Response {
    let knows = headers.get(FLAVOR).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"google"));
    if !knows || headers.contains_key("x-forwarded-for") {
        return (StatusCode::FORBIDDEN, "Missing Metadata-Flavor:Google header.\n").into_response();
    }
    let mut response = if ["default", issuer.options.service_account.email.as_str()].contains(&account) {
        granted(issuer)
    } else {
        StatusCode::NOT_FOUND.into_response()
    };
    response.headers_mut().insert(FLAVOR, HeaderValue::from_static("Google"));
    response
}

fn granted(issuer: &Issuer) -> Response {
    let issued = issuer.issue();
    let body = json!({
        "access_token": issued.token,
        "expires_in": issued.life_time.as_secs(),
        "token_type": "Bearer",
    });
    (StatusCode::OK, Json(body)).into_response()
}

fn refused(error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
