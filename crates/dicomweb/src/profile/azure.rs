//! The profile of the DICOM service of Azure Health Data Services.

use std::borrow::Cow;

use instance::{Tag, transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN};

use super::built_in::*;
use super::*;

impl Profile {
    /// The DICOM service of Azure Health Data Services, from its documentation: searches and retrieves;
    /// stores as far as they follow the standard.
    #[must_use]
    pub fn azure() -> Self {
        Self {
            name: "azure".to_owned(),
            put_replaces: true,
            transfer_syntaxes: TransferSyntaxes::ExplicitVr,
            duplicate_failure_reasons: vec![0x0111, 0xB00E],
            busy_failure_reasons: vec![0xB00F],
            search: SearchCapabilities::azure(),
            retrieve: RetrieveCapabilities::azure(),
            worklist: WorklistCapabilities::azure(),
            delete: vec![Level::Study, Level::Series, Level::Instance],
            change_feed: ChangeFeed::ByTime,
            ..Self::standard()
        }
    }
}

impl SearchCapabilities {
    /// The DICOM service of Azure, from its documentation.
    #[must_use]
    pub fn azure() -> Self {
        let levels = Levels {
            study: &[
                Tag::STUDY_INSTANCE_UID,
                Tag::PATIENT_NAME,
                Tag::PATIENT_ID,
                PATIENT_BIRTH_DATE,
                Tag::ACCESSION_NUMBER,
                REFERRING_PHYSICIAN_NAME,
                Tag::STUDY_DATE,
                STUDY_DESCRIPTION,
                MODALITIES_IN_STUDY,
            ],
            series: &[Tag::SERIES_INSTANCE_UID, Tag::MODALITY, STEP_START_DATE, MANUFACTURER_MODEL_NAME],
            instance: &[Tag::SOP_INSTANCE_UID],
        };
        Self {
            limit_max: Some(200),
            wildcard: false,
            uid_list: false,
            ranges: Searchable::These(Cow::Borrowed(&[Tag::STUDY_DATE])),
            fuzzy: true,
            person_names: PersonNames::AsTextIgnoringCase,
            studies: levels.these(true, false, false),
            series: levels.these(true, true, false),
            instances: levels.these(true, true, true),
            study_series: levels.these(false, true, false),
            study_instances: levels.these(false, true, true),
            series_instances: levels.these(false, false, true),
            repeats_path_uid_as_key: false,
            include_field: IncludeField::All,
            erroneous_attributes: Some(Cow::Borrowed("erroneous-dicom-attributes")),
            ..Self::standard()
        }
    }
}

impl RetrieveCapabilities {
    /// The DICOM service of Azure, from its documentation.
    #[must_use]
    pub fn azure() -> Self {
        Self {
            transcodes_to: syntaxes(&[EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2.4.90"]),
            ..Self::standard()
        }
    }
}

impl WorklistCapabilities {
    /// The DICOM service of Azure, from its documentation: workitems alone, by ten attributes.
    #[must_use]
    pub fn azure() -> Self {
        const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
        const REQUESTS: Tag = Tag(0x0040, 0xA370);
        let keys: [&[Tag]; 10] = [
            &[Tag::PATIENT_NAME],
            &[Tag::PATIENT_ID],
            &[REQUESTS, Tag::ACCESSION_NUMBER],
            &[REQUESTS, Tag(0x0040, 0x1001)],
            &[Tag(0x0040, 0x4005)],
            &[Tag(0x0040, 0x4025), CODE_VALUE],
            &[Tag(0x0040, 0x4026), CODE_VALUE],
            &[Tag(0x0040, 0x4027), CODE_VALUE],
            &[Tag(0x0074, 0x1000)],
            &[Tag::STUDY_INSTANCE_UID],
        ];
        let workitems = WorklistKeys::These(keys.map(<[Tag]>::to_vec).into());
        Self { scheduled_steps: WorklistKeys::Absent, workitems }
    }
}
