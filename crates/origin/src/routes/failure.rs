//! Values of Failure Reason (0008,1197), which are the statuses of C-STORE (PS3.4 §B.2.3,
//! PS3.18 §I.2.2).

/// The origin failed, for a reason of its own (PS3.7 §C.5.21).
pub(crate) const PROCESSING_FAILURE: u16 = 0x0110;
/// The SOP Instance UID is there with other bytes (PS3.7 §C.5.7).
pub(crate) const DUPLICATE_SOP_INSTANCE: u16 = 0x0111;
/// No room, or larger than the origin takes.
pub(crate) const OUT_OF_RESOURCES: u16 = 0xA700;
/// Identifying attributes are missing, or belong to another study than the request names.
pub(crate) const DOES_NOT_MATCH: u16 = 0xA900;
/// No Part 10 file, or a data set that cannot be read.
pub(crate) const CANNOT_UNDERSTAND: u16 = 0xC000;

/// Azure: the SOP Instance UID is there.
pub(crate) const AZURE_DUPLICATE: u16 = 45070;
/// Azure: an instance of this UID is being created or removed.
pub(crate) const AZURE_PENDING: u16 = 45071;
/// Azure: a required attribute is missing or has a value that it cannot have.
pub(crate) const AZURE_INVALID: u16 = 43264;
/// Azure: the instance is of another study than the request names.
pub(crate) const AZURE_OTHER_STUDY: u16 = 43265;
/// Azure, as a warning: some attributes have values that they cannot have, and cannot be searched for.
pub(crate) const AZURE_VALIDATION_WARNING: u16 = 1;
/// Azure, as a warning: the data set does not match its SOP Class.
pub(crate) const AZURE_DOES_NOT_MATCH_WARNING: u16 = 45063;
