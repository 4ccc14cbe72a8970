use InformationModel::{PatientRoot, PatientStudyOnly, StudyRoot};
use dataset::{character_set::CharacterSet, element::VR, json::Element};

use super::*;

const STRICT: Tolerance = Tolerance { relational: false, lenient: false };
const RELATIONAL: Tolerance = Tolerance { relational: true, lenient: false };
const LENIENT: Tolerance = Tolerance { relational: false, lenient: true };

fn identifier(level: &str, patient: &str, study: &str, series: &str, instance: &str) -> Identifier {
    let elements = [
        (QUERY_RETRIEVE_LEVEL, VR::CS, level),
        (Tag::PATIENT_ID, VR::LO, patient),
        (Tag::STUDY_INSTANCE_UID, VR::UI, study),
        (Tag::SERIES_INSTANCE_UID, VR::UI, series),
        (Tag::SOP_INSTANCE_UID, VR::UI, instance),
    ];
    let present = elements.into_iter().filter(|(_, _, value)| *value != "-");
    let item = present.map(|(tag, vr, value)| (tag, Element::texts(vr, value.split('\\')))).collect();
    Identifier { item, character_set: CharacterSet::default(), character_set_named: false }
}

fn read_as(model: InformationModel, tolerance: Tolerance, keys: [&str; 5]) -> Result<Keys, KeyError> {
    let [level, patient, study, series, instance] = keys;
    read(&identifier(level, patient, study, series, instance), model, tolerance)
}

