//! Waiting until destinations have confirmed an instance that is in the spool.

use futures::future::try_join_all;
use spool::{Destination, EntryId, State};
use tokio::time::timeout;

use crate::{
    association::Context,
    forward::confirmation::{Awaited, Settled},
    service::DestinationRefusal,
};

/// Waits until each of `destinations` has the instance. A refusal leaves the entry where it is: held
/// for a person, or still to be delivered.
pub(super) async fn wait(
    context: &Context,
    entry_id: EntryId,
    destinations: Vec<Destination>,
) -> Result<(), DestinationRefusal> {
    let confirmations = &context.core.confirmations;
    let awaited = destinations.into_iter().map(|destination| confirmations.watch(entry_id, destination));
    let all = try_join_all(awaited.map(|awaited| one(context, entry_id, awaited)));
    match timeout(context.snapshot.config.timers.stored, all).await {
        Ok(confirmed) => confirmed.map(|_| ()),
        Err(_) => Err(DestinationRefusal::NotInTime),
    }
}

async fn one(context: &Context, entry_id: EntryId, mut awaited: Awaited) -> Result<(), DestinationRefusal> {
    // The delivery may have been quicker than this task was to watch it.
    let settled = match already(context, entry_id, awaited.destination()).await {
        Some(settled) => settled,
        None => awaited.settled().await,
    };
    match settled {
        Settled::Held(words) => Err(DestinationRefusal::Held(words)),
        Settled::Delivered | Settled::Open => Ok(()),
    }
}

async fn already(context: &Context, entry_id: EntryId, destination: &Destination) -> Option<Settled> {
    let details = context.core.ports.deliveries.show(entry_id).await.ok()?;
    let delivery = details.deliveries.into_iter().find(|delivery| delivery.destination == *destination)?;
    match delivery.state {
        State::Delivered => Some(Settled::Delivered),
        State::Held | State::Quarantined => Some(Settled::Held(delivery.reason.unwrap_or_default())),
        State::Due | State::Delivering | State::Deferred => None,
    }
}
