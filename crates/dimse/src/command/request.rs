//! Requests (PS3.7 §9.3 for C-, §10.3 for N-services).

use instance::{AeTitle, Tag, Uid};

/// (0000,0700) Priority (PS3.7 §E.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Priority {
    /// 0002H.
    Low,
    /// 0000H; any value that PS3.7 does not define is read as this.
    #[default]
    Medium,
    /// 0001H.
    High,
}

/// Who asked for the C-MOVE that a C-STORE is a sub-operation of (PS3.7 §9.1.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MoveOriginator {
    /// (0000,1030) Move Originator Application Entity Title.
    pub ae_title: AeTitle,
    /// (0000,1031) Move Originator Message ID.
    pub message_id: u16,
}

/// C-STORE-RQ (PS3.7 §9.3.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CStoreRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0700) Priority.
    pub priority: Priority,
    /// (0000,0002) Affected SOP Class UID.
    pub affected_sop_class_uid: Uid,
    /// (0000,1000) Affected SOP Instance UID.
    pub affected_sop_instance_uid: Uid,
    /// Who asked for it, if it is a sub-operation of a C-MOVE.
    pub move_originator: Option<MoveOriginator>,
}

/// C-GET-RQ (PS3.7 §9.3.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CGetRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0700) Priority.
    pub priority: Priority,
    /// (0000,0002) Affected SOP Class UID.
    pub affected_sop_class_uid: Uid,
}

/// C-FIND-RQ (PS3.7 §9.3.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CFindRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0700) Priority.
    pub priority: Priority,
    /// (0000,0002) Affected SOP Class UID.
    pub affected_sop_class_uid: Uid,
}

/// C-MOVE-RQ (PS3.7 §9.3.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CMoveRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0700) Priority.
    pub priority: Priority,
    /// (0000,0002) Affected SOP Class UID.
    pub affected_sop_class_uid: Uid,
    /// (0000,0600) Move Destination.
    pub move_destination: AeTitle,
}

/// C-ECHO-RQ (PS3.7 §9.3.5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CEchoRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0002) Affected SOP Class UID; `None` where a tolerated peer left it out.
    pub affected_sop_class_uid: Option<Uid>,
}

/// C-CANCEL-RQ (PS3.7 §9.3.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CCancelRq {
    /// (0000,0120) Message ID Being Responded To: the operation to end.
    pub message_id_being_responded_to: u16,
}

/// N-EVENT-REPORT-RQ (PS3.7 §10.3.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NEventReportRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0002) Affected SOP Class UID.
    pub affected_sop_class_uid: Uid,
    /// (0000,1000) Affected SOP Instance UID.
    pub affected_sop_instance_uid: Uid,
    /// (0000,1002) Event Type ID.
    pub event_type_id: u16,
    /// Whether event information follows.
    pub has_data_set: bool,
}

/// N-GET-RQ (PS3.7 §10.3.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NGetRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0003) Requested SOP Class UID.
    pub requested_sop_class_uid: Uid,
    /// (0000,1001) Requested SOP Instance UID.
    pub requested_sop_instance_uid: Uid,
    /// (0000,1005) Attribute Identifier List; empty: all attributes.
    pub attribute_identifier_list: Vec<Tag>,
}

/// N-SET-RQ (PS3.7 §10.3.3.1); a modification list follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NSetRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0003) Requested SOP Class UID.
    pub requested_sop_class_uid: Uid,
    /// (0000,1001) Requested SOP Instance UID.
    pub requested_sop_instance_uid: Uid,
}

/// N-ACTION-RQ (PS3.7 §10.3.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NActionRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0003) Requested SOP Class UID.
    pub requested_sop_class_uid: Uid,
    /// (0000,1001) Requested SOP Instance UID.
    pub requested_sop_instance_uid: Uid,
    /// (0000,1008) Action Type ID.
    pub action_type_id: u16,
    /// Whether action information follows.
    pub has_data_set: bool,
}

/// N-CREATE-RQ (PS3.7 §10.3.5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NCreateRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0002) Affected SOP Class UID.
    pub affected_sop_class_uid: Uid,
    /// (0000,1000) Affected SOP Instance UID; without one the performer makes it.
    pub affected_sop_instance_uid: Option<Uid>,
    /// Whether an attribute list follows.
    pub has_data_set: bool,
}

/// N-DELETE-RQ (PS3.7 §10.3.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NDeleteRq {
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// (0000,0003) Requested SOP Class UID.
    pub requested_sop_class_uid: Uid,
    /// (0000,1001) Requested SOP Instance UID.
    pub requested_sop_instance_uid: Uid,
}
