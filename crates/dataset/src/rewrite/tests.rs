mod semantics;

use super::*;
use crate::element::Limits;
use proptest::prelude::*;

use Encoding::{
    DeflatedExplicitVrLittleEndian as Deflated, ExplicitVrBigEndian as Big,
    ExplicitVrLittleEndian as Explicit, ImplicitVrLittleEndian as Implicit,
};

fn rewrite_in_pieces(
    bytes: &[u8],
    from: Encoding,
    to: Encoding,
    piece_length: usize,
) -> Result<Vec<u8>, RewriteError> {
    let mut rewriting = Rewriting::new(from, to, Limits::default(), 256);
    let mut written = Vec::new();
    for piece in bytes.chunks(piece_length) {
        rewriting.push(piece, &mut written)?;
    }
    rewriting.finish().map(|()| written)
}

fn rewrite(bytes: &[u8], from: Encoding, to: Encoding) -> Result<Vec<u8>, RewriteError> {
    let whole = rewrite_in_pieces(bytes, from, to, usize::MAX);
    assert_eq!(rewrite_in_pieces(bytes, from, to, 1), whole, "it depends on the pieces");
    whole
}

/// (0008,0005) in every form, so that a reader sees which one it is.
const HEAD_EXPLICIT: &[u8] = b"\x08\0\x05\0CS\x04\0ISO ";
const HEAD_IMPLICIT: &[u8] = b"\x08\0\x05\0\x04\0\0\0ISO ";
const HEAD_BIG: &[u8] = b"\0\x08\0\x05CS\0\x04ISO ";

#[test]
fn rewrites_element_by_element() {
    type Case<'a> = (&'a str, Encoding, Encoding, &'a [u8], &'a [u8]);
    let cases: &[Case<'_>] = &[
        ("text", Implicit, Explicit, b"\x10\0\x10\0\x04\0\0\0A^B ", b"\x10\0\x10\0PN\x04\0A^B "),
        ("an odd length", Implicit, Explicit, b"\x10\0\x10\0\x03\0\0\0A^B", b"\x10\0\x10\0PN\x04\0A^B "),
        ("an odd UID", Implicit, Explicit, b"\x20\0\x0D\0\x03\0\0\x001.2", b"\x20\0\x0D\0UI\x04\x001.2\0"),
        ("an unknown tag", Implicit, Explicit, b"\x09\0\x01\x10\x02\0\0\0ab", b"\x09\0\x01\x10UN\0\0\x02\0\0\0ab"),
        ("its creator", Implicit, Explicit, b"\x09\0\x10\0\x02\0\0\0ab", b"\x09\0\x10\0LO\x02\0ab"),
        ("a group length", Implicit, Explicit, b"\x10\0\0\0\x04\0\0\0\x01\0\0\0", b""),
        ("a long header", Explicit, Implicit, b"\x09\0\x01\x10UN\0\0\x02\0\0\0ab", b"\x09\0\x01\x10\x02\0\0\0ab"),
        ("16 bits", Big, Explicit, b"\0\x28\0\x10US\0\x02\x01\x02", b"\x28\0\x10\0US\x02\0\x02\x01"),
        ("32 bits", Big, Explicit, b"\0\x08\x11\x62UL\0\x04\x01\x02\x03\x04", b"\x08\0\x62\x11UL\x04\0\x04\x03\x02\x01"),
        (
            "64 bits",
            Big,
            Implicit,
            b"\0\x18\x60\x30FD\0\x08\x01\x02\x03\x04\x05\x06\x07\x08",
            b"\x18\0\x30\x60\x08\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01",
        ),
        ("tags", Big, Implicit, b"\0\x28\0\x09AT\0\x04\0\x18\x10\x63", b"\x28\0\x09\0\x04\0\0\0\x18\0\x63\x10"),
        (
            "words",
            Big,
            Explicit,
            b"\x7F\xE0\0\x10OW\0\0\0\0\0\x04\x01\x02\x03\x04",
            b"\xE0\x7F\x10\0OW\0\0\x04\0\0\0\x02\x01\x04\x03",
        ),
        (
            "bytes and UN",
            Big,
            Explicit,
            b"\0\x09\x10\x01UN\0\0\0\0\0\x02ab\x7F\xE0\0\x10OB\0\0\0\0\0\x02cd",
            b"\x09\0\x01\x10UN\0\0\x02\0\0\0ab\xE0\x7F\x10\0OB\0\0\x02\0\0\0cd",
        ),
        (
            "a sequence of defined length",
            Implicit,
            Explicit,
            b"\x08\0\x40\x11\x12\0\0\0\xFE\xFF\0\xE0\x0A\0\0\0\x08\0\x55\x11\x02\0\0\x001\0",
            b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF\x08\0\x55\x11UI\x02\0\x31\0\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0",
        ),
        (
            "an empty sequence",
            Explicit,
            Implicit,
            b"\x08\0\x40\x11SQ\0\0\0\0\0\0",
            b"\x08\0\x40\x11\xFF\xFF\xFF\xFF\xFE\xFF\xDD\xE0\0\0\0\0",
        ),
    ];
    for (name, from, to, bytes, expected) in cases {
        let head = |encoding| match encoding {
            Implicit => HEAD_IMPLICIT,
            Big => HEAD_BIG,
            _ => HEAD_EXPLICIT,
        };
        let got = rewrite(&[head(*from), bytes].concat(), *from, *to);
        assert_eq!(got, Ok([head(*to), expected].concat()), "{name}");
    }
}

