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
    level::{INSTANCE_AVAILABILITY, Level, QUERY_RETRIEVE_LEVEL, RETRIEVE_AE_TITLE, RETRIEVE_URL},
};
use crate::config::{PeerQuery, UnsupportedKeys, WarnFf01};

/// What answers of one query have in common.
pub(crate) struct Answers {
    /// What every answer has.
    fixed: [(Tag, Element); 3],
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
    /// For results of `level` that can be retrieved from `retrieve_ae_title`.
    pub(crate) fn new(
        level: Level,
        retrieve_ae_title: &AeTitle,
        encoding: Encoding,
        peer: &PeerQuery,
    ) -> Self {
        Self {
            fixed: [
                (QUERY_RETRIEVE_LEVEL, Element::text(VR::CS, level.as_str())),
                (RETRIEVE_AE_TITLE, Element::text(VR::AE, retrieve_ae_title.as_str())),
                (INSTANCE_AVAILABILITY, Element::text(VR::CS, "ONLINE")),
            ],
            encoding,
            on_unmappable: peer.on_unmappable,
            unsupported_keys: peer.unsupported_keys,
            warn: peer.warn_ff01 == WarnFf01::Yes,
        }
    }

    /// The answer that shows `found`, as far as it was asked for. `incomplete` says that not everything
    /// could be searched by a key.
    pub(crate) fn answer(&self, request: &Request, mut found: Item, incomplete: bool) -> Answer {
        let mut item = Item::with_capacity(request.shown.len() + self.fixed.len());
        let mut unsupported = request.has_unsupported || incomplete;
        for (tag, wanted) in request.shown.iter().filter(|(tag, _)| tag.element() != 0) {
            match shown(tag, wanted, &mut found, request.level) {
                Some(element) => _ = item.insert(tag, element),
                None => {
                    unsupported = true;
                    if self.unsupported_keys == UnsupportedKeys::Empty {
                        item.insert(tag, Element::empty(wanted.vr));
                    }
                }
            }
        }
        for (tag, element) in &self.fixed {
            item.insert(*tag, element.clone());
        }
        let written = encode_for(&item, self.encoding, &request.character_set, self.on_unmappable);
        Answer { identifier: written.bytes.into(), warns: unsupported && self.warn }
    }
}

/// The attribute as the result has it; empty where it belongs to the level and the result has none, and
/// nothing where it is no key that is supported.
fn shown(tag: Tag, wanted: &Element, found: &mut Item, level: Level) -> Option<Element> {
    let of_level = Level::of_attribute(tag);
    if tag == RETRIEVE_URL || of_level.is_some_and(|of| of > level) {
        return None;
    }
    match found.remove(tag) {
        Some(element) => Some(part_of(wanted, element)),
        None => of_level.map(|_| Element::empty(wanted.vr)),
    }
}

/// Of sequences what the items of the key ask for; a key without items asks for all.
pub(crate) fn part_of(wanted: &Element, found: Element) -> Element {
    // Nobody could follow it from an identifier.
    if matches!(found.content, Content::BulkDataUri(_)) {
        return Element::empty(found.vr);
    }
    let keys = match &wanted.content {
        Content::Values(keys) => keys.first(),
        _ => None,
    };
    let keys = keys.filter(|key| matches!(key, Value::Item(item) if !item.is_empty()));
    let Some(Value::Item(keys)) = keys else { return found };
    let Content::Values(values) = found.content else { return found };
    let part = |value| match value {
        Value::Item(mut item) => {
            let key = |(tag, wanted): (Tag, &Element)| match item.remove(tag) {
                Some(found) => (tag, part_of(wanted, found)),
                None => (tag, Element::empty(wanted.vr)),
            };
            Value::Item(keys.iter().map(key).collect())
        }
        value => value,
    };
    Element::values(found.vr, values.into_iter().map(part).collect())
}

#[cfg(test)]
mod tests;
