//! Stands in for the AWS Security Token Service and for the agent of a container: gives access keys.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::routes::Gate;

/// Most bytes of a request: 64 KiB, many times the longest token.
const BODY_BYTES_MAX: usize = 64 << 10;

/// AssumeRoleWithWebIdentity (AWS STS API Reference), the one action there is.
pub(super) async fn assume_role(Shared(gate): Shared<Arc<Gate>>, body: Body) -> Response {
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "ValidationError");
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    let parameter = |wanted: &str| {
        let value = body.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == wanted);
        value.map(|(_, value)| percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
    };
    if parameter("Action").as_deref() != Some("AssumeRoleWithWebIdentity")
        || parameter("Version").as_deref() != Some("2011-06-15")
    {
        return refused(StatusCode::BAD_REQUEST, "InvalidAction");
    }
    if !parameter("RoleSessionName").is_some_and(|name| is_session_name(&name)) {
        return refused(StatusCode::BAD_REQUEST, "ValidationError");
    }
    if parameter("RoleArn").as_ref() != Some(&gate.options.role_arn) {
        return refused(StatusCode::FORBIDDEN, "AccessDenied");
    }
    if parameter("WebIdentityToken").as_ref() != Some(&gate.options.web_identity_token) {
        return refused(StatusCode::BAD_REQUEST, "InvalidIdentityToken");
    }
    let session = gate.keys.open_session(Timestamp::now());
    let body = format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  \
           <AssumeRoleWithWebIdentityResult>\n    <Credentials>\n      \
           <AccessKeyId>{}</AccessKeyId>\n      <SecretAccessKey>{}</SecretAccessKey>\n      \
           <SessionToken>{}</SessionToken>\n      <Expiration>{}</Expiration>\n    \
           </Credentials>\n  </AssumeRoleWithWebIdentityResult>\n</AssumeRoleWithWebIdentityResponse>\n",
        session.access_key_id, session.secret_access_key, session.session_token, session.ends,
    );
    ([(header::CONTENT_TYPE, "text/xml")], body).into_response()
}

/// 2 to 64 of letters, digits and `_+=,.@-`.
fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

fn refused(status: StatusCode, code: &str) -> Response {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>refused</Message></Error></ErrorResponse>\n"
    );
    (status, [(header::CONTENT_TYPE, "text/xml")], body).into_response()
}

/// The agent of a container (AWS SDKs and Tools Reference, "Container credential provider").
pub(super) async fn container(Shared(gate): Shared<Arc<Gate>>, headers: HeaderMap) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if shown != Some(&gate.options.container_token) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let session = gate.keys.open_session(Timestamp::now());
    let body = json!({
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "Token": session.session_token,
        "Expiration": session.ends.to_string(),
    });
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
