//! The queries.

use origin::synthetic::archive::{Archive, Attributes, Study};
use tests::find::{PATIENT_ROOT_FIND, PATIENT_STUDY_ONLY_FIND, STUDY_ROOT_FIND};

use super::keys::{Level, Query, attribute};

/// What lists show of a patient.
const OF_PATIENT: &[&str] = &["PatientName", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"];
/// What lists show of a study.
const OF_STUDY: &[&str] = &[
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
    "StudyID",
];
/// What lists show of a series.
const OF_SERIES: &[&str] = &["Modality", "SeriesNumber", "SeriesDescription"];

/// All queries for an archive, some of which name what is in it.
pub(crate) fn queries(archive: &Archive) -> Vec<Query> {
    let mut queries = patients();
    queries.extend(names());
    queries.extend(studies());
    queries.extend(dates());
    queries.extend(lists(archive));
    queries.extend(series(archive));
    queries.extend(images(archive));
    queries
}

fn patient(name: &'static str) -> Query {
    Query::new(name, PATIENT_ROOT_FIND, Level::Patient).show(OF_PATIENT)
}

fn study(name: &'static str) -> Query {
    Query::new(name, STUDY_ROOT_FIND, Level::Study)
}

fn patients() -> Vec<Query> {
    vec![
        patient("every patient"),
        patient("a patient by ID").key("PatientID", "MRN000012"),
        patient("an ID that differs from another by case").key("PatientID", "ab-00007"),
        patient("IDs by wildcard").key("PatientID", "MRN0000?1"),
        patient("an ID with a blank and a slash").key("PatientID", "ID 00019/X"),
        patient("no such ID").key("PatientID", "MRN999999").finds_nothing(),
        patient("patients by sex").key("PatientSex", "O"),
        patient("patients by birth date").key("PatientBirthDate", "19500101-19541231"),
        patient("patients by name").key("PatientName", "SMITH*"),
        patient("patients counted")
            .key("PatientID", "MRN000000")
            .show(&["NumberOfPatientRelatedStudies", "NumberOfPatientRelatedInstances"]),
        Query::new("patients in Patient/Study Only", PATIENT_STUDY_ONLY_FIND, Level::Patient)
            .key("PatientID", "00000?5")
            .show(OF_PATIENT),
        Query::new("studies of a patient in Patient/Study Only", PATIENT_STUDY_ONLY_FIND, Level::Study)
            .key("PatientID", "MRN000000")
            .show(OF_STUDY),
        Query::new("studies of a patient in Patient Root", PATIENT_ROOT_FIND, Level::Study)
            .key("PatientID", "MRN000000")
            .show(OF_STUDY),
    ]
}

fn names() -> Vec<Query> {
    let by = |name, value| study(name).key("PatientName", value).show(OF_STUDY);
    vec![
        by("a Latin name in capitals", "SMITH^JOHN"),
        by("a Latin name in small letters with a wildcard", "smith*"),
        by("a family name and any given name", "Lee^*"),
        by("a name with an apostrophe", "o'brien^*"),
        by("a name with blanks", "van der berg*"),
        by("a middle name and a suffix", "*^robert^quincy^rev."),
        by("a single character left open", "Macdonal?^*"),
        by("a name with accents", "MÜLLER^*"),
        by("a name without the accents that it has not", "muller^jurgen"),
        by("a name with an accented capital", "ångström*"),
        by("a name of Latin 2", "żółć*"),
        by("a Cyrillic name whatever its case", "ИВАНОВ*"),
        by("a Cyrillic name in small letters", "иванов^пётр"),
        by("a Cyrillic name with a character left open", "ИВАНО?^*"),
        by("a name with a character left open that has an accent", "M?ller^*"),
        by("a Greek name", "Παπαδόπουλος*"),
        by("a Greek name in capitals", "διονυσιος*"),
        by("a Japanese name by ideographs", "山田*"),
        by("a Japanese name by its phonetic group", "すずき^はなこ"),
        by("a Japanese name by its ideographic group", "=佐藤^*"),
        by("a Japanese name by its third group", "==たかはし*"),
        by("a Japanese name by all groups", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        by("a Japanese name in Latin letters", "WATANABE*"),
        by("a Korean name by Hangul", "홍^길동"),
        by("a Korean name by Hanja in its group", "=金*"),
        by("a Korean name in Latin letters", "hong^gildong"),
        by("a Chinese name", "王^小东"),
        by("a Chinese name with a wildcard", "*张*"),
        by("nobody of that name", "Zebra^Crossing").finds_nothing(),
        by("a referring physician", "").key("ReferringPhysicianName", "watson^john*"),
        by("a referring physician in Russian", "").key("ReferringPhysicianName", "пирогов*"),
        by("beginnings of words, fuzzily", "jurg mul").fuzzy(),
        by("a given name alone, fuzzily", "oliver").fuzzy(),
        by("an ideographic family name, fuzzily", "山田").fuzzy(),
    ]
}

fn studies() -> Vec<Query> {
    let by = |name, keyword, value: &str| study(name).key(keyword, value).show(OF_STUDY);
    vec![
        study("every study").show(OF_STUDY),
        by("one of several reading physicians", "NameOfPhysiciansReadingStudy", "house^*"),
        by("another ID of the patient", "OtherPatientIDs", "ALT0000*"),
        by("an age", "PatientAge", "042Y"),
        study("every study by an asterisk").key("PatientName", "*"),
        by("an accession number", "AccessionNumber", "A0000123"),
        by("accession numbers by wildcard", "AccessionNumber", "A00001*"),
        by("an accession number with characters of a URL", "AccessionNumber", "A&b=c%2F#+").finds_nothing(),
        by("an accession number with a comma", "AccessionNumber", "A0000001,A0000002").finds_nothing(),
        by("an accession number of another case", "AccessionNumber", "a0000123").finds_nothing(),
        by("a study ID", "StudyID", "17"),
        by("a description with odd characters", "StudyDescription", "Follow-up 100% (6 mo)"),
        by("a description by wildcard", "StudyDescription", "*Chest*"),
        by("a description with brackets", "StudyDescription", "Abdomen_Pelvis [contrast]"),
        by("a description in Japanese", "StudyDescription", "頭部*"),
        by("studies with CT", "ModalitiesInStudy", "CT").show(&["ModalitiesInStudy"]),
        by("studies with MR or PT", "ModalitiesInStudy", "MR\\PT").show(&["ModalitiesInStudy"]),
        by("studies with CT in a year", "ModalitiesInStudy", "CT").key("StudyDate", "20180101-20181231"),
        by("sex, year and modality", "PatientSex", "F")
            .key("StudyDate", "20190101-20191231")
            .key("ModalitiesInStudy", "US"),
        by("counts of a study", "AccessionNumber", "A000012?").show(&[
            "NumberOfStudyRelatedSeries",
            "NumberOfStudyRelatedInstances",
            "ModalitiesInStudy",
        ]),
    ]
}

fn dates() -> Vec<Query> {
    let by = |name, dates: &str, times: &str| {
        study(name).key("StudyDate", dates).key("StudyTime", times).show(OF_STUDY)
    };
    vec![
        by("a range of dates", "20200101-20200331", ""),
        by("dates from one on", "20241101-", ""),
        by("dates up to one", "-20150131", ""),
        by("a range of times, each day", "", "1000-1130"),
        by("times up to one of limited precision", "", "-0030"),
        by("an hour", "20200101-20201231", "14"),
        by("dates and times each for itself", "20200101-20201231", "0800-1200"),
        by("dates and times as one range", "20200101-20201231", "1200-0600").combined_date_time(),
        by("dates and times as one range with an open end", "20240601-", "1200-").combined_date_time(),
        by("the same ranges not negotiated match nothing", "20200101-20201231", "1200-0600").finds_nothing(),
        by("no study so early", "-19991231", "").finds_nothing(),
    ]
}

/// The first study that is as wanted.
fn first(archive: &Archive, wanted: impl Fn(&Study) -> bool) -> &Study {
    archive.studies.iter().find(|study| wanted(study)).expect("such a study")
}

fn uid<'a>(attributes: &'a Attributes, keyword: &str) -> &'a str {
    attributes.text(attribute(keyword).tag).expect("a UID")
}

