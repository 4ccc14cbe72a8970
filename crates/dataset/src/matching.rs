//! Attribute matching (PS3.4 §C.2.2.2): the keys of a query, and whether an answer fits them.
//!
//! [`Keys::read`] makes conditions of an identifier, [`Keys::matches`] holds them against items, for
//! instance those that a search over HTTP gave. Where the standard leaves the manner of matching to
//! the implementation (PS3.4 §C.2.2.2.1), this is ours:
//!
//! - Text is compared by case, without padding. `*` and `?` are wildcards wherever the VR allows
//!   them (PS3.4 §C.2.2.2.4); a key of asterisks alone is universal, for every VR.
//! - Person names are compared without regard to case, to trailing `^` and to how accents are
//!   encoded, but not to accents themselves. A key with `=` is compared group by group, groups
//!   that it leaves empty match; a key without `=` may match any of the three groups. A wildcard
//!   may stand for `^`, and components that the name lacks count as empty.
//! - With fuzzy matching negotiated, each word of the key must be the beginning of a word of the
//!   name, in any order and in any group, without regard to case, accents and width; a name that
//!   matches literally matches too.
//! - Dates and times are compared by their meaning. A key of limited precision stands for all that
//!   it may mean, so that `1000-1800` holds 18:00:30; a value of limited precision in the data
//!   stands for its beginning. Values of DT are compared in UTC where both have an offset, else as
//!   they are written. Old forms (`1993.10.22`, `10:15`) are understood on both sides.
//! - IS, DS and binary numbers are compared as numbers.
//! - Of an attribute with several values any may match (PS3.4 §C.2.2.3), of a key with several
//!   values, as it is usual for (0008,0061) Modalities in Study, any may be the one that does.
//! - An attribute that is absent or empty matches universal keys only.

mod condition;
mod date_time;
mod key;
mod person_name;
#[cfg(test)]
mod tests;
mod wildcard;

use instance::{Tag, uid::InvalidUid};

pub use self::{
    condition::{Condition, SingleValue},
    date_time::{DateTimeRange, Range},
    person_name::Fuzzy,
    wildcard::Wildcard,
};
use crate::json::Item;

/// Most characters of one value of a key: those of LT (PS3.5 §6.2), above all VRs that a person
/// would search by. It bounds what a wildcard may cost.
pub const KEY_LENGTH_MAX: usize = 10_240;

/// What extended negotiation has agreed upon (PS3.4 §C.5.1.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// A range of DA and one of TM that belong together are one range of moments
    /// (PS3.4 §C.2.2.2.5.4).
    pub combined_date_time: bool,
    /// Person names match fuzzily.
    pub fuzzy: bool,
    /// A key of two quotation marks, `""`, asks for the attribute to be absent or empty.
    pub empty_value: bool,
}

/// The matching keys of an identifier or of an item of a sequence, in the order of their tags.
///
/// What directs the query and matches nothing is not among them: (0008,0005) Specific Character
/// Set, (0008,0052) Query/Retrieve Level, (0008,0053) Query/Retrieve View, (0008,0054) Retrieve AE
/// Title and (0008,0201) Timezone Offset From UTC.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys {
    conditions: Vec<(Tag, Condition)>,
}

/// Why a key cannot be matched; the caller answers A900 with the offending element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A value is no UID.
    #[error("{0} is no UID: {1}")]
    Uid(Tag, InvalidUid),
    /// A value is neither a date nor a range of dates.
    #[error("{0} is no date and no range of dates")]
    Date(Tag),
    /// A value is neither a time nor a range of times.
    #[error("{0} is no time and no range of times")]
    Time(Tag),
    /// A value is neither a date with time nor a range of them.
    #[error("{0} is no date time and no range of them")]
    DateTime(Tag),
    /// A value is no number.
    #[error("{0} is no number")]
    Number(Tag),
    /// A value has more characters than [`KEY_LENGTH_MAX`].
    #[error("{0} has a value of more than {max} characters", max = KEY_LENGTH_MAX)]
    TooLong(Tag),
    /// A sequence has several items that are not empty (PS3.4 §C.2.2.2.6 wants one).
    #[error("{0} has more than one item")]
    SeveralItems(Tag),
}

