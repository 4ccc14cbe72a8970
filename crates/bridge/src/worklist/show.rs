//! What a modality would see, and where each value came from.

use std::time::SystemTime;

use dataset::json::{Content, Item, Value};
use instance::{AeTitle, Tag};

use super::{
    Entry, EntryKey, LeftOut, Provenance, StepStatus, Worklist,
    attribute::{Attribute, BESIDE_STEP, OF_STEP, ReturnType, STATION_AE_TITLE, STEP_STATUS, STEPS},
    index::{Narrowing, step},
};
use crate::config::Discontinued;

/// What a modality would see.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The entries, in the order in which they begin.
    pub entries: Vec<ShownEntry>,
    /// Entries that are there and not shown.
    pub hidden: Vec<(EntryKey, Hidden)>,
    /// The sources, in the order in which they are merged.
    pub sources: Vec<SourceShown>,
}

/// An entry as a modality would see it.
#[derive(Clone, PartialEq)]
pub struct ShownEntry {
    /// What names it.
    pub key: EntryKey,
    /// What it holds, those of the step first.
    pub attributes: Vec<ShownAttribute>,
}

/// An attribute of an entry.
#[derive(Clone, PartialEq, Eq)]
pub struct ShownAttribute {
    /// The attribute.
    pub tag: Tag,
    /// Whether it stands in the item of (0040,0100).
    pub is_of_step: bool,
    /// Its value as text, several ones with backslashes between; of a sequence, how many items it has.
    pub value: String,
    /// Where it came from.
    pub provenance: Provenance,
}

/// Why an entry is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// It is for another station.
    OtherStation,
    /// An MPPS says that it is done.
    Completed,
    /// An MPPS says that it was discontinued, and such steps do not return.
    Discontinued,
}

/// How a source is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceShown {
    /// Its name.
    pub name: String,
    /// When it last gave its list; none where it never did.
    pub refreshed_at: Option<SystemTime>,
    /// Whether it answered the last time; none before it was asked.
    pub answers: Option<bool>,
    /// Whether its list is served: it is there, and not too old.
    pub is_served: bool,
    /// Entries of the list.
    pub entries: usize,
    /// Orders that are not on the worklist, by reason.
    pub left_out: Vec<(LeftOut, usize)>,
    /// Files or answers that could not be read.
    pub unreadable: usize,
}

impl Worklist {
    /// What the modality `calling` would see that asks for everything of its station; of every station where
    /// there is no calling AE title. With `day`, in the time zone of the site, of that day alone.
    #[must_use]
    pub fn show(&self, calling: Option<&AeTitle>, day: Option<jiff::civil::Date>) -> Shown {
        let index = self.index();
        let narrowing = Narrowing { from: day, to: day, ..Narrowing::default() };
        let (mut entries, mut hidden) = (Vec::new(), Vec::new());
        for entry in index.candidates(&narrowing).into_iter().filter_map(|place| index.get(place)) {
            let status = self.status(entry);
            match calling.filter(|calling| !is_for(entry, calling)) {
                Some(_) => hidden.push((entry.key.clone(), Hidden::OtherStation)),
                None => match self.hides(status) {
                    Some(reason) => hidden.push((entry.key.clone(), reason)),
                    None => entries.push(shown(entry, calling, status)),
                },
            }
        }
        Shown { entries, hidden, sources: self.sources() }
    }

