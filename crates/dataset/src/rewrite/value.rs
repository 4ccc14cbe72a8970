//! One value on its way: byte order, padding, and what is kept of it.

use instance::Tag;

use super::{RewriteError, image::Kept};
use crate::element::{Header, VR};

/// A value on its way.
#[derive(Debug)]
pub(super) struct Passing {
    tag: Tag,
    dropped: bool,
    /// Bytes of one number, whose order is reversed; 1 where nothing is.
    width: usize,
    number: [u8; 8],
    number_length: usize,
    length: u32,
    seen: u64,
    padding: u8,
    kept: Option<Kept>,
}

impl Passing {
    /// The value behind `header`, written with `vr`.
    pub(super) fn new(header: Header, vr: VR) -> Self {
        Self {
            tag: header.tag,
            dropped: false,
            width: if header.form.big_endian { width(header.vr) } else { 1 },
            number: [0; 8],
            number_length: 0,
            length: header.length.unwrap_or(0),
            seen: 0,
            padding: if is_text(vr) { b' ' } else { 0 },
            kept: Kept::of(header.tag),
        }
    }

    /// A value that is left out.
    pub(super) const fn dropped(tag: Tag, length: u32) -> Self {
        Self {
            tag,
            dropped: true,
            width: 1,
            number: [0; 8],
            number_length: 0,
            length,
            seen: 0,
            padding: 0,
            kept: None,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        self.seen += bytes.len() as u64;
        if self.dropped {
            return;
        }
        let before = to.len();
        if self.width == 1 {
            to.extend_from_slice(bytes);
        } else {
            self.reverse(bytes, to);
        }
        if let Some(kept) = &mut self.kept {
            to[before..].iter().for_each(|byte| kept.push(*byte));
        }
    }

    /// Ends the value; gives what was kept of it.
    pub(super) fn finish(mut self, to: &mut Vec<u8>) -> Result<Option<Kept>, RewriteError> {
        if self.seen != u64::from(self.length) {
            return Err(RewriteError::Malformed(self.tag));
        }
        if !self.dropped {
            // Half a number has no order of bytes.
            to.extend_from_slice(&self.number[..self.number_length]);
            self.number_length = 0;
            if self.length % 2 == 1 && self.length != u32::MAX {
                to.push(self.padding);
            }
        }
        Ok(self.kept)
    }

    fn reverse(&mut self, mut bytes: &[u8], to: &mut Vec<u8>) {
        while self.number_length > 0 && !bytes.is_empty() {
            self.collect(&mut bytes, to);
        }
        let whole = bytes.chunks_exact(self.width);
        let mut rest = whole.remainder();
        for number in whole {
            to.extend(number.iter().rev());
        }
        while !rest.is_empty() {
            self.collect(&mut rest, to);
        }
    }

    fn collect(&mut self, bytes: &mut &[u8], to: &mut Vec<u8>) {
        let Some((first, rest)) = bytes.split_first() else { return };
        self.number[self.number_length] = *first;
        self.number_length += 1;
        *bytes = rest;
        if self.number_length == self.width {
            to.extend(self.number[..self.width].iter().rev());
            self.number_length = 0;
        }
    }
}

/// Bytes of one number of the VR (PS3.5 §7.3).
const fn width(vr: VR) -> usize {
    match vr {
        VR::AT | VR::OW | VR::SS | VR::US => 2,
        VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    }
}

/// VRs padded with a space (PS3.5 §6.2).
const fn is_text(vr: VR) -> bool {
    use VR::{AE, AS, CS, DA, DS, DT, IS, LO, LT, PN, SH, ST, TM, UC, UR, UT};
    matches!(vr, AE | AS | CS | DA | DS | DT | IS | LO | LT | PN | SH | ST | TM | UC | UR | UT)
}