impl KeyError {
    /// The offending element; in a sequence that of the item.
    #[must_use]
    pub const fn tag(&self) -> Tag {
        match self {
            Self::Uid(tag, _)
            | Self::Date(tag)
            | Self::Time(tag)
            | Self::DateTime(tag)
            | Self::Number(tag)
            | Self::TooLong(tag)
            | Self::SeveralItems(tag) => *tag,
        }
    }
}

impl Keys {
    /// Reads the keys of an identifier whose text is decoded.
    ///
    /// # Errors
    /// The first key that cannot be matched.
    pub fn read(item: &Item, options: Options) -> Result<Self, KeyError> {
        let mut conditions = Vec::with_capacity(item.len());
        for (tag, element) in item.iter().filter(|(tag, _)| !key::directs_the_query(*tag)) {
            conditions.push((tag, key::condition(tag, element, options)?));
        }
        let mut keys = Self { conditions };
        if options.combined_date_time {
            keys.combine();
        }
        Ok(keys)
    }

    /// The condition on an attribute; none where it is no key.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&Condition> {
        let index = self.conditions.binary_search_by_key(&tag, |(tag, _)| *tag).ok()?;
        self.conditions.get(index).map(|(_, condition)| condition)
    }

    /// All keys, universal ones too.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, &Condition)> {
        self.conditions.iter().map(|(tag, condition)| (*tag, condition))
    }

    /// Keeps those keys that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(Tag, &Condition) -> bool) {
        self.conditions.retain(|(tag, condition)| keep(*tag, condition));
    }

    /// The same without one key.
    #[must_use]
    pub fn without(mut self, tag: Tag) -> Self {
        self.retain(|key, _| key != tag);
        self
    }

    /// Puts a condition in place of what stood there.
    pub fn insert(&mut self, tag: Tag, mut condition: Condition) {
        condition.sort();
        match self.conditions.binary_search_by_key(&tag, |(tag, _)| *tag) {
            Ok(index) => self.conditions[index].1 = condition,
            Err(index) => self.conditions.insert(index, (tag, condition)),
        }
    }

    /// Whether every item matches.
    #[must_use]
    pub fn is_universal(&self) -> bool {
        self.conditions.iter().all(|(_, condition)| condition.is_universal())
    }

    /// Whether the item matches all keys. An attribute that it lacks counts as empty.
    #[must_use]
    pub fn matches(&self, item: &Item) -> bool {
        self.matches_assuming(item, |_| false)
    }

    /// Whether the item matches all keys, where `assumed` says of an attribute that the item lacks
    /// whether it is taken as matching: a server that has matched a key need not return it. An
    /// attribute that the item has, even without a value, is always compared.
    pub fn matches_assuming(&self, item: &Item, assumed: impl Fn(Tag) -> bool) -> bool {
        self.conditions.iter().all(|(tag, condition)| {
            condition.matches(*tag, item) || item.get(*tag).is_none() && assumed(*tag)
        })
    }

    /// Joins ranges of the same form on a date and its time. The condition stands with the date;
    /// the time has become universal.
    fn combine(&mut self) {
        for (date_tag, time_tag) in date_time::PAIRS {
            let combined = match (self.get(*date_tag), self.get(*time_tag)) {
                (Some(Condition::Range(date)), Some(Condition::Range(time))) => {
                    DateTimeRange::new(date.clone(), time.clone(), *time_tag)
                }
                _ => None,
            };
            if let Some(range) = combined {
                self.insert(*date_tag, Condition::DateTimeRange(range));
                self.insert(*time_tag, Condition::Universal);
            }
        }
    }
}
