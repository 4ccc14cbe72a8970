//! Which entry an MPPS means: the other half of the seam to that service.

use std::{
    borrow::Cow,
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

/// What an item of (0040,0270) Scheduled Step Attributes Sequence says of the step (PS3.4 §F.7.2.1), and whose
/// it is.
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
    /// (0010,0020) Patient ID, which stands beside the item.
    pub patient_id: Option<String>,
}

/// What of a reference names an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NamedBy {
    Study,
    AccessionNumber,
}

/// The entries that were looked up last.
#[derive(Default)]
pub(super) struct LookedUp(VecDeque<Arc<Entry>>);

impl Worklist {
    /// The entries that a reference means, none for an unscheduled step: those of the study, or else those of the
    /// accession number, that have all else of what the reference states.
    ///
    /// The number decides where the study is another one: a modality that was given it on paper, or that could not
    /// ask, made the Study Instance UID itself, and may do so for one step that fulfils several requests too
    /// (PS3.17 §J.4). Where the entries of the number are of several studies, it does not say which was meant,
    /// and none is; that the step was ordered all the same, [`Self::is_ordered`] tells.
    #[must_use]
    pub fn steps(&self, reference: &StepReference) -> Vec<Arc<Entry>> {
        let found = self.named_by(reference);
        if found.iter().any(|(_, by)| *by == NamedBy::Study) {
            return found
                .into_iter()
                .filter(|(_, by)| *by == NamedBy::Study)
                .map(|(entry, _)| entry)
                .collect();
        }
        let study = |entry: &Entry| entry.item.text(Tag::STUDY_INSTANCE_UID).map(Cow::into_owned);
        let mut studies = found.iter().map(|(entry, _)| study(entry));
        let first = studies.next();
        if reference.study_instance_uid.is_some() && studies.any(|study| Some(study) != first) {
            return Vec::new();
        }
        found.into_iter().map(|(entry, _)| entry).collect()
    }

    /// Whether there is an order of what a reference means.
    #[must_use]
    pub fn is_ordered(&self, reference: &StepReference) -> bool {
        !self.named_by(reference).is_empty()
    }

    /// The entries that a reference names, and by what.
    fn named_by(&self, reference: &StepReference) -> Vec<(Arc<Entry>, NamedBy)> {
        let index = self.index();
        let of_study = reference.study_instance_uid.iter().flat_map(|uid| index.of_study(uid));
        let of_number =
            reference.accession_number.iter().flat_map(|number| index.of_accession_number(number));
        let looked_up = self.inner.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<(Arc<Entry>, NamedBy)> = Vec::new();
        let mut has_study = false;
        for entry in of_study.chain(of_number).chain(&looked_up.0) {
            has_study |= reference.is_of_study(entry) == Some(true);
            let known = found.iter().any(|(found, _)| found.key == entry.key);
            if let Some(by) = reference.names(entry).filter(|_| !known) {
                found.push((Arc::clone(entry), by));
            }
        }
        // A study of the worklist was not made up: where the number is another order's, one of them is wrong.
        found.retain(|(_, by)| !has_study || *by == NamedBy::Study);
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
    fn is_of_study(&self, entry: &Entry) -> Option<bool> {
        same(&self.study_instance_uid, entry.item.text(Tag::STUDY_INSTANCE_UID))
    }

    /// By what it names an entry, if nothing else that it states is otherwise there. A modality may leave out the
    /// others, or not have asked for them. A number alone names no entry of another patient: people misread it.
    fn names(&self, entry: &Entry) -> Option<NamedBy> {
        let study = self.is_of_study(entry);
        let number = same(&self.accession_number, entry.item.text(Tag::ACCESSION_NUMBER));
        let procedure = same(&self.requested_procedure_id, entry.item.text(PROCEDURE_ID));
        let step = same(&self.step_id, step(entry).and_then(|step| step.text(STEP_ID)));
        let patient = same(&self.patient_id, entry.item.text(Tag::PATIENT_ID));
        if [number, procedure, step].contains(&Some(false)) {
            return None;
        }
        match (study, number, patient) {
            (Some(true), ..) => Some(NamedBy::Study),
            (_, Some(true), None | Some(true)) => Some(NamedBy::AccessionNumber),
            _ => None,
        }
    }
}

/// Whether what is stated is what there is; none where nothing is stated.
fn same(stated: &Option<String>, is: Option<Cow<'_, str>>) -> Option<bool> {
    stated.as_ref().map(|stated| is.is_some_and(|is| is == stated.trim()))
}

impl std::fmt::Debug for StepReference {
    /// Without anything about the patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepReference")
            .field("study_instance_uid", &self.study_instance_uid)
            .finish_non_exhaustive()
    }
}
