//! From an order to entries: what an entry must have (PS3.4 §K.6.1.2.2) and the order lacks is derived, taken
//! from the equipment of the site, or a fallback. Nothing else is invented.

use std::borrow::Cow;

use dataset::{
    element::VR,
    json::{Content, Element, Item},
};
use instance::Tag;
use jiff::{
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use super::{
    Entry, EntryKey, Order, Provenance, Provenances,
    attribute::{
        PROCEDURE_CODES, PROCEDURE_DESCRIPTION, PROCEDURE_ID, PROTOCOL_CODES, START_DATE, START_TIME,
        STATION_AE_TITLE, STATION_NAME, STEP_DESCRIPTION, STEP_ID, STEP_LOCATION, STEPS, STUDY_DESCRIPTION,
    },
    derived,
};
use crate::config::{Equipment, MissingStart, Unassigned, Worklist};

/// Bytes of the longest name of an order; of longer ones the hash counts. 128, half the key of a document.
const ID_LENGTH_MAX: usize = 128;
/// Characters of an SH element (PS3.5 §6.2).
const SH_LENGTH_MAX: usize = 16;
/// Characters of an LO element (PS3.5 §6.2).
const LO_LENGTH_MAX: usize = 64;

/// Why an order is not on the worklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftOut {
    /// It names no station.
    Unassigned,
    /// It has no day.
    NoStart,
    /// It has no modality.
    NoModality,
    /// It has no Patient's Name.
    NoPatientName,
    /// It has no Patient ID.
    NoPatientId,
    /// An earlier source, or the same one, has it too.
    Duplicate,
    /// There are more orders than are kept.
    TooMany,
}

impl LeftOut {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Unassigned,
        Self::NoStart,
        Self::NoModality,
        Self::NoPatientName,
        Self::NoPatientId,
        Self::Duplicate,
        Self::TooMany,
    ];

    /// The label in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unassigned => "unassigned",
            Self::NoStart => "no_start",
            Self::NoModality => "no_modality",
            Self::NoPatientName => "no_patient_name",
            Self::NoPatientId => "no_patient_id",
            Self::Duplicate => "duplicate",
            Self::TooMany => "too_many",
        }
    }
}

/// What completing needs to know beside the order.
pub(crate) struct Completing<'a> {
    pub(crate) source: &'a str,
    pub(crate) config: &'a Worklist,
    /// In which the source states dates and times.
    pub(crate) time_zone: &'a TimeZone,
    /// In the time zone of the site.
    pub(crate) today: Date,
}

/// An entry in the making.
struct Making {
    step: Item,
    item: Item,
    provenance: Provenances,
}

