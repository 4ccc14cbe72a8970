//! JSON values to the model, with tolerance. The depth is bounded by `serde_json`, which reads at
//! most 128 levels, 42 of sequences.

use base64::{Engine, engine::general_purpose::STANDARD};
use dicom_core::{
    VR,
    dictionary::{DataDictionary, DataDictionaryEntry},
};
use dicom_dictionary_std::StandardDataDictionary;
use instance::Tag;
use serde_json::{Map, Number, Value as Json};

use super::{Content, Element, Item, PersonName, Value, model::integer};
use crate::element::vr_of;

/// Reads an object; none for anything else. Counts the elements that had to be left out.
pub(super) fn read(json: Json, dropped: &mut u64) -> Option<Item> {
    let Json::Object(members) = json else {
        return None;
    };
    let mut elements = Vec::with_capacity(members.len());
    for (key, member) in members {
        match tag(&key).and_then(|tag| Some((tag, element(tag, member, dropped)?))) {
            Some(element) => elements.push(element),
            None => *dropped += 1,
        }
    }
    Some(elements.into_iter().collect())
}

/// The attribute that `00081030`, `0008,1030`, `(0008,1030)` or a keyword of PS3.6 names.
#[must_use]
pub fn tag(key: &str) -> Option<Tag> {
    if key.len() == 8 && key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return u32::from_str_radix(key, 16).ok().map(Tag::from);
    }
    let digits: String = key.chars().filter(|c| !matches!(c, '(' | ',' | ')' | ' ')).collect();
    if digits.len() == 8
        && let Ok(tag) = u32::from_str_radix(&digits, 16)
    {
        return Some(Tag::from(tag));
    }
    let tag = StandardDataDictionary.by_name(key)?.tag();
    Some(Tag(tag.group(), tag.element()))
}

/// The keyword of PS3.6 that names an attribute; none for one that it does not have.
#[must_use]
pub fn keyword(tag: Tag) -> Option<&'static str> {
    let entry = StandardDataDictionary.by_tag(dicom_core::Tag(tag.group(), tag.element()))?;
    Some(entry.alias()).filter(|alias| !alias.is_empty())
}

fn element(tag: Tag, json: Json, dropped: &mut u64) -> Option<Element> {
    let known = vr_of(tag).map(|(vr, _)| vr);
    let mut members = match json {
        Json::Object(members) => members,
        Json::Null => return Some(Element::empty(known.unwrap_or(VR::UN))),
        // Value without its object around.
        values => Map::from_iter([("Value".to_owned(), values)]),
    };
    let written = take(&mut members, "vr").and_then(|vr| vr.as_str().and_then(|vr| vr.trim().parse().ok()));
    let value = take(&mut members, "Value");
    let vr = match (written.or(known), &value) {
        (Some(vr), _) => vr,
        (None, Some(Json::Array(values))) if values.iter().any(Json::is_object) => VR::SQ,
        (None, _) => VR::UN,
    };
    if let Some(Json::String(uri)) = take(&mut members, "BulkDataURI") {
        return Some(Element { vr, content: Content::BulkDataUri(uri) });
    }
    if let Some(Json::String(text)) = take(&mut members, "InlineBinary") {
        let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let bytes = STANDARD.decode(text).ok()?;
        return Some(Element { vr, content: Content::InlineBinary(bytes) });
    }
    let values = match value {
        None | Some(Json::Null) => return Some(Element::empty(vr)),
        Some(Json::Array(values)) => values,
        Some(single) => vec![single],
    };
    let count = values.len();
    let values: Vec<Value> = values.into_iter().filter_map(|json| self::value(vr, json, dropped)).collect();
    // A value that cannot be understood spoils the element: positions have a meaning.
    (values.len() == count).then(|| Element::values(vr, values))
}

/// A member by its name, in any case.
fn take(members: &mut Map<String, Json>, name: &str) -> Option<Json> {
    if let Some(value) = members.remove(name) {
        return Some(value);
    }
    let key = members.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    members.remove(&key)
}

fn value(vr: VR, json: Json, dropped: &mut u64) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::String(text) => from_text(vr, &text),
        Json::Number(number) => from_number(vr, number),
        Json::Bool(truth) => from_text(vr, &truth.to_string()),
        Json::Object(members) if vr == VR::PN => Some(person_name(members))
            .filter(|name| !name.is_empty())
            .map_or(Value::Null, |name| Value::Name(Box::new(name))),
        json @ Json::Object(_) if vr == VR::SQ => Value::Item(read(json, dropped)?),
        Json::Object(_) | Json::Array(_) => return None,
    })
}

pub(super) fn from_text(vr: VR, text: &str) -> Value {
    let trimmed = text.trim_matches([' ', '\0']);
    if trimmed.is_empty() {
        return Value::Null;
    }
    match vr {
        VR::PN => Value::Name(Box::new(PersonName::parse(trimmed))),
        VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV | VR::FL | VR::FD => {
            trimmed.parse().map_or_else(|_| Value::Text(trimmed.to_owned()), |number| from_number(vr, number))
        }
        _ => Value::Text(text.to_owned()),
    }
}

pub(super) fn from_number(vr: VR, number: Number) -> Value {
    match vr {
        VR::FL | VR::FD | VR::DS => Value::Number(number),
        VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV | VR::IS => {
            let whole = integer(&number).map(Number::from);
            Value::Number(whole.unwrap_or(number))
        }
        _ => from_text(vr, &number.to_string()),
    }
}

fn person_name(mut members: Map<String, Json>) -> PersonName {
    let mut group = |name| match take(&mut members, name) {
        Some(Json::String(text)) => text,
        _ => String::new(),
    };
    PersonName {
        alphabetic: group("Alphabetic"),
        ideographic: group("Ideographic"),
        phonetic: group("Phonetic"),
    }
}
