//! The profile of dcm4chee-arc-light.

use std::borrow::Cow;

use instance::Tag;

use super::built_in::*;
use super::*;
use crate::url::PathTemplate;

impl Profile {
    /// dcm4chee-arc-light 5, from its conformance statement and its published source. The base URL ends in
    /// `/dcm4chee-arc/aets/{AE title}/rs`.
    ///
    /// What becomes of a second instance of the same UID is its `Overwrite Policy`. Without one, `NEVER`, it is
    /// ignored and named as stored; with any other the content that counts can be looked up just as well.
    #[must_use]
    pub fn dcm4chee() -> Self {
        Self {
            name: "dcm4chee".to_owned(),
            paths: Paths::dcm4chee(),
            duplicates_unreported: true,
            search: SearchCapabilities::dcm4chee(),
            // Studies only, and only where `Allow Delete Study` lets it; the rest can be rejected, which is
            // not the same.
            delete: vec![Level::Study],
            ..Self::standard()
        }
    }
}

impl Paths {
    /// The standard's, but for the worklist, which is older than PS3.18 §14.
    #[must_use]
    pub fn dcm4chee() -> Self {
        Self { scheduled_steps: PathTemplate::literal("/mwlitems"), ..Self::standard() }
    }
}

impl SearchCapabilities {
    /// dcm4chee-arc-light 5, from its conformance statement: no limit but that of its configuration, which it
    /// announces with the Warning of PS3.18 §8.3.4.4; names in any case; fuzzy matching by sound, which finds
    /// other names than their beginnings do.
    #[must_use]
    pub fn dcm4chee() -> Self {
        let levels = Levels {
            study: &[
                Tag::STUDY_DATE,
                STUDY_TIME,
                Tag::ACCESSION_NUMBER,
                MODALITIES_IN_STUDY,
                REFERRING_PHYSICIAN_NAME,
                STUDY_DESCRIPTION,
                Tag::PATIENT_NAME,
                Tag::PATIENT_ID,
                Tag::STUDY_INSTANCE_UID,
                STUDY_ID,
            ],
            series: &[
                Tag::MODALITY,
                INSTITUTION_NAME,
                STATION_NAME,
                SERIES_DESCRIPTION,
                BODY_PART_EXAMINED,
                Tag::SERIES_INSTANCE_UID,
                SERIES_NUMBER,
                STEP_START_DATE,
                STEP_START_TIME,
                REQUEST_ATTRIBUTES_SEQUENCE,
            ],
            instance: &[
                Tag::SOP_CLASS_UID,
                Tag::SOP_INSTANCE_UID,
                CONTENT_DATE,
                CONTENT_TIME,
                INSTANCE_NUMBER,
            ],
        };
        Self {
            // Older versions know the second alone.
            accept: Cow::Borrowed("application/dicom+json, application/json"),
            unannounced_cut: None,
            // How a list is parted into its values differs by version.
            uid_list: false,
            studies: levels.these(true, false, false),
            series: levels.these(true, true, false),
            instances: levels.these(true, true, true),
            study_series: levels.these(true, true, false),
            study_instances: levels.these(true, true, true),
            series_instances: levels.these(true, true, true),
            repeats_path_uid_as_key: false,
            ..Self::standard()
        }
    }
}
