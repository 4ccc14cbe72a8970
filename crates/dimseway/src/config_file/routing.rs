//! Which instance goes where: `[[route]]`, `[routing]`.

use super::OneOrMany;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule; the first that matches decides. With no `[[route]]` at all everything goes to the only
/// origin.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// What an instance must be for this route; left out: anything.
    #[serde(default)]
    pub(crate) r#match: Match,
    /// Names of origins, or `"peer:AE"` for a DIMSE peer with an address.
    /// Unit: none. Source: `[origin.NAME]` and `[[peer]]` of this file.
    #[schemars(example = ["archive"])]
    pub(crate) store: Vec<String>,
    /// When the caller gets success: `"spooled"` once the instance is durable here, or `"stored"`
    /// once the destination has confirmed it (pass-through; a slow archive then slows the caller).
    /// Unit: none. Source: PS3.4 §B.2.3.
    #[serde(default)]
    #[schemars(example = Acknowledge::Spooled)]
    pub(crate) acknowledge: Acknowledge,
    /// Go on to the next routes, and add what they say, instead of ending here.
    /// Unit: none. Source: needed for a copy to a second place.
    #[serde(default)]
    pub(crate) r#continue: bool,
}

/// What a route applies to. `*` stands for any characters and `?` for one; a list matches if one of
/// its patterns does. All keys that are given must match.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Match {
    /// AE title of the caller.
    /// Unit: pattern. Source: PS3.8 §9.3.2.
    #[schemars(example = &"CT*")]
    pub(crate) calling_ae: OneOrMany<String>,
    /// AE title that was called.
    /// Unit: pattern. Source: PS3.8 §9.3.2.
    #[schemars(extend("x-sample" = "ARCHIVE2"))]
    pub(crate) called_ae: OneOrMany<String>,
    /// SOP Class UID.
    /// Unit: pattern. Source: (0008,0016), PS3.3 §C.12.1.
    #[schemars(extend("x-sample" = "1.2.840.10008.5.1.4.1.1.2*"))]
    pub(crate) sop_class: OneOrMany<String>,
    /// Modality.
    /// Unit: pattern. Source: (0008,0060), PS3.3 §C.7.3.1.
    #[schemars(extend("x-sample" = ["CT", "PT"]))]
    pub(crate) modality: OneOrMany<String>,
}

/// When a C-STORE is answered with success.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Acknowledge {
    /// Durable in the spool.
    #[default]
    Spooled,
    /// Confirmed by the destination.
    Stored,
}

/// What happens to instances that no route takes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Routing {
    /// Routes exist and none matches: `"hold"` keeps the instance, visible in `queue list`, or
    /// `"reject"` answers status 0110.
    /// Unit: none. Source: PS3.7 §C.
    #[schemars(example = Unrouted::Hold)]
    pub(crate) unrouted: Unrouted,
}

/// What happens to an instance that no route takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Unrouted {
    /// Committed, held, visible.
    #[default]
    Hold,
    /// Refused.
    Reject,
}
