//! The delivery of one entry to one destination: its states, leases and outcomes.
//!
//! ```text
//!            commit                    lease                     record Delivered
//!   (entry) --------> Due ---------------------> Delivering ----------------------> Delivered
//!      |               ^                          |  |  |  |
//!      | held          | retry, release           |  |  |  | record Quarantined
//!      v               |        record Deferred   |  |  |  v
//!    Held <------------+--- or lease expired -----+  |  |  Quarantined --- retry ---> Due
//!      ^               |          v                  |  |
//!      |               +------ Deferred --- lease ---|--+--> (Delivering)
//!      +---- hold, record Held ----------------------+
//! ```
//! `discard` ends a delivery in any state but Delivered; an entry whose deliveries have all ended is
//! finished and its bytes are recycled. Held and Quarantined deliveries keep the bytes.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use instance::{AeTitle, Uid};

use crate::{Destination, Entry, EntryId};

/// Bytes kept of a reason or of an answer; longer texts are cut.
pub const TEXT_BYTES_MAX: usize = 2048;

/// Attempts kept per delivery, the newest ones; the count of all is kept beside them.
pub const ATTEMPTS_KEPT_MAX: usize = 20;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Waits for its first attempt, or was sent back by a person.
    Due,
    /// Leased by a worker.
    Delivering,
    /// Waits for its next attempt.
    Deferred,
    /// The destination has it. A record remains for the retention time.
    Delivered,
    /// Waits for a person: not delivered until released.
    Held,
    /// The stored bytes fail their checksum: not delivered unless a person insists.
    Quarantined,
}

impl State {
    /// Every state, in the order of their numbers on disk.
    pub const ALL: [Self; 6] =
        [Self::Due, Self::Delivering, Self::Deferred, Self::Delivered, Self::Held, Self::Quarantined];

    /// The word used in lists and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Delivering => "delivering",
            Self::Deferred => "deferred",
            Self::Delivered => "delivered",
            Self::Held => "held",
            Self::Quarantined => "quarantined",
        }
    }

    /// Whether the delivery will be attempted without a person: Due, Delivering, Deferred.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Due | Self::Delivering | Self::Deferred)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such state; there are due, delivering, deferred, delivered, held and quarantined")]
pub struct InvalidState;

impl FromStr for State {
    type Err = InvalidState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(InvalidState)
    }
}

/// Why a delivery waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeldReason {
    /// Routes exist and none matched.
    Unrouted,
    /// The destination is not in the configuration any more.
    DestinationGone,
    /// The destination refuses this instance for good; its answer in words.
    Refused(String),
    /// The destination has other content under the same SOP Instance UID.
    DifferentContent,
    /// The outcome stays unknown and the destination cannot be asked.
    OutcomeUnknown,
    /// A person held it; their words.
    Operator(String),
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for HeldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unrouted => f.write_str("no route matches"),
            Self::DestinationGone => f.write_str("the destination is not configured any more"),
            Self::Refused(answer) => write!(f, "refused: {answer}"),
            Self::DifferentContent => f.write_str("same UID, different content"),
            Self::OutcomeUnknown => f.write_str("the outcome is unknown and cannot be asked for"),
            Self::Operator(words) => write!(f, "held by hand: {words}"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

/// Proof that a worker holds a lease. A later lease of the same delivery has a higher fence, and
/// makes this one stale.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token {
    /// The entry.
    pub entry_id: EntryId,
    /// Its destination.
    pub destination: Destination,
    /// Grows with every lease of the spool.
    pub fence: u64,
}

/// When an attempt that is never recorded (a crash) is followed by the next one. The time doubles
/// with every attempt: `first * 2^(attempts - 1)`, at most `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySchedule {
    /// After the first attempt. Default 2 s: a crash loop tries at most every other second.
    pub first: Duration,
    /// At most. Default 15 min.
    pub max: Duration,
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self { first: Duration::from_secs(2), max: Duration::from_secs(15 * 60) }
    }
}

impl RetrySchedule {
    /// The time between the start of attempt number `attempts` (from 1) and the next one.
    #[must_use]
    pub fn after(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        self.first.saturating_mul(1_u32 << doublings).min(self.max)
    }
}

/// The smallest share of one worker: 8 deliveries. With less the lease, the request and the record cost more than
/// another worker gains.
pub const SHARE_MIN: usize = 8;

/// What a worker asks for.
#[derive(Debug, Clone)]
pub struct LeaseRequest {
    /// For this destination.
    pub destination: Destination,
    /// Who asks, for `show`: at most 64 bytes.
    pub owner: String,
    /// At most so many deliveries.
    pub entries_max: usize,
    /// Those who lease for this destination and share what is due to it: where that is not enough for
    /// `entries_max` each, a lease has one share of it. With 1 or 0 nothing is shared.
    pub workers: usize,
    /// At most so many bytes of data sets together; the first delivery is given whatever its size.
    pub bytes_max: u64,
    /// After this time without [`crate::Deliveries::renew`] the delivery is due again.
    pub ttl: Duration,
    /// All of one study: that of the delivery that is due first.
    pub same_study: bool,
    /// The next attempt time that is committed with the lease.
    pub retry: RetrySchedule,
}

/// A delivery that is the holder's alone until the lease ends.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Given back with the outcome.
    pub token: Token,
    /// What to deliver.
    pub entry: Entry,
    /// Attempts including this one.
    pub attempts: u32,
    /// When the lease began, in milliseconds.
    pub leased_at: SystemTime,
    /// When the lease ends.
    pub expires_at: SystemTime,
}

