//! Responses (PS3.7 §9.3, §10.3) and how they are built.

use instance::{Tag, Uid};

use super::Operation;
use crate::Status;

/// The response to any operation. Fields that the operation does not use stay `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// What is answered.
    pub operation: Operation,
    /// (0000,0120) Message ID Being Responded To.
    pub message_id_being_responded_to: u16,
    /// (0000,0900) Status.
    pub status: Status,
    /// (0000,0002) Affected SOP Class UID.
    pub affected_sop_class_uid: Option<Uid>,
    /// (0000,1000) Affected SOP Instance UID.
    pub affected_sop_instance_uid: Option<Uid>,
    /// (0000,0901) Offending Element.
    pub offending_elements: Vec<Tag>,
    /// (0000,0902) Error Comment.
    pub error_comment: Option<String>,
    /// (0000,0903) Error ID.
    pub error_id: Option<u16>,
    /// (0000,1002) Event Type ID, in N-EVENT-REPORT-RSP.
    pub event_type_id: Option<u16>,
    /// (0000,1005) Attribute Identifier List: attributes that are missing, not known or not allowed
    /// (PS3.7 §C.5.13, §C.5.17, §C.4.2).
    pub attribute_identifier_list: Vec<Tag>,
    /// (0000,1008) Action Type ID, in N-ACTION-RSP.
    pub action_type_id: Option<u16>,
    /// Counts of sub-operations, in C-GET-RSP and C-MOVE-RSP.
    pub sub_operations: Option<SubOperations>,
    /// Whether a data set follows; set by the reader, and ignored by the writer, which is told.
    pub has_data_set: bool,
}

/// Counts of sub-operations (PS3.7 §9.3.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct SubOperations {
    /// (0000,1020) Number of Remaining Sub-operations; not sent in a final response.
    pub remaining: Option<u16>,
    /// (0000,1021) Number of Completed Sub-operations.
    pub completed: u16,
    /// (0000,1022) Number of Failed Sub-operations.
    pub failed: u16,
    /// (0000,1023) Number of Warning Sub-operations.
    pub warning: u16,
}

impl Response {
    /// Characters of the longest Error Comment (value representation LO, PS3.5 §6.2).
    pub const ERROR_COMMENT_LENGTH_MAX: usize = 64;

    /// Most attributes that [`Self::attribute_identifiers`] lists: 1024, 4 KiB of a command set.
    pub const ATTRIBUTES_MAX: usize = 1024;

    /// The bare answer to a message.
    #[must_use]
    pub const fn new(operation: Operation, message_id: u16, status: Status) -> Self {
        Self {
            operation,
            message_id_being_responded_to: message_id,
            status,
            affected_sop_class_uid: None,
            affected_sop_instance_uid: None,
            offending_elements: Vec::new(),
            error_comment: None,
            error_id: None,
            event_type_id: None,
            attribute_identifier_list: Vec::new(),
            action_type_id: None,
            sub_operations: None,
            has_data_set: false,
        }
    }

    /// Names the SOP Class.
    #[must_use]
    pub fn affected_sop_class(mut self, uid: &Uid) -> Self {
        self.affected_sop_class_uid = Some(uid.clone());
        self
    }

    /// Names the SOP Instance.
    #[must_use]
    pub fn affected_sop_instance(mut self, uid: &Uid) -> Self {
        self.affected_sop_instance_uid = Some(uid.clone());
        self
    }

    /// Names an element that was in the way. May be called repeatedly.
    #[must_use]
    pub fn offending_element(mut self, tag: Tag) -> Self {
        self.offending_elements.push(tag);
        self
    }

    /// Says what went wrong. Characters outside printable ASCII and backslashes become `?`, since a
    /// command set has no character set; what is beyond 64 characters is cut.
    #[must_use]
    pub fn error_comment(mut self, comment: &str) -> Self {
        let allowed = |c: char| if (' '..='~').contains(&c) && c != '\\' { c } else { '?' };
        self.error_comment =
            Some(comment.chars().take(Self::ERROR_COMMENT_LENGTH_MAX).map(allowed).collect());
        self
    }

    /// Gives the error a number (PS3.7 §C.5.21).
    #[must_use]
    pub const fn error_id(mut self, id: u16) -> Self {
        self.error_id = Some(id);
        self
    }

    /// Lists attributes that the status is about. What is beyond [`Self::ATTRIBUTES_MAX`] is left out.
    #[must_use]
    pub fn attribute_identifiers(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        self.attribute_identifier_list = tags.into_iter().take(Self::ATTRIBUTES_MAX).collect();
        self
    }

    /// Counts sub-operations.
    #[must_use]
    pub const fn sub_operations(mut self, counts: SubOperations) -> Self {
        self.sub_operations = Some(counts);
        self
    }
}
