//! Keys and answers (PS3.4 §K.6.1.2), without an association.

use std::sync::Arc;

use dataset::{
    character_set::CharacterSet,
    element::VR,
    identifier::{Identifier, write},
    json::{Element, Item},
    matching::Options,
};
use instance::{Encoding, Tag};

use super::{answer::Answers, request::*};
use crate::{
    config::{PeerQuery, Unassigned, UnsupportedKeys, WarnFf01},
    worklist::{
        BESIDE_STEP, Entry, OF_STEP, ReturnType, START_DATE, STATION_AE_TITLE, STEP_STATUS, STEPS,
        testing::{config, data_set, entries, order},
    },
};

const ENCODING: Encoding = Encoding::ExplicitVrLittleEndian;
const START_TIME: Tag = Tag(0x0040, 0x0003);
const STEP_ID: Tag = Tag(0x0040, 0x0009);
const PROCEDURE_CODES: Tag = Tag(0x0032, 0x1064);

type Key<'a> = (Tag, VR, &'a str);

/// An identifier with keys beside the step and in it.
fn identifier(beside: &[Key<'_>], of_step: &[Key<'_>]) -> Item {
    let mut item = data_set(beside);
    item.insert(STEPS, Element::sequence([data_set(of_step)]));
    item
}

fn read_with(item: &Item, options: Options) -> Result<Request, RequestError> {
    let bytes = write(item, ENCODING, &CharacterSet::utf_8()).bytes;
    Request::read(&bytes, ENCODING, options, &PeerQuery::default())
}

fn read(item: &Item) -> Request {
    read_with(item, Options { combined_date_time: true, ..Options::default() }).unwrap()
}

fn entry(station: &str, date: &str, time: &str) -> Arc<Entry> {
    let mut order = order(1, station, 0, time);
    let mut step = order.item.items(STEPS).next().unwrap().clone();
    step.insert(START_DATE, Element::text(VR::DA, date));
    step.insert(Tag(0x0040, 0x0006), Element::text(VR::PN, "Röntgen^Wilhelm"));
    order.item.insert(STEPS, Element::sequence([step]));
    order.item.insert(Tag(0x0010, 0x1000), Element::texts(VR::LO, ["X1", "X2"]));
    let config = crate::config::Worklist { unassigned: Unassigned::All, ..config() };
    entries(order, &config).remove(0)
}

