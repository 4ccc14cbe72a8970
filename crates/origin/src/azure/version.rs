//! Versions of the service.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// What stands first in every path. They differ in what becomes of attributes that do not hold what their VR
/// allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Version {
    V1Prerelease,
    V1,
    #[default]
    V2,
}

impl Version {
    /// The version that a segment of a path names.
    pub(crate) fn read(segment: &str) -> Option<Self> {
        Some(match segment {
            "v1.0-prerelease" => Self::V1Prerelease,
            "v1" => Self::V1,
            "v2" => Self::V2,
            _ => return None,
        })
    }

    /// Whether an instance is stored although an attribute that can be searched for has a value that it
    /// cannot have.
    pub(crate) const fn forgives(self) -> bool {
        matches!(self, Self::V2)
    }
}

/// Says which versions there are.
pub(super) fn announce(headers: &mut HeaderMap) {
    for (name, versions) in
        [("api-supported-versions", "1, 2"), ("api-deprecated-versions", "1.0-prerelease")]
    {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(versions));
    }
}
