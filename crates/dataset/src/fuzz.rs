//! What a fuzzer does with the bytes that this room reads, and a plain test with the corpus.
//!
//! The first two bytes of most inputs choose: the encoding, and the pieces that the rest is cut into. However
//! the rest is cut, the result is the same.

use std::io::Cursor;

use instance::Encoding;

use crate::{
    character_set::CharacterSet,
    document::{jpeg, mp4},
    element, identifier,
    json::{self, Item},
    matching,
    rewrite::Rewriting,
    scan::{self, Passing, ScanLimits, Scanner, Wanted},
};

/// A target: its name, and what it does with bytes from outside.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("scan", scan),
    ("rewrite", rewrite),
    ("to_json", to_json),
    ("json", json),
    ("identifier", identifier),
    ("matching", matching),
    ("character_set", character_set),
    ("document", document),
];

/// Most bytes that a target lets a deflated input grow to.
const INFLATED_MAX: usize = 1 << 20;

/// Encoding and pieces that the first two bytes choose, and the rest.
fn chosen(bytes: &[u8]) -> Option<(Encoding, usize, &[u8])> {
    let ([encoding, piece], rest) = bytes.split_first_chunk()?;
    let encoding = match encoding % 4 {
        0 => Encoding::ImplicitVrLittleEndian,
        1 => Encoding::ExplicitVrLittleEndian,
        2 => Encoding::ExplicitVrBigEndian,
        _ => Encoding::DeflatedExplicitVrLittleEndian,
    };
    Some((encoding, usize::from(*piece).max(1), rest))
}

/// The scan of a passing data set.
///
/// # Panics
/// Where the pieces change the result, or more is kept than allowed.
pub fn scan(bytes: &[u8]) {
    let Some((encoding, piece, rest)) = chosen(bytes) else { return };
    let limits = ScanLimits::default();
    let scanned = |piece: usize| {
        let mut scanner = Scanner::new(encoding, Wanted::identity(), limits);
        for piece in rest.chunks(piece) {
            scanner.push(piece)?;
        }
        scanner.finish()
    };
    let whole = scanned(rest.len().max(1));
    assert_eq!(whole, scanned(piece));
    if let Ok(attributes) = &whole {
        let kept: usize = attributes.iter().map(|(_, value)| value.len()).sum();
        assert!(kept <= limits.kept_bytes_max);
        let _ = attributes.identity();
    }
    let passed = |piece: usize| {
        let mut passing = Passing::new(encoding, limits);
        rest.chunks(piece).for_each(|piece| passing.push(piece));
        passing.finish()
    };
    assert_eq!(passed(rest.len().max(1)), passed(piece));
    let _ = scan::check_whole(rest, encoding, limits);
    if let Ok(inflated) = scan::inflate_whole(rest, INFLATED_MAX) {
        assert!(inflated.len() <= INFLATED_MAX);
    }
}

fn rewritten(rest: &[u8], from: Encoding, to: Encoding, piece: usize) -> Option<Vec<u8>> {
    let mut rewriting = Rewriting::new(from, to, element::Limits::default(), 16);
    let mut out = Vec::new();
    for piece in rest.chunks(piece.max(1)) {
        rewriting.push(piece, &mut out).ok()?;
    }
    rewriting.measured().is_ok().then_some(out)
}

/// A data set in another encoding, and what was written, read again: of data sets that lie about
/// their VRs or byte order that may be refused, since reading tolerates more than writing can say.
///
/// # Panics
/// Where the pieces change the result.
pub fn rewrite(bytes: &[u8]) {
    let Some((from, piece, rest)) = chosen(bytes) else { return };
    for to in [Encoding::ExplicitVrLittleEndian, Encoding::ImplicitVrLittleEndian] {
        let whole = rewritten(rest, from, to, rest.len());
        assert_eq!(whole, rewritten(rest, from, to, piece));
        if let Some(whole) = whole {
            let _ = rewritten(&whole, to, to, whole.len());
        }
    }
}

