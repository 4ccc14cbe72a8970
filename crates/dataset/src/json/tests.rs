use std::collections::BTreeSet;

use dicom_core::VR;
use instance::{Encoding, Tag};
use proptest::prelude::*;

use super::*;
use crate::element::Writer;

fn item(json: &str) -> Item {
    let mut items = read_all(json.as_bytes(), ReadLimits::default()).unwrap();
    assert_eq!(items.len(), 1, "{json}");
    items.remove(0)
}

fn written(item: &Item) -> String {
    let mut out = Vec::new();
    write_item(item, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What servers send, and how it reads and is written again.
#[test]
fn reads_what_servers_send() {
    let cases: &[(&str, &str)] = &[
        (r#""00080060":{"vr":"CS","Value":["CT"]}"#, r#""00080060":{"vr":"CS","Value":["CT"]}"#),
        (r#""00080060":{"Value":["CT"]}"#, r#""00080060":{"vr":"CS","Value":["CT"]}"#),
        (r#""00080060":{"vr":"CS","Value":"CT"}"#, r#""00080060":{"vr":"CS","Value":["CT"]}"#),
        (r#""0008,0060":["CT"]"#, r#""00080060":{"vr":"CS","Value":["CT"]}"#),
        (r#""Modality":{"vr":"CS","value":["CT"]}"#, r#""00080060":{"vr":"CS","Value":["CT"]}"#),
        (r#""00080060":{"vr":"CS","Value":[]}"#, r#""00080060":{"vr":"CS"}"#),
        (r#""00080060":{"vr":"CS","Value":[null]}"#, r#""00080060":{"vr":"CS"}"#),
        (r#""00080060":null"#, r#""00080060":{"vr":"CS"}"#),
        (
            r#""00080008":{"vr":"CS","Value":["A",null,""]}"#,
            r#""00080008":{"vr":"CS","Value":["A",null,null]}"#,
        ),
        (r#""00180050":{"vr":"DS","Value":[null]}"#, r#""00180050":{"vr":"DS"}"#),
        (r#""00180050":{"vr":"DS","Value":["1.50"]}"#, r#""00180050":{"vr":"DS","Value":["1.50"]}"#),
        (r#""00280010":{"vr":"US","Value":["512"]}"#, r#""00280010":{"vr":"US","Value":[512]}"#),
        (r#""00280010":{"vr":"US","Value":[512.0]}"#, r#""00280010":{"vr":"US","Value":[512]}"#),
        (r#""00280010":{"vr":"US","Value":512}"#, r#""00280010":{"vr":"US","Value":[512]}"#),
        (r#""00080050":{"vr":"SH","Value":[17]}"#, r#""00080050":{"vr":"SH","Value":["17"]}"#),
        (
            r#""00100010":{"vr":"PN","Value":["A^B=C^D"]}"#,
            r#""00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B","Ideographic":"C^D"}]}"#,
        ),
        (
            r#""00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B","Other":1}]}"#,
            r#""00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"}]}"#,
        ),
        (r#""00100010":{"vr":"PN","Value":[5]}"#, r#""00100010":{"vr":"PN","Value":[{"Alphabetic":"5"}]}"#),
        (r#""00100010":{"vr":"PN","Value":[{}]}"#, r#""00100010":{"vr":"PN"}"#),
        (r#""00100010":{"vr":"PN","Value":[""]}"#, r#""00100010":{"vr":"PN"}"#),
        (
            r#""00080060":{"vr":"CS","keyword":"Modality","Value":["CT"]}"#,
            r#""00080060":{"vr":"CS","Value":["CT"]}"#,
        ),
        (
            r#""7FE00010":{"vr":"OW","BulkDataURI":"http://x/1"}"#,
            r#""7FE00010":{"vr":"OW","BulkDataURI":"http://x/1"}"#,
        ),
        (
            r#""00091001":{"vr":"OB","InlineBinary":"AAE="}"#,
            r#""00091001":{"vr":"OB","InlineBinary":"AAE="}"#,
        ),
        (r#""00091001":{"vr":"UN","Value":["x"]}"#, r#""00091001":{"vr":"UN","Value":["x"]}"#),
        (
            r#""00081140":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.2"]}},{},null]}"#,
            r#""00081140":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.2"]}},{},null]}"#,
        ),
        (
            r#""00091001":{"Value":[{"00081150":{"vr":"UI","Value":["1.2"]}}]}"#,
            r#""00091001":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.2"]}}]}"#,
        ),
        // One bad element is left out, whatever is wrong with it.
        (r#""00091001":{"vr":"OB","InlineBinary":"%%%"}"#, ""),
        (r#""comment":"made by hand""#, ""),
        (r#""00080060":{"vr":"CS","Value":[{"x":1}]}"#, ""),
        (r#""00081140":{"vr":"SQ","Value":["x"]}"#, r#""00081140":{"vr":"SQ","Value":["x"]}"#),
    ];
    for (json, expected) in cases {
        let read = item(&format!(r#"{{{json},"00200010":{{"vr":"SH","Value":["ID"]}}}}"#));
        let separator = if expected.is_empty() || *expected > r#""00200010"# { "" } else { "," };
        let mut expected_parts = vec![r#""00200010":{"vr":"SH","Value":["ID"]}"#.to_owned()];
        match (expected.is_empty(), separator) {
            (true, _) => {}
            (false, ",") => expected_parts.insert(0, (*expected).to_owned()),
            (false, _) => expected_parts.push((*expected).to_owned()),
        }
        assert_eq!(written(&read), format!("{{{}}}", expected_parts.join(",")), "{json}");
    }
}

#[test]
fn gives_values_as_what_is_asked_for() {
    let item = item(
        r#"{"00201208":{"vr":"IS","Value":["12 "]},"00201206":{"vr":"IS","Value":[3]},
            "0020000D":{"vr":"UI","Value":["1.2\u0000"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"}]},
            "00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.3"]}}]}}"#,
    );
    assert_eq!(item.integer(Tag(0x0020, 0x1208)), Some(12));
    assert_eq!(item.integer(Tag(0x0020, 0x1206)), Some(3));
    assert_eq!(item.uid(Tag::STUDY_INSTANCE_UID).unwrap().as_str(), "1.2");
    assert_eq!(item.text(Tag::PATIENT_NAME).unwrap(), "A^B");
    assert_eq!(item.text(Tag::PATIENT_ID), None);
    let nested: Vec<_> = item.items(Tag(0x0008, 0x1199)).filter_map(|i| i.uid(Tag(0x0008, 0x1155))).collect();
    assert_eq!(nested[0].as_str(), "1.3");
}

#[test]
fn one_bad_item_never_loses_a_page() {
    let good = r#"{"00080060":{"vr":"CS","Value":["CT"]}}"#;
    let long = format!(r#"{{"00080060":{{"vr":"CS","Value":["{}"]}}}}"#, "x".repeat(500));
    let body = format!("\u{FEFF} [{good}, {{\"a\":NaN}}, null, [1,2], \"}}]{{\", {long}, {good}] ");
    let mut reader = Reader::new(ReadLimits { item_length_max: 200 });
    let (mut rest, mut got) = (body.as_bytes(), Vec::new());
    while let Some(item) = reader.next(&mut rest).unwrap() {
        got.push(item.map(|item| item.len()));
    }
    reader.finish().unwrap();
    assert_eq!(got.iter().filter(|item| **item == Ok(1)).count(), 2, "{got:?}");
    assert!(got.contains(&Err(BadItem::TooLong(200))));
    assert!(got.iter().any(|item| matches!(item, Err(BadItem::Malformed(_)))));
    assert_eq!(got.last(), Some(&Ok(1)));
}

#[test]
fn tells_what_is_no_json() {
    let cases: &[(&str, Result<usize, ReadError>)] = &[
        ("", Ok(0)),
        ("  ", Ok(0)),
        ("[]", Ok(0)),
        ("{}", Ok(1)),
        ("<!DOCTYPE html><html>", Err(ReadError::NotJson)),
        ("Unauthorized", Err(ReadError::NotJson)),
        ("[{}", Err(ReadError::Truncated)),
        ("[{},", Err(ReadError::Truncated)),
        ("{\"00080060\":", Err(ReadError::Truncated)),
    ];
    for (body, expected) in cases {
        let got = read_all(body.as_bytes(), ReadLimits::default()).map(|items| items.len());
        assert_eq!(got, *expected, "{body}");
    }
}

#[test]
fn nesting_in_json_is_bounded() {
    let deep = r#"{"00081140":{"vr":"SQ","Value":["#.repeat(10_000);
    assert_eq!(read_all(deep.as_bytes(), ReadLimits::default()), Err(ReadError::Truncated));
    let closed = format!("[{deep}{}]", "]}}".repeat(10_000));
    let items = read_all(closed.as_bytes(), ReadLimits::default()).unwrap();
    let (mut innermost, mut levels) = (&items[0], 0);
    while let Some(inner) = innermost.items(Tag(0x0008, 0x1140)).next() {
        (innermost, levels) = (inner, levels + 1);
    }
    assert!((1..64).contains(&levels), "{levels}");
}

fn convert(bytes: &[u8], encoding: Encoding, options: Options) -> String {
    let mut out = Vec::new();
    from_data_set(bytes, encoding, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn typical(encoding: Encoding) -> Vec<u8> {
    let mut writer = Writer::new(encoding);
    writer
        .element(Tag(0x0008, 0x0000), VR::UL, &[0; 4])
        .element(Tag::SPECIFIC_CHARACTER_SET, VR::CS, b"ISO_IR 100")
        .element(Tag(0x0008, 0x0008), VR::CS, b"ORIGINAL\\\\AXIAL")
        .element(Tag::SOP_INSTANCE_UID, VR::UI, b"1.2.3")
        .element(Tag::STUDY_DATE, VR::DA, b"")
        .element(Tag::PATIENT_NAME, VR::PN, b"M\xFCller^Ann\\B^C")
        .element(Tag(0x0010, 0x2203), VR::CS, b"  ")
        .begin_sequence(Tag(0x0008, 0x1140))
        .begin_item()
        .element(Tag(0x0008, 0x1155), VR::UI, b"1.2.4")
        .element(Tag(0x0009, 0x1001), VR::OB, &[1; 200])
        .end_item()
        .begin_item()
        .end_item()
        .end_sequence()
        .begin_sequence(Tag(0x0008, 0x1199))
        .end_sequence()
        .element(Tag(0x0018, 0x0050), VR::DS, b"+1.50 \\.5\\1E2\\abc\\-007")
        .element(Tag(0x0020, 0x0013), VR::IS, b"0012")
        .u16_element(Tag(0x0028, 0x0010), &[512])
        .u16_element(Tag(0x0028, 0x0103), &[1])
        .u16_element(Tag(0x0028, 0x0106), &[0xFFFF])
        .u16_element(Tag(0x0028, 0x0009), &[0x0018, 0x1063])
        .element(Tag(0x0040, 0xA160), VR::UT, b"a\\b \"c\" ")
        .element(Tag::PIXEL_DATA, VR::OW, &[7; 5000]);
    writer.into_bytes()
}

#[test]
fn converts_a_data_set() {
    let expected = concat!(
        r#"{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"#,
        r#""00080008":{"vr":"CS","Value":["ORIGINAL",null,"AXIAL"]},"#,
        r#""00080018":{"vr":"UI","Value":["1.2.3"]},"#,
        r#""00080020":{"vr":"DA"},"#,
        r#""00100010":{"vr":"PN","Value":[{"Alphabetic":"Müller^Ann"},{"Alphabetic":"B^C"}]},"#,
        r#""00102203":{"vr":"CS"},"#,
        r#""00081140":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.4"]},"#,
        r#""00091001":{"vr":"OB","BulkDataURI":"b/00081140/1/00091001"}},{}]},"#,
        r#""00081199":{"vr":"SQ"},"#,
        r#""00180050":{"vr":"DS","Value":[1.50,0.5,1E2,"abc",-7]},"#,
        r#""00200013":{"vr":"IS","Value":[12]},"#,
        r#""00280010":{"vr":"US","Value":[512]},"#,
        r#""00280103":{"vr":"US","Value":[1]},"#,
        r#""00280106":{"vr":"SS","Value":[-1]},"#,
        r#""00280009":{"vr":"AT","Value":["00181063"]},"#,
        r#""0040A160":{"vr":"UT","Value":["a\\b \"c\""]},"#,
        r#""7FE00010":{"vr":"OW","BulkDataURI":"b/7FE00010"}}"#,
    );
    let options =
        Options { bulk_data: BulkData::Uri("b".to_owned()), value_length_max: 100, ..Options::default() };
    // In implicit form the private element has no VR.
    let implicit = Encoding::ImplicitVrLittleEndian;
    let got = convert(&typical(implicit), implicit, options.clone());
    assert_eq!(got, expected.replace(r#""00091001":{"vr":"OB""#, r#""00091001":{"vr":"UN""#));
    for encoding in [Encoding::ExplicitVrLittleEndian, Encoding::ExplicitVrBigEndian] {
        let got = convert(&typical(encoding), encoding, options.clone());
        let expected = expected
            .replace(r#""00280106":{"vr":"SS","Value":[-1]}"#, r#""00280106":{"vr":"US","Value":[65535]}"#)
            .replace(
                r#""00280009":{"vr":"AT","Value":["00181063"]}"#,
                r#""00280009":{"vr":"US","Value":[24,4195]}"#,
            );
        assert_eq!(got, expected, "{encoding:?}");
    }
}

#[test]
fn inflates_on_the_way() {
    use std::io::Write;
    let plain = Encoding::ExplicitVrLittleEndian;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&typical(plain)).unwrap();
    let deflated = encoder.finish().unwrap();
    let got = convert(&deflated, Encoding::DeflatedExplicitVrLittleEndian, Options::default());
    assert_eq!(got, convert(&typical(plain), plain, Options::default()));
}

#[test]
fn encapsulated_pixel_data_is_bulk_data() {
    let fragments = b"\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0\x02\0\0\0AB\xFE\xFF\xDD\xE0\0\0\0\0";
    let behind = "\u{8}\0\u{60}\0";
    let explicit =
        [&b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF"[..], fragments, behind.as_bytes(), b"CS\x02\0CT"].concat();
    let implicit =
        [&b"\xE0\x7F\x10\0\xFF\xFF\xFF\xFF"[..], fragments, behind.as_bytes(), b"\x02\0\0\0CT"].concat();
    let options = Options { bulk_data: BulkData::Uri("b".to_owned()), ..Options::default() };
    let expected =
        r#"{"7FE00010":{"vr":"OB","BulkDataURI":"b/7FE00010"},"00080060":{"vr":"CS","Value":["CT"]}}"#;
    assert_eq!(convert(&explicit, Encoding::ExplicitVrLittleEndian, options.clone()), expected);
    assert_eq!(convert(&implicit, Encoding::ImplicitVrLittleEndian, options), expected);
}

#[test]
fn selects_and_leaves_bulk_data_out() {
    let encoding = Encoding::ExplicitVrLittleEndian;
    let select = Select::Only(BTreeSet::from([Tag::PATIENT_NAME, Tag::PIXEL_DATA]));
    let got = convert(&typical(encoding), encoding, Options { select, ..Options::default() });
    let name = r#""00100010":{"vr":"PN","Value":[{"Alphabetic":"Müller^Ann"},{"Alphabetic":"B^C"}]}"#;
    assert_eq!(got, format!(r#"{{{name},"7FE00010":{{"vr":"OW"}}}}"#));
}

#[test]
fn every_vr_of_numbers_and_bytes() {
    let cases: &[(VR, &[u8], &str)] = &[
        (VR::SL, &[0xFF, 0xFF, 0xFF, 0xFE], r#""Value":[-2]"#),
        (VR::UL, &[0, 0, 0, 2], r#""Value":[2]"#),
        (VR::UV, &[0, 0, 0, 0, 0, 0, 0, 2], r#""Value":[2]"#),
        (VR::SV, &[0xFF; 8], r#""Value":[-1]"#),
        (VR::UV, &[0xFF; 8], r#""Value":["18446744073709551615"]"#),
        (VR::FL, &[0x3F, 0xC0, 0, 0], r#""Value":[1.5]"#),
        (VR::FL, &[0x7F, 0x80, 0, 0], r#""Value":["inf"]"#),
        (VR::FD, &[0x3F, 0xF8, 0, 0, 0, 0, 0, 0], r#""Value":[1.5]"#),
        (VR::FD, &[0x7F, 0xF8, 0, 0, 0, 0, 0, 0], r#""Value":["NaN"]"#),
        (VR::AT, &[0x00, 0x18, 0x10, 0x63], r#""Value":["00181063"]"#),
        (VR::OW, &[0, 1], r#""InlineBinary":"AQA=""#),
        (VR::OB, &[0, 1], r#""InlineBinary":"AAE=""#),
        (VR::OF, &[0, 1, 2, 3], r#""InlineBinary":"AwIBAA==""#),
        (VR::OD, &[0, 1, 2, 3, 4, 5, 6, 7], r#""InlineBinary":"BwYFBAMCAQA=""#),
        (VR::US, &[1], ""),
    ];
    for (vr, value, expected) in cases {
        let encoding = Encoding::ExplicitVrBigEndian;
        let mut out = Vec::new();
        let set = crate::character_set::CharacterSet::default();
        value::write(*vr, encoding.into(), value, &set, &mut out).unwrap();
        let comma = if expected.is_empty() { "" } else { "," };
        assert_eq!(String::from_utf8(out).unwrap(), format!("{comma}{expected}"), "{vr:?}");
    }
}

#[test]
fn a_cut_data_set_still_gives_json() {
    let encoding = Encoding::ExplicitVrLittleEndian;
    let whole = typical(encoding);
    for cut in 0..whole.len() {
        let got = convert(&whole[..cut], encoding, Options::default());
        let read: serde_json::Value =
            serde_json::from_str(&got).unwrap_or_else(|e| panic!("{cut}: {e}: {got}"));
        assert!(read.is_object());
    }
}

/// The JSON of dicom-json for what was written, and ours, say the same of each element that both
/// can read.
#[test]
fn agrees_with_dicom_json() {
    use dicom_object::InMemDicomObject;
    use dicom_transfer_syntax_registry::entries::EXPLICIT_VR_LITTLE_ENDIAN;
    let encoding = Encoding::ExplicitVrLittleEndian;
    let bytes = typical(encoding);
    let ours = convert(&bytes, encoding, Options::default());
    let object =
        InMemDicomObject::read_dataset_with_ts(&bytes[12..], &EXPLICIT_VR_LITTLE_ENDIAN.erased()).unwrap();
    let theirs = item(&dicom_json::to_string(&object).unwrap());
    let ours_read = item(&ours);
    let same =
        [Tag::SOP_INSTANCE_UID, Tag::STUDY_DATE, Tag::PATIENT_NAME, Tag(0x0008, 0x1199), Tag(0x0028, 0x0010)];
    for tag in same {
        assert_eq!(ours_read.get(tag), theirs.get(tag), "{tag}");
    }
    let back: InMemDicomObject = dicom_json::from_str(&ours).unwrap();
    for tag in same.into_iter().filter(|tag| *tag != Tag(0x0008, 0x1199) && *tag != Tag::STUDY_DATE) {
        let tag = dicom_core::Tag(tag.group(), tag.element());
        assert_eq!(
            back.element(tag).unwrap().to_str().unwrap(),
            object.element(tag).unwrap().to_str().unwrap(),
            "{tag}"
        );
    }
}

/// Pieces of JSON, usual ones and others, that make an element.
fn any_element() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "00080060",
        "00100010",
        "00081140",
        "00280010",
        "00200013",
        "00180050",
        "0008002a",
        "Modality",
        "00091001",
        "(0008,0050)",
        "7FE00010",
        "x",
    ]);
    let vr = prop::sample::select(vec![
        "\"vr\":\"CS\"",
        "\"vr\":\"PN\"",
        "\"vr\":\"US\"",
        "\"vr\":\"SQ\"",
        "\"vr\":\"DS\"",
        "\"vr\":\"IS\"",
        "\"vr\":\"OB\"",
        "\"VR\":\"CS\"",
        "\"vr\":\"?\"",
        "\"vr\":null",
        "\"a\":1",
    ]);
    let value = prop::sample::select(vec![
        "\"CT\"",
        "\"\"",
        "\" 7 \"",
        "null",
        "7",
        "-7",
        "7.0",
        "1.5",
        "1e400",
        "true",
        "{}",
        "[]",
        "{\"Alphabetic\":\"A^B\",\"Phonetic\":\"\"}",
        "{\"alphabetic\":\"A\"}",
        "{\"Alphabetic\":7}",
        "{\"00080060\":{\"vr\":\"CS\"}}",
        "{\"y\":{}}",
        "\"\\u00e9\"",
    ]);
    let values =
        prop::collection::vec(value, 0..3).prop_map(|values| format!("\"Value\":[{}]", values.join(",")));
    let content = prop_oneof![
        4 => values,
        1 => prop::sample::select(vec!["\"Value\":null", "\"Value\":\"CT\"", "\"value\":[\"CT\"]", "\"InlineBinary\":\"AAE=\"", "\"InlineBinary\":\"AA E=\"", "\"InlineBinary\":\"%\"", "\"BulkDataURI\":\"u\"", "\"BulkDataURI\":7", "\"b\":{}"]).prop_map(str::to_owned),
    ];
    (key, prop::collection::vec(prop_oneof![vr.prop_map(str::to_owned), content], 0..4))
        .prop_map(|(key, members)| format!("\"{key}\":{{{}}}", members.join(",")))
}

proptest! {
    /// What the quick reader understands, it understands as the tolerant one does.
    #[test]
    fn the_quick_way_reads_the_same(elements in prop::collection::vec(any_element(), 0..6)) {
        let json = format!("{{{}}}", elements.join(","));
        if let Ok(quick) = canonical::read(json.as_bytes()) {
            let mut dropped = 0;
            let tolerant = item::read(serde_json::from_str(&json).unwrap(), &mut dropped);
            // Members that occur twice, which nobody sends, may be counted in another way.
            let twice = elements.iter().any(|element| element.matches("\"vr\"").count() > 1
                || element.matches("\"Value\"").count() > 1);
            if !twice {
                prop_assert_eq!(Some(quick), tolerant, "{}", json);
                prop_assert_eq!(dropped, 0);
            }
        }
    }

    #[test]
    fn any_split_reads_the_same(cuts in prop::collection::vec(0_usize..200, 0..20), noise in ".{0,20}") {
        let text = serde_json::to_string(&noise).unwrap();
        let body = format!(r#"[{{"00080060":{{"vr":"CS","Value":[{text}]}}}},{{"a":{text}}},7,{text},{{}}]"#);
        let read = |cuts: &[usize]| {
            let mut reader = Reader::new(ReadLimits { item_length_max: 60 });
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
            cuts.push(body.len());
            cuts.sort_unstable();
            let (mut from, mut items) = (0, Vec::new());
            for cut in cuts {
                let mut rest = &body.as_bytes()[from..cut];
                while let Some(item) = reader.next(&mut rest).unwrap() {
                    items.push(item);
                }
                from = cut;
            }
            reader.finish().unwrap();
            items
        };
        prop_assert_eq!(read(&cuts), read(&[]));
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"[]{}\",:0\\".to_vec())], 0..200)) {
        let _ = read_all(&noise, ReadLimits { item_length_max: 100 });
        let array = [b"[{\"00080060\":{", &noise[..]].concat();
        let _ = read_all(&array, ReadLimits { item_length_max: 100 });
    }

    #[test]
    fn damaged_data_sets_give_valid_json_in_any_split(
        damage in prop::collection::vec((any::<usize>(), any::<u8>()), 0..8),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        explicit_vr in any::<bool>(),
    ) {
        let encoding = if explicit_vr { Encoding::ExplicitVrLittleEndian } else { Encoding::ImplicitVrLittleEndian };
        let mut bytes = typical(encoding);
        for (at, value) in damage {
            let at = at % 800;
            bytes[at] = value;
        }
        let once = convert(&bytes, encoding, Options::default());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&once).is_ok(), "{}", once);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % bytes.len()).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let (mut converter, mut out, mut from) = (Converter::new(encoding, Options::default()), Vec::new(), 0);
        for cut in cuts {
            converter.push(&bytes[from..cut], &mut out).unwrap();
            from = cut;
        }
        converter.finish(&mut out).unwrap();
        prop_assert_eq!(String::from_utf8(out).unwrap(), once);
    }
}
