//! The response data set in the Native DICOM Model (PS3.19 §A.1, PS3.18 §8.7.3.2).

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Item, ResponseDataSet, is_sequence, is_wanted, tag};
use crate::error::Unreadable;

/// Elements of the deepest nesting that is read: a response data set needs seven.
const DEPTH_MAX: usize = 64;

/// An open element, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Sequence(u32),
    Item,
    Attribute(u32),
    Value,
    Other,
}

/// Reads one data set. Names count without their prefixes; anything unknown is passed over.
pub(super) fn read(text: &[u8]) -> Result<ResponseDataSet, Unreadable> {
    let mut reader = Reader::from_reader(text);
    let mut open: Vec<Open> = Vec::new();
    let mut data_set = ResponseDataSet::default();
    let mut item = Item::default();
    let mut sequences = 0;
    loop {
        match reader.read_event().map_err(|_| Unreadable::Malformed)? {
            Event::Start(start) => {
                if open.len() == DEPTH_MAX {
                    return Err(Unreadable::Malformed);
                }
                let element = opened(&start, &open);
                match element {
                    Open::Sequence(_) => sequences += 1,
                    Open::Item => item = Item::default(),
                    Open::Attribute(tag) => item.0.push((tag, String::new())),
                    Open::Value | Open::Other => {}
                }
                open.push(element);
            }
            Event::Empty(start) => {
                if matches!(opened(&start, &open), Open::Sequence(_)) {
                    sequences += 1;
                }
            }
            Event::End(_) => match (open.pop(), open.last()) {
                (Some(Open::Item), Some(Open::Sequence(sequence))) => data_set.push(*sequence, &item),
                (None, _) => return Err(Unreadable::Malformed),
                _ => {}
            },
            Event::Text(text) => {
                let text = text.xml_content().map_err(|_| Unreadable::Malformed)?;
                append(&open, &mut item, &text);
            }
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(character)) => character.to_string(),
                    _ => predefined(&reference).to_owned(),
                };
                append(&open, &mut item, &resolved);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if sequences == 0 || !open.is_empty() {
        return Err(Unreadable::Malformed);
    }
    Ok(data_set)
}

fn opened(start: &BytesStart<'_>, open: &[Open]) -> Open {
    match (start.local_name().as_ref(), open) {
        (b"DicomAttribute", [.., Open::Item]) => match attribute_tag(start) {
            Some(tag) if is_wanted(tag) => Open::Attribute(tag),
            _ => Open::Other,
        },
        (b"DicomAttribute", [_]) => match attribute_tag(start) {
            Some(tag) if is_sequence(tag) => Open::Sequence(tag),
            _ => Open::Other,
        },
        (b"Item", [.., Open::Sequence(_)]) => Open::Item,
        (b"Value", [.., Open::Attribute(_)]) => Open::Value,
        _ => Open::Other,
    }
}

fn attribute_tag(start: &BytesStart<'_>) -> Option<u32> {
    let attribute = start.try_get_attribute("tag").ok()??;
    tag(std::str::from_utf8(&attribute.value).ok()?)
}

fn append(open: &[Open], item: &mut Item, text: &str) {
    if let [.., Open::Attribute(_), Open::Value] = open
        && let Some((_, value)) = item.0.last_mut()
    {
        value.push_str(text);
    }
}

fn predefined(name: &[u8]) -> &'static str {
    match name {
        b"amp" => "&",
        b"lt" => "<",
        b"gt" => ">",
        b"quot" => "\"",
        b"apos" => "'",
        _ => "",
    }
}