impl Completing<'_> {
    /// The entries of an order, one for each of its steps.
    pub(crate) fn entries(&self, order: Order) -> Vec<Result<Entry, LeftOut>> {
        let Order { id, mut item, provenance, equipment } = order;
        let id = if id.len() > ID_LENGTH_MAX { derived::short(&["id", &id]) } else { id };
        let shortened = |step_id: &str| match step_id {
            short if short.len() <= SH_LENGTH_MAX => short.to_owned(),
            long => derived::short(&["step id", long]),
        };
        let steps = item.remove(STEPS);
        let item = with_values(item);
        let mut steps: Vec<Item> = match steps.map(|element| element.content) {
            Some(Content::Values(values)) => values.into_iter().filter_map(item_of).collect(),
            _ => Vec::new(),
        };
        if steps.is_empty() {
            steps.push(Item::new());
        }
        let several = steps.len() > 1;
        let entry = |(index, step): (usize, Item)| {
            let step = with_values(step);
            let key = match step.text(STEP_ID) {
                Some(step_id) if several => format!("{id}.{}", shortened(&step_id)),
                None if several => format!("{id}.{index}"),
                _ => id.clone(),
            };
            let making = Making { step, item: item.clone(), provenance: provenance.clone() };
            self.entry(&id, &key, making, equipment.as_deref())
        };
        steps.into_iter().enumerate().map(entry).collect()
    }

    fn entry(
        &self,
        order: &str,
        key: &str,
        mut making: Making,
        equipment: Option<&str>,
    ) -> Result<Entry, LeftOut> {
        self.station(&mut making, equipment)?;
        self.patient(&mut making)?;
        let starts_at = self.start(&mut making)?;
        let fallback = &self.config.fallback;
        let accession_number = making.item.text(Tag::ACCESSION_NUMBER).filter(|text| is_short(text));
        let procedure_id =
            accession_number.map_or_else(|| derived::short(&["procedure", order]), Cow::into_owned);
        // The only step of an order may have the name of the order.
        let step_id = if order == key { procedure_id.clone() } else { derived::short(&["step", key]) };
        making.in_step(STEP_ID, VR::SH, Provenance::Derived, Some(&step_id));
        making.beside(PROCEDURE_ID, VR::SH, Provenance::Derived, Some(&procedure_id));
        let modality = making.item.remove(Tag::MODALITY);
        let modality = modality.filter(|_| making.step.get(Tag::MODALITY).is_none());
        if let Some(modality) = modality {
            making.step.insert(Tag::MODALITY, modality);
        }
        making.in_step(Tag::MODALITY, VR::CS, Provenance::Fallback, fallback.modality.as_deref());
        if making.step.text(Tag::MODALITY).is_none() {
            return Err(LeftOut::NoModality);
        }
        making.descriptions();
        if making.item.uid(Tag::STUDY_INSTANCE_UID).is_none() {
            let patient_id = making.item.text(Tag::PATIENT_ID).unwrap_or_default();
            let accession_number = making.item.text(Tag::ACCESSION_NUMBER);
            let uid =
                derived::study_instance_uid(self.source, order, &patient_id, accession_number.as_deref());
            let uid = uid.map(|uid| uid.to_string());
            making.item.remove(Tag::STUDY_INSTANCE_UID);
            making.beside(Tag::STUDY_INSTANCE_UID, VR::UI, Provenance::Derived, uid.as_deref());
        }
        let Making { step, mut item, provenance } = making;
        item.insert(STEPS, Element::sequence([step]));
        Ok(Entry { key: EntryKey::new(self.source, key), item, provenance, starts_at })
    }

    /// The station, and what is known of it.
    fn station(&self, making: &mut Making, equipment: Option<&str>) -> Result<(), LeftOut> {
        let stated = making.step.text(STATION_AE_TITLE);
        let is_it = |known: &&Equipment| match (equipment, &stated) {
            (Some(uuid), _) if same_uuid(&known.uuid, uuid) => true,
            (_, Some(title)) => known.ae_title.as_str() == title,
            _ => false,
        };
        let known = self.config.equipment.iter().find(is_it);
        drop(stated);
        let from = Provenance::Equipment;
        if let Some(known) = known {
            making.in_step(STATION_AE_TITLE, VR::AE, from, Some(known.ae_title.as_str()));
            making.in_step(STATION_NAME, VR::SH, from, known.station_name.as_deref());
            making.in_step(STEP_LOCATION, VR::SH, from, known.location.as_deref());
            if making.item.text(Tag::MODALITY).is_none() {
                making.in_step(Tag::MODALITY, VR::CS, from, known.modality.as_deref());
            }
        }
        let hidden = self.config.unassigned == Unassigned::Hide;
        if hidden && making.step.text(STATION_AE_TITLE).is_none() {
            return Err(LeftOut::Unassigned);
        }
        Ok(())
    }

    fn patient(&self, making: &mut Making) -> Result<(), LeftOut> {
        let fallback = &self.config.fallback;
        let from = Provenance::Fallback;
        making.beside(Tag::PATIENT_NAME, VR::PN, from, fallback.patient_name.as_deref());
        making.beside(Tag::PATIENT_ID, VR::LO, from, fallback.patient_id.as_deref());
        if making.item.text(Tag::PATIENT_NAME).is_none() {
            return Err(LeftOut::NoPatientName);
        }
        if making.item.text(Tag::PATIENT_ID).is_none() {
            return Err(LeftOut::NoPatientId);
        }
        Ok(())
    }

    /// When the step begins, which is written in one form and in the time zone of the site.
    fn start(&self, making: &mut Making) -> Result<DateTime, LeftOut> {
        let fallback = &self.config.fallback;
        let date = making.step.text(START_DATE).and_then(|text| date(&text));
        let time = making.step.text(START_TIME).and_then(|text| time(&text));
        let at = match (date, time) {
            (Some(date), Some(time)) => self.in_site_time(date.to_datetime(time)),
            (Some(date), None) => date.to_datetime(fallback.start_time),
            (None, _) if fallback.start_date == MissingStart::LeaveOut => return Err(LeftOut::NoStart),
            (None, time) => self.today.to_datetime(time.unwrap_or(fallback.start_time)),
        };
        if date.is_none() {
            making.provenance.insert(START_DATE, Provenance::Fallback);
        }
        if time.is_none() {
            making.provenance.insert(START_TIME, Provenance::Fallback);
        }
        let day = format!("{:04}{:02}{:02}", at.year(), at.month(), at.day());
        let moment = format!("{:02}{:02}{:02}", at.hour(), at.minute(), at.second());
        making.step.insert(START_DATE, Element::text(VR::DA, &day));
        making.step.insert(START_TIME, Element::text(VR::TM, &moment));
        Ok(at)
    }

    /// A moment that does not exist or exists twice, when clocks are changed, is taken as the source's clock
    /// would most likely mean it.
    fn in_site_time(&self, at: DateTime) -> DateTime {
        if *self.time_zone == self.config.time_zone {
            return at;
        }
        let zoned = at.to_zoned(self.time_zone.clone());
        zoned.map_or(at, |zoned| zoned.with_time_zone(self.config.time_zone.clone()).datetime())
    }
}

