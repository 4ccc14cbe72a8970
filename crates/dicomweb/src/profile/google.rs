//! The profile of the DICOM stores of Google Cloud Healthcare.

use std::borrow::Cow;

use instance::{Tag, transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN};

use super::built_in::*;
use super::*;

impl Profile {
    /// A DICOM store of the Cloud Healthcare API, from its DICOM conformance statement and its page on quotas
    /// and limits, both of 2025. The base URL ends in `/dicomStores/{store}/dicomWeb`.
    ///
    /// Every transfer syntax is stored, as it comes, in requests of any size that end within the hour. The
    /// same instance again is stored again; another one of the same UIDs is a processing failure (0110H)
    /// whose private Failure Detail says that it already exists. Rates are quotas of the project, of which no
    /// numbers are published; beyond them it answers 429.
    #[must_use]
    pub fn google() -> Self {
        Self {
            name: "google".to_owned(),
            duplicate_remark: Some(Cow::Borrowed("already exists")),
            search: SearchCapabilities::google(),
            retrieve: RetrieveCapabilities::google(),
            // "does not support [...] the Worklist Service".
            worklist: WorklistCapabilities::none(),
            // Its own, at the paths of the retrieve. What is below a study or a series goes later.
            delete: vec![Level::Study, Level::Series, Level::Instance],
            ..Self::standard()
        }
    }
}

impl SearchCapabilities {
    /// A DICOM store of the Cloud Healthcare API, from its DICOM conformance statement: nine attributes, one
    /// value for each and that exactly, but for a range of study dates and the beginnings of words of
    /// patients' names.
    #[must_use]
    pub fn google() -> Self {
        let levels = Levels {
            study: &[
                Tag::STUDY_INSTANCE_UID,
                Tag::PATIENT_NAME,
                Tag::PATIENT_ID,
                Tag::ACCESSION_NUMBER,
                REFERRING_PHYSICIAN_NAME,
                Tag::STUDY_DATE,
            ],
            series: &[Tag::SERIES_INSTANCE_UID, Tag::MODALITY],
            instance: &[Tag::SOP_INSTANCE_UID],
        };
        Self {
            // 5000 for studies and series, 50,000 for instances.
            limit_max: Some(5000),
            // As many as asked for; there is no Warning, so a full page is followed by another request.
            unannounced_cut: None,
            wildcard: false,
            uid_list: false,
            ranges: Searchable::These(Cow::Borrowed(&[Tag::STUDY_DATE])),
            fuzzy: Searchable::These(Cow::Borrowed(&[Tag::PATIENT_NAME])),
            studies: levels.these(true, false, false),
            series: levels.these(true, true, false),
            instances: levels.these(true, true, true),
            study_series: levels.these(true, true, false),
            study_instances: levels.these(true, true, true),
            series_instances: levels.these(true, true, true),
            // Not said either way; leaving such a key out costs nothing.
            repeats_path_uid_as_key: false,
            // With `all`, an instance comes with everything that is in it.
            include_field: IncludeField::List,
            ..Self::standard()
        }
    }
}

impl RetrieveCapabilities {
    /// A DICOM store of the Cloud Healthcare API, from its DICOM conformance statement.
    #[must_use]
    pub fn google() -> Self {
        let lossy_and_jpeg_2000 =
            ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"];
        let native = [EXPLICIT_VR_LITTLE_ENDIAN];
        Self {
            transcodes_to: syntaxes(&[&native[..], &lossy_and_jpeg_2000[..]].concat()),
            ..Self::standard()
        }
    }
}
