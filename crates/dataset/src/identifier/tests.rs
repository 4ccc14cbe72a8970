use proptest::prelude::*;
use serde_json::Number;

use super::*;
use crate::{
    element::{VR, Writer},
    json::{Content, Element, PersonName, Value},
};

const ENCODINGS: [Encoding; 4] = [
    Encoding::ImplicitVrLittleEndian,
    Encoding::ExplicitVrLittleEndian,
    Encoding::ExplicitVrBigEndian,
    Encoding::DeflatedExplicitVrLittleEndian,
];

fn set(terms: &str) -> CharacterSet {
    terms.parse().unwrap()
}

fn read(bytes: &[u8], encoding: Encoding) -> Identifier {
    Identifier::read(bytes, encoding, None).unwrap_or_else(|error| panic!("{encoding:?}: {error}"))
}

fn explicit(build: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(Encoding::ExplicitVrLittleEndian);
    build(&mut writer);
    writer.into_bytes()
}

fn name(text: &str) -> Item {
    Item::from_iter([(Tag::PATIENT_NAME, Element::text(VR::PN, text))])
}

/// One element of each kind, nested.
fn typical(text: &str) -> Item {
    let code = |value: &str| {
        Item::from_iter([
            (Tag(0x0008, 0x0100), Element::text(VR::SH, value)),
            (Tag(0x0008, 0x0104), Element::text(VR::LO, text)),
        ])
    };
    let inner = Item::from_iter([
        (Tag(0x0040, 0x0007), Element::text(VR::LO, text)),
        (Tag(0x0040, 0x0008), Element::sequence([code("A"), Item::new(), code("B")])),
        (Tag(0x0040, 0x0009), Element::empty(VR::SH)),
    ]);
    Item::from_iter([
        (Tag(0x0008, 0x0018), Element::texts(VR::UI, ["1.2.3", "1.2.4"])),
        (Tag(0x0008, 0x0020), Element::text(VR::DA, "20240101-20240131")),
        (Tag(0x0008, 0x0052), Element::text(VR::CS, "STUDY")),
        (Tag(0x0008, 0x0061), Element::texts(VR::CS, ["CT", "", "MR"])),
        (Tag(0x0008, 0x1190), Element::text(VR::UR, "http://x/y?a=b")),
        (Tag(0x0010, 0x0010), Element::text(VR::PN, &format!("{text}^A={text}={text}"))),
        (Tag(0x0010, 0x0020), Element::empty(VR::LO)),
        (Tag(0x0010, 0x1030), Element::text(VR::DS, "70.5")),
        (Tag(0x0010, 0x4000), Element::text(VR::LT, &format!("{text}\r\n{text}"))),
        (Tag(0x0018, 0x9073), Element::values(VR::FD, vec![Value::Number(Number::from_f64(1.5).unwrap())])),
        (Tag(0x0020, 0x0013), Element::text(VR::IS, "7")),
        (Tag(0x0028, 0x0009), Element::text(VR::AT, "00181063")),
        (Tag(0x0028, 0x0010), Element::integer(VR::US, 512)),
        (Tag(0x0040, 0x0100), Element::sequence([inner])),
        (Tag(0x0040, 0x0275), Element::sequence([])),
    ])
}

/// Each character set with letters that it has.
const CHARACTER_SETS: &[(&str, &str)] = &[
    ("", "Smith"),
    ("ISO_IR 100", "Jérôme"),
    ("ISO_IR 101", "Włodarczyk"),
    ("ISO_IR 109", "Ĉamrun"),
    ("ISO_IR 110", "Bįrziōš"),
    ("ISO_IR 144", "Люкceмбypг"),
    ("ISO_IR 127", "قباني"),
    ("ISO_IR 126", "Διονυσιος"),
    ("ISO_IR 138", "שרון"),
    ("ISO_IR 148", "Çavuşoğlu"),
    ("ISO_IR 203", "€uro"),
    ("ISO_IR 166", "นาย"),
    ("ISO_IR 13", "ﾔﾏﾀﾞ"),
    ("ISO 2022 IR 6\\ISO 2022 IR 87", "山田やまだ"),
    ("\\ISO 2022 IR 87\\ISO 2022 IR 159", "山丂a田"),
    ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏ山田a"),
    ("\\ISO 2022 IR 149", "홍길동a吉"),
    ("\\ISO 2022 IR 58", "张小东a"),
    ("ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126", "JérômeЛюΔι"),
    ("GB18030", "王小东乗𠀀"),
    ("GBK", "王小东乗"),
    ("ISO_IR 192", "王小東홍やまлΔé"),
];

