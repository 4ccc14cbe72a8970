//! The token or access key of one origin: kept while it is good, replaced before its end, and asked for once for
//! all who wait.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::watch;
use tokio::time::Instant;

use super::grant::{Issuer, TokenSource};
use super::token::{Granted, TokenError, TokenFault, TokenObserver, TokenRequest, TokenState};

/// How long before its end a token is replaced; of one that lives shorter than twice that, half its life. 5
/// minutes: whoever gives tokens may be away as long without anybody noticing.
const EARLY: Duration = Duration::from_secs(5 * 60);

/// The last part of a token's life, in which it is used only where there is no other: it might end on the way.
/// 10 seconds; of a short-lived one, a quarter of its life.
const NEARLY_OVER: Duration = Duration::from_secs(10);

/// How long a token is used that is said to have ended when it comes, as where one of the clocks is wrong.
/// 2 seconds: every request would otherwise ask for another one.
const LIFE_WHEN_OVER: Duration = Duration::from_secs(2);

/// How long the first failure in a row is the answer to all who ask, doubled with each up to [`PAUSE_MAX`].
/// 1 second: an end point that is down is not asked by every request there is.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause between two requests for a token while they fail, unless the end point wishes a longer one
/// by Retry-After. 15 seconds: whoever waits for a token notices soon that there are some again.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// The longest Retry-After of an end point that is kept to. 5 minutes: tokens are for everything.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5 * 60);

/// How old a token must be that was refused, and had itself been fetched because another one was refused, before
/// one more is fetched. 15 seconds: an origin that refuses them all must not have them fetched without end.
const REFUSALS_APART: Duration = Duration::from_secs(15);

/// How many tokens are fetched in a row, each because the one before was refused within [`REFUSALS_APART`], although
/// an origin had taken it. 3: tokens may be revoked while they are used; but an origin that takes every token for
/// its searches and refuses every one for its stores must not have them fetched without end.
const REPLACED_MAX: u32 = 3;

/// The token of one origin, or whatever else its issuer gives for a time.
pub(crate) struct TokenCache<I: Issuer = TokenSource>(Arc<Shared<I>>);

struct Shared<I: Issuer> {
    source: I,
    observer: OnceLock<TokenObserver>,
    state: Mutex<State<I::Token>>,
}

struct State<T> {
    held: Option<Arc<Held<T>>>,
    /// The request under way.
    asking: Option<Asking<T>>,
    failure: Option<Failure>,
}

type Asking<T> = watch::Receiver<Option<Result<Arc<Held<T>>, TokenError>>>;

/// The last request failed.
struct Failure {
    error: TokenError,
    pause: Duration,
    again: Instant,
}

/// A token, and what is known of it.
pub(crate) struct Held<T = HeaderValue> {
    token: T,
    since: Instant,
    life: Duration,
    /// How many tokens in a row, this one included, were fetched because the one before was refused soon after it
    /// came. 0: nobody had refused one.
    replaced: u32,
    accepted: AtomicBool,
}

impl<I: Issuer> TokenCache<I> {
    pub(super) fn new(source: I) -> Self {
        let state = State { held: None, asking: None, failure: None };
        Self(Arc::new(Shared { source, observer: OnceLock::new(), state: Mutex::new(state) }))
    }

    /// Sets who is told of every request for a token; the first one stays.
    pub(super) fn observe(&self, observer: TokenObserver) {
        let _ = self.0.observer.set(observer);
    }

    /// The token to use now.
    pub(super) async fn current(&self) -> Result<Arc<Held<I::Token>>, TokenError> {
        let (held, asking) = {
            let (mut state, now) = (self.0.state(), Instant::now());
            let held = state.held.clone().filter(|held| now < held.end());
            if let Some(held) = held.as_ref().filter(|held| now < held.replaced_at()) {
                return Ok(Arc::clone(held));
            }
            if let Some(failure) = state.failure.as_ref().filter(|failure| now < failure.again) {
                return held.ok_or_else(|| failure.error.clone());
            }
            (held, self.ask(&mut state, 0))
        };
        // What is good for a while yet serves on, so that nobody waits for the new one.
        if let Some(held) = held.as_ref().filter(|held| Instant::now() < held.nearly_over_at()) {
            return Ok(Arc::clone(held));
        }
        match self.wait(asking).await {
            Ok(fetched) => Ok(fetched),
            Err(error) => held.filter(|held| Instant::now() < held.end()).ok_or(error),
        }
    }