/// PS3.4 §C.2.2.2 for each kind of matching, beside the step and inside (0040,0100).
#[test]
fn every_kind_of_matching() {
    let entry = entry("CT1\\CT2", "20260115", "0930");
    let (name, id) = (Tag::PATIENT_NAME, Tag::PATIENT_ID);
    let physician = Tag(0x0040, 0x0006);
    let cases: &[(&[Key<'_>], &[Key<'_>], bool)] = &[
        // Universal.
        (&[(id, VR::LO, "")], &[], true),
        (&[], &[(STATION_AE_TITLE, VR::AE, ""), (START_DATE, VR::DA, "")], true),
        (&[], &[(STATION_AE_TITLE, VR::AE, "*")], true),
        // Single value.
        (&[(id, VR::LO, "P1")], &[], true),
        (&[(id, VR::LO, "p1")], &[], false),
        (&[(name, VR::PN, "PATIENT00001^ANNA")], &[], true),
        (&[(name, VR::PN, "Patient00001")], &[], false),
        (&[], &[(STATION_AE_TITLE, VR::AE, "CT1")], true),
        (&[], &[(STATION_AE_TITLE, VR::AE, "CT2")], true),
        (&[], &[(STATION_AE_TITLE, VR::AE, "CT3")], false),
        (&[], &[(Tag::MODALITY, VR::CS, "CT")], true),
        (&[], &[(Tag::MODALITY, VR::CS, "MR")], false),
        (&[], &[(Tag::MODALITY, VR::CS, "MR\\CT")], true),
        (&[], &[(START_DATE, VR::DA, "20260115")], true),
        (&[], &[(START_DATE, VR::DA, "20260116")], false),
        (&[], &[(START_TIME, VR::TM, "093000")], true),
        (&[], &[(START_TIME, VR::TM, "09")], true),
        (&[], &[(START_TIME, VR::TM, "10")], false),
        // Wildcards.
        (&[(name, VR::PN, "patient*")], &[], true),
        (&[(name, VR::PN, "*^an?a")], &[], true),
        (&[(id, VR::LO, "P?")], &[], true),
        (&[(id, VR::LO, "P??")], &[], false),
        (&[], &[(physician, VR::PN, "röntgen*")], true),
        (&[], &[(physician, VR::PN, "Curie*")], false),
        // Ranges, open ones too.
        (&[], &[(START_DATE, VR::DA, "20260101-20260131")], true),
        (&[], &[(START_DATE, VR::DA, "20260101-20260114")], false),
        (&[], &[(START_DATE, VR::DA, "20260115-")], true),
        (&[], &[(START_DATE, VR::DA, "-20260114")], false),
        (&[], &[(START_TIME, VR::TM, "0800-0930")], true),
        (&[], &[(START_TIME, VR::TM, "1000-1100")], false),
        // Lists of UIDs, and attributes with several values.
        (&[(Tag::STUDY_INSTANCE_UID, VR::UI, "1.2\\1.3")], &[], false),
        (&[(Tag(0x0010, 0x1000), VR::LO, "X2")], &[], true),
        (&[(Tag(0x0010, 0x1000), VR::LO, "X3")], &[], false),
        // Of type 2 without a value.
        (&[(Tag(0x0010, 0x0040), VR::CS, "F")], &[], false),
        // The status, which an MPPS may have changed.
        (&[], &[(STEP_STATUS, VR::CS, "STARTED")], true),
        (&[], &[(STEP_STATUS, VR::CS, "SCHEDULED")], false),
        // What is not supported matches everything.
        (&[(Tag(0x0018, 0x0015), VR::CS, "HEAD")], &[(Tag(0x0018, 0x1020), VR::LO, "1")], true),
        // All of several keys.
        (&[(id, VR::LO, "P1")], &[(Tag::MODALITY, VR::CS, "CT"), (STATION_AE_TITLE, VR::AE, "CT1")], true),
        (&[(id, VR::LO, "P1")], &[(Tag::MODALITY, VR::CS, "MR"), (STATION_AE_TITLE, VR::AE, "CT1")], false),
    ];
    for (beside, of_step, expected) in cases {
        let request = read(&identifier(beside, of_step));
        assert_eq!(request.matches(&entry, "STARTED"), *expected, "{beside:?} {of_step:?}");
    }
}

#[test]
fn an_order_for_any_station_matches_every_station() {
    let entry = entry("", "20260115", "0930");
    for title in ["CT1", "MR*", ""] {
        assert!(read(&identifier(&[], &[(STATION_AE_TITLE, VR::AE, title)])).matches(&entry, "SCHEDULED"));
    }
    assert!(!read(&identifier(&[], &[(Tag::MODALITY, VR::CS, "MR")])).matches(&entry, "SCHEDULED"));
}

/// PS3.4 §K.6.1.2.2, at (0040,0003): 20260114 18:00 to 20260115 09:00 is one period, or two ranges by the switch.
#[test]
fn a_date_and_a_time_are_one_period() {
    let keys =
        identifier(&[], &[(START_DATE, VR::DA, "20260114-20260115"), (START_TIME, VR::TM, "1800-0900")]);
    let cases = [
        ("20260114", "1730", false, false),
        ("20260114", "1830", true, false),
        ("20260115", "0030", true, false),
        ("20260115", "0930", false, false),
    ];
    for (date, time, combined, separate) in cases {
        let entry = entry("CT1", date, time);
        assert_eq!(read(&keys).matches(&entry, "SCHEDULED"), combined, "{date} {time}");
        let apart = read_with(&keys, Options::default()).unwrap();
        assert_eq!(apart.matches(&entry, "SCHEDULED"), separate, "{date} {time}");
    }
}

#[test]
fn fuzzy_names_match_where_negotiated() {
    let entry = entry("CT1", "20260115", "0930");
    let keys = identifier(&[], &[(Tag(0x0040, 0x0006), VR::PN, "wilhelm rontgen")]);
    assert!(!read(&keys).matches(&entry, "SCHEDULED"));
    let fuzzy = Options { fuzzy: true, ..Options::default() };
    assert!(read_with(&keys, fuzzy).unwrap().matches(&entry, "SCHEDULED"));
}

