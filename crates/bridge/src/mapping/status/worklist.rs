//! Statuses of C-FIND of the worklist (PS3.4 §K.4.1.1.4).

use dimse::{Status, command::Response};

use crate::{
    service::worklist::{RequestError, WorklistError},
    worklist::LookUpError,
};

/// Refused: out of resources (PS3.4 §K.4.1.1.4).
const OUT_OF_RESOURCES: Status = Status(0xA700);
/// Error: the identifier does not match the SOP Class (PS3.4 §K.4.1.1.4).
const IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS: Status = Status(0xA900);

/// Fills a response to a request whose identifier cannot be answered.
pub(crate) fn worklist_request_refused(response: Response, error: &RequestError) -> Response {
    let response = Response { status: IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS, ..response };
    let response = response.error_comment(&error.to_string());
    match error.offending() {
        Some(tag) => response.offending_element(tag),
        None => response,
    }
}

/// Fills the final response to a query that did not come to its end. Each of its reasons may be gone the next
/// time, or with a narrower query.
pub(crate) fn worklist_failed(response: Response, error: &WorklistError) -> Response {
    let (status, comment) = of_worklist(error);
    Response { status, ..response }.error_comment(&comment)
}

/// The status that the end of a query has, and what to say with it, in at most 64 characters.
fn of_worklist(error: &WorklistError) -> (Status, String) {
    match error {
        WorklistError::NoList(_) => (OUT_OF_RESOURCES, "the worklist is not available".to_owned()),
        WorklistError::LookUp(LookUpError::TooMany) => {
            (OUT_OF_RESOURCES, "too many look-ups at once, ask again".to_owned())
        }
        WorklistError::LookUp(LookUpError::Source { .. }) => {
            (OUT_OF_RESOURCES, "days that are not kept cannot be looked up now".to_owned())
        }
        WorklistError::TooManyResults(max) => {
            (OUT_OF_RESOURCES, format!("more than {max} results, ask for less"))
        }
    }
}

#[cfg(test)]
mod tests {
    use dimse::command::Operation;

    use super::*;

    /// PS3.4 §K.4.1.1.4: A700 refused, out of resources; A900 identifier does not match SOP Class.
    #[test]
    fn every_end_has_its_status_and_a_comment_that_fits() {
        let source =
            || LookUpError::Source { feed: "ris".into(), error: crate::worklist::SourceError::Timeout };
        let errors = [
            WorklistError::NoList("ris".into()),
            WorklistError::LookUp(LookUpError::TooMany),
            WorklistError::LookUp(source()),
            WorklistError::TooManyResults(usize::MAX),
        ];
        for error in errors {
            let (status, comment) = of_worklist(&error);
            assert_eq!(status, Status(0xA700), "{error}");
            assert!(comment.len() <= 64 && !comment.contains("ris"), "{comment}");
        }
        let response = Response::new(Operation::CFind, 1, Status::SUCCESS);
        let refused = worklist_request_refused(response, &RequestError::NoKey);
        assert_eq!(refused.status, Status(0xA900));
    }
}
