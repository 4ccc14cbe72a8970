//! An item to bytes.

use std::io::Write;

use instance::{Encoding, Tag};

use super::value::append;
use crate::{
    character_set::CharacterSet,
    element::{Form, VR, Writer, vr_of},
    json::{Content, Element, Item, Value},
};

/// A data set as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The data set in its encoding, deflated where that is part of it.
    pub bytes: Vec<u8>,
    /// Characters that had no place in the character set and became `?`.
    pub replaced: usize,
}

/// What becomes of text that the character set of a request has no place for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnUnmappable {
    /// The whole answer is written in UTF-8, and (0008,0005) says so.
    #[default]
    Utf8,
    /// The characters become `?`; of a person's name, groups of which nothing is left are dropped.
    Replace,
}

/// Writes the item in the order of tags, text in `character_set`. (0008,0005) is written where text
/// goes beyond ASCII (PS3.4 §C.4.1.1.3), whatever the item has in its place; group lengths and the
/// groups of commands and of File Meta Information are left out.
#[must_use]
pub fn write(item: &Item, encoding: Encoding, character_set: &CharacterSet) -> Written {
    if goes_beyond_ascii(item) {
        write_in(item, encoding, character_set)
    } else {
        write_in(item, encoding, &CharacterSet::default())
    }
}

/// Whether all text of the item has its place in `character_set`.
#[must_use]
pub fn fits(item: &Item, character_set: &CharacterSet) -> bool {
    let encoding = Encoding::ExplicitVrLittleEndian;
    !goes_beyond_ascii(item) || write_in(item, encoding, character_set).replaced == 0
}

/// Writes an answer in the character set of its request where that has a place for all text, else
/// as `on_unmappable` says.
#[must_use]
pub fn encode_for(
    item: &Item,
    encoding: Encoding,
    request: &CharacterSet,
    on_unmappable: OnUnmappable,
) -> Written {
    let written = write(item, encoding, request);
    if written.replaced == 0 {
        return written;
    }
    if on_unmappable == OnUnmappable::Replace {
        let mut item = item.clone();
        drop_groups(&mut item, request);
        return Written { replaced: written.replaced, ..write(&item, encoding, request) };
    }
    let in_utf_8 = write(item, encoding, &CharacterSet::utf_8());
    // Damage that no character set mends is no reason for another one.
    if in_utf_8.replaced < written.replaced { in_utf_8 } else { written }
}

/// Leaves out the ideographic and phonetic groups of names that would be question marks alone, which say
/// less than the name in its other groups.
fn drop_groups(item: &mut Item, character_set: &CharacterSet) {
    let is_lost = |group: &str| {
        let letters = group.chars().filter(|letter| !matches!(letter, '^' | ' ')).count();
        letters > 0 && character_set.encode_person_names(group).replaced >= letters
    };
    let tags: Vec<Tag> = item.iter().map(|(tag, _)| tag).collect();
    for tag in tags {
        let Some(mut element) = item.remove(tag) else { continue };
        if let Content::Values(values) = &mut element.content {
            for value in values {
                match value {
                    Value::Name(name) if !name.alphabetic.is_empty() && !is_lost(&name.alphabetic) => {
                        for group in [&mut name.ideographic, &mut name.phonetic] {
                            if is_lost(group) {
                                group.clear();
                            }
                        }
                    }
                    Value::Item(item) => drop_groups(item, character_set),
                    _ => {}
                }
            }
        }
        item.insert(tag, element);
    }
}

fn write_in(item: &Item, encoding: Encoding, character_set: &CharacterSet) -> Written {
    let mut out = Out {
        writer: Writer::new(encoding),
        form: encoding.into(),
        character_set,
        replaced: 0,
        value: Vec::with_capacity(64),
    };
    let terms = character_set.as_str();
    let before = item.iter().take_while(|(tag, _)| *tag < Tag::SPECIFIC_CHARACTER_SET).count();
    for (tag, element) in item.iter().take(before) {
        out.element(tag, element);
    }
    if !terms.is_empty() {
        out.writer.element(Tag::SPECIFIC_CHARACTER_SET, VR::CS, terms.as_bytes());
    }
    for (tag, element) in item.iter().skip(before) {
        out.element(tag, element);
    }
    let Out { writer, replaced, .. } = out;
    let bytes = writer.into_bytes();
    let deflated = encoding == Encoding::DeflatedExplicitVrLittleEndian;
    Written { bytes: if deflated { deflate(&bytes) } else { bytes }, replaced }
}

struct Out<'a> {
    writer: Writer,
    form: Form,
    character_set: &'a CharacterSet,
    replaced: usize,
    /// The value at hand; kept for its room.
    value: Vec<u8>,
}

impl Out<'_> {
    /// The depth of items is bounded by their readers.
    fn element(&mut self, tag: Tag, element: &Element) {
        let left_out = tag == Tag::SPECIFIC_CHARACTER_SET
            || tag.element() == 0
            || tag.group() < 0x0004
            || tag.group() == 0xFFFE;
        if left_out {
            return;
        }
        let vr = vr(tag, element);
        if vr == VR::SQ {
            return self.sequence(tag, element);
        }
        self.value.clear();
        self.replaced += append(vr, &element.content, self.form, self.character_set, &mut self.value);
        let mut written_as = vr;
        if self.form.explicit_vr && self.value.len() > Writer::SHORT_LENGTH_MAX && !Writer::is_long(vr) {
            // UN takes what the length field of the VR cannot tell (PS3.5 §6.2.2).
            written_as = VR::UN;
            if self.form.big_endian {
                self.value.clear();
                let form = Form::IMPLICIT_VR_LITTLE_ENDIAN;
                append(vr, &element.content, form, self.character_set, &mut self.value);
            }
        }
        self.writer.element(tag, written_as, &self.value);
    }

    fn sequence(&mut self, tag: Tag, element: &Element) {
        self.writer.begin_sequence(tag);
        let values: &[Value] = match &element.content {
            Content::Values(values) => values,
            _ => &[],
        };
        for value in values {
            let item = match value {
                Value::Item(item) => Some(item),
                // An item without elements (PS3.18 §F.2.5).
                Value::Null => None,
                _ => continue,
            };
            self.writer.begin_item();
            for (tag, element) in item.into_iter().flat_map(Item::iter) {
                self.element(tag, element);
            }
            self.writer.end_item();
        }
        self.writer.end_sequence();
    }
}

/// The VR to write: that of PS3.6 where it is certain, since a reader of implicit VR takes it too.
fn vr(tag: Tag, element: &Element) -> VR {
    match vr_of(tag) {
        Some((known, false)) if known != VR::OW => known,
        _ => element.vr,
    }
}

fn goes_beyond_ascii(item: &Item) -> bool {
    item.iter().any(|(_, element)| {
        let Content::Values(values) = &element.content else {
            return false;
        };
        values.iter().any(|value| match value {
            Value::Item(item) => goes_beyond_ascii(item),
            Value::Text(text) => !text.is_ascii(),
            Value::Name(name) => ![&name.alphabetic, &name.ideographic, &name.phonetic]
                .into_iter()
                .all(|group| group.is_ascii()),
            Value::Null | Value::Number(_) => false,
        })
    })
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    let written = deflated.write_all(bytes).and_then(|()| deflated.finish());
    // INVARIANT: writing into a vector cannot fail.
    let mut written = written.unwrap_or_default();
    if written.len() % 2 == 1 {
        // PS3.5 §A.5 pads the deflated stream to even length.
        written.push(0);
    }
    written
}
