use proptest::prelude::*;

use super::*;
use crate::{
    element::VR,
    json::{Element, PersonName, Value},
};

fn item(elements: &[(Tag, Element)]) -> Item {
    elements.iter().cloned().collect()
}

fn one(tag: Tag, vr: VR, text: &str) -> Item {
    item(&[(tag, Element::texts(vr, text.split('\\')))])
}

fn keys(tag: Tag, vr: VR, text: &str, options: Options) -> Keys {
    Keys::read(&one(tag, vr, text), options).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Each row: a key, values that match it and values that do not.
type Row<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

fn holds(tag: Tag, vr: VR, options: Options, rows: &[Row<'_>]) {
    for (key, matching, others) in rows {
        let keys = keys(tag, vr, key, options);
        for value in *matching {
            assert!(keys.matches(&one(tag, vr, value)), "{key:?} and {value:?}: {keys:?}");
        }
        for value in *others {
            assert!(!keys.matches(&one(tag, vr, value)), "{key:?} and not {value:?}: {keys:?}");
        }
    }
}

const PLAIN: Options = Options { combined_date_time: false, fuzzy: false, empty_value: false };
const FUZZY: Options = Options { combined_date_time: false, fuzzy: true, empty_value: false };
const STUDY_TIME: Tag = Tag(0x0008, 0x0030);
const MODALITIES_IN_STUDY: Tag = Tag(0x0008, 0x0061);
const STUDY_DESCRIPTION: Tag = Tag(0x0008, 0x1030);
const SERIES_NUMBER: Tag = Tag(0x0020, 0x0011);
const REQUEST_ATTRIBUTES: Tag = Tag(0x0040, 0x0275);
const SCHEDULED_STEP_ID: Tag = Tag(0x0040, 0x0009);

/// PS3.4 §C.2.2.2.1: single values, by case and without padding.
#[test]
fn single_values_of_text() {
    holds(
        Tag::PATIENT_ID,
        VR::LO,
        PLAIN,
        &[
            ("PID-1", &["PID-1", " PID-1 ", "X\\PID-1"], &["pid-1", "PID-10", "PID", ""]),
            ("A B", &["A B"], &["A  B", "AB"]),
            ("Ärzte", &["Ärzte"], &["ärzte", "Arzte"]),
            ("A+B.C(D)[E]", &["A+B.C(D)[E]"], &["AAB.C(D)[E]"]),
        ],
    );
    holds(Tag::MODALITY, VR::CS, PLAIN, &[("CT", &["CT"], &["ct", "MR", ""])]);
}

/// PS3.4 §C.2.2.2.3: "zero length [...] all entities shall match", and §C.2.2.2.4 note 1: a value of
/// `*` is equivalent.
#[test]
fn universal_keys() {
    let tags = [
        (Tag::PATIENT_ID, VR::LO),
        (Tag::PATIENT_NAME, VR::PN),
        (Tag::STUDY_DATE, VR::DA),
        (STUDY_TIME, VR::TM),
        (Tag::STUDY_INSTANCE_UID, VR::UI),
        (SERIES_NUMBER, VR::IS),
    ];
    for (tag, vr) in tags {
        for key in ["", "*", " * ", "*\\*"] {
            let keys = keys(tag, vr, key, PLAIN);
            assert_eq!(keys.get(tag), Some(&Condition::Universal), "{tag} {key:?}");
            assert!(keys.is_universal() && keys.matches(&Item::new()) && keys.matches(&one(tag, vr, "1")));
        }
    }
    assert!(keys(Tag::PATIENT_ID, VR::LO, "**", PLAIN).is_universal());
    assert!(keys(Tag::STUDY_DATE, VR::DA, "-", PLAIN).is_universal());
    assert!(keys(Tag::PATIENT_NAME, VR::PN, "^^=*", PLAIN).is_universal());
}

/// PS3.4 §C.2.2.2.4: "`*` shall match any sequence of characters (including a zero length value) and
/// `?` shall match any single character. This matching is case sensitive, except [...] PN".
#[test]
fn wildcards() {
    holds(
        STUDY_DESCRIPTION,
        VR::LO,
        PLAIN,
        &[
            ("CT*", &["CT", "CT Head"], &["ct", "A CT", ""]),
            ("*Head*", &["Head", "CT Head", "CT Head 2"], &["CT head", "Hea"]),
            ("C?", &["CT", "CR"], &["C", "CTA", "cT"]),
            ("?", &["a", "é", "山"], &["", "ab"]),
            ("*a*b*c", &["abc", "xaxbxc", "aabbcc"], &["acb", "abcd"]),
            ("a*?", &["ab", "abc"], &["a"]),
            ("*.?[a]", &["x.y[a]"], &["x.y a"]),
            ("Thorax*", &["other\\Thorax 2"], &["other"]),
        ],
    );
    // No wildcards in UI, DA, IS: there they are errors or nothing.
    let wild = |tag, vr, text: &str| Keys::read(&one(tag, vr, text), PLAIN).unwrap_err().tag();
    assert_eq!(wild(Tag::STUDY_INSTANCE_UID, VR::UI, "1.2.*"), Tag::STUDY_INSTANCE_UID);
    assert_eq!(wild(Tag::STUDY_DATE, VR::DA, "2024*"), Tag::STUDY_DATE);
    assert_eq!(wild(SERIES_NUMBER, VR::IS, "1?"), SERIES_NUMBER);
}

/// PS3.4 §C.2.2.2.1.1: literal matching "that is insensitive to some [...] aspects of case, [...]
/// accent or other character encoding variants": ours of case and of how accents are encoded.
#[test]
fn person_names() {
    holds(
        Tag::PATIENT_NAME,
        VR::PN,
        PLAIN,
        &[
            (
                "SMITH^JOHN",
                &["Smith^John", "SMITH^JOHN^^^", "smith^john ", "Smith ^ John"],
                &["Smith", "Smith^Johnny", "John^Smith"],
            ),
            ("Smith^^^", &["Smith", "SMITH^"], &["Smith^John"]),
            ("MÜLLER", &["Müller", "Mu\u{308}ller"], &["Muller", "Mueller"]),
            ("Mu\u{308}ller", &["müller"], &["muller"]),
            ("ПЕТРОВ^*", &["Петров^Иван", "петров"], &["Петрова"]),
            ("DOE^*", &["DOE^JOHN", "DOE", "Doe^^^Dr"], &["DOEN^JOHN"]),
            ("DOE^J*", &["DOE^JOHN", "doe^j^q"], &["DOE", "DOE^BILL"]),
            ("DOE*", &["DOE", "DOEN^J"], &["ADOE"]),
            ("*^JOHN", &["DOE^JOHN"], &["DOE^JOHNNY", "DOE"]),
            ("DOE^*^Q", &["DOE^J^Q"], &["DOE^J"]),
            ("D?E", &["Doe", "DÖE"], &["DE", "Dooe"]),
            // PS3.4 §C.2.2.2.1.1, note: the groups of Wang^XiaoDong=王^小東.
            (
                "Wang^XiaoDong=王^小東",
                &["Wang^XiaoDong=王^小東", "Wang^XiaoDong=王^小東=x"],
                &["Wang^XiaoDong", "王^小東"],
            ),
            ("Wang^XiaoDong", &["Wang^XiaoDong=王^小東", "Wang^XiaoDong"], &["Wang"]),
            ("王^小東", &["Wang^XiaoDong=王^小東"], &["Wang^XiaoDong=王^小"]),
            ("*小東*", &["Wang^XiaoDong=王^小東"], &["Wang^XiaoDong"]),
            ("=王*", &["Wang^XiaoDong=王^小東"], &["王^小東=Wang", "Wang"]),
            ("*=王^小東", &["Wang^XiaoDong=王^小東", "=王^小東"], &["Wang^XiaoDong"]),
            ("==やまだ*", &["Yamada^Tarou=山田^太郎=やまだ^たろう"], &["Yamada^Tarou=山田^太郎"]),
            ("ΔΙΟΝΥΣΙΟΣ", &["Διονυσιος"], &["Διονύσιος"]),
            ("O'Neill", &["O'NEILL"], &["ONeill"]),
        ],
    );
}

/// Our fuzzy matching: every word of the key begins a word of the name, without case, accents and
/// order.
#[test]
fn fuzzy_person_names() {
    holds(
        Tag::PATIENT_NAME,
        VR::PN,
        FUZZY,
        &[
            ("muller", &["Müller^Jörg", "MULLER", "Mu\u{308}ller"], &["Mueller", "Amuller"]),
            ("JÖRG mül", &["Müller^Jörg"], &["Müller", "Jörg^M"]),
            ("john^smith", &["Smith^John", "Smith^Johnny^^Dr"], &["Smith^J"]),
            ("oneill", &["O'Neill^Pat", "ONEILL"], &["Neill"]),
            ("søren", &["Soren", "SØREN"], &["Sorn"]),
            ("strasse", &["Straße"], &["Strase"]),
            ("łódź", &["Lodz"], &[]),
            ("王", &["Wang^XiaoDong=王^小東"], &["Wang"]),
            ("やまだ", &["Yamada=山田=やまだ"], &["Yamata=山田=やまた"]),
            ("ﾔﾏﾀﾞ", &["ヤマダ^タロウ"], &["ヤマタ"]),
            ("петр", &["Петров^Иван"], &["Иван"]),
            ("διονυσιος", &["Διονύσιος"], &[]),
            ("Sm*th", &["Smith", "Smooth"], &["Sm"]),
            ("Doe^*", &["Doe^John", "Doe", "John^Doe"], &["Dow"]),
        ],
    );
    let keys = keys(Tag::PATIENT_NAME, VR::PN, "Müller", FUZZY);
    assert!(matches!(keys.get(Tag::PATIENT_NAME), Some(Condition::Fuzzy(name)) if name.text() == "Müller"));
    // Only PN is fuzzy.
    holds(Tag::PATIENT_ID, VR::LO, FUZZY, &[("ab", &["ab"], &["AB", "abc"])]);
}

/// PS3.4 §C.2.2.2.1.3: "matched by their meaning, not as literal strings", and §C.2.2.2.5.1.
#[test]
fn dates() {
    holds(
        Tag::STUDY_DATE,
        VR::DA,
        PLAIN,
        &[
            ("19931022", &["19931022", "1993.10.22", "1993-10-22"], &["19931023", "199310", "", "nonsense"]),
            ("1993.10.22", &["19931022", "1993.10.22"], &["19931021"]),
            ("20240101-20240131", &["20240101", "20240131", "2024.01.15"], &["20231231", "20240201", ""]),
            ("20240101 - 20240131", &["20240101", "20240131"], &["20240201"]),
            ("-20240131", &["20240131", "18991231"], &["20240201", ""]),
            ("20240101-", &["20240101", "99991231"], &["20231231", ""]),
            ("1993.10.22-1993.10.24", &["19931023"], &["19931025"]),
            ("20240131-20240101", &[], &["20240115"]),
        ],
    );
    for bad in
        ["2024", "20240230", "20241301", "2024010", "today", "20240101-x", "20240101-20240102-", "2024010１"]
    {
        let error = Keys::read(&one(Tag::STUDY_DATE, VR::DA, bad), PLAIN).unwrap_err();
        assert_eq!(error, KeyError::Date(Tag::STUDY_DATE), "{bad}");
    }
}

/// PS3.4 §C.2.2.2.1.3: "the TM 2230 matches 223000"; §C.2.2.2.5.2.
#[test]
fn times() {
    holds(
        STUDY_TIME,
        VR::TM,
        PLAIN,
        &[
            ("2230", &["223000", "2230", "22:30:00", "223059.999999"], &["223100", "22", "222959", ""]),
            ("223000", &["2230", "223000.5"], &["223001"]),
            ("223000.5", &["223000.5", "223000.500000"], &["223000.6", "223000"]),
            ("10-18", &["100000", "1800", "185959.9"], &["0959", "1900"]),
            ("1000-1800", &["10", "180030", "12:00"], &["0959", "180100"]),
            ("-1200", &["000000", "1200"], &["1201"]),
            ("1200-", &["1200", "235960"], &["115959"]),
            ("2300-0100", &[], &["2330", "0030"]),
        ],
    );
    for bad in ["25", "1", "1060", "10-11-12", "noon", "101.5", "1000.5"] {
        let error = Keys::read(&one(STUDY_TIME, VR::TM, bad), PLAIN).unwrap_err();
        assert_eq!(error, KeyError::Time(STUDY_TIME), "{bad}");
    }
}

/// PS3.4 §C.2.2.2.1.3 and §C.2.2.2.5.3, with the examples of their notes.
#[test]
fn date_times() {
    let tag = Tag(0x0008, 0x002A);
    holds(
        tag,
        VR::DT,
        PLAIN,
        &[
            ("19980128103000.0000", &["19980128103000"], &["19980128103001"]),
            ("19980128103000+0000", &["19980128073000-0300", "19980128103000"], &["19980128103000-0300"]),
            ("1998", &["19980128", "1998", "199812312359"], &["1999", "1997"]),
            ("199802", &["19980228"], &["19980301"]),
            ("20240101-20240131", &["20240115103000", "20240131235959.9"], &["20240201"]),
            (
                "20240101-0500-20240102-0500",
                &["20240101050000+0000", "202401022359-0500"],
                &["20240101045959+0000"],
            ),
            ("-20240102-0500", &["20240102", "20240103045900+0000"], &["20240103050000+0000"]),
            ("20240101-", &["20240101", "2025"], &["2023"]),
            ("20240101-0500", &["20240101", "20240101050000+0000"], &["20240102"]),
        ],
    );
    for bad in ["20240", "2024010125", "20240101+2500", "x-y", "20240101é"] {
        let error = Keys::read(&one(tag, VR::DT, bad), PLAIN).unwrap_err();
        assert_eq!(error, KeyError::DateTime(tag), "{bad}");
    }
}

/// PS3.4 §C.2.2.2.5.4, note: "20060705-20060707 and [...] 1000-1800 will match the time period of
/// July 5, 10am until July 7, 6pm, rather than the three time periods".
#[test]
fn combined_dates_and_times() {
    let key = |date: &str, time: &str| {
        let mut item = one(Tag::STUDY_DATE, VR::DA, date);
        item.insert(STUDY_TIME, Element::text(VR::TM, time));
        item
    };
    let combined = Options { combined_date_time: true, ..PLAIN };
    let cases: &[(&str, &str, &str, &str, bool, bool)] = &[
        ("20060705-20060707", "1000-1800", "20060706", "0300", true, false),
        ("20060705-20060707", "1000-1800", "20060705", "0959", false, false),
        ("20060705-20060707", "1000-1800", "20060705", "1000", true, true),
        ("20060705-20060707", "1000-1800", "20060707", "180059", true, true),
        ("20060705-20060707", "1000-1800", "20060707", "1801", false, false),
        ("20060705-20060707", "1000-1800", "20060706", "", true, false),
        ("20060705-20060707", "1000-1800", "", "1200", false, false),
        ("20060705-20060707", "2000-0800", "20060706", "1200", true, false),
        ("20060705-", "1000-", "20060706", "0300", true, false),
        ("-20060705", "-1000", "20060704", "2300", true, false),
        ("-20060705", "-1000", "20060705", "1100", false, false),
        // Not the same form: each for itself.
        ("20060705-20060707", "1000-", "20060706", "0300", false, false),
        ("20060705", "1000-1800", "20060705", "1200", true, true),
        ("20060705", "1000-1800", "20060705", "0900", false, false),
    ];
    for (date, time, of_date, of_time, when_combined, otherwise) in cases {
        let data = key(of_date, of_time);
        let got = |options| Keys::read(&key(date, time), options).unwrap().matches(&data);
        assert_eq!(got(combined), *when_combined, "{date} {time}: {of_date} {of_time}, combined");
        assert_eq!(got(PLAIN), *otherwise, "{date} {time}: {of_date} {of_time}");
    }
    let keys = Keys::read(&key("20060705-20060707", "1000-1800"), combined).unwrap();
    assert_eq!(keys.get(STUDY_TIME), Some(&Condition::Universal));
    let Some(Condition::DateTimeRange(range)) = keys.get(Tag::STUDY_DATE) else { panic!("{keys:?}") };
    assert_eq!((range.date().from(), range.date().to()), (Some("20060705"), Some("20060707")));
    assert_eq!((range.time().from(), range.time_tag()), (Some("1000"), STUDY_TIME));
}

/// PS3.4 §C.2.2.2.2.
#[test]
fn lists_of_uid() {
    holds(
        Tag::STUDY_INSTANCE_UID,
        VR::UI,
        PLAIN,
        &[
            ("1.2.3", &["1.2.3", "1.2.3\0"], &["1.2.30", "1.2", ""]),
            ("1.2.3\\1.2.4", &["1.2.3", "1.2.4"], &["1.2.5"]),
            ("1.2.3\\\\1.2.4", &["1.2.4"], &["", "1.2"]),
            ("1.2.9\\1.2.10\\1.2.9\\1.2.2", &["1.2.9", "1.2.10", "1.2.2"], &["1.2.1", "1.2.99"]),
        ],
    );
    let list = keys(Tag::STUDY_INSTANCE_UID, VR::UI, "1.2.3\\1.2.4", PLAIN);
    let condition = list.get(Tag::STUDY_INSTANCE_UID).unwrap();
    assert_eq!(condition.uids().unwrap().len(), 2);
    assert_eq!((condition.single_uid(), condition.text().as_deref()), (None, Some("1.2.3\\1.2.4")));
    let error = Keys::read(&one(Tag::STUDY_INSTANCE_UID, VR::UI, "1.2\\x"), PLAIN).unwrap_err();
    assert_eq!(error, KeyError::Uid(Tag::STUDY_INSTANCE_UID, InvalidUid::Character(0)));
}

#[test]
fn several_values_of_a_key_are_alternatives() {
    holds(
        MODALITIES_IN_STUDY,
        VR::CS,
        PLAIN,
        &[
            ("CT\\MR", &["CT", "US\\MR", "CT\\MR"], &["US", "", "ct"]),
            ("C?\\\\US", &["CR", "US"], &["", "MR"]),
        ],
    );
    let keys = keys(MODALITIES_IN_STUDY, VR::CS, "CT\\MR", PLAIN);
    let Some(Condition::AnyOf(any)) = keys.get(MODALITIES_IN_STUDY) else { panic!("{keys:?}") };
    assert!(any.iter().all(|one| matches!(one, Condition::SingleValue(_))));
}

#[test]
fn numbers_by_their_value() {
    holds(
        SERIES_NUMBER,
        VR::IS,
        PLAIN,
        &[("7", &["7", "007", "+7", " 7 "], &["70", "", "x"]), ("-3", &["-3"], &["3"])],
    );
    holds(Tag(0x0018, 0x0050), VR::DS, PLAIN, &[("1.50", &["1.5", "15e-1"], &["1.51"])]);
    let seven = item(&[(SERIES_NUMBER, Element::integer(VR::IS, 7))]);
    assert!(keys(SERIES_NUMBER, VR::IS, "07", PLAIN).matches(&seven));
    let rows = Tag(0x0028, 0x0010);
    let key = item(&[(rows, Element::integer(VR::US, 512))]);
    assert!(Keys::read(&key, PLAIN).unwrap().matches(&item(&[(rows, Element::integer(VR::US, 512))])));
    assert!(!Keys::read(&key, PLAIN).unwrap().matches(&item(&[(rows, Element::integer(VR::US, 256))])));
    assert_eq!(Keys::read(&one(SERIES_NUMBER, VR::IS, "seven"), PLAIN), Err(KeyError::Number(SERIES_NUMBER)));
}

/// PS3.4 §C.2.2.2.6: "If all the Item Key Attributes match, for at least one of the Items".
#[test]
fn sequences() {
    let of = |items: &[&[(Tag, &str)]]| {
        let items = items.iter().map(|elements| {
            elements.iter().map(|(tag, text)| (*tag, Element::text(VR::SH, text))).collect::<Item>()
        });
        item(&[(REQUEST_ATTRIBUTES, Element::sequence(items))])
    };
    let procedure = Tag(0x0040, 0x1001);
    let keys = Keys::read(&of(&[&[(SCHEDULED_STEP_ID, "S1"), (procedure, "P*")]]), PLAIN).unwrap();
    assert!(keys.matches(&of(&[&[], &[(SCHEDULED_STEP_ID, "S1"), (procedure, "P7")]])));
    // All keys in one item, not in several.
    assert!(!keys.matches(&of(&[&[(SCHEDULED_STEP_ID, "S1")], &[(procedure, "P7")]])));
    assert!(!keys.matches(&of(&[])) && !keys.matches(&Item::new()));
    // "contains no Key Item Attribute [...] then all entities shall match".
    for universal in [of(&[]), of(&[&[]]), of(&[&[(SCHEDULED_STEP_ID, "")]])] {
        let keys = Keys::read(&universal, PLAIN).unwrap();
        assert!(keys.is_universal() && keys.matches(&Item::new()), "{keys:?}");
    }
    let two = of(&[&[(SCHEDULED_STEP_ID, "S1")], &[], &[(SCHEDULED_STEP_ID, "S2")]]);
    assert_eq!(Keys::read(&two, PLAIN), Err(KeyError::SeveralItems(REQUEST_ATTRIBUTES)));
}

#[test]
fn what_an_answer_lacks() {
    let mut keys = keys(Tag::PATIENT_ID, VR::LO, "P1", PLAIN);
    keys.insert(Tag::MODALITY, keys.get(Tag::PATIENT_ID).unwrap().clone());
    let answer = one(Tag::PATIENT_ID, VR::LO, "P1");
    assert!(!keys.matches(&answer));
    assert!(keys.matches_assuming(&answer, |tag| tag == Tag::MODALITY));
    // Present without a value is no match, whatever is assumed.
    let mut empty = answer;
    empty.insert(Tag::MODALITY, Element::empty(VR::CS));
    assert!(!keys.matches_assuming(&empty, |_| true));
    assert!(keys.without(Tag::MODALITY).matches(&empty));
}

#[test]
fn empty_values_where_negotiated() {
    let options = Options { empty_value: true, ..PLAIN };
    let asked = keys(Tag::PATIENT_ID, VR::LO, "\"\"", options);
    assert!(asked.matches(&Item::new()) && asked.matches(&one(Tag::PATIENT_ID, VR::LO, "")));
    assert!(!asked.matches(&one(Tag::PATIENT_ID, VR::LO, "P1")));
    assert!(!keys(Tag::PATIENT_ID, VR::LO, "\"\"", PLAIN).matches(&Item::new()));
}

#[test]
fn what_directs_the_query_is_no_key() {
    let item = item(&[
        (Tag::SPECIFIC_CHARACTER_SET, Element::text(VR::CS, "ISO_IR 100")),
        (Tag(0x0008, 0x0052), Element::text(VR::CS, "STUDY")),
        (Tag(0x0008, 0x0054), Element::text(VR::AE, "PACS")),
        (Tag::PATIENT_ID, Element::text(VR::LO, "P1")),
        (Tag(0x0009, 0x1001), Element { vr: VR::UN, content: crate::json::Content::InlineBinary(vec![1]) }),
    ]);
    let keys = Keys::read(&item, PLAIN).unwrap();
    assert_eq!(keys.iter().map(|(tag, _)| tag).collect::<Vec<_>>(), [Tag(0x0009, 0x1001), Tag::PATIENT_ID]);
    assert_eq!(keys.get(Tag(0x0009, 0x1001)), Some(&Condition::Unsupported));
}

#[test]
fn keys_have_a_length() {
    let long = "*a".repeat(KEY_LENGTH_MAX);
    assert_eq!(
        Keys::read(&one(STUDY_DESCRIPTION, VR::LO, &long), PLAIN),
        Err(KeyError::TooLong(STUDY_DESCRIPTION))
    );
}

/// The wildcards written as what they mean.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=text.len()).any(|skipped| naive(rest, &text[skipped..])),
        (['?', pattern @ ..], [_, text @ ..]) => naive(pattern, text),
        ([a, pattern @ ..], [b, text @ ..]) => a == b && naive(pattern, text),
        _ => false,
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,12}", "[0-9.:+^=*? \\\\-]{0,16}", "[0-9]{8}(-[0-9]{4,8})?"]
}

