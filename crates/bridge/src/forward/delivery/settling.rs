//! What an answer means for each instance, and what is found out where it leaves that open.

use std::time::{Instant, SystemTime};

use dicomweb::{Presence, search::Level};
use spool::{Deliveries, HeldReason, Lease, Outcome};

use super::{Attempt, Outgoing};
use crate::{
    config::Duplicate,
    forward::{
        duplicate::{self, Comparison, Content},
        verdict::{IfNotAskable, Verdict, failure_in_words},
    },
};

/// What a duplicate is, in words.
const SAYS: &str = "the origin already has an instance of this UID";

impl Attempt<'_> {
    /// Settles each instance: what needs no question at once and together, so that the records share
    /// the syncs of the index; then the rest one by one.
    pub(super) async fn settle_all(&self, verdicts: impl Iterator<Item = (&Outgoing, Verdict)> + Send) {
        let (mut records, mut unknown, mut duplicates) = (Vec::new(), Vec::new(), Vec::new());
        for (instance, verdict) in verdicts {
            let outcome = match verdict {
                Verdict::Delivered(answer) => instance.delivered(answer),
                Verdict::Refused(words) => Outcome::Held { reason: HeldReason::Refused(words) },
                Verdict::Later(words, asked) => self.later(&instance.lease, words, asked),
                Verdict::Unknown(words, if_not_askable) => {
                    unknown.push((instance, words, if_not_askable));
                    continue;
                }
                Verdict::Duplicate => {
                    duplicates.push(instance);
                    continue;
                }
            };
            records.push((&instance.lease, outcome));
        }
        self.settlement.record_all(records).await;
        // Once the origin cannot be asked any more, the rest is not asked about either.
        let mut asking = true;
        for (instance, words, if_not_askable) in unknown {
            let (outcome, answered) = if asking {
                self.look_up(instance, words, if_not_askable).await
            } else {
                (self.later(&instance.lease, words, None), false)
            };
            asking = answered;
            self.settlement.record(&instance.lease, outcome).await;
        }
        for instance in duplicates {
            let outcome = self.of_duplicate(instance).await;
            self.settlement.record(&instance.lease, outcome).await;
        }
    }

    /// Settles an unknown outcome by a search, and tells whether the origin answered it.
    async fn look_up(&self, instance: &Outgoing, words: String, otherwise: IfNotAskable) -> (Outcome, bool) {
        let lease = &instance.lease;
        let started = Instant::now();
        let presence = self.origin.bulk.find_instance(&lease.entry.trailer.identity).await;
        self.count_request("qido", started, presence.as_ref().err());
        let (result, outcome) = match presence {
            Ok(Presence::Present) => ("present", self.of_present(instance, words, otherwise).await),
            Ok(Presence::Absent) => {
                ("absent", self.later(lease, format!("{words}; not found by search, sent again"), None))
            }
            Ok(Presence::NotAskable) => (
                "not_askable",
                match otherwise {
                    IfNotAskable::Delivered => instance.delivered(format!("{words}; believed")),
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

    /// What becomes of an instance of unknown outcome whose UID is found.
    async fn of_present(&self, instance: &Outgoing, words: String, otherwise: IfNotAskable) -> Outcome {
        let lease = &instance.lease;
        let is_sent_again = otherwise == IfNotAskable::SentAgain;
        if is_sent_again && duplicate::are_replaced(self.origin) {
            let identity = &lease.entry.trailer.identity;
            // Were it not looked at, an origin whose answers are lost would be sent it for ever.
            return match duplicate::compare_with_copy(identity, content(instance), &self.origin.bulk).await {
                Comparison::Equal(how) => instance.delivered(format!("{words}; {how}")),
                Comparison::Different | Comparison::NotNow(_) => {
                    self.later(lease, format!("{words}; sent again, to replace what is found"), None)
                }
            };
        }
        match self.delivered_other_content(lease).await {
            Ok(false) => instance.delivered(format!("{words}; found by search")),
            // What is found may be what was delivered before, or what has just been sent.
            Ok(true) if is_sent_again || self.origin.duplicate == Duplicate::Overwrite => {
                match self.compare(instance).await {
                    Comparison::Equal(how) => instance.delivered(format!("{words}; {how}")),
                    Comparison::Different if is_sent_again => {
                        self.later(lease, format!("{words}; the content found is older, sent again"), None)
                    }
                    Comparison::Different => self.of_duplicate(instance).await,
                    Comparison::NotNow(why) => self.later(lease, format!("{words}; {why}"), None),
                }
            }
            Ok(true) => self.of_duplicate(instance).await,
            Err(outcome) => outcome,
        }
    }

    async fn of_duplicate(&self, instance: &Outgoing) -> Outcome {
        match self.origin.duplicate {
            Duplicate::Success => Outcome::Delivered { answer: SAYS.to_owned() },
            Duplicate::Reject => Outcome::Held { reason: HeldReason::Refused(SAYS.to_owned()) },
            Duplicate::Overwrite if !self.origin.client.profile().deletes(Level::Instance) => {
                let words = format!("{SAYS}, did not replace it, and deletes none");
                Outcome::Held { reason: HeldReason::Refused(words) }
            }
            Duplicate::Overwrite => match self.delete(instance).await {
                Ok(()) => self.after_deletion(instance),
                Err(outcome) => outcome,
            },
            Duplicate::Verify => match self.compare(instance).await {
                Comparison::Equal(how) => Outcome::Delivered { answer: format!("{SAYS}, {how}") },
                Comparison::Different => Outcome::Held { reason: HeldReason::DifferentContent },
                Comparison::NotNow(words) => self.later(&instance.lease, words, None),
            },
        }
    }

    /// Deletes what the origin has, so that it takes this instance; an outcome where that fails.
    async fn delete(&self, instance: &Outgoing) -> Result<(), Outcome> {
        let deleted = self.origin.bulk.delete_instance(&instance.lease.entry.trailer.identity).await;
        deleted.map_err(|error| {
            let words = format!("{SAYS}, and deleting it failed: {}", failure_in_words(&error));
            self.later(&instance.lease, words, None)
        })
    }

    /// Sent again at once, but for an origin that has it all the same, again and again.
    fn after_deletion(&self, instance: &Outgoing) -> Outcome {
        let reason = format!("{SAYS}; it was deleted there to be overwritten");
        match instance.lease.attempts {
            0 | 1 => Outcome::Deferred { not_before: SystemTime::now(), reason },
            _ => self.later(&instance.lease, reason, None),
        }
    }

    async fn compare(&self, instance: &Outgoing) -> Comparison {
        let entry = &instance.lease.entry;
        let destination = &instance.lease.token.destination;
        let identity = &entry.trailer.identity;
        duplicate::compare(identity, content(instance), destination, self.deliveries(), &self.origin.bulk)
            .await
    }

    /// An origin that calls an instance of a known UID stored, and keeps its own copy or loses it, is not
    /// sent other content than before while it has that copy: its answer would lose an instance.
    pub(super) async fn settle_unreported_duplicates(&self, instances: Vec<Outgoing>) -> Vec<Outgoing> {
        if !duplicate::go_unreported(self.origin) {
            return instances;
        }
        let leases = || instances.iter().map(|instance| &instance.lease);
        let differs = match duplicate::delivered_other_content(leases(), self.deliveries()).await {
            Ok(differs) => differs,
            Err(error) => {
                let later = |lease| (lease, self.record_unreadable(lease, &error));
                self.settlement.record_all(leases().map(later).collect()).await;
                return Vec::new();
            }
        };
        let mut unsettled = Vec::with_capacity(instances.len());
        for (instance, differs) in instances.into_iter().zip(differs) {
            match if differs { self.of_other_content(&instance).await } else { None } {
                Some(outcome) => self.settlement.record(&instance.lease, outcome).await,
                None => unsettled.push(instance),
            }
        }
        unsettled
    }

    /// What becomes of an instance whose UID the origin was given other content under; nothing where it
    /// does not have that any more.
    async fn of_other_content(&self, instance: &Outgoing) -> Option<Outcome> {
        let overwrites = self.origin.duplicate == Duplicate::Overwrite
            && self.origin.client.profile().deletes(Level::Instance);
        match self.origin.bulk.find_instance(&instance.lease.entry.trailer.identity).await {
            Ok(Presence::Absent) => None,
            // Whether it is gone then cannot be asked either.
            Ok(Presence::NotAskable) if overwrites => self.delete(instance).await.err(),
            Ok(Presence::Present | Presence::NotAskable) => Some(self.of_duplicate(instance).await),
            Err(error) => {
                let words = format!("other content was delivered before; {}", failure_in_words(&error));
                Some(self.later(&instance.lease, words, None))
            }
        }
    }

    /// Whether the own record says that this origin was given other content under the UID last; an
    /// outcome where the record cannot be read.
    async fn delivered_other_content(&self, lease: &Lease) -> Result<bool, Outcome> {
        match duplicate::delivered_other_content(std::iter::once(lease), self.deliveries()).await {
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
}

fn content(instance: &Outgoing) -> Content<'_> {
    Content { sha256: &instance.lease.entry.sha256, changed_from: instance.data_set.changed_from() }
}
