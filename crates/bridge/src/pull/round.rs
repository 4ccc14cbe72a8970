//! One round of a pull: everything that is new at its origin at that time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dicomweb::{Presence, Remedy};
use futures::{Stream, StreamExt};
use instance::{Identity, Uid};
use jiff::Timestamp;

use super::clock::Clock;
use super::fault::Fault;
use super::intake::{self, Pulled, Wanting};
use super::known::{self, Known};
use super::position::Kept;
use super::{changes, room, studies};
use crate::bridge::Core;
use crate::config::{Pull, PullMethod};
use crate::snapshot::{Origin, Snapshot};

/// Rounds in which an instance is refused while others come, before it is held. 3: a server that has just stored
/// it may not give it at once.
const REFUSALS_MAX: u32 = 3;

/// Rounds in which an instance fails otherwise while others come, before it is held. 5.
const FAILURES_MAX: u32 = 5;

/// Failed instances of one round that are told apart; with more it is the origin that fails. 100.
const FAULTS_MAX: usize = 100;

/// Instances that are asked for while each is refused for the sake of its address or our rights. 10: more would
/// ask nothing that the first ones did not, and many refusals lock accounts.
const ADDRESSES_MAX: usize = 10;

/// Held instances that are asked for again in one round. 10: they keep new ones waiting.
const AGAIN_MAX: usize = 10;

/// How a round ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// Everything that was new is in the spool.
    UpToDate,
    /// It has to wait, and why.
    Waits(&'static str),
    /// It failed; why, and the wait that the origin asked for. `only_some`: it is a matter of a few instances,
    /// which keep new ones from nobody.
    Failed { why: String, after: Option<Duration>, only_some: bool },
}

/// Where a pull takes from and where to.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) core: &'a Arc<Core>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) origin: &'a Origin,
    pub(super) pull: &'a Pull,
}

/// An instance that may be new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) wanting: Wanting,
    /// When its content was changed last, by the origin's clock, if that is known.
    pub(super) changed: Option<Timestamp>,
    /// Whether it was stored then, not changed otherwise.
    pub(super) stored: bool,
}

/// What is remembered between two rounds. Bounded by the failures since the pull was up to date.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) clock: Clock,
    failing: HashMap<Uid, Failing>,
    /// Instances that came in this round.
    came: usize,
    /// Those that did not.
    faults: usize,
    /// How much time the origin asked for, if it did.
    asked_for_time: Option<Duration>,
}

#[derive(Debug, Default)]
struct Failing {
    rounds: u32,
    /// Whether others came meanwhile, so that it is not the origin as a whole.
    others_came: bool,
}

impl Round {
    pub(super) async fn run(&mut self, core: &Arc<Core>, snapshot: &Snapshot, pull: &Pull) -> Ended {
        let Some(origin) = snapshot.origins.get(&pull.origin) else {
            return Ended::Waits("its origin is not configured any more");
        };
        let source = Source { core, snapshot, origin, pull };
        (self.came, self.faults, self.asked_for_time) = (0, 0, None);
        match self.all(&source).await {
            Ok(ended) => {
                if ended == Ended::UpToDate {
                    self.failing.clear();
                }
                ended
            }
            Err(Fault::Spool(spool::Error::Full { .. })) => Ended::Waits("the spool is full"),
            Err(fault) => self.failed(fault, snapshot.config.forward.breaker.credentials),
        }
    }

    /// What it means that a round ended with this fault; `credentials` is the wait after a refusal of them.
    fn failed(&self, fault: Fault, credentials: Duration) -> Ended {
        let only_some = fault.is_of_instance()
            && self.asked_for_time.is_none()
            && (self.came > 0 || matches!(fault, Fault::Instance(_)));
        let after = match &fault {
            Fault::Origin(error) => match error.remedy() {
                Remedy::Retry { after } => after,
                Remedy::FixCredentials if !only_some => Some(credentials),
                Remedy::FixCredentials | Remedy::Reject | Remedy::Unknown => None,
            },
            Fault::Everything(_) => Some(credentials),
            Fault::Spool(_) | Fault::Instance(_) | Fault::List(_) => None,
        };
        let after = after.max(self.asked_for_time);
        let fault = if self.came == 0 && self.faults > 0 && fault.blames_address() {
            Fault::Everything(fault.to_string())
        } else {
            fault
        };
        Ended::Failed { why: fault.to_string(), after, only_some }
    }

