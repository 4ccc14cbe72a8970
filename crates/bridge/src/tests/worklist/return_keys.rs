//! PS3.4 §K.6.1.2.2, Table K.6-1: every attribute of types 1 and 2 is in the answers of every source.

use dataset::{
    element::VR,
    identifier::write,
    json::{Element, Item},
};
use dicomweb::Profile;
use dimse::Status;
use instance::{Encoding, Tag};
use origin::Personality;

use super::{
    modality::{Modality, from_folder, put, site_of},
    postdicom::{Account, listed},
    web::{Ris, scheduled_steps, workitem, workitems},
};
use crate::{
    config::{Equipment, Peer, PeerAddress, WorklistSource, WorklistSourceKind},
    tests::site::Site,
    worklist::{
        STEPS,
        testing::{config, data_set, order},
    },
};

/// Of type 1 in the step: with a value.
const STEP_1: &[(u16, u16, VR)] = &[
    (0x0040, 0x0001, VR::AE),
    (0x0040, 0x0002, VR::DA),
    (0x0040, 0x0003, VR::TM),
    (0x0008, 0x0060, VR::CS),
    (0x0040, 0x0009, VR::SH),
];
/// Of types 1C, 2 and 2C in the step: there, with or without a value.
const STEP_2: &[(u16, u16, VR)] = &[
    (0x0040, 0x0006, VR::PN),
    (0x0040, 0x0007, VR::LO),
    (0x0040, 0x0008, VR::SQ),
    (0x0040, 0x0010, VR::SH),
    (0x0040, 0x0011, VR::SH),
    (0x0040, 0x0012, VR::LO),
    (0x0032, 0x1070, VR::LO),
];
/// Of type 1 beside it.
const BESIDE_1: &[(u16, u16, VR)] =
    &[(0x0040, 0x1001, VR::SH), (0x0020, 0x000D, VR::UI), (0x0010, 0x0010, VR::PN), (0x0010, 0x0020, VR::LO)];
/// Of types 1C and 2 beside it.
const BESIDE_2: &[(u16, u16, VR)] = &[
    (0x0032, 0x1060, VR::LO),
    (0x0032, 0x1064, VR::SQ),
    (0x0008, 0x1110, VR::SQ),
    (0x0040, 0x1003, VR::SH),
    (0x0040, 0x1004, VR::LO),
    (0x0008, 0x0050, VR::SH),
    (0x0032, 0x1032, VR::PN),
    (0x0008, 0x0090, VR::PN),
    (0x0038, 0x0010, VR::LO),
    (0x0038, 0x0300, VR::LO),
    (0x0008, 0x1120, VR::SQ),
    (0x0010, 0x0030, VR::DA),
    (0x0010, 0x0040, VR::CS),
    (0x0010, 0x1030, VR::DS),
    (0x0040, 0x3001, VR::LO),
    (0x0038, 0x0500, VR::LO),
    (0x0010, 0x21C0, VR::US),
    (0x0010, 0x2000, VR::LO),
    (0x0010, 0x2110, VR::LO),
    (0x0038, 0x0050, VR::LO),
];

fn keys<'a>(tables: impl IntoIterator<Item = &'a [(u16, u16, VR)]>) -> Item {
    let key = |(group, element, vr): &(u16, u16, VR)| (Tag(*group, *element), Element::empty(*vr));
    tables.into_iter().flatten().map(key).collect()
}

/// Asks for all of them, and finds none missing in any answer.
async fn none_is_missing(site: &Site, answers: usize) {
    let mut asked = keys([BESIDE_1, BESIDE_2]);
    asked.insert(STEPS, Element::sequence([keys([STEP_1, STEP_2])]));
    let found = Modality::at(site).await.find(&asked).await;
    assert_eq!((found.results.len(), found.last.status), (answers, Status::SUCCESS));
    for (status, item) in &found.results {
        assert_eq!(*status, Status::PENDING, "all of them are supported");
        let [step] = item.items(STEPS).collect::<Vec<_>>()[..] else { panic!("exactly one step") };
        for (table, item) in [(STEP_1, step), (STEP_2, step), (BESIDE_1, item), (BESIDE_2, item)] {
            for (group, element, _) in table {
                let tag = Tag(*group, *element);
                assert!(item.get(tag).is_some(), "{tag} is missing");
                let needs_value = table == STEP_1 || table == BESIDE_1;
                assert!(!needs_value || item.text(tag).is_some(), "{tag} has no value");
            }
        }
        // Of type 1C: a description, or a code.
        assert!(item.text(Tag(0x0032, 0x1060)).is_some() && step.text(Tag(0x0040, 0x0007)).is_some());
    }
}

