//! DIMSE command sets (PS3.7 §6.3.1, §9.3, §10.3): typed, read with tolerance, written strictly.
//!
//! A command set is always Implicit VR Little Endian (PS3.7 §6.3.1).

mod element;
mod read;
mod request;
mod response;
#[cfg(test)]
mod tests;
mod write;

use instance::Tag;

pub use request::{
    CCancelRq, CEchoRq, CFindRq, CGetRq, CMoveRq, CStoreRq, MoveOriginator, NActionRq, NCreateRq, NDeleteRq,
    NEventReportRq, NGetRq, NSetRq, Priority,
};
pub use response::{Response, SubOperations};

/// Most bytes of a command set: default 16 KiB. Real ones have 100 to 400 bytes; the longest legal one
/// is an N-GET-RQ with an attribute identifier list of some thousand tags.
pub const COMMAND_SET_LENGTH_MAX: usize = 16 * 1024;

/// The operation of a command, common to its request and its response (PS3.7 §E.1, Command Field).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// C-STORE, 0001H.
    CStore,
    /// C-GET, 0010H.
    CGet,
    /// C-FIND, 0020H.
    CFind,
    /// C-MOVE, 0021H.
    CMove,
    /// C-ECHO, 0030H.
    CEcho,
    /// N-EVENT-REPORT, 0100H.
    NEventReport,
    /// N-GET, 0110H.
    NGet,
    /// N-SET, 0120H.
    NSet,
    /// N-ACTION, 0130H.
    NAction,
    /// N-CREATE, 0140H.
    NCreate,
    /// N-DELETE, 0150H.
    NDelete,
    /// The command field of a request that PS3.7 does not define.
    Other(u16),
}

impl Operation {
    /// The command field of the request.
    #[must_use]
    pub const fn request_field(self) -> u16 {
        match self {
            Self::CStore => 0x0001,
            Self::CGet => 0x0010,
            Self::CFind => 0x0020,
            Self::CMove => 0x0021,
            Self::CEcho => 0x0030,
            Self::NEventReport => 0x0100,
            Self::NGet => 0x0110,
            Self::NSet => 0x0120,
            Self::NAction => 0x0130,
            Self::NCreate => 0x0140,
            Self::NDelete => 0x0150,
            Self::Other(field) => field,
        }
    }

    /// The command field of the response: that of the request with the highest bit set.
    #[must_use]
    pub const fn response_field(self) -> u16 {
        self.request_field() | RESPONSE
    }

    /// The operation of a request's or a response's command field.
    #[must_use]
    pub const fn from_field(field: u16) -> Self {
        match field & !RESPONSE {
            0x0001 => Self::CStore,
            0x0010 => Self::CGet,
            0x0020 => Self::CFind,
            0x0021 => Self::CMove,
            0x0030 => Self::CEcho,
            0x0100 => Self::NEventReport,
            0x0110 => Self::NGet,
            0x0120 => Self::NSet,
            0x0130 => Self::NAction,
            0x0140 => Self::NCreate,
            0x0150 => Self::NDelete,
            other => Self::Other(other),
        }
    }

    /// The name as PS3.7 writes it, fit for a log or a metric label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CStore => "C-STORE",
            Self::CGet => "C-GET",
            Self::CFind => "C-FIND",
            Self::CMove => "C-MOVE",
            Self::CEcho => "C-ECHO",
            Self::NEventReport => "N-EVENT-REPORT",
            Self::NGet => "N-GET",
            Self::NSet => "N-SET",
            Self::NAction => "N-ACTION",
            Self::NCreate => "N-CREATE",
            Self::NDelete => "N-DELETE",
            Self::Other(_) => "unrecognized",
        }
    }
}

/// The bit that makes a command field that of a response.
const RESPONSE: u16 = 0x8000;
/// Command field of C-CANCEL-RQ.
const C_CANCEL: u16 = 0x0FFF;

/// A command set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// C-STORE-RQ; a data set follows.
    CStoreRq(CStoreRq),
    /// C-GET-RQ; an identifier follows.
    CGetRq(CGetRq),
    /// C-FIND-RQ; an identifier follows.
    CFindRq(CFindRq),
    /// C-MOVE-RQ; an identifier follows.
    CMoveRq(CMoveRq),
    /// C-ECHO-RQ.
    CEchoRq(CEchoRq),
    /// C-CANCEL-RQ.
    CCancelRq(CCancelRq),
    /// N-EVENT-REPORT-RQ.
    NEventReportRq(NEventReportRq),
    /// N-GET-RQ.
    NGetRq(NGetRq),
    /// N-SET-RQ.
    NSetRq(NSetRq),
    /// N-ACTION-RQ.
    NActionRq(NActionRq),
    /// N-CREATE-RQ.
    NCreateRq(NCreateRq),
    /// N-DELETE-RQ.
    NDeleteRq(NDeleteRq),
    /// The response to any of them.
    Rsp(Response),
    /// A request that can be answered but not carried out; received only, never sent.
    Unreadable(UnreadableRq),
}

