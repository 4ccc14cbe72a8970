//! Calls with side effects: made in order, retried with back-off, and held for a person where they must not be
//! made again by themselves.
//!
//! The spool keeps the calls and leases them; [`runner`] makes them through the [`Calls`] of a service, some
//! at a time; what comes of each is a [`Verdict`].

pub(crate) mod runner;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use spool::CallLease;

/// What a call is for, in words and without anything about a patient.
#[must_use]
pub fn in_words(call: &spool::Call) -> String {
    crate::service::performed_procedure::call_in_words(call).unwrap_or_else(|| call.kind.clone())
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was made.
    Done,
    /// It is to be made again.
    Later {
        /// Not before so long; none: as back-off has it.
        after: Option<Duration>,
        /// Why, in words, without anything about a patient.
        reason: String,
    },
    /// It is not made again unless a person says so.
    Held {
        /// Why, in words, without anything about a patient.
        reason: String,
    },
}

/// Who makes the calls of one kind.
#[async_trait]
pub(crate) trait Calls: Send + Sync + 'static {
    /// Makes a call. It may be dropped half-way, when the lease ends or the bridge stops; then, and after a
    /// crash, it is made again.
    async fn make(&self, lease: &CallLease) -> Verdict;

    /// Takes note that a call is held, once that is durable. When it is made again a person has said so.
    async fn held(&self, lease: &CallLease);

    /// Whom the call is for: a label of bounded number, for metrics and the log.
    fn label(&self, lease: &CallLease) -> String;
}
