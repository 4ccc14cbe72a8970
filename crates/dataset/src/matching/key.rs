//! One key to its condition.

use instance::{Tag, Uid, uid::InvalidUid};

use super::{
    Condition, Fuzzy, KEY_LENGTH_MAX, KeyError, Keys, Options, Range, SingleValue, Wildcard,
    condition::Meaning,
    date_time::{Ends, Moment, usual},
    person_name::{self, NamePattern},
};
use crate::{
    element::{VR, vr_of},
    json::{Content, Element, Value},
};

/// Whether the attribute says how to search instead of what for (PS3.4 §C.4.1.1.3).
pub(super) const fn directs_the_query(tag: Tag) -> bool {
    matches!(tag, Tag::SPECIFIC_CHARACTER_SET | Tag(0x0008, 0x0052 | 0x0053 | 0x0054 | 0x0201))
}

/// The condition that an element of an identifier makes.
pub(super) fn condition(tag: Tag, element: &Element, options: Options) -> Result<Condition, KeyError> {
    let values = match &element.content {
        Content::Empty => return Ok(Condition::Universal),
        Content::InlineBinary(_) | Content::BulkDataUri(_) => return Ok(Condition::Unsupported),
        Content::Values(values) => values,
    };
    // The VR of PS3.6 counts where there is one: some devices write another.
    let vr = match vr_of(tag) {
        Some((vr, false)) if vr != VR::OW => vr,
        _ => element.vr,
    };
    match vr {
        VR::SQ => return sequence(tag, values, options),
        VR::UI => return uids(tag, values),
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => return Ok(Condition::Unsupported),
        _ => {}
    }
    let mut conditions = Vec::new();
    for text in values.iter().filter_map(Value::text).filter(|text| !text.is_empty()) {
        if text.chars().count() > KEY_LENGTH_MAX {
            return Err(KeyError::TooLong(tag));
        }
        let condition = one(tag, vr, &text, options)?;
        if condition.is_universal() {
            return Ok(Condition::Universal);
        }
        conditions.push(condition);
    }
    Ok(match conditions.pop() {
        None => Condition::Universal,
        Some(only) if conditions.is_empty() => only,
        Some(last) => {
            conditions.push(last);
            Condition::AnyOf(conditions)
        }
    })
}

fn one(tag: Tag, vr: VR, text: &str, options: Options) -> Result<Condition, KeyError> {
    if text.chars().all(|character| character == '*') {
        return Ok(Condition::Universal);
    }
    if options.empty_value && text == "\"\"" {
        return Ok(Condition::EmptyValue);
    }
    let single = |meaning| Condition::SingleValue(SingleValue { vr, text: text.to_string(), meaning });
    let wild = text.contains(['*', '?']);
    Ok(match vr {
        VR::PN if person_name::is_universal(text) => Condition::Universal,
        VR::PN if options.fuzzy => Condition::Fuzzy(Fuzzy::new(text)),
        VR::DA | VR::TM | VR::DT => return moment(tag, vr, text),
        VR::AE | VR::CS | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UR | VR::UT if wild => {
            Condition::Wildcard(Wildcard::new(vr, text))
        }
        VR::PN => single(Meaning::Name(NamePattern::new(text))),
        VR::DS | VR::IS | VR::FD | VR::FL | VR::SL | VR::SS | VR::SV | VR::UL | VR::US | VR::UV => {
            let number: f64 = text.parse().map_err(|_| KeyError::Number(tag))?;
            single(Meaning::Number(number))
        }
        _ => single(Meaning::Text),
    })
}

/// A date, a time or both, or a range of them. A lone hyphen, which dialogues with two empty fields
/// produce, is universal.
fn moment(tag: Tag, vr: VR, text: &str) -> Result<Condition, KeyError> {
    match Range::parse(vr, text) {
        Some(Ends::Both(range)) => return Ok(Condition::Range(range)),
        Some(Ends::None) => return Ok(Condition::Universal),
        None => {}
    }
    let invalid = match vr {
        VR::DA => KeyError::Date(tag),
        VR::TM => KeyError::Time(tag),
        _ => KeyError::DateTime(tag),
    };
    let moment = Moment::in_key(vr, text).ok_or(invalid)?;
    Ok(Condition::SingleValue(SingleValue { vr, text: usual(vr, text), meaning: Meaning::Moment(moment) }))
}

fn uids(tag: Tag, values: &[Value]) -> Result<Condition, KeyError> {
    let mut uids = Vec::with_capacity(values.len());
    for text in values.iter().filter_map(Value::text) {
        match text.parse::<Uid>() {
            Ok(uid) => uids.push(uid),
            Err(InvalidUid::Empty) => {}
            Err(_) if text == "*" => return Ok(Condition::Universal),
            Err(error) => return Err(KeyError::Uid(tag, error)),
        }
    }
    if uids.is_empty() {
        return Ok(Condition::Universal);
    }
    let mut list = Condition::ListOfUid(uids);
    list.sort();
    Ok(list)
}

/// Sequence matching wants one item (PS3.4 §C.2.2.2.6); empty ones beside it say nothing.
fn sequence(tag: Tag, values: &[Value], options: Options) -> Result<Condition, KeyError> {
    let items = values.iter().filter_map(|value| match value {
        Value::Item(item) if !item.is_empty() => Some(item),
        _ => None,
    });
    let items: Vec<_> = items.take(2).collect();
    match items.as_slice() {
        [] => Ok(Condition::Universal),
        [item] => Ok(Condition::Sequence(Keys::read(item, options)?)),
        _ => Err(KeyError::SeveralItems(tag)),
    }
}
