//! What is new by searches for the studies of the last days, for origins without a list of changes.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};

use dataset::json::Item;
use dicomweb::{Error as OriginError, Level, MatchValue, Search, SearchLimits};
use futures::StreamExt;
use instance::{Tag, Uid};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::fault::Fault;
use super::intake::Wanting;
use super::position::{Kept, STUDIES_MAX, Seen};
use super::room;
use super::round::{Ended, Job, Round, Source};

/// (0020,1208) Number of Study Related Instances.
const STUDY_INSTANCES: Tag = Tag(0x0020, 0x1208);

/// How long a study is listed again in each round where the origin does not count its instances: a day, in
/// seconds. A study grows on its day.
pub(super) const GROWS: i64 = 24 * 60 * 60;

/// Studies after which the position is written down in the middle of a round.
const STUDIES_PER_WRITE: usize = 50;

/// Results that are read ahead: a page of a common server, so that no answer stands still while instances
/// are pulled.
const AHEAD: usize = 500;

/// Studies of one round that cannot be had, each of a few requests; with more it is the origin that fails. 10.
const FAILED_MAX: usize = 10;

/// How long studies that cannot be had keep more days in view than `days`: 30 days, in seconds. A month, in which
/// whoever runs the origin mends it; without it one study would make the searches longer for ever.
const KEPT_BACK_MAX: i64 = 30 * 24 * 60 * 60;

/// A study of the origin.
struct Study {
    uid: Uid,
    instances: Option<i64>,
}

/// What became of the instances of a study.
struct Taken {
    listed: i64,
    /// Why some are to be asked for again.
    missed: Option<Fault>,
    /// Whether the studies behind would take as long again.
    stands_still: bool,
}

/// Looks for studies that are new or have grown, and takes their instances, study by study.
pub(super) async fn round(
    round: &mut Round,
    source: &Source<'_>,
    kept: &mut Kept,
    days: u16,
) -> Result<Ended, Fault> {
    round.clock.learn(source.origin).await;
    let now = round.clock.now();
    let begins = kept.position.studies.is_none();
    let since = begins_at(source, kept);
    let (from, mut studies) = all_studies(source, kept, now, days).await?;
    let mut seen = kept.position.studies.clone().unwrap_or_default();
    if begins && since.is_none() {
        kept.position.studies = Some(left_alone(&studies, now));
        kept.position.searched = Some(now.as_second());
        kept.write().await?;
        return Ok(Ended::UpToDate);
    }
    // Each has its turn, however many cannot be had.
    let found: HashSet<Uid> = studies.iter().map(|study| study.uid.clone()).collect();
    round.failing_studies.retain(|uid, _| found.contains(uid));
    studies.sort_by_key(|study| round.failing_studies.get(&study.uid).copied().unwrap_or_default());
    let (mut unwritten, mut faults, mut left) = (0, Vec::new(), studies.iter());
    for study in left.by_ref() {
        let known = seen.get(study.uid.as_str()).copied();
        if known.is_some_and(|known| !has_grown(known, study)) {
            continue;
        }
        if let Some(why) = room::lacking(&*source.core.ports.deliveries, source.pull, source.origin).await? {
            return Ok(Ended::Waits(why));
        }
        let Taken { listed, missed, stands_still } = take(round, source, kept, study).await?;
        if let Some(fault) = missed {
            let rounds = round.failing_studies.entry(study.uid.clone()).or_default();
            *rounds = rounds.saturating_add(1);
            faults.push(fault);
            if stands_still || faults.len() > FAILED_MAX {
                break;
            }
            // It keeps no other one back.
            continue;
        }
        round.failing_studies.remove(&study.uid);
        let since = known.map_or(now.as_second(), |known| known.since);
        // What is counted and not listed yet is looked for again, for as long as a study grows.
        let grown = now.as_second().saturating_sub(since) >= GROWS;
        note_unlisted(source, study, listed, grown);
        let listed = if grown { i64::MAX } else { listed };
        let instances = study.instances.map(|counted| counted.min(listed));
        seen.insert(study.uid.to_string(), Seen { instances, since, before: false, grown });
        unwritten += 1;
        // In the first round only all of it counts: the next one looks at fewer days.
        if unwritten >= STUDIES_PER_WRITE && !begins {
            unwritten = 0;
            write(kept, &seen).await?;
        }
    }
    let is_done = |study: &Study| seen.get(study.uid.as_str()).is_some_and(|known| !has_grown(*known, study));
    let others_done = left.all(|study| is_done(study) || round.failing_studies.contains_key(&study.uid));
    let fault = faults.pop();
    match fault {
        None => (kept.position.searched, kept.position.kept_back) = (Some(now.as_second()), None),
        Some(_) if others_done => keep_back(source, kept, from, now, days),
        Some(fault) if begins => return Err(fault),
        Some(_) => {}
    }
    let found: HashSet<&str> = found.iter().map(Uid::as_str).collect();
    seen.retain(|uid, _| found.contains(uid.as_str()));
    write(kept, &seen).await?;
    fault.map_or(Ok(Ended::UpToDate), Err)
}

