//! Why a retrieve was not begun.

use super::keys::KeyError;
use crate::service::query::QueryError;

/// Why a retrieve was not begun. What it means to a DIMSE peer stands in
/// [`mapping::status`](crate::mapping::status).
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetrieveRefusal {
    /// The identifier names nothing that could be retrieved.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The Move Destination is no peer of the configuration, or one without an address.
    #[error("the move destination is not a peer with an address")]
    DestinationUnknown,
    /// The instances could not be listed.
    #[error("the instances cannot be listed: {0}")]
    Listing(#[from] QueryError),
    /// More than [`Retrieve::instances_max`](crate::config::Retrieve::instances_max).
    #[error("more than {0} instances")]
    TooManyInstances(usize),
}
