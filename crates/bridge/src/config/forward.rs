//! How deliveries are made.

use std::time::Duration;

/// How deliveries are made, to every destination unless it says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Forward {
    /// Deliveries to one destination at the same time. Default: 4, which fills the line to a server
    /// on the other side of a continent; more makes small archives answer 503.
    pub workers: usize,
    /// Instances in one request. Default: 50; the profile may say less. A failure that concerns one
    /// of them costs a few more requests, a longer batch costs a longer answer.
    pub batch_instances: usize,
    /// Bytes in one request. Default: 64 MiB; the profile may say less. One larger instance goes
    /// alone.
    pub batch_bytes: u64,
    /// How long entries stay with an attempt that gives no sign of life; renewed while it lives. How
    /// long a request itself may take is the client's
    /// [`Timeouts`](dicomweb::Timeouts). Default: 60 s; after a crash they are sent again then.
    pub lease: Duration,
    /// When a failed delivery is tried again.
    pub back_off: BackOff,
    /// When a destination counts as down.
    pub breaker: Breaker,
}

impl Default for Forward {
    fn default() -> Self {
        Self {
            workers: 4,
            batch_instances: 50,
            batch_bytes: 64 * 1024 * 1024,
            lease: Duration::from_secs(60),
            back_off: BackOff::default(),
            breaker: Breaker::default(),
        }
    }
}

/// Exponential back-off: the wait doubles with each attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct BackOff {
    /// Before the second attempt. Default: 5 s; most failures are over by then.
    pub min: Duration,
    /// The longest wait. Default: 15 min, so that a repaired archive is found within a coffee break.
    pub max: Duration,
    /// Part of each wait that is random, 0 to 1. Default: 0.25, so that a backlog does not come
    /// back in one wave.
    pub jitter: f64,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { min: Duration::from_secs(5), max: Duration::from_secs(15 * 60), jitter: 0.25 }
    }
}

/// A circuit breaker: while a destination is down, no attempts are burnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// Failures in a row, of the connection or of the whole service, that open it. Default: 3.
    pub failures: u32,
    /// From opening to the first probe; doubles up to `probe_max`. Default: 1 s.
    pub probe_min: Duration,
    /// The longest time between probes. Default: 30 s: one small request each half minute loads no
    /// server.
    pub probe_max: Duration,
    /// Between probes while credentials are refused. Default: 60 s, below what locks accounts.
    pub credentials: Duration,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: 3,
            probe_min: Duration::from_secs(1),
            probe_max: Duration::from_secs(30),
            credentials: Duration::from_secs(60),
        }
    }
}
