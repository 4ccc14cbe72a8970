use instance::{AeTitle, Tag, Uid};
use proptest::prelude::*;

use super::*;
use crate::Status;

fn uid(text: &str) -> Uid {
    text.parse().unwrap()
}

fn element(tag: Tag, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&tag.group().to_le_bytes());
    bytes.extend_from_slice(&tag.element().to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(value);
    bytes
}

/// C-ECHO-RQ as `echoscu` of DCMTK sends it: group length 56, class, command field 0030H, message id 1,
/// data set type 0101H.
const ECHO_RQ: &[u8] = b"\0\0\0\0\x04\0\0\0\x38\0\0\0\
    \0\0\x02\0\x12\0\0\x001.2.840.10008.1.1\0\
    \0\0\0\x01\x02\0\0\0\x30\0\
    \0\0\x10\x01\x02\0\0\0\x01\0\
    \0\0\0\x08\x02\0\0\0\x01\x01";

#[test]
fn reads_and_writes_a_known_command_set() {
    let command =
        Command::CEchoRq(CEchoRq { message_id: 1, affected_sop_class_uid: Some(uid("1.2.840.10008.1.1")) });
    assert_eq!(Command::read(ECHO_RQ), Ok((command.clone(), false)));
    assert_eq!(command.write(false), ECHO_RQ);
}

#[test]
fn every_command_reads_as_it_was_written() {
    let (class, instance) = (uid("1.2.840.10008.5.1.4.1.1.2"), uid("1.2.3.4"));
    let mut response = Response::new(Operation::CMove, 7, Status(0xB000))
        .affected_sop_class(&class)
        .affected_sop_instance(&instance)
        .offending_element(Tag::STUDY_INSTANCE_UID)
        .offending_element(Tag::SERIES_INSTANCE_UID)
        .error_comment("two elements")
        .sub_operations(SubOperations { remaining: Some(1), completed: 2, failed: 3, warning: 4 });
    response = response.error_id(9).attribute_identifiers([Tag::MODALITY, Tag::PATIENT_ID]);
    response.event_type_id = Some(1);
    response.action_type_id = Some(2);
    let commands = [
        Command::CStoreRq(CStoreRq {
            message_id: 1,
            priority: Priority::Low,
            affected_sop_class_uid: class.clone(),
            affected_sop_instance_uid: instance.clone(),
            move_originator: Some(MoveOriginator { ae_title: "PACS".parse().unwrap(), message_id: 5 }),
        }),
        Command::CGetRq(CGetRq {
            message_id: 2,
            priority: Priority::High,
            affected_sop_class_uid: class.clone(),
        }),
        Command::CFindRq(CFindRq {
            message_id: 3,
            priority: Priority::Medium,
            affected_sop_class_uid: class.clone(),
        }),
        Command::CMoveRq(CMoveRq {
            message_id: 4,
            priority: Priority::Medium,
            affected_sop_class_uid: class.clone(),
            move_destination: "VIEWER1".parse().unwrap(),
        }),
        Command::CEchoRq(CEchoRq { message_id: 5, affected_sop_class_uid: None }),
        Command::CCancelRq(CCancelRq { message_id_being_responded_to: 3 }),
        Command::NEventReportRq(NEventReportRq {
            message_id: 6,
            affected_sop_class_uid: class.clone(),
            affected_sop_instance_uid: instance.clone(),
            event_type_id: 1,
            has_data_set: true,
        }),
        Command::NGetRq(NGetRq {
            message_id: 7,
            requested_sop_class_uid: class.clone(),
            requested_sop_instance_uid: instance.clone(),
            attribute_identifier_list: vec![Tag::MODALITY, Tag::PATIENT_ID],
        }),
        Command::NSetRq(NSetRq {
            message_id: 8,
            requested_sop_class_uid: class.clone(),
            requested_sop_instance_uid: instance.clone(),
        }),
        Command::NActionRq(NActionRq {
            message_id: 9,
            requested_sop_class_uid: class.clone(),
            requested_sop_instance_uid: instance.clone(),
            action_type_id: 1,
            has_data_set: true,
        }),
        Command::NCreateRq(NCreateRq {
            message_id: 10,
            affected_sop_class_uid: class.clone(),
            affected_sop_instance_uid: None,
            has_data_set: true,
        }),
        Command::NDeleteRq(NDeleteRq {
            message_id: 11,
            requested_sop_class_uid: class,
            requested_sop_instance_uid: instance,
        }),
        Command::Rsp(response),
    ];
    for command in commands {
        let has_data_set = !matches!(
            command,
            Command::CEchoRq(_)
                | Command::CCancelRq(_)
                | Command::NGetRq(_)
                | Command::NDeleteRq(_)
                | Command::Rsp(_)
        );
        let bytes = command.write(has_data_set);
        assert_eq!(bytes.len() % 2, 0, "{command:?}");
        let length = u32::from_le_bytes(bytes[8..12].try_into().unwrap());
        assert_eq!(usize::try_from(length).unwrap(), bytes.len() - 12, "{command:?}");
        assert_eq!(Command::read(&bytes), Ok((command, has_data_set)));
    }
}

