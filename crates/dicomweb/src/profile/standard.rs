//! The profile of a server that keeps to PS3.18.

use std::borrow::Cow;

use instance::{Tag, transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN};

use super::built_in::*;
use super::*;

impl Profile {
    /// A server that keeps to PS3.18 and promises nothing beyond it.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            name: "standard".to_owned(),
            paths: Paths::standard(),
            store_form: StoreForm::Multipart,
            store_method: StoreMethod::Post,
            put_replaces: false,
            store_boundary: None,
            unknown_length_accepted: true,
            request_bytes_max: Some(1024 * 1024 * 1024),
            request_instances_max: 100,
            transfer_syntaxes: TransferSyntaxes::All,
            store_response: StoreResponse::Verify,
            duplicate_failure_reasons: vec![0x0111],
            duplicate_remark: None,
            busy_failure_reasons: Vec::new(),
            duplicate_statuses: Vec::new(),
            duplicates_unreported: false,
            lookup: Lookup::Search,
            any_transfer_syntax: true,
            search: SearchCapabilities::standard(),
            retrieve: RetrieveCapabilities::standard(),
            worklist: WorklistCapabilities::standard(),
            delete: Vec::new(),
            change_feed: ChangeFeed::Absent,
        }
    }
}

impl SearchCapabilities {
    /// A server that matches what it must and nothing beyond.
    #[must_use]
    pub fn standard() -> Self {
        // PS3.18 §10.6.1.2.3: each resource by the attributes of its own level and of those levels that
        // its path does not name.
        let levels = Levels {
            study: &[
                Tag::STUDY_DATE,
                STUDY_TIME,
                Tag::ACCESSION_NUMBER,
                MODALITIES_IN_STUDY,
                REFERRING_PHYSICIAN_NAME,
                Tag::PATIENT_NAME,
                Tag::PATIENT_ID,
                Tag::STUDY_INSTANCE_UID,
                STUDY_ID,
            ],
            series: &[
                Tag::MODALITY,
                Tag::SERIES_INSTANCE_UID,
                SERIES_NUMBER,
                STEP_START_DATE,
                STEP_START_TIME,
                REQUEST_ATTRIBUTES_SEQUENCE,
            ],
            instance: &[Tag::SOP_CLASS_UID, Tag::SOP_INSTANCE_UID, INSTANCE_NUMBER],
        };
        Self {
            accept: Cow::Borrowed("application/dicom+json"),
            nothing_found_statuses: Vec::new(),
            key_required: false,
            keys_together: true,
            limit: true,
            limit_max: None,
            offset: true,
            unannounced_cut: Some(50),
            wildcard: true,
            uid_list: true,
            uid_list_max: 50,
            ranges: Searchable::All,
            fuzzy: Searchable::Absent,
            person_names: PersonNames::AsText,
            numbers_as_text: true,
            values: Values::PercentEncoded,
            comma_separates: false,
            studies: levels.these(true, false, false),
            series: levels.these(true, true, false),
            instances: levels.these(true, true, true),
            study_series: levels.these(false, true, false),
            study_instances: levels.these(false, true, true),
            series_instances: levels.these(false, false, true),
            repeats_path_uid_as_key: true,
            include_field: IncludeField::Each,
            erroneous_attributes: None,
        }
    }
}

impl RetrieveCapabilities {
    /// A server that gives each resource of PS3.18 §10.4.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            whole_study: true,
            whole_series: true,
            whole_preferred: false,
            metadata: true,
            instance_metadata: true,
            frames: true,
            transcodes_to: syntaxes(&[EXPLICIT_VR_LITTLE_ENDIAN]),
            several_transfer_syntaxes: true,
            single_part_instance: false,
        }
    }
}