/// Studies that were there before the pull began.
fn left_alone(studies: &[Study], now: Timestamp) -> BTreeMap<String, Seen> {
    let since = now.as_second();
    let seen = |study: &Study| Seen { instances: study.instances, since, before: true, grown: true };
    studies.iter().map(|study| (study.uid.to_string(), seen(study))).collect()
}

/// Keeps the days in view on which some studies could not be had while all others could, but not for ever.
fn keep_back(source: &Source<'_>, kept: &mut Kept, from: Date, now: Timestamp, days: u16) {
    let position = &mut kept.position;
    let begun = *position.kept_back.get_or_insert(now.as_second());
    if now.as_second().saturating_sub(begun) >= KEPT_BACK_MAX {
        (position.searched, position.kept_back) = (Some(now.as_second()), None);
        note_passed_over(source, from, days_before(now, days), "some could not be had for 30 days");
    } else if position.searched.is_none() {
        // After the first round, so that the next one looks at the same days.
        let searched = from.saturating_add(i64::from(days).days()).to_zoned(TimeZone::UTC);
        position.searched = Some(searched.map_or(now, |searched| searched.timestamp()).as_second());
    }
}

/// The studies of the origin, and the first Study Date that was looked at. Where more days than `days` are too many,
/// it is those, so that what is new comes.
///
/// # Errors
/// As [`studies_since`]; too many studies within `days`, or since a moment that somebody has chosen.
async fn all_studies(
    source: &Source<'_>,
    kept: &mut Kept,
    now: Timestamp,
    days: u16,
) -> Result<(Date, Vec<Study>), Fault> {
    let (from, plain) = (begins_with(source, kept, now, days), days_before(now, days));
    if let Some(studies) = studies_since(source, from).await? {
        return Ok((from, studies));
    }
    let is_chosen = kept.position.studies.is_none() && kept.position.change.is_none();
    if from >= plain || is_chosen {
        return Err(too_many(from));
    }
    note_passed_over(source, from, plain, "they and those behind them are more than 20,000");
    (kept.position.searched, kept.position.kept_back) = (Some(now.as_second()), None);
    kept.write().await?;
    let studies = studies_since(source, plain).await?;
    studies.map(|studies| (plain, studies)).ok_or_else(|| too_many(plain))
}

fn too_many(from: Date) -> Fault {
    Fault::List(format!(
        "more than {STUDIES_MAX} studies since {from}: look at fewer `days`, or begin anew with another `name` and a later `since`"
    ))
}

/// Says which studies are not looked at any more although some may not have been had.
fn note_passed_over(source: &Source<'_>, from: Date, until: Date, why: &str) {
    if from < until {
        let (pull, origin) = (&source.pull.name, &source.origin.name);
        tracing::error!(pull, origin, %from, %until, why, "studies with a Study Date from `from` up to `until` are not looked at any more: compare them with the destination, and retrieve through the bridge what is missing");
    }
}

/// The first Study Date of `days` days.
fn days_before(moment: Timestamp, days: u16) -> Date {
    moment.to_zoned(TimeZone::UTC).date().saturating_sub(i64::from(days).days())
}

/// From when on things are looked for the first time: where the list of changes was left, if the pull had that method
/// before.
fn begins_at(source: &Source<'_>, kept: &Kept) -> Option<Timestamp> {
    kept.position.change.map(|last| last.timestamp).or(source.pull.since)
}

/// The first Study Date that is looked at. It is so many days before the last complete search, so that nothing gets
/// too old because the pull stood still meanwhile.
fn begins_with(source: &Source<'_>, kept: &Kept, now: Timestamp, days: u16) -> Date {
    let position = &kept.position;
    let searched = position.searched.and_then(|searched| Timestamp::from_second(searched).ok());
    match (&position.studies, searched, position.change) {
        (_, Some(searched), _) => days_before(now.min(searched), days),
        (None, None, Some(last)) => days_before(now.min(last.timestamp), days),
        (None, None, None) => days_before(now, days).min(days_before(source.pull.since.unwrap_or(now), 0)),
        (Some(_), None, _) => days_before(now, days),
    }
}

/// Takes the instances of a study.
///
/// # Errors
/// The own spool.
async fn take(
    round: &mut Round,
    source: &Source<'_>,
    kept: &mut Kept,
    study: &Study,
) -> Result<Taken, Fault> {
    let (listed, unreadable) = (AtomicI64::new(0), AtomicI64::new(0));
    let jobs = instances(source, &study.uid, &listed, &unreadable);
    let (mut missed, stands_still) = match round.take_all(source, kept, jobs).await {
        Ok(missed) => (missed, false),
        Err(fault @ Fault::Spool(_)) => return Err(fault),
        Err(fault) => {
            // Where it is the origin, it is this study's turn last the next time all the same: it may be only here.
            let stands_still = fault.is_time_out() || !fault.is_of_instance();
            (Some(fault), stands_still)
        }
    };
    let (listed, unreadable) = (listed.into_inner(), unreadable.into_inner());
    if unreadable > 0 {
        note_unreadable(source, unreadable, "instances that are listed without their UIDs are left out");
        if listed == 0 {
            let reason = "no instance of a study is listed with its UIDs";
            missed.get_or_insert_with(|| Fault::Instance(reason.to_owned()));
        }
    }
    Ok(Taken { listed, missed, stands_still })
}