/// An order with little, and one with almost everything.
fn orders() -> Vec<crate::worklist::Order> {
    let mut full = order(2, "CT1", 0, "0930");
    let more = data_set(&[
        (Tag(0x0010, 0x0030), VR::DA, "19700102"),
        (Tag(0x0010, 0x0040), VR::CS, "F"),
        (Tag(0x0032, 0x1060), VR::LO, "Head"),
        (Tag(0x0020, 0x000D), VR::UI, "1.2.3"),
    ]);
    more.iter().for_each(|(tag, element)| _ = full.item.insert(tag, element.clone()));
    vec![order(1, "CT1", 0, "0900"), full]
}

#[tokio::test]
async fn of_a_folder_of_json() {
    let (site, _directory) = site_of(orders(), |_| {}).await;
    none_is_missing(&site, 2).await;
}

#[tokio::test]
async fn of_a_folder_of_worklist_files() {
    let directory = tempfile::tempdir().unwrap();
    for (number, order) in orders().into_iter().enumerate() {
        let bytes =
            write(&order.item, Encoding::ExplicitVrLittleEndian, &"ISO_IR 192".parse().unwrap()).bytes;
        std::fs::write(directory.path().join(format!("{number}.wl")), bytes).unwrap();
    }
    let site = Site::new(|config| from_folder(config, directory.path())).await;
    none_is_missing(&site, 2).await;
}

#[tokio::test]
async fn of_a_dimse_peer() {
    let (ris, directory) = site_of(orders(), |_| {}).await;
    put(directory.path(), orders().into_iter().chain([order(3, "CT1", 30, "0900")]));
    let site = Site::new(|site| {
        let mut peer = Peer::new("DIMSEWAY".parse().unwrap());
        peer.address = Some(PeerAddress::new(ris.address.ip().to_string(), ris.address.port()));
        site.peers.push(peer);
        site.worklist = config();
        let kind = WorklistSourceKind::Dimse { peer: "DIMSEWAY".parse().unwrap() };
        site.worklist.sources = vec![WorklistSource::new("ris", kind)];
    })
    .await;
    none_is_missing(&site, 2).await;
    let look_up = data_set(&[(Tag::PATIENT_ID, VR::LO, "P3")]);
    assert_eq!(Modality::at(&site).await.find(&look_up).await.patients(), ["P3"], "looked up at the peer");
}

#[tokio::test]
async fn of_postdicom() {
    let account = Account::of([listed(1), listed(2)]).await;
    let site = Site::new(|site| {
        account.configure(site);
        site.worklist.equipment = vec![Equipment {
            uuid: "equipment-1".into(),
            ae_title: "CT1".parse().unwrap(),
            station_name: None,
            location: None,
            modality: Some("CT".into()),
        }];
    })
    .await;
    none_is_missing(&site, 2).await;
}

#[tokio::test]
async fn of_scheduled_steps_of_an_origin() {
    let ris = Ris::new(Personality::Standard);
    let steps = orders().into_iter().enumerate().map(|(number, order)| (number.to_string(), order.item));
    ris.origin.add_scheduled_steps(steps).await.unwrap();
    let site = Site::new(|site| ris.configure(site, Profile::standard(), scheduled_steps())).await;
    none_is_missing(&site, 2).await;
}

#[tokio::test]
async fn of_workitems_of_an_origin() {
    for (personality, profile) in
        [(Personality::Standard, Profile::standard()), (Personality::Limited, Profile::azure())]
    {
        let ris = Ris::new(personality);
        ris.origin.add_workitems([1, 2].map(|number| workitem(number, "CT1", 0))).await.unwrap();
        let site = Site::new(|site| ris.configure(site, profile, workitems())).await;
        none_is_missing(&site, 2).await;
    }
}
