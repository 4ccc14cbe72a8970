//! Whether there is room for more, and whether it is the time of day for it.

use spool::{Deliveries, Error};

use crate::config::Pull;
use crate::snapshot::Origin;

/// Why nothing is pulled now; none where there is room.
pub(super) async fn lacking(
    deliveries: &dyn Deliveries,
    pull: &Pull,
    origin: &Origin,
) -> Result<Option<&'static str>, Error> {
    if origin.client.pace().is_closed_for_deliveries() {
        return Ok(Some("it is not the time of day for pulls (`rate_limit` of the origin)"));
    }
    let statistics = deliveries.statistics().await?;
    if statistics.intake_refused.is_some() {
        return Ok(Some("the spool takes nothing"));
    }
    for destination in &pull.to {
        let waiting = statistics
            .gauges
            .iter()
            .filter(|gauge| gauge.destination.as_ref() == Some(destination) && gauge.state.is_pending())
            .map(|gauge| gauge.bytes);
        if waiting.sum::<u64>() > pull.backlog_max {
            return Ok(Some("more than `backlog_max` waits for a destination"));
        }
    }
    Ok(None)
}
