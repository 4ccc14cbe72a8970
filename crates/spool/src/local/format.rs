//! The bytes of a segment: its header, and of each entry the header, the blocks and the tail. Laid out
//! byte by byte in `docs/spool.md`.
//!
//! Everything begins at a multiple of [`PAGE`], so no page holds bytes of two entries: a torn write of
//! one cannot hurt another.

use sha2::{Digest, Sha256};

use crate::EntryId;

/// Bytes that are never shared between entries: the page size of the systems we run on.
pub(crate) const PAGE: u64 = 4096;
/// Bytes of a block on disk, its footer included.
pub(crate) const BLOCK: usize = 256 * 1024;
/// Bytes of the footer of a block.
pub(crate) const FOOTER: usize = 32;
/// Bytes of the data set that a block holds.
pub(crate) const BLOCK_PAYLOAD: usize = BLOCK - FOOTER;
/// Bytes of the fields of a header or a trailer at most: attributes, 64 destinations and room.
pub(crate) const FIELDS_MAX: usize = 128 * 1024;

const SEGMENT_MAGIC: &[u8; 8] = b"DWSEGMT1";
/// Begins the header of an entry.
pub(crate) const ENTRY_MAGIC: &[u8; 8] = b"DWENTRY1";
/// Begins the tail of an entry.
pub(crate) const TAIL_MAGIC: &[u8; 8] = b"DWTAIL01";
const BLOCK_MAGIC: u32 = u32::from_le_bytes(*b"DWBK");
const VERSION: u32 = 1;

/// Bytes of an entry's header before its fields.
const ENTRY_FIXED: usize = 56;
/// Bytes of a tail before its fields.
pub(crate) const TAIL_FIXED: usize = 92;
/// Bytes of the stamp that ends a tail.
const STAMP: usize = 8;

/// The segment was written with zeros before its first use.
pub(crate) const PREWRITTEN: u32 = 1;
/// The segment belongs to one large entry and is deleted with it.
pub(crate) const LARGE: u32 = 2;

/// `length` rounded up to whole pages.
pub(crate) const fn pages(length: u64) -> u64 {
    length.div_ceil(PAGE) * PAGE
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn crc(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// What a segment is at present. The generation changes with every use, and the nonce is not known to
/// any peer, so neither stale bytes nor crafted pixel data pass for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) number: u64,
    pub(crate) generation: u64,
    pub(crate) nonce: u64,
    pub(crate) flags: u32,
    /// Bytes of the file; 0 where it grows.
    pub(crate) bytes: u64,
}

impl SegmentHeader {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut page = Vec::with_capacity(4096);
        page.extend_from_slice(SEGMENT_MAGIC);
        page.extend_from_slice(&VERSION.to_le_bytes());
        page.extend_from_slice(&self.flags.to_le_bytes());
        for value in [self.number, self.generation, self.nonce, self.bytes] {
            page.extend_from_slice(&value.to_le_bytes());
        }
        let sum = crc(&[&page]);
        page.extend_from_slice(&sum.to_le_bytes());
        page.resize(4096, 0);
        page
    }

    /// The header, if the page holds a whole one. `Err` carries a version that is newer than ours.
    pub(crate) fn read(page: &[u8]) -> Result<Option<Self>, u32> {
        let read = || {
            if page.get(0..8)? != SEGMENT_MAGIC || u32_at(page, 48)? != crc(&[page.get(0..48)?]) {
                return None;
            }
            let header = Self {
                flags: u32_at(page, 12)?,
                number: u64_at(page, 16)?,
                generation: u64_at(page, 24)?,
                nonce: u64_at(page, 32)?,
                bytes: u64_at(page, 40)?,
            };
            Some((u32_at(page, 8)?, header))
        };
        match read() {
            Some((VERSION, header)) => Ok(Some(header)),
            Some((version, _)) => Err(version),
            None => Ok(None),
        }
    }

    pub(crate) const fn is(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// The header of an entry as found on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryFrame {
    pub(crate) frame_bytes: u64,
    pub(crate) segment: u64,
    pub(crate) generation: u64,
    pub(crate) segment_nonce: u64,
    pub(crate) nonce: u64,
    pub(crate) fields: Vec<u8>,
}

pub(crate) fn write_entry_header(segment: &SegmentHeader, nonce: u64, fields: &[u8]) -> Vec<u8> {
    let frame_bytes = pages((ENTRY_FIXED + fields.len()) as u64);
    let mut frame = Vec::with_capacity(frame_bytes as usize);
    frame.extend_from_slice(ENTRY_MAGIC);
    frame.extend_from_slice(&VERSION.to_le_bytes());
    frame.extend_from_slice(&(frame_bytes as u32).to_le_bytes());
    for value in [segment.number, segment.generation, segment.nonce, nonce] {
        frame.extend_from_slice(&value.to_le_bytes());
    }
    frame.extend_from_slice(&(fields.len() as u32).to_le_bytes());
    let sum = crc(&[&frame, fields]);
    frame.extend_from_slice(&sum.to_le_bytes());
    frame.extend_from_slice(fields);
    frame.resize(frame_bytes as usize, 0);
    frame
}

/// The header of an entry, if `bytes` begins with a whole one.
pub(crate) fn read_entry_header(bytes: &[u8]) -> Option<EntryFrame> {
    let fixed = bytes.get(0..ENTRY_FIXED)?;
    let frame_bytes = u64::from(u32_at(fixed, 12)?);
    let length = u32_at(fixed, 48)? as usize;
    if &fixed[0..8] != ENTRY_MAGIC || u32_at(fixed, 8)? != VERSION || length > FIELDS_MAX {
        return None;
    }
    let fields = bytes.get(ENTRY_FIXED..ENTRY_FIXED + length)?;
    if frame_bytes != pages((ENTRY_FIXED + length) as u64)
        || u32_at(fixed, 52)? != crc(&[&fixed[..52], fields])
    {
        return None;
    }
    Some(EntryFrame {
        frame_bytes,
        segment: u64_at(fixed, 16)?,
        generation: u64_at(fixed, 24)?,
        segment_nonce: u64_at(fixed, 32)?,
        nonce: u64_at(fixed, 40)?,
        fields: fields.to_vec(),
    })
}

/// The footer that ends block number `index` of the entry `nonce`, over `length` bytes of payload.
pub(crate) fn write_footer(nonce: u64, index: u32, length: u32, payload_crc: u32) -> [u8; FOOTER] {
    let mut footer = [0; FOOTER];
    footer[0..8].copy_from_slice(&nonce.to_le_bytes());
    footer[8..12].copy_from_slice(&index.to_le_bytes());
    footer[12..16].copy_from_slice(&length.to_le_bytes());
    footer[16..20].copy_from_slice(&payload_crc.to_le_bytes());
    footer[20..24].copy_from_slice(&BLOCK_MAGIC.to_le_bytes());
    let sum = crc(&[&footer[0..28]]);
    footer[28..32].copy_from_slice(&sum.to_le_bytes());
    footer
}

/// What the footer at the end of a block says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Footer {
    /// Block `index` of this entry; the checksum of its payload.
    Whole(u32),
    /// Not written for this block of this entry.
    Foreign,
    /// Written for it, and damaged since.
    Damaged,
}