/// What a worker was given, and what it left.
#[derive(Debug, Clone, Default)]
pub struct Leased {
    /// Oldest due time first; empty where nothing is due.
    pub leases: Vec<Lease>,
    /// What else there is for the destination.
    pub left: Left,
}

/// What a lease left of the deliveries to its destination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Those that are due too, counted up to the `entries_max` of the request, or 1000.
    pub due: usize,
    /// How many of these belong to the study of the last lease.
    pub of_study: usize,
    /// When the next pending one is due; in the past where some are due. Leased ones count with the end of
    /// their lease. `None` where none is pending.
    pub next_due: Option<SystemTime>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The destination has it.
    Delivered {
        /// The destination's answer in words, kept in the delivery record.
        answer: String,
    },
    /// Try again later.
    Deferred {
        /// Not before.
        not_before: SystemTime,
        /// Why, in words.
        reason: String,
    },
    /// A person must decide.
    Held {
        /// Why.
        reason: HeldReason,
    },
    /// The stored bytes fail their checksum.
    Quarantined {
        /// What failed, in words.
        reason: String,
    },
    /// Not attempted after all (breaker open, shutdown): the attempt is given back and the delivery is
    /// due at `not_before`.
    Released {
        /// Not before; a time in the past for at once.
        not_before: SystemTime,
        /// What keeps it from being attempted, in words; none leaves the last reason as it is.
        reason: Option<String>,
    },
}

/// Which deliveries to list. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// To this destination.
    pub destination: Option<Destination>,
    /// In this state.
    pub state: Option<State>,
    /// In any state but Delivered.
    pub waiting: bool,
    /// Raw Patient ID (0010,0020), padding ignored.
    pub patient_id: Option<Vec<u8>>,
    /// Of this study.
    pub study_instance_uid: Option<Uid>,
    /// Of this series.
    pub series_instance_uid: Option<Uid>,
    /// Of this SOP Instance.
    pub sop_instance_uid: Option<Uid>,
    /// Accepted at or after.
    pub since: Option<SystemTime>,
    /// Accepted before.
    pub until: Option<SystemTime>,
}

/// Where the next page of a list begins. Opaque; `Display` and `FromStr` carry it through URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The last entry seen.
    pub(crate) entry_id: EntryId,
    /// Its last delivery seen, by the number of the destination; -1 for an entry without deliveries.
    pub(crate) destination: i64,
}

/// A text that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor that a list returned")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.entry_id, self.destination)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (entry_id, destination) = text.split_once('.').ok_or(InvalidCursor)?;
        Ok(Self {
            entry_id: entry_id.parse().map_err(|_| InvalidCursor)?,
            destination: destination.parse().map_err(|_| InvalidCursor)?,
        })
    }
}

/// One line of a list: an entry and one of its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The entry.
    pub entry_id: EntryId,
    /// Its destination; `None` for an entry that has none (yet).
    pub destination: Option<Destination>,
    /// Where the delivery stands.
    pub state: State,
    /// Attempts so far.
    pub attempts: u32,
    /// When the next attempt may begin; meaningful where the state is pending.
    pub due_at: SystemTime,
    /// Why it stands there, or the destination's answer.
    pub reason: Option<String>,
    /// Who sent it.
    pub calling_ae_title: AeTitle,
    /// When it was accepted.
    pub accepted_at: SystemTime,
    /// SOP Class UID.
    pub sop_class_uid: Uid,
    /// SOP Instance UID.
    pub sop_instance_uid: Uid,
    /// Study Instance UID.
    pub study_instance_uid: Uid,
    /// Series Instance UID.
    pub series_instance_uid: Uid,
    /// Bytes of the data set.
    pub length: u64,
}

/// A page of a list, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The lines.
    pub lines: Vec<Listed>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// One attempt, or one decision of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub started_at: SystemTime,
    /// When it was recorded; `None` while it runs or where the process ended first.
    pub ended_at: Option<SystemTime>,
    /// Who made it.
    pub owner: String,
    /// What came of it, in words.
    pub outcome: Option<String>,
}

/// The record of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Where to.
    pub destination: Destination,
    /// Where it stands.
    pub state: State,
    /// Attempts so far.
    pub attempts: u32,
    /// When the next attempt may begin; meaningful where the state is pending.
    pub due_at: SystemTime,
    /// When it was delivered.
    pub delivered_at: Option<SystemTime>,
    /// Why it stands there, or the destination's answer.
    pub reason: Option<String>,
    /// The newest attempts, oldest of them first, at most [`ATTEMPTS_KEPT_MAX`].
    pub history: Vec<Attempt>,
}

/// Everything known of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// The entry. Its length and SHA-256 outlive its bytes.
    pub entry: Entry,
    /// Whether its bytes are still kept.
    pub payload_kept: bool,
    /// Its deliveries, in the order of the destinations' names.
    pub deliveries: Vec<Delivery>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_double_up_to_the_maximum() {
        let schedule = RetrySchedule { first: Duration::from_secs(2), max: Duration::from_secs(60) };
        let after: Vec<u64> = [1, 2, 3, 5, 6, 40, u32::MAX].map(|n| schedule.after(n).as_secs()).to_vec();
        assert_eq!(after, [2, 4, 8, 32, 60, 60, 60]);
    }

    #[test]
    fn states_and_cursors_read_what_they_print() {
        for state in State::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        let cursor = Cursor { entry_id: EntryId(99), destination: -1 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!("99".parse::<Cursor>(), Err(InvalidCursor));
    }
}
