//! The identifiers of answers (PS3.4 §K.4.1.1.3.2).

use bytes::Bytes;
use dataset::{
    element::VR,
    identifier::encode_for,
    json::{Element, Item},
};
use instance::{AeTitle, Encoding};

use super::request::Request;
use crate::{
    config::{PeerQuery, UnsupportedKeys, WarnFf01},
    service::query::part_of,
    worklist::{
        Attribute, BESIDE_STEP, Entry, OF_STEP, ReturnType, STATION_AE_TITLE, STEP_STATUS, STEPS, step,
    },
};

/// What answers of one query have in common.
pub(super) struct Answers {
    encoding: Encoding,
    /// Stands in orders for any station.
    calling: AeTitle,
    peer: PeerQuery,
}

/// The identifier of an answer, and whether it lacks an optional key that is not supported.
pub(super) struct Answer {
    pub(super) identifier: Bytes,
    pub(super) warns: bool,
}

/// What an answer is made of so far.
struct Making {
    item: Item,
    unsupported: bool,
}

impl Answers {
    pub(super) const fn new(calling: AeTitle, encoding: Encoding, peer: PeerQuery) -> Self {
        Self { encoding, calling, peer }
    }

    /// The answer that shows an entry whose step has this status, as far as it was asked for.
    pub(super) fn answer(&self, request: &Request, entry: &Entry, status: &str) -> Answer {
        let mut making = Making { item: Item::new(), unsupported: false };
        for (tag, wanted) in request.shown.iter().filter(|(tag, _)| tag.element() != 0) {
            self.show(&mut making, tag, wanted, entry.item.get(tag), BESIDE_STEP);
        }
        if let Some(wanted) = &request.shown_of_step {
            let step = self.step(wanted, entry, status);
            making.unsupported |= step.unsupported;
            making.item.insert(STEPS, Element::sequence([step.item]));
        }
        let written =
            encode_for(&making.item, self.encoding, &request.character_set, self.peer.on_unmappable);
        let warns = making.unsupported && self.peer.warn_ff01 == WarnFf01::Yes;
        Answer { identifier: written.bytes.into(), warns }
    }

    /// The one item of (0040,0100): what is asked for of it, or all of it.
    fn step(&self, wanted: &Item, entry: &Entry, status: &str) -> Making {
        let nothing = Item::new();
        let held = step(entry).unwrap_or(&nothing);
        let station = Element::text(VR::AE, self.calling.as_str());
        let status = Element::text(VR::CS, status);
        let mut making = Making { item: Item::new(), unsupported: false };
        let everything: Item;
        let wanted = if wanted.is_empty() {
            everything = whole(held);
            &everything
        } else {
            wanted
        };
        for (tag, wanted) in wanted.iter().filter(|(tag, _)| tag.element() != 0) {
            let found = match tag {
                STATION_AE_TITLE => Some(held.get(tag).unwrap_or(&station)),
                STEP_STATUS => Some(&status),
                _ => held.get(tag),
            };
            self.show(&mut making, tag, wanted, found, OF_STEP);
        }
        making
    }

    /// Shows an attribute as the entry has it; empty where it is a key that is supported and has no value.
    fn show(
        &self,
        making: &mut Making,
        tag: instance::Tag,
        wanted: &Element,
        found: Option<&Element>,
        supported: &[Attribute],
    ) {
        let element = match found {
            Some(found) => part_of(wanted, found.clone()),
            None if supported.binary_search_by_key(&tag, |attribute| attribute.tag).is_ok() => {
                Element::empty(wanted.vr)
            }
            None => {
                making.unsupported = true;
                if self.peer.unsupported_keys == UnsupportedKeys::Omit {
                    return;
                }
                Element::empty(wanted.vr)
            }
        };
        making.item.insert(tag, element);
    }
}

/// Everything that is known of an entry whose step has this status, and empty what of types 1 and 2 is not.
pub(super) fn everything(calling: &AeTitle, entry: &Entry, status: &str) -> Item {
    let nothing = Item::new();
    let mut step = with_empty(step(entry).unwrap_or(&nothing), OF_STEP);
    if step.values(STATION_AE_TITLE).is_empty() {
        step.insert(STATION_AE_TITLE, Element::text(VR::AE, calling.as_str()));
    }
    step.insert(STEP_STATUS, Element::text(VR::CS, status));
    let mut item = with_empty(&entry.item, BESIDE_STEP);
    item.insert(STEPS, Element::sequence([step]));
    item
}

fn with_empty(item: &Item, table: &[Attribute]) -> Item {
    let mut item = item.clone();
    for attribute in table.iter().filter(|attribute| attribute.return_type != ReturnType::Three) {
        if item.get(attribute.tag).is_none() {
            item.insert(attribute.tag, Element::empty(attribute.vr));
        }
    }
    item
}

/// Everything that an answer may have of a step, as a key without values asks for it.
fn whole(held: &Item) -> Item {
    let always = OF_STEP.iter().filter(|attribute| attribute.return_type != ReturnType::Three);
    let always = always.map(|attribute| (attribute.tag, Element::empty(attribute.vr)));
    let status = (STEP_STATUS, Element::empty(VR::CS));
    always
        .chain([status])
        .chain(held.iter().map(|(tag, element)| (tag, Element::empty(element.vr))))
        .collect()
}
