//! The model to JSON.

use std::io::{self, Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use instance::Tag;

use super::{Content, Element, Item, PersonName, Value};

/// Writes items as an array (PS3.18 §F.2.1).
///
/// # Errors
/// What `out` says.
pub fn write_array<'a>(items: impl IntoIterator<Item = &'a Item>, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (index, item) in items.into_iter().enumerate() {
        comma(index, out)?;
        write_item(item, out)?;
    }
    out.write_all(b"]")
}

/// Writes one item as an object (PS3.18 §F.2.2).
///
/// # Errors
/// What `out` says.
pub fn write_item(item: &Item, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{")?;
    for (index, (tag, element)) in item.iter().enumerate() {
        comma(index, out)?;
        begin_element(tag, element.vr.to_string(), out)?;
        write_content(element, out)?;
        out.write_all(b"}")?;
    }
    out.write_all(b"}")
}

/// `"GGGGEEEE":{"vr":"VR"`, left open.
pub(super) fn begin_element(tag: Tag, vr: &str, out: &mut impl Write) -> io::Result<()> {
    write!(out, "\"{:04X}{:04X}\":{{\"vr\":\"{vr}\"", tag.group(), tag.element())
}

fn write_content(element: &Element, out: &mut impl Write) -> io::Result<()> {
    match &element.content {
        Content::Empty => Ok(()),
        Content::Values(values) => {
            out.write_all(b",\"Value\":[")?;
            for (index, value) in values.iter().enumerate() {
                comma(index, out)?;
                write_value(value, out)?;
            }
            out.write_all(b"]")
        }
        Content::InlineBinary(bytes) => inline_binary(bytes, out),
        Content::BulkDataUri(uri) => bulk_data_uri(uri, out),
    }
}

fn write_value(value: &Value, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Null => out.write_all(b"null"),
        Value::Text(text) => string(text, out),
        Value::Number(number) => write!(out, "{number}"),
        Value::Name(name) => person_name(name, out),
        Value::Item(item) => write_item(item, out),
    }
}

/// A person's name (PS3.18 §F.2.2); one without any character is null.
pub(super) fn person_name(name: &PersonName, out: &mut impl Write) -> io::Result<()> {
    if name.is_empty() {
        return out.write_all(b"null");
    }
    let groups =
        [("Alphabetic", &name.alphabetic), ("Ideographic", &name.ideographic), ("Phonetic", &name.phonetic)];
    out.write_all(b"{")?;
    for (index, (key, group)) in groups.into_iter().filter(|(_, group)| !group.is_empty()).enumerate() {
        comma(index, out)?;
        write!(out, "\"{key}\":")?;
        string(group, out)?;
    }
    out.write_all(b"}")
}

pub(super) fn inline_binary(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    write!(out, ",\"InlineBinary\":\"{}\"", STANDARD.encode(bytes))
}

pub(super) fn bulk_data_uri(uri: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b",\"BulkDataURI\":")?;
    string(uri, out)
}

pub(super) fn string(text: &str, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

pub(super) fn comma(index: usize, out: &mut impl Write) -> io::Result<()> {
    if index > 0 { out.write_all(b",") } else { Ok(()) }
}
