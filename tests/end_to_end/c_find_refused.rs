//! Identifiers that cannot be answered: A900 and a comment that says what is wrong with them
//! (PS3.4 §C.4.1.1.4), on an association that goes on.

use instance::Tag;
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::find::{
    Finder, Identifier, PATIENT_ROOT_FIND, PATIENT_STUDY_ONLY_FIND, Reply as FindReply, STUDY_ROOT_FIND,
};
use tests::instances::element;
use tests::scripted_origin::{Reply, ScriptedOrigin};

const CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const LEVEL: Tag = Tag(0x0008, 0x0052);
const SOP_INSTANCE: Tag = Tag(0x0008, 0x0018);
const STUDY_DATE: Tag = Tag(0x0008, 0x0020);
const STUDY_TIME: Tag = Tag(0x0008, 0x0030);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const STUDY: Tag = Tag(0x0020, 0x000D);
const SERIES: Tag = Tag(0x0020, 0x000E);
const SERIES_NUMBER: Tag = Tag(0x0020, 0x0011);
const REQUEST_ATTRIBUTES: Tag = Tag(0x0040, 0x0275);

/// Model, identifier, words of the comment and the offending element.
type Row = (&'static str, Vec<u8>, &'static str, Option<Tag>);

fn study() -> Identifier {
    Identifier::of_level("STUDY").with(STUDY, "UI", "")
}

fn series() -> Identifier {
    Identifier::of_level("SERIES").with(STUDY, "UI", "2.25.1").with(SERIES, "UI", "")
}

/// Levels and unique keys (PS3.4 §C.4.1.2.1).
fn keys() -> Vec<Row> {
    let row = |model, identifier: Identifier, comment, offending| {
        (model, identifier.bytes(), comment, Some(offending))
    };
    let image = || Identifier::of_level("IMAGE").with(SOP_INSTANCE, "UI", "");
    let level = |text| Identifier::of_level(text).with(STUDY, "UI", "");
    vec![
        (STUDY_ROOT_FIND, Vec::new(), "Query/Retrieve Level is", Some(LEVEL)),
        row(STUDY_ROOT_FIND, level(""), "Query/Retrieve Level is PATIENT, STUDY, SERIES or IMAGE", LEVEL),
        row(STUDY_ROOT_FIND, level("FRAME"), "Query/Retrieve Level is", LEVEL),
        row(STUDY_ROOT_FIND, level("PATIENT").with(PATIENT_ID, "LO", ""), "no level PATIENT", LEVEL),
        row(PATIENT_STUDY_ONLY_FIND, series().with(PATIENT_ID, "LO", "1"), "no level SERIES", LEVEL),
        row(
            STUDY_ROOT_FIND,
            Identifier::of_level("STUDY"),
            "Study Instance UID (0020,000D) is needed",
            STUDY,
        ),
        row(
            PATIENT_ROOT_FIND,
            Identifier::of_level("PATIENT"),
            "Patient ID (0010,0020) is needed",
            PATIENT_ID,
        ),
        row(PATIENT_ROOT_FIND, study(), "Patient ID (0010,0020) is needed", PATIENT_ID),
        row(PATIENT_ROOT_FIND, study().with(PATIENT_ID, "LO", ""), "is needed", PATIENT_ID),
        row(PATIENT_ROOT_FIND, study().with(PATIENT_ID, "LO", "A*"), "needs a single value", PATIENT_ID),
        row(STUDY_ROOT_FIND, series().with(STUDY, "UI", ""), "is needed", STUDY),
        row(STUDY_ROOT_FIND, series().with(STUDY, "UI", "2.25.1\\2.25.2"), "needs a single value", STUDY),
        row(STUDY_ROOT_FIND, image().with(STUDY, "UI", "2.25.1"), "(0020,000E) is needed", SERIES),
        row(STUDY_ROOT_FIND, image().with(SERIES, "UI", "2.25.1"), "(0020,000D) is needed", STUDY),
    ]
}

/// Values that make no sense.
fn values() -> Vec<Row> {
    let row = |identifier: Identifier, comment, offending| {
        (STUDY_ROOT_FIND, identifier.bytes(), comment, Some(offending))
    };
    let item = |tag, vr, value: &str| Identifier::default().with(tag, vr, value);
    let step = || item(Tag(0x0040, 0x0009), "SH", "A");
    vec![
        row(study().with(STUDY_DATE, "DA", "yesterday"), "no date and no range of dates", STUDY_DATE),
        row(study().with(STUDY_DATE, "DA", "20261301"), "no date", STUDY_DATE),
        row(study().with(STUDY_DATE, "DA", "20260230-"), "no date", STUDY_DATE),
        row(study().with(STUDY_DATE, "DA", "202601"), "no date", STUDY_DATE),
        row(study().with(STUDY_TIME, "TM", "2500"), "no time and no range of times", STUDY_TIME),
        row(study().with(STUDY_TIME, "TM", "10-noon"), "no time", STUDY_TIME),
        row(study().with(STUDY, "UI", "1.2.x"), "(0020,000D) is no UID", STUDY),
        row(study().with(STUDY, "UI", "2.25.1\\*.7"), "is no UID", STUDY),
        row(series().with(SERIES_NUMBER, "IS", "three"), "is no number", SERIES_NUMBER),
        row(
            series().with_items(REQUEST_ATTRIBUTES, &[step(), step()]),
            "has more than one item",
            REQUEST_ATTRIBUTES,
        ),
        row(
            series().with_items(REQUEST_ATTRIBUTES, &[item(Tag(0x0040, 0x0002), "DA", "soon")]),
            "no date",
            Tag(0x0040, 0x0002),
        ),
        row(study().with(PATIENT_NAME, "LT", "A".repeat(10_241)), "is too long", PATIENT_NAME),
        row(
            study().with(CHARACTER_SET, "CS", "ISO_IR 999").with(
                PATIENT_NAME,
                "PN",
                [b'M', 0xFC, b'*', b' '],
            ),
            "unknown Specific Character Set",
            CHARACTER_SET,
        ),
        row(
            study().with(CHARACTER_SET, "CS", "ISO_IR 192").with(
                PATIENT_NAME,
                "PN",
                [b'M', 0xFC, b'*', b' '],
            ),
            "is not in its Specific Character Set",
            PATIENT_NAME,
        ),
    ]
}

