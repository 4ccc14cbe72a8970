//! Character sets of requests and answers, and settings for peers that bend the rules.

use instance::Tag;
use serde_json::{Value, json};
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::find::{Answer, Finder, Found, Identifier, PATIENT_ROOT_FIND, STUDY_ROOT_FIND};
use tests::scripted_origin::{Reply, ScriptedOrigin};

const CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const LEVEL: Tag = Tag(0x0008, 0x0052);
const RETRIEVE_AE_TITLE: Tag = Tag(0x0008, 0x0054);
const AVAILABILITY: Tag = Tag(0x0008, 0x0056);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const STUDY: Tag = Tag(0x0020, 0x000D);
const SERIES: Tag = Tag(0x0020, 0x000E);
/// A private attribute, which no archive can search by.
const PRIVATE: Tag = Tag(0x0009, 0x1001);

const NAMES: [&str; 8] = [
    "Doe^Jane",
    "Müller^Jürgen",
    "Иванов^Пётр",
    "Διονυσιος^Ελένη",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "Hong^Gildong=洪^吉洞=홍^길동",
    "Wang^XiaoDong=王^小东",
    "Dvořák^Jiří",
];

/// A study for each of the names.
fn origin() -> ScriptedOrigin {
    let origin = ScriptedOrigin::start([]);
    let studies: Vec<Value> = (1..)
        .zip(NAMES)
        .map(|(number, name)| {
            let mut groups = name.split('=');
            let mut value = json!({"Alphabetic": groups.next()});
            for group in ["Ideographic", "Phonetic"] {
                if let Some(text) = groups.next() {
                    value[group] = json!(text);
                }
            }
            json!({
                "0020000D": {"vr": "UI", "Value": [format!("2.25.{number}")]},
                "0020000E": {"vr": "UI", "Value": [format!("2.25.{number}.1")]},
                "00100010": {"vr": "PN", "Value": [value]},
                "00100020": {"vr": "LO", "Value": [format!("P{number}")]},
            })
        })
        .collect();
    origin.ask(move |_| Some(Reply::page(&studies)));
    origin
}

/// A daemon with a peer of each kind.
fn start(origin: &ScriptedOrigin) -> (Home, Daemon) {
    let peer = |title: &str, settings: &str| format!("[[peer]]\nae_title = \"{title}\"\n{settings}");
    let configuration = Configuration::new()
        .origin("archive", &origin.url())
        .with(&peer("LATIN", "character_set = \"ISO_IR 100\""))
        .with(&peer("JAPANESE", "character_set = [\"\", \"ISO 2022 IR 87\"]"))
        .with(&peer("REPLACES", "character_set = \"ISO_IR 100\"\non_unmappable = \"replace\""))
        .with(&peer("RELATIONAL", "relational = \"always\""))
        .with(&peer("LENIENT", "lenient = true"))
        .with(&peer("ALL_KEYS", "unsupported_keys = \"empty\""))
        .with(&peer("NO_FF01", "warn_ff01 = false"))
        .with(&peer("STORES", "allow = [\"echo\", \"store\"]"));
    let home = Home::new(&configuration);
    let daemon = home.start();
    (home, daemon)
}

fn find_in(daemon: &Daemon, model: &'static str, calling: &str, identifier: &Identifier) -> Found {
    let mut finder =
        Finder::open_with(daemon.dimse(), model, &[], |proposal| calling.clone_into(&mut proposal.calling));
    let found = finder.find(identifier);
    finder.release();
    found
}

fn find(daemon: &Daemon, calling: &str, identifier: &Identifier) -> Found {
    find_in(daemon, STUDY_ROOT_FIND, calling, identifier)
}

fn by_name(name: &[u8]) -> Identifier {
    Identifier::of_level("STUDY").with(STUDY, "UI", "").with(PATIENT_NAME, "PN", name)
}

/// The only answer: its character set and the name in it, without padding.
fn only(found: &Found) -> (String, Vec<u8>) {
    assert_eq!((found.last.status, found.answers.len()), (0, 1), "{:?}", found.last);
    name_of(&found.answers[0])
}

fn name_of(answer: &Answer) -> (String, Vec<u8>) {
    let set = answer.elements.text(CHARACTER_SET).unwrap_or_default().to_owned();
    let name = answer.elements.bytes(PATIENT_NAME).expect("a name");
    (set, name.trim_ascii_end().to_vec())
}

