//! One round of a pull: everything that is new at its origin at that time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dicomweb::{Error as OriginError, Remedy};
use futures::{Stream, StreamExt};
use instance::Uid;

use super::intake::{self, Fault, Pulled, Wanting};
use super::known::{self, Known};
use super::position::Kept;
use super::{changes, studies};
use crate::bridge::Core;
use crate::config::{Pull, PullMethod};
use crate::snapshot::{Origin, Snapshot};

/// Rounds in which an instance is refused before it is given up. 3: a server that has just stored it may
/// not give it at once.
const REFUSALS_MAX: u32 = 3;

/// Rounds in which an instance fails otherwise while others come, before it is given up. 5.
const FAILURES_MAX: u32 = 5;

/// Failed instances of one round that are told apart; with more it is the origin that fails. 100.
const FAULTS_MAX: usize = 100;

/// How a round ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// Everything that was new is in the spool.
    UpToDate,
    /// It has to wait, and why.
    Waits(&'static str),
    /// It failed; why, and the wait that the origin asked for.
    Failed { why: String, after: Option<Duration> },
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
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) wanting: Wanting,
    /// When its content was changed last, if that is known.
    pub(super) changed: Option<SystemTime>,
    /// Whether it was stored then, not changed otherwise.
    pub(super) stored: bool,
}

/// What is remembered between two rounds. Bounded by the failures since the pull was up to date.
#[derive(Debug, Default)]
pub(super) struct Round {
    failing: HashMap<Uid, Failing>,
}

#[derive(Debug, Default)]
struct Failing {
    rounds: u32,
    /// Whether others came meanwhile, so that it is not the origin as a whole.
    others_came: bool,
    /// It stays so until the position is behind it, which may be rounds later where others fail too.
    given_up: bool,
}

impl Round {
    pub(super) async fn run(&mut self, core: &Arc<Core>, snapshot: &Snapshot, pull: &Pull) -> Ended {
        let Some(origin) = snapshot.origins.get(&pull.origin) else {
            return Ended::Waits("its origin is not configured any more");
        };
        let source = Source { core, snapshot, origin, pull };
        match self.all(&source).await {
            Ok(ended) => {
                if ended == Ended::UpToDate {
                    self.failing.clear();
                }
                ended
            }
            Err(fault) => {
                let after = match &fault {
                    Fault::Origin(error) => match error.remedy() {
                        Remedy::Retry { after } => after,
                        Remedy::FixCredentials => Some(snapshot.config.forward.breaker.credentials),
                        Remedy::Reject | Remedy::Unknown => None,
                    },
                    Fault::Spool(spool::Error::Full { .. }) => return Ended::Waits("the spool is full"),
                    Fault::Spool(_) | Fault::Instance(_) => None,
                };
                Ended::Failed { why: fault.to_string(), after }
            }
        }
    }

    async fn all(&mut self, source: &Source<'_>) -> Result<Ended, Fault> {
        let documents = Arc::clone(&source.core.ports.documents);
        let mut kept = Kept::read(documents, &source.pull.name, &source.pull.origin).await?;
        match source.pull.method {
            PullMethod::ChangeFeed { settle } => changes::round(self, source, &mut kept, settle).await,
            PullMethod::Search { days } => studies::round(self, source, &mut kept, days).await,
        }
    }

    /// Takes all of these that are new. When this returns they are durable in the spool, or given up.
    ///
    /// # Errors
    /// Some could not be had now; the same ones are to be asked for again.
    pub(super) async fn take_all(
        &mut self,
        source: &Source<'_>,
        kept: &mut Kept,
        jobs: impl Stream<Item = Result<Job, Fault>> + Send,
    ) -> Result<(), Fault> {
        known::catch_up(&*source.core.ports.deliveries, source.pull).await?;
        let mut done = std::pin::pin!(
            jobs.map(|job| async move {
                match job {
                    Ok(job) => (Some(job.wanting.instance.clone()), source.take(&job).await),
                    Err(fault) => (None, Err(fault)),
                }
            })
            .buffer_unordered(source.pull.concurrent)
        );
        let (mut faults, mut came) = (Vec::new(), false);
        while let Some((uid, result)) = done.next().await {
            match (uid, result) {
                (uid, Ok(outcome)) => {
                    came |= outcome == "pulled";
                    source.count(outcome);
                    uid.and_then(|uid| self.failing.remove(&uid));
                }
                (Some(uid), Err(fault)) if fault.is_of_instance() && faults.len() < FAULTS_MAX => {
                    source.count("failed");
                    faults.push((uid, fault));
                }
                (_, Err(fault)) => return Err(fault),
            }
        }
        if came {
            self.failing.values_mut().for_each(|failing| failing.others_came = true);
        }
        let mut again = None;
        for (uid, fault) in faults {
            if let Some(fault) = self.settle(source, kept, uid, fault, came) {
                again = Some(fault);
            }
        }
        again.map_or(Ok(()), Err)
    }