    /// Whether there is another token by now than this one, which was refused.
    pub(super) async fn instead_of(&self, refused: &Arc<Held<I::Token>>) -> Result<bool, TokenError> {
        let asking = {
            let (mut state, now) = (self.0.state(), Instant::now());
            match &state.held {
                Some(held) if !Arc::ptr_eq(held, refused) && now < held.end() => return Ok(true),
                _ => {}
            }
            let soon = now < refused.since + REFUSALS_APART;
            let most = if refused.accepted.load(Ordering::Relaxed) { REPLACED_MAX } else { 1 };
            if soon && refused.replaced >= most {
                return Ok(false);
            }
            if let Some(failure) = state.failure.as_ref().filter(|failure| now < failure.again) {
                return Err(failure.error.clone());
            }
            self.ask(&mut state, if soon { refused.replaced + 1 } else { 1 })
        };
        Ok(self.wait(asking).await?.token != refused.token)
    }

    /// What is known of the token that is held.
    pub(super) fn state(&self) -> Option<TokenState> {
        let held = self.0.state().held.clone()?;
        Some(self.state_of(&held)).filter(|state| !state.rest.is_zero())
    }

    /// What is known of a token.
    pub(super) fn state_of(&self, held: &Held<I::Token>) -> TokenState {
        let rest = held.end().saturating_duration_since(Instant::now());
        TokenState { end_point: self.0.source.end_point(), life: held.life, rest }
    }

    /// Begins a request where none is under way. It goes on even if nobody waits for it any more.
    fn ask(&self, state: &mut State<I::Token>, replaced: u32) -> Asking<I::Token> {
        if let Some(asking) = &state.asking {
            return asking.clone();
        }
        let (sender, asking) = watch::channel(None);
        state.asking = Some(asking.clone());
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move {
            let begun = Instant::now();
            let granted = shared.source.fetch().await;
            let outcome = shared.settle(granted, begun, replaced);
            sender.send_replace(Some(outcome));
        });
        asking
    }

    async fn wait(&self, mut asking: Asking<I::Token>) -> Result<Arc<Held<I::Token>>, TokenError> {
        let outcome = asking.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| {
            // The task was ended before its end; the next one to ask begins anew.
            self.0.state().asking = None;
            let fault = TokenFault::Unreachable("the request was given up".to_owned());
            Err(TokenError { end_point: self.0.source.end_point(), fault })
        })
    }
}

impl<I: Issuer> Shared<I> {
    fn state(&self) -> MutexGuard<'_, State<I::Token>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in how a request ended.
    fn settle(
        &self,
        granted: Result<Granted<I::Token>, TokenError>,
        begun: Instant,
        replaced: u32,
    ) -> Result<Arc<Held<I::Token>>, TokenError> {
        let now = Instant::now();
        if let Some(observer) = self.observer.get() {
            let outcome = granted.as_ref().map(|granted| granted.life);
            observer.tell(&TokenRequest { took: now - begun, outcome });
        }
        let mut state = self.state();
        state.asking = None;
        match granted {
            Ok(Granted { token, life }) => {
                let accepted = AtomicBool::new(false);
                let life = if life.is_zero() { LIFE_WHEN_OVER } else { life };
                let held = Arc::new(Held { token, since: begun, life, replaced, accepted });
                state.failure = None;
                state.held = Some(Arc::clone(&held));
                Ok(held)
            }
            Err(error) => {
                let pause =
                    state.failure.as_ref().map_or(PAUSE_MIN, |before| (before.pause * 2).min(PAUSE_MAX));
                let asked = match error.fault {
                    TokenFault::Refused { retry_after: Some(after), .. } => after.min(RETRY_AFTER_MAX),
                    _ => Duration::ZERO,
                };
                state.failure = Some(Failure { error: error.clone(), pause, again: now + pause.max(asked) });
                Err(error)
            }
        }
    }
}

impl<T> Held<T> {
    pub(super) const fn token(&self) -> &T {
        &self.token
    }

    /// Takes in that an origin took it.
    pub(super) fn accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    fn end(&self) -> Instant {
        self.since + self.life
    }

    fn replaced_at(&self) -> Instant {
        self.since + (self.life - EARLY.min(self.life / 2))
    }

    fn nearly_over_at(&self) -> Instant {
        self.since + (self.life - NEARLY_OVER.min(self.life / 4))
    }
}

impl<T> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("life", &self.life).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
