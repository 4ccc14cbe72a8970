//! A data set that passes by, to JSON. Memory is one value of limited length and the open frames.

use std::{
    collections::BTreeSet,
    io::{self, Read, Write},
    sync::Arc,
};

use dicom_core::VR;
use instance::{Encoding, Tag};

use super::{
    value,
    write::{begin_element, bulk_data_uri, comma},
};
use crate::{
    character_set::CharacterSet,
    element::{ElementError, Event, Header, Limits, Mode, Reader},
    inflate::{InflateError, Inflater},
};

/// (0028,0103) Pixel Representation.
const PIXEL_REPRESENTATION: Tag = Tag(0x0028, 0x0103);

/// How a data set becomes JSON.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which attributes of the data set appear.
    pub select: Select,
    /// What stands for pixel data and for longer values than `value_length_max`.
    pub bulk_data: BulkData,
    /// Most bytes of one value that are written into the JSON; default 64 KiB, which holds every
    /// text but an encapsulated document. It bounds memory.
    pub value_length_max: usize,
    /// Limits of the reader.
    pub limits: Limits,
    /// Most bytes that one byte of a deflated data set may inflate to, on average, beyond the first
    /// MiB; default 1100, above what deflate can do, since the bytes have been accepted before and
    /// memory does not depend on it.
    pub inflate_ratio_max: u64,
}

/// Which attributes of a data set appear in its JSON; sequences appear whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// All of them.
    All,
    /// Those of this set.
    Only(BTreeSet<Tag>),
}

/// What stands for values that are not written into the JSON (PS3.18 §F.2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkData {
    /// Nothing: the element keeps its VR alone.
    Omit,
    /// `BulkDataURI`: this base, then `/GGGGEEEE`, for elements of sequences
    /// `/GGGGEEEE/N/GGGGEEEE` with items counted from 1.
    Uri(String),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            select: Select::All,
            bulk_data: BulkData::Omit,
            value_length_max: 64 * 1024,
            limits: Limits::default(),
            inflate_ratio_max: 1100,
        }
    }
}

/// Why a data set did not become JSON; what was written by then is no valid JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FromDataSetError {
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The data set breaks a limit.
    #[error(transparent)]
    Element(#[from] ElementError),
    /// The data set cannot be inflated.
    #[error(transparent)]
    Inflate(#[from] InflateError),
}

/// Writes the data set that `read` gives as one JSON object.
///
/// # Errors
/// See [`FromDataSetError`].
pub fn from_data_set(
    mut read: impl Read,
    encoding: Encoding,
    options: Options,
    out: &mut impl Write,
) -> Result<(), FromDataSetError> {
    let mut converter = Converter::new(encoding, options);
    let mut piece = vec![0; 16 * 1024];
    while !converter.is_done() {
        match read.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => converter.push(&piece[..length], out)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    converter.finish(out)
}

/// Writes a data set as one JSON object, piece by piece. Text becomes UTF-8, and (0008,0005) says
/// so. Group lengths, groups 0000 and 0002 and padding are left out.
#[derive(Debug)]
pub struct Converter {
    inflater: Option<Inflater>,
    reader: Reader,
    json: Json,
}

#[derive(Debug)]
struct Json {
    options: Options,
    levels: Vec<Level>,
    value: Value,
    /// Events are passed over until the frame that makes this depth is closed.
    ignored_from: Option<usize>,
}

/// One open object: the data set, or an item with the sequence that holds it.
#[derive(Debug)]
struct Level {
    elements: usize,
    last: Option<Tag>,
    character_set: Arc<CharacterSet>,
    signed_pixels: bool,
    /// The sequence that is open in this object, and how many items it has had.
    sequence: Option<(Tag, usize)>,
}

#[derive(Debug)]
enum Value {
    Ignored,
    /// Kept to be written, or (`member` false) only because other elements depend on it.
    Kept {
        header: Header,
        member: bool,
        bytes: Vec<u8>,
    },
}

impl Converter {
    /// A conversion of one data set.
    #[must_use]
    pub fn new(encoding: Encoding, options: Options) -> Self {
        let deflated = encoding == Encoding::DeflatedExplicitVrLittleEndian;
        Self {
            inflater: deflated.then(|| Inflater::new(options.inflate_ratio_max)),
            reader: Reader::new(encoding.into(), Mode::EnterSequences, options.limits),
            json: Json { options, levels: Vec::new(), value: Value::Ignored, ignored_from: None },
        }
    }

    /// Takes the next bytes of the data set.
    ///
    /// # Errors
    /// See [`FromDataSetError`].
    pub fn push(&mut self, bytes: &[u8], out: &mut impl Write) -> Result<(), FromDataSetError> {
        let mut rest = bytes;
        let Some(inflater) = &mut self.inflater else {
            return self.json.push(&mut self.reader, bytes, out);
        };
        while let Some(piece) = inflater.next(&mut rest)? {
            self.json.push(&mut self.reader, piece, out)?;
        }
        Ok(())
    }

    /// Whether everything selected has passed; what may follow out of order is not waited for.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match &self.json.options.select {
            Select::All => false,
            Select::Only(tags) => self.reader.top_level() > tags.last().copied(),
        }
    }

    /// Ends the JSON. A data set that was cut gives the elements that were whole.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self, out: &mut impl Write) -> Result<(), FromDataSetError> {
        self.json.begin(out)?;
        while self.json.levels.len() > 1 {
            self.json.end_sequence(out)?;
            self.json.levels.pop();
            out.write_all(b"}")?;
        }
        self.json.end_sequence(out)?;
        Ok(out.write_all(b"}")?)
    }
}

