//! Leased instances made ready to leave.

use std::time::{Duration, SystemTime};

use dicomweb::{BoxError, StorePart};
use instance::part10::FileMeta;
use spool::{HeldReason, Lease, Outcome};

use super::Attempt;
use crate::forward::edit::{DataSet, EditError, Original};

/// A leased instance, and what of it leaves.
pub(super) struct Outgoing {
    pub(super) lease: Lease,
    pub(super) data_set: DataSet,
}

/// After a read error of the own disk: time for a controller to recover, short beside an outage.
const OWN_BYTES_AGAIN: Duration = Duration::from_secs(30);

impl Outgoing {
    pub(super) fn part(&self) -> StorePart {
        let entry = &self.lease.entry;
        StorePart {
            meta: FileMeta {
                sop_class_uid: entry.trailer.identity.sop_class_uid.clone(),
                sop_instance_uid: entry.trailer.identity.sop_instance_uid.clone(),
                transfer_syntax: self.data_set.transfer_syntax.clone(),
            },
            source: Some(entry.header.calling_ae_title.clone()),
            length: Some(self.data_set.length),
            data: self.data_set.bytes(),
        }
    }

    /// What the delivery record says of a delivery.
    pub(super) fn delivered(&self, answer: String) -> Outcome {
        let answer = match self.data_set.change_in_words() {
            Some(change) => format!("{answer}; {change}"),
            None => answer,
        };
        Outcome::Delivered { answer }
    }
}

impl Attempt<'_> {
    /// Makes instances ready. What cannot leave as the origin needs it is settled, and not among them.
    pub(super) async fn prepare(&self, leases: Vec<Lease>) -> Vec<Outgoing> {
        let accepted = &self.origin.client.profile().transfer_syntaxes;
        let reads = leases.iter().any(|lease| !accepted.accept(&lease.entry.header.transfer_syntax));
        let _reserved = if reads { Some(self.settlement.memory.sending().await) } else { None };
        let mut outgoing = Vec::with_capacity(leases.len());
        for lease in leases {
            let original = Original::of(&lease.entry, &self.settlement.ports.payloads);
            match self.origin.edit.prepare(original).await {
                Ok(data_set) => outgoing.push(Outgoing { lease, data_set }),
                Err(error) => self.settlement.record(&lease, of_edit_error(&error)).await,
            }
        }
        outgoing
    }
}

fn of_edit_error(error: &EditError) -> Outcome {
    match error {
        EditError::Source(source) => of_own_bytes(source),
        EditError::NotTaken(_) | EditError::Malformed { .. } => {
            Outcome::Held { reason: HeldReason::Other(error.to_string()) }
        }
    }
}

/// What becomes of an instance whose own bytes could not be read.
pub(super) fn of_own_bytes(error: &BoxError) -> Outcome {
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
