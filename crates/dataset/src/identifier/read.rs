//! Bytes to an identifier.

use std::sync::Arc;

use instance::{Encoding, Tag};

use super::{
    DEPTH_MAX, Identifier, IdentifierError, Limits,
    value::{content, is_in_character_set},
};
use crate::{
    character_set::{CharacterSet, UnknownTerm},
    element::{self, ElementError, Event, Header, Mode, Reader, VR},
    json::{Content, Element, Item, Value},
    scan::inflate_whole,
};

/// (0028,0103) Pixel Representation.
const PIXEL_REPRESENTATION: Tag = Tag(0x0028, 0x0103);

pub(super) fn read(
    bytes: &[u8],
    encoding: Encoding,
    assumed: Option<&CharacterSet>,
    limits: Limits,
) -> Result<Identifier, IdentifierError> {
    if bytes.len() > limits.length_max {
        return Err(IdentifierError::TooLong);
    }
    let inflated;
    let bytes = if encoding == Encoding::DeflatedExplicitVrLittleEndian && !bytes.is_empty() {
        inflated = inflate_whole(bytes, limits.length_max)?;
        &inflated
    } else {
        bytes
    };
    let may_cost = element::Limits { depth_max: DEPTH_MAX, elements_max: limits.elements_max };
    let mut reader = Reader::new(encoding.into(), Mode::EnterSequences, may_cost);
    let mut building = Building::new(assumed, limits.values_max);
    let mut rest = bytes;
    while let Some(event) = reader.next(&mut rest)? {
        building.event(event)?;
    }
    building.end_of_last_value()?;
    if !reader.may_end_unclosed() && !building.last_pad_was_missing {
        return Err(IdentifierError::Truncated(reader.top_level().unwrap_or(Tag(0, 0))));
    }
    Ok(building.finish())
}

/// The open data set and items, outermost first, and what has been read of the element at hand.
struct Building {
    outer: Level,
    inner: Vec<Level>,
    element: Option<(Header, Vec<u8>)>,
    values: usize,
    values_max: usize,
    last_pad_was_missing: bool,
}

struct Level {
    elements: Vec<(Tag, Element)>,
    /// The sequence that is open in it.
    sequence: Option<(Tag, Vec<Value>)>,
    text: Arc<Text>,
    signed_pixels: bool,
}

/// What text of a level is written in.
struct Text {
    character_set: CharacterSet,
    named: bool,
    /// A term of (0008,0005) that is not known.
    unknown: Option<String>,
}

impl Level {
    fn new(text: Arc<Text>, signed_pixels: bool) -> Self {
        Self { elements: Vec::new(), sequence: None, text, signed_pixels }
    }

    fn insert(&mut self, tag: Tag, element: Element) {
        let left_out = tag.element() == 0 || tag.group() < 0x0004 || tag == Tag(0xFFFC, 0xFFFC);
        if !left_out {
            self.elements.push((tag, element));
        }
    }

    /// Of an element that occurs twice the first one counts.
    fn into_item(self) -> Item {
        self.elements.into_iter().rev().collect()
    }

    fn end_sequence(&mut self) {
        if let Some((tag, items)) = self.sequence.take() {
            self.insert(tag, Element::values(VR::SQ, items));
        }
    }
}

impl Building {
    fn new(assumed: Option<&CharacterSet>, values_max: usize) -> Self {
        let character_set = assumed.cloned().unwrap_or_default();
        let text = Text { character_set, named: false, unknown: None };
        Self {
            outer: Level::new(Arc::new(text), false),
            inner: Vec::new(),
            element: None,
            values: 0,
            values_max,
            last_pad_was_missing: false,
        }
    }

    fn level(&mut self) -> &mut Level {
        self.inner.last_mut().unwrap_or(&mut self.outer)
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), IdentifierError> {
        if let Event::Element(header) | Event::SequenceStart(header) | Event::FragmentsStart(header) = event
            && !may_be_group(header.tag.group())
        {
            return Err(ElementError::Malformed(header.tag).into());
        }
        match event {
            Event::Element(header) => self.element = Some((header, Vec::new())),
            Event::Value(piece) => {
                if let Some((_, bytes)) = &mut self.element {
                    bytes.extend_from_slice(piece);
                }
            }
            Event::ValueEnd => {
                if let Some((header, bytes)) = self.element.take() {
                    self.end_of_value(header, &bytes)?;
                }
            }
            Event::SequenceStart(header) => self.level().sequence = Some((header.tag, Vec::new())),
            Event::SequenceEnd => self.level().end_sequence(),
            Event::ItemStart => {
                self.count(1, Tag(0xFFFE, 0xE000))?;
                let (text, signed_pixels) = (Arc::clone(&self.level().text), self.level().signed_pixels);
                self.inner.push(Level::new(text, signed_pixels));
            }
            Event::ItemEnd => self.end_item(),
            // An identifier has no use for what is encapsulated.
            Event::FragmentsStart(header) => self.level().insert(header.tag, Element::empty(header.vr)),
            Event::Fragment(_) => self.element = None,
            Event::FragmentsEnd => {}
        }
        Ok(())
    }

