//! Where the resources of an origin server are.

use crate::url::PathTemplate;

/// Path templates below the base URL. `{study}`, `{series}` and `{instance}` stand for UIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Target of store requests. Default `/studies` (PS3.18 §10.5.1.1).
    pub store: PathTemplate,
    /// Search for one instance. Default
    /// `/studies/{study}/series/{series}/instances?SOPInstanceUID={instance}` (PS3.18 §10.6.1), which even
    /// servers with few searchable attributes offer.
    pub search_instances: PathTemplate,
    /// Metadata of one instance. Default `/studies/{study}/series/{series}/instances/{instance}/metadata`
    /// (PS3.18 §10.4.1.1.2).
    pub instance_metadata: PathTemplate,
    /// One instance. Default `/studies/{study}/series/{series}/instances/{instance}` (PS3.18
    /// §10.4.1.1.1).
    pub instance: PathTemplate,
    /// Search for studies. Default `/studies` (PS3.18 §10.6.1.1), and so on for the other resources.
    pub studies: PathTemplate,
    /// Search for series of all studies. Default `/series`.
    pub series: PathTemplate,
    /// Search for instances of all studies. Default `/instances`.
    pub instances: PathTemplate,
    /// Search for series of a study. Default `/studies/{study}/series`.
    pub study_series: PathTemplate,
    /// Search for instances of a study. Default `/studies/{study}/instances`.
    pub study_instances: PathTemplate,
    /// Search for instances of a series. Default `/studies/{study}/series/{series}/instances`.
    pub series_instances: PathTemplate,
    /// All instances of a study. Default `/studies/{study}` (PS3.18 §10.4.1.1.1).
    pub retrieve_study: PathTemplate,
    /// All instances of a series. Default `/studies/{study}/series/{series}`.
    pub retrieve_series: PathTemplate,
    /// Metadata of the instances of a study. Default `/studies/{study}/metadata` (PS3.18 §10.4.1.1.2).
    pub study_metadata: PathTemplate,
    /// Metadata of the instances of a series. Default `/studies/{study}/series/{series}/metadata`.
    pub series_metadata: PathTemplate,
    /// Deletion of a study. Default `/studies/{study}`: PS3.18 has none, and servers that have one have it
    /// at the resource itself.
    pub delete_study: PathTemplate,
    /// Deletion of a series. Default `/studies/{study}/series/{series}`.
    pub delete_series: PathTemplate,
    /// Deletion of an instance. Default `/studies/{study}/series/{series}/instances/{instance}`.
    pub delete_instance: PathTemplate,
    /// The list of changes. Default `/changefeed`, that of the DICOM service of Azure.
    pub change_feed: PathTemplate,
    /// The last change. Default `/changefeed/latest`, that of the DICOM service of Azure.
    pub change_feed_latest: PathTemplate,
    /// Scheduled procedure steps. Default `/modality-scheduled-procedure-steps` (PS3.18 §14).
    pub scheduled_steps: PathTemplate,
    /// Workitems. Default `/workitems` (PS3.18 §11.9).
    pub workitems: PathTemplate,
    /// One workitem, whose UID stands for `{instance}`. Default `/workitems/{instance}` (PS3.18 §11.5).
    pub workitem: PathTemplate,
    /// What a probe asks. Default `/studies?StudyInstanceUID=2.25.0&limit=1`: a search by a UID that no
    /// study has costs an index look-up and carries no patient data, and PS3.18 §10.6.1.2.3 has every
    /// server match it.
    pub probe: PathTemplate,
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
            delete_study: path("/studies/{study}"),
            delete_series: path("/studies/{study}/series/{series}"),
            delete_instance: path("/studies/{study}/series/{series}/instances/{instance}"),
            change_feed: path("/changefeed"),
            change_feed_latest: path("/changefeed/latest"),
            scheduled_steps: path("/modality-scheduled-procedure-steps"),
            workitems: path("/workitems"),
            workitem: path("/workitems/{instance}"),
            probe: path("/studies?StudyInstanceUID=2.25.0&limit=1"),
        }
    }
}
