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
const GROWS: i64 = 24 * 60 * 60;

/// Studies after which the position is written down in the middle of a round.
const STUDIES_PER_WRITE: usize = 50;

/// Results that are read ahead: a page of a common server, so that no answer stands still while instances
/// are pulled.
const AHEAD: usize = 500;

/// Studies of one round that cannot be had, each of a few requests; with more it is the origin that fails. 10.
const FAILED_MAX: usize = 10;

/// A study of the origin.
struct Study {
    uid: Uid,
    instances: Option<i64>,
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
    let mut from = now.to_zoned(TimeZone::UTC).date().saturating_sub(i64::from(days).days());
    if let (true, Some(since)) = (begins, source.pull.since) {
        from = from.min(since.to_zoned(TimeZone::UTC).date());
    }
    let studies = studies(source, from).await?;
    let mut seen = kept.position.studies.clone().unwrap_or_default();
    if begins && source.pull.since.is_none() {
        let before =
            |study: &Study| Seen { instances: study.instances, since: now.as_second(), before: true };
        kept.position.studies =
            Some(studies.iter().map(|study| (study.uid.to_string(), before(study))).collect());
        kept.write().await?;
        return Ok(Ended::UpToDate);
    }
    let (mut unwritten, mut faults) = (0, Vec::new());
    for study in &studies {
        let known = seen.get(study.uid.as_str()).copied();
        if known.is_some_and(|known| !has_grown(known, study, now)) {
            continue;
        }
        if let Some(why) = room::lacking(&*source.core.ports.deliveries, source.pull, source.origin).await? {
            return Ok(Ended::Waits(why));
        }
        let listed = AtomicI64::new(0);
        let missed = match round.take_all(source, kept, instances(source, &study.uid, &listed)).await {
            Ok(missed) => missed,
            Err(fault) if fault.is_of_instance() => Some(fault),
            Err(fault) => return Err(fault),
        };
        if let Some(fault) = missed {
            if faults.len() >= FAILED_MAX {
                return Err(fault);
            }
            // It keeps no other one back.
            faults.push(fault);
            continue;
        }
        let since = known.map_or(now.as_second(), |known| known.since);
        // What is counted and not listed yet is looked for again, for as long as a study grows.
        let listed = if now.as_second() - since < GROWS { listed.into_inner() } else { i64::MAX };
        let instances = study.instances.map(|counted| counted.min(listed));
        seen.insert(study.uid.to_string(), Seen { instances, since, before: false });
        unwritten += 1;
        // In the first round only all of it counts: the next one looks at fewer days.
        if unwritten >= STUDIES_PER_WRITE && !begins {
            unwritten = 0;
            write(kept, &seen).await?;
        }
    }
    let fault = faults.pop();
    if begins && let Some(fault) = fault {
        return Err(fault);
    }
    let found: HashSet<&str> = studies.iter().map(|study| study.uid.as_str()).collect();
    seen.retain(|uid, _| found.contains(uid.as_str()));
    write(kept, &seen).await?;
    fault.map_or(Ok(Ended::UpToDate), Err)
}

async fn write(kept: &mut Kept, seen: &BTreeMap<String, Seen>) -> Result<(), Fault> {
    kept.position.studies = Some(seen.clone());
    Ok(kept.write().await?)
}

/// Whether a study that was done with may have more instances now.
fn has_grown(known: Seen, study: &Study, now: Timestamp) -> bool {
    match (known.instances, study.instances) {
        (Some(before), Some(now)) => before != now,
        // Nobody counts; what was there before the pull began is left alone then.
        _ => !known.before && now.as_second() - known.since < GROWS,
    }
}

/// The studies of the origin since a day.
async fn studies(source: &Source<'_>, from: Date) -> Result<Vec<Study>, Fault> {
    let range = MatchValue::Text(format!("{}-", from.strftime("%Y%m%d")));
    let search = Search {
        matching: vec![(vec![Tag::STUDY_DATE], range)],
        include: vec![STUDY_INSTANCES],
        ..Search::new(Level::Study)
    };
    let mut found = source.origin.bulk.search(search, SearchLimits::default());
    let mut studies = Vec::new();
    while let Some(item) = found.next().await {
        let item = item.inspect_err(|error| count(source, Some(error)))?;
        let Some(uid) = item.uid(Tag::STUDY_INSTANCE_UID) else { continue };
        studies.push(Study { uid, instances: item.integer(STUDY_INSTANCES) });
        if studies.len() > STUDIES_MAX {
            let what = format!("more than {STUDIES_MAX} studies since {from}: look at fewer `days`");
            return Err(Fault::List(what));
        }
    }
    count(source, None);
    Ok(studies)
}

fn count(source: &Source<'_>, error: Option<&OriginError>) {
    let took = std::time::Duration::ZERO;
    source.core.metrics.count_origin_request(&source.origin.name, "qido", took, error);
}

/// The instances of a study; `listed` counts them, the unwanted ones too.
fn instances<'a>(
    source: &Source<'a>,
    study: &Uid,
    listed: &'a AtomicI64,
) -> impl futures::Stream<Item = Result<Job, Fault>> + Send + use<'a> {
    let search = Search {
        study: Some(study.clone()),
        include: vec![Tag::SERIES_INSTANCE_UID, Tag::MODALITY],
        ..Search::new(Level::Instance)
    };
    let limits = SearchLimits { ahead: AHEAD, ..SearchLimits::default() };
    let (source, study) = (*source, study.clone());
    source.origin.bulk.search(search, limits).filter_map(move |item| {
        listed.fetch_add(1, Ordering::Relaxed);
        let job = item.map_err(Fault::from).map(|item| job(&source, &study, &item)).transpose();
        std::future::ready(job)
    })
}

fn job(source: &Source<'_>, study: &Uid, item: &Item) -> Option<Job> {
    let wanted = source.pull.wants(item.text(Tag::MODALITY).as_deref());
    let (series, instance) = (item.uid(Tag::SERIES_INSTANCE_UID), item.uid(Tag::SOP_INSTANCE_UID));
    match (series, instance) {
        (Some(series), Some(instance)) if wanted => {
            let wanting = Wanting { study: study.clone(), series, instance };
            Some(Job { wanting, changed: None, stored: true })
        }
        (Some(_), Some(_)) => {
            source.count("unwanted");
            None
        }
        _ => {
            source.count("unreadable");
            None
        }
    }
}