    async fn all(&mut self, source: &Source<'_>) -> Result<Ended, Fault> {
        let documents = Arc::clone(&source.core.ports.documents);
        let mut kept = Kept::read(documents, &source.pull.name, &source.pull.origin).await?;
        source.show_held(&kept);
        self.ask_again(source, &mut kept).await?;
        match source.pull.method {
            PullMethod::ChangeFeed { settle } => changes::round(self, source, &mut kept, settle).await,
            PullMethod::Search { days } => studies::round(self, source, &mut kept, days).await,
        }
    }

    /// Asks once more for what is held and has waited long enough.
    async fn ask_again(&mut self, source: &Source<'_>, kept: &mut Kept) -> Result<(), Fault> {
        let due = kept.position.held.due(Timestamp::now());
        let Source { core, pull, origin, .. } = source;
        if !due.is_empty() && room::lacking(&*core.ports.deliveries, pull, origin).await?.is_some() {
            return Ok(());
        }
        for job in due.into_iter().take(AGAIN_MAX) {
            let outcome = match source.take(&job, self.clock).await {
                Ok(outcome) => outcome,
                Err(fault) if fault.is_not_found() && source.is_gone(&job).await => "gone",
                Err(fault) => {
                    kept.position.held.hold(&job, fault.to_string(), Timestamp::now());
                    // Whether it is the origin that fails, what is new will tell.
                    if fault.is_of_instance() { continue } else { break }
                }
            };
            self.came += usize::from(outcome == "pulled");
            source.count(outcome);
            kept.position.held.release(&job.wanting.instance);
            let (pull, origin) = (&source.pull.name, &source.origin.name);
            let sop_instance_uid = &job.wanting.instance;
            tracing::info!(pull, origin, %sop_instance_uid, outcome, "an instance is held no more");
        }
        source.show_held(kept);
        Ok(kept.write().await?)
    }

    /// Takes all of these that are new. When this returns they are durable in the spool, or held, but for those
    /// of the fault that is given: these are to be asked for again, and the others need not wait for them.
    ///
    /// # Errors
    /// The origin as a whole, or the own spool; the same ones are to be asked for again.
    pub(super) async fn take_all(
        &mut self,
        source: &Source<'_>,
        kept: &mut Kept,
        jobs: impl Stream<Item = Result<Job, Fault>> + Send,
    ) -> Result<Option<Fault>, Fault> {
        known::catch_up(&*source.core.ports.deliveries, source.pull).await?;
        let (clock, held) = (self.clock, kept.position.held.changes());
        let is_held = |job: &Job| {
            held.contains(&(job.wanting.instance.to_string(), job.changed.map(|changed| changed.to_string())))
        };
        // What is under way comes to its end, and shows whether it is one instance that fails.
        let stopped = AtomicBool::new(false);
        let mut done = std::pin::pin!(
            jobs.take_while(|_| std::future::ready(!stopped.load(Ordering::Relaxed)))
                .map(|job| async {
                    match job {
                        Ok(job) if is_held(&job) => (Some(job), Ok("held")),
                        Ok(job) => {
                            let taken = source.take(&job, clock).await;
                            (Some(job), taken)
                        }
                        Err(fault) => (None, Err(fault)),
                    }
                })
                .buffer_unordered(source.pull.concurrent)
        );
        let (mut faults, mut changed_held, mut whole) = (Vec::new(), false, None);
        while let Some((job, result)) = done.next().await {
            match (job, result) {
                (_, Ok("held")) => source.count("held"),
                (job, Ok(outcome)) => {
                    self.came += usize::from(outcome == "pulled");
                    source.count(outcome);
                    if let Some(job) = job {
                        self.failing.remove(&job.wanting.instance);
                        changed_held |= kept.position.held.release(&job.wanting.instance);
                    }
                }
                (Some(job), Err(fault)) => {
                    source.count("failed");
                    if self.is_of_origin(&fault) {
                        stopped.store(true, Ordering::Relaxed);
                        whole.get_or_insert(fault);
                    } else {
                        faults.push((job, fault));
                    }
                }
                (None, Err(fault)) => {
                    stopped.store(true, Ordering::Relaxed);
                    whole.get_or_insert(fault);
                }
            }
        }
        if self.came > 0 {
            self.failing.values_mut().for_each(|failing| failing.others_came = true);
        }
        let before = faults.len();
        let mut again = Vec::new();
        for (job, fault) in faults {
            again.extend(self.settle(source, kept, &job, fault));
        }
        if changed_held || again.len() < before {
            source.show_held(kept);
            kept.write().await?;
        }
        whole.map_or_else(|| Ok(again.pop()), Err)
    }

