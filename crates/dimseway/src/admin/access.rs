//! Who may use `/api`.

use super::Shared;
use crate::queue::model::Refusal;
use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use std::{net::IpAddr, sync::Arc};

/// Lets a request pass that carries the token, or, where none is asked for, one that a person or
/// program on this machine made.
pub(super) async fn check(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let refused = match shared.token.load_full() {
        Some(token) if !carries(&request, &token) => {
            Some((StatusCode::UNAUTHORIZED, "the bearer token of `admin.token_file` is needed"))
        }
        // Without a token a page of the web must not reach this API through the browser of somebody
        // on this machine, by a name that it makes point here.
        None if !names_this_machine(&request) => {
            Some((StatusCode::FORBIDDEN, "without a token only requests to localhost are served"))
        }
        _ => None,
    };
    match refused {
        Some((status, why)) => (status, Json(Refusal { error: why.to_owned() })).into_response(),
        None => next.run(request).await,
    }
}

/// Whether a request carries the token; compared in a time that tells nothing about how much was right.
pub(crate) fn carries(request: &Request, token: &SecretString) -> bool {
    let header = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let Some((scheme, given)) = header.and_then(|value| value.split_at_checked(7)) else { return false };
    let expected = token.expose_secret().as_bytes();
    scheme.eq_ignore_ascii_case(b"bearer ")
        && given.len() == expected.len()
        && given.iter().zip(expected).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn names_this_machine(request: &Request) -> bool {
    let Some(host) = request.headers().get(header::HOST) else { return true };
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    let host = authority.host().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
}
