//! Accepted instances, their delivery state, and the small durable documents of the services.
//!
//! The promise: what [`PayloadWriter::commit`] resolved for is there after a power cut, whole, and
//! will be delivered. Entries that were never acknowledged vanish; only what fails its checksum is
//! quarantined; nothing is delivered twice except what was in flight or of unknown outcome.
//!
//! Four ports, [`Payloads`], [`Deliveries`], [`Documents`] and [`Outbox`], and one backend so far,
//! [`local::LocalSpool`]. This room stores: it knows no sockets, no HTTP and no DIMSE status.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod deliveries;
pub mod delivery;
pub mod destination;
pub mod documents;
pub mod entry;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod local;
pub mod outbox;
pub mod payloads;
pub mod statistics;

pub use deliveries::{BecameDue, Deliveries};
pub use delivery::{
    Attempt, Cursor, Delivery, Details, Filter, HeldReason, Lease, LeaseRequest, Leased, Left, Listed,
    Outcome, Page, RetrySchedule, SHARE_MIN, State, Token,
};
pub use destination::Destination;
pub use documents::{Document, Documents, Write};
pub use entry::{Committed, Entry, EntryHeader, EntryId, EntryTrailer};
pub use error::Error;
pub use outbox::{Call, CallCount, CallId, CallLease, CallOutcome, CallToken, ListedCall, Outbox};
pub use payloads::{PayloadWriter, Payloads};
pub use statistics::{Gauge, NoObserver, Observer, Statistics};

/// All four ports of one backend, for those who hold them together.
pub trait Spool: Payloads + Deliveries + Documents + Outbox {}

impl<T: Payloads + Deliveries + Documents + Outbox> Spool for T {}
