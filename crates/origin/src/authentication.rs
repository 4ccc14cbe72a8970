//! Who may ask: HTTP Basic authentication (RFC 7617), when the origin was given credentials, or bearer tokens
//! (RFC 6750), where it gives them out.

use std::{fmt, sync::Arc};

use axum::{
    extract::{Request, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::{connections::drain, media::refused, server::State, token::Unauthorized};

/// One user name and password that the origin asks of every request.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name; it holds no colon (RFC 7617).
    pub username: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Credentials {
    /// A user name, and a password that nobody can guess: 32 hexadecimal digits.
    #[must_use]
    pub fn generate(username: impl Into<String>) -> Self {
        Self { username: username.into(), password: format!("{:032x}", rand::random::<u128>()) }
    }

    /// Whether the request carries them. Digests are compared, so that the time it takes says
    /// nothing about how much of a password was right.
    fn are_in(&self, headers: &HeaderMap) -> bool {
        let field = headers.get(header::AUTHORIZATION).and_then(|field| field.to_str().ok());
        let Some((scheme, encoded)) = field.and_then(|field| field.split_once(' ')) else { return false };
        let Ok(given) = STANDARD.decode(encoded.trim()) else { return false };
        let expected = format!("{}:{}", self.username, self.password);
        scheme.eq_ignore_ascii_case("basic") && Sha256::digest(given) == Sha256::digest(expected)
    }
}

/// Lets a request pass that carries what is asked for: a token, or else the credentials, if any.
pub(crate) async fn authenticate(
    Shared(state): Shared<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let (status, challenge) = match (&state.tokens, &state.options.credentials) {
        (Some(tokens), _) => match tokens.check(request.method(), request.headers()) {
            Ok(()) => return next.run(request).await,
            Err(fault @ Unauthorized::NoToken) => (fault.status(), BEARER),
            Err(fault @ Unauthorized::NotPermitted) => (fault.status(), NOT_PERMITTED),
        },
        (None, Some(credentials)) if !credentials.are_in(request.headers()) => {
            (StatusCode::UNAUTHORIZED, BASIC)
        }
        (None, _) => return next.run(request).await,
    };
    drain(&mut request.into_body().into_data_stream()).await;
    let mut response = refused(status, "credentials are required").into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

const BASIC: &str = "Basic realm=\"dimseway origin\", charset=\"UTF-8\"";
const BEARER: &str = "Bearer realm=\"dimseway origin\", error=\"invalid_token\"";
const NOT_PERMITTED: &str = "Bearer realm=\"dimseway origin\", error=\"insufficient_scope\"";