    fn end_item(&mut self) {
        if let Some(mut ended) = self.inner.pop() {
            ended.end_sequence();
            if let Some((_, items)) = &mut self.level().sequence {
                items.push(Value::Item(ended.into_item()));
            }
        }
    }

    /// Some devices count a pad byte into the length of the last value and do not send it.
    fn end_of_last_value(&mut self) -> Result<(), IdentifierError> {
        if let Some((header, bytes)) = self.element.take()
            && header.length.is_some_and(|length| length as usize == bytes.len() + 1)
        {
            self.last_pad_was_missing = true;
            self.end_of_value(header, &bytes)?;
        }
        Ok(())
    }

    fn end_of_value(&mut self, header: Header, bytes: &[u8]) -> Result<(), IdentifierError> {
        let tag = header.tag;
        if tag == Tag::SPECIFIC_CHARACTER_SET {
            self.name_character_set(bytes);
            return Ok(());
        }
        let level = self.level();
        let vr = if header.us_or_ss && level.signed_pixels { VR::SS } else { header.vr };
        if tag == PIXEL_REPRESENTATION {
            level.signed_pixels = bytes.contains(&1);
        }
        let text = Arc::clone(&level.text);
        self.count(1 + bytes.iter().filter(|byte| **byte == b'\\').count(), tag)?;
        let beyond_ascii = is_in_character_set(vr) && bytes.iter().any(|byte| *byte > 0x7F || *byte == 0x1B);
        if let Some(term) = text.unknown.as_ref().filter(|_| beyond_ascii) {
            return Err(IdentifierError::UnknownCharacterSet(term.clone()));
        }
        let mut content = content(vr, header.form, bytes, &text.character_set);
        if beyond_ascii && !is_decoded(&content) {
            if text.named {
                return Err(IdentifierError::Undecodable(tag));
            }
            // What was only assumed may be wrong; the default repertoire has its own ways out.
            content = self::content(vr, header.form, bytes, &CharacterSet::default());
        }
        self.level().insert(tag, Element { vr, content });
        Ok(())
    }

    fn count(&mut self, values: usize, tag: Tag) -> Result<(), IdentifierError> {
        self.values += values;
        if self.values > self.values_max { Err(IdentifierError::TooManyValues(tag)) } else { Ok(()) }
    }

    /// (0008,0005) holds for its level and those inside (PS3.3 §C.12.1.1.2); without a value it
    /// says nothing.
    fn name_character_set(&mut self, bytes: &[u8]) {
        let value = String::from_utf8_lossy(bytes);
        let value = value.trim_matches([' ', '\0']);
        if value.is_empty() {
            return;
        }
        let level = self.level();
        level.text = Arc::new(match value.parse::<CharacterSet>() {
            Ok(_) => {
                Text { character_set: CharacterSet::from_value(value.as_bytes()), named: true, unknown: None }
            }
            Err(UnknownTerm(term)) => Text {
                character_set: level.text.character_set.clone(),
                named: level.text.named,
                unknown: Some(term),
            },
        });
    }

    fn finish(mut self) -> Identifier {
        while !self.inner.is_empty() {
            self.end_item();
        }
        self.outer.end_sequence();
        let text = Arc::clone(&self.outer.text);
        Identifier {
            item: self.outer.into_item(),
            character_set: text.character_set.clone(),
            character_set_named: text.named,
        }
    }
}

/// Whether elements may have this group number (PS3.5 §7.8.1). Bytes that are no data set at all, such as a
/// block of FF, would otherwise read as elements that nobody knows.
const fn may_be_group(group: u16) -> bool {
    !matches!(group, 0x0001 | 0x0003 | 0x0005 | 0x0007 | 0xFFFF)
}

fn is_decoded(content: &Content) -> bool {
    let Content::Values(values) = content else {
        return true;
    };
    values.iter().all(|value| match value {
        Value::Text(text) => !text.contains(char::REPLACEMENT_CHARACTER),
        Value::Name(name) => !name.to_string().contains(char::REPLACEMENT_CHARACTER),
        _ => true,
    })
}
