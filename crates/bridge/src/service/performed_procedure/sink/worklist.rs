//! The worklist as a sink: it follows what modalities do.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use dataset::json::Item;
use instance::{Tag, Uid};
use serde::{Deserialize, Serialize};
use spool::Documents;

use super::{Known, Outcome, Sink};
use crate::{
    service::performed_procedure::{
        STEP,
        attribute::{
            REQUESTED_PROCEDURE_ID, SCHEDULED_PROCEDURE_STEP_ID, SCHEDULED_STEP_ATTRIBUTES_SEQUENCE,
        },
        report::Report,
        step::{Status, Step, is_wrong_entry},
    },
    worklist::{EntryKey, StepReference, StepStatus, Worklist},
};

/// The kind of the documents that say which performed steps belong to an entry of the worklist.
pub(in crate::service::performed_procedure) const BY_ENTRY: &str = "mpps_by_entry";
/// The kind of the documents that say which entries a performed step belongs to.
pub(in crate::service::performed_procedure) const ENTRIES: &str = "mpps_entries";

/// Performed steps of one entry that are remembered. 64: an entry is begun anew a few times at most.
const PERFORMED_MAX: usize = 64;

/// How often a document is written again because another one was faster.
const CONFLICTS_MAX: usize = 16;

/// Sets the status of entries of the worklist.
pub(crate) struct Follower {
    worklist: Worklist,
    documents: Arc<dyn Documents>,
}

/// What became of one performed step of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Performed {
    InProgress,
    Completed,
    Discontinued,
    /// Discontinued because the entry had been selected by mistake.
    WrongEntry,
}

impl Follower {
    pub(crate) fn new(worklist: Worklist, documents: Arc<dyn Documents>) -> Self {
        Self { worklist, documents }
    }

    /// Whether a step that an attribute list names is on the worklist.
    pub(crate) fn is_scheduled(&self, attributes: &Item) -> bool {
        references(attributes).iter().any(|reference| self.worklist.is_ordered(reference))
    }

    async fn follow(&self, report: &Report) -> Result<(), spool::Error> {
        let uid = report.sop_instance_uid.as_str();
        let Some(document) = self.documents.get(STEP, uid).await? else { return Ok(()) };
        // What cannot be read was reported when it was asked for; there is nothing to follow.
        let Ok(step) = Step::read(&document.value) else { return Ok(()) };
        let performed = match report.status {
            Status::InProgress => Performed::InProgress,
            Status::Completed => Performed::Completed,
            Status::Discontinued if is_wrong_entry(&step.attributes) => Performed::WrongEntry,
            Status::Discontinued => Performed::Discontinued,
        };
        for key in self.entries(&report.sop_instance_uid, &step.attributes).await? {
            let all = self.performed(&key, uid, performed).await?;
            self.worklist.state().set_status(&key, together(all.values().copied())).await?;
        }
        Ok(())
    }

    /// The entries that a performed step belongs to: those found now, and those found before, since a step
    /// may have left the worklist in between.
    async fn entries(&self, uid: &Uid, attributes: &Item) -> Result<Vec<EntryKey>, spool::Error> {
        let found = references(attributes).into_iter().flat_map(|reference| self.worklist.steps(&reference));
        let mut keys: Vec<EntryKey> = Vec::new();
        let known = self.documents.get(ENTRIES, uid.as_str()).await?;
        let before: Vec<(String, String)> =
            known.as_ref().and_then(|known| serde_json::from_slice(&known.value).ok()).unwrap_or_default();
        let before = before.iter().map(|(source, id)| EntryKey::new(source, id));
        for key in found.map(|entry| entry.key.clone()).chain(before) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let names: Vec<(&str, &str)> = keys.iter().map(|key| (&*key.source, &*key.id)).collect();
        let value = serde_json::to_vec(&names).unwrap_or_default();
        if !keys.is_empty() && known.as_ref().is_none_or(|known| known.value != value) {
            let version = known.map(|known| known.version);
            self.documents.put(ENTRIES, uid.as_str(), version, value).await?;
        }
        Ok(keys)
    }

