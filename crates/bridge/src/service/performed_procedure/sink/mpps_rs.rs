//! `mpps-rs`: a DICOMweb origin (PS3.18 §15).

use async_trait::async_trait;
use dataset::json::Item;
use dicomweb::{
    Client, Error, Remedy,
    performed_procedure::{Payload, UpdateForm},
};

use super::{Earlier, Known, Outcome, Sink};
use crate::service::performed_procedure::report::Report;

/// Steps of an origin.
pub(super) struct MppsRs {
    pub(super) client: Client,
    pub(super) update: UpdateForm,
    pub(super) payload: Payload,
}

#[async_trait]
impl Sink for MppsRs {
    async fn deliver(&self, report: &Report, known: Known) -> Outcome {
        let uid = &report.sop_instance_uid;
        if known.earlier == Earlier::OutcomeUnknown {
            match self.client.performed_procedure_step(uid).await {
                Ok(Some(step)) if report.is_create() || has(&step, &report.list) => {
                    return Outcome::Delivered;
                }
                Ok(None) if !report.is_create() => return Outcome::held("the origin has no such step"),
                Ok(_) => {}
                Err(error) => return of_look_up(&error),
            }
        }
        let sent = if report.is_create() {
            self.client.create_performed_procedure_step(uid, &report.list, self.payload).await
        } else {
            self.client.update_performed_procedure_step(uid, &report.list, self.update, self.payload).await
        };
        match sent {
            Ok(()) => Outcome::Delivered,
            Err(error) => of_error(report, &error),
        }
    }
}

/// Whether a step has all that a modification list sets. An origin may write values in another way, so texts
/// are compared without their padding.
fn has(step: &Item, modifications: &Item) -> bool {
    modifications.iter().all(|(tag, element)| {
        step.get(tag).is_some_and(|found| found.content == element.content)
            || element.content != dataset::json::Content::Empty && {
                let (found, set) = (step.values(tag), modifications.values(tag));
                found.len() == set.len()
                    && found.iter().zip(set).all(|(a, b)| match (a.text(), b.text()) {
                        (Some(a), Some(b)) => a == b,
                        _ => a == b,
                    })
            }
    })
}

fn of_look_up(error: &Error) -> Outcome {
    let after = match error.remedy() {
        Remedy::Retry { after } => after,
        _ => None,
    };
    let refused = matches!(error, Error::Refused { .. });
    Outcome::Unknown { after, refused, reason: format!("it cannot be looked up: {error}") }
}

fn of_error(report: &Report, error: &Error) -> Outcome {
    if let Error::Refused { status, .. } = error {
        match (status.as_u16(), report.is_create()) {
            (409, true) => return Outcome::held("the origin has a step of this UID"),
            (409 | 410, false) => return Outcome::held("the step may not be changed any more at the origin"),
            (404, false) => return Outcome::held("the origin has no such step, or no such resource"),
            _ => {}
        }
    }
    let reason = error.to_string();
    match (error, error.remedy()) {
        (Error::Connect(_) | Error::Token(_), _) => Outcome::not_sent(reason),
        (_, Remedy::FixCredentials) => Outcome::not_sent(reason),
        // These say that the request was not looked at.
        (Error::Refused { status, .. }, Remedy::Retry { after })
            if matches!(status.as_u16(), 401 | 408 | 421 | 425 | 429 | 503) =>
        {
            Outcome::NoEffect { after, refused: false, reason }
        }
        (Error::Refused { status, .. }, Remedy::Retry { after }) => {
            Outcome::Unknown { after, refused: status.as_u16() == 500, reason }
        }
        (_, Remedy::Reject) => Outcome::held(reason),
        (_, Remedy::Retry { .. } | Remedy::Unknown) => Outcome::unknown(reason),
    }
}

#[cfg(test)]
mod tests {
    use dataset::{element::VR, json::Element};
    use instance::Tag;

    use super::*;

    #[test]
    fn what_was_set_is_found_again() {
        let (end, number) = (Tag(0x0040, 0x0250), Tag(0x0020, 0x0013));
        let item = |date: &str| {
            Item::from_iter([
                (end, Element::text(VR::DA, date)),
                (number, Element::integer(VR::IS, 7)),
                (Tag(0x0008, 0x1032), Element::empty(VR::SQ)),
            ])
        };
        assert!(has(&item("20261122"), &item("20261122")));
        assert!(!has(&item("20261123"), &item("20261122")));
        let as_text = Item::from_iter([
            (end, Element::text(VR::DA, "20261122 ")),
            (number, Element::text(VR::IS, "7")),
            (Tag(0x0008, 0x1032), Element::empty(VR::SQ)),
        ]);
        assert!(has(&as_text, &item("20261122")));
        assert!(!has(&Item::new(), &item("20261122")));
    }
}
