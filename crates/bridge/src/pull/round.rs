//! One round of a pull: everything that is new at its origin at that time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dicomweb::Remedy;
use futures::{Stream, StreamExt, stream};
use instance::Uid;
use jiff::Timestamp;

use super::clock::Clock;
use super::fault::Fault;
use super::intake::{self, Pulled, Wanting};
use super::known::{self, Known};
use super::position::{Kept, LastChange};
use super::{changes, studies};
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

/// Instances that are asked for while each is refused for the sake of its address or our rights, or is not answered
/// at all. 10: more would ask nothing that the first ones did not, many refusals lock accounts, and each time-out
/// takes minutes. The next round asks for others first.
const ADDRESSES_MAX: usize = 10;

/// Failed instances that are remembered, in a megabyte or two. 10,000: with more they are counted anew.
const FAILING_MAX: usize = 10_000;

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

/// What is remembered between two rounds. Bounded by [`FAILING_MAX`] and by the studies that are looked at.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) clock: Clock,
    failing: HashMap<Uid, Failing>,
    /// Where in the list of changes the next round goes on before it begins anew.
    pub(super) behind: Option<LastChange>,
    /// Most changes of a page of the list that was not the last one.
    pub(super) cut: Option<u32>,
    /// In how many rounds each of these studies could not be had.
    pub(super) failing_studies: HashMap<Uid, u32>,
    /// Instances that came in this round.
    pub(super) came: usize,
    /// Those that did not.
    faults: usize,
    /// How much time the origin asked for, if it did.
    pub(super) asked_for_time: Option<Duration>,
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
                    self.failing_studies.clear();
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
        let ended = match source.pull.method {
            PullMethod::ChangeFeed { settle } => changes::round(self, source, &mut kept, settle).await,
            PullMethod::Search { days } => studies::round(self, source, &mut kept, days).await,
        };
        // Not before what is new: one that drips takes long. Nor of an origin that answers nobody.
        if ended.as_ref().err().is_none_or(|fault| fault.is_of_instance() || matches!(fault, Fault::List(_)))
        {
            self.ask_again(source, &mut kept).await?;
        }
        ended
    }

    /// Takes all of these that are new. When this returns they are durable in the spool, or held, but for those
    /// of the fault that is given: these are to be asked for again, and the others need not wait for them. Those
    /// that have failed before come last, so that each has its turn however many are refused.
    ///
    /// # Errors
    /// The origin as a whole, or too many instances, where [`Fault::is_of_instance`]; or the own spool. The same
    /// ones are to be asked for again.
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
        let tries = self.failing.iter().map(|(uid, failing)| (uid.clone(), failing.rounds)).collect();
        // What is under way comes to its end, and shows whether it is one instance that fails.
        let stopped = AtomicBool::new(false);
        let mut done = std::pin::pin!(
            least_tried_first(jobs, tries)
                .take_while(|_| std::future::ready(!stopped.load(Ordering::Relaxed)))
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
        let mut stopped_by = Vec::new();
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
                        stopped_by.extend(fault.is_of_instance().then_some(job));
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
        // Others are asked for before these in the next round.
        stopped_by.iter().for_each(|job| _ = self.count_try(job));
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

    /// Whether something has failed since the pull was up to date.
    pub(super) fn is_failing(&self) -> bool {
        !self.failing.is_empty()
    }

    /// Whether a fault of one instance is that of the origin as a whole, after those of this round.
    fn is_of_origin(&mut self, fault: &Fault) -> bool {
        self.faults += 1;
        if let Some(asked) = fault.asks_for_time() {
            // One instance may make it ask for time, each time; a second one is not to blame.
            return self.asked_for_time.replace(asked).is_some();
        }
        let blames_all = fault.blames_address() || fault.is_time_out();
        let none_came = self.came == 0 && self.faults >= ADDRESSES_MAX && blames_all;
        none_came || !fault.is_of_instance() || self.faults > FAULTS_MAX
    }

    /// Notes that an instance has failed in one more round.
    fn count_try(&mut self, job: &Job) -> &Failing {
        let uid = &job.wanting.instance;
        if self.failing.len() >= FAILING_MAX && !self.failing.contains_key(uid) {
            self.failing.clear();
        }
        let failing = self.failing.entry(uid.clone()).or_default();
        failing.rounds = failing.rounds.saturating_add(1);
        failing.others_came |= self.came > 0;
        failing
    }

    /// Holds an instance that has failed too often while others came; gives the fault back where it has not, or
    /// where too many are held.
    fn settle(&mut self, source: &Source<'_>, kept: &mut Kept, job: &Job, fault: Fault) -> Option<Fault> {
        let uid = &job.wanting.instance;
        let failing = self.count_try(job);
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

/// Puts those behind the others that have failed in so many rounds, the most often last.
fn least_tried_first(
    jobs: impl Stream<Item = Result<Job, Fault>> + Send,
    tries: HashMap<Uid, u32>,
) -> impl Stream<Item = Result<Job, Fault>> + Send {
    let tried = Arc::new(Mutex::new(Vec::new()));
    let put_off = Arc::clone(&tried);
    let untried = jobs.filter_map(move |job| {
        let rounds = job.as_ref().ok().and_then(|job| tries.get(&job.wanting.instance));
        let now = match (rounds, job) {
            (Some(rounds), Ok(job)) => {
                put_off.lock().unwrap_or_else(PoisonError::into_inner).push((*rounds, job));
                None
            }
            (_, job) => Some(job),
        };
        std::future::ready(now)
    });
    let then = stream::once(async move {
        let mut tried = std::mem::take(&mut *tried.lock().unwrap_or_else(PoisonError::into_inner));
        tried.sort_by_key(|(rounds, _)| *rounds);
        stream::iter(tried.into_iter().map(|(_, job)| Ok(job)))
    });
    untried.chain(then.flatten())
}

impl Source<'_> {
    /// Takes an instance if it is new, and says what became of it.
    pub(super) async fn take(&self, job: &Job, clock: Clock) -> Result<&'static str, Fault> {
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

    pub(super) fn count(&self, outcome: &str) {
        self.core.metrics.pull_instances.with_label_values(&[self.pull.name.as_str(), outcome]).inc();
    }

    pub(super) fn show_held(&self, kept: &Kept) {
        let held = i64::try_from(kept.position.held.count()).unwrap_or(i64::MAX);
        self.core.metrics.pull_held.with_label_values(&[self.pull.name.as_str()]).set(held);
    }
}