/// A C-STORE-RQ with some elements replaced or, where the value is `None`, left out.
fn store_rq(changes: &[(Tag, Option<&[u8]>)]) -> Vec<u8> {
    let usual: [(Tag, &[u8]); 6] = [
        (tag::AFFECTED_SOP_CLASS_UID, b"1.2.840.10008.5.1.4.1.1.2\0"),
        (tag::COMMAND_FIELD, &[1, 0]),
        (tag::MESSAGE_ID, &[9, 0]),
        (tag::PRIORITY, &[0, 0]),
        (tag::COMMAND_DATA_SET_TYPE, &[1, 0]),
        (tag::AFFECTED_SOP_INSTANCE_UID, b"1.2.3\0"),
    ];
    let changed = |tag: Tag| changes.iter().find(|(changed, _)| *changed == tag).map(|(_, value)| *value);
    usual
        .iter()
        .filter_map(|(tag, value)| changed(*tag).unwrap_or(Some(value)).map(|v| element(*tag, v)))
        .flatten()
        .collect()
}

#[test]
fn tolerates_what_devices_send() {
    let cases: [(&str, Vec<u8>); 5] = [
        ("no group length", store_rq(&[])),
        ("odd length, no padding", store_rq(&[(tag::AFFECTED_SOP_INSTANCE_UID, Some(b"1.2.3"))])),
        ("space padding", store_rq(&[(tag::AFFECTED_SOP_INSTANCE_UID, Some(b"1.2.3 "))])),
        ("no priority", store_rq(&[(tag::PRIORITY, None)])),
        ("any data set type but 0101H", store_rq(&[(tag::COMMAND_DATA_SET_TYPE, Some(&[2, 1]))])),
    ];
    for (what, bytes) in cases {
        let Ok((Command::CStoreRq(request), true)) = Command::read(&bytes) else { panic!("{what}") };
        assert_eq!(request.affected_sop_instance_uid, uid("1.2.3"), "{what}");
        assert_eq!(request.message_id, 9, "{what}");
    }
}