fn study_uids(archive: &Archive, every: usize, count: usize) -> String {
    let some = archive.studies.iter().step_by(every).take(count);
    some.map(|study| uid(&study.attributes, "StudyInstanceUID")).collect::<Vec<_>>().join("\\")
}

fn lists(archive: &Archive) -> Vec<Query> {
    let by = |name, uids: &str| study(name).key("StudyInstanceUID", uids).show(OF_STUDY);
    vec![
        by("a study by UID", &study_uids(archive, 1, 1)),
        by("no study of that UID", "2.25.404").finds_nothing(),
        by("three studies by UID", &study_uids(archive, 400, 3)),
        by("two hundred and fifty studies by UID", &study_uids(archive, 7, 250)),
        by("UIDs of which some are unknown", &format!("{}\\2.25.404\\2.25.405", study_uids(archive, 900, 2))),
        by("UIDs and a name", &study_uids(archive, 2, 60)).key("PatientName", "*^j*"),
    ]
}

fn series(archive: &Archive) -> Vec<Query> {
    let several = first(archive, |study| study.series.len() == 3);
    let of = uid(&several.attributes, "StudyInstanceUID").to_owned();
    let by = |name| Query::new(name, STUDY_ROOT_FIND, Level::Series).show(OF_SERIES);
    let within = |name| by(name).key("StudyInstanceUID", &of);
    let requested = first(archive, |study| {
        study
            .series
            .iter()
            .any(|series| !series.attributes.items(attribute("RequestAttributesSequence").tag).is_empty())
    });
    let item = requested
        .series
        .iter()
        .flat_map(|series| series.attributes.items(attribute("RequestAttributesSequence").tag));
    let procedure =
        item.clone().find_map(|item| item.text(attribute("RequestedProcedureID").tag)).expect("one");
    let step =
        item.clone().find_map(|item| item.text(attribute("ScheduledProcedureStepID").tag)).expect("one");
    let requested_uid = uid(&requested.attributes, "StudyInstanceUID").to_owned();
    let in_requested = |name| by(name).key("StudyInstanceUID", &requested_uid);
    let all: Vec<_> =
        several.series.iter().map(|series| uid(&series.attributes, "SeriesInstanceUID")).collect();
    let modality =
        several.series[0].attributes.text(attribute("Modality").tag).expect("a modality").to_owned();
    let patient_id = several.attributes.text(attribute("PatientID").tag).expect("an ID").to_owned();
    vec![
        within("series of a study").show(&["NumberOfSeriesRelatedInstances", "PatientName", "StudyDate"]),
        within("series by modality").key("Modality", &modality),
        within("series by number").key("SeriesNumber", "2"),
        within("a series by number with a zero before it").key("SeriesNumber", "02"),
        within("two series by UID").key("SeriesInstanceUID", &all[..2].join("\\")),
        within("series of a modality that the study has not").key("Modality", "SR").finds_nothing(),
        Query::new("series in Patient Root", PATIENT_ROOT_FIND, Level::Series)
            .key("PatientID", &patient_id)
            .key("StudyInstanceUID", &of)
            .show(OF_SERIES),
        by("series of no study").key("StudyInstanceUID", "2.25.404").finds_nothing(),
        in_requested("series by the procedure that was requested")
            .key("RequestAttributesSequence.RequestedProcedureID", procedure),
        in_requested("series by procedure and step in one item")
            .key("RequestAttributesSequence.RequestedProcedureID", procedure)
            .key("RequestAttributesSequence.ScheduledProcedureStepID", step),
        in_requested("series by a step that nobody scheduled")
            .key("RequestAttributesSequence.ScheduledProcedureStepID", "SPS-NONE")
            .finds_nothing(),
        by("series of all studies, relational").key("Modality", "NM").key("PatientName", "s*").relational(),
        by("series of all studies by procedure, relational")
            .key("RequestAttributesSequence.RequestedProcedureID", procedure)
            .relational(),
        by("series by station, relational").key("StationName", "CT?").relational(),
        by("series by body part, relational")
            .key("BodyPartExamined", "KNEE")
            .key("Modality", "XA")
            .relational(),
        by("series by model, relational")
            .key("ManufacturerModelName", "Magna 3T")
            .key("Modality", "MR")
            .relational(),
        by("series by description, relational").key("SeriesDescription", "Coronal MPR").relational(),
        by("series by date, relational")
            .key("StudyDate", "20200101-20200110")
            .show(&["StudyDate"])
            .relational(),
        by("series by the start of the step, relational")
            .key("PerformedProcedureStepStartDate", "20200101-20200131")
            .relational(),
    ]
}

