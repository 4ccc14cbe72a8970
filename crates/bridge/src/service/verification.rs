//! Verification (PS3.4 §A): C-ECHO.

use dimse::{
    Status,
    command::{CEchoRq, Operation, Response},
};

/// The answer to a C-ECHO-RQ: the association works (PS3.7 §9.1.5).
#[must_use]
pub fn respond(request: &CEchoRq) -> Response {
    let response = Response::new(Operation::CEcho, request.message_id, Status::SUCCESS);
    match &request.affected_sop_class_uid {
        Some(uid) => response.affected_sop_class(uid),
        None => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_success_with_the_class_that_was_asked() {
        let uid: instance::Uid = dimse::acse::sop_class::VERIFICATION.parse().unwrap();
        let response = respond(&CEchoRq { message_id: 7, affected_sop_class_uid: Some(uid.clone()) });
        assert_eq!(response.status, Status::SUCCESS);
        assert_eq!(response.message_id_being_responded_to, 7);
        assert_eq!(response.affected_sop_class_uid, Some(uid));
    }
}
