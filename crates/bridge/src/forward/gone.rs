//! Deliveries to destinations that are not configured any more.

use std::sync::Arc;

use futures::future::join_all;
use spool::{Deliveries, Destination, Filter, HeldReason, Listed, State};

use crate::snapshot::Snapshot;

/// Lines of one page.
const PAGE: usize = 500;

/// Holds every pending delivery whose destination `snapshot` does not know, with that reason.
pub(crate) async fn hold_all(deliveries: Arc<dyn Deliveries>, snapshot: Arc<Snapshot>) {
    let statistics = match deliveries.statistics().await {
        Ok(statistics) => statistics,
        Err(error) => return tracing::error!(%error, "the spool cannot tell its destinations"),
    };
    for gauge in statistics.gauges {
        let (Some(destination), State::Due | State::Deferred) = (gauge.destination, gauge.state) else {
            continue;
        };
        if gauge.entries == 0 || snapshot.config.knows(&destination) {
            continue;
        }
        match hold(&*deliveries, &destination, gauge.state).await {
            Ok(held) => tracing::error!(%destination, held, "the destination is not configured any more"),
            Err(error) => tracing::error!(%destination, %error, "deliveries could not be held"),
        }
    }
}

async fn hold(
    deliveries: &dyn Deliveries,
    destination: &Destination,
    state: State,
) -> Result<usize, spool::Error> {
    let filter = Filter { destination: Some(destination.clone()), state: Some(state), ..Filter::default() };
    let (mut cursor, mut held) = (None, 0);
    loop {
        let page = deliveries.list(&filter, cursor, PAGE).await?;
        let hold =
            |line: &Listed| deliveries.hold(line.entry_id, Some(destination), HeldReason::DestinationGone);
        // A page at once, so that its holds share the syncs of the index.
        for changed in join_all(page.lines.iter().map(hold)).await {
            held += changed?;
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(held);
        }
    }
}
