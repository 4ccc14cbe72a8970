//! The identifiers of answers (PS3.4 §C.4.1.1.3.2).

use bytes::Bytes;
use dataset::{
    element::VR,
    identifier::{OnUnmappable, encode_for},
    json::{Content, Element, Item, Value},
};
use instance::{AeTitle, Encoding, Tag};

use super::{
    Request,
    level::{INSTANCE_AVAILABILITY, Level, QUERY_RETRIEVE_LEVEL, RETRIEVE_AE_TITLE},
};
use crate::config::{PeerQuery, UnsupportedKeys, WarnFf01};

/// What answers of one query have in common.
pub(crate) struct Answers {
    retrieve_ae_title: AeTitle,
    encoding: Encoding,
    on_unmappable: OnUnmappable,
    unsupported_keys: UnsupportedKeys,
    warn: bool,
}

/// The identifier of an answer, and whether it lacks an optional key that is not supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) identifier: Bytes,
    pub(crate) warns: bool,
}

impl Answers {
    pub(crate) fn new(retrieve_ae_title: &AeTitle, encoding: Encoding, peer: &PeerQuery) -> Self {
        Self {
            retrieve_ae_title: retrieve_ae_title.clone(),
            encoding,
            on_unmappable: peer.on_unmappable,
            unsupported_keys: peer.unsupported_keys,
            warn: peer.warn_ff01 == WarnFf01::Yes,
        }
    }

    /// The answer that shows `found`, as far as it was asked for. `given` are attributes that belong to
    /// every result although the origin gave none.
    pub(crate) fn answer(&self, request: &Request, found: &Item, incomplete: bool) -> Answer {
        let mut item = Item::new();
        let mut unsupported = request.has_unsupported || incomplete;
        for (tag, wanted) in request.shown.iter().filter(|(tag, _)| tag.element() != 0) {
            match shown(tag, wanted, found, request.level) {
                Some(element) => _ = item.insert(tag, element),
                None => {
                    unsupported = true;
                    if self.unsupported_keys == UnsupportedKeys::Empty {
                        item.insert(tag, Element::empty(wanted.vr));
                    }
                }
            }
        }
        item.insert(QUERY_RETRIEVE_LEVEL, Element::text(VR::CS, request.level.as_str()));
        item.insert(RETRIEVE_AE_TITLE, Element::text(VR::AE, self.retrieve_ae_title.as_str()));
        item.insert(INSTANCE_AVAILABILITY, Element::text(VR::CS, "ONLINE"));
        let written = encode_for(&item, self.encoding, &request.character_set, self.on_unmappable);
        Answer { identifier: written.bytes.into(), warns: unsupported && self.warn }
    }
}

/// The attribute as the result has it; empty where it belongs to the level and the result has none, and
/// nothing where it is no key that is supported.
fn shown(tag: Tag, wanted: &Element, found: &Item, level: Level) -> Option<Element> {
    let of_level = Level::of_attribute(tag);
    if of_level.is_some_and(|of| of > level) {
        return None;
    }
    match found.get(tag) {
        Some(element) => Some(part_of(wanted, element)),
        None => of_level.map(|_| Element::empty(wanted.vr)),
    }
}

/// Of sequences what the items of the key ask for; a key without items asks for all.
fn part_of(wanted: &Element, found: &Element) -> Element {
    let Content::Values(values) = &found.content else {
        return match &found.content {
            // Nobody could follow it from an identifier.
            Content::BulkDataUri(_) => Element::empty(found.vr),
            _ => found.clone(),
        };
    };
    let keys = match &wanted.content {
        Content::Values(keys) => keys.first(),
        _ => None,
    };
    let Some(Value::Item(keys)) = keys.filter(|key| matches!(key, Value::Item(item) if !item.is_empty()))
    else {
        return found.clone();
    };
    let part = |value: &Value| match value {
        Value::Item(item) => Value::Item(
            keys.iter()
                .map(|(tag, wanted)| {
                    (
                        tag,
                        item.get(tag)
                            .map_or_else(|| Element::empty(wanted.vr), |found| part_of(wanted, found)),
                    )
                })
                .collect(),
        ),
        value => value.clone(),
    };
    Element::values(found.vr, values.iter().map(part).collect())
}

#[cfg(test)]
mod tests;
