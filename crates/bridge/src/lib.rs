//! The decisions: services, mapping, routing, forwarding, metrics.
//!
//! An instance comes in through an association and [`service::storage`], is given its destinations
//! by [`routing`], rests in the spool, and leaves through [`forward`]. [`mapping`] says what every
//! failure means to a DIMSE peer. [`config`] is what all of them decide by, and [`Bridge`] is the
//! whole of it, running.

mod association;
mod bridge;
pub mod config;
pub mod forward;
pub mod mapping;
mod memory;
pub mod metrics;
mod outbox;
mod pull;
mod rewriting;
pub mod routing;
pub mod service;
mod snapshot;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod transcode;
pub mod worklist;

pub use self::{
    association::listen::bind,
    bridge::{Bridge, Drained, Ports, Readiness},
    config::{Config, ConfigError},
    memory::{MemoryBudget, Reserved},
    metrics::Metrics,
    outbox::in_words as call_in_words,
    snapshot::StartError,
};
