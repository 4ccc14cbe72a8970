//! A source that is away.

use dataset::{
    element::VR,
    json::{Element, Item},
};
use dimse::Status;
use instance::Tag;

use super::{
    answers::of_station,
    modality::{Modality, put, site_of},
};
use crate::worklist::{
    START_DATE, STEPS,
    testing::{data_set, day, order},
};

fn of_day(days: &str) -> Item {
    let mut item = of_station("");
    item.insert(STEPS, Element::sequence([data_set(&[(START_DATE, VR::DA, days)])]));
    item
}

fn of_patient(id: &str) -> Item {
    data_set(&[(Tag::PATIENT_ID, VR::LO, id)])
}

#[tokio::test]
async fn a_modality_at_work_does_not_notice() {
    let (site, directory) = site_of((0..30).map(|number| order(number, "CT1", 0, "0900")), |_| {}).await;
    let mut modality = Modality::at(&site).await;
    assert_eq!(modality.find(&of_station("CT1")).await.results.len(), 30);
    std::fs::remove_dir_all(directory.path()).unwrap();
    site.metric("dimseway_worklist_refreshes_total{outcome=\"failed\",source=\"folder\"}").await;
    for _ in 0..3 {
        let found = modality.find(&of_station("CT1")).await;
        assert_eq!((found.results.len(), found.last.status), (30, Status::SUCCESS));
    }
    // A patient who is not on the list most likely is nowhere.
    let found = modality.find(&of_patient("NOBODY")).await;
    assert_eq!((found.results.len(), found.last.status), (0, Status::SUCCESS));
    // Of days that are not kept nothing is known.
    let found = modality.find(&of_day(&day(20))).await;
    assert_eq!((found.results.len(), found.last.status), (0, Status(0xA700)));
    let found = modality.find(&of_day(&day(0))).await;
    assert_eq!((found.results.len(), found.last.status), (30, Status::SUCCESS));
}

#[tokio::test]
async fn what_is_not_kept_is_looked_up() {
    let orders =
        [(1, 0), (2, 40), (3, 41), (4, -40)].map(|(number, days)| order(number, "CT1", days, "0900"));
    let (site, _directory) = site_of(orders, |_| {}).await;
    let mut modality = Modality::at(&site).await;
    assert_eq!(modality.find(&of_station("CT1")).await.patients(), ["P1"], "the window alone");
    assert_eq!(modality.find(&of_patient("P2")).await.patients(), ["P2"]);
    let number = data_set(&[(Tag::ACCESSION_NUMBER, VR::SH, "A3"), (Tag::PATIENT_ID, VR::LO, "")]);
    assert_eq!(modality.find(&number).await.patients(), ["P3"]);
    assert_eq!(modality.find(&of_day(&day(-40))).await.patients(), ["P4"]);
    assert_eq!(modality.find(&of_day(&format!("{}-{}", day(40), day(41)))).await.patients(), ["P2", "P3"]);
    assert_eq!(modality.find(&of_patient("P9")).await.patients(), [""; 0]);
    site.metric("dimseway_worklist_look_ups_total{outcome=\"answered\",source=\"folder\"} 5").await;
}

#[tokio::test]
async fn without_any_list_a_query_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let away = directory.path().join("not there");
    let (site, _directory) = site_of([], |config| {
        super::modality::from_folder(config, &away);
        config.worklist.look_up_timeout = std::time::Duration::from_millis(100);
        config.worklist.refresh = std::time::Duration::from_millis(20);
    })
    .await;
    let mut modality = Modality::at(&site).await;
    let found = modality.find(&of_station("CT1")).await;
    assert_eq!((found.results.len(), found.last.status), (0, Status(0xA700)));
    assert_eq!(found.last.error_comment.as_deref(), Some("the worklist is not available"));
    std::fs::create_dir(&away).unwrap();
    put(&away, [order(1, "CT1", 0, "0900")]);
    site.metric("dimseway_worklist_entries{source=\"folder\"} 1").await;
    assert_eq!(modality.find(&of_station("CT1")).await.patients(), ["P1"]);
}
