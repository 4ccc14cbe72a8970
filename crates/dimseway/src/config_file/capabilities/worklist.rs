//! What can be asked of the worklists of a server: `[origin.NAME.capabilities.worklist]`.

use super::{AttributePath, Attributes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Attributes by which worklists can be searched; a key beside them is not sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Worklist {
    /// Attributes by which scheduled procedure steps can be searched: `"all"`, `"absent"` where the server
    /// does not have them, or a list. A dot leads into a sequence.
    /// Unit: keywords of PS3.6 or tags. Source: PS3.18 §14, the server's conformance statement.
    #[schemars(extend("x-sample" = ["PatientID", "ScheduledProcedureStepSequence.Modality"]))]
    pub(crate) scheduled_steps: Option<Attributes<AttributePath>>,
    /// The same for workitems.
    /// Unit: keywords of PS3.6 or tags. Source: PS3.18 §11.9, the server's conformance statement.
    #[schemars(extend("x-sample" = ["PatientID", "ReferencedRequestSequence.AccessionNumber"]))]
    pub(crate) workitems: Option<Attributes<AttributePath>>,
}