pub(crate) fn read_footer(bytes: &[u8], nonce: u64, index: u32) -> Footer {
    let (Some(payload_crc), Some(known)) = (u32_at(bytes, 16), u64_at(bytes, 0)) else {
        return Footer::Foreign;
    };
    let expected = write_footer(nonce, index, BLOCK_PAYLOAD as u32, payload_crc);
    if bytes == expected {
        return Footer::Whole(payload_crc);
    }
    // One flipped byte leaves all others as they were; bytes of another use share next to none.
    let differing = bytes.iter().zip(&expected).filter(|(a, b)| a != b).count();
    if known == nonce || differing <= 12 { Footer::Damaged } else { Footer::Foreign }
}

/// Whether a payload is the one that its footer was written for.
pub(crate) fn payload_matches(payload: &[u8], payload_crc: u32) -> bool {
    crc(&[payload]) == payload_crc
}

/// The end of an entry: what became known last, and the bytes that fill no block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) frame_bytes: u64,
    pub(crate) nonce: u64,
    pub(crate) entry_id: EntryId,
    pub(crate) length: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) blocks: u32,
    pub(crate) remainder_bytes: u32,
    pub(crate) remainder_crc: u32,
    pub(crate) fields: Vec<u8>,
}

impl Tail {
    /// Where the remainder begins within the tail.
    pub(crate) fn remainder_at(&self) -> u64 {
        (TAIL_FIXED + self.fields.len()) as u64
    }
}

/// Bytes that a tail takes on disk.
pub(crate) const fn tail_bytes(fields: usize, remainder: usize) -> u64 {
    pages((TAIL_FIXED + fields + remainder + STAMP) as u64)
}

pub(crate) struct TailFacts<'a> {
    pub(crate) nonce: u64,
    pub(crate) entry_id: EntryId,
    pub(crate) length: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) blocks: u32,
    pub(crate) remainder_bytes: u32,
    pub(crate) remainder_crc: u32,
    pub(crate) fields: &'a [u8],
}