#[test]
fn reads_what_it_writes_in_every_encoding_and_character_set() {
    for encoding in ENCODINGS {
        for (terms, text) in CHARACTER_SETS {
            let (item, set) = (typical(text), set(terms));
            let written = write(&item, encoding, &set);
            assert_eq!(written.replaced, 0, "{terms}");
            assert!(fits(&item, &set), "{terms}");
            let identifier = read(&written.bytes, encoding);
            assert_eq!(identifier.item, item, "{encoding:?} {terms}");
            assert_eq!(identifier.character_set.as_str(), *terms, "{encoding:?}");
            assert_eq!(identifier.character_set_named, !terms.is_empty());
            assert!(written.bytes.len().is_multiple_of(2), "{encoding:?} {terms}");
        }
    }
}

/// PS3.5 §7.1.2, byte for byte.
#[test]
fn writes_the_bytes_of_the_standard() {
    let item = Item::from_iter([
        (Tag::PATIENT_NAME, Element::text(VR::PN, "Jérôme")),
        (Tag::STUDY_INSTANCE_UID, Element::text(VR::UI, "1.2")),
        (Tag(0x0028, 0x0010), Element::integer(VR::US, 258)),
    ]);
    let cases: [(Encoding, &[u8]); 3] = [
        (
            Encoding::ExplicitVrLittleEndian,
            b"\x08\0\x05\0CS\x0A\0ISO_IR 100\x10\0\x10\0PN\x06\0J\xE9r\xF4me\x20\0\x0D\0UI\x04\x001.2\0\x28\0\x10\0US\x02\0\x02\x01",
        ),
        (
            Encoding::ExplicitVrBigEndian,
            b"\0\x08\0\x05CS\0\x0AISO_IR 100\0\x10\0\x10PN\0\x06J\xE9r\xF4me\0\x20\0\x0DUI\0\x041.2\0\0\x28\0\x10US\0\x02\x01\x02",
        ),
        (
            Encoding::ImplicitVrLittleEndian,
            b"\x08\0\x05\0\x0A\0\0\0ISO_IR 100\x10\0\x10\0\x06\0\0\0J\xE9r\xF4me\x20\0\x0D\0\x04\0\0\x001.2\0\x28\0\x10\0\x02\0\0\0\x02\x01",
        ),
    ];
    for (encoding, expected) in cases {
        let bytes = write(&item, encoding, &set("ISO_IR 100")).bytes;
        assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string(), "{encoding:?}");
    }
}

/// PS3.4 §C.4.1.1.3: (0008,0005) "shall be included if expanded or replacement character sets are
/// being used", and is of no use otherwise.
#[test]
fn names_the_character_set_only_where_it_is_needed() {
    let encoding = Encoding::ExplicitVrLittleEndian;
    for terms in ["ISO_IR 192", "ISO_IR 13", "\\ISO 2022 IR 87"] {
        let written = write(&name("Smith~J\\X"), encoding, &set(terms));
        assert_eq!(written, write(&name("Smith~J\\X"), encoding, &CharacterSet::default()), "{terms}");
        assert!(!read(&written.bytes, encoding).character_set_named);
    }
    // What an origin said about its JSON does not get through.
    let mut item = name("Smith");
    item.insert(Tag::SPECIFIC_CHARACTER_SET, Element::text(VR::CS, "ISO_IR 192"));
    assert_eq!(write(&item, encoding, &set("ISO_IR 192")), write(&name("Smith"), encoding, &set("")));
    // A sequence alone needs it too, and once only.
    let nested = Item::from_iter([(Tag(0x0040, 0x0275), Element::sequence([item, name("é")]))]);
    let bytes = write(&nested, encoding, &set("ISO_IR 100")).bytes;
    assert!(bytes.starts_with(b"\x08\0\x05\0CS\x0A\0ISO_IR 100"), "{}", bytes.escape_ascii());
    assert_eq!(bytes.windows(6).filter(|window| window == b"ISO_IR").count(), 1);
}

