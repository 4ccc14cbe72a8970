//! What makes one SOP Instance that one and no other.

use crate::Uid;

/// The identity of a composite SOP Instance: its class, its own UID, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// (0008,0016) SOP Class UID.
    pub sop_class_uid: Uid,
    /// (0008,0018) SOP Instance UID.
    pub sop_instance_uid: Uid,
    /// (0020,000D) Study Instance UID.
    pub study_instance_uid: Uid,
    /// (0020,000E) Series Instance UID.
    pub series_instance_uid: Uid,
}
