//! The DICOM service of Azure Health Data Services, as far as its documents go.
//!
//! Every path begins with a version, and with data partitions behind that, with a partition:
//! `/v2/partitions/NAME/studies`. Beside the archive there are workitems and the change feed.

mod change_feed;
mod changes;
mod options;
mod partition;
mod routes;
mod scenarios;
pub(crate) mod validation;
mod version;

pub use options::{ImplicitVr, MemberNames, Options};
pub use scenarios::SCENARIOS;

pub(crate) use changes::{Action, Changes};
pub(crate) use partition::Service;
pub(crate) use routes::router;
pub(crate) use version::Version;

/// The newest version, which the base URL of the origin names.
pub(crate) const BASE_PATH: &str = "/v2";
