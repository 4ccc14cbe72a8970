//! Whom a document is about, and to which study it belongs.

use instance::Uid;

/// Patient and study of a document; what is not known is empty. `Debug` shows only the study's UID.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    /// (0010,0010) Patient's Name.
    pub patient_name: String,
    /// (0010,0020) Patient ID.
    pub patient_id: String,
    /// (0010,1000) Other Patient IDs; left out of the object where empty.
    pub other_patient_id: String,
    /// (0010,0030) Patient's Birth Date, `YYYYMMDD`.
    pub patient_birth_date: String,
    /// (0010,0040) Patient's Sex: M, F or O.
    pub patient_sex: String,
    /// (0020,000D) Study Instance UID.
    pub study: Uid,
    /// (0008,0020) Study Date, `YYYYMMDD`.
    pub study_date: String,
    /// (0008,0030) Study Time, `HHMM` or longer.
    pub study_time: String,
    /// (0008,0050) Accession Number.
    pub accession_number: String,
    /// (0008,0090) Referring Physician's Name.
    pub referring_physician: String,
    /// (0008,1030) Study Description; left out of the object where empty.
    pub study_description: String,
}

impl Subject {
    /// Nobody, in a study.
    #[must_use]
    pub const fn new(study: Uid) -> Self {
        Self {
            patient_name: String::new(),
            patient_id: String::new(),
            other_patient_id: String::new(),
            patient_birth_date: String::new(),
            patient_sex: String::new(),
            study,
            study_date: String::new(),
            study_time: String::new(),
            accession_number: String::new(),
            referring_physician: String::new(),
            study_description: String::new(),
        }
    }
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("study", &self.study).finish_non_exhaustive()
    }
}