#[test]
fn answers_in_the_set_of_the_request_where_it_can() {
    let encoding = Encoding::ExplicitVrLittleEndian;
    let cases = [
        ("ISO_IR 100", "Jérôme", OnUnmappable::Utf8, "ISO_IR 100", "Jérôme", 0),
        ("ISO_IR 100", "山田", OnUnmappable::Utf8, "ISO_IR 192", "山田", 0),
        ("ISO_IR 100", "é山", OnUnmappable::Replace, "ISO_IR 100", "é?", 1),
        (
            "ISO_IR 100",
            "Yamada^Tarô=山田^太郎=やまだ^たろう",
            OnUnmappable::Replace,
            "ISO_IR 100",
            "Yamada^Tarô",
            10,
        ),
        ("ISO_IR 100", "Yamada=山田=é", OnUnmappable::Replace, "ISO_IR 100", "Yamada==é", 2),
        ("", "Jérôme", OnUnmappable::Utf8, "ISO_IR 192", "Jérôme", 0),
        ("", "Jérôme", OnUnmappable::Replace, "", "J?r?me", 2),
        ("", "Smith", OnUnmappable::Utf8, "", "Smith", 0),
        ("\\ISO 2022 IR 87", "山田", OnUnmappable::Utf8, "\\ISO 2022 IR 87", "山田", 0),
        // ISO 2022 would read it as the beginning of a designation.
        ("ISO_IR 100", "é\u{1B}", OnUnmappable::Utf8, "ISO_IR 192", "é\u{1B}", 0),
    ];
    for (request, text, on_unmappable, terms, expected, replaced) in cases {
        let written = encode_for(&name(text), encoding, &set(request), on_unmappable);
        assert_eq!(written.replaced, replaced, "{request} {text}");
        let identifier = read(&written.bytes, encoding);
        assert_eq!(identifier.character_set.as_str(), terms, "{request} {text}");
        assert_eq!(identifier.item, name(expected), "{request} {text}");
        assert_eq!(fits(&name(text), &set(request)), terms == request && replaced == 0);
    }
}

#[test]
fn reads_what_devices_send() {
    let expected = name("Smith^J");
    let encoding = Encoding::ExplicitVrLittleEndian;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("odd length", b"\x10\0\x10\0PN\x07\0Smith^J".to_vec()),
        ("last pad not sent", b"\x10\0\x10\0PN\x08\0Smith^J".to_vec()),
        ("padded with NUL", b"\x10\0\x10\0PN\x08\0Smith^J\0".to_vec()),
        ("implicit VR", b"\x10\0\x10\0\x08\0\0\0Smith^J ".to_vec()),
        ("big endian", b"\0\x10\0\x10PN\0\x08Smith^J ".to_vec()),
        ("group length", b"\x10\0\0\0UL\x04\0\x10\0\0\0\x10\0\x10\0PN\x08\0Smith^J ".to_vec()),
        ("VR UN", b"\x10\0\x10\0UN\0\0\x08\0\0\0Smith^J ".to_vec()),
        ("twice", b"\x10\0\x10\0PN\x08\0Smith^J \x10\0\x10\0PN\x02\0X ".to_vec()),
        ("no order", b"\x20\0\x0D\0UI\0\0\x10\0\x10\0PN\x08\0Smith^J ".to_vec()),
        ("NULs behind", b"\x10\0\x10\0PN\x08\0Smith^J \0\0\0\0".to_vec()),
    ];
    for (what, bytes) in cases {
        let mut item = read(&bytes, encoding).item;
        item.remove(Tag::STUDY_INSTANCE_UID);
        assert_eq!(item, expected, "{what}");
    }
    assert!(read(b"", encoding).item.is_empty());
    assert!(read(b"", Encoding::DeflatedExplicitVrLittleEndian).item.is_empty());
    let explicit = b"\x10\0\x10\0PN\x08\0Smith^J ";
    assert_eq!(read(explicit, Encoding::ImplicitVrLittleEndian).item, expected, "explicit VR");
}

