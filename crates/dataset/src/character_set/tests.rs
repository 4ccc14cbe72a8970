use proptest::prelude::*;

use super::*;

fn set(terms: &str) -> CharacterSet {
    terms.parse().unwrap()
}

/// Person names of PS3.5 (its examples for §6.1.2.5) and of the field: terms, bytes, text. They are encoded into
/// the same bytes.
const NAMES: &[(&str, &[u8], &str)] = &[
    ("", b"Smith^John", "Smith^John"),
    ("ISO_IR 100", b"Buc^J\xE9r\xF4me", "Buc^Jérôme"),
    ("ISO_IR 101", b"W\xB3odarczyk", "Włodarczyk"),
    ("ISO_IR 109", b"\xC6amrun", "Ĉamrun"),
    ("ISO_IR 110", b"B\xE7rzi\xF2\xB9", "Bįrziōš"),
    ("ISO_IR 144", b"\xBB\xEE\xDAc\xD5\xDC\xD1\xEBp\xD3", "Люкcембыpг"),
    ("ISO_IR 127", b"\xE2\xC8\xC7\xE6\xEA^\xE4\xE6\xD2\xC7\xD1", "قباني^لنزار"),
    ("ISO_IR 126", b"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2", "Διονυσιος"),
    ("ISO_IR 138", b"\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4", "שרון^דבורה"),
    ("ISO_IR 148", b"\xC7avu\xFEo\xF0lu", "Çavuşoğlu"),
    ("ISO_IR 203", b"\xA4uro", "€uro"),
    ("ISO_IR 166", b"\xB9\xD2\xC2", "นาย"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東=".as_bytes(), "Wang^XiaoDong=王^小東="),
    ("GB18030", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=", "Wang^XiaoDong=王^小东="),
    ("GBK", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=", "Wang^XiaoDong=王^小东="),
    (
        "\\ISO 2022 IR 87",
        b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    (
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J=\x1B$B$d$^$@\x1B(J^\x1B$B$?$m$&\x1B(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    ("\\ISO 2022 IR 87\\ISO 2022 IR 159", b"\x1B$(D0!\x1B$B;3\x1B(B", "丂山"),
    (
        "\\ISO 2022 IR 149",
        b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    (
        "\\ISO 2022 IR 58",
        b"Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=",
        "Zhang^XiaoDong=张^小东=",
    ),
    ("ISO 2022 IR 100\\ISO 2022 IR 87", b"J\xE9r\xF4me=\x1B$BB@\x1B(B\x1B-A\xE9\x1B$BO:\x1B(B", "Jérôme=太é郎"),
    ("\\ISO 2022 IR 87", b"\x1B$B!A!B!]!q!r\"L\x1B(B", "〜‖−¢£¬"),
    (
        "ISO 2022 IR 100\\ISO 2022 IR 144",
        b"J\xE9r\xF4me=\x1B-L\xBB\xEE\x1B-A",
        "Jérôme=Лю",
    ),
];

#[test]
fn person_names_of_the_standard() {
    for (terms, bytes, text) in NAMES {
        let set = set(terms);
        assert_eq!(set.decode_person_names(bytes), [*text], "{terms}");
        let encoded = set.encode_person_names(text);
        assert_eq!(encoded, Encoded { bytes: bytes.to_vec(), replaced: 0 }, "{terms}");
    }
}

#[test]
fn decodes_what_devices_write() {
    let cases: &[(&str, &[u8], &[&str])] = &[
        // Nothing declared: UTF-8 if it is that, else Latin-1.
        ("", "Müller".as_bytes(), &["Müller"]),
        ("", b"M\xFCller", &["Müller"]),
        ("ISO_IR 6", b"M\xFCller", &["Müller"]),
        // Designated once for the whole name.
        ("\\ISO 2022 IR 149", b"\x1B$)C\xC8\xAB^\xB1\xE6\xB5\xBF", &["홍^길동"]),
        // Left with a designation of G1 alone.
        ("ISO 2022 IR 100\\ISO 2022 IR 87", b"\x1B$BB@\x1B-A\xE9^a", &["太é^a"]),
        // Never designated.
        ("\\ISO 2022 IR 58", b"Zhang=\xD5\xC5^\xD0\xA1\xB6\xAB", &["Zhang=张^小东"]),
        // A first term that cannot stand first.
        ("ISO 2022 IR 149", b"\xC8\xAB", &["홍"]),
        ("ISO 2022 IR 87", b"A\x1B$B;3\x1B(B", &["A山"]),
        // Escape sequences without code extension in the terms.
        ("ISO_IR 100", b"\x1B$B;3\x1B(BA", &["山A"]),
        ("", b"\x1B$B;3\x1B(BA", &["山A"]),
        // The older JIS X 0208, and no way back at the end.
        ("\\ISO 2022 IR 87", b"\x1B$@;3ED", &["山田"]),
        // A delimiter resets; a backslash or caret inside two bytes is none.
        ("\\ISO 2022 IR 87", b"\x1B$B;3\x1B(B\\\x1B$B$^\x1B(B", &["山", "ま"]),
        ("\\ISO 2022 IR 149", b"\x1B$)C\xC8\xAB\\A", &["홍", "A"]),
        ("GB18030", b"\x81\x5C\\A", &["乗", "A"]),
        ("ISO_IR 13", b"\xD4\\A", &["ﾔ", "A"]),
        // Damage.
        ("\\ISO 2022 IR 87", b"\x1B$B;", &["\u{FFFD}"]),
        ("\\ISO 2022 IR 149", b"\x1B$)C\xC8A", &["\u{FFFD}A"]),
        ("ISO_IR 192", b"M\xFCller", &["M\u{FFFD}ller"]),
        ("ISO_IR 100", b"A\x1B", &["A"]),
        ("ISO_IR 100", b"A\x1B%/1B", &["AB"]),
        // Unknown terms are passed over.
        ("ISO_IR 999", b"A", &["A"]),
        ("ISO_IR 100", b" A \\ \\B\0", &["A", "", "B"]),
        ("\\ISO_IR 192", "é".as_bytes(), &["é"]),
    ];
    for (terms, bytes, expected) in cases {
        let set = CharacterSet::from_value(terms.as_bytes());
        let got: Vec<String> = set.decode_person_names(bytes).iter().map(|v| v.trim().to_owned()).collect();
        assert_eq!(got, *expected, "{terms} {}", bytes.escape_ascii());
    }
}

#[test]
fn texts_keep_backslashes_and_lines() {
    let japanese = set("\\ISO 2022 IR 87");
    assert_eq!(japanese.decode_text(b"a\\b\r\n\x1B$B;3\x1B(B \0"), "a\\b\r\n山");
    assert_eq!(japanese.encode_text("a\\b\r\n山\r\nc").bytes, b"a\\b\r\n\x1B$B;3\x1B(B\r\nc");
    assert_eq!(set("ISO_IR 13").decode_text(b"a\\b~"), "a¥b‾");
}

#[test]
fn terms_in_the_spellings_of_the_field() {
    let spellings = [
        ("ISO_IR 100", "ISO-IR 100"),
        ("ISO_IR 100", "iso_ir_100 "),
        ("ISO_IR 100", "ISO 8859-1"),
        ("ISO_IR 100", "ISO2022IR100"),
        ("ISO_IR 100", "ISO_IR 100\0"),
        ("ISO_IR 203", "ISO 8859-15"),
        ("ISO_IR 192", "ISO IR 192"),
        ("GBK", "ISO 2022 GBK"),
        ("\\ISO 2022 IR 58", "\\ISO 2022 58"),
        ("\\ISO 2022 IR 58", "ISO 2022 IR 6\\ISO-2022-IR-58"),
        ("", "ISO_IR 6"),
    ];
    for (terms, spelling) in spellings {
        let (usual, other) = (set(terms), CharacterSet::from_value(spelling.as_bytes()));
        assert_eq!(usual.meaning, other.meaning, "{spelling}");
    }
    assert_eq!("ISO_IR 999".parse::<CharacterSet>(), Err(UnknownTerm("ISO_IR 999".to_owned())));
    assert_eq!(
        CharacterSet::from_value(b"ISO 2022 IR 13\\ISO 2022 IR 87 ").as_str(),
        "ISO 2022 IR 13\\ISO 2022 IR 87"
    );
    assert_eq!(CharacterSet::utf_8(), set("ISO_IR 192"));
}

#[test]
fn counts_what_has_no_place() {
    let cases: &[(&str, &str, &[u8], usize)] = &[
        ("", "Müller", b"M?ller", 1),
        ("ISO_IR 100", "王小", b"??", 2),
        ("\\ISO 2022 IR 87", "山ก", b"\x1B$B;3\x1B(B?", 1),
        ("ISO_IR 148", "€", b"?", 1),
        ("ISO_IR 100", "a\x1Bb", b"a?b", 1),
        ("GBK", "€", b"?", 1),
        // In the rows of vendors only.
        ("\\ISO 2022 IR 87", "①髙", b"??", 2),
        ("\\ISO 2022 IR 58", "ⅰ朗", b"?\x1B$)A\xC0\xCA", 1),
        ("\\ISO 2022 IR 149", "홍뷁", b"\x1B$)C\xC8\xAB?", 1),
    ];
    for (terms, text, bytes, replaced) in cases {
        let expected = Encoded { bytes: bytes.to_vec(), replaced: *replaced };
        assert_eq!(set(terms).encode_values(text), expected, "{terms}");
    }
}

fn any_terms() -> impl Strategy<Value = String> {
    let terms: Vec<&str> = vec![
        "",
        "ISO 2022 IR 6",
        "ISO 2022 IR 13",
        "ISO 2022 IR 87",
        "ISO 2022 IR 159",
        "ISO 2022 IR 149",
        "ISO 2022 IR 58",
        "ISO 2022 IR 100",
        "ISO 2022 IR 101",
        "ISO 2022 IR 126",
        "ISO 2022 IR 144",
        "ISO 2022 IR 166",
        "ISO_IR 192",
        "GB18030",
        "GBK",
    ];
    prop::collection::vec(prop::sample::select(terms), 0..4).prop_map(|terms| terms.join("\\"))
}

proptest! {
    #[test]
    fn noise_never_panics(
        terms in any_terms(),
        noise in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\x1B$()-BCDAIJ\\^=".to_vec())], 0..60),
    ) {
        let set = CharacterSet::from_value(terms.as_bytes());
        let _ = CharacterSet::from_value(&noise);
        let _ = (set.decode_values(&noise), set.decode_person_names(&noise), set.decode_text(&noise));
    }

    /// What was encoded without a loss decodes to itself.
    #[test]
    fn round_trips(
        terms in any_terms(),
        text in "[a-zA-Z^=\n山田やまだﾔﾏﾀﾞ丂홍길동洪吉张小东王éôÿŁłДжΔεกข]{0,30}",
    ) {
        let set = CharacterSet::from_value(terms.as_bytes());
        let names = set.encode_person_names(&text);
        if names.replaced == 0 {
            prop_assert_eq!(set.decode_person_names(&names.bytes), [text.clone()], "{}", names.bytes.escape_ascii());
        }
        let encoded = set.encode_text(&text);
        prop_assert_eq!(encoded.replaced, names.replaced);
        if encoded.replaced == 0 {
            prop_assert_eq!(set.decode_text(&encoded.bytes), text);
        }
    }
}
