//! Fragments to frames (PS3.5 §A.4).

use super::{
    super::{
        codec::{Codec, Colours},
        geometry::Geometry,
    },
    Fault, OFFSETS_LENGTH_MAX,
};

/// The frames of one encapsulated value, one of them in hand.
pub(super) struct Frames {
    codec: Codec,
    geometry: Geometry,
    frame_length_max: u64,
    /// Where each frame begins, counted from the first fragment's item; empty where that is not said.
    offsets: Vec<u64>,
    fragment: Fragment,
    /// Where the next fragment's item begins.
    next_fragment_at: u64,
    /// The encoded frame, as far as its fragments were seen.
    encoded: Vec<u8>,
    /// Where the last fragment begins in it.
    fragment_at: usize,
    /// What the fragment at hand must still give.
    missing: u64,
    decoded: u32,
    colours: Option<Colours>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fragment {
    /// The next one is the Basic Offset Table.
    BeforeTable,
    Table,
    OfFrame,
}

/// A decoded frame.
pub(super) struct Frame {
    pub(super) samples: Vec<u8>,
    pub(super) colours: Colours,
}

impl Frames {
    /// Frames of the `geometry`, with the Extended Offset Table where there is one.
    pub(super) fn new(codec: Codec, geometry: Geometry, offsets: Vec<u8>, frame_length_max: u64) -> Self {
        let offsets = offsets.chunks_exact(8).map(|offset| offset.iter().rev().fold(0, shifted)).collect();
        Self {
            codec,
            geometry,
            frame_length_max,
            offsets,
            fragment: Fragment::BeforeTable,
            next_fragment_at: 0,
            encoded: Vec::new(),
            fragment_at: 0,
            missing: 0,
            decoded: 0,
            colours: None,
        }
    }

    pub(super) const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Frames decoded so far.
    pub(super) const fn decoded(&self) -> u32 {
        self.decoded
    }

    /// A fragment begins; gives the frame that ended before it.
    pub(super) fn begin_fragment(&mut self, length: u32) -> Result<Option<Frame>, Fault> {
        self.missing = length.into();
        if self.fragment == Fragment::BeforeTable {
            self.fragment = Fragment::Table;
            if length as usize > OFFSETS_LENGTH_MAX {
                return Err(Fault::TooLarge("the Basic Offset Table is too long".to_owned()));
            }
            return Ok(None);
        }
        let next = self.decoded as usize + 1;
        let begins = self.is_told()
            && !self.encoded.is_empty()
            && self.offsets.get(next) == Some(&self.next_fragment_at);
        let ended = if begins { Some(self.decode(self.encoded.len())?) } else { None };
        self.next_fragment_at += 8 + u64::from(length);
        self.fragment_at = self.encoded.len();
        Ok(ended)
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.missing = self.missing.saturating_sub(bytes.len() as u64);
        if (self.encoded.len() + bytes.len()) as u64 > self.frame_length_max {
            return Err(Fault::TooLarge("an encoded frame is too long".to_owned()));
        }
        self.encoded.extend_from_slice(bytes);
        Ok(())
    }

    /// A fragment ends; gives the frame before it, where only its bytes show that it begins another.
    pub(super) fn end_fragment(&mut self) -> Result<Option<Frame>, Fault> {
        if self.missing > 0 {
            return Err(Fault::Undecodable("a fragment is cut".to_owned()));
        }
        if self.fragment == Fragment::Table {
            self.fragment = Fragment::OfFrame;
            let table = std::mem::take(&mut self.encoded);
            if self.offsets.is_empty() {
                let basic = table.chunks_exact(4).map(|offset| offset.iter().rev().fold(0, shifted));
                self.offsets = basic.collect();
            }
            return Ok(None);
        }
        let begins = self.geometry.frames > 1
            && !self.is_told()
            && self.fragment_at > 0
            && self.codec.begins_frame(&self.encoded[self.fragment_at..]);
        if begins { self.decode(self.fragment_at).map(Some) } else { Ok(None) }
    }

    /// The value ends; gives its last frame.
    pub(super) fn end(&mut self) -> Result<Option<Frame>, Fault> {
        let last = if self.encoded.is_empty() { None } else { Some(self.decode(self.encoded.len())?) };
        if self.decoded != self.geometry.frames {
            return Err(Fault::Undecodable(format!(
                "{} frames where Number of Frames is {}",
                self.decoded, self.geometry.frames
            )));
        }
        Ok(last)
    }

    /// Whether a table tells where each frame begins.
    const fn is_told(&self) -> bool {
        self.geometry.frames > 1 && self.offsets.len() == self.geometry.frames as usize
    }

    /// Decodes the frame that the first `length` encoded bytes are, and lets go of them.
    fn decode(&mut self, length: usize) -> Result<Frame, Fault> {
        let number = self.decoded + 1;
        let undecodable = |reason: String| Fault::Undecodable(format!("frame {number}: {reason}"));
        if number > self.geometry.frames {
            return Err(undecodable("more frames than Number of Frames says".to_owned()));
        }
        let encoded = &self.encoded[..length];
        let (samples, colours) = self.codec.decode(encoded, &self.geometry).map_err(undecodable)?;
        if samples.len() != self.geometry.frame_length() {
            let expected = self.geometry.frame_length();
            return Err(undecodable(format!("{} bytes where {expected} are needed", samples.len())));
        }
        if *self.colours.get_or_insert(colours) != colours {
            return Err(undecodable("other colours than the first frame has".to_owned()));
        }
        self.encoded.drain(..length);
        self.fragment_at = 0;
        self.decoded = number;
        Ok(Frame { samples, colours })
    }
}

fn shifted(number: u64, byte: &u8) -> u64 {
    number << 8 | u64::from(*byte)
}
