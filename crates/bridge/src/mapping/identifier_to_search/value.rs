//! The value of one key.

use dataset::{
    element::VR,
    matching::{Condition, Range},
};
use dicomweb::{profile::SearchCapabilities, search::MatchValue};
use instance::{Tag, Uid};

use super::person_name;

/// Most characters of a text that is sent: longer ones are of VRs that servers do not index, and
/// would fill the URL. 64 is the length of LO and PN (PS3.5 §6.2).
const TEXT_LENGTH_MAX: usize = 64;

/// What a key is searched for by.
#[derive(Debug, PartialEq)]
pub(super) struct Values {
    /// Any of these, each in a search of its own.
    pub(super) alternatives: Vec<MatchValue>,
    /// Whether they are meant fuzzily.
    pub(super) fuzzy: bool,
}

impl Values {
    fn one(text: impl Into<String>) -> Self {
        Self { alternatives: vec![MatchValue::Text(text.into())], fuzzy: false }
    }
}

/// Values that find at least all that the condition matches; none where the origin has no such value,
/// so that the key is left out.
pub(super) fn values(tag: Tag, condition: &Condition, capabilities: &SearchCapabilities) -> Option<Values> {
    match condition {
        Condition::ListOfUid(uids) => Some(list_of_uid(uids, capabilities)),
        Condition::SingleValue(single) => match single.vr() {
            VR::PN => names(tag, single.text(), capabilities),
            VR::TM => time_range(tag, Some(single.text()), Some(single.text()), capabilities),
            VR::DA => Some(Values::one(single.text())),
            VR::IS | VR::DS if capabilities.numbers_as_text => None,
            VR::AE | VR::AS | VR::CS | VR::IS | VR::DS | VR::LO | VR::SH | VR::UC | VR::UI => {
                text(single.text(), capabilities)
            }
            _ => None,
        },
        Condition::Wildcard(wildcard) if wildcard.vr() == VR::PN => names(tag, wildcard.text(), capabilities),
        Condition::Wildcard(wildcard) if capabilities.wildcard => text(wildcard.text(), capabilities),
        Condition::Range(range) => match range.vr() {
            VR::DA => date_range(tag, range, capabilities),
            VR::TM => time_range(tag, range.from(), range.to(), capabilities),
            _ => None,
        },
        Condition::DateTimeRange(range) => date_range(tag, range.date(), capabilities),
        Condition::Fuzzy(fuzzy) if capabilities.fuzzy.has(tag) => {
            let word = person_name::word(fuzzy.text())?;
            Some(Values { alternatives: vec![MatchValue::Text(word)], fuzzy: true })
        }
        Condition::AnyOf(conditions) => {
            let mut any = Values { alternatives: Vec::new(), fuzzy: false };
            for condition in conditions {
                let values = values(tag, condition, capabilities)?;
                any.fuzzy |= values.fuzzy;
                any.alternatives.extend(values.alternatives);
            }
            any.alternatives.dedup();
            (!any.alternatives.is_empty()).then_some(any)
        }
        _ => None,
    }
}

/// Lists where the origin takes them, as long as it takes them.
fn list_of_uid(uids: &[Uid], capabilities: &SearchCapabilities) -> Values {
    let length = if capabilities.uid_list { capabilities.uid_list_max.max(1) } else { 1 };
    let lists = uids.chunks(length).map(|uids| MatchValue::ListOfUid(uids.to_vec()));
    Values { alternatives: lists.collect(), fuzzy: false }
}

fn names(tag: Tag, text: &str, capabilities: &SearchCapabilities) -> Option<Values> {
    if text.chars().count() > TEXT_LENGTH_MAX {
        return None;
    }
    let found = person_name::values(tag, text, capabilities)?;
    // A comma would part the name into two.
    let commas = capabilities.comma_separates && found.texts.iter().any(|text| text.contains(','));
    if commas {
        return None;
    }
    let alternatives = found.texts.into_iter().map(MatchValue::Text).collect();
    Some(Values { alternatives, fuzzy: found.fuzzy })
}

/// A text or a pattern. Where a comma parts values it is left to a wildcard.
fn text(text: &str, capabilities: &SearchCapabilities) -> Option<Values> {
    if text.chars().count() > TEXT_LENGTH_MAX {
        return None;
    }
    match (capabilities.comma_separates && text.contains(','), capabilities.wildcard) {
        (false, _) => Some(Values::one(text)),
        (true, true) => Some(Values::one(text.replace(',', "?"))),
        (true, false) => None,
    }
}

fn date_range(tag: Tag, range: &Range, capabilities: &SearchCapabilities) -> Option<Values> {
    if !capabilities.ranges.has(tag) {
        return None;
    }
    let end = |end: Option<&str>| end.unwrap_or_default().to_owned();
    Some(Values::one(format!("{}-{}", end(range.from()), end(range.to()))))
}

/// A range of times is widened at both ends: a time of limited precision stands for its beginning in
/// data and for its end in a key, and servers that compare text know neither.
fn time_range(
    tag: Tag,
    from: Option<&str>,
    to: Option<&str>,
    capabilities: &SearchCapabilities,
) -> Option<Values> {
    if !capabilities.ranges.has(tag) {
        return None;
    }
    let from = from.map(shortest).unwrap_or_default();
    let to = to.map(longest).unwrap_or_default();
    Some(Values::one(format!("{from}-{to}")))
}

/// 100000.0 as 10, which is before every other way to write it.
fn shortest(time: &str) -> &str {
    let time = match time.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        _ => time,
    };
    let mut shortest = time;
    while shortest.len() > 2
        && let Some(shorter) = shortest.strip_suffix("00")
    {
        shortest = shorter;
    }
    shortest
}

/// 10 as 105959.999999, the last moment that it may mean.
fn longest(time: &str) -> String {
    const LAST: &str = "235959.999999";
    let rest = LAST.get(time.len()..).unwrap_or_default();
    format!("{time}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_widened_to_all_that_they_may_mean() {
        let cases = [
            ("10", "10", "105959.999999"),
            ("1000", "10", "100059.999999"),
            ("100000", "10", "100000.999999"),
            ("100000.000", "10", "100000.000999"),
            ("000000", "00", "000000.999999"),
            ("103000", "1030", "103000.999999"),
            ("103000.5", "103000.5", "103000.599999"),
        ];
        for (time, from, to) in cases {
            assert_eq!((shortest(time), longest(time).as_str()), (from, to), "{time}");
        }
    }
}