#[test]
fn finds_the_vr_that_depends_on_other_attributes() {
    let of = |bits: u8, representation: u8| {
        let elements = [
            HEAD_IMPLICIT,
            &[0x28, 0, 0, 1, 2, 0, 0, 0, bits, 0],
            &[0x28, 0, 3, 1, 2, 0, 0, 0, representation, 0],
            &[0x28, 0, 6, 1, 2, 0, 0, 0, 7, 0],
            &[0xE0, 0x7F, 0x10, 0, 2, 0, 0, 0, 1, 2],
        ];
        let explicit = rewrite(&elements.concat(), Implicit, Explicit).unwrap();
        let vr = |tag: [u8; 4]| {
            let at = explicit.windows(4).position(|bytes| bytes == tag).unwrap();
            String::from_utf8_lossy(&explicit[at + 4..at + 6]).into_owned()
        };
        [vr([0x28, 0, 6, 1]), vr([0xE0, 0x7F, 0x10, 0])]
    };
    assert_eq!(of(16, 0), ["US", "OW"]);
    assert_eq!(of(16, 1), ["SS", "OW"]);
    assert_eq!(of(8, 1), ["SS", "OB"]);
}

#[test]
fn a_value_too_long_for_its_vr_becomes_unknown() {
    let value = vec![b'1'; 0x1_0000];
    let implicit = [HEAD_IMPLICIT, b"\x18\0\x50\x10\0\0\x01\0", &value].concat();
    let expected = [HEAD_EXPLICIT, b"\x18\0\x50\x10UN\0\0\0\0\x01\0", &value].concat();
    assert_eq!(rewrite(&implicit, Implicit, Explicit), Ok(expected));
}

#[test]
fn inflates_and_demands_the_end() {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(HEAD_EXPLICIT).unwrap();
    let deflated = encoder.finish().unwrap();
    assert_eq!(rewrite(&deflated, Deflated, Implicit), Ok(HEAD_IMPLICIT.to_vec()));
    for cut in 0..deflated.len() {
        assert!(rewrite(&deflated[..cut], Deflated, Implicit).is_err(), "{cut}");
    }
}

#[test]
fn every_cut_shows_but_one_between_elements() {
    let whole = [HEAD_EXPLICIT, b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\xDD\xE0\0\0\0\0"].concat();
    assert!(rewrite(&whole, Explicit, Implicit).is_ok());
    for cut in 1..whole.len() {
        let got = rewrite(&whole[..cut], Explicit, Implicit);
        assert_eq!(got.is_ok(), cut == HEAD_EXPLICIT.len(), "{cut}: {got:?}");
    }
}

#[test]
fn what_is_no_item_among_items_stays_readable() {
    let stray = b"\xFE\xFF\x10\0\x04\0\0\0\x01\x02\x03\x04";
    for to in [Encoding::ExplicitVrLittleEndian, Encoding::ImplicitVrLittleEndian] {
        assert_eq!(rewrite(stray, Encoding::ImplicitVrLittleEndian, to), Ok(stray.to_vec()));
    }
}

#[test]
fn refuses_encapsulated_values_and_lengths_beyond_their_item() {
    let fragments = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0";
    let got = rewrite(&[HEAD_EXPLICIT, fragments].concat(), Explicit, Implicit);
    assert_eq!(got, Err(RewriteError::Encapsulated(Tag::PIXEL_DATA)));
    let beyond = b"\x08\0\x40\x11\x12\0\0\0\xFE\xFF\0\xE0\x0A\0\0\0\x08\0\x55\x11\x04\0\0\x001\0";
    let got = rewrite(&[HEAD_IMPLICIT, beyond].concat(), Implicit, Explicit);
    assert_eq!(got, Err(RewriteError::Malformed(Tag(0x0008, 0x1155))));
}

#[test]
fn what_stands_in_the_place_of_an_item_is_not_lost_unsaid() {
    let of = |value: &[u8]| {
        let sequence = [b"\x08\0\x40\x11\x08\0\0\0", value].concat();
        let mut rewriting = Rewriting::new(Implicit, Explicit, Limits::default(), 1000);
        rewriting.push(&[HEAD_IMPLICIT, &sequence].concat(), &mut Vec::new()).unwrap();
        rewriting.measured().map(drop)
    };
    let left_out = Err(RewriteError::LeftOut(Tag(0x0008, 0x1140)));
    assert_eq!(of(b"\x08\0\x50\0\0\0\0\0"), left_out, "an element without an item");
    assert_eq!(of(&[0; 8]), Ok(()), "padding");
}

proptest! {
    #[test]
    fn there_and_back_is_the_same(values in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..40), 1..5,
    )) {
        let mut written = Writer::new(Explicit);
        written.element(Tag::SPECIFIC_CHARACTER_SET, VR::CS, b"ISO_IR 192");
        written.begin_sequence(Tag(0x0008, 0x1140));
        for value in &values {
            written.begin_item();
            written.element(Tag(0x0008, 0x0050), VR::SH, value);
            written.element(Tag(0x0009, 0x1001), VR::UN, value);
            written.element(Tag(0x0028, 0x1201), VR::OW, value);
            written.end_item();
        }
        written.end_sequence();
        let explicit = written.into_bytes();
        let implicit = rewrite(&explicit, Explicit, Implicit).unwrap();
        prop_assert_eq!(rewrite(&implicit, Implicit, Explicit), Ok(explicit));
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), from in 0..4usize) {
        let from = [Implicit, Explicit, Big, Deflated][from];
        let _ = rewrite_in_pieces(&bytes, from, Explicit, 7);
        let _ = rewrite_in_pieces(&[HEAD_IMPLICIT, &bytes].concat(), Implicit, Explicit, usize::MAX);
        let _ = rewrite_in_pieces(&[HEAD_BIG, &bytes].concat(), Big, Implicit, usize::MAX);
    }
}
