//! From a workitem (PS3.3 §B.26) to orders (PS3.4 §K.6.1.2.2).
//!
//! What both information models have goes over as it is; what stands beside the step, from the item of (0040,A370)
//! Referenced Request Sequence first and then from the workitem itself. The rest follows from:
//!
//! | Of the entry | Of the workitem |
//! |---|---|
//! | Scheduled Station AE Title | the code of (0040,4025) that the equipment of the configuration has, then (0040,0001) where a server sends it, then every code value of (0040,4025) that can be an AE title |
//! | Scheduled Station Name | the first code meaning of (0040,4025) |
//! | Modality | (0008,0060) where a server sends it, then the code of (0040,4026) of scheme DCM |
//! | Scheduled Procedure Step Location | the first code meaning of (0040,4027), or its value |
//! | Start Date and Time, End Date and Time | (0040,4005), (0040,4011), with their offset from UTC, then that of (0008,0201) |
//! | Scheduled Performing Physician's Name | the first (0040,4037) of (0040,4034) |
//! | Scheduled Procedure Step Description | (0074,1204) Procedure Step Label |
//! | Scheduled Protocol Code Sequence | (0040,4018) Scheduled Workitem Code Sequence |
//! | Scheduled Procedure Step Status | (0074,1000): SCHEDULED, or STARTED for IN PROGRESS |
//! | Requested Procedure Priority | (0074,1200), whose words are the same |
//!
//! What an entry then still lacks, the configuration's fallback gives.

use dataset::{
    element::VR,
    json::{Content, Element, Item},
};
use instance::{AeTitle, Tag, Uid};
use jiff::{
    civil::DateTime,
    tz::{Offset, TimeZone},
};

use crate::worklist::{
    BESIDE_STEP, OF_STEP, Order, Provenance, Provenances, START_DATE, STATION_AE_TITLE, STEP_STATUS, STEPS,
    StepStatus,
    attribute::{
        PERFORMING_PHYSICIAN, PROCEDURE_ID, PROTOCOL_CODES, START_TIME, STATION_NAME, STEP_DESCRIPTION,
        STEP_LOCATION,
    },
    complete, derived,
};

/// (0040,4005) Scheduled Procedure Step Start DateTime.
pub(super) const START: Tag = Tag(0x0040, 0x4005);
/// (0040,4011) Expected Completion DateTime.
const EXPECTED_END: Tag = Tag(0x0040, 0x4011);
/// (0040,4025) Scheduled Station Name Code Sequence.
pub(super) const STATION_NAME_CODES: Tag = Tag(0x0040, 0x4025);
/// (0040,4026) Scheduled Station Class Code Sequence.
const STATION_CLASS_CODES: Tag = Tag(0x0040, 0x4026);
/// (0040,4027) Scheduled Station Geographic Location Code Sequence.
const STATION_LOCATION_CODES: Tag = Tag(0x0040, 0x4027);
/// (0040,4018) Scheduled Workitem Code Sequence.
const WORKITEM_CODES: Tag = Tag(0x0040, 0x4018);
/// (0040,4034) Scheduled Human Performers Sequence.
const PERFORMERS: Tag = Tag(0x0040, 0x4034);
/// (0040,4037) Human Performer's Name.
const PERFORMER_NAME: Tag = Tag(0x0040, 0x4037);
/// (0040,A370) Referenced Request Sequence.
pub(super) const REQUESTS: Tag = Tag(0x0040, 0xA370);
/// (0074,1000) Procedure Step State.
pub(super) const PROCEDURE_STEP_STATE: Tag = Tag(0x0074, 0x1000);
/// (0074,1200) Scheduled Procedure Step Priority.
const PRIORITY: Tag = Tag(0x0074, 0x1200);
/// (0074,1204) Procedure Step Label.
const LABEL: Tag = Tag(0x0074, 0x1204);
/// (0040,1003) Requested Procedure Priority.
const REQUESTED_PRIORITY: Tag = Tag(0x0040, 0x1003);
/// (0040,0004) Scheduled Procedure Step End Date.
const END_DATE: Tag = Tag(0x0040, 0x0004);
/// (0040,0005) Scheduled Procedure Step End Time.
const END_TIME: Tag = Tag(0x0040, 0x0005);
/// (0008,0100) Code Value.
const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
/// (0008,0102) Coding Scheme Designator.
const CODING_SCHEME: Tag = Tag(0x0008, 0x0102);
/// (0008,0104) Code Meaning.
const CODE_MEANING: Tag = Tag(0x0008, 0x0104);
/// (0008,0201) Timezone Offset From UTC.
const OFFSET_FROM_UTC: Tag = Tag(0x0008, 0x0201);

