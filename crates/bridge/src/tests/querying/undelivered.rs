use dataset::{
    character_set::CharacterSet,
    element::{VR, Writer},
    json::Item,
};
use dimse::{
    Status,
    acse::{InformationModel, QueryRetrieveOptions},
};
use instance::{Encoding, Tag};

use super::{
    scripted::{Scripted, page, result},
    several_origins,
    workstation::{MODALITIES, SERIES_INSTANCES, STUDY_INSTANCES, STUDY_SERIES, Workstation, identifier},
};
use crate::tests::site::{CT, Site};

const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const SOP_CLASSES: Tag = Tag(0x0008, 0x0062);
const PATIENT_STUDIES: Tag = Tag(0x0020, 0x1200);
const PATIENT_SERIES: Tag = Tag(0x0020, 0x1202);
const PATIENT_INSTANCES: Tag = Tag(0x0020, 0x1204);

/// An instance that the modality sends; the origin takes none.
async fn store(site: &Site, study: &str, series: &str, uid: &str) {
    store_of(site, "4711", study, series, uid).await;
}

async fn store_of(site: &Site, patient_id: &str, study: &str, series: &str, uid: &str) {
    let padded = |uid: &str| uid.parse::<instance::Uid>().unwrap().to_padded();
    let mut writer = Writer::new(Encoding::ExplicitVrLittleEndian);
    writer
        .element(Tag::SOP_CLASS_UID, VR::UI, CT.as_bytes())
        .element(Tag::SOP_INSTANCE_UID, VR::UI, &padded(uid))
        .element(Tag::STUDY_DATE, VR::DA, b"20240229")
        .element(Tag::MODALITY, VR::CS, b"CT")
        .element(Tag(0x0008, 0x1030), VR::LO, b"Head")
        .element(Tag::PATIENT_NAME, VR::PN, b"Doe^Jane")
        .element(Tag::PATIENT_ID, VR::LO, patient_id.as_bytes())
        .element(Tag::ISSUER_OF_PATIENT_ID, VR::LO, b"HOSPITAL")
        .element(Tag::STUDY_INSTANCE_UID, VR::UI, &padded(study))
        .element(Tag::SERIES_INSTANCE_UID, VR::UI, &padded(series))
        .element(Tag(0x0020, 0x0013), VR::IS, b"7 ")
        .element(Tag::PIXEL_DATA, VR::OW, &[0; 64]);
    let response = site.modality().await.store_as(&uid.parse().unwrap(), &writer.into_bytes()).await;
    assert_eq!(response.unwrap().status, Status::SUCCESS);
}

/// Study 1.1, of which one instance in one MR series was delivered.
fn origin() -> Scripted {
    Scripted::new(|path| {
        let (resource, query) = path.split_once('?').unwrap_or((path, ""));
        let unless_named = |tag: &str, uid: &str, result: String| {
            let named = query.contains(&format!("{tag}="));
            let fits = !named || query.contains(&format!("={uid}&")) || query.contains(uid);
            fits.then_some(result)
        };
        let results = match resource {
            "/studies" => unless_named(
                "StudyInstanceUID",
                "1.1",
                result(&[
                    ("0020000D", "UI", "1.1"),
                    ("00100010", "PN", "Doe^Jane^Renamed"),
                    ("00100020", "LO", "4711"),
                    ("00080061", "CS", "MR"),
                    ("00201206", "IS", "1"),
                    ("00201208", "IS", "1"),
                ]),
            ),
            "/studies/1.1/series" => unless_named(
                "SeriesInstanceUID",
                "1.1.1",
                result(&[("0020000E", "UI", "1.1.1"), ("00080060", "CS", "MR"), ("00201209", "IS", "1")]),
            ),
            "/studies/1.1/instances" | "/studies/1.1/series/1.1.1/instances" => unless_named(
                "SOPInstanceUID",
                "1.1.1.1",
                result(&[("00080018", "UI", "1.1.1.1"), ("00080016", "UI", MR), ("0020000E", "UI", "1.1.1")]),
            ),
            _ => None,
        };
        page(path, results)
    })
}

