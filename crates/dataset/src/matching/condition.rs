//! What a key demands of its attribute.

use std::borrow::Cow;

use instance::{Tag, Uid};

use super::{
    DateTimeRange, Fuzzy, Keys, Range, Wildcard,
    date_time::Moment,
    person_name::{NamePattern, of_value},
};
use crate::{
    element::VR,
    json::{Content, Item, Value},
};

/// The kinds of matching (PS3.4 §C.2.2.2), one for each key.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// Every item matches; the key asks for the value only.
    Universal,
    /// The attribute must be absent or empty.
    EmptyValue,
    /// The value that is meant.
    SingleValue(SingleValue),
    /// UIDs, one or more, of which any matches. One alone is single value matching. Among [`Keys`]
    /// they are sorted, each once.
    ListOfUid(Vec<Uid>),
    /// A pattern with `*` and `?`.
    Wildcard(Wildcard),
    /// A range of dates, times or both.
    Range(Range),
    /// A range of dates and one of times that stand for one range of moments.
    DateTimeRange(DateTimeRange),
    /// A person's name, to be matched fuzzily.
    Fuzzy(Fuzzy),
    /// Several values, never of UI, of which any matches. Each is one of the kinds above.
    AnyOf(Vec<Self>),
    /// At least one item of the sequence must match all keys.
    Sequence(Keys),
    /// A key of binary data, which nothing here can match. Every item does, as with an optional key
    /// that is not supported (PS3.4 §C.2.2.1.3).
    Unsupported,
}

/// A value without wildcards.
#[derive(Debug, Clone, PartialEq)]
pub struct SingleValue {
    pub(super) vr: VR,
    pub(super) text: String,
    pub(super) meaning: Meaning,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    Text,
    Number(f64),
    Name(NamePattern),
    Moment(Moment),
}

impl SingleValue {
    /// The VR of the key.
    #[must_use]
    pub const fn vr(&self) -> VR {
        self.vr
    }

    /// The value without padding; dates as eight digits, times without colons, person names with
    /// their `^` and `=`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn matches(&self, value: &Value) -> bool {
        match &self.meaning {
            Meaning::Text => value.text().is_some_and(|text| text == self.text),
            Meaning::Number(number) => number_of(value) == Some(*number),
            Meaning::Name(pattern) => of_value(value).is_some_and(|name| pattern.matches(&name)),
            Meaning::Moment(moment) => value
                .text()
                .and_then(|text| Moment::in_data(self.vr, &text))
                .is_some_and(|at| moment.holds(&at)),
        }
    }
}

impl Condition {
    /// Whether every item matches.
    #[must_use]
    pub fn is_universal(&self) -> bool {
        match self {
            Self::Universal | Self::Unsupported => true,
            Self::Sequence(keys) => keys.is_universal(),
            _ => false,
        }
    }

    /// The UIDs of a key of UI; none for other keys and universal ones.
    #[must_use]
    pub fn uids(&self) -> Option<&[Uid]> {
        match self {
            Self::ListOfUid(uids) => Some(uids),
            _ => None,
        }
    }

    /// The UID of a key of UI with exactly one value.
    #[must_use]
    pub fn single_uid(&self) -> Option<&Uid> {
        match self.uids() {
            Some([uid]) => Some(uid),
            _ => None,
        }
    }

    /// The key as an identifier holds it, several values with backslashes between; none for
    /// universal keys and sequences. A combined range gives its dates.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Universal | Self::Unsupported | Self::Sequence(_) => return None,
            Self::EmptyValue => Cow::Borrowed("\"\""),
            Self::SingleValue(single) => Cow::Borrowed(single.text()),
            Self::Wildcard(wildcard) => Cow::Borrowed(wildcard.text()),
            Self::Fuzzy(fuzzy) => Cow::Borrowed(fuzzy.text()),
            Self::Range(range) => Cow::Owned(range.to_string()),
            Self::DateTimeRange(range) => Cow::Owned(range.date().to_string()),
            Self::ListOfUid(uids) => Cow::Owned(uids.iter().map(Uid::as_str).collect::<Vec<_>>().join("\\")),
            Self::AnyOf(conditions) => {
                let texts: Vec<_> = conditions.iter().filter_map(Self::text).collect();
                Cow::Owned(texts.join("\\"))
            }
        })
    }

    /// Whether the attribute of `item` meets the condition, where lists of UIDs are sorted.
    pub(super) fn matches(&self, tag: Tag, item: &Item) -> bool {
        match self {
            Self::Universal | Self::Unsupported => true,
            Self::DateTimeRange(range) => range.matches(tag, item),
            Self::EmptyValue => item.get(tag).is_none_or(|element| element.content == Content::Empty),
            Self::Sequence(keys) => keys.is_universal() || item.items(tag).any(|item| keys.matches(item)),
            _ => item.values(tag).iter().any(|value| self.matches_value(value)),
        }
    }

    /// Sorts a list of UIDs, which may have thousands and is looked into for every row.
    pub(super) fn sort(&mut self) {
        if let Self::ListOfUid(uids) = self {
            uids.sort_unstable();
            uids.dedup();
        }
    }

    fn matches_value(&self, value: &Value) -> bool {
        match self {
            Self::SingleValue(single) => single.matches(value),
            Self::ListOfUid(uids) => {
                value.text().is_some_and(|text| uids.binary_search_by(|uid| uid.as_str().cmp(&text)).is_ok())
            }
            Self::Wildcard(wildcard) => wildcard.matches(value),
            Self::Range(range) => value
                .text()
                .and_then(|text| Moment::in_data(range.vr(), &text))
                .is_some_and(|at| range.holds(&at)),
            Self::Fuzzy(fuzzy) => of_value(value).is_some_and(|name| fuzzy.matches(&name)),
            Self::AnyOf(conditions) => conditions.iter().any(|condition| condition.matches_value(value)),
            _ => false,
        }
    }
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        _ => value.text()?.trim().parse().ok(),
    }
}
