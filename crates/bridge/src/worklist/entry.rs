//! Orders as sources give them, and the entries of the worklist that are made of them.

use std::{fmt, sync::Arc};

use dataset::json::Item;
use instance::Tag;
use jiff::civil;

/// What a source knows of one order, before fallbacks and the equipment of the site are applied.
#[derive(Clone, Default, PartialEq)]
pub struct Order {
    /// What names it within its source for as long as it is there: the same at every refresh and for every
    /// replica, and no name of a file that may be renamed. Where it has more than 128 bytes, its hash counts.
    pub id: String,
    /// A data set as of PS3.4 §K.6.1.2.2. (0040,0100) Scheduled Procedure Step Sequence may have several
    /// items; each becomes an entry. Dates and times are in the time zone of the source.
    pub item: Item,
    /// Attributes that the source did not state as such, and where their values came from.
    pub provenance: Provenances,
    /// What the source calls the device, where it names no AE title.
    pub equipment: Option<String>,
}

/// An entry of the worklist: one Scheduled Procedure Step with all that belongs to it.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// What names it.
    pub key: EntryKey,
    /// The data set (PS3.4 §K.6.1.2.2), with exactly one item in (0040,0100). Attributes without a value are
    /// not in it; answers show those of type 2 all the same. (0040,0001) is absent where any station will do.
    pub item: Item,
    /// Where values came from.
    pub provenance: Provenances,
    /// When the step is to begin, in the time zone of the site.
    pub starts_at: civil::DateTime,
}

/// What names an entry: its source, and the order and step within it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// The name of the source.
    pub source: Arc<str>,
    /// What names the step within the source.
    pub id: Arc<str>,
}

/// Where the value of an attribute came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// The source stated it.
    Source,
    /// It follows from another value that the source stated.
    Derived,
    /// From [`Equipment`](crate::config::Equipment) of the configuration.
    Equipment,
    /// From [`WorklistFallback`](crate::config::WorklistFallback) of the configuration.
    Fallback,
    /// The calling AE title, for an order that names no station.
    CallingAe,
    /// What an MPPS told of the step.
    PerformedProcedure,
    /// There is none; the attribute is empty.
    Nothing,
}

/// Where the values of an entry came from. What is not listed, the source stated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenances(Vec<(Tag, Provenance)>);

impl Provenance {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Source,
        Self::Derived,
        Self::Equipment,
        Self::Fallback,
        Self::CallingAe,
        Self::PerformedProcedure,
        Self::Nothing,
    ];

    /// A word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Derived => "derived",
            Self::Equipment => "equipment",
            Self::Fallback => "fallback",
            Self::CallingAe => "calling AE title",
            Self::PerformedProcedure => "MPPS",
            Self::Nothing => "nothing",
        }
    }
}

impl Provenances {
    /// Where the value of an attribute came from. No attribute of a step has the tag of one beside it, so the
    /// tag alone tells.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Provenance {
        let place = self.0.binary_search_by_key(&tag, |(tag, _)| *tag);
        place.map_or(Provenance::Source, |index| self.0[index].1)
    }

    /// Says where a value came from.
    pub fn insert(&mut self, tag: Tag, provenance: Provenance) {
        match self.0.binary_search_by_key(&tag, |(tag, _)| *tag) {
            Ok(index) => self.0[index].1 = provenance,
            Err(index) => self.0.insert(index, (tag, provenance)),
        }
    }

    /// What is listed, in the order of the tags.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, Provenance)> {
        self.0.iter().copied()
    }
}

impl EntryKey {
    /// A key.
    #[must_use]
    pub fn new(source: &str, id: &str) -> Self {
        Self { source: source.into(), id: id.into() }
    }
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.id)
    }
}

impl fmt::Debug for Order {
    /// Without anything about the patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("elements", &self.item.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Entry {
    /// Without anything about the patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).finish_non_exhaustive()
    }
}