    /// How the sources are doing.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceShown> {
        let index = self.index();
        let setup = self.inner.setup.load();
        let lists = self.inner.lists();
        let source = |feed: &super::setup::Feed| {
            let list = lists.get(&feed.name);
            let reasons = LeftOut::ALL.into_iter();
            let left_out = reasons.map(|reason| (reason, list.map_or(0, |list| list.left_out(reason))));
            SourceShown {
                name: feed.name.to_string(),
                refreshed_at: list.and_then(super::List::refreshed_at),
                answers: list.and_then(|list| list.answers),
                is_served: !index.missing.contains(&feed.name),
                entries: list.map_or(0, |list| list.entries.len()),
                left_out: left_out.filter(|(_, orders)| *orders > 0).collect(),
                unreadable: list.map_or(0, |list| list.unreadable),
            }
        };
        setup.feeds.iter().map(source).collect()
    }

    /// The status of a step: what an MPPS told, else what the source says.
    pub(crate) fn status(&self, entry: &Entry) -> Option<(StepStatus, Provenance)> {
        if let Some(status) = self.inner.state.status(&entry.key) {
            return Some((status, Provenance::PerformedProcedure));
        }
        let stated = step(entry)?.text(STEP_STATUS)?;
        StepStatus::read(&stated).map(|status| (status, Provenance::Source))
    }

    /// Why a step of this status is not shown, if it is not.
    pub(crate) fn hides(&self, status: Option<(StepStatus, Provenance)>) -> Option<Hidden> {
        let setup = self.inner.setup.load();
        match status?.0 {
            StepStatus::Completed if setup.config.completed_leaves => Some(Hidden::Completed),
            StepStatus::Discontinued if setup.config.discontinued == Discontinued::Leaves => {
                Some(Hidden::Discontinued)
            }
            _ => None,
        }
    }
}

impl StepStatus {
    /// What (0040,0020) of an answer says: a discontinued step that is on the list is there to be done.
    pub(crate) const fn shown(self) -> &'static str {
        match self {
            Self::Discontinued => Self::Scheduled.as_str(),
            other => other.as_str(),
        }
    }
}

/// Whether a step is for a station, or for any.
fn is_for(entry: &Entry, calling: &AeTitle) -> bool {
    let stations = step(entry).map(|step| step.values(STATION_AE_TITLE)).unwrap_or_default();
    let mut titles = stations.iter().filter_map(Value::text);
    stations.is_empty() || titles.any(|title| title == calling.as_str())
}

fn shown(entry: &Entry, calling: Option<&AeTitle>, status: Option<(StepStatus, Provenance)>) -> ShownEntry {
    let mut of_step = step(entry).map(|step| attributes(step, OF_STEP, entry, true)).unwrap_or_default();
    for shown in &mut of_step {
        if shown.tag == STATION_AE_TITLE && shown.provenance == Provenance::Nothing {
            let title = calling.map_or("*", AeTitle::as_str).to_owned();
            (shown.value, shown.provenance) = (title, Provenance::CallingAe);
        }
        if shown.tag == STEP_STATUS {
            let (status, provenance) = status.unwrap_or((StepStatus::Scheduled, Provenance::Derived));
            (shown.value, shown.provenance) = (status.shown().to_owned(), provenance);
        }
    }
    of_step.extend(attributes(&entry.item, BESIDE_STEP, entry, false));
    ShownEntry { key: entry.key.clone(), attributes: of_step }
}

/// What an item holds, and what of types 1 and 2 it has no value for.
fn attributes(item: &Item, table: &[Attribute], entry: &Entry, is_of_step: bool) -> Vec<ShownAttribute> {
    let held = item.iter().filter(|(tag, _)| *tag != STEPS).map(|(tag, element)| ShownAttribute {
        tag,
        is_of_step,
        value: text_of(&element.content),
        provenance: entry.provenance.get(tag),
    });
    let always =
        |attribute: &&Attribute| attribute.return_type != ReturnType::Three || attribute.tag == STEP_STATUS;
    let empty = table.iter().filter(always).map(|attribute| attribute.tag);
    let empty = empty.filter(|tag| *tag != STEPS && item.get(*tag).is_none()).map(|tag| ShownAttribute {
        tag,
        is_of_step,
        value: String::new(),
        provenance: Provenance::Nothing,
    });
    let mut attributes: Vec<_> = held.chain(empty).collect();
    attributes.sort_by_key(|attribute| attribute.tag);
    attributes
}

fn text_of(content: &Content) -> String {
    let Content::Values(values) = content else { return String::new() };
    let items = values.iter().filter(|value| matches!(value, Value::Item(_))).count();
    match items {
        0 => values.iter().map(|value| value.text().unwrap_or_default()).collect::<Vec<_>>().join("\\"),
        1 => "1 item".to_owned(),
        items => format!("{items} items"),
    }
}

impl std::fmt::Debug for ShownEntry {
    /// Without anything about the patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShownEntry").field("key", &self.key).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ShownAttribute {
    /// Without anything about the patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShownAttribute")
            .field("tag", &self.tag)
            .field("provenance", &self.provenance)
            .finish_non_exhaustive()
    }
}