async fn write(kept: &mut Kept, seen: &BTreeMap<String, Seen>) -> Result<(), Fault> {
    kept.position.studies = Some(seen.clone());
    Ok(kept.write().await?)
}

/// Says that instances of a study are not looked for any more which the origin counts and does not list.
fn note_unlisted(source: &Source<'_>, study: &Study, listed: i64, grown: bool) {
    if let Some(counted) = study.instances.filter(|counted| *counted > listed && grown) {
        let (pull, origin, study_instance_uid) = (&source.pull.name, &source.origin.name, &study.uid);
        tracing::error!(pull, origin, %study_instance_uid, counted, listed, "instances that a study is said to have are not listed, and are left out");
    }
}

/// Whether a study that was done with may have more instances now.
fn has_grown(known: Seen, study: &Study) -> bool {
    match (known.instances, study.instances) {
        (Some(before), Some(now)) => before != now,
        // Nobody counts; what was there before the pull began is left alone then. One that was looked at last while
        // it grew is looked at once more, however long ago that was.
        _ => !known.before && !known.grown,
    }
}

/// The studies of the origin since a day; none where they are more than [`STUDIES_MAX`].
async fn studies_since(source: &Source<'_>, from: Date) -> Result<Option<Vec<Study>>, Fault> {
    let range = MatchValue::Text(format!("{}-", from.strftime("%Y%m%d")));
    let search = Search {
        matching: vec![(vec![Tag::STUDY_DATE], range)],
        include: vec![STUDY_INSTANCES],
        ..Search::new(Level::Study)
    };
    let mut found = source.origin.bulk.search(search, SearchLimits::default());
    let (mut studies, mut unreadable) = (Vec::new(), 0);
    while let Some(item) = found.next().await {
        let item = item.inspect_err(|error| count(source, Some(error)))?;
        let Some(uid) = item.uid(Tag::STUDY_INSTANCE_UID) else {
            unreadable += 1;
            continue;
        };
        studies.push(Study { uid, instances: item.integer(STUDY_INSTANCES) });
        if studies.len() > STUDIES_MAX {
            return Ok(None);
        }
    }
    count(source, None);
    if unreadable > 0 {
        note_unreadable(source, unreadable, "studies that are listed without their UID are left out");
        if studies.is_empty() {
            return Err(Fault::List("no study is listed with its UID".to_owned()));
        }
    }
    Ok(Some(studies))
}

fn count(source: &Source<'_>, error: Option<&OriginError>) {
    let took = std::time::Duration::ZERO;
    source.core.metrics.count_origin_request(&source.origin.name, "qido", took, error);
}

/// The instances of a study; `listed` counts them, the unwanted ones too, and `unreadable` those without UIDs.
fn instances<'a>(
    source: &Source<'a>,
    study: &Uid,
    listed: &'a AtomicI64,
    unreadable: &'a AtomicI64,
) -> impl futures::Stream<Item = Result<Job, Fault>> + Send + use<'a> {
    let search = Search {
        study: Some(study.clone()),
        include: vec![Tag::SERIES_INSTANCE_UID, Tag::MODALITY],
        ..Search::new(Level::Instance)
    };
    let limits = SearchLimits { ahead: AHEAD, ..SearchLimits::default() };
    let (source, study) = (*source, study.clone());
    source.origin.bulk.search(search, limits).filter_map(move |item| {
        let job = match item {
            Ok(item) => job(&study, &item).map(|job| (job, item)),
            Err(error) => return std::future::ready(Some(Err(Fault::from(error)))),
        };
        let counter = if job.is_some() { listed } else { unreadable };
        counter.fetch_add(1, Ordering::Relaxed);
        let wanted = job.filter(|(_, item)| {
            let wanted = source.pull.wants(item.text(Tag::MODALITY).as_deref());
            if !wanted {
                source.count("unwanted");
            }
            wanted
        });
        std::future::ready(wanted.map(|(job, _)| Ok(job)))
    })
}

fn job(study: &Uid, item: &Item) -> Option<Job> {
    let series = item.uid(Tag::SERIES_INSTANCE_UID)?;
    let instance = item.uid(Tag::SOP_INSTANCE_UID)?;
    Some(Job { wanting: Wanting { study: study.clone(), series, instance }, changed: None, stored: true })
}

fn note_unreadable(source: &Source<'_>, count: i64, what: &str) {
    let (pull, origin) = (&source.pull.name, &source.origin.name);
    tracing::error!(pull, origin, count, "{what}");
    (0..count).for_each(|_| source.count("unreadable"));
}
