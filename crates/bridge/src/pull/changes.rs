//! What is new by the origin's list of changes.

use std::time::{Duration, SystemTime};

use dicomweb::change_feed::{Action, CHANGES_MAX, Change, ChangeState, Changes};
use futures::stream;
use jiff::Timestamp;

use super::intake::{Fault, Wanting};
use super::position::{Kept, LastChange};
use super::room;
use super::round::{Ended, Job, Round, Source};

/// Changes asked for at once. 200 is the most that servers give.
const PAGE: u32 = CHANGES_MAX;

/// Changes asked for at once where each comes with all metadata, of a few kilobytes as a rule.
const PAGE_WITH_METADATA: u32 = 50;

/// Takes what is new, page after page; a page is done with once all of it is in the spool.
pub(super) async fn round(
    round: &mut Round,
    source: &Source<'_>,
    kept: &mut Kept,
    settle: Duration,
) -> Result<Ended, Fault> {
    let with_modality = !source.pull.modalities.is_empty();
    let limit = if with_modality { PAGE_WITH_METADATA } else { PAGE };
    let mut offset = 0;
    loop {
        if let Some(why) = room::lacking(&*source.core.ports.deliveries, source.pull, source.origin).await? {
            return Ok(Ended::Waits(why));
        }
        let last = match kept.position.change {
            Some(last) => last,
            None => {
                let timestamp = source.pull.since.unwrap_or_else(Timestamp::now);
                *kept.position.change.insert(LastChange { timestamp, sequence: 0 })
            }
        };
        kept.write().await?;
        let until = Timestamp::now().saturating_sub(settle).unwrap_or(Timestamp::MIN);
        if until <= last.timestamp {
            return Ok(Ended::UpToDate);
        }
        let wanted = Changes { since: last.timestamp, until, offset, limit, with_modality };
        let began = std::time::Instant::now();
        let page = source.origin.bulk.changes(&wanted).await;
        let metrics = &source.core.metrics;
        metrics.count_origin_request(&source.origin.name, "changes", began.elapsed(), page.as_ref().err());
        let page = page?;
        note_unreadable(source, u64::from(page.entries).saturating_sub(page.changes.len() as u64));
        if page.changes.is_empty() && page.entries > 0 {
            // The profile, or the server, is another one than was thought: nothing is behind us yet.
            return Err(Fault::Instance("no change of the list makes sense".to_owned()));
        }
        // What is given from behind the end would take the position there, past all that comes before it.
        let is_fresh = |change: &Change| place(change) > last && change.timestamp < until;
        let fresh: Vec<Change> = page.changes.into_iter().filter(is_fresh).collect();
        let jobs: Vec<_> = fresh.iter().filter_map(|change| job(source, change)).map(Ok).collect();
        round.take_all(source, kept, stream::iter(jobs)).await?;
        // Where a whole page is of one moment, what is behind it has the same moment.
        offset = match fresh.iter().map(place).max() {
            Some(newest) => {
                kept.position.change = Some(newest);
                0
            }
            None => offset + u64::from(page.entries),
        };
        kept.write().await?;
        if page.entries < limit {
            return Ok(Ended::UpToDate);
        }
    }
}

const fn place(change: &Change) -> LastChange {
    LastChange { timestamp: change.timestamp, sequence: change.sequence }
}

/// What a change asks for; nothing where a later one says how things are, or where it takes something away.
fn job(source: &Source<'_>, change: &Change) -> Option<Job> {
    let stored = match change.action {
        Action::Create => true,
        Action::Update => false,
        Action::Delete | Action::Other => return None,
    };
    if change.state != ChangeState::Current {
        return None;
    }
    if !source.pull.wants(change.modality.as_deref()) {
        source.count("unwanted");
        return None;
    }
    let wanting = Wanting {
        study: change.study.clone(),
        series: change.series.clone(),
        instance: change.instance.clone(),
    };
    Some(Job { wanting, changed: Some(SystemTime::from(change.timestamp)), stored })
}

fn note_unreadable(source: &Source<'_>, count: u64) {
    if count > 0 {
        let (pull, origin) = (&source.pull.name, &source.origin.name);
        tracing::error!(pull, origin, count, "changes that make no sense are left out");
        (0..count).for_each(|_| source.count("unreadable"));
    }
}
