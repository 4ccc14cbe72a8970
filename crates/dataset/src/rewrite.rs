//! A data set in another encoding, rewritten while it passes (PS3.5 §7, Annex A).
//!
//! Values pass as slices of the input and nothing is held but the header at hand. Sequences and items
//! are written with undefined length, since the lengths of what they contain change; retired group
//! lengths are left out for the same reason. Private elements and UN keep their bytes. What changes
//! besides is what the encoding itself demands: byte order, a VR where none was written, and padding to
//! even length.
//!
//! A VR may depend on (0028,0103) Pixel Representation, which stands behind some of those that need it
//! ((0018,9810) Zero Velocity Pixel Value, or an item before it). Where the data set can be read twice, a
//! first pass tells it to the second, and also how long the data set becomes and whether all of it is said.

mod image;
mod stream;
#[cfg(test)]
mod tests;
mod value;

use instance::{Encoding, Tag};

use self::value::Passing;
pub use self::{image::Image, stream::Rewriting};
use crate::{
    element::{
        ElementError, Event, Form, Header, ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, VR, Writer,
    },
    inflate::InflateError,
};

/// Why a data set cannot be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// A limit of reading.
    #[error(transparent)]
    Element(#[from] ElementError),
    /// The deflated stream is broken, or grows beyond its limit.
    #[error(transparent)]
    Inflate(#[from] InflateError),
    /// The value has another length than its header says.
    #[error("the data set is malformed at {0}")]
    Malformed(Tag),
    /// An encapsulated value in a transfer syntax that has none.
    #[error("{0} is encapsulated, which the transfer syntax does not allow")]
    Encapsulated(Tag),
    /// The data set ends inside this element.
    #[error("the data set ends inside {0}")]
    Truncated(Tag),
    /// Bytes in this element belong to no element, so that they would be lost.
    #[error("bytes in {0} belong to no element")]
    LeftOut(Tag),
}

/// Writes the events of a [`Reader`](crate::element::Reader) in another encoding, always little endian.
#[derive(Debug)]
pub struct Rewriter {
    explicit_vr: bool,
    /// What describes the pixels of the data set, and of each open item.
    images: Vec<Image>,
    passing: Option<Passing>,
}

impl Rewriter {
    /// A writer of Explicit VR Little Endian, or of Implicit VR Little Endian where `to` is that.
    #[must_use]
    pub fn new(to: Encoding) -> Self {
        Self { explicit_vr: Form::from(to).explicit_vr, images: vec![Image::default()], passing: None }
    }

    /// The writer, told beforehand what the data set says of its pixels.
    #[must_use]
    pub fn knowing(mut self, image: Image) -> Self {
        self.images = vec![image];
        self
    }

    /// What the data set or the open item has said of its pixels so far.
    #[must_use]
    pub fn image(&self) -> Image {
        self.images.last().copied().unwrap_or_default()
    }

    /// Appends what `event` is in the other encoding.
    ///
    /// # Errors
    /// A value whose length is not what its header said, and encapsulated values: those are the caller's.
    pub fn event(&mut self, event: Event<'_>, to: &mut Vec<u8>) -> Result<(), RewriteError> {
        match event {
            Event::Element(header) => self.element(header, to),
            Event::Value(bytes) => {
                if let Some(passing) = &mut self.passing {
                    passing.push(bytes, to);
                }
            }
            Event::ValueEnd => {
                if let Some(passing) = self.passing.take() {
                    let kept = passing.finish(to)?;
                    if let (Some(image), Some(kept)) = (self.images.last_mut(), kept) {
                        image.take(&kept);
                    }
                }
            }
            Event::SequenceStart(header) => self.header(header.tag, VR::SQ, u32::MAX, to),
            Event::SequenceEnd => delimiter(SEQUENCE_DELIMITATION, 0, to),
            Event::ItemStart => {
                self.images.push(Image::default());
                delimiter(ITEM, u32::MAX, to);
            }
            Event::ItemEnd => {
                self.images.pop();
                delimiter(ITEM_DELIMITATION, 0, to);
            }
            Event::FragmentsStart(header) => return Err(RewriteError::Encapsulated(header.tag)),
            Event::Fragment(_) | Event::FragmentsEnd => {}
        }
        Ok(())
    }

    /// Appends the header of an element whose value of `length` bytes the caller appends.
    pub fn header(&self, tag: Tag, vr: VR, length: u32, to: &mut Vec<u8>) {
        to.extend_from_slice(&tag.group().to_le_bytes());
        to.extend_from_slice(&tag.element().to_le_bytes());
        // What stands in the group of items and delimiters has no VR in any form (PS3.5 §7.5).
        if self.explicit_vr && tag.group() != ITEM.group() {
            to.extend_from_slice(vr.to_string().as_bytes());
            if !Writer::is_long(vr) {
                to.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
                return;
            }
            to.extend_from_slice(&[0, 0]);
        }
        to.extend_from_slice(&length.to_le_bytes());
    }

    fn element(&mut self, header: Header, to: &mut Vec<u8>) {
        let length = header.length.unwrap_or(0);
        // (gggg,0000) Group Length, retired (PS3.5 §7.2).
        if header.tag.element() == 0 {
            self.passing = Some(Passing::dropped(header.tag, length));
            return;
        }
        let mut vr = self.vr(header);
        // The largest even length is all that a value can be padded to.
        let padded = length.saturating_add(length % 2).min(0xFFFF_FFFE);
        if !Writer::is_long(vr) && padded as usize > Writer::SHORT_LENGTH_MAX {
            // It does not fit its length field (PS3.5 §6.2.2).
            vr = VR::UN;
        }
        self.header(header.tag, vr, padded, to);
        self.passing = Some(Passing::new(header, vr));
    }

    /// The VR to write: the one that was written, or what PS3.6 and the data set say.
    fn vr(&self, header: Header) -> VR {
        let of_images = |get: fn(&Image) -> Option<u16>| self.images.iter().rev().find_map(get);
        if header.us_or_ss && of_images(|image| image.pixel_representation) == Some(1) {
            return VR::SS;
        }
        if header.form.explicit_vr {
            return header.vr;
        }
        // Of 8 bits or fewer OB, otherwise OW (PS3.5 §A.2 and PS3.3 §C.10.9.1.7).
        let bits = match header.tag {
            Tag::PIXEL_DATA => self.image().bits_allocated,
            Image::WAVEFORM_DATA => self.image().waveform_bits_allocated,
            _ => None,
        };
        if bits.is_some_and(|bits| bits <= 8) { VR::OB } else { header.vr }
    }
}

fn delimiter(tag: Tag, length: u32, to: &mut Vec<u8>) {
    to.extend_from_slice(&tag.group().to_le_bytes());
    to.extend_from_slice(&tag.element().to_le_bytes());
    to.extend_from_slice(&length.to_le_bytes());
}