impl Making {
    /// A value for an attribute of the step that has none.
    fn in_step(&mut self, tag: Tag, vr: VR, from: Provenance, value: Option<&str>) {
        fill(&mut self.step, &mut self.provenance, tag, vr, from, value);
    }

    /// A value for an attribute beside the step that has none.
    fn beside(&mut self, tag: Tag, vr: VR, from: Provenance, value: Option<&str>) {
        fill(&mut self.item, &mut self.provenance, tag, vr, from, value);
    }

    /// Either a description or a code says what is to be done (PS3.4 §K.6.1.2.2).
    fn descriptions(&mut self) {
        let first = |candidates: [Option<Cow<'_, str>>; 3]| {
            let text = candidates.into_iter().flatten().next()?;
            Some(text.chars().take(LO_LENGTH_MAX).collect::<String>())
        };
        let modality = self.step.text(Tag::MODALITY);
        let study = self.item.text(STUDY_DESCRIPTION);
        let of_procedure = first([study.clone(), self.step.text(STEP_DESCRIPTION), modality.clone()]);
        let of_step = first([self.item.text(PROCEDURE_DESCRIPTION), study, modality]);
        if self.item.get(PROCEDURE_CODES).is_none() {
            self.beside(PROCEDURE_DESCRIPTION, VR::LO, Provenance::Derived, of_procedure.as_deref());
        }
        if self.step.get(PROTOCOL_CODES).is_none() {
            self.in_step(STEP_DESCRIPTION, VR::LO, Provenance::Derived, of_step.as_deref());
        }
    }
}

fn fill(
    item: &mut Item,
    provenance: &mut Provenances,
    tag: Tag,
    vr: VR,
    from: Provenance,
    value: Option<&str>,
) {
    if let Some(value) = value
        && item.text(tag).is_none()
    {
        item.insert(tag, Element::text(vr, value));
        provenance.insert(tag, from);
    }
}

fn item_of(value: dataset::json::Value) -> Option<Item> {
    match value {
        dataset::json::Value::Item(item) => Some(item),
        _ => None,
    }
}

/// The elements that say anything. Binary values elsewhere are nothing that a modality could follow.
fn with_values(mut item: Item) -> Item {
    let says_something =
        |element: &Element| matches!(element.content, Content::Values(_) | Content::InlineBinary(_));
    let tags: Vec<Tag> = item.iter().map(|(tag, _)| tag).collect();
    let elements = tags.into_iter().filter_map(|tag| Some((tag, item.remove(tag)?)));
    elements.filter(|(_, element)| says_something(element)).collect()
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= SH_LENGTH_MAX
}

pub(super) fn same_uuid(one: &str, other: &str) -> bool {
    let bare = |uuid: &str| uuid.trim_matches(['{', '}']).to_ascii_lowercase();
    bare(one) == bare(other)
}

/// `YYYYMMDD`, also with the points of earlier editions or the hyphens of other formats.
pub(crate) fn date(text: &str) -> Option<Date> {
    let digits = text.replace(['.', '-'], "");
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits[range].parse().ok();
    Date::new(digits[..4].parse().ok()?, number(4..6)?, number(6..8)?).ok()
}

/// `HH`, `HHMM`, `HHMMSS`, with or without a fraction and colons.
pub(super) fn time(text: &str) -> Option<Time> {
    let digits = text.replace(':', "");
    let digits = digits.split('.').next().unwrap_or_default();
    if !matches!(digits.len(), 2 | 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |at: usize| digits.get(at..at + 2).map_or(Some(0_i8), |text| text.parse().ok());
    Time::new(number(0)?, number(2)?, number(4)?.min(59), 0).ok()
}

#[cfg(test)]
mod tests;
