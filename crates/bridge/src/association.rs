//! Associations: from the socket to the answer.
//!
//! [`listen`] accepts connections under caps of their own ([`admission`]); [`negotiate`] decides about
//! the A-ASSOCIATE-RQ; [`serve`] carries an association from its first to its last PDU, and
//! [`messages`] is its loop: one half receives and hands requests to the services, the other writes
//! their answers in the order in which they come.

pub(crate) mod admission;
pub(crate) mod listen;
mod messages;
mod negotiate;
mod serve;

use std::{net::IpAddr, sync::Arc};

use instance::AeTitle;

use crate::{bridge::Core, config::Services, snapshot::Snapshot};

/// What the services know of the association that a request came on.
pub(crate) struct Context {
    /// The bridge.
    pub(crate) core: Arc<Core>,
    /// The configuration that the association began with.
    pub(crate) snapshot: Arc<Snapshot>,
    /// Calling AE title.
    pub(crate) calling: AeTitle,
    /// Called AE title.
    pub(crate) called: AeTitle,
    /// Where the peer called from.
    pub(crate) peer_address: IpAddr,
    /// User identity, where it is a name.
    pub(crate) user: Option<String>,
    /// What the peer may do.
    pub(crate) allowed: Services,
    /// The peer's label in metrics.
    pub(crate) label: String,
}
