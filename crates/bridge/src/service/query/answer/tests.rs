use dataset::{character_set::CharacterSet, identifier::Identifier, matching::Keys};

use super::*;
use crate::service::query::level::{MODALITIES_IN_STUDY, STUDY_RELATED_INSTANCES};

const PRIVATE: Tag = Tag(0x0009, 0x1010);
const REQUEST_ATTRIBUTES: Tag = Tag(0x0040, 0x0275);
const STEP_ID: Tag = Tag(0x0040, 0x0009);
const PROCEDURE_ID: Tag = Tag(0x0040, 0x1001);

fn request(level: Level, shown: &[(Tag, VR)]) -> Request {
    let shown = shown.iter().map(|(tag, vr)| (*tag, Element::empty(*vr)));
    Request {
        level,
        keys: Keys::default(),
        shown: shown.collect(),
        has_unsupported: false,
        character_set: CharacterSet::default(),
    }
}

fn answers(peer: &PeerQuery) -> Answers {
    answers_of(Level::Study, peer)
}

fn answers_of(level: Level, peer: &PeerQuery) -> Answers {
    Answers::new(level, &"DIMSEWAY".parse().unwrap(), Encoding::ExplicitVrLittleEndian, peer)
}

fn read(answer: &Answer) -> Identifier {
    Identifier::read(&answer.identifier, Encoding::ExplicitVrLittleEndian, None).unwrap()
}

fn texts(item: &Item) -> Vec<(Tag, String)> {
    item.iter().map(|(tag, _)| (tag, item.text(tag).unwrap_or_default().into_owned())).collect()
}

/// PS3.4 §C.4.1.1.3.2.
#[test]
fn answers_hold_what_was_asked_for_and_what_every_answer_has() {
    let keys = [
        (Tag::PATIENT_NAME, VR::PN),
        (Tag::STUDY_DATE, VR::DA),
        (STUDY_RELATED_INSTANCES, VR::IS),
        (PRIVATE, VR::LO),
    ];
    let request = request(Level::Study, &keys);
    let found: Item = [
        (Tag::PATIENT_NAME, Element::text(VR::PN, "Doe^Jane")),
        (Tag::PATIENT_ID, Element::text(VR::LO, "not asked for")),
        (MODALITIES_IN_STUDY, Element::texts(VR::CS, ["CT", "MR"])),
        (STUDY_RELATED_INSTANCES, Element::integer(VR::IS, 7)),
        (INSTANCE_AVAILABILITY, Element::text(VR::CS, "OFFLINE")),
    ]
    .into_iter()
    .collect();
    let answer = answers(&PeerQuery::default()).answer(&request, found, false);
    assert!(answer.warns, "the private key is not supported");
    let expected = [
        (QUERY_RETRIEVE_LEVEL, "STUDY"),
        (RETRIEVE_AE_TITLE, "DIMSEWAY"),
        (INSTANCE_AVAILABILITY, "ONLINE"),
        (Tag::PATIENT_NAME, "Doe^Jane"),
        (STUDY_RELATED_INSTANCES, "7"),
    ];
    let mut expected: Vec<_> = expected.map(|(tag, text)| (tag, text.to_owned())).to_vec();
    expected.push((Tag::STUDY_DATE, String::new()));
    expected.sort();
    assert_eq!(texts(&read(&answer).item), expected);
}

#[test]
fn peers_may_want_every_key_back_and_no_warning() {
    let request = request(Level::Study, &[(PRIVATE, VR::LO), (Tag::MODALITY, VR::CS)]);
    let peer = PeerQuery {
        unsupported_keys: UnsupportedKeys::Empty,
        warn_ff01: WarnFf01::No,
        ..PeerQuery::default()
    };
    let answer = answers(&peer).answer(&request, Item::new(), false);
    assert!(!answer.warns);
    let item = read(&answer).item;
    assert!(item.get(PRIVATE).is_some() && item.get(Tag::MODALITY).is_some());
    let private: Item = [(PRIVATE, Element::text(VR::LO, "x"))].into_iter().collect();
    let answer = answers(&PeerQuery::default()).answer(
        &self::request(Level::Study, &[(PRIVATE, VR::LO)]),
        private,
        false,
    );
    assert!(!answer.warns, "the origin gave it");
    assert_eq!(read(&answer).item.text(PRIVATE).as_deref(), Some("x"));
}

#[test]
fn of_sequences_the_keys_of_the_item_are_shown() {
    let step: Item = [(STEP_ID, Element::text(VR::SH, "S1")), (PROCEDURE_ID, Element::text(VR::SH, "P1"))]
        .into_iter()
        .collect();
    let found: Item = [(REQUEST_ATTRIBUTES, Element::sequence([step.clone()]))].into_iter().collect();
    let mut request = request(Level::Series, &[(REQUEST_ATTRIBUTES, VR::SQ)]);
    let shown = |request: &Request| {
        let answer = answers(&PeerQuery::default()).answer(request, found.clone(), false);
        let items: Vec<_> = read(&answer).item.items(REQUEST_ATTRIBUTES).map(texts).collect();
        items
    };
    assert_eq!(shown(&request), [texts(&step)], "all of it");
    let wanted: Item = [(PROCEDURE_ID, Element::empty(VR::SH)), (Tag::MODALITY, Element::empty(VR::CS))]
        .into_iter()
        .collect();
    request.shown.insert(REQUEST_ATTRIBUTES, Element::sequence([wanted]));
    assert_eq!(shown(&request), [[(Tag::MODALITY, String::new()), (PROCEDURE_ID, "P1".to_owned())].to_vec()]);
}

#[test]
fn the_character_set_is_that_of_the_request_or_what_the_peer_can_read() {
    let found: Item = [(Tag::PATIENT_NAME, Element::text(VR::PN, "Иванов^Müller"))].into_iter().collect();
    let mut request = request(Level::Study, &[(Tag::PATIENT_NAME, VR::PN)]);
    let cases = [
        ("ISO_IR 192", OnUnmappable::Utf8, "ISO_IR 192", "Иванов^Müller"),
        ("ISO_IR 144", OnUnmappable::Utf8, "ISO_IR 192", "Иванов^Müller"),
        ("ISO_IR 144", OnUnmappable::Replace, "ISO_IR 144", "Иванов^M?ller"),
        ("ISO_IR 100", OnUnmappable::Replace, "ISO_IR 100", "??????^Müller"),
        ("", OnUnmappable::Utf8, "ISO_IR 192", "Иванов^Müller"),
    ];
    for (asked, on_unmappable, character_set, name) in cases {
        request.character_set = CharacterSet::from_value(asked.as_bytes());
        let peer = PeerQuery { on_unmappable, ..PeerQuery::default() };
        let answer = read(&answers(&peer).answer(&request, found.clone(), false));
        assert_eq!(answer.character_set.as_str(), character_set, "{asked}");
        assert_eq!(answer.item.text(Tag::PATIENT_NAME).as_deref(), Some(name), "{asked}");
    }
}