    /// Whether a fault of one instance is that of the origin as a whole, after those of this round.
    fn is_of_origin(&mut self, fault: &Fault) -> bool {
        self.faults += 1;
        if let Some(asked) = fault.asks_for_time() {
            // One instance may make it ask for time, each time; a second one is not to blame.
            return self.asked_for_time.replace(asked).is_some();
        }
        let none_came = self.came == 0 && self.faults >= ADDRESSES_MAX && fault.blames_address();
        none_came || !fault.is_of_instance() || self.faults > FAULTS_MAX
    }

    /// Holds an instance that has failed too often while others came; gives the fault back where it has not, or
    /// where too many are held.
    fn settle(&mut self, source: &Source<'_>, kept: &mut Kept, job: &Job, fault: Fault) -> Option<Fault> {
        let uid = &job.wanting.instance;
        let failing = self.failing.entry(uid.clone()).or_default();
        failing.rounds = failing.rounds.saturating_add(1);
        failing.others_came |= self.came > 0;
        let rounds_max = if matches!(fault, Fault::Instance(_)) { REFUSALS_MAX } else { FAILURES_MAX };
        if failing.rounds < rounds_max || !failing.others_came {
            return Some(fault);
        }
        let reason = fault.to_string();
        if !kept.position.held.hold(job, reason.clone(), Timestamp::now()) {
            return Some(Fault::List(format!("{reason}, as too many did before it: mend the origin")));
        }
        self.failing.remove(uid);
        source.count("given_up");
        let (pull, origin) = (&source.pull.name, &source.origin.name);
        tracing::error!(pull, origin, sop_instance_uid = %uid, reason, "an instance is not pulled: it is held, and asked for again now and then");
        None
    }
}

impl Source<'_> {
    /// Takes an instance if it is new, and says what became of it.
    async fn take(&self, job: &Job, clock: Clock) -> Result<&'static str, Fault> {
        match known::look_up(&*self.core.ports.deliveries, self.pull, clock, job).await? {
            Known::Taken => return Ok("known"),
            Known::Own => return Ok("own"),
            Known::Not => {}
        }
        let pulled = intake::take(self.core, self.snapshot, self.origin, self.pull, job).await?;
        Ok(match pulled {
            Pulled::Taken => "pulled",
            Pulled::Unwanted => "unwanted",
        })
    }

    /// Whether the origin says that it does not have an instance.
    async fn is_gone(&self, job: &Job) -> bool {
        let Wanting { study, series, instance } = &job.wanting;
        let identity = Identity {
            // Nothing is asked by it.
            sop_class_uid: instance.clone(),
            sop_instance_uid: instance.clone(),
            study_instance_uid: study.clone(),
            series_instance_uid: series.clone(),
        };
        matches!(self.origin.bulk.find_instance(&identity).await, Ok(Presence::Absent))
    }

    pub(super) fn count(&self, outcome: &str) {
        self.core.metrics.pull_instances.with_label_values(&[self.pull.name.as_str(), outcome]).inc();
    }

    fn show_held(&self, kept: &Kept) {
        let held = i64::try_from(kept.position.held.count()).unwrap_or(i64::MAX);
        self.core.metrics.pull_held.with_label_values(&[self.pull.name.as_str()]).set(held);
    }
}
