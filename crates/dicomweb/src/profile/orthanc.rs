//! The profile of Orthanc, as measured.

use instance::Tag;

use super::built_in::*;
use super::*;

impl Profile {
    /// Orthanc with its DICOMweb plugin, as measured with Orthanc 1.10.1 and plugin 1.7.
    ///
    /// It keeps an instance that it already has and names the new one as stored, so a duplicate is never
    /// reported; what it cannot read it leaves out of both sequences and answers 400 for the request. A
    /// single part is refused with 415, and one asked for with 400. Requests are smaller than with
    /// `standard`, because the plugin holds each part in memory. A body of unknown length is taken, but put
    /// together at a cost that grows with its square: 128, 256 and 512 MB take `curl` 5, 15 and 54 s, and 2.4, 4.3
    /// and 7.2 s with their length. So every request says its length.
    ///
    /// A request is read whole before its first instance is stored, one after the other. With 10 CT slices in a
    /// request one is read while another is stored: 300 slices that four modalities send at once are there after
    /// 0.90 s, with as many in a request as its bytes allow after 1.01 s; with 5 it is 0.85 s, and twice as many
    /// ways to an archive that is far away.
    #[must_use]
    pub fn orthanc() -> Self {
        Self {
            name: "orthanc".to_owned(),
            request_bytes_max: Some(64 * 1024 * 1024),
            request_instances_max: 10,
            unknown_length_accepted: false,
            duplicates_unreported: true,
            search: SearchCapabilities::orthanc(),
            retrieve: RetrieveCapabilities::orthanc(),
            worklist: WorklistCapabilities::none(),
            ..Self::standard()
        }
    }
}

impl SearchCapabilities {
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
            INSTITUTION_NAME,
            Tag::PATIENT_NAME,
            Tag::PATIENT_ID,
            PATIENT_BIRTH_DATE,
            PATIENT_SEX,
            Tag::STUDY_INSTANCE_UID,
            STUDY_ID,
        ];
        let levels = Levels {
            study: STUDY,
            series: &[
                Tag::MODALITY,
                Tag(0x0008, 0x0021),
                STATION_NAME,
                SERIES_DESCRIPTION,
                MANUFACTURER_MODEL_NAME,
                BODY_PART_EXAMINED,
                PROTOCOL_NAME,
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
}

impl RetrieveCapabilities {
    /// Orthanc 1.10.1 with plugin 1.7: of several transfer syntaxes in a request only the last counts. It cannot
    /// give an object of 2 GiB or more: the answer is cut, whoever asks.
    #[must_use]
    pub fn orthanc() -> Self {
        Self { several_transfer_syntaxes: false, ..Self::standard() }
    }
}
