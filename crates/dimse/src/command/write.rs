//! A command written: the elements that PS3.7 §9.3 and §10.3 list for it, in the order of tags.

use super::{C_CANCEL, Command, element::Writer, request::*, response::*, tag};

/// Value of (0000,0800) Command Data Set Type where a data set follows: any but 0101H; this one is
/// what most implementations send.
const DATA_SET: u16 = 0x0001;
/// Value of (0000,0800) Command Data Set Type where none follows (PS3.7 §E.1).
const NO_DATA_SET: u16 = 0x0101;

pub(super) fn write(command: &Command, has_data_set: bool) -> Vec<u8> {
    let mut to = Writer::new();
    let field = match command {
        Command::Rsp(response) => response.operation.response_field(),
        Command::CCancelRq(_) => C_CANCEL,
        other => other.operation().request_field(),
    };
    let head = Head { field, data_set_type: if has_data_set { DATA_SET } else { NO_DATA_SET } };
    match command {
        Command::CStoreRq(rq) => store(&mut to, &head, rq),
        Command::CGetRq(CGetRq { message_id, priority, affected_sop_class_uid })
        | Command::CFindRq(CFindRq { message_id, priority, affected_sop_class_uid }) => {
            to.uid(tag::AFFECTED_SOP_CLASS_UID, affected_sop_class_uid);
            head.request(&mut to, *message_id);
            to.us(tag::PRIORITY, priority_value(*priority));
            head.data_set_type(&mut to);
        }
        Command::CMoveRq(rq) => {
            to.uid(tag::AFFECTED_SOP_CLASS_UID, &rq.affected_sop_class_uid);
            head.request(&mut to, rq.message_id);
            to.text(tag::MOVE_DESTINATION, rq.move_destination.as_str());
            to.us(tag::PRIORITY, priority_value(rq.priority));
            head.data_set_type(&mut to);
        }
        Command::CEchoRq(rq) => {
            if let Some(uid) = &rq.affected_sop_class_uid {
                to.uid(tag::AFFECTED_SOP_CLASS_UID, uid);
            }
            head.request(&mut to, rq.message_id);
            head.data_set_type(&mut to);
        }
        Command::CCancelRq(rq) => {
            to.us(tag::COMMAND_FIELD, C_CANCEL);
            to.us(tag::MESSAGE_ID_BEING_RESPONDED_TO, rq.message_id_being_responded_to);
            head.data_set_type(&mut to);
        }
        Command::NEventReportRq(rq) => {
            to.uid(tag::AFFECTED_SOP_CLASS_UID, &rq.affected_sop_class_uid);
            head.request(&mut to, rq.message_id);
            head.data_set_type(&mut to);
            to.uid(tag::AFFECTED_SOP_INSTANCE_UID, &rq.affected_sop_instance_uid);
            to.us(tag::EVENT_TYPE_ID, rq.event_type_id);
        }
        Command::NGetRq(rq) => {
            head.requested(
                &mut to,
                rq.message_id,
                &rq.requested_sop_class_uid,
                &rq.requested_sop_instance_uid,
            );
            if !rq.attribute_identifier_list.is_empty() {
                to.tags(tag::ATTRIBUTE_IDENTIFIER_LIST, &rq.attribute_identifier_list);
            }
        }
        Command::NSetRq(NSetRq { message_id, requested_sop_class_uid, requested_sop_instance_uid })
        | Command::NDeleteRq(NDeleteRq { message_id, requested_sop_class_uid, requested_sop_instance_uid }) =>
        {
            head.requested(&mut to, *message_id, requested_sop_class_uid, requested_sop_instance_uid);
        }
        Command::NActionRq(rq) => {
            head.requested(
                &mut to,
                rq.message_id,
                &rq.requested_sop_class_uid,
                &rq.requested_sop_instance_uid,
            );
            to.us(tag::ACTION_TYPE_ID, rq.action_type_id);
        }
        Command::NCreateRq(rq) => {
            to.uid(tag::AFFECTED_SOP_CLASS_UID, &rq.affected_sop_class_uid);
            head.request(&mut to, rq.message_id);
            head.data_set_type(&mut to);
            if let Some(uid) = &rq.affected_sop_instance_uid {
                to.uid(tag::AFFECTED_SOP_INSTANCE_UID, uid);
            }
        }
        Command::Rsp(rsp) => response(&mut to, &head, rsp),
        Command::Unreadable(rq) => {
            head.request(&mut to, rq.message_id);
            head.data_set_type(&mut to);
        }
    }
    to.finish()
}

