use instance::{Encoding, Tag};
use proptest::prelude::*;

use super::*;
use crate::element::{VR, Writer};

const ENCODINGS: [Encoding; 4] = [
    Encoding::ImplicitVrLittleEndian,
    Encoding::ExplicitVrLittleEndian,
    Encoding::ExplicitVrBigEndian,
    Encoding::DeflatedExplicitVrLittleEndian,
];

fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn encoded(encoding: Encoding, build: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(encoding);
    build(&mut writer);
    let bytes = writer.into_bytes();
    if encoding == Encoding::DeflatedExplicitVrLittleEndian { deflate(&bytes) } else { bytes }
}

/// A data set with private bulk, sequences and pixel data around its identity.
fn typical(writer: &mut Writer) {
    writer
        .element(Tag(0x0008, 0x0000), VR::UL, &[0, 0, 0, 0])
        .element(Tag::SPECIFIC_CHARACTER_SET, VR::CS, b"ISO_IR 100")
        .element(Tag::SOP_CLASS_UID, VR::UI, b"1.2.840.10008.5.1.4.1.1.2")
        .element(Tag::SOP_INSTANCE_UID, VR::UI, b"1.2.3.4")
        .begin_sequence(Tag(0x0008, 0x1140))
        .begin_item()
        .element(Tag::SOP_INSTANCE_UID, VR::UI, b"9.9.9")
        .element(Tag::STUDY_INSTANCE_UID, VR::UI, b"9.9.9")
        .end_item()
        .begin_item()
        .end_item()
        .end_sequence()
        .element(Tag(0x0009, 0x0010), VR::LO, b"VENDOR")
        .element(Tag(0x0009, 0x1001), VR::OB, &[0x5A; 70_000])
        .element(Tag(0x0009, 0x1002), VR::UN, &[0xFE; 33])
        .element(Tag::PATIENT_NAME, VR::PN, b"M\xFCller^J")
        .element(Tag::PATIENT_ID, VR::LO, b"")
        .element(Tag::STUDY_INSTANCE_UID, VR::UI, b"1.2.3")
        .element(Tag::SERIES_INSTANCE_UID, VR::UI, b"1.2.3.1")
        .u16_element(Tag(0x0028, 0x0010), &[512])
        .element(Tag::PIXEL_DATA, VR::OW, &[7; 5000]);
}

fn wanted() -> Wanted {
    Wanted::identity().and([Tag::PATIENT_NAME, Tag::PATIENT_ID, Tag::MODALITY])
}

fn scan(bytes: &[u8], encoding: Encoding) -> Result<Attributes, ScanError> {
    scan_in_pieces(bytes, encoding, &[])
}

fn scan_in_pieces(bytes: &[u8], encoding: Encoding, cuts: &[usize]) -> Result<Attributes, ScanError> {
    let mut scanner = Scanner::new(encoding, wanted(), ScanLimits::default());
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let mut from = 0;
    for cut in cuts {
        scanner.push(&bytes[from..cut])?;
        from = cut;
    }
    scanner.finish()
}

fn uids(attributes: &Attributes) -> [String; 4] {
    let identity = attributes.identity().unwrap();
    [
        identity.sop_class_uid,
        identity.sop_instance_uid,
        identity.study_instance_uid,
        identity.series_instance_uid,
    ]
    .map(|uid| uid.to_string())
}

#[test]
fn finds_identity_and_attributes_in_every_encoding() {
    for encoding in ENCODINGS {
        let attributes = scan(&encoded(encoding, typical), encoding).unwrap();
        assert_eq!(
            uids(&attributes),
            ["1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", "1.2.3", "1.2.3.1"],
            "{encoding:?}"
        );
        assert_eq!(attributes.text(Tag::PATIENT_NAME).as_deref(), Some("Müller^J"));
        assert_eq!(attributes.get(Tag::PATIENT_ID), Some(&b""[..]));
        assert_eq!(attributes.text(Tag::PATIENT_ID), None);
        assert_eq!(attributes.get(Tag::MODALITY), None);
    }
}

