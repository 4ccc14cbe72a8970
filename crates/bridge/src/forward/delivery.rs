//! One attempt: a batch of leased instances to one origin.

use std::{
    collections::VecDeque,
    time::{Duration, Instant, SystemTime},
};

use dicomweb::{BoxError, Error, Presence, StoreAnswer, StorePart};
use futures::{StreamExt, TryStreamExt};
use instance::part10::FileMeta;
use spool::{Deliveries, HeldReason, Lease, Outcome};

use super::{
    back_off, batch,
    breaker::Health,
    duplicate::{self, Comparison},
    edit::DataSet,
    settlement::Settlement,
    verdict::{self, IfNotAskable, Verdict, Whole, failure_in_words},
};
use crate::{config::Duplicate, snapshot::Origin};

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
        let leases = self.hold_untaken_syntaxes(leases).await;
        let leases = self.settle_unreported_duplicates(leases).await;
        let mut waiting = VecDeque::from(batch::plan(leases, |lease| lease.attempts));
        let mut health = Health::Unclear;
        while let Some(batch) = waiting.pop_front() {
            let serves = matches!(health, Health::Unclear | Health::Answered);
            if self.settlement.stop.is_cancelled() || !serves {
                self.release(&batch, None).await;
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
    async fn send(&self, batch: &[Lease]) -> Result<StoreAnswer, Error> {
        let _reserved = self.settlement.memory.sending().await;
        let parts = batch.iter().map(|lease| self.part(lease)).collect();
        let started = Instant::now();
        let answer = self.origin.bulk.store(parts).await;
        self.count_request("stow", started, answer.as_ref().err());
        answer
    }

    /// Settles what an answer settles, and puts what must be sent again in front of `waiting`.
    async fn take_answer(
        &self,
        mut batch: Vec<Lease>,
        answer: Result<StoreAnswer, Error>,
        waiting: &mut VecDeque<Vec<Lease>>,
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
                self.settlement.record(&culprit, of_own_bytes(&source)).await;
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
            Whole::NotAttempted => self.release(&batch, Some(failure_in_words(&error))).await,
            Whole::Each(verdict) => {
                self.settle_all(batch.iter().map(|lease| (lease, verdict.clone()))).await;
            }
            Whole::Divide(verdict) => match batch::halves(batch) {
                Ok((first, second)) => {
                    waiting.push_front(second);
                    waiting.push_front(first);
                }
                Err(culprit) => self.settle_all(culprit.iter().map(|lease| (lease, verdict.clone()))).await,
            },
        }
        health
    }

    /// Settles each instance: what needs no question at once and together, so that the records share
    /// the syncs of the index; then the rest one by one.
    async fn settle_all(&self, verdicts: impl Iterator<Item = (&Lease, Verdict)> + Send) {
        let (mut records, mut unknown, mut duplicates) = (Vec::new(), Vec::new(), Vec::new());
        for (lease, verdict) in verdicts {
            let outcome = match verdict {
                Verdict::Delivered(answer) => Outcome::Delivered { answer },
                Verdict::Refused(words) => Outcome::Held { reason: HeldReason::Refused(words) },
                Verdict::Later(words, asked) => self.later(lease, words, asked),
                Verdict::Unknown(words, if_not_askable) => {
                    unknown.push((lease, words, if_not_askable));
                    continue;
                }
                Verdict::Duplicate => {
                    duplicates.push(lease);
                    continue;
                }
            };
            records.push((lease, outcome));
        }
        self.settlement.record_all(records).await;
        // Once the origin cannot be asked any more, the rest is not asked about either.
        let mut asking = true;
        for (lease, words, if_not_askable) in unknown {
            let (outcome, answered) = if asking {
                self.look_up(lease, words, if_not_askable).await
            } else {
                (self.later(lease, words, None), false)
            };
            asking = answered;
            self.settlement.record(lease, outcome).await;
        }
        for lease in duplicates {
            let outcome = self.of_duplicate(lease).await;
            self.settlement.record(lease, outcome).await;
        }
    }

    /// Settles an unknown outcome by a search, and tells whether the origin answered it.
    async fn look_up(&self, lease: &Lease, words: String, otherwise: IfNotAskable) -> (Outcome, bool) {
        let started = Instant::now();
        let presence = self.origin.bulk.find_instance(&lease.entry.trailer.identity).await;
        self.count_request("qido", started, presence.as_ref().err());
        let (result, outcome) = match presence {
            Ok(Presence::Present) => {
                let outcome = match self.delivered_other_content(lease).await {
                    Ok(false) => Outcome::Delivered { answer: format!("{words}; found by search") },
                    // What is found may be what was delivered before.
                    Ok(true) if otherwise == IfNotAskable::SentAgain => match self.compare(lease).await {
                        Comparison::Equal(how) => Outcome::Delivered { answer: format!("{words}; {how}") },
                        Comparison::Different => self.later(
                            lease,
                            format!("{words}; the content found is older, sent again"),
                            None,
                        ),
                        Comparison::NotNow(why) => self.later(lease, format!("{words}; {why}"), None),
                    },
                    Ok(true) => self.of_duplicate(lease).await,
                    Err(outcome) => outcome,
                };
                ("present", outcome)
            }
            Ok(Presence::Absent) => {
                ("absent", self.later(lease, format!("{words}; not found by search, sent again"), None))
            }
            Ok(Presence::NotAskable) => (
                "not_askable",
                match otherwise {
                    IfNotAskable::Delivered => Outcome::Delivered { answer: format!("{words}; believed") },
                    IfNotAskable::Held => Outcome::Held { reason: HeldReason::OutcomeUnknown },
                    IfNotAskable::SentAgain => self.later(lease, words, None),
                },
            ),
            Err(error) => {
                let words = format!("{words}; the search failed: {}", failure_in_words(&error));
                self.settlement.count_verification(&lease.token.destination, "failed");
                return (self.later(lease, words, None), false);
            }
        };
        self.settlement.count_verification(&lease.token.destination, result);
        (outcome, true)
    }

    async fn of_duplicate(&self, lease: &Lease) -> Outcome {
        const SAYS: &str = "the origin already has an instance of this UID";
        match self.origin.duplicate {
            Duplicate::Success => Outcome::Delivered { answer: SAYS.to_owned() },
            Duplicate::Reject => Outcome::Held { reason: HeldReason::Refused(SAYS.to_owned()) },
            Duplicate::Overwrite => {
                match self.origin.bulk.delete_instance(&lease.entry.trailer.identity).await {
                    Ok(()) => Outcome::Deferred {
                        not_before: SystemTime::now(),
                        reason: format!("{SAYS}; it was deleted there to be overwritten"),
                    },
                    Err(error) => {
                        let words = format!("{SAYS}, and deleting it failed: {}", failure_in_words(&error));
                        self.later(lease, words, None)
                    }
                }
            }
            Duplicate::Verify => match self.compare(lease).await {
                Comparison::Equal(how) => Outcome::Delivered { answer: format!("{SAYS}, {how}") },
                Comparison::Different => Outcome::Held { reason: HeldReason::DifferentContent },
                Comparison::NotNow(words) => self.later(lease, words, None),
            },
        }
    }

    async fn compare(&self, lease: &Lease) -> Comparison {
        let (identity, sha256) = (&lease.entry.trailer.identity, &lease.entry.sha256);
        let destination = &lease.token.destination;
        duplicate::compare(identity, sha256, destination, self.deliveries(), &self.origin.bulk).await
    }

    /// An instance in a transfer syntax that the profile does not take would be refused each time.
    async fn hold_untaken_syntaxes(&self, leases: Vec<Lease>) -> Vec<Lease> {
        let taken = &self.origin.client.profile().transfer_syntaxes;
        let is_taken = |lease: &Lease| taken.accept(&lease.entry.header.transfer_syntax);
        let (taken, untaken): (Vec<_>, Vec<_>) = leases.into_iter().partition(is_taken);
        for lease in untaken {
            let syntax = lease.entry.header.transfer_syntax.uid();
            let words = format!("the origin's profile does not take transfer syntax {syntax}");
            self.settlement.record(&lease, Outcome::Held { reason: HeldReason::Refused(words) }).await;
        }
        taken
    }

    /// An origin that keeps its own copy of a known UID and still calls the new one stored is not sent
    /// other content than before while it has that copy: its answer would lose an instance.
    async fn settle_unreported_duplicates(&self, leases: Vec<Lease>) -> Vec<Lease> {
        if !self.origin.client.profile().duplicates_unreported || self.origin.duplicate == Duplicate::Success
        {
            return leases;
        }
        let differs = match duplicate::delivered_other_content(&leases, self.deliveries()).await {
            Ok(differs) => differs,
            Err(error) => {
                let later = |lease| (lease, self.record_unreadable(lease, &error));
                self.settlement.record_all(leases.iter().map(later).collect()).await;
                return Vec::new();
            }
        };
        let mut unsettled = Vec::with_capacity(leases.len());
        for (lease, differs) in leases.into_iter().zip(differs) {
            match if differs { self.of_other_content(&lease).await } else { None } {
                Some(outcome) => self.settlement.record(&lease, outcome).await,
                None => unsettled.push(lease),
            }
        }
        unsettled
    }

    /// What becomes of an instance whose UID the origin was given other content under; nothing where it
    /// does not have that any more.
    async fn of_other_content(&self, lease: &Lease) -> Option<Outcome> {
        match self.origin.bulk.find_instance(&lease.entry.trailer.identity).await {
            Ok(Presence::Absent) => None,
            Ok(Presence::Present | Presence::NotAskable) => Some(self.of_duplicate(lease).await),
            Err(error) => {
                let words = format!("other content was delivered before; {}", failure_in_words(&error));
                Some(self.later(lease, words, None))
            }
        }
    }

    /// Whether the own record says that this origin was given other content under the UID last; an
    /// outcome where the record cannot be read.
    async fn delivered_other_content(&self, lease: &Lease) -> Result<bool, Outcome> {
        match duplicate::delivered_other_content(std::slice::from_ref(lease), self.deliveries()).await {
            Ok(differs) => Ok(differs == [true]),
            Err(error) => Err(self.record_unreadable(lease, &error)),
        }
    }

    fn record_unreadable(&self, lease: &Lease, error: &spool::Error) -> Outcome {
        self.later(lease, format!("the delivery record cannot be read: {error}"), None)
    }

    fn deliveries(&self) -> &dyn Deliveries {
        &*self.settlement.ports.deliveries
    }

    async fn release(&self, batch: &[Lease], reason: Option<String>) {
        let not_before = SystemTime::now() + NOT_ATTEMPTED;
        let released = |lease| (lease, Outcome::Released { not_before, reason: reason.clone() });
        self.settlement.record_all(batch.iter().map(released).collect()).await;
    }

    fn later(&self, lease: &Lease, reason: String, asked: Option<Duration>) -> Outcome {
        let wait = back_off::wait(&self.settlement.forward.back_off, lease.attempts, asked, &mut rand::rng());
        Outcome::Deferred { not_before: SystemTime::now() + wait, reason }
    }

    fn part(&self, lease: &Lease) -> StorePart {
        let entry = &lease.entry;
        let bytes = self.settlement.ports.payloads.read(entry.entry_id, 0..entry.length);
        let data_set = DataSet {
            transfer_syntax: entry.header.transfer_syntax.clone(),
            length: Some(entry.length),
            bytes: bytes.map_err(BoxError::from).boxed(),
        };
        let data_set = self.origin.edit.apply(entry, data_set);
        StorePart {
            meta: FileMeta {
                sop_class_uid: entry.trailer.identity.sop_class_uid.clone(),
                sop_instance_uid: entry.trailer.identity.sop_instance_uid.clone(),
                transfer_syntax: data_set.transfer_syntax,
            },
            source: Some(entry.header.calling_ae_title.clone()),
            length: data_set.length,
            data: data_set.bytes,
        }
    }

    fn count_request(&self, service: &str, started: Instant, error: Option<&Error>) {
        self.settlement.metrics.count_origin_request(&self.origin.name, service, started.elapsed(), error);
    }
}

/// What becomes of an instance whose own bytes could not be read.
fn of_own_bytes(error: &BoxError) -> Outcome {
    match error.downcast_ref::<spool::Error>() {
        Some(spool::Error::Corrupt { .. }) => Outcome::Quarantined { reason: error.to_string() },
        Some(spool::Error::PayloadGone(_) | spool::Error::NotFound(_)) => {
            Outcome::Held { reason: HeldReason::Other(error.to_string()) }
        }
        _ => Outcome::Deferred {
            not_before: SystemTime::now() + OWN_BYTES_AGAIN,
            reason: format!("the spool could not be read: {error}"),
        },
    }
}

/// After a read error of the own disk: time for a controller to recover, short beside an outage.
const OWN_BYTES_AGAIN: Duration = Duration::from_secs(30);
