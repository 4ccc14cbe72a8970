//! Which entry an MPPS means: the other half of the seam to that service.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
};

use instance::Tag;

use super::{
    Entry, Inner, Worklist,
    attribute::{PROCEDURE_ID, STEP_ID},
    index::step,
};

/// Entries that were looked up and not kept, so that an MPPS about one of them finds it. 256: modalities report
/// what they asked for within the hour.
const LOOKED_UP_MAX: usize = 256;

/// What an item of (0040,0270) Scheduled Step Attributes Sequence says of the step (PS3.4 §F.7.2.1).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StepReference {
    /// (0020,000D) Study Instance UID.
    pub study_instance_uid: Option<String>,
    /// (0008,0050) Accession Number.
    pub accession_number: Option<String>,
    /// (0040,1001) Requested Procedure ID.
    pub requested_procedure_id: Option<String>,
    /// (0040,0009) Scheduled Procedure Step ID.
    pub step_id: Option<String>,
}

/// The entries that were looked up last.
#[derive(Default)]
pub(super) struct LookedUp(VecDeque<Arc<Entry>>);

impl Worklist {
    /// The entries that a reference means: those of the study, or else of the accession number, that have all
    /// of what the reference states. None for an unscheduled step.
    #[must_use]
    pub fn steps(&self, reference: &StepReference) -> Vec<Arc<Entry>> {
        let index = self.index();
        let of_study = reference.study_instance_uid.iter().flat_map(|uid| index.of_study(uid));
        let of_number =
            reference.accession_number.iter().flat_map(|number| index.of_accession_number(number));
        let looked_up = self.inner.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Arc<Entry>> = Vec::new();
        for entry in of_study.chain(of_number).chain(&looked_up.0) {
            let known = found.iter().any(|found| found.key == entry.key);
            if !known && reference.means(entry) {
                found.push(Arc::clone(entry));
            }
        }
        found
    }
}

impl Inner {
    /// Remembers what was looked up.
    pub(super) fn remember(&self, entries: &[Arc<Entry>]) {
        let mut looked_up = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries.iter().take(LOOKED_UP_MAX) {
            looked_up.0.retain(|known| known.key != entry.key);
            looked_up.0.push_back(Arc::clone(entry));
        }
        while looked_up.0.len() > LOOKED_UP_MAX {
            looked_up.0.pop_front();
        }
    }
}

impl StepReference {
    /// Whether nothing that it states is otherwise in the entry, and the study or the accession number is the
    /// same. A modality may leave out the others, or not have asked for them.
    fn means(&self, entry: &Entry) -> bool {
        let same = |stated: &Option<String>, is: Option<std::borrow::Cow<'_, str>>| {
            stated.as_ref().map(|stated| is.is_some_and(|is| is == stated.trim()))
        };
        let study = same(&self.study_instance_uid, entry.item.text(Tag::STUDY_INSTANCE_UID));
        let number = same(&self.accession_number, entry.item.text(Tag::ACCESSION_NUMBER));
        let procedure = same(&self.requested_procedure_id, entry.item.text(PROCEDURE_ID));
        let step = same(&self.step_id, step(entry).and_then(|step| step.text(STEP_ID)));
        (study == Some(true) || number == Some(true))
            && [study, number, procedure, step].into_iter().all(|same| same != Some(false))
    }
}

impl std::fmt::Debug for StepReference {
    /// Without anything about the patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepReference")
            .field("study_instance_uid", &self.study_instance_uid)
            .finish_non_exhaustive()
    }
}