impl Json {
    fn begin(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.levels.is_empty() {
            self.levels.push(Level {
                elements: 0,
                last: None,
                character_set: Arc::default(),
                signed_pixels: false,
                sequence: None,
            });
            out.write_all(b"{")?;
        }
        Ok(())
    }

    fn push(
        &mut self,
        reader: &mut Reader,
        bytes: &[u8],
        out: &mut impl Write,
    ) -> Result<(), FromDataSetError> {
        self.begin(out)?;
        let mut rest = bytes;
        while let Some(event) = reader.next(&mut rest)? {
            let depth = reader.depth();
            if let Some(from) = self.ignored_from {
                let ended = matches!(event, Event::SequenceEnd | Event::FragmentsEnd | Event::ItemEnd);
                if ended && depth < from {
                    self.ignored_from = None;
                }
                continue;
            }
            self.event(event, depth, out)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, depth: usize, out: &mut impl Write) -> io::Result<()> {
        match event {
            Event::Element(header) => self.element(header, out),
            Event::Value(piece) => {
                if let Value::Kept { bytes, .. } = &mut self.value {
                    bytes.extend_from_slice(piece);
                }
                Ok(())
            }
            Event::ValueEnd => self.end_of_value(out),
            Event::SequenceStart(header) if self.begin_object_member(header.tag) => {
                self.member(header.tag, VR::SQ, out)?;
                if let Some(level) = self.levels.last_mut() {
                    level.sequence = Some((header.tag, 0));
                }
                Ok(())
            }
            Event::FragmentsStart(header) => {
                self.ignored_from = Some(depth);
                if self.begin_object_member(header.tag) { self.bulk_data(header, out) } else { Ok(()) }
            }
            Event::SequenceStart(_) => {
                self.ignored_from = Some(depth);
                Ok(())
            }
            Event::SequenceEnd => self.end_sequence(out),
            Event::ItemStart => self.begin_item(out),
            Event::ItemEnd => {
                self.levels.pop();
                out.write_all(b"}")
            }
            Event::Fragment(_) | Event::FragmentsEnd => Ok(()),
        }
    }

    /// Whether the element becomes a member of the open object; the same tag twice in a row, which
    /// JSON has no place for, counts once.
    fn begin_object_member(&mut self, tag: Tag) -> bool {
        let top_level = self.levels.len() == 1;
        let Some(level) = self.levels.last_mut() else {
            return false;
        };
        let left_out = tag.element() == 0 || tag.group() < 0x0004 || tag == Tag(0xFFFC, 0xFFFC);
        let selected = match &self.options.select {
            Select::Only(tags) if top_level => tags.contains(&tag),
            _ => true,
        };
        let repeated = level.last.replace(tag) == Some(tag);
        !left_out && selected && !repeated
    }

    fn member(&mut self, tag: Tag, vr: VR, out: &mut impl Write) -> io::Result<()> {
        if let Some(level) = self.levels.last_mut() {
            comma(level.elements, out)?;
            level.elements += 1;
        }
        begin_element(tag, vr.to_string(), out)
    }

    fn element(&mut self, header: Header, out: &mut impl Write) -> io::Result<()> {
        self.value = Value::Ignored;
        // What the reading of other elements depends on is kept even when it is not written.
        let needed = matches!(header.tag, Tag::SPECIFIC_CHARACTER_SET | PIXEL_REPRESENTATION);
        let member = self.begin_object_member(header.tag);
        if !member && !needed {
            return Ok(());
        }
        let length = header.length.unwrap_or(0) as usize;
        if header.tag == Tag::PIXEL_DATA || length > self.options.value_length_max {
            return if member { self.bulk_data(header, out) } else { Ok(()) };
        }
        self.value = Value::Kept { header, member, bytes: Vec::new() };
        Ok(())
    }

    fn end_of_value(&mut self, out: &mut impl Write) -> io::Result<()> {
        let kept = std::mem::replace(&mut self.value, Value::Ignored);
        let Value::Kept { mut header, member, bytes } = kept else {
            return Ok(());
        };
        let Some(level) = self.levels.last_mut() else {
            return Ok(());
        };
        if header.us_or_ss && level.signed_pixels {
            header.vr = VR::SS;
        }
        match header.tag {
            Tag::SPECIFIC_CHARACTER_SET => level.character_set = Arc::new(CharacterSet::from_value(&bytes)),
            PIXEL_REPRESENTATION => level.signed_pixels = bytes.contains(&1),
            _ => {}
        }
        let character_set = Arc::clone(&level.character_set);
        if !member {
            return Ok(());
        }
        self.member(header.tag, header.vr, out)?;
        if header.tag == Tag::SPECIFIC_CHARACTER_SET {
            // The JSON itself is UTF-8 (PS3.18 §F.2).
            out.write_all(b",\"Value\":[\"ISO_IR 192\"]")?;
        } else {
            value::write(header.vr, header.form, &bytes, &character_set, out)?;
        }
        out.write_all(b"}")
    }

    fn bulk_data(&mut self, header: Header, out: &mut impl Write) -> io::Result<()> {
        self.member(header.tag, header.vr, out)?;
        if let BulkData::Uri(base) = &self.options.bulk_data {
            let mut uri = base.clone();
            let path = self.levels.iter().filter_map(|level| level.sequence);
            for (tag, item) in path {
                uri.push_str(&format!("/{:08X}/{item}", tag.to_u32()));
            }
            uri.push_str(&format!("/{:08X}", header.tag.to_u32()));
            bulk_data_uri(&uri, out)?;
        }
        out.write_all(b"}")
    }

    fn begin_item(&mut self, out: &mut impl Write) -> io::Result<()> {
        let Some(level) = self.levels.last_mut() else {
            return Ok(());
        };
        let (character_set, signed_pixels) = (Arc::clone(&level.character_set), level.signed_pixels);
        if let Some((_, items)) = &mut level.sequence {
            out.write_all(if *items == 0 { b",\"Value\":[" } else { b"," })?;
            *items += 1;
        }
        self.levels.push(Level { elements: 0, last: None, character_set, signed_pixels, sequence: None });
        out.write_all(b"{")
    }

    fn end_sequence(&mut self, out: &mut impl Write) -> io::Result<()> {
        match self.levels.last_mut().and_then(|level| level.sequence.take()) {
            Some((_, 0)) => out.write_all(b"}"),
            Some(_) => out.write_all(b"]}"),
            None => Ok(()),
        }
    }
}
