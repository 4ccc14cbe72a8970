//! The built-in profiles.

use std::borrow::Cow;

use instance::{Tag, TransferSyntax, transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN};

use super::{
    IncludeField, Lookup, Paths, PersonNames, Profile, RetrieveCapabilities, SearchCapabilities, Searchable,
    StoreForm, StoreResponse, Values, WorklistCapabilities,
};
use crate::url::PathTemplate;

const STUDY_TIME: Tag = Tag(0x0008, 0x0030);
const MODALITIES_IN_STUDY: Tag = Tag(0x0008, 0x0061);
const REFERRING_PHYSICIAN_NAME: Tag = Tag(0x0008, 0x0090);
const STUDY_DESCRIPTION: Tag = Tag(0x0008, 0x1030);
const MANUFACTURER_MODEL_NAME: Tag = Tag(0x0008, 0x1090);
const PATIENT_BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
const STUDY_ID: Tag = Tag(0x0020, 0x0010);
const SERIES_NUMBER: Tag = Tag(0x0020, 0x0011);
const INSTANCE_NUMBER: Tag = Tag(0x0020, 0x0013);
const STEP_START_DATE: Tag = Tag(0x0040, 0x0244);
const STEP_START_TIME: Tag = Tag(0x0040, 0x0245);
const REQUEST_ATTRIBUTES_SEQUENCE: Tag = Tag(0x0040, 0x0275);

impl Profile {
    /// Names that [`Self::built_in`] knows.
    pub const BUILT_IN: [&'static str; 4] = ["standard", "orthanc", "azure", "postdicom"];

    /// The built-in profile of that name.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        match name {
            "standard" => Some(Self::standard()),
            "orthanc" => Some(Self::orthanc()),
            "azure" => Some(Self::azure()),
            "postdicom" => Some(Self::postdicom()),
            _ => None,
        }
    }

    /// A server that keeps to PS3.18 and promises nothing beyond it.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            name: "standard".to_owned(),
            paths: Paths::standard(),
            store_form: StoreForm::Multipart,
            store_boundary: None,
            unknown_length_accepted: true,
            request_bytes_max: Some(1024 * 1024 * 1024),
            request_instances_max: 100,
            transfer_syntaxes: None,
            store_response: StoreResponse::Verify,
            duplicate_failure_reasons: vec![0x0111],
            duplicate_statuses: Vec::new(),
            duplicates_unreported: false,
            lookup: Lookup::Search,
            any_transfer_syntax: true,
            search: SearchCapabilities::standard(),
            retrieve: RetrieveCapabilities::standard(),
            worklist: WorklistCapabilities::standard(),
            delete: false,
        }
    }

    /// Orthanc with its DICOMweb plugin, as measured with Orthanc 1.10.1 and plugin 1.7.
    ///
    /// It keeps an instance that it already has and names the new one as stored, so a duplicate is never
    /// reported; what it cannot read it leaves out of both sequences and answers 400 for the request. A
    /// single part is refused with 415, and one asked for with 400. Requests are smaller than with
    /// `standard`, because the plugin holds each part in memory.
    #[must_use]
    pub fn orthanc() -> Self {
        Self {
            name: "orthanc".to_owned(),
            request_bytes_max: Some(64 * 1024 * 1024),
            duplicates_unreported: true,
            search: SearchCapabilities::orthanc(),
            retrieve: RetrieveCapabilities::orthanc(),
            worklist: WorklistCapabilities::none(),
            ..Self::standard()
        }
    }

    /// The DICOM service of Azure Health Data Services, from its documentation: searches and retrieves;
    /// stores as far as they follow the standard.
    #[must_use]
    pub fn azure() -> Self {
        Self {
            name: "azure".to_owned(),
            duplicate_failure_reasons: vec![0x0111, 0xB00E],
            search: SearchCapabilities::azure(),
            retrieve: RetrieveCapabilities::azure(),
            worklist: WorklistCapabilities::azure(),
            delete: true,
            ..Self::standard()
        }
    }
}