#[test]
fn is_done_before_the_pixel_data() {
    for encoding in ENCODINGS {
        let bytes = encoded(encoding, typical);
        let end = if encoding == Encoding::DeflatedExplicitVrLittleEndian {
            bytes.len()
        } else {
            bytes.len() - 5000
        };
        let mut scanner = Scanner::new(encoding, wanted(), ScanLimits::default());
        assert_eq!(scanner.push(&bytes[..100]).unwrap(), Progress::NeedMore);
        assert_eq!(scanner.push(&bytes[100..end]).unwrap(), Progress::Done, "{encoding:?}");
        assert_eq!(scanner.push(&[0xFF; 100]).unwrap(), Progress::Done);
        assert!(scanner.finish().unwrap().identity().is_ok());
    }
}

#[test]
fn goes_on_for_a_required_attribute_out_of_order() {
    let encoding = Encoding::ExplicitVrLittleEndian;
    let bytes = encoded(encoding, |writer| {
        typical(writer);
    });
    let (head, series) = (&bytes[..], b"\x20\x00\x0E\x00UI\x08\x001.2.3.1\0");
    let at = head.windows(series.len()).position(|window| window == series).unwrap();
    let moved = [&head[..at], &head[at + series.len()..], series].concat();
    assert_eq!(uids(&scan(&moved, encoding).unwrap())[3], "1.2.3.1");
}

#[test]
fn a_cut_matters_up_to_the_last_wanted_attribute_only() {
    let encoding = Encoding::ExplicitVrLittleEndian;
    let bytes = encoded(encoding, typical);
    let series = bytes.windows(4).position(|window| window == b"\x20\0\x0E\0").unwrap();
    let series_end = series + 16;
    for cut in (1..series_end).filter(|cut| cut % 97 == 0 || *cut > series - 40) {
        match scan(&bytes[..cut], encoding) {
            Err(ScanError::Truncated(_)) => {}
            // A cut between two elements is the end of a data set that lacks the rest.
            Ok(attributes) => assert!(attributes.identity().is_err(), "cut at {cut}"),
            Err(error) => panic!("cut at {cut}: {error}"),
        }
    }
    for cut in series_end..bytes.len() {
        assert!(scan(&bytes[..cut], encoding).unwrap().identity().is_ok(), "cut at {cut}");
    }
}

#[test]
fn names_the_offending_element() {
    let encoding = Encoding::ImplicitVrLittleEndian;
    let missing = |left_out: Tag| {
        encoded(encoding, |writer| {
            for tag in Wanted::identity().tags().filter(|tag| tag.element() != 5 && *tag != left_out) {
                writer.element(tag, VR::UI, b"1.2.3");
            }
            writer.element(Tag::PIXEL_DATA, VR::OW, &[0; 64]);
        })
    };
    for tag in Wanted::identity().tags().filter(|tag| tag.element() != 5) {
        let error = scan(&missing(tag), encoding).unwrap().identity().unwrap_err();
        assert_eq!(error, IdentityError::Missing(tag));
        assert_eq!(error.tag(), tag);
    }
    let invalid = encoded(encoding, |writer| {
        writer
            .element(Tag::SOP_CLASS_UID, VR::UI, b"1.2")
            .element(Tag::SOP_INSTANCE_UID, VR::UI, b"1.2")
            .element(Tag::STUDY_INSTANCE_UID, VR::UI, b"STUDY")
            .element(Tag::SERIES_INSTANCE_UID, VR::UI, b"");
    });
    let error = scan(&invalid, encoding).unwrap().identity().unwrap_err();
    assert!(matches!(error, IdentityError::Invalid(Tag::STUDY_INSTANCE_UID, _)), "{error}");
}

