//! The profile of the DICOM service of Azure Health Data Services.

use std::borrow::Cow;

use instance::{Tag, transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN};

use super::built_in::*;
use super::*;
use crate::BaseUrl;

/// Most characters of the name of a partition, from the service's documentation of partitions.
const PARTITION_LENGTH_MAX: usize = 64;

/// Version of the service's API, which is the last segment of its base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzureVersion {
    /// `v1`, and `v1.0-prerelease` before it.
    V1,
    /// `v2`.
    V2,
}

/// Why text is not the name of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a partition has 1 to 64 letters, digits, `.`, `_` and `-`")]
pub struct InvalidPartition;

impl AzureVersion {
    /// The version that a base URL ends in, if it ends in one.
    #[must_use]
    pub fn of_url(base: &BaseUrl) -> Option<Self> {
        match base.last_segment() {
            "v1" | "v1.0-prerelease" => Some(Self::V1),
            "v2" => Some(Self::V2),
            _ => None,
        }
    }

    /// How it stands in a URL.
    #[must_use]
    pub const fn as_segment(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl Profile {
    /// The DICOM service of Azure Health Data Services, version 2, from its conformance statement and, where
    /// that is silent, from the published source of the server (microsoft/dicom-server). The base URL ends in
    /// the version.
    ///
    /// Requests have up to 4 GB, 2 GB with the published server, so that batches of the default size pass.
    /// Instances with Implicit VR are refused. A duplicate is 45070, one that is just being stored or deleted
    /// 45071; with PUT it is replaced instead. 202 says that some instances failed or have warnings, so the
    /// sequences decide. 429 is not documented, 503 is.
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
            // Its own, at the paths of the retrieve.
            delete: vec![Level::Study, Level::Series, Level::Instance],
            // Its own.
            change_feed: ChangeFeed::ByTime,
            ..Self::standard()
        }
    }

    /// The same service, version 1: its change feed goes by number, and it refuses instances that version 2
    /// stores with a warning.
    #[must_use]
    pub fn azure_v1() -> Self {
        Self { change_feed: ChangeFeed::BySequence, ..Self::azure() }
    }

    /// The profile of that version.
    #[must_use]
    pub fn azure_in(version: AzureVersion) -> Self {
        match version {
            AzureVersion::V1 => Self::azure_v1(),
            AzureVersion::V2 => Self::azure(),
        }
    }
}

impl Paths {
    /// Moves everything that is kept in partitions into one, `/partitions/{name}`; the change feed spans all
    /// of them and stays where it is. A service with partitions wants one named in every other request.
    ///
    /// # Errors
    /// Text that is not the name of a partition.
    pub fn enter_partition(&mut self, name: &str) -> Result<(), InvalidPartition> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > PARTITION_LENGTH_MAX || !name.bytes().all(allowed) {
            return Err(InvalidPartition);
        }
        let Self {
            store,
            search_instances,
            instance_metadata,
            instance,
            studies,
            series,
            instances,
            study_series,
            study_instances,
            series_instances,
            retrieve_study,
            retrieve_series,
            study_metadata,
            series_metadata,
            delete_study,
            delete_series,
            delete_instance,
            change_feed: _,
            change_feed_latest: _,
            scheduled_steps,
            workitems,
            workitem,
            probe,
        } = self;
        let retrieves = [instance, instance_metadata, retrieve_study, retrieve_series, study_metadata];
        let searches = [search_instances, studies, series, instances, study_series, study_instances];
        let deletes = [delete_study, delete_series, delete_instance];
        let rest = [store, series_instances, series_metadata, scheduled_steps, workitems, workitem, probe];
        let prefix = format!("/partitions/{name}");
        for path in retrieves.into_iter().chain(searches).chain(deletes).chain(rest) {
            *path = path.below(&prefix);
        }
        Ok(())
    }
}

impl Paths {
    /// The partition that was entered, if any.
    #[must_use]
    pub fn partition(&self) -> Option<&str> {
        self.instance.as_str().strip_prefix("/partitions/")?.split('/').next()
    }
}

impl SearchCapabilities {
    /// The DICOM service of Azure, from its conformance statement: single values, each key once, nothing but
    /// what a table lists; whatever is beyond that is answered with 400. Pages may repeat results.
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
            // 1 to 200.
            limit_max: Some(200),
            // As many as asked for; there is no Warning, so a full page is followed by another request.
            unannounced_cut: None,
            wildcard: false,
            uid_list: false,
            ranges: Searchable::These(Cow::Borrowed(&[Tag::STUDY_DATE, PATIENT_BIRTH_DATE])),
            fuzzy: Searchable::These(Cow::Borrowed(&[Tag::PATIENT_NAME, REFERRING_PHYSICIAN_NAME])),
            person_names: PersonNames::AsTextIgnoringCase,
            studies: levels.these(true, false, false),
            series: levels.these(true, true, false),
            instances: levels.these(true, true, true),
            study_series: levels.these(false, true, false),
            study_instances: levels.these(false, true, true),
            series_instances: levels.these(false, false, true),
            // 400.
            repeats_path_uid_as_key: false,
            // 400 for an attribute that it does not give.
            include_field: IncludeField::All,
            // Where a tag of its own configuration could not be indexed everywhere.
            erroneous_attributes: Some(Cow::Borrowed("erroneous-dicom-attributes")),
            ..Self::standard()
        }
    }
}

impl RetrieveCapabilities {
    /// The DICOM service of Azure, from its conformance statement. Where the instances of a study or series
    /// are in different transfer syntaxes, asking for a certain one is refused as a whole (406).
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