/// Characters of an SH element, and of a CS element (PS3.5 §6.2).
const SHORT_MAX: usize = 16;

/// The orders of a workitem: one for each request that it is of, none once it is completed or canceled.
pub(super) fn orders(
    workitem: &Item,
    uid: Option<&Uid>,
    equipment: &[String],
    time_zone: &TimeZone,
) -> Vec<Order> {
    let status = match workitem.text(PROCEDURE_STEP_STATE).as_deref() {
        Some("COMPLETED" | "CANCELED") => return Vec::new(),
        Some("IN PROGRESS") => StepStatus::Started,
        _ => StepStatus::Scheduled,
    };
    let mut making = Making { item: Item::new(), provenance: Provenances::default() };
    making.step(workitem, status, time_zone);
    let device = station(workitem, equipment, &mut making);
    let Making { item: step, provenance } = making;
    let uid = uid.map(Uid::as_str).unwrap_or_default();
    let requests: Vec<_> = workitem.items(REQUESTS).collect();
    let order = |request: &Item| {
        let mut making = Making { item: beside(request, workitem), provenance: provenance.clone() };
        making.derive(REQUESTED_PRIORITY, VR::SH, workitem.text(PRIORITY).as_deref());
        let mut item = making.item;
        let id = if requests.len() > 1 { id_of_request(uid, &item) } else { uid.to_owned() };
        item.insert(STEPS, Element::sequence([step.clone()]));
        Order { id, item, provenance: making.provenance, equipment: device.clone() }
    };
    if requests.is_empty() {
        return vec![order(&Item::new())];
    }
    requests.iter().map(|request| order(request)).collect()
}

/// A name for one of several requests of a workitem: of what identifies it, whatever their order.
fn id_of_request(uid: &str, item: &Item) -> String {
    let text = |tag| item.text(tag).unwrap_or_default().into_owned();
    let texts = [Tag::STUDY_INSTANCE_UID, Tag::ACCESSION_NUMBER, PROCEDURE_ID].map(text);
    let [study, accession_number, procedure] = texts.each_ref().map(String::as_str);
    derived::short(&[uid, study, accession_number, procedure])
}

/// What stands beside the step, from the request and then from the workitem.
fn beside(request: &Item, workitem: &Item) -> Item {
    let element = |tag| with_value(request, tag).or_else(|| with_value(workitem, tag));
    let attributes = BESIDE_STEP.iter().filter(|attribute| attribute.tag != STEPS);
    attributes.filter_map(|attribute| Some((attribute.tag, element(attribute.tag)?.clone()))).collect()
}

fn with_value(item: &Item, tag: Tag) -> Option<&Element> {
    item.get(tag).filter(|element| element.content != Content::Empty)
}

/// Puts the station into the step, and gives the name of its device where the configuration knows that.
fn station(workitem: &Item, equipment: &[String], making: &mut Making) -> Option<String> {
    let codes = || workitem.items(STATION_NAME_CODES);
    let meaning = codes().find_map(|code| code.text(CODE_MEANING));
    making.derive(STATION_NAME, VR::SH, meaning.as_deref().map(short).as_deref());
    let is_known = |code: &str| equipment.iter().any(|known| complete::same_uuid(known, code));
    let values: Vec<_> = codes().filter_map(|code| code.text(CODE_VALUE)).collect();
    if let Some(known) = values.iter().find(|value| is_known(value)) {
        // The configuration's title counts.
        making.item.remove(STATION_AE_TITLE);
        return Some(known.clone().into_owned());
    }
    let titles: Vec<_> =
        values.iter().map(|value| &**value).filter(|value| value.parse::<AeTitle>().is_ok()).collect();
    if making.item.text(STATION_AE_TITLE).is_none() && !titles.is_empty() {
        making.item.insert(STATION_AE_TITLE, Element::texts(VR::AE, titles));
        making.provenance.insert(STATION_AE_TITLE, Provenance::Derived);
    }
    None
}

/// A part of an order in the making.
struct Making {
    item: Item,
    provenance: Provenances,
}

