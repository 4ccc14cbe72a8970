//! What is new by the origin's list of changes.

use std::time::Duration;

use dicomweb::change_feed::{Action, CHANGES_MAX, Change, ChangeState, Changes};
use futures::stream;
use jiff::Timestamp;

use super::fault::Fault;
use super::intake::Wanting;
use super::position::{Kept, LastChange};
use super::room;
use super::round::{Ended, Job, Round, Source};

/// Changes asked for at once. 200 is the most that servers give.
const PAGE: u32 = CHANGES_MAX;

/// Changes asked for at once where each comes with all metadata, of a few kilobytes as a rule.
const PAGE_WITH_METADATA: u32 = 50;

/// A page with fewer changes than that is the last one. 10: the fewest that a server gives at once, whatever it is
/// asked for.
const PAGE_MIN: u32 = 10;

/// Takes what is new, page after page; a page is done with once all of it is in the spool, or held. Behind an
/// instance that cannot be had now the others are taken, and the position stays before it.
pub(super) async fn round(
    round: &mut Round,
    source: &Source<'_>,
    kept: &mut Kept,
    settle: Duration,
) -> Result<Ended, Fault> {
    let with_modality = !source.pull.modalities.is_empty();
    let limit = if with_modality { PAGE_WITH_METADATA } else { PAGE };
    round.clock.learn(source.origin).await;
    let mut last = match kept.position.change {
        Some(last) => last,
        None => {
            let timestamp = source.pull.since.unwrap_or_else(|| round.clock.now());
            *kept.position.change.insert(LastChange { timestamp, sequence: 0 })
        }
    };
    kept.write().await?;
    let (mut offset, mut before, mut missed) = (0, Vec::new(), None);
    loop {
        if let Some(why) = room::lacking(&*source.core.ports.deliveries, source.pull, source.origin).await? {
            return Ok(Ended::Waits(why));
        }
        let settled = |round: &Round| round.clock.now().saturating_sub(settle).unwrap_or(Timestamp::MIN);
        let until = settled(round);
        if until <= last.timestamp {
            break;
        }
        let wanted = Changes { since: last.timestamp, until, offset, limit, with_modality };
        let began = std::time::Instant::now();
        let page = source.origin.bulk.changes(&wanted).await;
        let metrics = &source.core.metrics;
        metrics.count_origin_request(&source.origin.name, "changes", began.elapsed(), page.as_ref().err());
        let page = page.map_err(Fault::Origin)?;
        round.clock.heard(page.clock_ahead);
        let until = until.min(settled(round));
        note_unreadable(source, u64::from(page.entries).saturating_sub(page.changes.len() as u64));
        if page.changes.is_empty() && page.entries > 0 {
            // The profile, or the server, is another one than was thought: nothing is behind us yet.
            return Err(Fault::List("no change of the list makes sense".to_owned()));
        }
        let places: Vec<_> = page.changes.iter().map(place).collect();
        if offset > 0 && places == before {
            if page.entries >= limit {
                return Err(Fault::List(stuck(last.timestamp)));
            }
            // All that there is fits into one page.
            break;
        }
        before = places;
        // What is given from behind the end would take the position there, past all that comes before it.
        let is_fresh = |change: &Change| place(change) > last && change.timestamp < until;
        let fresh: Vec<Change> = page.changes.into_iter().filter(is_fresh).collect();
        note_other_partitions(source, &fresh);
        let jobs: Vec<_> = fresh.iter().filter_map(|change| job(source, change)).map(Ok).collect();
        let fault = round.take_all(source, kept, stream::iter(jobs)).await?;
        missed = missed.or(fault);
        // Where a whole page is of one moment, what is behind it has the same moment.
        offset = match fresh.iter().map(place).max() {
            Some(newest) => {
                last = newest;
                if missed.is_none() {
                    kept.position.change = Some(newest);
                }
                0
            }
            None => offset + u64::from(page.entries),
        };
        kept.write().await?;
        if page.entries < PAGE_MIN {
            break;
        }
    }
    missed.map_or(Ok(Ended::UpToDate), Err)
}

/// What is wrong with a list that begins anew whatever is to be left out at its beginning.
fn stuck(moment: Timestamp) -> String {
    format!(
        "the origin gives the same changes again whatever `offset` it is asked for, so that those behind the first \
         ones of {moment} cannot be had: set `method = \"search\"` for this pull, or `since` behind that moment \
         under another `name`, and tell whoever runs the origin"
    )
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
    if change.state != ChangeState::Current || is_elsewhere(source, change) {
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
    Some(Job { wanting, changed: Some(change.timestamp), stored })
}

/// Whether a change is in another partition than the origin's paths lead into. The list spans all of them.
fn is_elsewhere(source: &Source<'_>, change: &Change) -> bool {
    let own = source.origin.client.profile().paths.partition();
    own.zip(change.partition.as_deref()).is_some_and(|(own, of)| !own.eq_ignore_ascii_case(of))
}

fn note_other_partitions(source: &Source<'_>, changes: &[Change]) {
    let others: Vec<_> = changes.iter().filter(|change| is_elsewhere(source, change)).collect();
    if let Some(first) = others.first() {
        let (pull, origin, count) = (&source.pull.name, &source.origin.name, others.len());
        let partition = first.partition.as_deref().unwrap_or_default();
        tracing::info!(pull, origin, count, partition, "changes of other partitions are left where they are");
        others.iter().for_each(|_| source.count("other_partition"));
    }
}

fn note_unreadable(source: &Source<'_>, count: u64) {
    if count > 0 {
        let (pull, origin) = (&source.pull.name, &source.origin.name);
        tracing::error!(pull, origin, count, "changes that make no sense are left out");
        (0..count).for_each(|_| source.count("unreadable"));
    }
}
