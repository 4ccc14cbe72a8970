//! What a server gives back: `[origin.NAME.capabilities.retrieve]`.

use super::super::Parsed;
use instance::Uid;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the server gives back what it holds (WADO-RS).
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retrieve {
    /// Whether one request may ask for a study; otherwise its instances are fetched one by one.
    /// Unit: none. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = false))]
    pub(crate) whole_study: Option<bool>,
    /// Whether one request may ask for a series.
    /// Unit: none. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = false))]
    pub(crate) whole_series: Option<bool>,
    /// Whether a study or series is asked for as a whole even where its instances one by one would come
    /// sooner.
    /// Unit: none. Source: of PostDICOM's clients only the whole was ever seen.
    #[schemars(extend("x-sample" = false))]
    pub(crate) whole_preferred: Option<bool>,
    /// Whether the metadata of a study or series can be asked for.
    /// Unit: none. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = true))]
    pub(crate) metadata: Option<bool>,
    /// Whether the metadata of one instance can be asked for.
    /// Unit: none. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = true))]
    pub(crate) instance_metadata: Option<bool>,
    /// Whether single frames can be asked for.
    /// Unit: none. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = true))]
    pub(crate) frames: Option<bool>,
    /// Transfer syntaxes into which the server changes instances where it is asked to.
    /// Unit: UIDs. Source: PS3.18 §8.7.3.
    #[schemars(extend("x-sample" = ["1.2.840.10008.1.2.1"]))]
    pub(crate) transcodes_to: Option<Vec<Parsed<Uid>>>,
    /// Whether a request may list several acceptable transfer syntaxes.
    /// Unit: none. Source: PS3.18 §8.7.5.
    #[schemars(extend("x-sample" = true))]
    pub(crate) several_transfer_syntaxes: Option<bool>,
    /// Whether an instance is asked for as a single part instead of multipart.
    /// Unit: none. Source: PS3.18 §10.4.4.
    #[schemars(extend("x-sample" = false))]
    pub(crate) single_part_instance: Option<bool>,
}
