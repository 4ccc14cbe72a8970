//! Requests held against the table of the standard.

use dataset::{
    element::VR,
    json::{Content, Element, Item},
};
use instance::{AeTitle, Tag, Uid};

use super::{
    attribute::{
        END_DATE, END_TIME, PERFORMED_SERIES_SEQUENCE, PERFORMED_STATION_AE_TITLE, ROWS, Row, START_DATE,
        START_TIME, STATUS, Set, Type, row_of,
    },
    fault::{Attributes, Fault},
    step::Status,
};
use crate::config::MppsRequirements;

/// What was found, by the status that it leads to.
#[derive(Default)]
struct Findings {
    not_allowed: Attributes,
    missing: Attributes,
    empty: Attributes,
    invalid: Attributes,
}

/// Checks an attribute list (PS3.4 §F.7.2.1.3), and adds what is of type 2 and absent.
///
/// # Errors
/// [`Fault::Missing`], [`Fault::Empty`], [`Fault::Invalid`], in this order.
pub(super) fn of_create(attributes: &mut Item, requirements: MppsRequirements) -> Result<(), Fault> {
    let mut findings = Findings::default();
    for row in ROWS {
        findings.require(attributes, row, row.create, requirements);
    }
    let status = attributes.text(STATUS);
    if status.as_deref().is_some_and(|status| Status::read(status) != Some(Status::InProgress)) {
        findings.invalid.add(STATUS, attributes);
    }
    findings.check_values(attributes);
    findings.into_result()?;
    for row in ROWS.iter().filter(|row| row.create == Type::Two) {
        if attributes.get(row.tag).is_none() {
            attributes.insert(row.tag, Element::empty(vr_of(row.tag)));
        }
    }
    Ok(())
}

/// Checks a modification list against the step as it is (PS3.4 §F.7.2.2.2), and takes what changes nothing
/// out of it. Returns the step as it becomes.
///
/// # Errors
/// [`Fault::NotAllowed`], [`Fault::Missing`], [`Fault::Empty`], [`Fault::Invalid`], in this order.
pub(super) fn of_set(
    step: &Item,
    modifications: &mut Item,
    requirements: MppsRequirements,
) -> Result<Item, Fault> {
    let mut findings = Findings::default();
    let tags: Vec<Tag> = modifications.iter().map(|(tag, _)| tag).collect();
    for tag in tags {
        let row = row_of(tag);
        if row.is_some_and(|row| row.set == Set::NotAllowed) {
            // Many modalities repeat what they said before; that changes nothing.
            if step.get(tag) == modifications.get(tag) {
                modifications.remove(tag);
            } else {
                findings.not_allowed.add(tag, modifications);
            }
        } else if requirements == MppsRequirements::All && step.get(tag).is_none() {
            findings.not_allowed.add(tag, modifications);
        }
        if let Some(row) = row.filter(|row| row.set == Set::Allowed && modifications.get(tag).is_some()) {
            findings.inside(modifications, row, requirements);
        }
    }
    if modifications.get(STATUS).is_some() {
        match modifications.text(STATUS) {
            None => findings.empty.add(STATUS, modifications),
            Some(status) if Status::read(&status).is_none() => findings.invalid.add(STATUS, modifications),
            Some(_) => {}
        }
    }
    findings.check_values(modifications);
    let mut becomes = step.clone();
    for (tag, element) in modifications.iter() {
        becomes.insert(tag, element.clone());
    }
    if let Some(status) = Status::of(&becomes).filter(|status| status.is_final()) {
        for row in ROWS.iter().filter(|row| row.in_final_state) {
            let lenient = requirements == MppsRequirements::TypeOne;
            let needless = lenient && status == Status::Discontinued && row.tag == PERFORMED_SERIES_SEQUENCE;
            if !needless {
                findings.require(&becomes, row, Type::One, requirements);
            }
        }
    }
    findings.into_result()?;
    Ok(becomes)
}

impl Findings {
    fn require(&mut self, item: &Item, row: &Row, needed: Type, requirements: MppsRequirements) {
        let is_lenient = requirements == MppsRequirements::TypeOne;
        match (item.get(row.tag), needed) {
            (None, Type::One) => self.missing.add(row.tag, item),
            (None, Type::Two) if !is_lenient => self.missing.add(row.tag, item),
            (Some(element), Type::One) if is_empty(element) => self.empty.add(row.tag, item),
            (Some(_), _) => self.inside(item, row, requirements),
            (None, _) => {}
        }
    }

