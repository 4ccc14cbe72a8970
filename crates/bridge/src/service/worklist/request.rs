//! What a C-FIND of the worklist asks for (PS3.4 §K.4.1.1.3, §K.6.1.2).

use dataset::{
    character_set::CharacterSet,
    identifier::{Identifier, IdentifierError},
    json::{Content, Element, Item, Value},
    matching::{Condition, KeyError, Keys, Options},
};
use instance::{Encoding, Tag};
use jiff::civil::Date;

use crate::{
    config::PeerQuery,
    worklist::{
        Entry, Narrowing, START_DATE, STATION_AE_TITLE, STEP_STATUS, STEPS, Wanted, date, is_beside_step,
        is_of_step, step,
    },
};

/// What a C-FIND asks for.
#[derive(Debug)]
pub(super) struct Request {
    /// What stands beside the step must match.
    beside_step: Keys,
    /// What the step must match, but for its status.
    of_step: Keys,
    /// What the status of the step must match, which an MPPS may have changed.
    status: Option<Keys>,
    /// The attributes that answers show beside the step, as the identifier has them.
    pub(super) shown: Item,
    /// Those of the step; none where the step is not asked for, and empty where all of it is.
    pub(super) shown_of_step: Option<Item>,
    /// The character set of the identifier, in which answers are to be.
    pub(super) character_set: CharacterSet,
}

/// Why an identifier does not match the SOP Class (PS3.4 §K.4.1.1.4, A900).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// The bytes cannot be read.
    Identifier(IdentifierError),
    /// A key has a value that makes no sense.
    Key(KeyError),
    /// There is no key at all.
    NoKey,
}

/// What directs a query and is no key (PS3.4 §C.4.1.1.3).
const DIRECTING: [Tag; 4] =
    [Tag::SPECIFIC_CHARACTER_SET, Tag(0x0008, 0x0052), Tag(0x0008, 0x0053), Tag(0x0008, 0x0201)];

impl Request {
    /// Reads an identifier in `encoding`.
    ///
    /// # Errors
    /// What PS3.4 §K.4.1.1.4 answers with A900.
    pub(super) fn read(
        bytes: &[u8],
        encoding: Encoding,
        matching: Options,
        peer: &PeerQuery,
    ) -> Result<Self, RequestError> {
        let Identifier { mut item, character_set, .. } =
            Identifier::read(bytes, encoding, peer.character_set.as_ref())
                .map_err(RequestError::Identifier)?;
        for directs in DIRECTING {
            item.remove(directs);
        }
        if item.is_empty() {
            return Err(RequestError::NoKey);
        }
        let keys = Keys::read(&item, matching).map_err(RequestError::Key)?;
        let mut of_step = match keys.get(STEPS) {
            Some(Condition::Sequence(keys)) => keys.clone(),
            _ => Keys::default(),
        };
        let status =
            of_step.get(STEP_STATUS).filter(|status| !status.is_universal()).cloned().map(|status| {
                let mut keys = Keys::default();
                keys.insert(STEP_STATUS, status);
                keys
            });
        of_step = of_step.without(STEP_STATUS);
        let shown_of_step = item.remove(STEPS).map(first_item);
        Ok(Self {
            beside_step: keys.without(STEPS),
            of_step,
            status,
            shown: item,
            shown_of_step,
            character_set,
        })
    }

    /// Whether an entry whose step has this status matches. A key that is not supported matches everything
    /// (PS3.4 §K.2.2.1.1.2), and so does an entry for any station.
    pub(super) fn matches(&self, entry: &Entry, status: &str) -> bool {
        let Some(step) = step(entry) else { return false };
        let assumed_of_step = |tag| tag == STATION_AE_TITLE || !is_of_step(tag);
        self.of_step.matches_assuming(step, assumed_of_step)
            && self.beside_step.matches_assuming(&entry.item, |tag| !is_beside_step(tag))
            && self.status.as_ref().is_none_or(|keys| keys.matches(&of_status(status)))
    }

    /// What narrows the entries to look at.
    pub(super) fn narrowing(&self) -> Narrowing {
        let (from, to) = self.days();
        Narrowing {
            station: single(&self.of_step, STATION_AE_TITLE),
            patient_id: single(&self.beside_step, Tag::PATIENT_ID),
            accession_number: single(&self.beside_step, Tag::ACCESSION_NUMBER),
            from,
            to,
        }
    }

    /// What the sources may be asked for where nothing is here: a patient, an accession number, or days.
    pub(super) fn wanted(&self, orders_max: usize) -> Option<Wanted> {
        let (from, to) = self.days();
        let wanted = Wanted {
            from,
            to,
            patient_id: single(&self.beside_step, Tag::PATIENT_ID),
            accession_number: single(&self.beside_step, Tag::ACCESSION_NUMBER),
            orders_max,
            is_look_up: true,
        };
        // Of a range without an end there may be orders of years.
        let has_days = wanted.from.is_some() && wanted.to.is_some();
        (has_days || wanted.patient_id.is_some() || wanted.accession_number.is_some()).then_some(wanted)
    }

    /// The first and the last day that are asked for.
    fn days(&self) -> (Option<Date>, Option<Date>) {
        let end = |text: Option<&str>| text.and_then(date);
        match self.of_step.get(START_DATE) {
            Some(Condition::SingleValue(day)) => (date(day.text()), date(day.text())),
            Some(Condition::Range(range)) => (end(range.from()), end(range.to())),
            Some(Condition::DateTimeRange(range)) => (end(range.date().from()), end(range.date().to())),
            _ => (None, None),
        }
    }
}

/// The value of a key without wildcards.
fn single(keys: &Keys, tag: Tag) -> Option<String> {
    match keys.get(tag)? {
        Condition::SingleValue(value) => Some(value.text().to_owned()),
        _ => None,
    }
}

fn of_status(status: &str) -> Item {
    Item::from_iter([(STEP_STATUS, Element::text(dataset::element::VR::CS, status))])
}

/// The first item of a sequence that says anything; empty where none does.
fn first_item(element: Element) -> Item {
    let Content::Values(values) = element.content else { return Item::new() };
    let mut items = values.into_iter().filter_map(|value| match value {
        Value::Item(item) if !item.is_empty() => Some(item),
        _ => None,
    });
    items.next().unwrap_or_default()
}

impl RequestError {
    /// The offending element, for (0000,0901).
    pub(crate) const fn offending(&self) -> Option<Tag> {
        match self {
            Self::Identifier(error) => error.offending(),
            Self::Key(error) => Some(error.tag()),
            Self::NoKey => Some(STEPS),
        }
    }
}

impl std::fmt::Display for RequestError {
    /// In at most 64 characters, without anything that the peer sent.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Identifier(error) => write!(f, "{}", crate::service::query::in_words(error)),
            Self::Key(error) => write!(f, "{}", crate::service::query::key_in_words(error)),
            Self::NoKey => f.write_str("the identifier has no key"),
        }
    }
}
