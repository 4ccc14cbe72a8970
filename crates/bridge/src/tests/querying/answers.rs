use dataset::{character_set::CharacterSet, element::VR};
use dimse::{Status, acse::InformationModel};
use instance::Tag;

use super::{
    scripted::{Scripted, page, result},
    workstation::{
        LEVEL, MODALITIES, SERIES_INSTANCES, STUDY_INSTANCES, STUDY_SERIES, Workstation, identifier,
    },
};
use crate::config::{Peer, UnsupportedKeys, WarnFf01};

const ANY_STUDY: (Tag, VR, &str) = (Tag::STUDY_INSTANCE_UID, VR::UI, "");

/// One study of two series, and an origin that counts nothing.
fn small() -> Scripted {
    Scripted::new(|path| {
        let (resource, _) = path.split_once('?').unwrap_or((path, ""));
        let results = match resource {
            "/studies" => vec![result(&[
                ("0020000D", "UI", "1.1"),
                ("00100010", "PN", "Doe^Jane"),
                ("00100020", "LO", "4711"),
                ("00080020", "DA", "20240229"),
            ])],
            "/studies/1.1/series" => vec![
                result(&[("0020000E", "UI", "1.1.1"), ("00080060", "CS", "MR"), ("00200011", "IS", "1")]),
                result(&[("0020000E", "UI", "1.1.2"), ("00080060", "CS", "CT"), ("00200011", "IS", "2")]),
            ],
            "/studies/1.1/instances" => ["1.1.1.1", "1.1.1.2", "1.1.2.1"]
                .map(|uid| result(&[("00080018", "UI", uid), ("0020000E", "UI", &uid[..5])]))
                .to_vec(),
            "/studies/1.1/series/1.1.1/instances" => {
                ["1.1.1.1", "1.1.1.2"].map(|uid| result(&[("00080018", "UI", uid)])).to_vec()
            }
            "/studies/1.1/series/1.1.2/instances" => vec![result(&[("00080018", "UI", "1.1.2.1")])],
            _ => return (404, String::new()),
        };
        page(path, results)
    })
}

