//! From the keys of an identifier to PostDICOM's list of orders.
//!
//! The list narrows a query to patients, whose studies are then matched by the keys themselves. So it must
//! find the orders of everything that matches, and may find more; values travel as Unicode.

use dataset::{
    element::VR,
    matching::{Condition, Keys},
};
use instance::Tag;
use postdicom::{Date, Modality, PatientName, request::GetPatientOrderList};

use crate::config::PostDicom;

const MODALITIES_IN_STUDY: Tag = Tag(0x0008, 0x0061);
const PATIENT_BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);

/// The orders that may be of what matches `keys`, as far as the list can tell them and the configuration
/// lets it. A key that it has no parameter for, or that has no literal beginning, is left out.
pub(crate) fn order_list(keys: &Keys, config: &PostDicom) -> GetPatientOrderList {
    let narrowing = &config.narrowing;
    let condition = |allowed: bool, tag: Tag| keys.get(tag).filter(|_| allowed);
    let single = |allowed: bool, tag: Tag| condition(allowed, tag).and_then(single_text);
    let slack = i32::from(config.date_slack_days);
    let (study_date_from, study_date_to) =
        condition(narrowing.study_date, Tag::STUDY_DATE).map_or((None, None), days);
    let (patient_birthdate_from, patient_birthdate_to) =
        condition(narrowing.patient_birth_date, PATIENT_BIRTH_DATE).map_or((None, None), days);
    let modalities = condition(narrowing.modality, MODALITIES_IN_STUDY).and_then(codes);
    GetPatientOrderList {
        institutions: config.institutions.clone(),
        patient_name: condition(narrowing.patient_name, Tag::PATIENT_NAME).and_then(beginning_of_name),
        patient_id: single(narrowing.patient_id, Tag::PATIENT_ID).and_then(|text| text.parse().ok()),
        other_patient_id: single(narrowing.patient_id, OTHER_PATIENT_IDS).and_then(|text| text.parse().ok()),
        accession_number: single(narrowing.accession_number, Tag::ACCESSION_NUMBER)
            .and_then(|text| text.parse().ok()),
        modalities: modalities.unwrap_or_default().into(),
        study_date_from: study_date_from.map(|date| date.plus_days(-slack)),
        study_date_to: study_date_to.map(|date| date.plus_days(slack)),
        patient_birthdate_from,
        patient_birthdate_to,
    }
}

/// The value of a key that has one, without wildcards.
fn single_text(condition: &Condition) -> Option<&str> {
    match condition {
        Condition::SingleValue(single) => Some(single.text()),
        _ => None,
    }
}

/// What a name must begin with, in one of its groups: what stands before the first wildcard. Blanks and
/// delimiters at its end mean nothing (PS3.5 §6.2.1), and with words that may match fuzzily nothing is sure.
fn beginning_of_name(condition: &Condition) -> Option<PatientName> {
    let text = match condition {
        Condition::SingleValue(single) => single.text(),
        Condition::Wildcard(wildcard) => wildcard.text(),
        _ => return None,
    };
    let beginnings = text.split('=').filter_map(|group| group.split(['*', '?']).next());
    let beginnings = beginnings.map(|beginning| beginning.trim_end_matches([' ', '^']).trim_start());
    beginnings.max_by_key(|beginning| beginning.chars().count())?.parse().ok()
}

/// The first and the last day that a condition allows.
fn days(condition: &Condition) -> (Option<Date>, Option<Date>) {
    match condition {
        Condition::SingleValue(single) if single.vr() == VR::DA => (day(single.text()), day(single.text())),
        Condition::Range(range) if range.vr() == VR::DA => {
            (range.from().and_then(day), range.to().and_then(day))
        }
        Condition::DateTimeRange(range) => {
            (range.date().from().and_then(day), range.date().to().and_then(day))
        }
        _ => (None, None),
    }
}

/// A date of eight digits.
fn day(text: &str) -> Option<Date> {
    let (year, rest) = text.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// Modalities, any of which matches; none where one of them is a pattern or no code.
fn codes(condition: &Condition) -> Option<Vec<Modality>> {
    match condition {
        Condition::SingleValue(single) => Some(vec![single.text().parse().ok()?]),
        Condition::AnyOf(conditions) => {
            let codes = conditions.iter().map(|condition| single_text(condition)?.parse().ok());
            codes.collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