/// Bytes that are no data set.
fn broken() -> Vec<Row> {
    let row = |bytes: Vec<u8>| (STUDY_ROOT_FIND, bytes, "the identifier cannot be read", None);
    let whole = study().with(PATIENT_NAME, "PN", "Doe^J").bytes();
    let mut deep = Vec::new();
    for _ in 0..5000 {
        deep.extend_from_slice(&[0x40, 0, 0x75, 2, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        deep.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
    }
    let mut longer = element(0x0010, 0x0010, "UT", b"Doe");
    longer[8..12].copy_from_slice(&0x7FFF_FFFF_u32.to_le_bytes());
    vec![
        row(whole[..whole.len() - 3].to_vec()),
        row([whole.clone(), longer].concat()),
        row([whole, deep].concat()),
        row(vec![0xA5; 4096]),
        row(vec![0xFF; 40]),
    ]
}

#[test]
fn what_is_wrong_is_said_and_no_archive_is_asked() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let mut rows = keys();
    rows.extend(values());
    rows.extend(broken());
    let mut wrong = Vec::new();
    for model in [STUDY_ROOT_FIND, PATIENT_ROOT_FIND, PATIENT_STUDY_ONLY_FIND] {
        let mut finder = Finder::open(daemon.dimse(), model);
        for (_, identifier, comment, offending) in rows.iter().filter(|row| row.0 == model) {
            let found = finder.find_bytes(identifier);
            let last = &found.last;
            let offends = last.offending_elements.first().map(|(group, element)| Tag(*group, *element));
            let right = last.status == 0xA900
                && found.answers.is_empty()
                && last.error_comment.contains(comment)
                && (offending.is_none() || *offending == offends);
            if !right {
                wrong.push(format!("{comment}: {last:04X?}, {} answers", found.answers.len()));
            }
        }
        finder.begin_echo();
        let FindReply::Final(echo) = finder.reply() else { panic!("a response to C-ECHO") };
        assert_eq!(echo.status, 0);
        finder.release();
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert_eq!(origin.requests().len(), 0, "nothing was worth asking for");
    let log = daemon.log();
    assert!(!log.contains("Doe") && !log.contains("panicked"), "{log}");
}

#[test]
fn a_megabyte_of_identifier_is_read_and_more_is_refused() {
    let origin = ScriptedOrigin::start([]);
    origin.ask(|_| Some(Reply::status(204)));
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    // Private data of unknown use, as much as there may be in all.
    let filled = |length: usize| {
        let base = study().with(Tag(0x0009, 0x0010), "LO", "MAKER").bytes().len();
        study()
            .with(Tag(0x0009, 0x0010), "LO", "MAKER")
            .with(Tag(0x0009, 0x1001), "OB", vec![7; length - base - 12])
            .bytes()
    };
    let found = finder.find_bytes(&filled(1 << 20));
    assert_eq!(found.last.status, 0, "{:?}", found.last);
    assert_eq!(origin.requests().len(), 1);
    for length in [(1 << 20) + 2, 24 << 20] {
        let found = finder.find_bytes(&filled(length));
        assert_eq!(found.last.status, 0xC000, "{:?}", found.last);
        assert!(found.last.error_comment.contains("too long"), "{:?}", found.last);
    }
    // Ten thousand UIDs, as a worklist of a research project would name them.
    let uids: Vec<_> = (0..10_000).map(|number| format!("2.25.{number}")).collect();
    let many = Identifier::of_level("STUDY").with_bytes(STUDY, long_uids(&uids.join("\\")));
    let found = finder.find(&many);
    assert!(found.answers.is_empty() && found.last.error_comment.is_empty(), "{:?}", found.last);
    assert_eq!(found.last.status, 0);
    finder.release();
    assert_eq!(daemon.metrics().sum("dimseway_associations_open", &[]), 0.0);
}

/// An element of UI; beyond 64 KiB it has the VR UN (PS3.5 §6.2.2).
fn long_uids(text: &str) -> Vec<u8> {
    if text.len() < 65_000 {
        return element(STUDY.group(), STUDY.element(), "UI", text.as_bytes());
    }
    element(STUDY.group(), STUDY.element(), "UN", text.as_bytes())
}