#[test]
fn reads_sequences_of_any_form() {
    let tag = Tag(0x0040, 0x0275);
    let step = Item::from_iter([(Tag(0x0040, 0x0009), Element::text(VR::SH, "S1"))]);
    let element = b"\x40\0\x09\0SH\x02\0S1";
    let defined = |items: &[u8]| {
        let length = u8::try_from(items.len()).unwrap();
        [b"\x40\0\x75\x02SQ\0\0", &[length, 0, 0, 0][..], items].concat()
    };
    let undefined = |items: &[u8]| [b"\x40\0\x75\x02SQ\0\0\xFF\xFF\xFF\xFF", items].concat();
    let item_defined = [b"\xFE\xFF\0\xE0\x0A\0\0\0", &element[..]].concat();
    let item_undefined =
        [b"\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF", &element[..], b"\xFE\xFF\x0D\xE0\0\0\0\0"].concat();
    let end = b"\xFE\xFF\xDD\xE0\0\0\0\0";
    let unclosed = &item_undefined[..item_undefined.len() - 8];
    let cases = [
        ("both defined", defined(&item_defined), vec![step.clone()]),
        ("defined, item undefined", defined(&item_undefined), vec![step.clone()]),
        ("undefined", undefined(&[&item_defined[..], end].concat()), vec![step.clone()]),
        ("both undefined", undefined(&[&item_undefined[..], end].concat()), vec![step.clone()]),
        (
            "two items",
            defined(&[&item_defined[..], &item_undefined].concat()),
            vec![step.clone(), step.clone()],
        ),
        ("no end", undefined(&item_undefined), vec![step.clone()]),
        ("no end of the item", undefined(unclosed), vec![step]),
        ("no item", defined(b""), vec![]),
        ("an empty item", defined(b"\xFE\xFF\0\xE0\0\0\0\0"), vec![Item::new()]),
    ];
    for (what, bytes, items) in cases {
        let identifier = read(&bytes, Encoding::ExplicitVrLittleEndian);
        assert_eq!(identifier.item.get(tag), Some(&Element::sequence(items)), "{what}");
    }
}

#[test]
fn character_sets_named_assumed_and_unknown() {
    let with = |terms: &str, value: &[u8]| {
        explicit(|writer| {
            if terms != "none" {
                writer.element(Tag::SPECIFIC_CHARACTER_SET, VR::CS, terms.as_bytes());
            }
            writer.element(Tag::PATIENT_NAME, VR::PN, value);
        })
    };
    let undecodable = IdentifierError::Undecodable(Tag::PATIENT_NAME);
    let unknown = IdentifierError::UnknownCharacterSet("ISO_IR 999".to_owned());
    type Expected<'a> = Result<(&'a str, &'a str, bool), IdentifierError>;
    let cases: Vec<(&str, &[u8], Option<&str>, Expected<'_>)> = vec![
        ("ISO_IR 144", b"\xBB\xEE", Some("ISO_IR 100"), Ok(("Лю", "ISO_IR 144", true))),
        ("none", b"\xBB\xEE", Some("ISO_IR 144"), Ok(("Лю", "ISO_IR 144", false))),
        ("", b"\xBB\xEE", Some("ISO_IR 144"), Ok(("Лю", "ISO_IR 144", false))),
        ("none", b"J\xE9r\xF4me", None, Ok(("Jérôme", "", false))),
        ("none", "Jérôme".as_bytes(), None, Ok(("Jérôme", "", false))),
        // Assumed, and wrong.
        ("none", b"J\xE9r\xF4me", Some("ISO_IR 192"), Ok(("Jérôme", "ISO_IR 192", false))),
        ("ISO_IR 192", b"J\xE9r\xF4me", None, Err(undecodable.clone())),
        ("\\ISO 2022 IR 87", b"\x1B$B;", None, Err(undecodable)),
        ("ISO_IR 999", b"Smith", Some("ISO_IR 100"), Ok(("Smith", "ISO_IR 100", false))),
        ("ISO_IR 999", b"J\xE9r\xF4me", Some("ISO_IR 100"), Err(unknown.clone())),
        ("ISO 2022 IR 6\\ISO_IR 999", b"\x1B$B;3\x1B(B", None, Err(unknown)),
    ];
    for (terms, value, assumed, expected) in cases {
        let assumed = assumed.map(set);
        let got = Identifier::read(&with(terms, value), Encoding::ExplicitVrLittleEndian, assumed.as_ref());
        let expected = expected.map(|(text, terms, named)| (name(text), terms.to_owned(), named));
        let got = got.map(|got| (got.item, got.character_set.to_string(), got.character_set_named));
        assert_eq!(got, expected, "{terms} {}", value.escape_ascii());
    }
    assert_eq!(
        IdentifierError::UnknownCharacterSet(String::new()).offending(),
        Some(Tag::SPECIFIC_CHARACTER_SET)
    );
}