#[test]
fn answers_are_in_the_character_set_of_the_request() {
    let origin = origin();
    let (_home, daemon) = start(&origin);
    // The last three are the examples of PS3.5 §H.3, §I.2 and §J.3.
    let table: [(&str, &[u8]); 7] = [
        ("ISO_IR 100", b"M\xFCller^J\xFCrgen"),
        ("ISO_IR 101", b"Dvo\xF8\xE1k^Ji\xF8\xED"),
        ("ISO_IR 144", b"\xB8\xD2\xD0\xDD\xDE\xD2^\xBF\xF1\xE2\xE0"),
        ("ISO_IR 126", b"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2^\xC5\xEB\xDD\xED\xE7"),
        (
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B",
        ),
        (
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF",
        ),
        ("GB18030", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB"),
    ];
    for (set, name) in table {
        let found = find(&daemon, "ANYBODY", &by_name(name).with(CHARACTER_SET, "CS", set));
        let (answered, shown) = only(&found);
        assert_eq!(answered, set);
        assert!(shown == name, "{set}: {shown:02X?}");
    }
    for name in NAMES {
        let found =
            find(&daemon, "ANYBODY", &by_name(name.as_bytes()).with(CHARACTER_SET, "CS", "ISO_IR 192"));
        // What is ASCII needs no character set.
        let (set, shown) = only(&found);
        assert!(set == "ISO_IR 192" || name.is_ascii(), "{name}: {set}");
        assert_eq!(String::from_utf8(shown).unwrap(), name);
    }
}

#[test]
fn what_the_set_of_the_request_lacks_is_in_utf8_or_replaced() {
    let origin = origin();
    let (_home, daemon) = start(&origin);
    let everybody = by_name(b"").with(CHARACTER_SET, "CS", "ISO_IR 100");
    let names =
        |calling| -> Vec<_> { find(&daemon, calling, &everybody).answers.iter().map(name_of).collect() };
    for (index, (set, name)) in names("ANYBODY").into_iter().enumerate() {
        let expected = if index > 1 { "ISO_IR 192" } else { "ISO_IR 100" };
        assert!(set == expected || index == 0, "{}: {set}", NAMES[index]);
        assert!(index == 1 || name == NAMES[index].as_bytes(), "{}: {name:02X?}", NAMES[index]);
    }
    for (index, (set, name)) in names("REPLACES").into_iter().enumerate() {
        assert!(set == "ISO_IR 100" || name.is_ascii(), "{set}: {name:02X?}");
        // Groups that would be question marks alone are left out, but for the first.
        let lacking = index > 1 && !NAMES[index].split('=').next().is_some_and(str::is_ascii);
        assert_eq!(name.contains(&b'?'), lacking, "{name:02X?}");
        assert!(!name.contains(&b'='), "{name:02X?}");
    }
}

#[test]
fn a_peer_that_names_no_character_set_has_one_of_its_own() {
    let origin = origin();
    let (_home, daemon) = start(&origin);
    let (set, name) = only(&find(&daemon, "LATIN", &by_name(b"m\xFCller^*")));
    assert_eq!((set.as_str(), name.as_slice()), ("ISO_IR 100", b"M\xFCller^J\xFCrgen".as_slice()));
    let (set, name) = only(&find(&daemon, "JAPANESE", &by_name(b"\x1B$B;3ED\x1B(B*")));
    assert_eq!(set, "\\ISO 2022 IR 87");
    assert!(name.starts_with(b"Yamada^Tarou=\x1B$B;3ED\x1B(B"), "{name:02X?}");
    // A request that names one goes before the setting.
    let (set, _) =
        only(&find(&daemon, "LATIN", &by_name("иванов*".as_bytes()).with(CHARACTER_SET, "CS", "ISO_IR 192")));
    assert_eq!(set, "ISO_IR 192");
    // Without either, bytes beyond ASCII are taken for Latin 1, and the answer says what it is in.
    let (set, name) = only(&find(&daemon, "ANYBODY", &by_name(b"m\xFCller^*")));
    assert_eq!((set.as_str(), name.as_slice()), ("ISO_IR 192", "Müller^Jürgen".as_bytes()));
}

#[test]
fn answers_hold_what_was_asked_for_and_say_what_is_not_supported() {
    let origin = origin();
    let (_home, daemon) = start(&origin);
    let plain = by_name(b"Doe*").with(PATIENT_ID, "LO", "");
    let mut always = vec![LEVEL, RETRIEVE_AE_TITLE, AVAILABILITY, PATIENT_NAME, PATIENT_ID, STUDY];
    always.sort_unstable();
    let found = find(&daemon, "ANYBODY", &plain);
    let answer = &found.answers[0];
    assert_eq!((answer.status, answer.elements.tags()), (0xFF00, always.clone()));
    assert_eq!(answer.elements.text(LEVEL), Some("STUDY"));
    assert_eq!(answer.elements.text(RETRIEVE_AE_TITLE), Some("DIMSEWAY"));
    assert_eq!(answer.elements.text(AVAILABILITY), Some("ONLINE"));
    // A key of the level that the result has no value of is there, empty and supported.
    let dated = find(&daemon, "ANYBODY", &plain.clone().with(Tag(0x0008, 0x0020), "DA", ""));
    assert_eq!(dated.answers[0].status, 0xFF00);
    assert_eq!(dated.answers[0].elements.text(Tag(0x0008, 0x0020)), Some(""));
    // One that nobody knows, and one of a level below.
    for (unsupported, vr) in [(PRIVATE, "LO"), (SERIES, "UI")] {
        let asked = plain.clone().with(unsupported, vr, "");
        for (calling, status, there) in
            [("ANYBODY", 0xFF01, false), ("NO_FF01", 0xFF00, false), ("ALL_KEYS", 0xFF01, true)]
        {
            let found = find(&daemon, calling, &asked);
            assert_eq!(found.answers.len(), 1, "{calling} {unsupported}");
            let answer = &found.answers[0];
            assert_eq!(
                (answer.status, answer.elements.has(unsupported)),
                (status, there),
                "{calling} {unsupported}"
            );
        }
    }
}

#[test]
fn unique_keys_may_be_missing_where_a_peer_is_allowed_to() {
    let origin = origin();
    let (_home, daemon) = start(&origin);
    let series = Identifier::of_level("SERIES").with(SERIES, "UI", "").with(PATIENT_NAME, "PN", "Doe*");
    let without_patient = Identifier::of_level("STUDY").with(STUDY, "UI", "2.25.1");
    let without_unique_key = Identifier::of_level("STUDY").with(PATIENT_NAME, "PN", "Doe*");
    let table = [
        (STUDY_ROOT_FIND, &series, "RELATIONAL"),
        (PATIENT_ROOT_FIND, &without_patient, "LENIENT"),
        (PATIENT_ROOT_FIND, &without_patient, "RELATIONAL"),
        (STUDY_ROOT_FIND, &without_unique_key, "LENIENT"),
    ];
    for (model, identifier, calling) in table {
        let found = find_in(&daemon, model, "ANYBODY", identifier);
        assert_eq!((found.last.status, found.answers.len()), (0xA900, 0), "{calling}: {:?}", found.last);
        let found = find_in(&daemon, model, calling, identifier);
        assert_eq!((found.last.status, found.answers.len()), (0, 1), "{calling}: {:?}", found.last);
    }
}

#[test]
fn a_peer_that_may_only_store_is_refused() {
    let origin = origin();
    let (_home, daemon) = start(&origin);
    let found = find(&daemon, "STORES", &by_name(b""));
    assert_eq!((found.last.status, found.answers.len()), (0x0124, 0), "{:?}", found.last);
    assert_eq!(origin.requests().len(), 0);
}

#[test]
fn nothing_about_a_patient_is_logged_by_queries() {
    let origin = origin();
    let (_home, daemon) = start(&origin);
    let identifier =
        by_name("山田^*".as_bytes()).with(CHARACTER_SET, "CS", "ISO_IR 192").with(PATIENT_ID, "LO", "P5");
    assert_eq!(find(&daemon, "ANYBODY", &identifier).answers.len(), 1);
    origin.ask(|_| Some(Reply::status(400)));
    assert_eq!(find(&daemon, "ANYBODY", &identifier).last.status, 0xC001);
    let log = daemon.log();
    for word in ["山田", "Yamada", "%E5%B1%B1", "P5"] {
        assert!(!log.contains(word), "{word} is in the log:\n{log}");
    }
}