#[tokio::test]
async fn what_the_origin_does_not_count_is_counted() {
    let origin = small();
    let site = origin.site(|_| {}).await;
    let mut workstation = Workstation::at(&site).await;
    let wanted = [
        ANY_STUDY,
        (MODALITIES, VR::CS, ""),
        (STUDY_SERIES, VR::IS, ""),
        (STUDY_INSTANCES, VR::IS, ""),
        (Tag::ACCESSION_NUMBER, VR::SH, ""),
    ];
    let found = workstation.find(&identifier("STUDY", &wanted)).await.whole();
    assert_eq!(found.results[0].0, Status::PENDING, "all keys are supported");
    let study = found.only();
    assert_eq!(study.integer(STUDY_SERIES), Some(2));
    assert_eq!(study.integer(STUDY_INSTANCES), Some(3));
    assert_eq!(study.values(MODALITIES).len(), 2);
    assert!(study.get(Tag::ACCESSION_NUMBER).is_some(), "a required key without a value");
    assert!(study.get(Tag::PATIENT_NAME).is_none(), "it was not asked for");
    assert_eq!(study.text(LEVEL).as_deref(), Some("STUDY"));
    assert_eq!(study.text(Tag(0x0008, 0x0054)).as_deref(), Some("DIMSEWAY"));

    let by_modality = identifier("STUDY", &[ANY_STUDY, (MODALITIES, VR::CS, "US")]);
    assert!(workstation.find(&by_modality).await.whole().results.is_empty(), "it has none");

    let series = identifier(
        "SERIES",
        &[
            (Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"),
            (Tag::SERIES_INSTANCE_UID, VR::UI, ""),
            (SERIES_INSTANCES, VR::IS, ""),
            (Tag::PATIENT_NAME, VR::PN, ""),
        ],
    );
    let found = workstation.find(&series).await.whole();
    assert_eq!(found.values(SERIES_INSTANCES), ["1", "2"]);
    assert_eq!(found.values(Tag::PATIENT_NAME), ["Doe^Jane", "Doe^Jane"], "looked up at the study");
    let look_ups =
        origin.asked().into_iter().filter(|path| path.starts_with("/studies?StudyInstanceUID=1.1"));
    assert!(look_ups.count() <= 2, "once for both series");
}

#[tokio::test]
async fn a_series_belongs_to_the_patient_of_its_study() {
    let site = small().site(|_| {}).await;
    let mut workstation = Workstation::at(&site).await;
    for (patient, count) in [("4711", 2), ("0815", 0)] {
        let series = identifier(
            "SERIES",
            &[
                (Tag::PATIENT_ID, VR::LO, patient),
                (Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"),
                (Tag::SERIES_INSTANCE_UID, VR::UI, ""),
            ],
        );
        let found =
            workstation.find_in(InformationModel::PatientRoot, &series, &CharacterSet::default()).await;
        assert_eq!(found.whole().results.len(), count, "{patient}");
    }
}

#[tokio::test]
async fn what_a_patient_has_is_counted_over_all_studies() {
    let site = small().site(|_| {}).await;
    let counts = [Tag(0x0020, 0x1200), Tag(0x0020, 0x1202), Tag(0x0020, 0x1204)];
    let mut wanted = identifier("PATIENT", &[(Tag::PATIENT_ID, VR::LO, "4711")]);
    for tag in counts {
        wanted.insert(tag, dataset::json::Element::empty(VR::IS));
    }
    let mut workstation = Workstation::at(&site).await;
    let found = workstation.find_in(InformationModel::PatientRoot, &wanted, &CharacterSet::default()).await;
    let patient = found.whole();
    assert_eq!(counts.map(|tag| patient.only().integer(tag)), [Some(1), Some(2), Some(3)]);
}

#[tokio::test]
async fn unsupported_keys_are_told_as_the_peer_wants_it() {
    let wanted = identifier("STUDY", &[ANY_STUDY, (Tag(0x0009, 0x1010), VR::LO, "")]);
    let site = small().site(|_| {}).await;
    let found = Workstation::at(&site).await.find(&wanted).await.whole();
    assert_eq!(found.results[0].0, Status::PENDING_WITH_WARNING);
    assert!(found.only().get(Tag(0x0009, 0x1010)).is_none());
    let site = small()
        .site(|config| {
            let mut peer = Peer::new("WS1".parse().unwrap());
            peer.query.unsupported_keys = UnsupportedKeys::Empty;
            peer.query.warn_ff01 = WarnFf01::No;
            config.peers.push(peer);
        })
        .await;
    let found = Workstation::at(&site).await.find(&wanted).await.whole();
    assert_eq!(found.results[0].0, Status::PENDING);
    assert!(found.only().get(Tag(0x0009, 0x1010)).is_some());
}

#[tokio::test]
async fn patients_are_found_once_by_id_and_issuer() {
    let origin = Scripted::new(|path| {
        let study = |uid: &str, id: &str, issuer: &str, name: &str| {
            result(&[
                ("0020000D", "UI", uid),
                ("00100020", "LO", id),
                ("00100021", "LO", issuer),
                ("00100010", "PN", name),
            ])
        };
        page(
            path,
            [
                study("1.1", "4711", "A", "Doe^Jane"),
                study("1.2", "4711", "A", "DOE^JANE"),
                study("1.3", "4711", "B", "Roe^Jim"),
                study("1.4", "4712", "A", "Poe^Ed"),
                study("1.5", "", "", "Nemo"),
                study("1.6", "", "", "Nobody"),
            ],
        )
    });
    let site = origin.site(|_| {}).await;
    let mut workstation = Workstation::at(&site).await;
    let all = identifier("PATIENT", &[(Tag::PATIENT_ID, VR::LO, ""), (Tag::PATIENT_NAME, VR::PN, "")]);
    let found = workstation.find_in(InformationModel::PatientRoot, &all, &CharacterSet::default()).await;
    let names = found.whole().values(Tag::PATIENT_NAME);
    assert_eq!(names, ["Doe^Jane", "Nemo", "Nobody", "Poe^Ed", "Roe^Jim"]);
    let one = identifier("PATIENT", &[(Tag::PATIENT_ID, VR::LO, "4711"), (Tag::PATIENT_NAME, VR::PN, "")]);
    for model in [InformationModel::PatientRoot, InformationModel::PatientStudyOnly] {
        let found = workstation.find_in(model, &one, &CharacterSet::default()).await;
        assert_eq!(found.whole().results.len(), 2, "{model:?}");
    }
    let studies = identifier("STUDY", &[(Tag::PATIENT_ID, VR::LO, "4711"), ANY_STUDY]);
    let found =
        workstation.find_in(InformationModel::PatientStudyOnly, &studies, &CharacterSet::default()).await;
    assert_eq!(found.whole().values(Tag::STUDY_INSTANCE_UID), ["1.1", "1.2", "1.3"]);
    let level = workstation.find(&all).await;
    assert_eq!((level.last.status, level.results.len()), (Status(0xA900), 0), "not in Study Root");
    assert_eq!(level.last.offending_elements, [LEVEL]);
}

#[tokio::test]
async fn the_address_of_the_archive_is_not_handed_out() {
    let url = Tag(0x0008, 0x1190);
    let origin = Scripted::new(|path| {
        let study = [("0020000D", "UI", "1.1"), ("00081190", "UR", "https://archive.internal/studies/1.1")];
        page(path, [result(&study)])
    });
    let site = origin.site(|_| {}).await;
    for asked in ["", "https://elsewhere/"] {
        let wanted = identifier("STUDY", &[ANY_STUDY, (url, VR::UR, asked)]);
        let found = Workstation::at(&site).await.find(&wanted).await.whole();
        assert_eq!(found.results[0].0, Status::PENDING_WITH_WARNING);
        assert!(found.only().get(url).is_none());
    }
}