/// PS3.3 §C.12.1.1.2: an item may name its own.
#[test]
fn an_item_may_name_its_own_character_set() {
    let bytes = explicit(|writer| {
        let tag = Tag(0x0040, 0x0007);
        writer
            .element(Tag::SPECIFIC_CHARACTER_SET, VR::CS, b"ISO_IR 100")
            .begin_sequence(Tag(0x0040, 0x0100))
            .begin_item()
            .element(Tag::SPECIFIC_CHARACTER_SET, VR::CS, b"ISO_IR 144")
            .element(tag, VR::LO, b"\xBB\xEE")
            .end_item()
            .begin_item()
            .element(tag, VR::LO, b"\xE9")
            .end_item()
            .end_sequence();
    });
    let identifier = read(&bytes, Encoding::ExplicitVrLittleEndian);
    let texts: Vec<_> = identifier
        .item
        .items(Tag(0x0040, 0x0100))
        .map(|item| item.text(Tag(0x0040, 0x0007)).unwrap())
        .collect();
    assert_eq!(texts, ["Лю", "é"]);
    assert_eq!(identifier.character_set.as_str(), "ISO_IR 100");
}

#[test]
fn refuses_what_costs_too_much_or_is_cut() {
    let encoding = Encoding::ExplicitVrLittleEndian;
    let failed = |bytes: &[u8]| Identifier::read(bytes, encoding, None).unwrap_err();
    assert_eq!(failed(&vec![0x20; LENGTH_MAX + 1]), IdentifierError::TooLong);
    let deep = b"\x40\0\x75\x02SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF".repeat(40_000);
    assert_eq!(failed(&deep), IdentifierError::Element(ElementError::TooDeep(DEPTH_MAX)));
    let many = b"\x10\0\x20\0LO\0\0".repeat(LENGTH_MAX / 8);
    assert_eq!(failed(&many), IdentifierError::Element(ElementError::TooManyElements(ELEMENTS_MAX)));
    let values = explicit(|writer| {
        writer.element(Tag(0x0020, 0x000D), VR::UN, &[b'\\'; LENGTH_MAX / 2]);
    });
    assert_eq!(failed(&values), IdentifierError::TooManyValues(Tag::STUDY_INSTANCE_UID));
    let group_ffff = |bytes: &[u8], encoding| {
        let error = Identifier::read(bytes, encoding, None).unwrap_err();
        assert_eq!(
            error,
            IdentifierError::Element(ElementError::Malformed(Tag(0xFFFF, 0xFFFF))),
            "{encoding:?}"
        );
    };
    for encoding in [Encoding::ImplicitVrLittleEndian, encoding, Encoding::ExplicitVrBigEndian] {
        group_ffff(&[0xFF; 40], encoding);
    }
    assert_eq!(failed(b"\x10\0\x10\0PN\x08\0Smith"), IdentifierError::Truncated(Tag::PATIENT_NAME));
    assert_eq!(failed(b"\x10\0\x20\0LO\0\0\x10\0\x10\0P").offending(), Some(Tag::PATIENT_ID));
    let bomb = write(
        &Item::from_iter([(Tag(0x0040, 0xA160), Element::text(VR::UT, &"a".repeat(LENGTH_MAX)))]),
        Encoding::DeflatedExplicitVrLittleEndian,
        &CharacterSet::default(),
    );
    assert_eq!(
        Identifier::read(&bomb.bytes, Encoding::DeflatedExplicitVrLittleEndian, None),
        Err(IdentifierError::Inflate(InflateError::BeyondLimit))
    );
    assert!(bomb.bytes.len() < 10_000);
}

