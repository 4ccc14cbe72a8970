//! What only the DICOM service of Azure has: `[origin.NAME.azure]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The DICOM service of Azure Health Data Services, with profile `azure`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Azure {
    /// Version of the service's API, `"v1"` or `"v2"`: put behind `url` unless that ends in it already. Left
    /// out: the one that `url` ends in, as the service wants it.
    /// Unit: none. Source: Azure's documentation of API versions.
    #[schemars(extend("x-sample" = "v2"))]
    pub(crate) version: Option<Version>,
    /// The partition that everything goes to and comes from; left out where the service has none. Every path
    /// but that of the change feed then begins with `/partitions/` and the name; a path that is written under
    /// `capabilities.paths` is taken as it is.
    /// Unit: 1 to 64 letters, digits, `.`, `_`, `-`. Source: Azure's documentation of partitions.
    #[schemars(extend("x-sample" = "Microsoft.Default"))]
    pub(crate) partition: Option<String>,
}

/// Version of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Version {
    /// Version 1.
    V1,
    /// Version 2.
    V2,
}
