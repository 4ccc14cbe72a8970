//! The tokens that were given out.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, Method, StatusCode, header};

use super::{Options, Role};

/// Gives tokens out and knows them again.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(super) options: Options,
    /// Each token with the time from which on it is taken no more.
    issued: Mutex<HashMap<String, Instant>>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    /// It has no token, or one that is unknown or too old: 401.
    NoToken,
    /// The token does not permit it: 403.
    NotPermitted,
}

/// A token, and how long it is taken.
pub(super) struct Issued {
    pub(super) token: String,
    pub(super) life_time: Duration,
}

impl Unauthorized {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::NotPermitted => StatusCode::FORBIDDEN,
        }
    }
}

impl Issuer {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, issued: Mutex::default() }
    }

    /// A new token.
    pub(super) fn issue(&self) -> Issued {
        let (now, life_time) = (Instant::now(), self.options.life_time);
        let token = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        let mut issued = self.lock();
        // What is too old is forgotten, so that they do not become more and more.
        issued.retain(|_, until| *until > now);
        issued.insert(token.clone(), now + life_time);
        Issued { token, life_time }
    }

    /// Takes no token any more that was given out by now.
    pub(crate) fn revoke_all(&self) {
        self.lock().clear();
    }

    /// Whether a request may be done: it carries a token (RFC 6750 §2.1) that permits its method.
    pub(crate) fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Unauthorized> {
        let field = headers.get(header::AUTHORIZATION).and_then(|field| field.to_str().ok());
        let (scheme, token) = field.and_then(|field| field.split_once(' ')).ok_or(Unauthorized::NoToken)?;
        let until = self.lock().get(token.trim()).copied();
        let is_taken = until.is_some_and(|until| until > Instant::now());
        if !scheme.eq_ignore_ascii_case("bearer") || !is_taken {
            return Err(Unauthorized::NoToken);
        }
        match self.options.role {
            Role::Owner => Ok(()),
            Role::Reader if [Method::GET, Method::HEAD].contains(method) => Ok(()),
            Role::Reader | Role::None => Err(Unauthorized::NotPermitted),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
