use dataset::{
    character_set::CharacterSet,
    element::{VR, Writer},
    json::Element,
};

use super::*;
use crate::config::PeerQuery;

const STUDY_DATE: Tag = Tag::STUDY_DATE;
const MODEL: InformationModel = InformationModel::StudyRoot;

/// A key of an identifier.
type Key = (Tag, VR, &'static str);

fn bytes(elements: &[(Tag, VR, &str)]) -> Vec<u8> {
    let mut writer = Writer::new(Encoding::ExplicitVrLittleEndian);
    for (tag, vr, text) in elements {
        let mut value = text.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if *vr == VR::UI { 0 } else { b' ' });
        }
        writer.element(*tag, *vr, &value);
    }
    writer.into_bytes()
}

fn read_as(
    elements: &[(Tag, VR, &str)],
    model: InformationModel,
    options: QueryRetrieveOptions,
    peer: &PeerQuery,
) -> Result<Request, RequestError> {
    Request::read(&bytes(elements), Encoding::ExplicitVrLittleEndian, model, options, peer)
}

fn read(elements: &[(Tag, VR, &str)], model: InformationModel) -> Result<Request, RequestError> {
    read_as(elements, model, QueryRetrieveOptions::default(), &PeerQuery::default())
}

const fn level(level: &'static str) -> (Tag, VR, &'static str) {
    (QUERY_RETRIEVE_LEVEL, VR::CS, level)
}

const STUDY: (Tag, VR, &str) = (Tag::STUDY_INSTANCE_UID, VR::UI, "1.2.3");
const ANY_STUDY: (Tag, VR, &str) = (Tag::STUDY_INSTANCE_UID, VR::UI, "");
const SERIES: (Tag, VR, &str) = (Tag::SERIES_INSTANCE_UID, VR::UI, "1.2.3.4");
const ANY_SERIES: (Tag, VR, &str) = (Tag::SERIES_INSTANCE_UID, VR::UI, "");
const PATIENT: (Tag, VR, &str) = (Tag::PATIENT_ID, VR::LO, "4711");

/// PS3.4 §C.4.1.1.4: A900 with the offending element.
#[test]
fn what_does_not_match_the_sop_class_is_named() {
    use InformationModel::{PatientRoot, PatientStudyOnly, StudyRoot};
    let two = (Tag::STUDY_INSTANCE_UID, VR::UI, "1.2\\1.3");
    let cases: &[(InformationModel, &[Key], Tag)] = &[
        (StudyRoot, &[STUDY], QUERY_RETRIEVE_LEVEL),
        (StudyRoot, &[level("FRAME"), STUDY], QUERY_RETRIEVE_LEVEL),
        (StudyRoot, &[level("PATIENT"), PATIENT], QUERY_RETRIEVE_LEVEL),
        (PatientStudyOnly, &[level("SERIES"), PATIENT, STUDY, ANY_SERIES], QUERY_RETRIEVE_LEVEL),
        (StudyRoot, &[level("STUDY"), PATIENT], Tag::STUDY_INSTANCE_UID),
        (PatientRoot, &[level("STUDY"), STUDY], Tag::PATIENT_ID),
        (PatientRoot, &[level("STUDY"), (Tag::PATIENT_ID, VR::LO, ""), STUDY], Tag::PATIENT_ID),
        (PatientRoot, &[level("STUDY"), (Tag::PATIENT_ID, VR::LO, "47*"), STUDY], Tag::PATIENT_ID),
        (StudyRoot, &[level("SERIES"), ANY_SERIES], Tag::STUDY_INSTANCE_UID),
        (StudyRoot, &[level("SERIES"), ANY_STUDY, ANY_SERIES], Tag::STUDY_INSTANCE_UID),
        (StudyRoot, &[level("SERIES"), two, ANY_SERIES], Tag::STUDY_INSTANCE_UID),
        (StudyRoot, &[level("IMAGE"), STUDY, (Tag::SOP_INSTANCE_UID, VR::UI, "")], Tag::SERIES_INSTANCE_UID),
        (StudyRoot, &[level("IMAGE"), STUDY, SERIES], Tag::SOP_INSTANCE_UID),
        (StudyRoot, &[level("STUDY"), (Tag::STUDY_INSTANCE_UID, VR::UI, "1.2.*")], Tag::STUDY_INSTANCE_UID),
        (StudyRoot, &[level("STUDY"), ANY_STUDY, (STUDY_DATE, VR::DA, "yesterday")], STUDY_DATE),
    ];
    for (model, elements, offending) in cases {
        let error = read(elements, *model).unwrap_err();
        assert_eq!(error.offending(), Some(*offending), "{elements:?}");
        let comment = error.to_string();
        assert!(!comment.is_empty() && comment.len() <= 64, "{comment}");
        for (_, _, value) in elements.iter().filter(|(_, _, value)| value.len() > 3) {
            assert!(!comment.contains(value) || Level::from_value(value).is_some(), "{comment}");
        }
    }
}

