//! The profile of PostDICOM: what its own clients were seen to send, and nothing beyond.
//!
//! The vendor publishes two clients (`dicomWeb-client`, of 2025, and `dicomWeb-client-with-node`, of 2024)
//! and a guide, and no statement of conformance. "Seen" below means in their source or in requests
//! captured from them; "not in evidence" that neither they nor the guide show it, so that it is not asked
//! for. Everything can be overridden.

use std::borrow::Cow;

use instance::Tag;

use super::*;
use crate::multipart::Boundary;
use crate::url::PathTemplate;

impl Profile {
    /// PostDICOM, whose resources are flat: a store goes to the root, a search for series to
    /// `/studies/series`, and so on. Searches by patient, study and series alone are known; whoever asks by
    /// something else needs the vendor's list of orders.
    #[must_use]
    pub fn postdicom() -> Self {
        Self {
            name: "postdicom".to_owned(),
            paths: Paths::postdicom(),
            // Seen.
            store_form: StoreForm::Multipart,
            // Seen; a PUT is not in evidence.
            store_method: StoreMethod::Post,
            put_replaces: false,
            // Seen, with its blanks and its place before the type.
            store_boundary: Some(Boundary::literal("DICOM DATA BOUNDARY")),
            // Not in evidence.
            unknown_length_accepted: false,
            // No limit is documented.
            request_bytes_max: None,
            // Seen: one file per request, whatever the number of files.
            request_instances_max: 1,
            // The clients send files as they are.
            transfer_syntaxes: TransferSyntaxes::All,
            // What comes back is only printed by the clients, so anything but a response data set is looked
            // up.
            store_response: StoreResponse::Verify,
            // Not in evidence; as with any server.
            duplicate_failure_reasons: vec![0x0111],
            duplicate_remark: None,
            busy_failure_reasons: Vec::new(),
            duplicate_statuses: Vec::new(),
            duplicates_unreported: false,
            // In the list of the instances of its series.
            lookup: Lookup::Search,
            // Not in evidence.
            any_transfer_syntax: false,
            search: SearchCapabilities::postdicom(),
            retrieve: RetrieveCapabilities::postdicom(),
            // Not in evidence; the vendor has orders of its own.
            worklist: WorklistCapabilities::none(),
            // Not in evidence; an order is deleted by the vendor's own call.
            delete: Vec::new(),
            // Not in evidence.
            change_feed: ChangeFeed::Absent,
        }
    }
}

impl Paths {
    /// The flat paths of PostDICOM.
    #[must_use]
    pub fn postdicom() -> Self {
        let path = PathTemplate::literal;
        let series = "/studies/series?0020000D={study}";
        let instances = "/studies/series/instances?0020000E={series}";
        Self {
            // Seen.
            store: path("/"),
            // Seen as a search for the instances of a series; which one is meant is told here.
            search_instances: path(instances),
            // Not in evidence, and not used with `instance_metadata` of the retrieve off.
            instance_metadata: path("/studies/series/instances/{instance}/metadata"),
            // In the guide and in branches of the clients that nothing reaches.
            instance: path("/studies/series/instances/{instance}"),
            // Seen, all three.
            studies: path("/studies"),
            series: path("/studies/series"),
            instances: path("/studies/series/instances"),
            // The same with the key that was seen.
            study_series: path(series),
            // Not there: series after series.
            study_instances: path("/studies/series/instances"),
            series_instances: path(instances),
            // Seen, both.
            retrieve_study: path("/studies/{study}"),
            retrieve_series: path("/studies/series/{series}"),
            // Not in evidence, and not used with `metadata` of the retrieve off.
            study_metadata: path("/studies/{study}/metadata"),
            series_metadata: path("/studies/series/{series}/metadata"),
            // Not in evidence, and not used without `delete` and `change_feed` of the profile.
            delete_study: path("/studies/{study}"),
            delete_series: path("/studies/series/{series}"),
            delete_instance: path("/studies/series/instances/{instance}"),
            change_feed: path("/changefeed"),
            change_feed_latest: path("/changefeed/latest"),
            // Not there.
            scheduled_steps: path("/modality-scheduled-procedure-steps"),
            workitems: path("/workitems"),
            workitem: path("/workitems/{instance}"),
            // Seen with the UID of a study; this one is nobody's.
            probe: path("/studies?0020000D=2.25.0"),
        }
    }
}

impl SearchCapabilities {
    /// The three keys that PostDICOM's clients use, one at a time.
    #[must_use]
    pub fn postdicom() -> Self {
        const NONE: Searchable = Searchable::These(Cow::Borrowed(&[]));
        Self {
            // The media type of PS3.18 §8.7.4 before those that were seen.
            accept: Cow::Borrowed("application/dicom+json, application/json, text/plain, */*"),
            // What an answer without results looks like is not known.
            nothing_found_statuses: Vec::new(),
            // Not in evidence without one.
            key_required: true,
            // Seen with one alone; the guide has one of three.
            keys_together: false,
            // Not in evidence, none of the three.
            limit: false,
            limit_max: None,
            offset: false,
            // Without `limit` nothing tells a cut.
            unannounced_cut: None,
            // Not in evidence, and what follows neither.
            wildcard: false,
            uid_list: false,
            uid_list_max: 1,
            ranges: Searchable::Absent,
            fuzzy: Searchable::Absent,
            person_names: PersonNames::AsText,
            numbers_as_text: true,
            // The clients put values into the URL as they are, which a patient ID with a blank does not
            // survive; any server decodes.
            values: Values::PercentEncoded,
            comma_separates: false,
            // Seen: patient ID, or Study Instance UID.
            studies: Searchable::These(Cow::Borrowed(&[Tag::PATIENT_ID, Tag::STUDY_INSTANCE_UID])),
            // Seen: Study Instance UID.
            series: Searchable::These(Cow::Borrowed(&[Tag::STUDY_INSTANCE_UID])),
            // Seen: Series Instance UID.
            instances: Searchable::These(Cow::Borrowed(&[Tag::SERIES_INSTANCE_UID])),
            study_series: NONE,
            study_instances: Searchable::Absent,
            series_instances: NONE,
            repeats_path_uid_as_key: false,
            // Not in evidence.
            include_field: IncludeField::None,
            erroneous_attributes: None,
        }
    }
}

impl RetrieveCapabilities {
    /// Whole files by study, series and instance, as they are.
    #[must_use]
    pub const fn postdicom() -> Self {
        Self {
            // Seen, both.
            whole_study: true,
            whole_series: true,
            // The path of an instance stands in branches of the clients that nothing reaches.
            whole_preferred: true,
            // Not in evidence, and what follows neither.
            metadata: false,
            instance_metadata: false,
            frames: false,
            transcodes_to: Vec::new(),
            several_transfer_syntaxes: false,
            // Seen: answers are multipart, and anything else is an error in words.
            single_part_instance: false,
        }
    }
}

#[cfg(test)]
mod tests;