#[test]
fn a_request_that_cannot_be_carried_out_can_still_be_answered() {
    let too_long = [b'1'; 66];
    type Case<'a> = (&'a str, Vec<u8>, Option<Tag>, Status);
    let cases: [Case<'_>; 4] = [
        (
            "no SOP Class",
            store_rq(&[(tag::AFFECTED_SOP_CLASS_UID, None)]),
            Some(tag::AFFECTED_SOP_CLASS_UID),
            Status::MISTYPED_ARGUMENT,
        ),
        (
            "a SOP Instance UID that is none",
            store_rq(&[(tag::AFFECTED_SOP_INSTANCE_UID, Some(&too_long))]),
            Some(tag::AFFECTED_SOP_INSTANCE_UID),
            Status::MISTYPED_ARGUMENT,
        ),
        (
            "no data set",
            store_rq(&[(tag::COMMAND_DATA_SET_TYPE, Some(&[1, 1]))]),
            Some(tag::COMMAND_DATA_SET_TYPE),
            Status::MISTYPED_ARGUMENT,
        ),
        (
            "an operation that PS3.7 does not define",
            store_rq(&[(tag::COMMAND_FIELD, Some(&[0x77, 0]))]),
            None,
            Status::UNRECOGNIZED_OPERATION,
        ),
    ];
    for (what, bytes, offending, status) in cases {
        let Ok((Command::Unreadable(request), _)) = Command::read(&bytes) else { panic!("{what}") };
        assert_eq!(request.element, offending, "{what}");
        let response = request.response();
        assert_eq!((response.status, response.message_id_being_responded_to), (status, 9), "{what}");
        assert_eq!(response.offending_elements, Vec::from_iter(offending), "{what}");
    }
}

#[test]
fn a_command_set_without_message_id_or_command_field_is_refused() {
    let cases = [
        (store_rq(&[(tag::COMMAND_FIELD, None)]), tag::COMMAND_FIELD),
        (store_rq(&[(tag::MESSAGE_ID, None)]), tag::MESSAGE_ID),
        (store_rq(&[(tag::COMMAND_FIELD, Some(&[1, 0x80]))]), tag::MESSAGE_ID_BEING_RESPONDED_TO),
        (Vec::new(), tag::COMMAND_FIELD),
        (vec![0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 1], tag::COMMAND_FIELD),
    ];
    for (bytes, expected) in cases {
        assert_eq!(Command::read(&bytes), Err(InvalidCommandSet(expected)));
    }
}

#[test]
fn an_error_comment_of_padding_alone_is_none() {
    let mut bytes = Command::Rsp(Response::new(Operation::CStore, 1, Status::CANNOT_UNDERSTAND)).write(false);
    bytes.extend(element(tag::ERROR_COMMENT, b" \0"));
    let (Command::Rsp(response), _) = Command::read(&bytes).unwrap() else { panic!("a response") };
    assert_eq!(response.error_comment, None);
}

#[test]
fn an_error_comment_that_is_cut_ends_in_no_blank() {
    let long = [&[b'a'; 63][..], b" and more"].concat();
    let mut bytes = Command::Rsp(Response::new(Operation::CStore, 1, Status::CANNOT_UNDERSTAND)).write(false);
    bytes.extend(element(tag::ERROR_COMMENT, &long));
    let (Command::Rsp(response), _) = Command::read(&bytes).unwrap() else { panic!("a response") };
    assert_eq!(response.error_comment, Some("a".repeat(63)));
}

#[test]
fn an_error_comment_is_short_and_plain() {
    let long = "é\\\n".repeat(40);
    let response = Response::new(Operation::CStore, 1, Status::CANNOT_UNDERSTAND).error_comment(&long);
    assert_eq!(response.error_comment, Some("?".repeat(64)));
}

#[test]
fn a_blank_move_originator_is_none() {
    let mut bytes = store_rq(&[]);
    bytes.extend(element(tag::MOVE_ORIGINATOR_APPLICATION_ENTITY_TITLE, b"    "));
    let Ok((Command::CStoreRq(request), _)) = Command::read(&bytes) else { panic!() };
    assert_eq!(request.move_originator, None);
    assert!(AeTitle::from_bytes(b"    ").is_err());
}

proptest! {
    #[test]
    fn noise_is_refused_or_read_but_never_a_panic(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Command::read(&noise);
    }

    #[test]
    fn damaged_command_sets_never_panic(at in 0_usize..60, with in any::<u8>()) {
        let mut bytes = ECHO_RQ.to_vec();
        let at = at % bytes.len();
        bytes[at] = with;
        let _ = Command::read(&bytes);
    }
}
