//! One attempt: a batch of leased instances to one origin.

mod outgoing;
mod settling;

use std::{
    collections::VecDeque,
    time::{Duration, Instant, SystemTime},
};

use dicomweb::{Error, StoreAnswer};
use spool::{Lease, Outcome};

use self::outgoing::{Outgoing, of_own_bytes};
use super::{
    back_off,
    batch::{self, Share},
    breaker::Health,
    duplicate,
    settlement::Settlement,
    verdict::{self, Whole, failure_in_words},
};
use crate::snapshot::Origin;

/// What an attempt works with: where to, and where outcomes go.
pub(crate) struct Attempt<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) settlement: &'a Settlement,
}

/// A wait before an instance whose request never left is leased again, should the breaker not have
/// opened yet.
const NOT_ATTEMPTED: Duration = Duration::from_secs(1);

impl Attempt<'_> {
    /// Delivers `leases`, all of one study, and settles each of them. Returns what was learnt about
    /// the destination.
    pub(crate) async fn run(&self, leases: Vec<Lease>) -> Health {
        let instances = self.prepare(leases).await;
        let instances = self.settle_unreported_duplicates(instances).await;
        let mut waiting = VecDeque::from(batch::plan(instances, self.origin.limits, |instance| Share {
            attempts: instance.lease.attempts,
            bytes: instance.data_set.length,
        }));
        let mut health = Health::Unclear;
        while let Some(batch) = waiting.pop_front() {
            let serves = matches!(health, Health::Unclear | Health::Answered);
            if self.settlement.stop.is_cancelled() || !serves {
                self.release(&batch, None, None).await;
                continue;
            }
            let answer = self.send(&batch).await;
            let learnt = self.take_answer(batch, answer, &mut waiting).await;
            if learnt != Health::Unclear {
                health = learnt;
            }
        }
        health
    }

    /// Makes one request of a batch.
    async fn send(&self, batch: &[Outgoing]) -> Result<StoreAnswer, Error> {
        let _reserved = self.settlement.memory.sending().await;
        let parts = batch.iter().map(Outgoing::part).collect();
        let started = Instant::now();
        let answer = duplicate::store(self.origin, &self.origin.bulk, parts).await;
        self.count_request("stow", started, answer.as_ref().err());
        answer
    }

    /// Settles what an answer settles, and puts what must be sent again in front of `waiting`.
    async fn take_answer(
        &self,
        mut batch: Vec<Outgoing>,
        answer: Result<StoreAnswer, Error>,
        waiting: &mut VecDeque<Vec<Outgoing>>,
    ) -> Health {
        let profile = self.origin.client.profile();
        let error = match answer {
            Ok(answer) => {
                let verdicts =
                    answer.instances.iter().map(|outcome| verdict::of_instance(&answer, outcome, profile));
                self.settle_all(batch.iter().zip(verdicts)).await;
                return Health::Answered;
            }
            Err(Error::Source { part, source }) if part < batch.len() => {
                let culprit = batch.remove(part);
                self.settlement.record(&culprit.lease, of_own_bytes(&source)).await;
                if !batch.is_empty() {
                    waiting.push_front(batch);
                }
                return Health::Unclear;
            }
            Err(error) => error,
        };
        let (whole, health) = verdict::of_request(&error, batch.len(), profile);
        tracing::warn!(
            destination = %self.origin.name,
            instances = batch.len(),
            cause = failure_in_words(&error),
            "a store request failed as a whole"
        );
        match whole {
            Whole::NotAttempted(asked) => self.release(&batch, Some(failure_in_words(&error)), asked).await,
            Whole::Each(verdict) => {
                self.settle_all(batch.iter().map(|instance| (instance, verdict.clone()))).await;
            }
            Whole::Divide(verdict) => match batch::halves(batch) {
                Ok((first, second)) => {
                    waiting.push_front(second);
                    waiting.push_front(first);
                }
                Err(culprit) => {
                    self.settle_all(culprit.iter().map(|instance| (instance, verdict.clone()))).await;
                }
            },
        }
        health
    }

    /// Gives leases back with their attempts; they are due again after a moment, or after the wait that was
    /// asked for.
    async fn release(&self, batch: &[Outgoing], reason: Option<String>, asked: Option<Duration>) {
        let wait = match asked {
            Some(_) => back_off::wait(&self.settlement.forward.back_off, 1, asked, &mut rand::rng()),
            None => NOT_ATTEMPTED,
        };
        let not_before = SystemTime::now() + wait;
        let released = || Outcome::Released { not_before, reason: reason.clone() };
        let records = batch.iter().map(|instance| (&instance.lease, released())).collect();
        self.settlement.record_all(records).await;
    }

    fn later(&self, lease: &Lease, reason: String, asked: Option<Duration>) -> Outcome {
        let wait = back_off::wait(&self.settlement.forward.back_off, lease.attempts, asked, &mut rand::rng());
        Outcome::Deferred { not_before: SystemTime::now() + wait, reason }
    }

    fn count_request(&self, service: &str, started: Instant, error: Option<&Error>) {
        self.settlement.metrics.count_origin_request(&self.origin.name, service, started.elapsed(), error);
    }
}
