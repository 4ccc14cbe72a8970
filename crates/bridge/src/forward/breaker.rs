//! The circuit breaker of one destination.
//!
//! ```text
//!   Closed --- failures in a row ---> Open --- probe answered ---> Trial --- success ---> Closed
//!                                      ^  ^---- probe failed                  |
//!                                      +------------- failure ----------------+
//! ```
//! While it is open nothing is leased, so no attempts are used up. In trial one request goes at a
//! time: a server may answer probes and still refuse to store.

use std::time::Duration;

use dicomweb::error::RETRY_AFTER_MAX;
use tokio::time::Instant;

use crate::config::Breaker as Settings;

/// Why a destination counts as down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It cannot be reached, or it answers that it is out of service.
    Unavailable,
    /// It refuses our credentials. Probed slowly, since frequent attempts lock accounts.
    Credentials,
    /// There is no token to show to it: whoever gives them is down, slow, or answers what is none.
    NoToken,
    /// There is no token to show to it: whoever gives them refuses our credentials. Asked slowly too.
    TokenRefused,
}

impl Cause {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Unavailable, Self::Credentials, Self::NoToken, Self::TokenRefused];

    /// Whether one failure tells for sure, so that the breaker opens at once.
    const fn is_certain(self) -> bool {
        !matches!(self, Self::Unavailable)
    }

    /// The value of a label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Credentials => "credentials",
            Self::NoToken => "no_token",
            Self::TokenRefused => "token_refused",
        }
    }

    /// What a delivery waits for, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Unavailable => {
                "the destination is down; it is probed, and deliveries go on when it answers"
            }
            Self::Credentials => {
                "the destination refuses our credentials or address; mend them, it is probed meanwhile"
            }
            Self::NoToken => {
                "the token end point of the destination gives no token; it is asked again, and deliveries go on when it does"
            }
            Self::TokenRefused => {
                "the token end point of the destination refuses our credentials; mend `auth` of the origin, it is asked again meanwhile"
            }
        }
    }
}

/// What a request told about the destination itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answered, whatever it thinks of the instances.
    Answered,
    /// It does not serve at all.
    Failed(Cause),
    /// It serves, and asks to be left alone for a while.
    Pause(Duration),
    /// Nothing was learnt.
    Unclear,
}

/// How many requests may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permitted {
    /// As many as there are workers.
    All,
    /// One.
    One,
    /// None before this moment, when a probe is due (or, after a pause, everything).
    NotBefore(Instant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Paused { until: Instant },
    Open { cause: Cause, wait: Duration, probe_at: Instant },
    Trial { cause: Cause, wait: Duration },
}

/// The circuit breaker of one destination. It knows no clock: the moment is given.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    settings: Settings,
    state: State,
}

impl CircuitBreaker {
    /// A closed one.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings, state: State::Closed { failures: 0 } }
    }

    /// Whether the destination counts as down, and why.
    #[must_use]
    pub const fn down(&self) -> Option<Cause> {
        match self.state {
            State::Open { cause, .. } | State::Trial { cause, .. } => Some(cause),
            State::Closed { .. } | State::Paused { .. } => None,
        }
    }

    /// How many requests may be under way at `now`.
    #[must_use]
    pub fn permitted(&self, now: Instant) -> Permitted {
        match self.state {
            State::Paused { until } if until > now => Permitted::NotBefore(until),
            State::Closed { .. } | State::Paused { .. } => Permitted::All,
            State::Trial { .. } => Permitted::One,
            State::Open { probe_at, .. } => Permitted::NotBefore(probe_at),
        }
    }

    /// Whether a probe is due at `now`.
    #[must_use]
    pub fn probe_due(&self, now: Instant) -> bool {
        matches!(self.state, State::Open { probe_at, .. } if probe_at <= now)
    }

    /// Takes in what a request told. Requests that began before it opened are heard too.
    pub fn observe(&mut self, health: Health, now: Instant) {
        match (health, self.state) {
            (Health::Unclear, _) => {}
            // Requests begun before it asked for a pause tell nothing about the time after.
            (Health::Answered | Health::Failed(Cause::Unavailable), State::Paused { until })
                if until > now => {}
            // A late success of a request begun earlier proves that it serves.
            (Health::Answered, _) => self.state = State::Closed { failures: 0 },
            (Health::Pause(asked), State::Closed { .. } | State::Paused { .. } | State::Trial { .. }) => {
                // Each request of a backlog may be answered with a pause of nothing, one after the other.
                let pause = asked.max(self.settings.probe_min).min(RETRY_AFTER_MAX);
                self.state = State::Paused { until: now + pause };
            }
            (Health::Pause(_), State::Open { .. }) => {}
            (Health::Failed(cause), State::Closed { failures }) => self.failed(cause, failures + 1, now),
            (Health::Failed(cause), State::Paused { .. }) => self.failed(cause, 1, now),
            (Health::Failed(cause), State::Trial { wait, .. }) => self.open(cause, wait * 2, now),
            (Health::Failed(cause), State::Open { wait, .. }) => {
                if cause.is_certain() {
                    self.open(cause, wait, now);
                }
            }
        }
    }

    /// Takes in what a probe told: anything but a failure puts it on trial.
    pub fn probed(&mut self, health: Health, now: Instant) {
        let State::Open { cause, wait, .. } = self.state else { return };
        match health {
            Health::Failed(cause) => self.open(cause, wait * 2, now),
            Health::Pause(asked) => self.open(cause, asked.min(RETRY_AFTER_MAX), now),
            Health::Answered | Health::Unclear => self.state = State::Trial { cause, wait },
        }
    }

    /// Takes over other settings; the state stays.
    pub fn configure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    fn failed(&mut self, cause: Cause, failures: u32, now: Instant) {
        if cause.is_certain() || failures >= self.settings.failures {
            self.open(cause, self.settings.probe_min, now);
        } else {
            self.state = State::Closed { failures };
        }
    }

    fn open(&mut self, cause: Cause, wait: Duration, now: Instant) {
        let wait = match cause {
            Cause::Credentials | Cause::TokenRefused => self.settings.credentials,
            Cause::Unavailable | Cause::NoToken => {
                wait.clamp(self.settings.probe_min, self.settings.probe_max)
            }
        };
        self.state = State::Open { cause, wait, probe_at: now + wait };
    }
}

#[cfg(test)]
mod tests;