impl Making {
    /// The step, but for its station.
    fn step(&mut self, workitem: &Item, status: StepStatus, time_zone: &TimeZone) {
        let sent = OF_STEP.iter().filter_map(|attribute| {
            let is_when = [START_DATE, START_TIME, END_DATE, END_TIME].contains(&attribute.tag);
            Some((attribute.tag, with_value(workitem, attribute.tag).filter(|_| !is_when)?.clone()))
        });
        self.item = sent.collect();
        self.item.insert(STEP_STATUS, Element::text(VR::CS, status.as_str()));
        let offset = workitem.text(OFFSET_FROM_UTC);
        for (from, date, time) in [(START, START_DATE, START_TIME), (EXPECTED_END, END_DATE, END_TIME)] {
            let Some(moment) = workitem.text(from) else { continue };
            let (day, hour) = local(&moment, offset.as_deref(), time_zone);
            // The same in two attributes, as the information model of the worklist has it.
            for (tag, vr, text) in [(date, VR::DA, day), (time, VR::TM, hour)] {
                if !text.is_empty() {
                    self.item.insert(tag, Element::text(vr, &text));
                }
            }
        }
        let is_modality = |code: &&Item| {
            code.text(CODING_SCHEME).is_some_and(|scheme| scheme == "DCM")
                && code.text(CODE_VALUE).is_some_and(|value| is_modality(&value))
        };
        let class = workitem.items(STATION_CLASS_CODES).find(is_modality);
        self.derive(Tag::MODALITY, VR::CS, class.and_then(|code| code.text(CODE_VALUE)).as_deref());
        let place = workitem.items(STATION_LOCATION_CODES).next();
        let place = place.and_then(|code| code.text(CODE_MEANING).or_else(|| code.text(CODE_VALUE)));
        self.derive(STEP_LOCATION, VR::SH, place.as_deref().map(short).as_deref());
        let performer = workitem.items(PERFORMERS).find_map(|performer| performer.text(PERFORMER_NAME));
        self.derive(PERFORMING_PHYSICIAN, VR::PN, performer.as_deref());
        self.derive(STEP_DESCRIPTION, VR::LO, workitem.text(LABEL).as_deref());
        if let Some(codes) = with_value(workitem, WORKITEM_CODES)
            && self.item.get(PROTOCOL_CODES).is_none()
        {
            self.item.insert(PROTOCOL_CODES, codes.clone());
            self.provenance.insert(PROTOCOL_CODES, Provenance::Derived);
        }
    }

    /// A value for an attribute that the workitem does not have as such.
    fn derive(&mut self, tag: Tag, vr: VR, value: Option<&str>) {
        if let Some(value) = value
            && self.item.text(tag).is_none()
        {
            self.item.insert(tag, Element::text(vr, value));
            self.provenance.insert(tag, Provenance::Derived);
        }
    }
}

/// Codes of modalities are made of capital letters; others of the same scheme are numbers (PS3.16 §D).
fn is_modality(code: &str) -> bool {
    (1..=SHORT_MAX).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn short(text: &str) -> String {
    text.chars().take(SHORT_MAX).collect()
}

/// Day and time of a moment (VR DT), in the time zone of the source where its offset from UTC is known. What
/// says no day gives none.
fn local(text: &str, offset: Option<&str>, time_zone: &TimeZone) -> (String, String) {
    let (moment, own) = match text.rfind(['+', '-']) {
        Some(at) => (&text[..at], Some(&text[at..])),
        None => (text, None),
    };
    let moment = moment.split('.').next().unwrap_or_default();
    let (day, time) = moment.split_at_checked(8).unwrap_or_default();
    let parsed = (complete::date(day), complete::time(time));
    let (Some(date), Some(at), Some(offset)) = (parsed.0, parsed.1, own.or(offset).and_then(offset_of))
    else {
        return (day.to_owned(), time.to_owned());
    };
    let in_zone = |at: DateTime| offset.to_timestamp(at).ok().map(|at| at.to_zoned(time_zone.clone()));
    let Some(at) = in_zone(date.to_datetime(at)) else { return (day.to_owned(), time.to_owned()) };
    let day = format!("{:04}{:02}{:02}", at.year(), at.month(), at.day());
    (day, format!("{:02}{:02}{:02}", at.hour(), at.minute(), at.second()))
}

/// `+0100` (PS3.5 §6.2, DT).
fn offset_of(text: &str) -> Option<Offset> {
    let (sign, digits) = text.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests;