fn images(archive: &Archive) -> Vec<Query> {
    let several = first(archive, |study| study.series.iter().any(|series| series.instances.len() == 3));
    let series = several.series.iter().find(|series| series.instances.len() == 3).expect("such a series");
    let study_uid = uid(&several.attributes, "StudyInstanceUID").to_owned();
    let series_uid = uid(&series.attributes, "SeriesInstanceUID").to_owned();
    let uids: Vec<_> = series.instances.iter().map(|one| uid(&one.attributes, "SOPInstanceUID")).collect();
    let class = uid(&series.instances[0].attributes, "SOPClassUID");
    let by = |name| Query::new(name, STUDY_ROOT_FIND, Level::Image).show(&["SOPClassUID", "InstanceNumber"]);
    let within = |name| by(name).key("StudyInstanceUID", &study_uid).key("SeriesInstanceUID", &series_uid);
    let many: Vec<_> = archive
        .studies
        .iter()
        .step_by(5)
        .take(220)
        .map(|study| uid(&study.series[0].instances[0].attributes, "SOPInstanceUID"))
        .collect();
    vec![
        within("images of a series").show(&["NumberOfFrames", "SeriesNumber", "PatientName"]),
        within("two images by UID").key("SOPInstanceUID", &uids[1..].join("\\")),
        within("an image by number").key("InstanceNumber", "3"),
        within("images by SOP Class").key("SOPClassUID", class),
        within("images of another SOP Class")
            .key("SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.11")
            .finds_nothing(),
        by("images of a study, relational").key("StudyInstanceUID", &study_uid).relational(),
        by("images of a day, relational").key("StudyDate", "20200101-20200108").relational(),
        by("an image by UID alone, relational").key("SOPInstanceUID", uids[0]).relational(),
        by("two hundred and twenty images by UID, relational")
            .key("SOPInstanceUID", &many.join("\\"))
            .relational(),
    ]
}
