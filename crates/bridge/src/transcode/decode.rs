//! What the child process does: a compressed object in, an uncompressed one out, one frame at a time.

mod frames;
mod output;

use std::io::{Read, Write};

use dataset::{
    element::{Event, Limits, Mode, Reader},
    rewrite::{RewriteError, Rewriter},
};
use instance::{Tag, TransferSyntax};

use self::{frames::Frames, output::Output};
use super::{codec::Codec, geometry::Geometry};

/// What a child is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The transfer syntax that the object is stored in.
    pub from: TransferSyntax,
    /// The one to make, Explicit or Implicit VR Little Endian.
    pub to: TransferSyntax,
    /// See [`Limits::frame_length_max`](super::Limits::frame_length_max).
    pub frame_length_max: u64,
    /// See [`Limits::kept_back_max`](super::Limits::kept_back_max).
    pub kept_back_max: u64,
}

/// Why a child gives up.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The data set ends too early.
    #[error("the data set is cut")]
    Truncated,
    /// It, or one frame, is larger than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// The data set or its pixel data are broken or not supported.
    #[error("{0}")]
    Undecodable(String),
    /// A pipe broke.
    #[error("{0}")]
    Pipe(#[from] std::io::Error),
}

impl Fault {
    /// The exit code that tells the parent which fault it was. What it prints tells the rest.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Undecodable(_) => 65,
            Self::Truncated => 66,
            Self::TooLarge(_) => 67,
            Self::Pipe(_) => 74,
        }
    }
}

impl From<RewriteError> for Fault {
    fn from(error: RewriteError) -> Self {
        match error {
            RewriteError::Truncated(_) => Self::Truncated,
            other => Self::Undecodable(other.to_string()),
        }
    }
}

/// Bytes read at a time.
const PIECE_LENGTH: usize = 256 * 1024;

/// Most bytes of an offset table: 8,000,000 frames, far more than a whole slide image has.
const OFFSETS_LENGTH_MAX: usize = 64 * 1024 * 1024;

/// Reads a data set from `input` to its end and writes it as `order` says.
///
/// # Errors
/// See [`Fault`]; what was written by then is not to be used.
pub fn decode(order: &Order, mut input: impl Read, output: impl Write) -> Result<(), Fault> {
    let codec = Codec::of(order.from.uid().as_str())
        .ok_or_else(|| Fault::Undecodable(format!("no codec for {}", order.from.uid())))?;
    let mut reader = Reader::new(order.from.encoding().into(), Mode::EnterSequences, Limits::default());
    let mut decoding = Decoding {
        codec,
        frame_length_max: order.frame_length_max,
        rewriter: Rewriter::new(order.to.encoding()),
        output: Output::new(output, order.kept_back_max),
        levels: vec![Level::default()],
        place: Place::Elements,
    };
    let mut piece = vec![0; PIECE_LENGTH];
    loop {
        let length = input.read(&mut piece)?;
        if length == 0 {
            break;
        }
        let mut rest = &piece[..length];
        while let Some(event) = reader.next(&mut rest).map_err(RewriteError::from)? {
            decoding.event(event)?;
        }
        decoding.output.release_some(decoding.levels.iter().any(|level| !level.image_is_written))?;
    }
    if !reader.may_end() {
        return Err(Fault::Truncated);
    }
    Ok(decoding.output.finish()?)
}

/// The state of one decoding.
struct Decoding<W> {
    codec: Codec,
    frame_length_max: u64,
    rewriter: Rewriter,
    output: Output<W>,
    /// The data set and the items that are open in it.
    levels: Vec<Level>,
    place: Place,
}

/// What is known of the data set or of one item.
#[derive(Default)]
struct Level {
    /// Where the attributes stand that depend on the frames.
    colours: output::ColourAttributes,
    /// (7FE0,0001) Extended Offset Table.
    offsets: Vec<u8>,
    /// Whether nothing before the pixels will change any more.
    image_is_written: bool,
}

/// What the next events belong to.
enum Place {
    Elements,
    /// The value of an element that is left out; of the offset table the bytes are kept.
    LeftOut(Tag),
    Frames(Box<Frames>),
}

/// (7FE0,0001) Extended Offset Table; with (7FE0,0002) and (7FE0,0003) it describes fragments that are
/// gone (PS3.3 §C.7.6.3).
const EXTENDED_OFFSET_TABLE: Tag = Tag(0x7FE0, 0x0001);
const EXTENDED_OFFSET_TABLE_LENGTHS: Tag = Tag(0x7FE0, 0x0002);
const ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH: Tag = Tag(0x7FE0, 0x0003);