/// The bytes of a tail before its remainder, and those behind it.
pub(crate) fn write_tail(facts: &TailFacts<'_>) -> (Vec<u8>, Vec<u8>) {
    let remainder_bytes = facts.remainder_bytes as usize;
    let frame_bytes = tail_bytes(facts.fields.len(), remainder_bytes);
    let mut frame = Vec::with_capacity(TAIL_FIXED + facts.fields.len());
    frame.extend_from_slice(TAIL_MAGIC);
    frame.extend_from_slice(&VERSION.to_le_bytes());
    frame.extend_from_slice(&(frame_bytes as u32).to_le_bytes());
    for value in [facts.nonce, facts.entry_id.0, facts.length] {
        frame.extend_from_slice(&value.to_le_bytes());
    }
    frame.extend_from_slice(&facts.sha256);
    for value in [facts.blocks, facts.remainder_bytes, facts.fields.len() as u32, facts.remainder_crc] {
        frame.extend_from_slice(&value.to_le_bytes());
    }
    let sum = crc(&[&frame, facts.fields]);
    frame.extend_from_slice(&sum.to_le_bytes());
    frame.extend_from_slice(facts.fields);
    let mut behind = vec![0; frame_bytes as usize - frame.len() - remainder_bytes - STAMP];
    behind.extend_from_slice(&facts.nonce.to_le_bytes());
    (frame, behind)
}

/// What stands where a tail is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TailFound {
    /// The tail. Its remainder is verified by the caller.
    Whole(Box<Tail>),
    /// Bytes that were never written as the tail of this entry, or only in part.
    Foreign,
    /// A tail of this entry that was written whole and is damaged.
    Damaged,
}

/// Reads the tail of the entry `nonce`, of which `bytes` holds at least the fixed part and the fields
/// (as far as the segment goes).
pub(crate) fn read_tail(bytes: &[u8], nonce: u64) -> TailFound {
    if let Some(tail) = whole_tail(bytes, nonce) {
        return TailFound::Whole(Box::new(tail));
    }
    let ours = u64_at(bytes, 16) == Some(nonce) || bytes.get(0..8) == Some(TAIL_MAGIC.as_slice());
    let stamped = u32_at(bytes, 12)
        .and_then(|frame| u64_at(bytes, (frame as usize).checked_sub(STAMP)?))
        .is_some_and(|stamp| stamp == nonce);
    // Where the length itself is damaged the stamp is looked for at the end of every page.
    let stamped = stamped
        || (PAGE as usize..=bytes.len())
            .step_by(PAGE as usize)
            .any(|end| u64_at(bytes, end - STAMP) == Some(nonce));
    if ours && stamped { TailFound::Damaged } else { TailFound::Foreign }
}

fn whole_tail(bytes: &[u8], nonce: u64) -> Option<Tail> {
    let fixed = bytes.get(0..TAIL_FIXED)?;
    let length = u32_at(fixed, 80)? as usize;
    if &fixed[0..8] != TAIL_MAGIC || u64_at(fixed, 16)? != nonce || length > FIELDS_MAX {
        return None;
    }
    let fields = bytes.get(TAIL_FIXED..TAIL_FIXED + length)?;
    if u32_at(fixed, 88)? != crc(&[&fixed[..88], fields]) || u32_at(fixed, 8)? != VERSION {
        return None;
    }
    let tail = Tail {
        frame_bytes: u64::from(u32_at(fixed, 12)?),
        nonce,
        entry_id: EntryId(u64_at(fixed, 24)?),
        length: u64_at(fixed, 32)?,
        sha256: fixed[40..72].try_into().ok()?,
        blocks: u32_at(fixed, 72)?,
        remainder_bytes: u32_at(fixed, 76)?,
        remainder_crc: u32_at(fixed, 84)?,
        fields: fields.to_vec(),
    };
    let length = u64::from(tail.blocks) * BLOCK_PAYLOAD as u64 + u64::from(tail.remainder_bytes);
    let frame_bytes = tail_bytes(tail.fields.len(), tail.remainder_bytes as usize);
    (tail.length == length && tail.frame_bytes == frame_bytes).then_some(tail)
}

/// The stamp at the end of a tail: absent where the write was torn.
pub(crate) fn stamp_matches(end: &[u8], nonce: u64) -> bool {
    end == nonce.to_le_bytes()
}

/// Bytes of the largest tail.
pub(crate) const TAIL_MAX: usize = TAIL_FIXED + FIELDS_MAX + BLOCK_PAYLOAD + STAMP + PAGE as usize;

/// SHA-256 of all bytes so far.
pub(crate) fn finish(hash: Sha256) -> [u8; 32] {
    hash.finalize().into()
}
