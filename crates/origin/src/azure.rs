//! The DICOM service of Azure Health Data Services, as far as its documents go.
//!
//! Every path begins with a version, and with data partitions behind that, with a partition:
//! `/v2/partitions/NAME/studies`. Beside the archive there are workitems and the change feed.

mod options;

pub use options::{ImplicitVr, Options};

/// The newest version, which the base URL of the origin names.
pub(crate) const BASE_PATH: &str = "/v2";
