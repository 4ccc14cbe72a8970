//! The access key of one origin: kept while it is good, and fetched once for all who wait for it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};

use super::end_point::{self, KeyUnavailable};
use super::{AccessKey, AccessKeySource, container, web_identity};
use crate::Error;
use crate::transport::TransportError;

/// How long before its end a key is replaced. 5 minutes: a store request that begins just before may take as
/// long; of a key that lives shorter than twice that, half its life.
const RENEWED_BEFORE_END: SignedDuration = SignedDuration::from_mins(5);

/// How long a key that is still good serves on after a failure to replace it, before that is tried again. 30
/// seconds: requests that need no new key yet do not wait for an end point that is down.
const TRIED_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// What all who wait for the same key get.
type Fetched = Result<Arc<Held>, Arc<KeyUnavailable>>;

/// The access key of one origin.
pub(super) struct Keys {
    source: Source,
    state: Mutex<State>,
}

#[derive(Clone)]
struct Source {
    from: AccessKeySource,
    http: reqwest::Client,
}

#[derive(Default)]
struct State {
    held: Option<Arc<Held>>,
    /// When the last exchange failed.
    failed: Option<Timestamp>,
    /// Under way for all who need it.
    fetching: Option<Shared<BoxFuture<'static, Fetched>>>,
}

/// A key, and when it is to be replaced.
pub(super) struct Held {
    pub(super) key: AccessKey,
    renew: Option<Timestamp>,
}

impl Keys {
    pub(super) fn new(from: AccessKeySource) -> Result<Self, Error> {
        // The agent of a container is on the machine itself.
        let proxied = matches!(from, AccessKeySource::WebIdentity { .. });
        let http = end_point::connections(proxied)
            .map_err(|error| Error::Credentials(Box::new(TransportError::from(error))))?;
        Ok(Self { source: Source { from, http }, state: Mutex::default() })
    }

    /// The key to sign with now.
    pub(super) async fn current(&self, now: Timestamp) -> Result<Arc<Held>, Error> {
        let (held, failed) = {
            let state = self.state();
            (state.held.clone(), state.failed)
        };
        match held {
            Some(held) if held.renew.is_none_or(|renew| now < renew) => Ok(held),
            Some(held) if held.key.expires.is_some_and(|end| now < end) => {
                // What is still good serves until there is something better.
                if failed.is_some_and(|failed| now.duration_since(failed) < TRIED_AGAIN_AFTER) {
                    return Ok(held);
                }
                Ok(self.fetch(now).await.unwrap_or(held))
            }
            _ => self.fetch(now).await.map_err(|error| Error::Credentials(Box::new(error))),
        }
    }

    /// Another key than the one that was refused, if there is one by now.
    pub(super) async fn instead_of(&self, refused: &Held, now: Timestamp) -> Result<bool, Error> {
        if matches!(self.source.from, AccessKeySource::Fixed(_)) {
            return Ok(false);
        }
        let held = self.state().held.clone();
        if held.is_some_and(|held| held.key.id != refused.key.id) {
            return Ok(true);
        }
        let fetched = self.fetch(now).await.map_err(|error| Error::Credentials(Box::new(error)))?;
        Ok(fetched.key.id != refused.key.id)
    }

    /// Fetches a key, or waits for one that is being fetched.
    async fn fetch(&self, now: Timestamp) -> Fetched {
        let fetching = {
            let mut state = self.state();
            state.fetching.get_or_insert_with(|| self.source.clone().fetch(now).boxed().shared()).clone()
        };
        let fetched = fetching.clone().await;
        let mut state = self.state();
        if state.fetching.as_ref().is_some_and(|current| current.ptr_eq(&fetching)) {
            state.fetching = None;
            state.failed = fetched.is_err().then_some(now);
            if let Ok(held) = &fetched {
                state.held = Some(Arc::clone(held));
            }
        }
        fetched
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    async fn fetch(self, now: Timestamp) -> Fetched {
        let Self { from, http } = self;
        let key = match &from {
            AccessKeySource::Fixed(key) => Ok(key.clone()),
            AccessKeySource::Container { url, token } => container::ask(&http, url, token.as_ref()).await,
            AccessKeySource::WebIdentity { url, role_arn, session_name, token_file } => {
                web_identity::ask(&http, url, role_arn, session_name, token_file).await
            }
        };
        Ok(Arc::new(Held::new(key?, now)))
    }
}

impl Held {
    fn new(key: AccessKey, now: Timestamp) -> Self {
        let renew = key.expires.map(|end| {
            let half = end.duration_since(now) / 2;
            end - RENEWED_BEFORE_END.min(half)
        });
        Self { key, renew }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

#[cfg(test)]
mod tests;