#[test]
fn what_cannot_be_read_is_refused() {
    let cases = [
        (Item::new(), Some(STEPS)),
        (data_set(&[(Tag(0x0008, 0x0052), VR::CS, "STUDY")]), Some(STEPS)),
        (identifier(&[], &[(START_DATE, VR::DA, "tomorrow")]), Some(START_DATE)),
        (identifier(&[], &[(START_TIME, VR::TM, "25")]), Some(START_TIME)),
        (identifier(&[(Tag::STUDY_INSTANCE_UID, VR::UI, "1.2.x")], &[]), Some(Tag::STUDY_INSTANCE_UID)),
    ];
    for (item, offending) in cases {
        let error = read_with(&item, Options::default()).unwrap_err();
        assert_eq!(error.offending(), offending, "{error}");
        assert!(error.to_string().len() <= 64);
    }
    let two =
        Element::sequence([data_set(&[(Tag::MODALITY, VR::CS, "CT")]), data_set(&[(STEP_ID, VR::SH, "1")])]);
    let error = read_with(&Item::from_iter([(STEPS, two)]), Options::default()).unwrap_err();
    assert_eq!(error.offending(), Some(STEPS));
    let cut = Request::read(
        &[0x10, 0, 0x20, 0, b'L', b'O', 9, 0, b'1'],
        ENCODING,
        Options::default(),
        &PeerQuery::default(),
    );
    assert_eq!(cut.unwrap_err().to_string(), "the identifier cannot be read");
}

#[test]
fn the_sources_are_asked_for_what_has_an_end() {
    let id = (Tag::PATIENT_ID, VR::LO, "P1");
    let cases: &[(&[Key<'_>], &[Key<'_>], bool)] = &[
        (&[], &[], false),
        (&[id], &[], true),
        (&[(Tag::PATIENT_ID, VR::LO, "P*")], &[], false),
        (&[(Tag::ACCESSION_NUMBER, VR::SH, "A1")], &[], true),
        (&[(Tag::PATIENT_NAME, VR::PN, "DOE*")], &[], false),
        (&[], &[(START_DATE, VR::DA, "20260101")], true),
        (&[], &[(START_DATE, VR::DA, "20260101-20260102")], true),
        (&[], &[(START_DATE, VR::DA, "20260101-20260102"), (START_TIME, VR::TM, "08-18")], true),
        (&[], &[(START_DATE, VR::DA, "20260101-")], false),
        (&[id], &[(START_DATE, VR::DA, "20260101-")], true),
    ];
    for (beside, of_step, expected) in cases {
        let wanted = read(&identifier(beside, of_step)).wanted(10);
        assert_eq!(wanted.is_some(), *expected, "{beside:?} {of_step:?}");
    }
}

/// The answer to an identifier, and whether it warns.
fn answer(item: &Item, entry: &Entry, peer: PeerQuery) -> (Item, bool) {
    let answers = Answers::new("CALLER".parse().unwrap(), ENCODING, peer);
    let answer = answers.answer(&read(item), entry, "SCHEDULED");
    (Identifier::read(&answer.identifier, ENCODING, None).unwrap().item, answer.warns)
}

/// PS3.4 §K.6.1.2.1: every key of types 1 and 2 that is asked for is there, and nothing else is.
#[test]
fn an_answer_has_what_was_asked_for_and_nothing_else() {
    let entry = entry("CT1", "20260115", "0930");
    let empty = |table: &[crate::worklist::Attribute]| -> Item {
        let supported = table.iter().filter(|attribute| attribute.tag != STEPS);
        supported.map(|attribute| (attribute.tag, Element::empty(attribute.vr))).collect()
    };
    let mut everything = empty(BESIDE_STEP);
    everything.insert(STEPS, Element::sequence([empty(OF_STEP)]));
    let (item, warns) = answer(&everything, &entry, PeerQuery::default());
    assert!(!warns);
    let tags = |item: &Item| item.iter().map(|(tag, _)| tag).collect::<Vec<_>>();
    assert_eq!(tags(&item), tags(&everything));
    let [step] = item.items(STEPS).collect::<Vec<_>>()[..] else { panic!("exactly one step") };
    assert_eq!(tags(step), tags(&empty(OF_STEP)));
    for (table, item) in [(BESIDE_STEP, &item), (OF_STEP, step)] {
        for attribute in table.iter().filter(|attribute| attribute.return_type == ReturnType::One) {
            assert!(!item.values(attribute.tag).is_empty(), "{}", attribute.tag);
        }
    }
    let one = data_set(&[(Tag::PATIENT_ID, VR::LO, "")]);
    assert_eq!(
        tags(&answer(&one, &entry, PeerQuery::default()).0),
        [Tag::PATIENT_ID],
        "no step was asked for"
    );
}