    /// Looks at the items of a sequence. What they lack is a fault of the sequence, since a list of tags has
    /// no place for what is inside.
    fn inside(&mut self, item: &Item, row: &Row, requirements: MppsRequirements) {
        for inner in item.items(row.tag) {
            let mut found = Self::default();
            for row in row.items {
                found.require(inner, row, row.create, requirements);
            }
            found.check_uids(inner);
            self.missing.add_inside(row.tag, found.missing);
            self.empty.add_inside(row.tag, found.empty);
            self.invalid.add_inside(row.tag, found.invalid);
        }
    }

    fn check_uids(&mut self, item: &Item) {
        for (tag, element) in item.iter().filter(|(_, element)| element.vr == VR::UI) {
            if !is_empty(element) && item.uid(tag).is_none() {
                self.invalid.add(tag, item);
            }
        }
    }

    fn check_values(&mut self, item: &Item) {
        self.check_uids(item);
        let mut check = |tag: Tag, is_possible: fn(&str) -> bool| {
            if item.text(tag).is_some_and(|value| !is_possible(&value)) {
                self.invalid.add(tag, item);
            }
        };
        check(START_DATE, is_date);
        check(END_DATE, is_date);
        check(START_TIME, is_time);
        check(END_TIME, is_time);
        check(PERFORMED_STATION_AE_TITLE, |title| title.parse::<AeTitle>().is_ok());
    }

    fn into_result(self) -> Result<(), Fault> {
        type Make = fn(Attributes) -> Fault;
        let faults: [(Attributes, Make); 4] = [
            (self.not_allowed, Fault::NotAllowed),
            (self.missing, Fault::Missing),
            (self.empty, Fault::Empty),
            (self.invalid, Fault::Invalid),
        ];
        match faults.into_iter().find(|(attributes, _)| !attributes.tags.is_empty()) {
            Some((attributes, fault)) => Err(fault(attributes)),
            None => Ok(()),
        }
    }
}

impl Attributes {
    fn add(&mut self, tag: Tag, item: &Item) {
        if !self.tags.contains(&tag) {
            self.tags.push(tag);
            self.list.insert(tag, item.get(tag).cloned().unwrap_or_else(|| Element::empty(vr_of(tag))));
        }
    }

    /// Takes over what is at fault in the first faulty item of a sequence.
    fn add_inside(&mut self, sequence: Tag, found: Self) {
        let Some(first) = found.tags.first() else { return };
        if !self.tags.contains(&sequence) {
            self.inside = self.inside.or(found.inside).or(Some(*first));
            self.tags.push(sequence);
            self.list.insert(sequence, Element::sequence([found.list]));
        }
    }
}

fn is_empty(element: &Element) -> bool {
    match &element.content {
        Content::Empty => true,
        Content::Values(values) => {
            values.iter().all(|value| value.text().is_some_and(|text| text.is_empty()))
        }
        Content::InlineBinary(bytes) => bytes.is_empty(),
        Content::BulkDataUri(_) => false,
    }
}

fn vr_of(tag: Tag) -> VR {
    dataset::element::vr_of(tag).map_or(VR::UN, |(vr, _)| vr)
}

/// A date of the calendar (PS3.5 §6.2).
pub(super) fn is_date(value: &str) -> bool {
    let digits = value.len() == 8 && value.bytes().all(|byte| byte.is_ascii_digit());
    digits && value.parse::<jiff::civil::Date>().is_ok()
}

/// A time of day, to any precision (PS3.5 §6.2).
pub(super) fn is_time(value: &str) -> bool {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = |range: std::ops::Range<usize>, max: u8| {
        whole.get(range).is_none_or(|part| part.parse::<u8>().is_ok_and(|part| part <= max))
    };
    let has_fraction = value.contains('.');
    matches!(whole.len(), 2 | 4 | 6)
        && digits(whole)
        && digits(fraction)
        && (!has_fraction || whole.len() == 6 && (1..=6).contains(&fraction.len()))
        && fits(0..2, 23)
        && fits(2..4, 59)
        && fits(4..6, 60)
}

/// A new SOP Instance UID of a random UUID (PS3.5 §B.2).
pub(super) fn new_uid() -> Uid {
    const VERSION: u128 = 0xF << 76;
    const VARIANT: u128 = 0b11 << 62;
    let bits = (rand::random::<u128>() & !VERSION & !VARIANT) | (4 << 76) | (0b10 << 62);
    // INVARIANT: at most 39 digits behind a root of 5 characters.
    #[expect(clippy::expect_used, reason = "digits of a number")]
    let uid = format!("2.25.{bits}").parse().expect("a UID");
    uid
}
