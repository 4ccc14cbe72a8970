//! Requests about performed procedure steps: statuses of PS3.4 §F.7.2 and PS3.7 §C.

use dataset::{identifier::IdentifierError, json::Item};
use dimse::{Status, command::Response};

use crate::service::performed_procedure::Fault;

/// The only Error Comment and Error ID that PS3.4 §F.7.2.2.4 gives.
const MAY_NO_LONGER_BE_UPDATED: (&str, u16) =
    ("Performed Procedure Step Object may no longer be updated", 0xA710);

/// Fills the response to a request that was not carried out, and gives the attribute list that goes with it
/// (PS3.7 §C.5.11, §C.5.14).
pub(crate) fn performed_procedure_failed(response: Response, fault: Fault) -> (Response, Option<Item>) {
    let status = of(&fault);
    let response = Response { status, ..response };
    match fault {
        Fault::Missing(attributes) | Fault::NotAllowed(attributes) => {
            let response = match attributes.inside {
                Some(tag) => response.error_comment(&format!("an item has no {tag}")),
                None => response,
            };
            (response.attribute_identifiers(attributes.tags), None)
        }
        Fault::Empty(attributes) | Fault::Invalid(attributes) => {
            let response = match attributes.inside {
                Some(tag) => response.error_comment(&format!("an item has no usable {tag}")),
                None => response,
            };
            (response, Some(attributes.list))
        }
        Fault::MayNoLongerBeUpdated => {
            let (comment, id) = MAY_NO_LONGER_BE_UPDATED;
            (response.error_comment(comment).error_id(id), None)
        }
        Fault::Duplicate | Fault::NoSuchInstance => (response, None),
        Fault::Unreadable(error) => {
            let comment = match error {
                IdentifierError::TooLong | IdentifierError::TooManyValues(_) => "the data set is too long",
                IdentifierError::UnknownCharacterSet(_) => "unknown Specific Character Set",
                IdentifierError::Undecodable(_) => "text is not in its Specific Character Set",
                _ => "the data set cannot be read",
            };
            (response.error_comment(comment), None)
        }
        Fault::Contended => (response.error_comment("the step is being changed by others"), None),
        Fault::Spool(_) => (response.error_comment("storage is not available"), None),
        Fault::Damaged => (response.error_comment("internal error"), None),
    }
}

fn of(fault: &Fault) -> Status {
    match fault {
        Fault::Missing(_) => Status::MISSING_ATTRIBUTE,
        Fault::Empty(_) => Status::MISSING_ATTRIBUTE_VALUE,
        // PS3.4 §F.7.2.2.3 has this status where text cannot be converted.
        Fault::Invalid(_)
        | Fault::Unreadable(IdentifierError::UnknownCharacterSet(_) | IdentifierError::Undecodable(_)) => {
            Status::INVALID_ATTRIBUTE_VALUE
        }
        Fault::NotAllowed(_) => Status::NO_SUCH_ATTRIBUTE,
        Fault::Duplicate => Status::DUPLICATE_SOP_INSTANCE,
        Fault::NoSuchInstance => Status::NO_SUCH_SOP_INSTANCE,
        Fault::Unreadable(IdentifierError::TooLong | IdentifierError::TooManyValues(_))
        | Fault::Contended
        | Fault::Spool(
            spool::Error::Full { .. }
            | spool::Error::Io(_)
            | spool::Error::Index(_)
            | spool::Error::IndexDamaged(_)
            | spool::Error::Closed
            | spool::Error::Locked { .. }
            | spool::Error::TooLarge { .. },
        ) => Status::RESOURCE_LIMITATION,
        Fault::MayNoLongerBeUpdated | Fault::Unreadable(_) | Fault::Spool(_) | Fault::Damaged => {
            Status::PROCESSING_FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use dataset::{
        element::{ElementError, VR},
        json::Element,
    };
    use dimse::command::Operation;
    use instance::Tag;

    use super::*;
    use crate::service::performed_procedure::Attributes;

    fn attributes() -> Attributes {
        let list = Item::from_iter([(Tag::MODALITY, Element::empty(VR::CS))]);
        Attributes { tags: vec![Tag::MODALITY], list, inside: None }
    }

    /// Rows of PS3.7 §C.5 and PS3.4 §F.7.2.2.4, in words, with the faults that end there.
    #[test]
    fn every_fault_has_the_status_of_the_standard() {
        let cases: Vec<(&str, u16, Vec<Fault>)> = vec![
            ("No such Attribute (PS3.7 §C.5.17)", 0x0105, vec![Fault::NotAllowed(attributes())]),
            (
                "Invalid Attribute Value (PS3.7 §C.5.11, PS3.4 §F.7.2.2.3)",
                0x0106,
                vec![
                    Fault::Invalid(attributes()),
                    Fault::Unreadable(IdentifierError::UnknownCharacterSet("X".into())),
                    Fault::Unreadable(IdentifierError::Undecodable(Tag::PATIENT_NAME)),
                ],
            ),
            (
                "Processing failure (PS3.7 §C.5.21, PS3.4 §F.7.2.2.4)",
                0x0110,
                vec![
                    Fault::MayNoLongerBeUpdated,
                    Fault::Damaged,
                    Fault::Unreadable(IdentifierError::Truncated(Tag::MODALITY)),
                    Fault::Unreadable(IdentifierError::Element(ElementError::Malformed(Tag::MODALITY))),
                    Fault::Spool(spool::Error::StaleToken),
                ],
            ),
            ("Duplicate SOP Instance (PS3.7 §C.5.8)", 0x0111, vec![Fault::Duplicate]),
            ("No such SOP Instance (PS3.7 §C.5.19)", 0x0112, vec![Fault::NoSuchInstance]),
            ("Missing Attribute (PS3.7 §C.5.13)", 0x0120, vec![Fault::Missing(attributes())]),
            ("Missing Attribute Value (PS3.7 §C.5.14)", 0x0121, vec![Fault::Empty(attributes())]),
            (
                "Resource limitation (PS3.7 §C.5.22)",
                0x0213,
                vec![
                    Fault::Spool(spool::Error::Full { needed: 1, free: 0 }),
                    Fault::Spool(spool::Error::TooLarge { what: "the document", length: 2, limit: 1 }),
                    Fault::Unreadable(IdentifierError::TooLong),
                    Fault::Contended,
                ],
            ),
        ];
        for (row, status, faults) in cases {
            for fault in faults {
                let words = fault.to_string();
                let response = Response::new(Operation::NSet, 1, Status::SUCCESS);
                let (response, list) = performed_procedure_failed(response, fault);
                assert_eq!(response.status, Status(status), "{row}: {words}");
                let lists_values = matches!(status, 0x0106 | 0x0121) && words.contains("(0008,0060)");
                assert_eq!(list.is_some(), lists_values && !words.contains("character"), "{row}: {words}");
                let lists_tags = matches!(status, 0x0105 | 0x0120);
                assert_eq!(!response.attribute_identifier_list.is_empty(), lists_tags, "{row}: {words}");
            }
        }
    }

    #[test]
    fn a_final_step_has_the_error_of_the_standard() {
        let response = Response::new(Operation::NSet, 1, Status::SUCCESS);
        let (response, _) = performed_procedure_failed(response, Fault::MayNoLongerBeUpdated);
        assert_eq!(response.error_id, Some(0xA710));
        assert_eq!(
            response.error_comment.as_deref(),
            Some("Performed Procedure Step Object may no longer be updated")
        );
    }
}