/// A request with a Message ID and a command field, and nothing else that can be relied on. The answer
/// is [`UnreadableRq::response`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRq {
    /// What was asked for.
    pub operation: Operation,
    /// (0000,0110) Message ID.
    pub message_id: u16,
    /// The element that is absent or has no usable value; `None` where the operation is unrecognized.
    pub element: Option<Tag>,
    /// Whether a data set follows.
    pub has_data_set: bool,
}

impl UnreadableRq {
    /// 0211 unrecognized operation, or 0212 mistyped argument with the offending element
    /// (PS3.7 §C.5.15, §C.5.23).
    #[must_use]
    pub fn response(&self) -> Response {
        match self.element {
            None => Response::new(self.operation, self.message_id, crate::Status::UNRECOGNIZED_OPERATION),
            Some(tag) => Response::new(self.operation, self.message_id, crate::Status::MISTYPED_ARGUMENT)
                .offending_element(tag),
        }
    }
}

impl Command {
    /// Reads a whole command set, and whether a data set follows it. Tolerated: a wrong or absent group length, elements out of order,
    /// unknown elements, odd lengths, space or NUL padding, an absent Priority.
    ///
    /// # Errors
    /// The element without which the command cannot even be answered.
    pub fn read(bytes: &[u8]) -> Result<(Self, bool), InvalidCommandSet> {
        read::read(bytes)
    }

    /// The command set with its group length, in the order of tags. `has_data_set` becomes
    /// (0000,0800) Command Data Set Type.
    #[must_use]
    pub fn write(&self, has_data_set: bool) -> Vec<u8> {
        write::write(self, has_data_set)
    }

    /// What the command asks for or answers.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::CStoreRq(_) => Operation::CStore,
            Self::CGetRq(_) => Operation::CGet,
            Self::CFindRq(_) => Operation::CFind,
            Self::CMoveRq(_) => Operation::CMove,
            Self::CEchoRq(_) => Operation::CEcho,
            Self::CCancelRq(_) => Operation::Other(C_CANCEL),
            Self::NEventReportRq(_) => Operation::NEventReport,
            Self::NGetRq(_) => Operation::NGet,
            Self::NSetRq(_) => Operation::NSet,
            Self::NActionRq(_) => Operation::NAction,
            Self::NCreateRq(_) => Operation::NCreate,
            Self::NDeleteRq(_) => Operation::NDelete,
            Self::Rsp(response) => response.operation,
            Self::Unreadable(request) => request.operation,
        }
    }
}

/// Why a command set cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the command set has no usable {0}")]
pub struct InvalidCommandSet(pub Tag);

/// Tags of command sets (PS3.7 §E.1).
pub(crate) mod tag {
    use instance::Tag;

    pub(crate) const AFFECTED_SOP_CLASS_UID: Tag = Tag(0, 0x0002);
    pub(crate) const REQUESTED_SOP_CLASS_UID: Tag = Tag(0, 0x0003);
    pub(crate) const COMMAND_FIELD: Tag = Tag(0, 0x0100);
    pub(crate) const MESSAGE_ID: Tag = Tag(0, 0x0110);
    pub(crate) const MESSAGE_ID_BEING_RESPONDED_TO: Tag = Tag(0, 0x0120);
    pub(crate) const MOVE_DESTINATION: Tag = Tag(0, 0x0600);
    pub(crate) const PRIORITY: Tag = Tag(0, 0x0700);
    pub(crate) const COMMAND_DATA_SET_TYPE: Tag = Tag(0, 0x0800);
    pub(crate) const STATUS: Tag = Tag(0, 0x0900);
    pub(crate) const OFFENDING_ELEMENT: Tag = Tag(0, 0x0901);
    pub(crate) const ERROR_COMMENT: Tag = Tag(0, 0x0902);
    pub(crate) const ERROR_ID: Tag = Tag(0, 0x0903);
    pub(crate) const AFFECTED_SOP_INSTANCE_UID: Tag = Tag(0, 0x1000);
    pub(crate) const REQUESTED_SOP_INSTANCE_UID: Tag = Tag(0, 0x1001);
    pub(crate) const EVENT_TYPE_ID: Tag = Tag(0, 0x1002);
    pub(crate) const ATTRIBUTE_IDENTIFIER_LIST: Tag = Tag(0, 0x1005);
    pub(crate) const ACTION_TYPE_ID: Tag = Tag(0, 0x1008);
    pub(crate) const NUMBER_OF_REMAINING_SUB_OPERATIONS: Tag = Tag(0, 0x1020);
    pub(crate) const NUMBER_OF_COMPLETED_SUB_OPERATIONS: Tag = Tag(0, 0x1021);
    pub(crate) const NUMBER_OF_FAILED_SUB_OPERATIONS: Tag = Tag(0, 0x1022);
    pub(crate) const NUMBER_OF_WARNING_SUB_OPERATIONS: Tag = Tag(0, 0x1023);
    pub(crate) const MOVE_ORIGINATOR_APPLICATION_ENTITY_TITLE: Tag = Tag(0, 0x1030);
    pub(crate) const MOVE_ORIGINATOR_MESSAGE_ID: Tag = Tag(0, 0x1031);
}
