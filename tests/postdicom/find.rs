//! C-FIND of DCMTK at every level, also by what the vendor's search does not know.

use std::collections::BTreeSet;
use std::path::Path;

use instance::Tag;
use origin::postdicom::NewOrder;
use tests::dcmtk;
use tests::find::Elements;
use tests::instances::Instance;

use crate::{ACCESSION_NUMBER, MODALITY, PATIENT_ID, PATIENT_NAME, STUDY_DATE, Site, order, said, slice};

const YAMADA: &str = "YAMADA^TARO=山田^太郎";
const MUELLER: &str = "MÜLLER^JÜRGEN";

/// Four studies of three patients; the first has two series.
fn archive() -> Vec<Instance> {
    let of = |study: u32,
              series: u32,
              number: u32,
              patient: [&str; 2],
              date: &str,
              accession: &str,
              modality: &str| {
        let study = format!("2.25.81{study}");
        let values = [
            (STUDY_DATE, "DA", date),
            (ACCESSION_NUMBER, "SH", accession),
            (MODALITY, "CS", modality),
            (PATIENT_NAME, "PN", patient[0]),
            (PATIENT_ID, "LO", patient[1]),
        ];
        slice(&study, &format!("{study}.{series}"), number, &values)
    };
    vec![
        of(1, 1, 1, [YAMADA, "P 1"], "20260101", "A-1", "CT"),
        of(1, 1, 2, [YAMADA, "P 1"], "20260101", "A-1", "CT"),
        of(1, 2, 1, [YAMADA, "P 1"], "20260101", "A-1", "SR"),
        of(2, 1, 1, [MUELLER, "P&2/ü"], "20260115", "A-2", "MR"),
        of(3, 1, 1, [MUELLER, "P&2/ü"], "20260301", "", "CT"),
        of(4, 1, 1, ["DOE^JANE", "P-3"], "20260401", "A-4", "US"),
    ]
}

/// An order that nothing was stored for yet, of a patient with no study and of one that has some.
fn orders_alone(site: &Site) {
    for (name, id, number) in [("DOE^JOHN", "P-9", "A-9"), (YAMADA, "P 1", "A-8")] {
        let order = NewOrder {
            accession_number: number.to_owned(),
            order_scheduled_datetime: "2026-01-15 09:00".to_owned(),
            ..order(name, id)
        };
        site.account.add_order(None, order);
    }
}

/// A query: its name, its keys, and the values of the unique key that it finds.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const PATIENTS: &[Row] = &[
    ("every patient", &["PatientName"], &["P 1", "P&2/ü", "P-3"]),
    ("patients by ID", &["PatientID=P 1"], &["P 1"]),
    ("patients by an ID with signs", &["PatientID=P&2/ü"], &["P&2/ü"]),
    ("patients by name", &["PatientName=doe*"], &["P-3"]),
    ("patients by ideographs", &["PatientName=*=山田*"], &["P 1"]),
    ("a patient with an order alone", &["PatientID=P-9"], &[]),
];

const STUDIES: &[Row] = &[
    ("every study", &["PatientName"], &["2.25.811", "2.25.812", "2.25.813", "2.25.814"]),
    ("studies by name", &["PatientName=DOE^JANE"], &["2.25.814"]),
    ("studies by name with a wildcard", &["PatientName=YAMADA*"], &["2.25.811"]),
    ("studies by name in small letters", &["PatientName=müller^jürgen"], &["2.25.812", "2.25.813"]),
    ("studies by date", &["StudyDate=20260115"], &["2.25.812"]),
    ("studies by dates", &["StudyDate=20260110-20260331"], &["2.25.812", "2.25.813"]),
    ("studies by an open range", &["StudyDate=20260301-"], &["2.25.813", "2.25.814"]),
    ("studies by accession number", &["AccessionNumber=A-2"], &["2.25.812"]),
    (
        "studies by accession number with a wildcard",
        &["AccessionNumber=A-?"],
        &["2.25.811", "2.25.812", "2.25.814"],
    ),
    ("an order's accession number", &["AccessionNumber=A-9"], &[]),
    ("another order's accession number", &["AccessionNumber=A-8"], &[]),
    ("studies by modality", &["ModalitiesInStudy=MR"], &["2.25.812"]),
    ("studies by the modality of one series", &["ModalitiesInStudy=SR"], &["2.25.811"]),
    ("studies by modalities", &["ModalitiesInStudy=MR\\US"], &["2.25.812", "2.25.814"]),
    ("studies by patient ID", &["PatientID=P&2/ü"], &["2.25.812", "2.25.813"]),
    ("studies by UID", &["StudyInstanceUID=2.25.813"], &["2.25.813"]),
    ("studies by UIDs", &["StudyInstanceUID=2.25.813\\2.25.811"], &["2.25.811", "2.25.813"]),
    ("studies by name and date", &["PatientName=M*", "StudyDate=20260301"], &["2.25.813"]),
    ("no study", &["PatientName=NOBODY"], &[]),
];

