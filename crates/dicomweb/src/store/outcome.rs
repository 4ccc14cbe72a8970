//! From a response data set to what became of each instance.

use http::StatusCode;
use instance::Uid;

use super::InstanceOutcome;
use super::response_data_set::ResponseDataSet;
use crate::Profile;

/// One outcome per instance sent, in order.
///
/// - Named in Referenced SOP Sequence: stored. Named in Failed SOP Sequence: failed. In both: unknown.
/// - In neither, although the answer tells failures apart (202 and refusals, PS3.18 §10.5.3.1): failed.
///   Failures that the answer reports without a UID, as servers do for what they could not read, give the
///   reason where they can mean nothing else.
/// - In neither with any other success: unknown.
pub(super) fn outcomes(
    status: StatusCode,
    data_set: &ResponseDataSet,
    sent: &[Uid],
    profile: &Profile,
) -> Vec<InstanceOutcome> {
    let failed = |failure_reason: Option<u16>| InstanceOutcome::Failed {
        failure_reason,
        duplicate: failure_reason.is_some_and(|reason| profile.is_duplicate(reason)),
    };
    let named = |uid: &Uid| {
        let referenced = data_set.referenced.iter().find(|item| item.sop_instance_uid.as_ref() == Some(uid));
        let refused = data_set.failed.iter().find(|item| item.sop_instance_uid.as_ref() == Some(uid));
        match (referenced, refused) {
            (Some(_), Some(_)) => Some(InstanceOutcome::Unknown),
            (Some(item), None) => Some(InstanceOutcome::Stored {
                warning_reason: item.warning_reason,
                retrieve_url: item.retrieve_url.clone(),
            }),
            (None, Some(item)) => Some(match failed(item.failure_reason) {
                InstanceOutcome::Failed { failure_reason, .. }
                    if item.remarks.iter().any(|text| profile.is_remark_on_duplicate(text)) =>
                {
                    InstanceOutcome::Failed { failure_reason, duplicate: true }
                }
                outcome => outcome,
            }),
            (None, None) => None,
        }
    };
    let named: Vec<_> = sent.iter().map(named).collect();
    let unnamed = named.iter().filter(|outcome| outcome.is_none()).count();
    let reason = reason_of_unnamed(data_set, unnamed);
    let tells_failures = !status.is_success() || status == StatusCode::ACCEPTED;
    let rest = match reason {
        Some(reason) => failed(Some(reason)),
        None if tells_failures => failed(None),
        None => InstanceOutcome::Unknown,
    };
    named.into_iter().map(|outcome| outcome.unwrap_or_else(|| rest.clone())).collect()
}

/// The reason of the failures without a UID, if they are as many as the instances that nothing names
/// and all have the same one.
fn reason_of_unnamed(data_set: &ResponseDataSet, unnamed: usize) -> Option<u16> {
    let without_uid = data_set.failed.iter().filter(|item| item.sop_instance_uid.is_none());
    let reasons: Vec<_> =
        without_uid.map(|item| item.failure_reason).chain(data_set.other_failures.iter().copied()).collect();
    let first = *reasons.first()?;
    (reasons.len() == unnamed && reasons.iter().all(|reason| *reason == first)).then_some(first)?
}

#[cfg(test)]
mod tests {
    use super::super::response_data_set::{Failed, Referenced};
    use super::*;

    fn uid(text: &str) -> Uid {
        text.parse().unwrap()
    }

    fn referenced(text: &str) -> Referenced {
        Referenced { sop_instance_uid: Some(uid(text)), warning_reason: None, retrieve_url: None }
    }

    fn failed(text: Option<&str>, reason: u16) -> Failed {
        Failed { sop_instance_uid: text.map(uid), failure_reason: Some(reason), remarks: Vec::new() }
    }

    const STORED: InstanceOutcome = InstanceOutcome::Stored { warning_reason: None, retrieve_url: None };
    const UNKNOWN: InstanceOutcome = InstanceOutcome::Unknown;

    fn refused(failure_reason: Option<u16>) -> InstanceOutcome {
        InstanceOutcome::Failed { failure_reason, duplicate: failure_reason == Some(0x0111) }
    }

    #[test]
    fn a_remark_may_tell_a_duplicate() {
        let remarked = |text: &str| ResponseDataSet {
            failed: vec![Failed { remarks: vec![text.to_owned()], ..failed(Some("1.1"), 0x0110) }],
            ..ResponseDataSet::default()
        };
        let conflict = StatusCode::CONFLICT;
        let (google, standard) = (Profile::google(), Profile::standard());
        let rows = [
            (&google, "it already exists", true),
            (&google, "invalid DICOM file", false),
            (&standard, "it already exists", false),
        ];
        for (profile, text, duplicate) in rows {
            let expected = InstanceOutcome::Failed { failure_reason: Some(0x0110), duplicate };
            assert_eq!(outcomes(conflict, &remarked(text), &[uid("1.1")], profile), [expected], "{text}");
        }
    }

    #[test]
    fn tells_instances_apart() {
        struct Row {
            name: &'static str,
            status: u16,
            referenced: Vec<Referenced>,
            failed: Vec<Failed>,
            other_failures: Vec<Option<u16>>,
            expected: [InstanceOutcome; 2],
        }
        let row = |name, status, referenced, failed, expected| Row {
            name,
            status,
            referenced,
            failed,
            other_failures: Vec::new(),
            expected,
        };
        let rows = [
            row("all", 200, vec![referenced("1.1"), referenced("1.2")], vec![], [STORED, STORED]),
            row(
                "one failed",
                202,
                vec![referenced("1.1")],
                vec![failed(Some("1.2"), 0xA900)],
                [STORED, refused(Some(0xA900))],
            ),
            row(
                "none",
                409,
                vec![],
                vec![failed(Some("1.2"), 0x0111), failed(Some("1.1"), 0xC122)],
                [refused(Some(0xC122)), refused(Some(0x0111))],
            ),
            row("202 in neither", 202, vec![referenced("1.1")], vec![], [STORED, refused(None)]),
            row("409 in neither", 409, vec![], vec![failed(Some("9.9"), 1)], [refused(None), refused(None)]),
            row("200 in neither", 200, vec![referenced("1.1")], vec![], [STORED, UNKNOWN]),
            row(
                "in both",
                202,
                vec![referenced("1.1")],
                vec![failed(Some("1.1"), 1), failed(Some("1.2"), 2)],
                [UNKNOWN, refused(Some(2))],
            ),
            row(
                "failed without UID",
                202,
                vec![referenced("1.2")],
                vec![failed(None, 0xC000)],
                [refused(Some(0xC000)), STORED],
            ),
            row(
                "failed without UID, too few",
                202,
                vec![],
                vec![failed(None, 0xC000)],
                [refused(None), refused(None)],
            ),
            row(
                "failed without UID, reasons differ",
                409,
                vec![],
                vec![failed(None, 1), failed(None, 2)],
                [refused(None), refused(None)],
            ),
            Row {
                name: "other failures",
                status: 409,
                referenced: vec![],
                failed: vec![],
                other_failures: vec![Some(0xA700); 2],
                expected: [refused(Some(0xA700)), refused(Some(0xA700))],
            },
        ];
        for Row { name, status, referenced, failed, other_failures, expected } in rows {
            let data_set = ResponseDataSet { referenced, failed, other_failures };
            let status = StatusCode::from_u16(status).unwrap();
            let got = outcomes(status, &data_set, &[uid("1.1"), uid("1.2")], &Profile::standard());
            assert_eq!(got, expected, "{name}");
        }
    }
}