/// PS3.4 §C.4.2.2.1 and §C.6: which keys a level needs, and which it may have several values of.
#[test]
fn the_keys_of_each_level() {
    let accepted: [(InformationModel, Tolerance, [&str; 5]); 16] = [
        (PatientRoot, STRICT, ["PATIENT", "1", "-", "-", "-"]),
        (PatientRoot, STRICT, ["STUDY", "1", "1.1\\1.2", "-", "-"]),
        (PatientRoot, STRICT, ["SERIES", "1", "1.1", "2.1\\2.2", ""]),
        (PatientRoot, STRICT, ["IMAGE", "1", "1.1", "2.1", "3.1\\3.2"]),
        (PatientRoot, LENIENT, ["STUDY", "-", "1.1", "-", "-"]),
        (PatientRoot, LENIENT, ["IMAGE", "", "1.1", "2.1", "3.1"]),
        (PatientRoot, RELATIONAL, ["IMAGE", "-", "-", "-", "3.1"]),
        (StudyRoot, STRICT, ["STUDY", "-", "1.1", "-", "-"]),
        (StudyRoot, STRICT, ["STUDY", "*", "1.1\\1.2", "-", "-"]),
        (StudyRoot, STRICT, ["SERIES", "-", "1.1", "2.1", "-"]),
        (StudyRoot, STRICT, ["IMAGE", "-", "1.1", "2.1", "3.1\\3.2"]),
        (StudyRoot, RELATIONAL, ["SERIES", "-", "-", "2.1\\2.2", "-"]),
        (StudyRoot, RELATIONAL, ["IMAGE", "-", "1.1", "", "3.1"]),
        (PatientStudyOnly, STRICT, ["PATIENT", "1", "-", "-", "-"]),
        (PatientStudyOnly, STRICT, ["STUDY", "1", "1.1", "-", "-"]),
        (StudyRoot, STRICT, ["STUDY", "-", "1.1\\1.1", "-", "-"]),
    ];
    for (model, tolerance, keys) in accepted {
        let read = read_as(model, tolerance, keys);
        assert!(read.is_ok(), "{model:?} {tolerance:?} {keys:?}: {read:?}");
    }
    const STUDY: Tag = Tag::STUDY_INSTANCE_UID;
    const SERIES: Tag = Tag::SERIES_INSTANCE_UID;
    const INSTANCE: Tag = Tag::SOP_INSTANCE_UID;
    let refused: [(InformationModel, Tolerance, [&str; 5], KeyError); 20] = [
        (StudyRoot, STRICT, ["-", "-", "1.1", "-", "-"], KeyError::Level),
        (StudyRoot, STRICT, ["study", "-", "1.1", "-", "-"], KeyError::Level),
        (StudyRoot, STRICT, ["PATIENT", "1", "-", "-", "-"], KeyError::Level),
        (PatientStudyOnly, STRICT, ["SERIES", "1", "1.1", "2.1", "-"], KeyError::Level),
        (PatientStudyOnly, RELATIONAL, ["IMAGE", "1", "1.1", "2.1", "3.1"], KeyError::Level),
        (PatientRoot, STRICT, ["PATIENT", "", "-", "-", "-"], KeyError::Missing(Tag::PATIENT_ID)),
        (PatientRoot, LENIENT, ["PATIENT", "-", "1.1", "-", "-"], KeyError::Missing(Tag::PATIENT_ID)),
        (PatientRoot, RELATIONAL, ["PATIENT", "-", "-", "-", "-"], KeyError::Missing(Tag::PATIENT_ID)),
        (PatientRoot, STRICT, ["PATIENT", "1\\2", "-", "-", "-"], KeyError::Several(Tag::PATIENT_ID)),
        (PatientRoot, STRICT, ["PATIENT", "1*", "-", "-", "-"], KeyError::Wildcard(Tag::PATIENT_ID)),
        (PatientRoot, STRICT, ["STUDY", "-", "1.1", "-", "-"], KeyError::Missing(Tag::PATIENT_ID)),
        (PatientRoot, STRICT, ["STUDY", "1", "-", "-", "-"], KeyError::Missing(STUDY)),
        (PatientRoot, LENIENT, ["SERIES", "-", "", "2.1", "-"], KeyError::Missing(STUDY)),
        (StudyRoot, STRICT, ["SERIES", "-", "1.1\\1.2", "2.1", "-"], KeyError::Several(STUDY)),
        (StudyRoot, STRICT, ["SERIES", "-", "1.1", "-", "-"], KeyError::Missing(SERIES)),
        (StudyRoot, STRICT, ["IMAGE", "-", "1.1", "2.1\\2.2", "3.1"], KeyError::Several(SERIES)),
        (StudyRoot, STRICT, ["IMAGE", "-", "1.1", "2.1", ""], KeyError::Missing(INSTANCE)),
        (StudyRoot, RELATIONAL, ["IMAGE", "-", "1.1", "2.1", "-"], KeyError::Missing(INSTANCE)),
        (StudyRoot, STRICT, ["STUDY", "-", "1.2.*", "-", "-"], KeyError::NotUid(STUDY)),
        (StudyRoot, STRICT, ["STUDY", "-", "1.1\\x", "-", "-"], KeyError::NotUid(STUDY)),
    ];
    for (model, tolerance, keys, error) in refused {
        assert_eq!(read_as(model, tolerance, keys), Err(error), "{model:?} {tolerance:?} {keys:?}");
    }
}

#[test]
fn the_scope_holds_what_the_level_is_about() {
    let uids = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Uid>>();
    let keys = read_as(PatientRoot, STRICT, ["STUDY", "4711", "1.1\\1.2\\1.1", "2.1", "3.1"]).unwrap();
    let scope =
        Scope { patient_id: Some("4711".to_owned()), studies: uids(&["1.1", "1.2"]), ..Scope::default() };
    assert_eq!(keys, Keys { level: Level::Study, scope });
    let keys = read_as(StudyRoot, STRICT, ["IMAGE", "4711", "1.1", "2.1", "3.1\\3.2"]).unwrap();
    let (studies, series, instances) = (uids(&["1.1"]), uids(&["2.1"]), uids(&["3.1", "3.2"]));
    assert_eq!(keys.scope, Scope { patient_id: None, studies, series, instances });
}

#[test]
fn what_an_identifier_says_is_not_repeated() {
    let error = KeyError::from(IdentifierError::UnknownCharacterSet("DOE^JANE".to_owned()));
    assert_eq!(error.to_string(), "unknown Specific Character Set");
}