const STUDY: [(Tag, VR, &str); 6] = [
    (Tag::STUDY_INSTANCE_UID, VR::UI, ""),
    (Tag::PATIENT_NAME, VR::PN, ""),
    (Tag(0x0008, 0x1030), VR::LO, ""),
    (MODALITIES, VR::CS, ""),
    (STUDY_SERIES, VR::IS, ""),
    (STUDY_INSTANCES, VR::IS, ""),
];

#[tokio::test]
async fn what_was_stored_a_moment_ago_is_found() {
    let site = origin().site(|_| {}).await;
    store(&site, "1.1", "1.1.2", "1.1.2.1").await;
    store(&site, "1.1", "1.1.1", "1.1.1.1").await;
    store(&site, "1.9", "1.9.1", "1.9.1.1").await;
    let mut workstation = Workstation::at(&site).await;
    let found = workstation.find(&identifier("STUDY", &STUDY)).await.whole();
    assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), ["1.1", "1.9"]);
    let study = |uid: &str| {
        let found =
            found.results.iter().find(|(_, item)| item.text(Tag::STUDY_INSTANCE_UID).as_deref() == Some(uid));
        found.map(|(_, item)| item.clone()).unwrap()
    };
    let (merged, new) = (study("1.1"), study("1.9"));
    assert_eq!(merged.text(Tag::PATIENT_NAME).as_deref(), Some("Doe^Jane^Renamed"), "the origin's wins");
    assert_eq!(merged.values(MODALITIES).len(), 2);
    assert_eq!(merged.integer(STUDY_SERIES), Some(2));
    assert_eq!(merged.integer(STUDY_INSTANCES), Some(2), "one of the two is there already");
    assert_eq!(new.text(Tag(0x0008, 0x1030)).as_deref(), Some("Head"), "from the data set");
    assert_eq!(new.text(MODALITIES).as_deref(), Some("CT"));
    assert_eq!((new.integer(STUDY_SERIES), new.integer(STUDY_INSTANCES)), (Some(1), Some(1)));

    let by_name = |name| {
        identifier("STUDY", &[(Tag::STUDY_INSTANCE_UID, VR::UI, ""), (Tag::PATIENT_NAME, VR::PN, name)])
    };
    let found = workstation.find(&by_name("DOE^JANE")).await.whole();
    assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), ["1.9"], "1.1 has another name at the origin");
    assert!(workstation.find(&by_name("Roe*")).await.whole().results.is_empty());
    let by_modality =
        identifier("STUDY", &[(Tag::STUDY_INSTANCE_UID, VR::UI, ""), (MODALITIES, VR::CS, "CT")]);
    let found = workstation.find(&by_modality).await.whole();
    assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), ["1.1", "1.9"], "by what both have together");
}

