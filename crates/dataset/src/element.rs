//! Data elements of a stream (PS3.5 §7): a reader that holds no value, and a writer.
//!
//! [`Reader`] is fed pieces of any size and gives events; values pass through as slices of the
//! input. It keeps its own stack of open sequences and items, so that depth costs memory that is
//! bounded and never the stack of a thread.

mod header;
mod reader;
mod strict;
#[cfg(test)]
mod tests;
mod write;

pub use dicom_core::VR;
use instance::{Encoding, Tag};

pub use self::{header::vr_of, reader::Reader, write::Writer};

/// (FFFE,E000) Item (PS3.5 §7.5).
pub const ITEM: Tag = Tag(0xFFFE, 0xE000);
/// (FFFE,E00D) Item Delimitation Item.
pub const ITEM_DELIMITATION: Tag = Tag(0xFFFE, 0xE00D);
/// (FFFE,E0DD) Sequence Delimitation Item.
pub const SEQUENCE_DELIMITATION: Tag = Tag(0xFFFE, 0xE0DD);

/// How element headers and binary values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Whether the VR stands in the header (PS3.5 §7.1.2).
    pub explicit_vr: bool,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
}

impl Form {
    /// The form of Implicit VR Little Endian, also of what is inside UN (PS3.5 §6.2.2).
    pub const IMPLICIT_VR_LITTLE_ENDIAN: Self = Self { explicit_vr: false, big_endian: false };
    /// The form of Explicit VR Little Endian.
    pub const EXPLICIT_VR_LITTLE_ENDIAN: Self = Self { explicit_vr: true, big_endian: false };

    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub(crate) fn u64(self, bytes: [u8; 8]) -> u64 {
        if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
    }

    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

impl From<Encoding> for Form {
    /// The form of a deflated data set is that of the inflated bytes.
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::ImplicitVrLittleEndian => Self::IMPLICIT_VR_LITTLE_ENDIAN,
            Encoding::ExplicitVrLittleEndian | Encoding::DeflatedExplicitVrLittleEndian => {
                Self::EXPLICIT_VR_LITTLE_ENDIAN
            }
            Encoding::ExplicitVrBigEndian => Self { explicit_vr: true, big_endian: true },
        }
    }
}

/// What the header of a data element says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The tag.
    pub tag: Tag,
    /// The VR as written; where none is written, or UN for a tag that PS3.6 knows, the VR of PS3.6.
    /// US for attributes that may be US or SS.
    pub vr: VR,
    /// Whether `vr` is US only because (0028,0103) Pixel Representation was not consulted.
    pub us_or_ss: bool,
    /// Bytes of the value; none where the length is undefined.
    pub length: Option<u32>,
    /// How the value is written.
    pub form: Form,
}

/// One step through a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// An element whose value follows in pieces, up to [`Event::ValueEnd`].
    Element(Header),
    /// A piece of the value of an element or fragment; never empty.
    Value(&'a [u8]),
    /// The value is complete.
    ValueEnd,
    /// A sequence of items begins.
    SequenceStart(Header),
    /// The sequence has ended.
    SequenceEnd,
    /// An item of a sequence begins.
    ItemStart,
    /// The item has ended.
    ItemEnd,
    /// An encapsulated value begins (PS3.5 §A.4); fragments follow.
    FragmentsStart(Header),
    /// A fragment of so many bytes; its bytes follow in pieces, up to [`Event::ValueEnd`].
    Fragment(u32),
    /// The encapsulated value has ended.
    FragmentsEnd,
}

/// How the reader deals with sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A sequence of defined length is one opaque value; the fastest way past it.
    SkipSequences,
    /// Every sequence is entered.
    EnterSequences,
    /// Every sequence is entered, and nothing is tolerated that another reader may understand in
    /// another way: unknown VRs, lengths beyond the parent, stray or missing delimiters, UN of
    /// undefined length, another form than the declared one.
    Strict,
}

/// What reading may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most levels of sequences and items; default 64, above any real object.
    pub depth_max: usize,
    /// Most elements, items and fragments; default 10,000,000: an enhanced multi-frame object of
    /// 50,000 frames has about 5,000,000.
    pub elements_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth_max: 64, elements_max: 10_000_000 }
    }
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ElementError {
    /// Sequences nest deeper than [`Limits::depth_max`].
    #[error("sequences nest deeper than {0} levels")]
    TooDeep(usize),
    /// More elements than [`Limits::elements_max`].
    #[error("the data set has more than {0} elements")]
    TooManyElements(u64),
    /// The bytes break the encoding at this element; only in [`Mode::Strict`].
    #[error("the data set is malformed at {0}")]
    Malformed(Tag),
}