    /// Gives an instance up that has failed too often; gives the fault back where it has not.
    fn settle(
        &mut self,
        source: &Source<'_>,
        kept: &mut Kept,
        uid: Uid,
        fault: Fault,
        others_came: bool,
    ) -> Option<Fault> {
        let failing = self.failing.entry(uid.clone()).or_default();
        failing.rounds = failing.rounds.saturating_add(1);
        failing.others_came |= others_came;
        let hopeless = match &fault {
            Fault::Instance(_) => failing.rounds >= REFUSALS_MAX,
            Fault::Origin(_) | Fault::Spool(_) => failing.rounds >= FAILURES_MAX && failing.others_came,
        };
        if !hopeless && !failing.given_up {
            return Some(fault);
        }
        let reason = fault.to_string();
        // A round that fails for others is not written down, so it is noted in each.
        kept.position.note_given_up(uid.as_str(), &reason);
        if std::mem::replace(&mut failing.given_up, true) {
            return None;
        }
        source.count("given_up");
        let (pull, origin) = (&source.pull.name, &source.origin.name);
        tracing::error!(pull, origin, sop_instance_uid = %uid, reason, "an instance is not pulled: given up");
        None
    }
}

impl Fault {
    /// Whether a fault may be that of one instance: not where nobody answers, where we are refused or asked
    /// to wait, or where the own spool fails.
    pub(super) fn is_of_instance(&self) -> bool {
        match self {
            Self::Instance(_) => true,
            Self::Spool(_) | Self::Origin(OriginError::Connect(_) | OriginError::Token(_)) => false,
            Self::Origin(OriginError::Refused { status, retry_after, credentials_changed })
                if *credentials_changed || retry_after.is_some() || status.as_u16() == 429 =>
            {
                false
            }
            Self::Origin(error) => error.remedy() != Remedy::FixCredentials,
        }
    }
}

impl Source<'_> {
    /// Takes an instance if it is new, and says what became of it.
    async fn take(&self, job: &Job) -> Result<&'static str, Fault> {
        let deliveries = &*self.core.ports.deliveries;
        let wanting = &job.wanting;
        match known::look_up(deliveries, self.pull, &wanting.instance, job.changed, job.stored).await? {
            Known::Taken => return Ok("known"),
            Known::Own => return Ok("own"),
            Known::Not => {}
        }
        let pulled = intake::take(self.core, self.snapshot, self.origin, self.pull, wanting).await?;
        Ok(match pulled {
            Pulled::Taken => "pulled",
            Pulled::Unwanted => "unwanted",
            Pulled::Gone => "gone",
        })
    }

    pub(super) fn count(&self, outcome: &str) {
        self.core.metrics.pull_instances.with_label_values(&[self.pull.name.as_str(), outcome]).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_origin_as_a_whole_is_no_instances_fault() {
        let refused = |status: u16, after: Option<u64>, credentials_changed| OriginError::Refused {
            status: status.try_into().unwrap(),
            retry_after: after.map(Duration::from_secs),
            credentials_changed,
        };
        let no_token = dicomweb::auth::TokenError {
            end_point: "https://h/token".to_owned(),
            fault: dicomweb::auth::TokenFault::Unreachable("refused".to_owned()),
        };
        let cases = [
            (OriginError::Connect("refused".into()), false),
            (OriginError::Token(no_token), false),
            (refused(401, None, false), false),
            (refused(401, None, true), false),
            (refused(429, None, false), false),
            (refused(503, Some(1), false), false),
            (refused(500, None, false), true),
            (refused(503, None, false), true),
            (refused(406, None, false), true),
            (OriginError::Interrupted("reset".into()), true),
        ];
        for (error, expected) in cases {
            let words = error.to_string();
            assert_eq!(Fault::from(error).is_of_instance(), expected, "{words}");
        }
        assert!(!Fault::Spool(spool::Error::Index("gone".to_owned())).is_of_instance());
    }
}
