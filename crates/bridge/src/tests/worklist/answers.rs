//! Statuses and limits (PS3.4 §K.4.1.1.4).

use dataset::{
    element::VR,
    json::{Element, Item},
};
use dimse::Status;
use instance::Tag;

use super::modality::{Modality, put_in, site_of};
use crate::{
    config::{Peer, Service, Services},
    worklist::{
        EntryKey, STATION_AE_TITLE, STEP_STATUS, STEPS, StepStatus,
        testing::{data_set, order},
    },
};

/// Asks for the patients of a station.
pub(super) fn of_station(title: &str) -> Item {
    let mut item = data_set(&[(Tag::PATIENT_ID, VR::LO, ""), (Tag::PATIENT_NAME, VR::PN, "")]);
    let step = data_set(&[(STATION_AE_TITLE, VR::AE, title), (STEP_STATUS, VR::CS, "")]);
    item.insert(STEPS, Element::sequence([step]));
    item
}

#[tokio::test]
async fn a_modality_gets_its_steps_in_the_order_of_their_start() {
    let orders = [(1, "CT1", "1100"), (2, "CT1", "0900"), (3, "MR1", "1000"), (4, "CT1", "1000")];
    let orders = orders.map(|(number, station, time)| order(number, station, 0, time));
    let (site, _directory) = site_of(orders, |_| {}).await;
    let mut modality = Modality::at(&site).await;
    let found = modality.find(&of_station("CT1")).await;
    assert_eq!(
        (found.patients(), found.last.status),
        (vec!["P2".into(), "P4".into(), "P1".into()], Status::SUCCESS)
    );
    assert!(found.results.iter().all(|(status, _)| *status == Status::PENDING));
    assert_eq!(modality.find(&of_station("NM1")).await.patients(), [""; 0]);
    let mut asked = of_station("CT1");
    asked.insert(Tag(0x0018, 0x0015), Element::empty(VR::CS));
    let found = modality.find(&asked).await;
    assert!(found.results.iter().all(|(status, _)| *status == Status::PENDING_WITH_WARNING));
    assert_eq!(found.last.status, Status::SUCCESS);
    site.metric("dimseway_dimse_messages_total{service=\"C-FIND\",status=\"FF01\"} 3").await;
}

#[tokio::test]
async fn what_cannot_be_answered_has_its_status() {
    let (site, _directory) = site_of((0..20).map(|number| order(number, "CT1", 0, "0900")), |config| {
        config.worklist.results_max = 15;
        let mut forbidden = Peer::new("FORBIDDEN".parse().unwrap());
        forbidden.allow = Services::from_iter([Service::Echo, Service::Query]);
        config.peers.push(forbidden);
    })
    .await;
    let mut modality = Modality::at(&site).await;
    let found = modality.find(&of_station("CT1")).await;
    assert_eq!((found.results.len(), found.last.status), (15, Status(0xA700)));
    assert_eq!(found.last.error_comment.as_deref(), Some("more than 15 results, ask for less"));
    let mut date = of_station("CT1");
    date.insert(STEPS, Element::sequence([data_set(&[(Tag(0x0040, 0x0002), VR::DA, "today")])]));
    assert_eq!(modality.find(&date).await.last.status, Status(0xA900));
    assert_eq!(modality.find_bytes(vec![8, 0, 0x52, 0, b'C', b'S', 0, 0]).await.last.status, Status(0xA900));
    let found = Modality::call(&site, "FORBIDDEN").await.unwrap().find(&of_station("CT1")).await;
    assert_eq!(found.last.status, Status::NOT_AUTHORIZED);
    assert_eq!(modality.find(&of_station("MR1")).await.last.status, Status::SUCCESS, "it goes on");
}

#[tokio::test]
async fn without_a_worklist_none_is_offered() {
    let (site, _directory) = site_of([], |config| config.worklist.sources.clear()).await;
    match Modality::call(&site, "CT1").await {
        Ok(modality) => assert!(!modality.is_offered()),
        Err(error) => assert!(matches!(error, dimse::Error::PeerIncompatible(_)), "{error}"),
    }
}

#[tokio::test]
async fn a_cancel_ends_the_answers() {
    const COMMENTS: Tag = Tag(0x0010, 0x4000);
    let (site, directory) = site_of([], |_| {}).await;
    // More than the buffers of the connection take, so that the cancel comes in the middle.
    let long = Element::text(VR::LT, &"x".repeat(10_000));
    for file in 0..10 {
        let orders = (0..200).map(|number| {
            let mut order = order(file * 200 + number, "CT1", 0, "0900");
            order.item.insert(COMMENTS, long.clone());
            order
        });
        put_in(directory.path(), &format!("{file}.json"), orders);
    }
    site.metric("dimseway_worklist_entries{source=\"folder\"} 2000").await;
    let mut modality = Modality::at(&site).await;
    let mut asked = of_station("CT1");
    asked.insert(COMMENTS, Element::empty(VR::LT));
    assert_eq!(modality.cancel(&asked).await, Status::CANCEL);
    assert_eq!(modality.find(&asked).await.results.len(), 2000, "the association goes on");
}

/// A COMPLETED step leaves the worklist, a DISCONTINUED one returns (PS3.4 §F.1).
#[tokio::test]
async fn the_status_of_a_step_decides_whether_it_is_shown() {
    let (site, _directory) = site_of((1..5).map(|number| order(number, "CT1", 0, "0900")), |_| {}).await;
    let mut modality = Modality::at(&site).await;
    assert_eq!(modality.find(&of_station("CT1")).await.results.len(), 4);
    let worklist = site.bridge.worklist();
    let keys: Vec<EntryKey> = worklist.show(None, None).entries.into_iter().map(|entry| entry.key).collect();
    for (key, status) in keys.iter().zip(StepStatus::ALL) {
        worklist.state().set_status(key, status).await.unwrap();
    }
    let found = modality.find(&of_station("CT1")).await;
    let status = |(_, item): &(Status, Item)| {
        item.items(STEPS).next().unwrap().text(STEP_STATUS).unwrap().into_owned()
    };
    let mut statuses: Vec<_> = found.results.iter().map(status).collect();
    statuses.sort();
    assert_eq!(statuses, ["SCHEDULED", "SCHEDULED", "STARTED"]);
    let mut started = of_station("CT1");
    started.insert(STEPS, Element::sequence([data_set(&[(STEP_STATUS, VR::CS, "STARTED")])]));
    assert_eq!(modality.find(&started).await.results.len(), 1);
}
