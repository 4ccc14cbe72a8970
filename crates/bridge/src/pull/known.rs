//! What need not be pulled, by the delivery records of the own spool.

use std::time::{Duration, SystemTime};

use instance::Uid;
use spool::{Deliveries, Destination, Error, State};

use crate::config::Pull;

/// How exactly the records keep times.
const TICK: Duration = Duration::from_millis(1);

/// What the own records say of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing that keeps it from being pulled.
    Not,
    /// It was taken for these destinations already.
    Taken,
    /// This bridge stored it there.
    Own,
}

/// Has the records know everything that was committed before this call.
pub(super) async fn catch_up(deliveries: &dyn Deliveries, pull: &Pull) -> Result<(), Error> {
    match pull.to.first() {
        Some(destination) => deliveries.undelivered_studies(destination, None, 1).await.map(drop),
        None => Ok(()),
    }
}

/// Looks an instance up. What was taken before `changed` was another content; none: any is the same.
/// `stored` tells that it was stored there rather than changed, which this bridge may have done.
pub(super) async fn look_up(
    deliveries: &dyn Deliveries,
    pull: &Pull,
    sop_instance_uid: &Uid,
    changed: Option<SystemTime>,
    stored: bool,
) -> Result<Known, Error> {
    let source = Destination::Origin(pull.origin.clone());
    let mut own = false;
    for found in deliveries.find_by_sop_instance(sop_instance_uid).await? {
        let recent = changed.is_none_or(|changed| found.entry.header.accepted_at + TICK >= changed);
        let goes_to =
            |destination: &Destination| found.deliveries.iter().any(|one| one.destination == *destination);
        if recent && pull.to.iter().all(goes_to) {
            return Ok(Known::Taken);
        }
        let stores = |state: State| state.is_pending() || state == State::Delivered;
        own |= found.deliveries.iter().any(|one| one.destination == source && stores(one.state));
    }
    Ok(if own && stored && !pull.own { Known::Own } else { Known::Not })
}
