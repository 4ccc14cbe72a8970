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
    put_off::PutOff,
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
            // Attempts that were given back count too: what is put off again and again goes alone as well.
            attempts: instance.lease.attempts.saturating_add(self.settlement.put_offs.times(&instance.lease)),
            bytes: instance.data_set.length,
        }));
        let mut health = Health::Unclear;
        while let Some(batch) = waiting.pop_front() {
            let serves = matches!(health, Health::Unclear | Health::Answered);
            if self.settlement.stop.is_cancelled() || !serves {
                self.release(&batch, None, NOT_ATTEMPTED).await;
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
                self.settlement.put_offs.forget(batch.iter().map(|instance| &instance.lease));
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
            Whole::NotAttempted => {
                self.release(&batch, Some(failure_in_words(&error)), NOT_ATTEMPTED).await;
            }
            Whole::PutOff(words, asked) => return self.put_off(&batch, words, asked, health).await,
            Whole::Each(verdict) => {
                self.settle_all(batch.iter().map(|instance| (instance, verdict.clone()))).await;
            }
            Whole::Divide(verdict) => {
                self.settlement.put_offs.forget(batch.iter().map(|instance| &instance.lease));
                match batch::halves(batch) {
                    Ok((first, second)) => {
                        waiting.push_front(second);
                        waiting.push_front(first);
                    }
                    Err(culprit) => {
                        self.settle_all(culprit.iter().map(|instance| (instance, verdict.clone()))).await;
                    }
                }
            }
        }
        health
    }

    /// Settles a batch for which the origin asked for time. One instance that goes alone by now, and last, waits
    /// by itself: that others are served shows that it is what the origin minds, and where none are, it is due
    /// later than they.
    async fn put_off(
        &self,
        batch: &[Outgoing],
        words: String,
        asked: Option<Duration>,
        health: Health,
    ) -> Health {
        let PutOff { times, others_served, blamed } =
            self.settlement.put_offs.note(batch.iter().map(|instance| &instance.lease));
        let back_off = |attempts, asked| {
            back_off::wait(&self.settlement.forward.back_off, attempts, asked, &mut rand::rng())
        };
        let wait = if asked.is_some() { back_off(1, asked) } else { NOT_ATTEMPTED };
        let stands_alone = |instance: &Outgoing| {
            batch.len() == 1 && instance.lease.attempts.saturating_add(times) > batch::ALONE_FROM_ATTEMPT
        };
        match batch.first().filter(|instance| stands_alone(instance)) {
            Some(culprit) if blamed => {
                let outcome = self.later(&culprit.lease, words, asked);
                self.settlement.record(&culprit.lease, outcome).await;
                if others_served { Health::Unclear } else { health }
            }
            Some(_) => {
                self.release(batch, Some(words), wait + back_off(times, None)).await;
                health
            }
            None => {
                self.release(batch, Some(words), wait).await;
                health
            }
        }
    }

    /// Gives leases back with their attempts; they are due again after `wait`.
    async fn release(&self, batch: &[Outgoing], reason: Option<String>, wait: Duration) {
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