/// Study 1.1 is at the origin, with an MR instance, and 1.9 is not; one CT instance waits for each.
#[tokio::test]
async fn what_waits_counts_for_its_patient_and_its_sop_classes() {
    let site = origin().site(|_| {}).await;
    store(&site, "1.1", "1.1.2", "1.1.2.1").await;
    store(&site, "1.1", "1.1.1", "1.1.1.1").await;
    store(&site, "1.9", "1.9.1", "1.9.1.1").await;
    store_of(&site, "0815", "1.8", "1.8.1", "1.8.1.1").await;
    let patients = identifier(
        "PATIENT",
        &[
            (Tag::PATIENT_ID, VR::LO, ""),
            (PATIENT_STUDIES, VR::IS, ""),
            (PATIENT_SERIES, VR::IS, ""),
            (PATIENT_INSTANCES, VR::IS, ""),
        ],
    );
    let mut workstation = Workstation::at(&site).await;
    let character_set = CharacterSet::default();
    let found = workstation.find_in(InformationModel::PatientRoot, &patients, &character_set).await.whole();
    let counts = |(_, item): &(Status, Item)| {
        let counts = [PATIENT_STUDIES, PATIENT_SERIES, PATIENT_INSTANCES].map(|tag| item.integer(tag));
        (item.text(Tag::PATIENT_ID).unwrap().into_owned(), counts)
    };
    let mut counted: Vec<_> = found.results.iter().map(counts).collect();
    counted.sort();
    assert_eq!(
        counted,
        [("0815".to_owned(), [Some(1), Some(1), Some(1)]), ("4711".to_owned(), [Some(2), Some(3), Some(3)]),]
    );

    // Only the other study of the patient is asked for.
    let study = identifier(
        "STUDY",
        &[(Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"), (PATIENT_STUDIES, VR::IS, ""), (SOP_CLASSES, VR::UI, "")],
    );
    let found = workstation.find(&study).await.whole();
    assert_eq!(found.values(PATIENT_STUDIES), ["2"]);
    assert_eq!(found.results[0].1.values(SOP_CLASSES).len(), 2, "MR from the origin, CT from the spool");
}

#[tokio::test]
async fn series_and_instances_are_found_too() {
    let site = origin().site(|_| {}).await;
    store(&site, "1.1", "1.1.2", "1.1.2.1").await;
    store(&site, "1.1", "1.1.1", "1.1.1.2").await;
    let mut workstation = Workstation::at(&site).await;
    let series = identifier(
        "SERIES",
        &[
            (Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"),
            (Tag::SERIES_INSTANCE_UID, VR::UI, ""),
            (Tag::MODALITY, VR::CS, ""),
            (SERIES_INSTANCES, VR::IS, ""),
        ],
    );
    let found = workstation.find(&series).await.whole();
    assert_eq!(found.values(Tag::SERIES_INSTANCE_UID), ["1.1.1", "1.1.2"]);
    assert_eq!(found.values(Tag::MODALITY), ["CT", "MR"]);
    assert_eq!(found.values(SERIES_INSTANCES), ["1", "2"]);
    let image = identifier(
        "IMAGE",
        &[
            (Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"),
            (Tag::SERIES_INSTANCE_UID, VR::UI, "1.1.1"),
            (Tag::SOP_INSTANCE_UID, VR::UI, ""),
            (Tag(0x0020, 0x0013), VR::IS, ""),
        ],
    );
    let found = workstation.find(&image).await.whole();
    assert_eq!(found.values(Tag::SOP_INSTANCE_UID), ["1.1.1.1", "1.1.1.2"]);
    assert_eq!(found.values(Tag(0x0020, 0x0013)), ["", "7"]);
}

/// What is counted over a study and its series is the same in whichever of their results it is shown.
#[tokio::test]
async fn what_waits_counts_in_series_and_images_too() {
    /// A unique key and the counts.
    type Counted = (&'static str, [i64; 3]);
    const COUNTS: [Tag; 3] = [STUDY_SERIES, STUDY_INSTANCES, SERIES_INSTANCES];
    let site = origin().site(|_| {}).await;
    store(&site, "1.1", "1.1.2", "1.1.2.1").await;
    store(&site, "1.1", "1.1.1", "1.1.1.2").await;
    store(&site, "1.1", "1.1.1", "1.1.1.1").await;
    let options = QueryRetrieveOptions { relational: true, ..QueryRetrieveOptions::default() };
    let mut workstation = Workstation::with(&site, options).await;
    let (in_study, in_series) = ((Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"), Tag::SERIES_INSTANCE_UID);
    let cases: [(&str, &str, &[Counted]); 3] = [
        ("SERIES", "", &[("1.1.1", [2, 3, 2]), ("1.1.2", [2, 3, 1])]),
        ("IMAGE", "1.1.1", &[("1.1.1.1", [2, 3, 2]), ("1.1.1.2", [2, 3, 2])]),
        ("IMAGE", "1.1.2", &[("1.1.2.1", [2, 3, 1])]),
    ];
    for (level, series, expected) in cases {
        let mut keys = vec![in_study, (in_series, VR::UI, series)];
        keys.extend(COUNTS.map(|tag| (tag, VR::IS, "")));
        keys.extend((level == "IMAGE").then_some((Tag::SOP_INSTANCE_UID, VR::UI, "")));
        let found = workstation.find(&identifier(level, &keys)).await.whole();
        let unique = if level == "IMAGE" { Tag::SOP_INSTANCE_UID } else { in_series };
        let shown = |(_, item): &(Status, Item)| {
            (item.text(unique).unwrap().into_owned(), COUNTS.map(|tag| item.integer(tag).unwrap_or(-1)))
        };
        let mut shown: Vec<_> = found.results.iter().map(shown).collect();
        shown.sort();
        let expected: Vec<_> = expected.iter().map(|(uid, counts)| ((*uid).to_owned(), *counts)).collect();
        assert_eq!(shown, expected, "{level} {series}");
    }
}

#[tokio::test]
async fn it_may_be_switched_off_and_is_bounded() {
    let site = origin().site(|config| config.query.pending_visible = false).await;
    store(&site, "1.9", "1.9.1", "1.9.1.1").await;
    let found = Workstation::at(&site).await.find(&identifier("STUDY", &STUDY)).await.whole();
    assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), ["1.1"]);

    let site = origin().site(|config| config.query.pending_max = 1).await;
    store(&site, "1.8", "1.8.1", "1.8.1.1").await;
    store(&site, "1.9", "1.9.1", "1.9.1.1").await;
    let found = Workstation::at(&site).await.find(&identifier("STUDY", &STUDY)).await;
    assert_eq!(found.last.status, Status(0xA700));
}

#[tokio::test]
async fn a_backlog_of_others_refuses_nobody() {
    let site = origin().site(|config| config.query.pending_max = 1).await;
    for number in 2..6 {
        store(&site, &format!("1.{number}"), &format!("1.{number}.1"), &format!("1.{number}.1.1")).await;
    }
    store_of(&site, "0815", "1.9", "1.9.1", "1.9.1.1").await;
    let options = QueryRetrieveOptions { relational: true, ..QueryRetrieveOptions::default() };
    let mut workstation = Workstation::with(&site, options).await;
    for (level, unique) in [
        ("STUDY", Tag::STUDY_INSTANCE_UID),
        ("SERIES", Tag::SERIES_INSTANCE_UID),
        ("IMAGE", Tag::SOP_INSTANCE_UID),
    ] {
        let by_patient = identifier(level, &[(unique, VR::UI, ""), (Tag::PATIENT_ID, VR::LO, "0815")]);
        let found = workstation.find(&by_patient).await.whole();
        assert_eq!(found.results.len(), 1, "{level}");
    }
    let all = workstation.find(&identifier("STUDY", &STUDY)).await;
    assert_eq!(all.last.status, Status(0xA700));
}

#[tokio::test]
async fn what_waits_for_one_origin_and_is_at_another_is_one_result() {
    let second = Scripted::new(|path| {
        let study = [("0020000D", "UI", "1.9"), ("00100010", "PN", "Second"), ("00201208", "IS", "7")];
        match path.starts_with("/studies?") {
            true => page(path, [result(&study)]),
            false => (204, String::new()),
        }
    });
    let second = second.serve().await;
    let site = origin().site(|config| several_origins::add(config, second)).await;
    store(&site, "1.9", "1.9.1", "1.9.1.1").await;
    let keys = [
        (Tag::STUDY_INSTANCE_UID, VR::UI, ""),
        (Tag::PATIENT_NAME, VR::PN, ""),
        (STUDY_INSTANCES, VR::IS, ""),
    ];
    let found = Workstation::at(&site).await.find(&identifier("STUDY", &keys)).await.whole();
    assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), ["1.1", "1.9"]);
    assert_eq!(found.values(Tag::PATIENT_NAME), ["Doe^Jane^Renamed", "Second"], "the archive's wins");
    assert_eq!(found.values(STUDY_INSTANCES), ["1", "8"]);
}

/// An issuer that the origin does not tell.
#[tokio::test]
async fn a_patient_whose_issuer_only_the_spool_knows_is_shown_once() {
    let site = origin().site(|_| {}).await;
    store_of(&site, "4711", "1.9", "1.9.1", "1.9.1.1").await;
    let keys = [(Tag::PATIENT_ID, VR::LO, "4711"), (Tag::ISSUER_OF_PATIENT_ID, VR::LO, "")];
    let (patients, character_set) = (identifier("PATIENT", &keys), CharacterSet::default());
    let mut workstation = Workstation::at(&site).await;
    let found = workstation.find_in(InformationModel::PatientRoot, &patients, &character_set).await;
    assert_eq!(found.whole().results.len(), 1);
}
