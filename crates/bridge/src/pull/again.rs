//! Held instances are asked for again, and released once they came or are shown to be deleted.

use dicomweb::change_feed::{CHANGES_MAX, ChangeState, Changes};
use dicomweb::{Error as OriginError, Level, Presence, Search, SearchLimits};
use futures::StreamExt;
use instance::{Identity, Tag};
use jiff::{SignedDuration, Timestamp};

use super::changes::is_elsewhere;
use super::fault::Fault;
use super::intake::Wanting;
use super::position::Kept;
use super::room;
use super::round::{Job, Round, Source};

/// Held instances that are asked for again in one round. 10: they keep new ones waiting.
const AGAIN_MAX: usize = 10;

/// Instances of a series that are looked at for one that is not the missing one. 10: the second is another one.
const OTHERS: u32 = 10;

/// What is added to the reason where an instance is neither given nor listed.
const NOTHING_SHOWS: &str = "; nothing shows that it was deleted, so it may be hidden from these credentials";

/// What an origin shows of an instance that it did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// It is there, or nobody can tell.
    Maybe,
    /// It is not shown, and nothing tells a deletion from rights that were taken away.
    Hidden,
    /// It was deleted.
    Gone,
}

impl Round {
    /// Asks once more for what is held and has waited long enough. The first one that is not answered is the last:
    /// what comes next waits meanwhile.
    ///
    /// # Errors
    /// The own spool.
    pub(super) async fn ask_again(&mut self, source: &Source<'_>, kept: &mut Kept) -> Result<(), Fault> {
        let due = kept.position.held.due(Timestamp::now());
        let Source { core, pull, origin, .. } = source;
        if !due.is_empty() && room::lacking(&*core.ports.deliveries, pull, origin).await?.is_some() {
            return Ok(());
        }
        // By a clock that is not known, a change may look older than what was had before it.
        if due.iter().any(|job| job.changed.is_some()) && !self.clock.learn(source.origin).await {
            return Ok(());
        }
        for job in due.into_iter().take(AGAIN_MAX) {
            let fault = match source.take(&job, self.clock).await {
                Ok(outcome) => {
                    self.release(source, kept, &job, outcome);
                    continue;
                }
                Err(fault @ Fault::Spool(_)) => return Err(fault),
                // It was not asked for, and is due as before.
                Err(fault) if fault.came_before_the_question() => break,
                Err(fault) => fault,
            };
            let mut reason = fault.to_string();
            let ends = match source.look_for(&job, &fault).await {
                Ok(Shown::Gone) => {
                    self.release(source, kept, &job, "gone");
                    continue;
                }
                Ok(Shown::Hidden) => {
                    reason += NOTHING_SHOWS;
                    false
                }
                Ok(Shown::Maybe) => self.ends_asking(&fault),
                Err(of_look_up) => self.ends_asking(&of_look_up),
            };
            let sop_instance_uid = &job.wanting.instance;
            tracing::warn!(pull = pull.name, origin = origin.name, %sop_instance_uid, reason, "an instance is still held");
            kept.position.held.hold(&job, reason, Timestamp::now());
            if ends {
                break;
            }
        }
        source.show_held(kept);
        Ok(kept.write().await?)
    }

    fn release(&mut self, source: &Source<'_>, kept: &mut Kept, job: &Job, outcome: &'static str) {
        self.came += usize::from(outcome == "pulled");
        source.count(outcome);
        kept.position.held.release(&job.wanting.instance);
        let (pull, origin) = (&source.pull.name, &source.origin.name);
        let sop_instance_uid = &job.wanting.instance;
        tracing::info!(pull, origin, %sop_instance_uid, outcome, "an instance is held no more");
    }

    /// Whether the other held ones wait for a later round: whether it is the origin that fails, what is new will
    /// tell, and whoever does not answer takes minutes each time.
    fn ends_asking(&mut self, fault: &Fault) -> bool {
        let asked = fault.asks_for_time();
        self.asked_for_time = self.asked_for_time.or(asked);
        asked.is_some() || fault.is_time_out() || !fault.is_of_instance()
    }
}

impl Source<'_> {
    /// What the origin shows of an instance that it did not give. One that takes rights away may say 404 and list
    /// nothing, as if it were deleted, so that something else has to show that it was.
    async fn look_for(&self, job: &Job, fault: &Fault) -> Result<Shown, Fault> {
        if !fault.is_not_found() {
            return Ok(Shown::Maybe);
        }
        let Wanting { study, series, instance } = &job.wanting;
        let identity = Identity {
            // Nothing is asked by it.
            sop_class_uid: instance.clone(),
            sop_instance_uid: instance.clone(),
            study_instance_uid: study.clone(),
            series_instance_uid: series.clone(),
        };
        if self.origin.bulk.find_instance(&identity).await? != Presence::Absent {
            return Ok(Shown::Maybe);
        }
        let current = match job.changed {
            Some(changed) => self.is_current(job, changed).await?,
            None => None,
        };
        let gone = match current {
            Some(current) => !current,
            None => fault.says_gone() || self.shows_others(job).await?,
        };
        Ok(if gone { Shown::Gone } else { Shown::Hidden })
    }

    /// Whether the list of changes still has the change by which an instance was held as current; none where it
    /// does not have it, or is not given. One that was deleted or replaced has a later change, which is listed too.
    async fn is_current(&self, job: &Job, changed: Timestamp) -> Result<Option<bool>, Fault> {
        let Ok(until) = changed.saturating_add(SignedDuration::from_millis(1)) else { return Ok(None) };
        let wanted = Changes { since: changed, until, offset: 0, limit: CHANGES_MAX, with_modality: false };
        let page = match self.origin.bulk.changes(&wanted).await {
            Ok(page) => page,
            // There is no list any more.
            Err(OriginError::Profile(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let own = page.changes.iter().filter(|change| {
            change.timestamp == changed
                && change.instance == job.wanting.instance
                && !is_elsewhere(self, change)
        });
        Ok(own.map(|change| change.state == ChangeState::Current).reduce(|one, other| one || other))
    }

    /// Whether the origin shows other instances of the series. Rights are given by series at the finest.
    async fn shows_others(&self, job: &Job) -> Result<bool, Fault> {
        let search = Search {
            study: Some(job.wanting.study.clone()),
            series: Some(job.wanting.series.clone()),
            ..Search::new(Level::Instance)
        };
        let limits = SearchLimits { page: OTHERS, ..SearchLimits::default() };
        let mut found = self.origin.bulk.search(search, limits);
        while let Some(item) = found.next().await {
            match item.map(|item| item.uid(Tag::SOP_INSTANCE_UID)).map_err(Fault::from) {
                Ok(uid) if uid.as_ref().is_some_and(|uid| *uid != job.wanting.instance) => return Ok(true),
                Ok(_) => {}
                Err(fault) if fault.blames_address() => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(false)
    }
}
