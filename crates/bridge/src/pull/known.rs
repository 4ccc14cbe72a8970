//! What need not be pulled, by the delivery records of the own spool.

use instance::Uid;
use jiff::Timestamp;
use spool::{Deliveries, Destination, Error, State};

use super::clock::Clock;
use super::round::Job;
use crate::config::Pull;

/// What stands in front of the time of a change, in the record of what was pulled.
const AS_OF: &str = ", as of ";

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

/// Who brought an instance, for its record: the pull, and the time of the change by the origin's own clock, which
/// tells later whether it has changed since.
pub(super) fn user(pull: &Pull, changed: Option<Timestamp>) -> String {
    let as_of = changed.map(|changed| format!("{AS_OF}{changed}")).unwrap_or_default();
    format!("pull {} from {}{as_of}", pull.name, pull.origin)
}

/// The time of the change by which an instance was pulled from the origin of `pull`, where its record tells.
fn as_of(user: Option<&str>, pull: &Pull) -> Option<Timestamp> {
    let (who, changed) = user?.rsplit_once(AS_OF)?;
    who.ends_with(&format!(" from {}", pull.origin)).then_some(())?;
    changed.parse().ok()
}

/// Looks an instance up. What was taken before it was changed last was another content; where nobody knows when
/// that was, any is the same.
pub(super) async fn look_up(
    deliveries: &dyn Deliveries,
    pull: &Pull,
    clock: Clock,
    job: &Job,
) -> Result<Known, Error> {
    let sop_instance_uid: &Uid = &job.wanting.instance;
    let source = Destination::Origin(pull.origin.clone());
    let mut own = false;
    for found in deliveries.find_by_sop_instance(sop_instance_uid).await? {
        let header = &found.entry.header;
        let recent = job.changed.is_none_or(|changed| match as_of(header.user.as_deref(), pull) {
            Some(as_of) => as_of >= changed,
            None => clock.is_after(header.accepted_at, changed),
        });
        let goes_to =
            |destination: &Destination| found.deliveries.iter().any(|one| one.destination == *destination);
        if recent && pull.to.iter().all(goes_to) {
            return Ok(Known::Taken);
        }
        own |= found.deliveries.iter().any(|one| {
            // What was stored there after this bridge had done so was stored by somebody else.
            let since = |changed| one.delivered_at.is_some_and(|at| clock.is_before(at, changed));
            one.destination == source
                && (one.state.is_pending() || one.state == State::Delivered)
                && !job.changed.is_some_and(since)
        });
    }
    Ok(if own && job.stored && !pull.own { Known::Own } else { Known::Not })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PullMethod;

    #[test]
    fn the_time_of_a_change_is_found_again_in_the_record() {
        let pull = |name: &str, origin: &str| {
            Pull::new(name, origin, vec!["archive".parse().unwrap()], PullMethod::Search { days: 7 })
        };
        let changed: Timestamp = "2026-11-22T10:00:00.1234567Z".parse().unwrap();
        let written = user(&pull("back", "cloud"), Some(changed));
        assert_eq!(as_of(Some(&written), &pull("back", "cloud")), Some(changed));
        assert_eq!(as_of(Some(&written), &pull("renamed", "cloud")), Some(changed));
        assert_eq!(as_of(Some(&written), &pull("back", "other")), None, "that is another clock");
        assert_eq!(as_of(Some(&user(&pull("back", "cloud"), None)), &pull("back", "cloud")), None);
        assert_eq!(as_of(Some("Dr. No"), &pull("back", "cloud")), None);
        assert_eq!(as_of(None, &pull("back", "cloud")), None);
    }
}
