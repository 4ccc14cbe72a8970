//! What is new by the origin's list of changes.

use std::time::Duration;

use dicomweb::change_feed::{Action, CHANGES_MAX, Change, ChangePage, ChangeState, Changes};
use futures::stream;
use jiff::{SignedDuration, Timestamp};

use super::fault::Fault;
use super::intake::Wanting;
use super::position::{Kept, LastChange, Position};
use super::room;
use super::round::{Ended, Job, Round, Source};
use super::studies::GROWS;

/// Changes asked for at once. 200 is the most that servers give.
const PAGE: u32 = CHANGES_MAX;

/// Changes asked for at once where each comes with all metadata, of a few kilobytes as a rule.
const PAGE_WITH_METADATA: u32 = 50;

/// A page with fewer changes than that is the last one. 10: the fewest that a server gives at once, whatever it is
/// asked for.
const PAGE_MIN: u32 = 10;

/// Pages of one round that hold more failed instances than a round looks at. 10, each of a few requests: the next
/// round goes on behind them, and then begins anew.
const REFUSED_MAX: usize = 10;

/// Changes that a page should have had and the next one has, which show that it was cut. 10: a few are listed late,
/// later than `settle` says.
const LEFT_OUT_MIN: usize = 10;

/// What is looked at next behind changes that are given again and again. 1 ms: servers tell that apart.
const BEHIND: SignedDuration = SignedDuration::from_millis(1);

/// How far one passage through the list has come.
struct Passage {
    last: LastChange,
    /// Changes at the moment of the last one that are left out.
    offset: u64,
    /// The page before, while nothing was new in it.
    before: Vec<LastChange>,
    /// How many changes the page before had, and where the list ended when it was asked for.
    previous: Option<(u32, Timestamp)>,
    /// A page that was given twice, behind which is looked, and where the list ended when it was given first.
    repeated: Option<(Vec<LastChange>, Timestamp)>,
    /// Why the position stays where it is.
    missed: Option<Fault>,
    refused: usize,
    /// Whether the passage begins at the position.
    from_position: bool,
}

/// Takes what is new, page after page; a page is done with once all of it is in the spool, or held. Behind an
/// instance that cannot be had now the others are taken, and the position stays before it.
pub(super) async fn round(
    round: &mut Round,
    source: &Source<'_>,
    kept: &mut Kept,
    settle: Duration,
) -> Result<Ended, Fault> {
    round.clock.learn(source.origin).await;
    let position = match kept.position.change {
        Some(position) => position,
        None => *kept.position.change.insert(begin(round, source, &kept.position)),
    };
    kept.write().await?;
    if let Some(behind) = round.behind.take().filter(|behind| *behind > position) {
        let ended = pass(round, source, kept, settle, Passage::from(behind, false)).await?;
        if ended != Ended::UpToDate {
            return Ok(ended);
        }
    }
    pass(round, source, kept, settle, Passage::from(position, true)).await
}

/// Where the first round begins: where searches have ended, if the pull had that method before.
fn begin(round: &Round, source: &Source<'_>, position: &Position) -> LastChange {
    let since = source.pull.since;
    // Where studies are missing, the time of their changes is not known.
    let searched = position.searched.filter(|_| position.kept_back.is_none() || since.is_none());
    let searched = searched.and_then(|searched| Timestamp::from_second(searched.saturating_sub(GROWS)).ok());
    let timestamp = searched.or(since).unwrap_or_else(|| round.clock.now());
    LastChange { timestamp, sequence: 0 }
}

/// Passes through the list once, to its end.
async fn pass(
    round: &mut Round,
    source: &Source<'_>,
    kept: &mut Kept,
    settle: Duration,
    mut passage: Passage,
) -> Result<Ended, Fault> {
    let with_modality = !source.pull.modalities.is_empty();
    let limit = if with_modality { PAGE_WITH_METADATA } else { PAGE };
    loop {
        if let Some(why) = room::lacking(&*source.core.ports.deliveries, source.pull, source.origin).await? {
            return Ok(Ended::Waits(why));
        }
        let settled = |round: &Round| round.clock.now().saturating_sub(settle).unwrap_or(Timestamp::MIN);
        // Behind a page that was given twice, only what was there by then tells that it was cut.
        let (since, until) = (passage.last.timestamp, settled(round).min(passage.ended()));
        if until <= since {
            break;
        }
        let page =
            ask(source, &Changes { since, until, offset: passage.offset, limit, with_modality }).await?;
        round.clock.heard(page.clock_ahead);
        let until = until.min(settled(round));
        let (entries, places) = (page.entries, page.changes.iter().map(place).collect::<Vec<_>>());
        // It gives more than that at once, so pages of that length were not cut.
        round.cut = round.cut.filter(|cut| entries <= *cut);
        if passage.offset > 0 && places == passage.before {
            let is_cut = entries >= limit || round.cut.is_some_and(|cut| entries >= cut);
            if !passage.looks_behind(places, is_cut) {
                break;
            }
            if passage.refused >= REFUSED_MAX {
                round.behind = Some(passage.last);
                break;
            }
            continue;
        }
        // What is given from behind the end would take the position there, past all that comes before it.
        let is_fresh = |change: &Change| place(change) > passage.last && change.timestamp < until;
        let fresh: Vec<Change> = page.changes.into_iter().filter(is_fresh).collect();
        passage.learn_from(&fresh, &mut round.cut);
        passage.previous = Some((entries, until));
        note_other_partitions(source, &fresh);
        let mut jobs: Vec<_> = fresh.iter().filter_map(|change| job(source, change)).map(Ok).collect();
        if round.is_failing() {
            // Where the first ones are refused the last ones may not be.
            jobs.reverse();
        }
        match round.take_all(source, kept, stream::iter(jobs)).await {
            Ok(fault) => passage.missed = passage.missed.or(fault),
            Err(fault) if fault.is_of_instance() => {
                // The pages behind would take as long again.
                passage.refused += if fault.is_time_out() { REFUSED_MAX } else { 1 };
                passage.missed.get_or_insert(fault);
            }
            Err(fault) => return Err(fault),
        }
        let newest = fresh.iter().map(place).max();
        passage.go_on(newest, entries, places);
        // Where nothing is new the passage may be behind what is listed later.
        if newest.is_some() && passage.missed.is_none() && passage.from_position {
            kept.position.change = newest;
        }
        kept.write().await?;
        if entries < PAGE_MIN {
            break;
        }
        if passage.refused >= REFUSED_MAX {
            round.behind = Some(passage.last);
            break;
        }
    }
    passage.missed.map_or(Ok(Ended::UpToDate), Err)
}