/// A data set as DICOM JSON.
///
/// # Panics
/// Where the pieces change the result, or it is no JSON.
pub fn to_json(bytes: &[u8]) {
    let Some((encoding, piece, rest)) = chosen(bytes) else { return };
    let converted = |piece: usize| {
        let options = json::Options { inflate_ratio_max: 16, ..json::Options::default() };
        let mut converter = json::Converter::new(encoding, options);
        let mut out = Vec::new();
        for piece in rest.chunks(piece.max(1)) {
            converter.push(piece, &mut out).ok()?;
        }
        converter.finish(&mut out).ok()?;
        Some(out)
    };
    let whole = converted(rest.len());
    assert_eq!(whole, converted(piece));
    if let Some(whole) = whole {
        let read = json::read_all(&whole, json::ReadLimits { item_length_max: usize::MAX });
        assert!(read.is_ok_and(|items| items.len() == 1), "what was written reads");
    }
}

fn items(bytes: &[u8], piece: usize) -> (Vec<Option<Item>>, bool) {
    let mut reader = json::Reader::new(json::ReadLimits { item_length_max: 64 * 1024 });
    let mut items = Vec::new();
    for mut piece in bytes.chunks(piece.max(1)) {
        loop {
            match reader.next(&mut piece) {
                Ok(Some(item)) => items.push(item.ok()),
                Ok(None) => break,
                Err(_) => return (items, false),
            }
        }
    }
    (items, reader.finish().is_ok())
}

/// An answer in DICOM JSON.
///
/// # Panics
/// Where the pieces change the result, or items do not survive being written.
pub fn json(bytes: &[u8]) {
    let Some((piece, rest)) = bytes.split_first() else { return };
    let whole = items(rest, rest.len());
    assert_eq!(whole, items(rest, usize::from(*piece)));
    let read: Vec<Item> = whole.0.into_iter().flatten().collect();
    let written = array(&read);
    let again = items(&written, written.len());
    assert!(again.1, "what was written reads");
    let again: Vec<Item> = again.0.into_iter().flatten().collect();
    assert_eq!(read.len(), again.len());
    // Once written, nothing changes any more.
    assert_eq!(array(&again), written);
}

fn array(items: &[Item]) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(json::write_array(items, &mut out).is_ok(), "memory takes every byte");
    out
}

/// The identifier of a query or of a worklist item, and what is written of it, read again.
///
/// # Panics
/// Never; the target looks for those of others.
pub fn identifier(bytes: &[u8]) {
    let Some((encoding, _, rest)) = chosen(bytes) else { return };
    let limits = identifier::Limits::of_length(256 * 1024);
    let Ok(read) = identifier::Identifier::read_within(rest, encoding, None, limits) else { return };
    for encoding in [Encoding::ExplicitVrLittleEndian, Encoding::ImplicitVrLittleEndian] {
        let written = identifier::write(&read.item, encoding, &CharacterSet::utf_8());
        let _ = identifier::Identifier::read(&written.bytes, encoding, None);
    }
}

/// The keys of a query against an answer: two items of JSON.
///
/// # Panics
/// Never; the target looks for those of others.
pub fn matching(bytes: &[u8]) {
    let limits = json::ReadLimits { item_length_max: 64 * 1024 };
    let Ok(items) = json::read_all(bytes, limits) else { return };
    let [keys, candidates @ ..] = items.as_slice() else { return };
    for fuzzy in [false, true] {
        let options = matching::Options { fuzzy, combined_date_time: fuzzy, ..matching::Options::default() };
        let Ok(keys) = matching::Keys::read(keys, options) else { continue };
        for item in candidates {
            let _ = keys.matches(item);
        }
    }
}

/// A Specific Character Set, a NUL, and a value in it.
///
/// # Panics
/// Where text that has a place in the character set does not come back.
pub fn character_set(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (term, value) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    let set = CharacterSet::from_value(term);
    let _ = set.decode_person_names(value);
    let _ = set.decode_values(value);
    let text = set.decode_text(value);
    let encoded = set.encode_text(&text);
    if encoded.replaced == 0 {
        assert_eq!(set.decode_text(&encoded.bytes), text, "in {:?}", set.as_str());
    }
}

/// The head of a JPEG picture, and a film.
///
/// # Panics
/// Never; the target looks for those of others.
pub fn document(bytes: &[u8]) {
    let _ = jpeg::Picture::read(bytes);
    let _ = mp4::Film::read(&mut Cursor::new(bytes));
}

#[cfg(test)]
#[path = "../../../tests/fuzz/replay.rs"]
mod replay;