impl Paths {
    /// The paths of PS3.18.
    #[must_use]
    pub fn standard() -> Self {
        let path = PathTemplate::literal;
        Self {
            store: path("/studies"),
            search_instances: path("/studies/{study}/series/{series}/instances?SOPInstanceUID={instance}"),
            instance_metadata: path("/studies/{study}/series/{series}/instances/{instance}/metadata"),
            instance: path("/studies/{study}/series/{series}/instances/{instance}"),
            studies: path("/studies"),
            series: path("/series"),
            instances: path("/instances"),
            study_series: path("/studies/{study}/series"),
            study_instances: path("/studies/{study}/instances"),
            series_instances: path("/studies/{study}/series/{series}/instances"),
            retrieve_study: path("/studies/{study}"),
            retrieve_series: path("/studies/{study}/series/{series}"),
            study_metadata: path("/studies/{study}/metadata"),
            series_metadata: path("/studies/{study}/series/{series}/metadata"),
            scheduled_steps: path("/modality-scheduled-procedure-steps"),
            workitems: path("/workitems"),
            workitem: path("/workitems/{instance}"),
            probe: path("/studies?StudyInstanceUID=2.25.0&limit=1"),
        }
    }
}

/// Attributes of studies, series and instances that a server matches, by their level.
struct Levels {
    study: &'static [Tag],
    series: &'static [Tag],
    instance: &'static [Tag],
}

impl Levels {
    fn these(&self, study: bool, series: bool, instance: bool) -> Searchable {
        let levels = [(study, self.study), (series, self.series), (instance, self.instance)];
        let tags = levels.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, tags)| tags);
        Searchable::These(tags.copied().collect::<Vec<_>>().into())
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
            fuzzy: false,
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

    /// Orthanc 1.10.1 with plugin 1.7, as measured: no limit of its own and no page cut short; values are
    /// not percent-decoded; a comma makes a list of anything; case never counts; keys of sequences are
    /// passed over, and a key below the level of the resource finds nothing at all.
    ///
    /// Its answers are written in the `DefaultEncoding` of its configuration, Latin 1 unless that says
    /// otherwise, and lose what does not fit; `Utf8` is the setting to use. `LimitFindResults` and
    /// `LimitFindInstances` must stay 0: what is beyond them cannot be had, and no answer says so.
    #[must_use]
    pub fn orthanc() -> Self {
        const STUDY: &[Tag] = &[
            Tag::STUDY_DATE,
            STUDY_TIME,
            Tag::ACCESSION_NUMBER,
            REFERRING_PHYSICIAN_NAME,
            STUDY_DESCRIPTION,
            Tag(0x0008, 0x0080),
            Tag::PATIENT_NAME,
            Tag::PATIENT_ID,
            PATIENT_BIRTH_DATE,
            Tag(0x0010, 0x0040),
            Tag::STUDY_INSTANCE_UID,
            STUDY_ID,
        ];
        let levels = Levels {
            study: STUDY,
            series: &[
                Tag::MODALITY,
                Tag(0x0008, 0x0021),
                Tag(0x0008, 0x1010),
                Tag(0x0008, 0x103E),
                MANUFACTURER_MODEL_NAME,
                Tag(0x0018, 0x0015),
                Tag(0x0018, 0x1030),
                Tag::SERIES_INSTANCE_UID,
                SERIES_NUMBER,
                STEP_START_DATE,
                STEP_START_TIME,
            ],
            instance: &[Tag::SOP_CLASS_UID, Tag::SOP_INSTANCE_UID, INSTANCE_NUMBER],
        };
        Self {
            unannounced_cut: None,
            person_names: PersonNames::AsTextIgnoringCase,
            values: Values::Literal,
            comma_separates: true,
            // Only a search for studies collects modalities; any other finds nothing by them.
            studies: Searchable::These([STUDY, &[MODALITIES_IN_STUDY]].concat().into()),
            series: levels.these(true, true, false),
            instances: levels.these(true, true, true),
            study_series: levels.these(true, true, false),
            study_instances: levels.these(true, true, true),
            series_instances: levels.these(true, true, true),
            ..Self::standard()
        }
    }

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
    /// A server that gives each resource of PS3.18 §10.4.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            whole_study: true,
            whole_series: true,
            whole_preferred: false,
            metadata: true,
            instance_metadata: true,
            transcodes_to: syntaxes(&[EXPLICIT_VR_LITTLE_ENDIAN]),
            several_transfer_syntaxes: true,
            single_part_instance: false,
        }
    }

    /// Orthanc 1.10.1 with plugin 1.7: of several transfer syntaxes in a request only the last counts.
    #[must_use]
    pub fn orthanc() -> Self {
        Self { several_transfer_syntaxes: false, ..Self::standard() }
    }

    /// The DICOM service of Azure, from its documentation.
    #[must_use]
    pub fn azure() -> Self {
        Self {
            transcodes_to: syntaxes(&[EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2.4.90"]),
            ..Self::standard()
        }
    }
}

fn syntaxes(uids: &[&str]) -> Vec<TransferSyntax> {
    uids.iter().filter_map(|uid| uid.parse().ok()).map(TransferSyntax::new).collect()
}
