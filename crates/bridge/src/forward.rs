//! Deliveries: from the spool to origin servers and DIMSE peers.
//!
//! [`scheduler`] is the one task that leases what is due, as far as each destination's circuit
//! [`breaker`] and workers allow. [`delivery`] makes one attempt of a batch; [`verdict`] says what an
//! answer means for an instance, and [`batch`] how a refused batch is divided, [`put_off`] which
//! instances make the origin ask for time. What the answer left open is settled by [`duplicate`] and by a search.

pub mod back_off;
pub mod batch;
pub mod breaker;
pub(crate) mod condition;
pub(crate) mod confirmation;
pub(crate) mod delivery;
pub(crate) mod duplicate;
pub mod edit;
pub(crate) mod gone;
mod lane;
pub(crate) mod peer;
pub(crate) mod put_off;
pub(crate) mod scheduler;
pub(crate) mod settlement;
pub mod verdict;
