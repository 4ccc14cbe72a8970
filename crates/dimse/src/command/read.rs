//! A command set read into its type.

use instance::{AeTitle, Tag, Uid};

use super::{
    C_CANCEL, Command, InvalidCommandSet, Operation, RESPONSE, UnreadableRq, element::Elements, request::*,
    response::*, tag,
};
use crate::Status;

/// Value of (0000,0800) Command Data Set Type that says that no data set follows (PS3.7 §E.1).
const NO_DATA_SET: u16 = 0x0101;

pub(super) fn read(bytes: &[u8]) -> Result<(Command, bool), InvalidCommandSet> {
    let elements = Elements::read(bytes).map_err(InvalidCommandSet)?;
    let required = |tag: Tag| elements.us(tag).ok_or(InvalidCommandSet(tag));
    let field = required(tag::COMMAND_FIELD)?;
    // An absent data set type is read as that of commands without a data set: a wrong guess in the
    // other direction would wait for fragments that never come.
    let has_data_set = elements.us(tag::COMMAND_DATA_SET_TYPE).unwrap_or(NO_DATA_SET) != NO_DATA_SET;
    if field == C_CANCEL {
        let message_id_being_responded_to = required(tag::MESSAGE_ID_BEING_RESPONDED_TO)?;
        return Ok((Command::CCancelRq(CCancelRq { message_id_being_responded_to }), false));
    }
    if field & RESPONSE != 0 {
        let response = response(&elements, Operation::from_field(field), has_data_set)?;
        return Ok((Command::Rsp(response), has_data_set));
    }
    let message_id = required(tag::MESSAGE_ID)?;
    let operation = Operation::from_field(field);
    let unreadable =
        |element| Command::Unreadable(UnreadableRq { operation, message_id, element, has_data_set });
    let command = match request(&elements, operation, message_id, has_data_set) {
        Ok(Some(command)) => command,
        Ok(None) => unreadable(None),
        Err(tag) => unreadable(Some(tag)),
    };
    Ok((command, has_data_set))
}

fn request(
    elements: &Elements<'_>,
    operation: Operation,
    message_id: u16,
    has_data_set: bool,
) -> Result<Option<Command>, Tag> {
    let uid = |tag: Tag| elements.uid(tag)?.ok_or(tag);
    let affected_class = || uid(tag::AFFECTED_SOP_CLASS_UID);
    let requested = || -> Result<(Uid, Uid), Tag> {
        Ok((uid(tag::REQUESTED_SOP_CLASS_UID)?, uid(tag::REQUESTED_SOP_INSTANCE_UID)?))
    };
    let us = |tag: Tag| elements.us(tag).ok_or(tag);
    let data_set = || if has_data_set { Ok(()) } else { Err(tag::COMMAND_DATA_SET_TYPE) };
    let priority = match elements.us(tag::PRIORITY) {
        Some(1) => Priority::High,
        Some(2) => Priority::Low,
        _ => Priority::Medium,
    };
    Ok(Some(match operation {
        Operation::CStore => {
            data_set()?;
            Command::CStoreRq(CStoreRq {
                message_id,
                priority,
                affected_sop_class_uid: affected_class()?,
                affected_sop_instance_uid: uid(tag::AFFECTED_SOP_INSTANCE_UID)?,
                move_originator: move_originator(elements),
            })
        }
        Operation::CGet => {
            data_set()?;
            Command::CGetRq(CGetRq { message_id, priority, affected_sop_class_uid: affected_class()? })
        }
        Operation::CFind => {
            data_set()?;
            Command::CFindRq(CFindRq { message_id, priority, affected_sop_class_uid: affected_class()? })
        }
        Operation::CMove => {
            data_set()?;
            let destination = elements.get(tag::MOVE_DESTINATION).ok_or(tag::MOVE_DESTINATION)?;
            Command::CMoveRq(CMoveRq {
                message_id,
                priority,
                affected_sop_class_uid: affected_class()?,
                move_destination: AeTitle::from_bytes(destination).map_err(|_| tag::MOVE_DESTINATION)?,
            })
        }
        Operation::CEcho => Command::CEchoRq(CEchoRq {
            message_id,
            affected_sop_class_uid: elements.uid(tag::AFFECTED_SOP_CLASS_UID)?,
        }),
        Operation::NEventReport => Command::NEventReportRq(NEventReportRq {
            message_id,
            affected_sop_class_uid: affected_class()?,
            affected_sop_instance_uid: uid(tag::AFFECTED_SOP_INSTANCE_UID)?,
            event_type_id: us(tag::EVENT_TYPE_ID)?,
            has_data_set,
        }),
        Operation::NGet => {
            let (requested_sop_class_uid, requested_sop_instance_uid) = requested()?;
            let attribute_identifier_list = elements.tags(tag::ATTRIBUTE_IDENTIFIER_LIST);
            Command::NGetRq(NGetRq {
                message_id,
                requested_sop_class_uid,
                requested_sop_instance_uid,
                attribute_identifier_list,
            })
        }
        Operation::NSet => {
            data_set()?;
            let (requested_sop_class_uid, requested_sop_instance_uid) = requested()?;
            Command::NSetRq(NSetRq { message_id, requested_sop_class_uid, requested_sop_instance_uid })
        }
        Operation::NAction => {
            let (requested_sop_class_uid, requested_sop_instance_uid) = requested()?;
            let action_type_id = us(tag::ACTION_TYPE_ID)?;
            Command::NActionRq(NActionRq {
                message_id,
                requested_sop_class_uid,
                requested_sop_instance_uid,
                action_type_id,
                has_data_set,
            })
        }
        Operation::NCreate => Command::NCreateRq(NCreateRq {
            message_id,
            affected_sop_class_uid: affected_class()?,
            affected_sop_instance_uid: elements.uid(tag::AFFECTED_SOP_INSTANCE_UID)?,
            has_data_set,
        }),
        Operation::NDelete => {
            let (requested_sop_class_uid, requested_sop_instance_uid) = requested()?;
            Command::NDeleteRq(NDeleteRq { message_id, requested_sop_class_uid, requested_sop_instance_uid })
        }
        Operation::Other(_) => return Ok(None),
    }))
}