proptest! {
    #[test]
    fn wildcards_mean_what_they_say(pattern in "[ab*?]{1,8}", text in "[ab]{0,10}") {
        let expected = naive(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
        prop_assert_eq!(wildcard::Pattern::new(&pattern).matches(&text), expected);
    }

    /// A value without wildcards matches itself, whatever its VR makes of it.
    #[test]
    fn what_can_be_asked_for_matches_itself(text in "[^*?\\\\]{1,12}", fuzzy in any::<bool>()) {
        for (tag, vr) in [(Tag::PATIENT_ID, VR::LO), (Tag::PATIENT_NAME, VR::PN), (Tag::MODALITY, VR::CS)] {
            let data = one(tag, vr, &text);
            let keys = Keys::read(&data, Options { fuzzy, ..PLAIN }).unwrap();
            prop_assert!(keys.matches(&data), "{:?}", keys);
        }
    }

    #[test]
    fn dates_in_a_range_lie_between(from in 0_i16..3000, to in 0_i16..3000, at in 0_i16..3000) {
        let date = |days: i16| {
            let date = jiff::civil::date(2020, 1, 1).saturating_add(jiff::Span::new().days(days));
            date.strftime("%Y%m%d").to_string()
        };
        let (key, data) = (format!("{}-{}", date(from), date(to)), date(at));
        let keys = keys(Tag::STUDY_DATE, VR::DA, &key, PLAIN);
        prop_assert_eq!(keys.matches(&one(Tag::STUDY_DATE, VR::DA, &data)), from <= at && at <= to);
    }

    #[test]
    fn noise_never_panics(key in any_text(), data in any_text(), fuzzy in any::<bool>()) {
        let options = Options { combined_date_time: true, fuzzy, empty_value: true };
        let cases = [
            (Tag::PATIENT_NAME, VR::PN), (Tag::PATIENT_ID, VR::LO), (Tag::STUDY_DATE, VR::DA),
            (STUDY_TIME, VR::TM), (Tag(0x0008, 0x002A), VR::DT), (SERIES_NUMBER, VR::IS),
            (Tag::STUDY_INSTANCE_UID, VR::UI), (REQUEST_ATTRIBUTES, VR::SQ),
        ];
        for (tag, vr) in cases {
            if let Ok(keys) = Keys::read(&one(tag, vr, &key), options) {
                let _ = (keys.matches(&one(tag, vr, &data)), keys.get(tag).and_then(Condition::text));
            }
        }
        let name = Value::Name(Box::new(PersonName { alphabetic: data.clone(), ideographic: key, phonetic: data }));
        let _ = Fuzzy::new("a b").matches(&person_name::of_value(&name).unwrap());
    }
}