#[test]
fn identifiers_that_cannot_be_read_are_refused() {
    let peer = PeerQuery::default();
    let read = |bytes: &[u8]| {
        let options = QueryRetrieveOptions::default();
        Request::read(bytes, Encoding::ExplicitVrLittleEndian, MODEL, options, &peer)
    };
    let mut cut = bytes(&[level("STUDY"), STUDY]);
    cut.truncate(cut.len() - 3);
    assert!(matches!(read(&cut), Err(RequestError::Identifier(_))));
    let long = vec![b'x'; 1024 * 1024 + 1];
    assert_eq!(read(&long).unwrap_err(), RequestError::Identifier(IdentifierError::TooLong));
    let unknown = (Tag::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 999");
    let error = read(&bytes(&[unknown, level("STUDY"), (Tag::PATIENT_NAME, VR::PN, "Müller"), STUDY]));
    assert_eq!(error.unwrap_err().offending(), Some(Tag::SPECIFIC_CHARACTER_SET));
}

#[test]
fn unique_keys_are_free_where_the_query_is_relational() {
    let relational = QueryRetrieveOptions { relational: true, ..QueryRetrieveOptions::default() };
    let always = PeerQuery { relational: Relational::Always, ..PeerQuery::default() };
    let elements = [level("IMAGE"), PATIENT, (Tag::SOP_INSTANCE_UID, VR::UI, "")];
    assert!(read_as(&elements, MODEL, relational, &PeerQuery::default()).is_ok());
    assert!(read_as(&elements, MODEL, QueryRetrieveOptions::default(), &always).is_ok());
    assert!(read(&elements, MODEL).is_err());
    let error = read_as(&elements[..2], MODEL, relational, &PeerQuery::default()).unwrap_err();
    assert_eq!(error, RequestError::KeyMissing(Level::Image), "its own key is needed all the same");
}

#[test]
fn a_lenient_peer_may_leave_out_what_is_clear() {
    let peer = PeerQuery { lenient: true, ..PeerQuery::default() };
    let read = |elements: &[(Tag, VR, &str)], model| {
        read_as(elements, model, QueryRetrieveOptions::default(), &peer).map(|request| request.level)
    };
    assert_eq!(read(&[level("STUDY"), PATIENT], MODEL), Ok(Level::Study));
    assert_eq!(read(&[level("STUDY"), STUDY], InformationModel::PatientRoot), Ok(Level::Study));
    let nothing = read(&[level("STUDY"), ANY_STUDY], InformationModel::PatientRoot);
    assert_eq!(nothing, Err(RequestError::KeyMissing(Level::Patient)));
    let no_study = read(&[level("SERIES"), ANY_SERIES], MODEL);
    assert_eq!(no_study, Err(RequestError::KeyMissing(Level::Study)));
}

#[test]
fn keys_below_the_level_are_not_supported_and_match_nothing() {
    let modality = (Tag::MODALITY, VR::CS, "CT");
    let elements = [level("STUDY"), ANY_STUDY, modality];
    let request = read(&elements, MODEL).unwrap();
    assert!(request.has_unsupported && request.keys.is_universal());
    assert!(request.shown.get(Tag::MODALITY).is_some(), "it may be shown without a value");
    let options = QueryRetrieveOptions { relational: true, ..QueryRetrieveOptions::default() };
    let request = read_as(&elements, MODEL, options, &PeerQuery::default()).unwrap();
    let modalities = request.keys.get(MODALITIES_IN_STUDY).and_then(Condition::text);
    assert_eq!(modalities.as_deref(), Some("CT"), "a study with such a series");
}

#[test]
fn what_directs_the_query_is_not_shown_and_text_is_decoded() {
    let assumed: CharacterSet = "ISO_IR 100".parse().unwrap();
    let peer = PeerQuery { character_set: Some(assumed.clone()), ..PeerQuery::default() };
    let mut writer = Writer::new(Encoding::ExplicitVrLittleEndian);
    writer
        .element(QUERY_RETRIEVE_LEVEL, VR::CS, b"STUDY ")
        .element(RETRIEVE_AE_TITLE, VR::AE, b"")
        .element(INSTANCE_AVAILABILITY, VR::CS, b"")
        .element(Tag::PATIENT_NAME, VR::PN, b"M\xFCller")
        .element(Tag::STUDY_INSTANCE_UID, VR::UI, b"");
    let options = QueryRetrieveOptions::default();
    let bytes = writer.into_bytes();
    let request = Request::read(&bytes, Encoding::ExplicitVrLittleEndian, MODEL, options, &peer).unwrap();
    assert_eq!(request.character_set, assumed);
    let name: Item = [(Tag::PATIENT_NAME, Element::text(VR::PN, "MÜLLER"))].into_iter().collect();
    assert!(request.keys.matches(&name));
    assert_eq!(request.tags(), [Tag::PATIENT_NAME, Tag::STUDY_INSTANCE_UID]);
}
