//! The profile of AWS HealthImaging.

use std::borrow::Cow;

use instance::{Tag, transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN};

use super::built_in::*;
use super::*;

const PATIENT_BIRTH_TIME: Tag = Tag(0x0010, 0x0032);

impl Profile {
    /// AWS HealthImaging, from its Developer Guide ("Using DICOMweb"). The base URL ends in
    /// `/datastore/{id}`.
    ///
    /// A store request has up to 1 GB and says how long it is ("Storing instances with STOW-RS"). What does
    /// not fit to the studies that are there, and a second instance of the same UID, is named as stored and
    /// kept aside, where no search or retrieve finds it ("Understanding image sets"). Nothing can be deleted.
    #[must_use]
    pub fn aws() -> Self {
        Self {
            name: "aws".to_owned(),
            unknown_length_accepted: false,
            request_bytes_max: Some(1_000_000_000),
            duplicate_failure_reasons: Vec::new(),
            duplicates_unreported: true,
            search: SearchCapabilities::aws(),
            retrieve: RetrieveCapabilities::aws(),
            worklist: WorklistCapabilities::none(),
            ..Self::standard()
        }
    }
}

impl SearchCapabilities {
    /// AWS HealthImaging, from its Developer Guide ("Searching DICOM data"): a limit of 1000, wildcards,
    /// ranges of dates and times, words of names that begin so; no lists of UIDs. Below a study or series
    /// what the oldest pages name, since later ones only add to it.
    #[must_use]
    pub fn aws() -> Self {
        let study = &[
            Tag::STUDY_DATE,
            STUDY_TIME,
            Tag::ACCESSION_NUMBER,
            MODALITIES_IN_STUDY,
            REFERRING_PHYSICIAN_NAME,
            STUDY_DESCRIPTION,
            Tag::PATIENT_NAME,
            Tag::PATIENT_ID,
            PATIENT_BIRTH_DATE,
            PATIENT_BIRTH_TIME,
            Tag::STUDY_INSTANCE_UID,
            STUDY_ID,
        ];
        let instance = &[Tag::SOP_CLASS_UID, Tag::SOP_INSTANCE_UID];
        let series =
            &[Tag::MODALITY, Tag::SERIES_INSTANCE_UID, SERIES_NUMBER, STEP_START_DATE, STEP_START_TIME];
        let anywhere = Levels { study, series, instance };
        let below = Levels { study, series: &[Tag::MODALITY, Tag::SERIES_INSTANCE_UID], instance };
        Self {
            limit_max: Some(1000),
            uid_list: false,
            ranges: Searchable::These(Cow::Borrowed(&[
                Tag::STUDY_DATE,
                STUDY_TIME,
                PATIENT_BIRTH_DATE,
                PATIENT_BIRTH_TIME,
                STEP_START_DATE,
                STEP_START_TIME,
            ])),
            fuzzy: Searchable::All,
            studies: anywhere.these(true, false, false),
            series: anywhere.these(true, true, false),
            instances: anywhere.these(true, true, true),
            study_series: below.these(false, true, false),
            study_instances: anywhere.these(false, true, true),
            series_instances: below.these(false, false, true),
            repeats_path_uid_as_key: false,
            ..Self::standard()
        }
    }
}

impl RetrieveCapabilities {
    /// AWS HealthImaging, from its Developer Guide ("Retrieving DICOM data"): instances one by one, each as a
    /// single part, as it is stored or in Explicit VR Little Endian, one without loss in JPEG 2000 too. Of
    /// whole studies and series there are searches and the metadata of series.
    #[must_use]
    pub fn aws() -> Self {
        Self {
            whole_study: false,
            whole_series: false,
            metadata: false,
            transcodes_to: syntaxes(&[EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2.4.90"]),
            several_transfer_syntaxes: false,
            single_part_instance: true,
            ..Self::standard()
        }
    }
}