/// What origins send is written as what the VR of PS3.6 wants.
#[test]
fn writes_what_origins_send() {
    let number = |float| Value::Number(Number::from_f64(float).unwrap());
    let integer = |value: i64| Value::Number(value.into());
    let cases: Vec<(Tag, Element, Element)> = vec![
        (Tag(0x0020, 0x1208), Element::integer(VR::IS, 300), Element::text(VR::IS, "300")),
        (Tag(0x0020, 0x1208), Element::integer(VR::US, 300), Element::text(VR::IS, "300")),
        (Tag(0x0018, 0x0050), Element::values(VR::DS, vec![number(1.25)]), Element::text(VR::DS, "1.25")),
        (
            Tag(0x0018, 0x0050),
            Element::values(
                VR::DS,
                vec![number(0.1 + 0.2), number(1e-30 / 3.0), number(-1_234.567_890_123_456)],
            ),
            Element::texts(VR::DS, ["0.30000000000000", "3.3333333333e-31", "-1234.5678901235"]),
        ),
        (Tag(0x0028, 0x0010), Element::text(VR::US, "512"), Element::integer(VR::US, 512)),
        // What a VR cannot hold is no value.
        (Tag(0x0028, 0x0010), Element::values(VR::US, vec![integer(70_000)]), Element::empty(VR::US)),
        (Tag(0x0028, 0x0010), Element::values(VR::US, vec![integer(1), Value::Null]), Element::empty(VR::US)),
        (
            Tag(0x0028, 0x0009),
            Element { vr: VR::AT, content: Content::BulkDataUri("http://x".to_owned()) },
            Element::empty(VR::AT),
        ),
        (Tag(0x0010, 0x0010), Element::text(VR::LO, "A^B"), Element::text(VR::PN, "A^B")),
        (
            Tag(0x0010, 0x0010),
            Element::values(
                VR::PN,
                vec![Value::Name(Box::new(PersonName { phonetic: "x".to_owned(), ..PersonName::default() }))],
            ),
            Element::text(VR::PN, "==x"),
        ),
        (
            Tag(0x0040, 0x0275),
            Element { vr: VR::SQ, content: Content::Values(vec![Value::Null, Value::Text("x".to_owned())]) },
            Element::sequence([Item::new()]),
        ),
        // Longer than a length of 16 bits can tell.
        (
            Tag(0x0010, 0x2000),
            Element::text(VR::LO, &"a".repeat(70_000)),
            Element::text(VR::LO, &"a".repeat(70_000)),
        ),
    ];
    for (tag, sent, expected) in cases {
        let item = Item::from_iter([(tag, sent)]);
        for encoding in ENCODINGS {
            let bytes = write(&item, encoding, &CharacterSet::default()).bytes;
            assert_eq!(read(&bytes, encoding).item.get(tag), Some(&expected), "{encoding:?} {tag}");
        }
    }
    let unwanted = Item::from_iter([
        (Tag(0x0000, 0x0900), Element::integer(VR::US, 1)),
        (Tag(0x0002, 0x0010), Element::text(VR::UI, "1.2")),
        (Tag(0x0010, 0x0000), Element::integer(VR::UL, 8)),
        (Tag(0xFFFE, 0xE000), Element::empty(VR::UN)),
    ]);
    let written = write(&unwanted, Encoding::ExplicitVrLittleEndian, &CharacterSet::default());
    assert_eq!(written, Written::default());
}

