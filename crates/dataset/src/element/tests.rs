use instance::{Encoding, Tag};
use proptest::prelude::*;

use super::*;

/// The events of a data set as lines, values joined.
fn events(bytes: &[u8], form: Form, mode: Mode, cuts: &[usize]) -> Result<Vec<String>, ElementError> {
    let mut reader = Reader::new(form, mode, Limits::default());
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let (mut from, mut lines, mut value) = (0, Vec::new(), Vec::new());
    for cut in cuts {
        let mut rest = &bytes[from..cut];
        while let Some(event) = reader.next(&mut rest)? {
            match event {
                Event::Value(piece) => value.extend_from_slice(piece),
                Event::ValueEnd => lines.push(format!("{}", std::mem::take(&mut value).escape_ascii())),
                Event::Element(header) => lines.push(format!("{} {}", header.tag, header.vr.to_string())),
                Event::SequenceStart(header) => lines.push(format!("{} [", header.tag)),
                Event::FragmentsStart(header) => lines.push(format!("{} <", header.tag)),
                Event::Fragment(length) => lines.push(format!("fragment {length}")),
                Event::SequenceEnd => lines.push("]".to_owned()),
                Event::FragmentsEnd => lines.push(">".to_owned()),
                Event::ItemStart => lines.push("{".to_owned()),
                Event::ItemEnd => lines.push("}".to_owned()),
            }
        }
        assert!(rest.is_empty());
        from = cut;
    }
    Ok(lines)
}

fn written(encoding: Encoding) -> Vec<u8> {
    let mut writer = Writer::new(encoding);
    writer
        .element(Tag::SOP_INSTANCE_UID, VR::UI, b"1.2.3")
        .begin_sequence(Tag(0x0008, 0x1140))
        .begin_item()
        .element(Tag::ACCESSION_NUMBER, VR::SH, b"ABC")
        .end_item()
        .end_sequence()
        .u16_element(Tag(0x0028, 0x0010), &[512])
        .element(Tag(0x0028, 0x0106), VR::US, &[1, 2])
        .element(Tag(0x7FE0, 0x0010), VR::OW, b"PIXELS");
    writer.into_bytes()
}

#[test]
fn reads_what_the_writer_wrote() {
    for encoding in
        [Encoding::ImplicitVrLittleEndian, Encoding::ExplicitVrLittleEndian, Encoding::ExplicitVrBigEndian]
    {
        let rows = if encoding == Encoding::ExplicitVrBigEndian { "\\x02\\x00" } else { "\\x00\\x02" };
        let expected = [
            "(0008,0018) UI",
            "1.2.3\\x00",
            "(0008,1140) [",
            "{",
            "(0008,0050) SH",
            "ABC ",
            "}",
            "]",
            "(0028,0010) US",
            rows,
            "(0028,0106) US",
            "\\x01\\x02",
            "(7FE0,0010) OW",
            "PIXELS",
        ];
        for mode in [Mode::SkipSequences, Mode::EnterSequences, Mode::Strict] {
            let got = events(&written(encoding), encoding.into(), mode, &[]).unwrap();
            assert_eq!(got, expected, "{encoding:?} {mode:?}");
        }
    }
}

#[test]
fn enters_sequences_of_defined_length_only_when_told() {
    let bytes = b"\x08\0\x40\x11\x12\0\0\0\xFE\xFF\0\xE0\x0A\0\0\0\x08\0\x50\0\x02\0\0\0AB";
    let form = Form::IMPLICIT_VR_LITTLE_ENDIAN;
    let entered = events(bytes, form, Mode::EnterSequences, &[]).unwrap();
    assert_eq!(entered, ["(0008,1140) [", "{", "(0008,0050) SH", "AB", "}", "]"]);
    assert_eq!(events(bytes, form, Mode::SkipSequences, &[]).unwrap().len(), 2);
}

#[test]
fn gives_fragments_one_by_one() {
    let bytes = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0\x02\0\0\0AB\xFE\xFF\xDD\xE0\0\0\0\0";
    let got = events(bytes, Form::EXPLICIT_VR_LITTLE_ENDIAN, Mode::Strict, &[]).unwrap();
    assert_eq!(got, ["(7FE0,0010) <", "fragment 0", "", "fragment 2", "AB", ">"]);
}

#[test]
fn keeps_children_within_their_parents() {
    // An item of 8 bytes whose element claims 200: the element after the sequence is still found.
    let bytes =
        b"\x08\0\x40\x11\x10\0\0\0\xFE\xFF\0\xE0\x08\0\0\0\x08\0\x50\0\xC8\0\0\0\x08\0\x60\0\x02\0\0\0CT";
    let got = events(bytes, Form::IMPLICIT_VR_LITTLE_ENDIAN, Mode::EnterSequences, &[]).unwrap();
    assert_eq!(got, ["(0008,1140) [", "{", "(0008,0050) SH", "", "}", "]", "(0008,0060) CS", "CT"]);
}

#[test]
fn looks_vrs_up_where_none_is_written() {
    let cases: &[(Tag, VR, bool)] = &[
        (Tag::PATIENT_NAME, VR::PN, false),
        (Tag(0x0028, 0x0106), VR::US, true),
        (Tag(0x0009, 0x0010), VR::LO, false),
        (Tag(0x0009, 0x1001), VR::UN, false),
        (Tag(0x0010, 0x0000), VR::UL, false),
        (Tag(0x6002, 0x3000), VR::OW, false),
    ];
    for (tag, vr, us_or_ss) in cases {
        let mut writer = Writer::new(Encoding::ImplicitVrLittleEndian);
        writer.element(*tag, VR::UN, b"");
        let form = Form::IMPLICIT_VR_LITTLE_ENDIAN;
        let mut reader = Reader::new(form, Mode::SkipSequences, Limits::default());
        let expected = Header { tag: *tag, vr: *vr, us_or_ss: *us_or_ss, length: Some(0), form };
        assert_eq!(reader.next(&mut writer.as_bytes()), Ok(Some(Event::Element(expected))));
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(
        noise in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\xFE\xFF\0\xE0\x0D\xDD\x08SQUN".to_vec())], 0..300),
        damage in prop::collection::vec((any::<usize>(), any::<u8>()), 0..6),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        explicit_vr in any::<bool>(),
        mode in prop::sample::select(vec![Mode::SkipSequences, Mode::EnterSequences, Mode::Strict]),
    ) {
        let encoding = if explicit_vr { Encoding::ExplicitVrLittleEndian } else { Encoding::ImplicitVrLittleEndian };
        let mut damaged = written(encoding);
        for (at, value) in damage {
            let at = at % damaged.len();
            damaged[at] = value;
        }
        for bytes in [noise, damaged] {
            prop_assert_eq!(
                events(&bytes, encoding.into(), mode, &cuts),
                events(&bytes, encoding.into(), mode, &[])
            );
        }
    }
}