    /// Notes what became of a performed step of an entry, and gives all of that entry.
    async fn performed(
        &self,
        key: &EntryKey,
        uid: &str,
        performed: Performed,
    ) -> Result<BTreeMap<String, Performed>, spool::Error> {
        let name = key.to_string();
        for _ in 0..CONFLICTS_MAX {
            let known = self.documents.get(BY_ENTRY, &name).await?;
            let mut all: BTreeMap<String, Performed> = known
                .as_ref()
                .and_then(|known| serde_json::from_slice(&known.value).ok())
                .unwrap_or_default();
            if all.len() >= PERFORMED_MAX {
                all.retain(|_, performed| *performed == Performed::InProgress);
            }
            all.insert(uid.to_owned(), performed);
            let value = serde_json::to_vec(&all).unwrap_or_default();
            let version = known.map(|known| known.version);
            match self.documents.put(BY_ENTRY, &name, version, value).await {
                Err(spool::Error::Conflict { .. }) => {}
                written => return written.map(|_| all),
            }
        }
        Err(spool::Error::Conflict { current: 0 })
    }
}

#[async_trait]
impl Sink for Follower {
    async fn deliver(&self, report: &Report, _: Known) -> Outcome {
        if !report.is_create() && !report.status.is_final() {
            return Outcome::Delivered;
        }
        match self.follow(report).await {
            Ok(()) => Outcome::Delivered,
            Err(error) => Outcome::not_sent(error.to_string()),
        }
    }
}

/// What several performed steps of one entry make of it: somebody is at work; or else it is done; or else nobody
/// has done it.
fn together(all: impl Iterator<Item = Performed>) -> StepStatus {
    let all: Vec<Performed> = all.collect();
    if all.contains(&Performed::InProgress) {
        StepStatus::Started
    } else if all.contains(&Performed::Completed) {
        StepStatus::Completed
    } else if all.contains(&Performed::Discontinued) {
        StepStatus::Discontinued
    } else {
        StepStatus::Scheduled
    }
}

/// The steps that an attribute list names.
fn references(attributes: &Item) -> Vec<StepReference> {
    let patient_id = attributes.text(Tag::PATIENT_ID).map(Cow::into_owned);
    let reference = |item: &Item| {
        let text = |tag| item.text(tag).map(Cow::into_owned);
        StepReference {
            patient_id: patient_id.clone(),
            study_instance_uid: text(Tag::STUDY_INSTANCE_UID),
            accession_number: text(Tag::ACCESSION_NUMBER),
            requested_procedure_id: text(REQUESTED_PROCEDURE_ID),
            step_id: text(SCHEDULED_PROCEDURE_STEP_ID),
        }
    };
    attributes.items(SCHEDULED_STEP_ATTRIBUTES_SEQUENCE).map(reference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two MPPS for one step, in every combination that tells something.
    #[test]
    fn several_performed_steps_make_one_status() {
        use Performed::{Completed, Discontinued, InProgress, WrongEntry};
        let cases: [(&[Performed], StepStatus); 9] = [
            (&[InProgress], StepStatus::Started),
            (&[Completed], StepStatus::Completed),
            (&[Discontinued], StepStatus::Discontinued),
            (&[WrongEntry], StepStatus::Scheduled),
            (&[Discontinued, InProgress], StepStatus::Started),
            (&[Completed, InProgress], StepStatus::Started),
            (&[Completed, Discontinued], StepStatus::Completed),
            (&[WrongEntry, Completed], StepStatus::Completed),
            (&[WrongEntry, Discontinued], StepStatus::Discontinued),
        ];
        for (all, expected) in cases {
            assert_eq!(together(all.iter().copied()), expected, "{all:?}");
        }
    }
}
