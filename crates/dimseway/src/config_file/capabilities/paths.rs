//! Where the resources of a server are: `[origin.NAME.capabilities.paths]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Path templates below the base URL; `{study}`, `{series}` and `{instance}` stand for UIDs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Paths {
    /// Target of store requests.
    /// Unit: path. Source: PS3.18 §10.5.1.
    #[schemars(extend("x-sample" = "/studies"))]
    pub(crate) store: Option<String>,
    /// Search for one instance.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/instances"))]
    pub(crate) search_instances: Option<String>,
    /// Metadata of one instance.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/instances/{instance}/metadata"))]
    pub(crate) instance_metadata: Option<String>,
    /// One instance.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/instances/{instance}"))]
    pub(crate) instance: Option<String>,
    /// Search for studies.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/studies"))]
    pub(crate) studies: Option<String>,
    /// Search for series of all studies.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/series"))]
    pub(crate) series: Option<String>,
    /// Search for instances of all studies.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/instances"))]
    pub(crate) instances: Option<String>,
    /// Search for series of a study.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series"))]
    pub(crate) study_series: Option<String>,
    /// Search for instances of a study.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/studies/{study}/instances"))]
    pub(crate) study_instances: Option<String>,
    /// Search for instances of a series.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/instances"))]
    pub(crate) series_instances: Option<String>,
    /// All instances of a study.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}"))]
    pub(crate) retrieve_study: Option<String>,
    /// All instances of a series.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}"))]
    pub(crate) retrieve_series: Option<String>,
    /// Metadata of the instances of a study.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}/metadata"))]
    pub(crate) study_metadata: Option<String>,
    /// Metadata of the instances of a series.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/metadata"))]
    pub(crate) series_metadata: Option<String>,
    /// Deletion of a study.
    /// Unit: path. Source: not part of PS3.18; the server's documentation.
    #[schemars(extend("x-sample" = "/studies/{study}"))]
    pub(crate) delete_study: Option<String>,
    /// Deletion of a series.
    /// Unit: path. Source: not part of PS3.18; the server's documentation.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}"))]
    pub(crate) delete_series: Option<String>,
    /// Deletion of an instance.
    /// Unit: path. Source: not part of PS3.18; the server's documentation.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/instances/{instance}"))]
    pub(crate) delete_instance: Option<String>,
    /// The list of changes.
    /// Unit: path. Source: not part of PS3.18; Azure's conformance statement.
    #[schemars(extend("x-sample" = "/changefeed"))]
    pub(crate) change_feed: Option<String>,
    /// The last change.
    /// Unit: path. Source: not part of PS3.18; Azure's conformance statement.
    #[schemars(extend("x-sample" = "/changefeed/latest"))]
    pub(crate) change_feed_latest: Option<String>,
    /// Scheduled procedure steps of modalities.
    /// Unit: path. Source: PS3.18 §14; dcm4chee has `/mwlitems`.
    #[schemars(extend("x-sample" = "/modality-scheduled-procedure-steps"))]
    pub(crate) scheduled_steps: Option<String>,
    /// Workitems.
    /// Unit: path. Source: PS3.18 §11.9.
    #[schemars(extend("x-sample" = "/workitems"))]
    pub(crate) workitems: Option<String>,
    /// One workitem; its UID stands for `{instance}`.
    /// Unit: path. Source: PS3.18 §11.5.
    #[schemars(extend("x-sample" = "/workitems/{instance}"))]
    pub(crate) workitem: Option<String>,
    /// What a probe asks.
    /// Unit: path. Source: the cheapest authenticated request of the server.
    #[schemars(extend("x-sample" = "/studies?limit=1"))]
    pub(crate) probe: Option<String>,
}
