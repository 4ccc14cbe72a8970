//! Segments and entries as a failing disk may leave them.

use std::{fs::File, net::Ipv4Addr, os::unix::fs::FileExt, sync::OnceLock, time::SystemTime};

use instance::{Identity, Tag, Uid};
use sha2::{Digest, Sha256};

use super::{
    fields,
    format::{self, BLOCK_PAYLOAD, PAGE, SegmentHeader, TailFacts, TailFound},
    index, recovery,
};
use crate::{EntryHeader, EntryId, EntryTrailer};

/// A target: its name, and what it does with bytes from outside.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[("frames", frames), ("fields", read_fields), ("segment", segment)];

/// The nonce that the frames of the corpus carry.
const NONCE: u64 = 0x0102_0304_0506_0708;

/// Headers and tails as raw bytes.
///
/// # Panics
/// Where a frame claims more than is there.
pub(crate) fn frames(bytes: &[u8]) {
    let _ = SegmentHeader::read(bytes);
    if let Some(frame) = format::read_entry_header(bytes) {
        assert!(frame.fields.len() <= bytes.len());
    }
    if let TailFound::Whole(tail) = format::read_tail(bytes, NONCE) {
        assert!(tail.fields.len() <= bytes.len());
    }
    let _ = format::read_footer(bytes, NONCE, 0);
}

/// The fields of a header or a trailer.
///
/// # Panics
/// Where what was read does not survive being written.
pub(crate) fn read_fields(bytes: &[u8]) {
    if let Some(header) = fields::read_header(bytes) {
        let again = fields::read_header(&fields::write_header(&header));
        assert!(again.is_some_and(|again| again.sop_instance_uid == header.sop_instance_uid));
    }
    if let Some(trailer) = fields::read_trailer(bytes) {
        assert_eq!(fields::read_trailer(&fields::write_trailer(&trailer)), Some(trailer));
    }
}

/// A segment with entries of several lengths, and what they are.
struct Segment {
    header: SegmentHeader,
    bytes: Vec<u8>,
    entries: Vec<(EntryId, [u8; 32])>,
}

fn uid(text: &str) -> Option<Uid> {
    text.parse().ok()
}

fn described() -> Option<(EntryHeader, EntryTrailer)> {
    let class = uid("1.2.840.10008.5.1.4.1.1.2")?;
    let header = EntryHeader {
        calling_ae_title: "CT1".parse().ok()?,
        called_ae_title: "DIMSEWAY".parse().ok()?,
        peer_address: Ipv4Addr::LOCALHOST.into(),
        user: None,
        transfer_syntax: uid("1.2.840.10008.1.2.1")?.into(),
        sop_class_uid: class.clone(),
        sop_instance_uid: uid("1.2.3")?,
        accepted_at: SystemTime::UNIX_EPOCH,
    };
    let identity = Identity {
        sop_class_uid: class,
        sop_instance_uid: uid("1.2.3")?,
        study_instance_uid: uid("1.2.1")?,
        series_instance_uid: uid("1.2.2")?,
    };
    let trailer = EntryTrailer {
        identity,
        attributes: vec![(Tag::PATIENT_ID, b"P1".to_vec())],
        character_set: Vec::new(),
        destinations: vec!["archive".parse().ok()?],
        held: None,
    };
    Some((header, trailer))
}

fn written() -> Option<Segment> {
    let (entry_header, trailer) = described()?;
    let header = SegmentHeader { number: 1, generation: 7, nonce: 99, flags: 0, bytes: 0 };
    let mut bytes = header.write();
    let mut entries = Vec::new();
    for (number, length) in [(1, 10), (2, 5000), (3, BLOCK_PAYLOAD + 100), (4, 0)] {
        let nonce = NONCE + number;
        let payload: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        bytes.extend(format::write_entry_header(&header, nonce, &fields::write_header(&entry_header)));
        let (blocks, remainder) = payload.split_at(length - length % BLOCK_PAYLOAD);
        for (index, block) in (0..).zip(blocks.chunks(BLOCK_PAYLOAD)) {
            bytes.extend_from_slice(block);
            bytes.extend(format::write_footer(nonce, index, block.len() as u32, crc32fast::hash(block)));
        }
        let facts = TailFacts {
            nonce,
            entry_id: EntryId(number),
            length: length as u64,
            sha256: Sha256::digest(&payload).into(),
            blocks: (blocks.len() / BLOCK_PAYLOAD) as u32,
            remainder_bytes: remainder.len() as u32,
            remainder_crc: crc32fast::hash(remainder),
            fields: &fields::write_trailer(&trailer),
        };
        let (before, behind) = format::write_tail(&facts);
        bytes.extend([before.as_slice(), remainder, &behind].concat());
        entries.push((facts.entry_id, facts.sha256));
    }
    Some(Segment { header, bytes, entries })
}

/// Seven bytes of the input each do one thing to the segment: what, where and how much.
fn damage(bytes: &mut Vec<u8>, order: &[u8; 7]) {
    let [what, where_0, where_1, where_2, a, b, c] = *order;
    let at = u32::from_le_bytes([where_0, where_1, where_2, 0]) as usize % bytes.len().max(1);
    let other = u32::from_le_bytes([a, b, c, 0]) as usize % bytes.len().max(1);
    let page = PAGE as usize;
    match what % 6 {
        0 => bytes[at] ^= a | 1,
        // A page that was never written.
        1 => bytes.iter_mut().skip(at / page * page).take(page).for_each(|byte| *byte = 0),
        // A page that was written in another place.
        2 => {
            let (from, to) = (other / page * page, at / page * page);
            let copy: Vec<u8> = bytes.iter().skip(from).take(page).copied().collect();
            bytes.iter_mut().skip(to).zip(copy).for_each(|(byte, copied)| *byte = copied);
        }
        3 if at > page => bytes.truncate(at),
        4 => bytes.iter_mut().skip(at).take(512).for_each(|byte| *byte = a),
        _ => bytes.iter_mut().skip(at).zip([a, b, c]).for_each(|(byte, new)| *byte = new),
    }
}

/// A segment that damage was done to. What recovery takes for an entry is one that was written, with the bytes
/// that were written or known to be damaged.
///
/// # Panics
/// Where recovery invents an entry, or loses one of an undamaged segment.
pub(crate) fn segment(bytes: &[u8]) {
    static WRITTEN: OnceLock<Option<Segment>> = OnceLock::new();
    let Some(written) = WRITTEN.get_or_init(written) else { panic!("a segment is written") };
    let mut damaged = written.bytes.clone();
    for order in bytes.as_chunks().0.iter().take(16) {
        damage(&mut damaged, order);
    }
    let file = rustix::fs::memfd_create("segment", rustix::fs::MemfdFlags::CLOEXEC).map(File::from);
    let (Ok(file), Ok(connection)) = (file, index::open_in_memory()) else { panic!("memory for a segment") };
    assert!(file.write_all_at(&damaged, 0).is_ok(), "memory for a segment");
    let found = recovery::fuzz::entries(&connection, &file, written.header);
    assert!(found.is_ok(), "a damaged segment is no error");
    for (entry_id, sha256, whole) in found.iter().flatten() {
        let known = written.entries.iter().any(|(id, hash)| id == entry_id && (hash == sha256 || !whole));
        assert!(known, "{entry_id} was never written so");
    }
    if damaged == written.bytes {
        assert_eq!(found.map(|found| found.len()).ok(), Some(written.entries.len()));
    }
}