/// Both elements or nothing: one without the other says nothing.
fn move_originator(elements: &Elements<'_>) -> Option<MoveOriginator> {
    let title = elements.get(tag::MOVE_ORIGINATOR_APPLICATION_ENTITY_TITLE)?;
    let ae_title = AeTitle::from_bytes(title).ok()?;
    Some(MoveOriginator { ae_title, message_id: elements.us(tag::MOVE_ORIGINATOR_MESSAGE_ID)? })
}

fn response(
    elements: &Elements<'_>,
    operation: Operation,
    has_data_set: bool,
) -> Result<Response, InvalidCommandSet> {
    let required = |tag: Tag| elements.us(tag).ok_or(InvalidCommandSet(tag));
    let message_id = required(tag::MESSAGE_ID_BEING_RESPONDED_TO)?;
    let count = |tag: Tag| elements.us(tag);
    let sub_operations = SubOperations {
        remaining: count(tag::NUMBER_OF_REMAINING_SUB_OPERATIONS),
        completed: count(tag::NUMBER_OF_COMPLETED_SUB_OPERATIONS).unwrap_or(0),
        failed: count(tag::NUMBER_OF_FAILED_SUB_OPERATIONS).unwrap_or(0),
        warning: count(tag::NUMBER_OF_WARNING_SUB_OPERATIONS).unwrap_or(0),
    };
    let has_sub_operations = [
        tag::NUMBER_OF_REMAINING_SUB_OPERATIONS,
        tag::NUMBER_OF_COMPLETED_SUB_OPERATIONS,
        tag::NUMBER_OF_FAILED_SUB_OPERATIONS,
        tag::NUMBER_OF_WARNING_SUB_OPERATIONS,
    ];
    Ok(Response {
        operation,
        message_id_being_responded_to: message_id,
        status: Status(required(tag::STATUS)?),
        // The UIDs of a response repeat those of the request; a malformed one is no reason to fail.
        affected_sop_class_uid: elements.uid(tag::AFFECTED_SOP_CLASS_UID).ok().flatten(),
        affected_sop_instance_uid: elements.uid(tag::AFFECTED_SOP_INSTANCE_UID).ok().flatten(),
        offending_elements: elements.tags(tag::OFFENDING_ELEMENT),
        error_comment: elements.get(tag::ERROR_COMMENT).map(comment).filter(|words| !words.is_empty()),
        error_id: elements.us(tag::ERROR_ID),
        event_type_id: elements.us(tag::EVENT_TYPE_ID),
        attribute_identifier_list: elements.tags(tag::ATTRIBUTE_IDENTIFIER_LIST),
        action_type_id: elements.us(tag::ACTION_TYPE_ID),
        sub_operations: has_sub_operations
            .iter()
            .any(|tag| elements.get(*tag).is_some())
            .then_some(sub_operations),
        has_data_set,
    })
}

/// An Error Comment for people: whatever is no printable ASCII becomes `?`.
fn comment(value: &[u8]) -> String {
    let end = value.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
    let printable = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '?' };
    let words: String = value[..end].iter().take(Response::ERROR_COMMENT_LENGTH_MAX).map(printable).collect();
    // Where it is cut, it may end in blanks again.
    words.trim_end().to_owned()
}