/// The elements that all commands share.
struct Head {
    field: u16,
    data_set_type: u16,
}

impl Head {
    fn request(&self, to: &mut Writer, message_id: u16) {
        to.us(tag::COMMAND_FIELD, self.field);
        to.us(tag::MESSAGE_ID, message_id);
    }

    fn data_set_type(&self, to: &mut Writer) {
        to.us(tag::COMMAND_DATA_SET_TYPE, self.data_set_type);
    }

    fn requested(&self, to: &mut Writer, message_id: u16, class: &instance::Uid, instance: &instance::Uid) {
        to.uid(tag::REQUESTED_SOP_CLASS_UID, class);
        self.request(to, message_id);
        self.data_set_type(to);
        to.uid(tag::REQUESTED_SOP_INSTANCE_UID, instance);
    }
}

const fn priority_value(priority: Priority) -> u16 {
    match priority {
        Priority::Medium => 0,
        Priority::High => 1,
        Priority::Low => 2,
    }
}

fn store(to: &mut Writer, head: &Head, rq: &CStoreRq) {
    to.uid(tag::AFFECTED_SOP_CLASS_UID, &rq.affected_sop_class_uid);
    head.request(to, rq.message_id);
    to.us(tag::PRIORITY, priority_value(rq.priority));
    head.data_set_type(to);
    to.uid(tag::AFFECTED_SOP_INSTANCE_UID, &rq.affected_sop_instance_uid);
    if let Some(originator) = &rq.move_originator {
        to.text(tag::MOVE_ORIGINATOR_APPLICATION_ENTITY_TITLE, originator.ae_title.as_str());
        to.us(tag::MOVE_ORIGINATOR_MESSAGE_ID, originator.message_id);
    }
}

fn response(to: &mut Writer, head: &Head, rsp: &Response) {
    if let Some(uid) = &rsp.affected_sop_class_uid {
        to.uid(tag::AFFECTED_SOP_CLASS_UID, uid);
    }
    to.us(tag::COMMAND_FIELD, head.field);
    to.us(tag::MESSAGE_ID_BEING_RESPONDED_TO, rsp.message_id_being_responded_to);
    head.data_set_type(to);
    to.us(tag::STATUS, rsp.status.0);
    if !rsp.offending_elements.is_empty() {
        to.tags(tag::OFFENDING_ELEMENT, &rsp.offending_elements);
    }
    if let Some(comment) = &rsp.error_comment {
        to.text(tag::ERROR_COMMENT, comment);
    }
    if let Some(id) = rsp.error_id {
        to.us(tag::ERROR_ID, id);
    }
    if let Some(uid) = &rsp.affected_sop_instance_uid {
        to.uid(tag::AFFECTED_SOP_INSTANCE_UID, uid);
    }
    if let Some(id) = rsp.event_type_id {
        to.us(tag::EVENT_TYPE_ID, id);
    }
    if !rsp.attribute_identifier_list.is_empty() {
        to.tags(tag::ATTRIBUTE_IDENTIFIER_LIST, &rsp.attribute_identifier_list);
    }
    if let Some(id) = rsp.action_type_id {
        to.us(tag::ACTION_TYPE_ID, id);
    }
    if let Some(counts) = rsp.sub_operations {
        if let Some(remaining) = counts.remaining {
            to.us(tag::NUMBER_OF_REMAINING_SUB_OPERATIONS, remaining);
        }
        to.us(tag::NUMBER_OF_COMPLETED_SUB_OPERATIONS, counts.completed);
        to.us(tag::NUMBER_OF_FAILED_SUB_OPERATIONS, counts.failed);
        to.us(tag::NUMBER_OF_WARNING_SUB_OPERATIONS, counts.warning);
    }
}
