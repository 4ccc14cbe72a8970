//! The writer: elements to bytes, for data sets that are made here.

use dicom_core::VR;
use instance::{Encoding, Tag};

use super::{Form, ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION};

/// Appends data elements to a buffer. The caller keeps the order of tags and closes what it opens;
/// values are padded to even length. Sequences and items are written with undefined length.
#[derive(Debug)]
pub struct Writer {
    form: Form,
    bytes: Vec<u8>,
}

impl Writer {
    /// Most bytes of a value whose length field has 16 bits (PS3.5 §7.1.2).
    pub(crate) const SHORT_LENGTH_MAX: usize = 0xFFFE;

    /// Whether the length field of the VR has 32 bits in explicit form.
    pub(crate) const fn is_long(vr: VR) -> bool {
        is_long(vr)
    }

    /// A writer of an empty data set; a deflated encoding gives the bytes before deflation.
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        // Room for a usual identifier, which would otherwise be moved a few times.
        Self { form: encoding.into(), bytes: Vec::with_capacity(512) }
    }

    /// Appends an element. Padding is a space for text, a NUL for UI and binary values (PS3.5 §6.2).
    ///
    /// A value longer than its length field (64 KiB - 2 for most VRs in explicit form) is cut there;
    /// callers write values that they have limited before.
    pub fn element(&mut self, tag: Tag, vr: VR, value: &[u8]) -> &mut Self {
        let short = self.form.explicit_vr && !is_long(vr);
        let max = if short { Self::SHORT_LENGTH_MAX } else { 0xFFFF_FFFE };
        let value = &value[..value.len().min(max)];
        let padded = value.len() + value.len() % 2;
        self.header(tag, vr, u32::try_from(padded).unwrap_or(0xFFFF_FFFE));
        self.bytes.extend_from_slice(value);
        if value.len() % 2 == 1 {
            self.bytes.push(if is_text(vr) { b' ' } else { 0 });
        }
        self
    }

    /// Appends the header of an element whose value of `length` bytes the caller appends itself.
    pub fn header(&mut self, tag: Tag, vr: VR, length: u32) -> &mut Self {
        self.tag(tag);
        if self.form.explicit_vr {
            self.bytes.extend_from_slice(vr.to_string().as_bytes());
            if !is_long(vr) {
                let length = u16::try_from(length).unwrap_or(0xFFFE);
                self.u16(length);
                return self;
            }
            self.u16(0);
        }
        self.u32(length);
        self
    }

    /// Appends an element of numbers of 16 bits.
    pub fn u16_element(&mut self, tag: Tag, values: &[u16]) -> &mut Self {
        let form = self.form;
        let bytes = |value: &u16| if form.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let value: Vec<u8> = values.iter().flat_map(bytes).collect();
        self.element(tag, VR::US, &value)
    }

    /// Begins a sequence.
    pub fn begin_sequence(&mut self, tag: Tag) -> &mut Self {
        self.header(tag, VR::SQ, 0xFFFF_FFFF)
    }

    /// Begins an item of a sequence.
    pub fn begin_item(&mut self) -> &mut Self {
        self.delimiter(ITEM, 0xFFFF_FFFF)
    }

    /// Ends an item.
    pub fn end_item(&mut self) -> &mut Self {
        self.delimiter(ITEM_DELIMITATION, 0)
    }

    /// Ends a sequence.
    pub fn end_sequence(&mut self) -> &mut Self {
        self.delimiter(SEQUENCE_DELIMITATION, 0)
    }

    /// The bytes so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The data set.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn delimiter(&mut self, tag: Tag, length: u32) -> &mut Self {
        self.tag(tag);
        self.u32(length);
        self
    }

    fn tag(&mut self, tag: Tag) {
        self.u16(tag.group());
        self.u16(tag.element());
    }

    fn u16(&mut self, value: u16) {
        let bytes = if self.form.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes.extend_from_slice(&bytes);
    }

    fn u32(&mut self, value: u32) {
        let bytes = if self.form.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes.extend_from_slice(&bytes);
    }
}

/// VRs with two reserved bytes and a length of four bytes (PS3.5 §7.1.2).
const fn is_long(vr: VR) -> bool {
    use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
    matches!(vr, OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV)
}

/// VRs padded with a space (PS3.5 §6.2).
const fn is_text(vr: VR) -> bool {
    use VR::{AE, AS, CS, DA, DS, DT, IS, LO, LT, PN, SH, ST, TM, UC, UR, UT};
    matches!(vr, AE | AS | CS | DA | DS | DT | IS | LO | LT | PN | SH | ST | TM | UC | UR | UT)
}