impl<W: Write> Decoding<W> {
    fn event(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match &mut self.place {
            Place::LeftOut(tag) => match event {
                Event::Value(bytes) if *tag == EXTENDED_OFFSET_TABLE => self.keep_offsets(bytes),
                Event::Value(_) => Ok(()),
                _ => {
                    self.place = Place::Elements;
                    Ok(())
                }
            },
            Place::Frames(_) => self.in_frames(event),
            Place::Elements => self.in_elements(event),
        }
    }

    fn in_elements(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Element(header) => match header.tag {
                EXTENDED_OFFSET_TABLE
                | EXTENDED_OFFSET_TABLE_LENGTHS
                | ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH => {
                    self.place = Place::LeftOut(header.tag);
                    return Ok(());
                }
                tag => {
                    self.begin_attribute(tag);
                    // Native pixels, as icons may have them in any transfer syntax, change nothing.
                    if let (Tag::PIXEL_DATA, Some(level)) = (tag, self.levels.last_mut()) {
                        level.image_is_written = true;
                    }
                }
            },
            Event::SequenceStart(header) => self.begin_attribute(header.tag),
            Event::ItemStart => self.levels.push(Level::default()),
            Event::ItemEnd => {
                self.levels.pop();
            }
            Event::FragmentsStart(header) => {
                if header.tag != Tag::PIXEL_DATA {
                    return Err(Fault::Undecodable(format!("{} is encapsulated", header.tag)));
                }
                return self.begin_frames();
            }
            _ => {}
        }
        self.rewriter.event(event, self.output.bytes())?;
        if matches!(event, Event::ValueEnd)
            && let Some(level) = self.levels.last_mut()
        {
            level.colours.end(self.output.length());
        }
        Ok(())
    }

    fn begin_attribute(&mut self, tag: Tag) {
        let at = self.output.length();
        if let Some(level) = self.levels.last_mut() {
            level.colours.begin(tag, at);
        }
    }

    fn keep_offsets(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        if level.offsets.len() + bytes.len() > OFFSETS_LENGTH_MAX {
            return Err(Fault::TooLarge("the Extended Offset Table is too long".to_owned()));
        }
        level.offsets.extend_from_slice(bytes);
        Ok(())
    }

    fn begin_frames(&mut self) -> Result<(), Fault> {
        let geometry = Geometry::of(&self.rewriter.image()).map_err(Fault::Undecodable)?;
        if geometry.frame_length() as u64 > self.frame_length_max {
            return Err(Fault::TooLarge(format!("a frame of {} bytes", geometry.frame_length())));
        }
        if geometry.length() > 0xFFFF_FFFE {
            return Err(Fault::TooLarge(format!("{} bytes of native pixel data", geometry.length())));
        }
        let offsets = self.levels.last_mut().map(|level| std::mem::take(&mut level.offsets));
        let frames = Frames::new(self.codec, geometry, offsets.unwrap_or_default(), self.frame_length_max);
        self.place = Place::Frames(Box::new(frames));
        Ok(())
    }

    fn in_frames(&mut self, event: Event<'_>) -> Result<(), Fault> {
        let Place::Frames(frames) = &mut self.place else { return Ok(()) };
        let odd = frames.geometry().length() % 2 == 1;
        let decoded = match event {
            Event::Fragment(length) => frames.begin_fragment(length)?,
            Event::Value(bytes) => {
                frames.push(bytes)?;
                None
            }
            Event::ValueEnd => frames.end_fragment()?,
            _ => frames.end()?,
        };
        if let Some(frame) = decoded {
            if frames.decoded() == 1 {
                let geometry = frames.geometry();
                if let Some(level) = self.levels.last_mut() {
                    level.colours.correct(&self.rewriter, geometry, frame.colours, &mut self.output);
                    level.image_is_written = true;
                }
                self.output.begin_pixel_data(&self.rewriter, geometry);
            }
            self.output.bytes().extend_from_slice(&frame.samples);
            self.output.release_some(self.levels.iter().any(|level| !level.image_is_written))?;
        }
        if matches!(event, Event::FragmentsEnd) {
            if odd {
                self.output.bytes().push(0);
            }
            self.place = Place::Elements;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
