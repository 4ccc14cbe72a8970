//! The decisions: services, mapping, routing, forwarding, metrics.
//!
//! An instance comes in through an association and the storage service, is given its destinations
//! by [`routing`], rests in the spool, and leaves through [`forward`]. [`config`] is what all of
//! them decide by, and [`Bridge`] is the whole of it, running.

mod bridge;
pub mod config;
pub mod forward;
pub mod metrics;
pub mod routing;
mod snapshot;

pub use self::{
    bridge::{Bridge, Drained, Ports, Readiness},
    config::{Config, ConfigError},
    metrics::Metrics,
    snapshot::StartError,
};