/// What stands between the SOP Instance UID and the Study Instance UID, in Explicit VR Little
/// Endian unless said otherwise.
#[test]
fn tolerates_what_devices_send() {
    let cases: &[(&str, &[u8])] = &[
        ("odd length", b"\x08\0\x50\0SH\x03\0ABC"),
        ("zero length", b"\x08\0\x50\0SH\0\0"),
        ("UN of undefined length, implicit inside", b"\x09\0\x01\x10UN\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF\x08\0\x50\0\x02\0\0\0AB\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0"),
        ("UN of undefined length, explicit inside", b"\x09\0\x01\x10UN\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF\x08\0\x50\0SH\x02\0AB\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0"),
        ("sequence of defined length", b"\x08\0\x40\x11SQ\0\0\x08\0\0\0\xFE\xFF\0\xE0\0\0\0\0"),
        ("stray item delimiter", b"\xFE\xFF\x0D\xE0\0\0\0\0"),
        ("stray sequence delimiter", b"\xFE\xFF\xDD\xE0\0\0\0\0"),
        ("missing item delimiter", b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF\x08\0\x50\0SH\x02\0AB\xFE\xFF\xDD\xE0\0\0\0\0"),
        ("missing sequence delimiter", b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0"),
        ("implicit element among explicit ones", b"\x09\0\x01\x10\x02\0\0\0AB"),
        ("VR of a toolkit that does not know it", b"\x09\0\x01\x10??\x02\0AB"),
        ("VR of a later standard", b"\x09\0\x01\x10ZZ\0\0\x02\0\0\0AB"),
        ("group 0002", b"\x02\0\x10\0UI\x12\x001.2.840.10008.1.2\0"),
        ("encapsulated icon", b"\x88\0\x00\x02OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0\x02\0\0\0AB\xFE\xFF\xDD\xE0\0\0\0\0"),
    ];
    for (name, bytes) in cases {
        let encoding = Encoding::ExplicitVrLittleEndian;
        let head = encoded(encoding, |writer| {
            writer.element(Tag::SOP_CLASS_UID, VR::UI, b"1.2").element(Tag::SOP_INSTANCE_UID, VR::UI, b"1.3");
        });
        let tail = encoded(encoding, |writer| {
            writer.element(Tag::STUDY_INSTANCE_UID, VR::UI, b"1.4").element(
                Tag::SERIES_INSTANCE_UID,
                VR::UI,
                b"1.5",
            );
        });
        let whole = [&head[..], bytes, &tail[..], &[0; 21]].concat();
        assert_eq!(uids(&scan(&whole, encoding).unwrap()), ["1.2", "1.3", "1.4", "1.5"], "{name}");
    }
}

#[test]
fn believes_the_first_element_more_than_the_declared_encoding() {
    let encodings = &ENCODINGS[..3];
    for actual in encodings {
        let bytes = encoded(*actual, typical);
        for declared in encodings {
            let attributes = scan(&bytes, *declared);
            // Group length first: four bytes of length, which show no VR in either form.
            assert_eq!(uids(&attributes.unwrap())[2], "1.2.3", "{actual:?} declared as {declared:?}");
        }
    }
}

#[test]
fn bounds_what_it_keeps() {
    let limits = ScanLimits { kept_bytes_max: 300, value_length_max: 200, ..ScanLimits::default() };
    let encoding = Encoding::ImplicitVrLittleEndian;
    let bytes = encoded(encoding, |writer| {
        for element in 1..9 {
            writer.element(Tag(0x0008, element), VR::LO, &[b'x'; 150 * 1000]);
        }
    });
    let mut scanner = Scanner::new(encoding, Wanted::new([], (1..9).map(|e| Tag(8, e))), limits);
    for piece in bytes.chunks(1000) {
        scanner.push(piece).unwrap();
    }
    let attributes = scanner.finish().unwrap();
    assert_eq!(attributes.iter().map(|(_, value)| value.len()).sum::<usize>(), 300);
    assert_eq!(attributes.get(Tag(8, 1)).unwrap().len(), 200);
}

#[test]
fn a_declared_length_allocates_nothing() {
    let mut bytes = b"\x08\0\x16\0\x04\0\0\x001.2\0".to_vec();
    bytes.extend_from_slice(b"\x09\0\x01\x10\0\0\0\x80");
    assert_eq!(bytes.len(), 20);
    let encoding = Encoding::ImplicitVrLittleEndian;
    assert_eq!(scan(&bytes, encoding), Err(ScanError::Truncated(Tag(9, 0x1001))));
    let truncated = Err(ScanError::Truncated(Tag(9, 0x1001)));
    assert_eq!(check_whole(&bytes, encoding, ScanLimits::default()), truncated);
}

#[test]
fn nested_sequences_end_at_the_limit() {
    let open = b"\x08\0\x40\x11\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF";
    let bytes: Vec<u8> = open.iter().copied().cycle().take(64 * 1024).collect();
    let encoding = Encoding::ImplicitVrLittleEndian;
    assert_eq!(scan(&bytes, encoding), Err(ScanError::TooDeep(64)));
    assert_eq!(check_whole(&bytes, encoding, ScanLimits::default()), Err(ScanError::TooDeep(64)));
}

#[test]
fn elements_are_counted() {
    let limits = ScanLimits { elements_max: 100, ..ScanLimits::default() };
    let bytes = b"\x09\0\x01\x10\0\0\0\0".repeat(101);
    let encoding = Encoding::ImplicitVrLittleEndian;
    let mut scanner = Scanner::new(encoding, wanted(), limits);
    assert_eq!(scanner.push(&bytes), Err(ScanError::TooManyElements(100)));
    assert_eq!(check_whole(&bytes, encoding, limits), Err(ScanError::TooManyElements(100)));
}

#[test]
fn deflate_bombs_end_at_the_limit() {
    let bomb = encoded(Encoding::DeflatedExplicitVrLittleEndian, |writer| {
        writer.element(Tag(0x0008, 0x0050), VR::OB, &vec![0; 16 * 1024 * 1024]);
    });
    let encoding = Encoding::DeflatedExplicitVrLittleEndian;
    assert_eq!(scan(&bomb, encoding), Err(ScanError::Inflate(InflateError::BeyondLimit)));
    assert_eq!(inflate_whole(&bomb, 1024 * 1024), Err(InflateError::BeyondLimit));
    assert_eq!(scan(&[0xFF; 40], encoding), Err(ScanError::Inflate(InflateError::Broken)));
    let small = encoded(encoding, typical);
    assert_eq!(deflate(&inflate_whole(&small, 100_000).unwrap()), small);
    assert_eq!(inflate_whole(&small[..small.len() - 3], 100_000), Err(InflateError::Broken));
}

#[test]
fn a_whole_data_set_passes_and_irregular_ones_do_not() {
    for encoding in &ENCODINGS[..3] {
        let bytes = encoded(*encoding, typical);
        assert_eq!(check_whole(&bytes, *encoding, ScanLimits::default()), Ok(()));
        for cut in [1, 9, bytes.len() - 1] {
            assert!(check_whole(&bytes[..cut], *encoding, ScanLimits::default()).is_err(), "cut at {cut}");
        }
    }
    let irregular: &[(&str, &[u8])] = &[
        ("implicit in explicit", b"\x09\0\x01\x10\x02\0\0\0AB"),
        ("stray delimiter", b"\xFE\xFF\x0D\xE0\0\0\0\0"),
        (
            "item longer than its sequence",
            b"\x08\0\x40\x11SQ\0\0\x08\0\0\0\xFE\xFF\0\xE0\x08\0\0\0\x08\0\x50\0SH\0\0",
        ),
        ("number that is cut", b"\x08\0\0\0UL\x06\0ABCDEF"),
        ("UN of undefined length", b"\x09\0\x01\x10UN\0\0\xFF\xFF\xFF\xFF\xFE\xFF\xDD\xE0\0\0\0\0"),
    ];
    for (name, bytes) in irregular {
        let got = check_whole(bytes, Encoding::ExplicitVrLittleEndian, ScanLimits::default());
        assert!(matches!(got, Err(ScanError::Malformed(_))), "{name}: {got:?}");
    }
}

fn any_encoding() -> impl Strategy<Value = Encoding> {
    prop::sample::select(&ENCODINGS[..])
}

proptest! {
    #[test]
    fn any_split_gives_the_same_result(encoding in any_encoding(), cuts in prop::collection::vec(any::<usize>(), 0..40)) {
        let bytes = encoded(encoding, typical);
        prop_assert_eq!(scan_in_pieces(&bytes, encoding, &cuts), scan(&bytes, encoding));
    }

    #[test]
    fn any_split_of_noise_gives_the_same_result(
        encoding in prop::sample::select(&ENCODINGS[..3]),
        noise in noise(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let whole = scan(&noise, encoding);
        if let Ok(attributes) = &whole {
            let kept: usize = attributes.iter().map(|(_, value)| value.len()).sum();
            prop_assert!(kept <= ScanLimits::default().kept_bytes_max);
        }
        prop_assert_eq!(scan_in_pieces(&noise, encoding, &cuts), whole);
    }

    #[test]
    fn noise_never_panics(encoding in any_encoding(), noise in noise()) {
        let _ = scan(&noise, encoding);
        let _ = check_whole(&noise, encoding, ScanLimits::default());
        let _ = inflate_whole(&noise, 1000);
    }

    #[test]
    fn what_passes_the_check_is_read_alike(
        encoding in prop::sample::select(&ENCODINGS[..3]),
        noise in noise(),
        damage in prop::collection::vec((0_usize..200, any::<u8>()), 0..3),
    ) {
        let mut damaged = encoded(encoding, typical);
        for (at, value) in damage {
            damaged[at] = value;
        }
        for bytes in [noise, damaged] {
            prop_assert_eq!(is_read_by_dicom_object(&bytes, encoding), Ok(()));
        }
    }

    /// One changed byte anywhere in a good data set.
    #[test]
    fn damage_never_panics(encoding in any_encoding(), at in any::<usize>(), value in any::<u8>()) {
        let mut bytes = encoded(encoding, typical);
        let at = at % bytes.len();
        bytes[at] = value;
        let _ = scan(&bytes, encoding);
        let _ = check_whole(&bytes, encoding, ScanLimits::default());
    }
}

/// What the check lets pass, `dicom-object` reads to its end: it saw the same structure.
fn is_read_by_dicom_object(bytes: &[u8], encoding: Encoding) -> Result<(), String> {
    use dicom_transfer_syntax_registry::entries;
    let syntax = match encoding {
        Encoding::ImplicitVrLittleEndian => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        Encoding::ExplicitVrBigEndian => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
        _ => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
    };
    if check_whole(bytes, encoding, ScanLimits::default()).is_err() {
        return Ok(());
    }
    dicom_object::InMemDicomObject::read_dataset_with_ts(bytes, &syntax)
        .map(|_| ())
        .map_err(|e| format!("{e:?}"))
}

/// Bytes made of the building blocks of data sets, so that they get far.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let block = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        prop::sample::select(vec![
            b"\x08\0\x16\0UI\x04\x001.2\0".to_vec(),
            b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF".to_vec(),
            b"\x08\0\x40\x11SQ\0\0\x20\0\0\0".to_vec(),
            b"\x09\0\x40\x11UN\0\0\xFF\xFF\xFF\xFF".to_vec(),
            b"\x08\0\x40\x11\xFF\xFF\xFF\xFF".to_vec(),
            b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF".to_vec(),
            b"\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF".to_vec(),
            b"\xFE\xFF\0\xE0\x05\0\0\0".to_vec(),
            b"\xFE\xFF\0\xE0\x30\0\0\0".to_vec(),
            b"\xFE\xFF\x0D\xE0\0\0\0\0".to_vec(),
            b"\xFE\xFF\xDD\xE0\0\0\0\0".to_vec(),
            b"\x20\0\x0D\0UI\x04\x001.4\0".to_vec(),
            b"\x20\0\x0E\0UI\x04\x001.5\0".to_vec(),
        ]),
    ];
    prop::collection::vec(block, 0..40).prop_map(|blocks| blocks.concat())
}