/// What pydicom and DCMTK read from it is compared in the tests of the whole; here the strict scan
/// that stands before every library must pass.
#[test]
fn what_is_written_is_strictly_well_formed() {
    for encoding in &ENCODINGS[..3] {
        let bytes = write(&typical("Jérôme"), *encoding, &set("ISO_IR 100")).bytes;
        crate::scan::check_whole(&bytes, *encoding, crate::scan::ScanLimits::default()).unwrap();
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let letters = "aZ09 ~éôŁłДжΔεｧﾔﾏ山田やまだ丂홍길동洪张小东王乗กข€";
    prop::collection::vec(prop::sample::select(letters.chars().collect::<Vec<_>>()), 0..12)
        .prop_map(|characters| characters.into_iter().collect::<String>().trim().to_owned())
}

fn any_element() -> impl Strategy<Value = (Tag, Element)> {
    let texts = prop::collection::vec(any_text(), 1..4);
    let text = |tag, vr: VR| any_text().prop_map(move |text| (tag, Element::text(vr, &text)));
    prop_oneof![
        texts.prop_map(|texts| (
            Tag(0x0010, 0x1000),
            Element::texts(VR::LO, texts.iter().map(String::as_str))
        )),
        (any_text(), any_text(), any_text()).prop_map(|(a, b, c)| {
            let name = PersonName { alphabetic: a, ideographic: b, phonetic: c };
            let value = if name.is_empty() { Value::Null } else { Value::Name(Box::new(name)) };
            (Tag::PATIENT_NAME, Element::values(VR::PN, vec![value]))
        }),
        text(Tag(0x0008, 0x0050), VR::SH),
        text(Tag(0x0010, 0x4000), VR::LT),
        text(Tag(0x0040, 0xA160), VR::UT),
        "[A-Z0-9]{1,8}".prop_map(|text| (Tag::MODALITY, Element::text(VR::CS, &text))),
        "[1-9](\\.[1-9][0-9]{0,5}){1,8}"
            .prop_map(|text| (Tag::STUDY_INSTANCE_UID, Element::text(VR::UI, &text))),
        any::<i16>().prop_map(|number| (Tag(0x0018, 0x9219), Element::integer(VR::SS, number.into()))),
        any::<u16>().prop_map(|number| (Tag(0x0028, 0x0010), Element::integer(VR::US, number.into()))),
        any::<u32>().prop_map(|number| (
            Tag(0x0018, 0x6020),
            Element::integer(VR::SL, i64::from(number) - (1 << 31))
        )),
        (-1e9..1e9).prop_map(|float| {
            let number = Number::from_f64(float).unwrap();
            (Tag(0x0018, 0x9073), Element::values(VR::FD, vec![Value::Number(number)]))
        }),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(|mut bytes| {
            bytes.truncate(bytes.len() / 2 * 2);
            let content = if bytes.is_empty() { Content::Empty } else { Content::InlineBinary(bytes) };
            (Tag(0x0009, 0x1001), Element { vr: VR::UN, content })
        }),
        Just((Tag::PATIENT_ID, Element::empty(VR::LO))),
    ]
}

fn any_item() -> impl Strategy<Value = Item> {
    let flat = prop::collection::vec(any_element(), 0..6).prop_map(Item::from_iter);
    flat.prop_recursive(3, 20, 3, |inner| {
        (prop::collection::vec(any_element(), 0..4), prop::collection::vec(inner, 0..3)).prop_map(
            |(elements, items)| {
                let mut item = Item::from_iter(elements);
                item.insert(Tag(0x0040, 0x0275), Element::sequence(items));
                item
            },
        )
    })
}

proptest! {
    #[test]
    fn read_of_write_is_the_item(
        item in any_item(),
        encoding in prop::sample::select(ENCODINGS.to_vec()),
        terms in prop::sample::select(CHARACTER_SETS.iter().map(|(terms, _)| *terms).collect::<Vec<_>>()),
    ) {
        let written = write(&item, encoding, &set(terms));
        let back = Identifier::read(&written.bytes, encoding, None).unwrap();
        prop_assert_eq!(written.replaced == 0, fits(&item, &set(terms)));
        if written.replaced == 0 {
            prop_assert_eq!(&back.item, &item);
        }
        // UTF-8 has a place for everything.
        let written = encode_for(&item, encoding, &set(terms), OnUnmappable::Utf8);
        prop_assert_eq!(written.replaced, 0);
        prop_assert_eq!(Identifier::read(&written.bytes, encoding, None).unwrap().item, item);
    }

    #[test]
    fn noise_never_panics(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        encoding in prop::sample::select(ENCODINGS.to_vec()),
    ) {
        let _ = Identifier::read(&noise, encoding, None);
    }

    /// A damaged identifier is refused, or read as one that can be written and read again.
    #[test]
    fn damage_is_refused_or_read(
        item in any_item(),
        damage in prop::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        cut in any::<usize>(),
        encoding in prop::sample::select(ENCODINGS[..3].to_vec()),
    ) {
        let mut bytes = write(&item, encoding, &CharacterSet::utf_8()).bytes;
        for (at, value) in damage {
            let length = bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(at % length) {
                *byte = value;
            }
        }
        bytes.truncate(cut % (bytes.len() * 2 + 1));
        if let Ok(identifier) = Identifier::read(&bytes, encoding, None) {
            let _ = crate::matching::Keys::read(&identifier.item, crate::matching::Options::default());
            let written = write(&identifier.item, encoding, &CharacterSet::utf_8());
            prop_assert!(Identifier::read(&written.bytes, encoding, None).is_ok());
        }
    }
}
