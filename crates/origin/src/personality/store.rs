//! How a personality stores (PS3.18 §10.5), as data.

use crate::routes::failure;

/// What becomes of an instance, and how that is said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreRules {
    /// Whether the single part form of a store request is taken (PS3.18 §8.6.1.1).
    pub(crate) single_part: bool,
    /// Failure Reason (0008,1197) for a SOP Instance UID that is there.
    pub(crate) duplicate_reason: u16,
    /// What a private attribute says of such an instance, if anything.
    pub(crate) duplicate_remark: Option<&'static str>,
    /// Failure Reason for bytes that are no instance.
    pub(crate) unreadable_reason: u16,
    /// Failure Reason for an instance of another study than the request names.
    pub(crate) other_study_reason: u16,
    /// Failure Reason for an instance without the UIDs that name it.
    pub(crate) unnamed_reason: u16,
    /// Whether an instance that is there with the same bytes counts as stored.
    pub(crate) same_is_stored: bool,
    /// Whether the attributes that searches use are checked, as [`crate::azure`] does.
    pub(crate) checks_attributes: bool,
    /// Whether the preamble of a file is kept, which may hold anything (PS3.10 §7.1).
    pub(crate) keeps_preamble: bool,
    /// Whether an instance that does not fit to its study or series, or whose UID is there with other bytes, is
    /// called stored and put where no search or retrieve finds it.
    pub(crate) conflicts_aside: bool,
    /// Whether an instance whose UID is there with other bytes is called stored, while the first one stays.
    pub(crate) first_stays: bool,
    /// How the answer is made up.
    pub(crate) answer: AnswerForm,
}

/// How the answer to a store request is made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerForm {
    /// As PS3.18 §10.5.3 and PS3.18 §I.2 have it, in JSON or XML.
    Standard,
    /// In JSON alone. Instances that nobody could name are among the failed ones; the URL of the study is
    /// there where the request named the study; 202 where there are warnings; 204 to a request of no part.
    Azure,
}

/// An origin server that does what PS3.18 §10.5 says.
pub(crate) const STANDARD: StoreRules = StoreRules {
    single_part: true,
    duplicate_reason: failure::DUPLICATE_SOP_INSTANCE,
    duplicate_remark: None,
    unreadable_reason: failure::CANNOT_UNDERSTAND,
    other_study_reason: failure::DOES_NOT_MATCH,
    unnamed_reason: failure::DOES_NOT_MATCH,
    same_is_stored: true,
    checks_attributes: false,
    keeps_preamble: true,
    conflicts_aside: false,
    first_stays: false,
    answer: AnswerForm::Standard,
};

/// The DICOM service of Azure.
pub(crate) const AZURE: StoreRules = StoreRules {
    duplicate_reason: failure::AZURE_DUPLICATE,
    unreadable_reason: failure::PROCESSING_FAILURE,
    other_study_reason: failure::AZURE_OTHER_STUDY,
    unnamed_reason: failure::AZURE_INVALID,
    same_is_stored: false,
    checks_attributes: true,
    keeps_preamble: false,
    answer: AnswerForm::Azure,
    ..STANDARD
};

/// AWS HealthImaging.
pub(crate) const AWS: StoreRules = StoreRules { conflicts_aside: true, ..STANDARD };

/// dcm4chee-arc-light without an `Overwrite Policy`, which is `NEVER`.
pub(crate) const DCM4CHEE: StoreRules = StoreRules { first_stays: true, ..STANDARD };

/// A DICOM store of the Google Cloud Healthcare API: other content under a UID that is there is a failure of
/// processing, and a private attribute says why.
pub(crate) const GOOGLE: StoreRules = StoreRules {
    duplicate_reason: failure::PROCESSING_FAILURE,
    duplicate_remark: Some("already exists"),
    ..STANDARD
};

/// A PostDICOM account.
pub(crate) const POSTDICOM: StoreRules = StoreRules { single_part: false, ..STANDARD };
