//! What a PostDICOM account has beside DICOMweb: orders, and searches by them.

use postdicom::{ClientConfig, InstitutionUuid};

/// PostDICOM's own end points beside the DICOMweb of an origin, and how queries use them.
///
/// The vendor's QIDO is known to take (0010,0020), (0020,000D) and (0020,000E) alone. Whatever else a query
/// asks by, the order list narrows to patients; each is then asked for by QIDO and everything is matched
/// again here. An answer never shows what only an order says.
#[derive(Debug, Clone)]
pub struct PostDicom {
    /// How the end points are reached: base URL, credentials, and every convention of the wire.
    pub client: ClientConfig,
    /// Institutions whose orders are listed and, the first of them, where new ones are made. Default: none,
    /// which lists those of the whole account as far as the vendor sees fit; not documented.
    pub institutions: Vec<InstitutionUuid>,
    /// What of a query the order list narrows by. Default: all but the modality.
    pub narrowing: Narrowing,
    /// Days by which a range of study dates is widened at both ends before orders are listed by it. Default:
    /// 1, since no time zone is stated for the dates of orders, and what is found is matched again by the
    /// date of the study itself.
    pub date_slack_days: u16,
    /// Patients for whom one query or retrieve may ask the archive one by one. Default: 500, which makes
    /// half a minute at 4 requests at the same time and 200 ms each. Beyond it the final status is A700 (PS3.4
    /// §C.4.1.1.4) with a comment that says so.
    pub patients_max: usize,
    /// Patients that are asked for at the same time. Default: 4; the vendor documents no rate limit.
    pub patients_at_once: usize,
}

/// What of a query the order list narrows by. Not documented is how the vendor compares, so each can be
/// turned off where the list is found to leave out orders that match; queries then read more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the configuration")]
pub struct Narrowing {
    /// By the literal beginning of (0010,0010) Patient's Name, before the first wildcard. Default: yes; taken
    /// to find names that hold it, in either case of letters.
    pub patient_name: bool,
    /// By (0010,0020) Patient ID without wildcards, and (0010,1000). Default: yes.
    pub patient_id: bool,
    /// By (0008,0050) Accession Number without wildcards. Default: yes.
    pub accession_number: bool,
    /// By (0008,0061) Modalities in Study without wildcards. Default: no; an order has one modality and its
    /// study may have series of others, which would not be found by those.
    pub modality: bool,
    /// By (0008,0020) Study Date. Default: yes.
    pub study_date: bool,
    /// By (0010,0030) Patient's Birth Date. Default: yes.
    pub patient_birth_date: bool,
}

impl PostDicom {
    /// The end points of an account, with the default limits.
    #[must_use]
    pub fn new(client: ClientConfig) -> Self {
        Self {
            client,
            institutions: Vec::new(),
            narrowing: Narrowing::default(),
            date_slack_days: 1,
            patients_max: 500,
            patients_at_once: 4,
        }
    }
}

impl Default for Narrowing {
    fn default() -> Self {
        Self {
            patient_name: true,
            patient_id: true,
            accession_number: true,
            modality: false,
            study_date: true,
            patient_birth_date: true,
        }
    }
}