const SERIES: &[Row] = &[
    ("series of a study", &["StudyInstanceUID=2.25.811"], &["2.25.811.1", "2.25.811.2"]),
    ("series by modality", &["StudyInstanceUID=2.25.811", "Modality=SR"], &["2.25.811.2"]),
    ("series of nothing", &["StudyInstanceUID=2.25.404"], &[]),
];

const IMAGES: &[Row] = &[
    (
        "images of a series",
        &["StudyInstanceUID=2.25.811", "SeriesInstanceUID=2.25.811.1"],
        &["2.25.811.1.1", "2.25.811.1.2"],
    ),
    (
        "an image by number",
        &["StudyInstanceUID=2.25.811", "SeriesInstanceUID=2.25.811.1", "InstanceNumber=2"],
        &["2.25.811.1.2"],
    ),
];

/// Answers as DCMTK writes them.
fn answers(folder: &Path) -> Vec<Elements> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files
        .map(|file| {
            let (_, start) = instance::part10::read(&file).unwrap();
            Elements::read(&file[start..])
        })
        .collect()
}

#[test]
fn findscu_finds_at_every_level_what_was_stored() {
    let site = Site::new();
    let daemon = site.home.start();
    orders_alone(&site);
    site.fill(&daemon, &archive());
    let levels = [
        ("-P", "PATIENT", "PatientID", PATIENT_ID, PATIENTS),
        ("-P", "STUDY", "StudyInstanceUID", Tag::STUDY_INSTANCE_UID, &STUDIES[14..15]),
        ("-S", "STUDY", "StudyInstanceUID", Tag::STUDY_INSTANCE_UID, STUDIES),
        ("-S", "SERIES", "SeriesInstanceUID", Tag::SERIES_INSTANCE_UID, SERIES),
        ("-S", "IMAGE", "SOPInstanceUID", Tag::SOP_INSTANCE_UID, IMAGES),
    ];
    for (root, level, unique, tag, rows) in levels {
        for (name, keys, expected) in rows {
            let into = tempfile::tempdir_in(site.folder()).unwrap();
            let level = format!("QueryRetrieveLevel={level}");
            let mut options = vec!["-v", root, "-X", "-od", into.path().to_str().unwrap()];
            for key in [&level, "SpecificCharacterSet=ISO_IR 192", unique, "PatientName"] {
                options.extend(["-k", key]);
            }
            keys.iter().for_each(|key| options.extend(["-k", key]));
            let Some(output) = dcmtk::run("findscu", daemon.dimse(), &options, &[]) else { return };
            let said = said(&output);
            assert!(
                said.contains("Received Final Find Response (Success)"),
                "{name}: {said}\n{}",
                daemon.log()
            );
            let answers = answers(into.path());
            let found: BTreeSet<_> =
                answers.iter().map(|answer| answer.text(tag).unwrap_or_default()).collect();
            assert_eq!(found, expected.iter().copied().collect(), "{name}: {said}");
            assert_eq!(answers.len(), expected.len(), "{name}: {said}");
            for answer in &answers {
                let name = answer.text(PATIENT_NAME).unwrap_or_default();
                assert!(["", YAMADA, MUELLER, "DOE^JANE"].contains(&name), "{name}");
            }
        }
    }
}