#[test]
fn a_step_without_keys_is_shown_whole() {
    let entry = entry("CT1", "20260115", "0930");
    for steps in [Element::empty(VR::SQ), Element::sequence([Item::new()])] {
        let (item, warns) = answer(&Item::from_iter([(STEPS, steps)]), &entry, PeerQuery::default());
        let [step] = item.items(STEPS).collect::<Vec<_>>()[..] else { panic!("exactly one step") };
        assert!(!warns);
        assert_eq!(step.text(STATION_AE_TITLE).unwrap(), "CT1");
        assert_eq!(step.text(STEP_STATUS).unwrap(), "SCHEDULED");
        let is_there = |attribute: &&crate::worklist::Attribute| step.get(attribute.tag).is_some();
        let needed = OF_STEP.iter().filter(|attribute| attribute.return_type != ReturnType::Three);
        assert!(needed.clone().filter(is_there).eq(needed));
    }
}

#[test]
fn unknown_optional_keys_warn_and_are_left_out_or_empty() {
    let entry = entry("CT1", "20260115", "0930");
    let body_part = Tag(0x0018, 0x0015);
    let beside = identifier(&[(Tag::PATIENT_ID, VR::LO, ""), (body_part, VR::CS, "")], &[]);
    let of_step = identifier(&[], &[(Tag::MODALITY, VR::CS, ""), (body_part, VR::CS, "")]);
    for asked in [beside, of_step] {
        let has = |item: &Item| {
            item.get(body_part).is_some() || item.items(STEPS).any(|step| step.get(body_part).is_some())
        };
        let (item, warns) = answer(&asked, &entry, PeerQuery::default());
        assert_eq!((has(&item), warns), (false, true));
        let empty = PeerQuery { unsupported_keys: UnsupportedKeys::Empty, ..PeerQuery::default() };
        let (item, warns) = answer(&asked, &entry, empty);
        assert_eq!((has(&item), warns), (true, true));
        let silent = PeerQuery { warn_ff01: WarnFf01::No, ..PeerQuery::default() };
        assert!(!answer(&asked, &entry, silent).1);
    }
}

#[test]
fn sequences_show_what_the_keys_in_them_ask_for() {
    let mut order = order(1, "CT1", 0, "0930");
    let code = |value: &str| {
        data_set(&[
            (Tag(0x0008, 0x0100), VR::SH, value),
            (Tag(0x0008, 0x0102), VR::SH, "99L"),
            (Tag(0x0008, 0x0104), VR::LO, "Meaning"),
        ])
    };
    order.item.insert(PROCEDURE_CODES, Element::sequence([code("A"), code("B")]));
    let entry = entries(order, &config()).remove(0);
    let mut asked = data_set(&[(Tag::PATIENT_ID, VR::LO, "")]);
    let keys = data_set(&[(Tag(0x0008, 0x0100), VR::SH, ""), (Tag(0x0008, 0x0103), VR::SH, "")]);
    asked.insert(PROCEDURE_CODES, Element::sequence([keys]));
    let (item, warns) = answer(&asked, &entry, PeerQuery::default());
    let shown: Vec<_> = item.items(PROCEDURE_CODES).collect();
    assert!(!warns);
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[1].text(Tag(0x0008, 0x0100)).unwrap(), "B");
    assert_eq!(shown[0].len(), 2);
}

#[test]
fn an_order_for_any_station_is_shown_under_the_caller_s_title() {
    let entry = entry("", "20260115", "0930");
    let (item, _) = answer(&identifier(&[], &[(STATION_AE_TITLE, VR::AE, "")]), &entry, PeerQuery::default());
    assert_eq!(item.items(STEPS).next().unwrap().text(STATION_AE_TITLE).unwrap(), "CALLER");
}

#[test]
fn text_is_in_the_character_set_of_the_request() {
    let entry = entry("CT1", "20260115", "0930");
    let keys = identifier(&[], &[(Tag(0x0040, 0x0006), VR::PN, "Röntgen*")]);
    let bytes = write(&keys, ENCODING, &"ISO_IR 100".parse().unwrap()).bytes;
    let request = Request::read(&bytes, ENCODING, Options::default(), &PeerQuery::default()).unwrap();
    assert!(request.matches(&entry, "SCHEDULED"));
    let answers = Answers::new("CALLER".parse().unwrap(), ENCODING, PeerQuery::default());
    let shown = answers.answer(&request, &entry, "SCHEDULED").identifier;
    assert!(shown.windows(10).any(|bytes| bytes == b"ISO_IR 100"));
    assert!(shown.windows(7).any(|bytes| bytes == b"R\xF6ntgen"));
}
