//! The port for calls with side effects: made at least once, retried until they succeed.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{Error, RetrySchedule, documents::Write};

/// The number of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A call to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What kind of call, for example `storage-commitment-report`. At most 256 bytes.
    pub kind: String,
    /// Calls of the same kind and key are made one at a time, in order. At most 256 bytes.
    pub key: String,
    /// What the caller needs to make it; at most [`crate::documents::DOCUMENT_BYTES_MAX`].
    pub body: Vec<u8>,
    /// Not before.
    pub not_before: SystemTime,
}

/// Proof that a worker holds the lease of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallToken {
    /// The call.
    pub call_id: CallId,
    /// Grows with every lease.
    pub fence: u64,
}

/// A call that is the holder's alone until the lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLease {
    /// Given back with the outcome.
    pub token: CallToken,
    /// The call.
    pub call: Call,
    /// Attempts including this one.
    pub attempts: u32,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// Made: the call is removed.
    Done,
    /// Try again later.
    Deferred {
        /// Not before.
        not_before: SystemTime,
        /// Why, in words.
        reason: String,
    },
    /// Given up: kept for a person, and not made again unless [`Outbox::retry_call`] is called. The
    /// calls behind it go on.
    Failed {
        /// Why, in words.
        reason: String,
    },
}

/// A call and where it stands, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCall {
    /// Its number.
    pub call_id: CallId,
    /// The call.
    pub call: Call,
    /// Attempts so far.
    pub attempts: u32,
    /// Whether it was given up.
    pub failed: bool,
    /// Why it was deferred or given up.
    pub reason: Option<String>,
}

/// Calls of one receiver that stand alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallCount {
    /// What kind of call.
    pub kind: String,
    /// Whom they are for: the part of their keys before the first `/`.
    pub to: String,
    /// Whether they were given up.
    pub failed: bool,
    /// How many.
    pub calls: u64,
}

/// Calls with side effects, with the same lease and retry as deliveries.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Adds a call; durable when it returns.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Full`].
    async fn enqueue(&self, call: Call) -> Result<CallId, Error>;

    /// Writes a document as [`crate::Documents::put`] does and adds calls as [`Self::enqueue`] does, both or
    /// neither, and returns the new version. So a document that was acknowledged is never without the calls that
    /// follow from it, and no call follows from a document that was not written.
    ///
    /// # Errors
    /// [`Error::Conflict`], [`Error::TooLarge`], [`Error::Full`].
    async fn put_and_enqueue(&self, document: Write, calls: Vec<Call>) -> Result<u64, Error>;

    /// Leases due calls of a kind for `ttl`, in order, at most `limit`; the next attempt time is
    /// durable first.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn lease_calls(
        &self,
        kind: &str,
        limit: usize,
        ttl: Duration,
        retry: RetrySchedule,
    ) -> Result<Vec<CallLease>, Error>;

    /// Records what became of a call.
    ///
    /// # Errors
    /// [`Error::StaleToken`].
    async fn record_call(&self, token: CallToken, outcome: CallOutcome) -> Result<(), Error>;

    /// Calls of a kind in order, from behind `after`, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn calls(&self, kind: &str, after: Option<CallId>, limit: usize) -> Result<Vec<ListedCall>, Error>;

    /// Calls of all kinds in order, from behind `after`, at most `limit`; where `failed` is given, only those
    /// that were, or were not, given up. Their bodies are left out.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn list_calls(
        &self,
        failed: Option<bool>,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<ListedCall>, Error>;

    /// One call, with its body; none where it was made or discarded.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn call(&self, call_id: CallId) -> Result<Option<ListedCall>, Error>;

    /// The first call of a kind and key, given up or not.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn first_call(&self, kind: &str, key: &str) -> Result<Option<CallId>, Error>;

    /// How many calls there are. Kept with every change, so that it costs the same whatever their number.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn count_calls(&self) -> Result<Vec<CallCount>, Error>;

    /// Removes a call that nobody is making; false where there is none such.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn discard_call(&self, call_id: CallId) -> Result<bool, Error>;

    /// Makes a failed or deferred call due now; false where there is none such.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn retry_call(&self, call_id: CallId) -> Result<bool, Error>;

    /// When the next call of a kind is due.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn next_call_due(&self, kind: &str) -> Result<Option<SystemTime>, Error>;

    /// A counter that changes when a call is added or made due.
    fn calls_notified(&self) -> watch::Receiver<u64>;
}