impl Passage {
    fn from(last: LastChange, from_position: bool) -> Self {
        let (offset, before, previous, repeated) = (0, Vec::new(), None, None);
        Self { last, offset, before, previous, repeated, missed: None, refused: 0, from_position }
    }

    /// Notes that a page was given again although all of it was to be left out: the server does not know `offset`.
    /// All that there is may fit into that page; what comes behind it shows whether it did. Tells whether there may
    /// be more to look at, by this round or the next one.
    fn looks_behind(&mut self, places: Vec<LastChange>, is_cut: bool) -> bool {
        self.refused += 1;
        if is_cut || self.refused >= REFUSED_MAX {
            self.missed.get_or_insert_with(|| Fault::List(stuck(self.last.timestamp)));
        }
        if self.repeated.as_ref().is_some_and(|(repeated, _)| *repeated == places) {
            return false;
        }
        let Ok(timestamp) = self.last.timestamp.saturating_add(BEHIND) else { return false };
        self.last = LastChange { timestamp, sequence: 0 };
        let repeated = Some((places, self.previous.map_or(Timestamp::MAX, |(_, until)| until)));
        (self.offset, self.before, self.previous, self.repeated) = (0, Vec::new(), None, repeated);
        true
    }

    /// Where the list ends that is looked at behind a page that was given twice.
    fn ended(&self) -> Timestamp {
        self.repeated.as_ref().map_or(Timestamp::MAX, |(_, until)| *until)
    }

    /// Learns from what is new in a page that the one before it was cut.
    fn learn_from(&mut self, fresh: &[Change], cut: &mut Option<u32>) {
        if fresh.is_empty() {
            return;
        }
        if let Some((entries, until)) = self.previous {
            let left_out = fresh.iter().filter(|change| change.timestamp < until).count();
            if left_out >= LEFT_OUT_MIN {
                *cut = (*cut).max(Some(entries));
            }
        }
        if let Some(before) = self.repeated.take().and_then(|(places, _)| places.into_iter().max()) {
            self.missed.get_or_insert_with(|| Fault::List(stuck(before.timestamp)));
        }
    }

    /// Goes on behind the newest change of a page; where a whole page is of one moment, what is behind it has the
    /// same moment.
    fn go_on(&mut self, newest: Option<LastChange>, entries: u32, places: Vec<LastChange>) {
        self.offset = match newest {
            Some(newest) => {
                self.last = newest;
                0
            }
            None => self.offset + u64::from(entries),
        };
        self.before = places;
    }
}

/// Asks for a part of the list.
async fn ask(source: &Source<'_>, wanted: &Changes) -> Result<ChangePage, Fault> {
    let began = std::time::Instant::now();
    let page = source.origin.bulk.changes(wanted).await;
    let metrics = &source.core.metrics;
    metrics.count_origin_request(&source.origin.name, "changes", began.elapsed(), page.as_ref().err());
    let page = page.map_err(Fault::Origin)?;
    note_unreadable(source, u64::from(page.entries).saturating_sub(page.changes.len() as u64));
    if page.changes.is_empty() && page.entries > 0 {
        // The profile, or the server, is another one than was thought: nothing is behind us yet.
        return Err(Fault::List("no change of the list makes sense".to_owned()));
    }
    Ok(page)
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
        // Whoever stores may call it otherwise.
        Action::Create | Action::Other => true,
        // It has other content now, whoever stored it.
        Action::Update => false,
        Action::Delete => return None,
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
pub(super) fn is_elsewhere(source: &Source<'_>, change: &Change) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_late_changes_are_no_proof_that_a_list_was_cut() {
        let moment = |second| Timestamp::from_second(second).unwrap();
        let change = |second| Change {
            sequence: 1,
            timestamp: moment(second),
            action: Action::Create,
            state: ChangeState::Current,
            study: "1.2.1".parse().unwrap(),
            series: "1.2.2".parse().unwrap(),
            instance: "1.2.3".parse().unwrap(),
            modality: None,
            partition: None,
        };
        // How many were left out of the page before, and what was known and is known then.
        for (left_out, known, expected) in
            [(1, None, None), (9, Some(12), Some(12)), (10, None, Some(20)), (10, Some(50), Some(50))]
        {
            let mut passage = Passage::from(LastChange { timestamp: moment(0), sequence: 0 }, true);
            passage.previous = Some((20, moment(100)));
            let fresh: Vec<_> =
                (0..20).map(|number| change(if number < left_out { 99 } else { 100 })).collect();
            let mut cut = known;
            passage.learn_from(&fresh, &mut cut);
            assert_eq!(cut, expected, "{left_out}");
            assert!(passage.missed.is_none());
        }
    }
}
