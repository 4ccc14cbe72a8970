//! The worklists of an origin that speaks DICOMweb: scheduled procedure steps and workitems.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::Response,
};
use dataset::{
    element::VR,
    json::{Element, Item, write_array},
};
use dicomweb::{ClientConfig, Profile};
use dimse::Status;
use instance::{Tag, Uid};
use origin::{Origin, Personality};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::watch,
};

use super::modality::Modality;
use crate::{
    config::{Config, WorklistSource, WorklistSourceKind},
    tests::site::Site,
    worklist::{
        Provenance, START_DATE, STATION_AE_TITLE, STEP_STATUS, STEPS,
        testing::{config, data_set, day, order},
    },
};

const START: Tag = Tag(0x0040, 0x4005);
const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
const STATION_NAME_CODES: Tag = Tag(0x0040, 0x4025);
const REQUESTS: Tag = Tag(0x0040, 0xA370);
const STATE: Tag = Tag(0x0074, 0x1000);

/// A RIS that has worklists on the web.
pub(super) struct Ris {
    pub(super) origin: Origin,
    address: std::net::SocketAddr,
    /// Of its own, so that its connections go with it.
    runtime: Option<Runtime>,
    _directory: tempfile::TempDir,
}

impl Ris {
    pub(super) fn new(personality: Personality) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let origin = Origin::open(directory.path(), personality).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, served) = (listener.local_addr().unwrap(), origin.clone());
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            origin::serve(listener, &served, std::future::pending()).await
        });
        Self { origin, address, runtime: Some(runtime), _directory: directory }
    }

    /// Goes away, with every connection.
    fn stop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }

    /// Lets a site take its worklist from here.
    pub(super) fn configure(&self, site: &mut Config, profile: Profile, kind: WorklistSourceKind) {
        from(site, self.address, profile, kind);
    }
}

impl Drop for Ris {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(super) fn scheduled_steps() -> WorklistSourceKind {
    WorklistSourceKind::MwlRs { origin: "archive".into() }
}

pub(super) fn workitems() -> WorklistSourceKind {
    WorklistSourceKind::UpsRs { origin: "archive".into(), workitems_max: 10 }
}

fn from(site: &mut Config, address: std::net::SocketAddr, profile: Profile, kind: WorklistSourceKind) {
    site.origins[0].client = ClientConfig::new(origin::base_url(address).parse().unwrap(), profile);
    site.worklist = config();
    site.worklist.sources = vec![WorklistSource::new("ris", kind)];
    site.worklist.refresh = std::time::Duration::from_millis(50);
}

/// A workitem at nine o'clock.
pub(super) fn workitem(number: usize, station: &str, days: i32) -> Item {
    let mut item = data_set(&[
        (Tag::SOP_INSTANCE_UID, VR::UI, &format!("1.2.{number}")),
        (Tag::PATIENT_NAME, VR::PN, &format!("Patient{number:05}^Anna")),
        (Tag::PATIENT_ID, VR::LO, &format!("P{number}")),
        (START, VR::DT, &format!("{}090000", day(days))),
        (STATE, VR::CS, "SCHEDULED"),
        (Tag(0x0074, 0x1204), VR::LO, "Head"),
    ]);
    let station = data_set(&[(CODE_VALUE, VR::SH, station)]);
    item.insert(STATION_NAME_CODES, Element::sequence([station]));
    let request = data_set(&[(Tag::ACCESSION_NUMBER, VR::SH, &format!("A{number}"))]);
    item.insert(REQUESTS, Element::sequence([request]));
    item
}

/// Everything of patients of station CT1.
fn asked() -> Item {
    let mut item = data_set(&[(Tag::PATIENT_ID, VR::LO, ""), (Tag::ACCESSION_NUMBER, VR::SH, "")]);
    let step =
        data_set(&[(STATION_AE_TITLE, VR::AE, "CT1"), (START_DATE, VR::DA, ""), (STEP_STATUS, VR::CS, "")]);
    item.insert(STEPS, Element::sequence([step]));
    item
}

fn sorted(mut patients: Vec<String>) -> Vec<String> {
    patients.sort();
    patients
}

async fn entries_become(site: &Site, count: usize) {
    site.metric(&format!("dimseway_worklist_entries{{source=\"ris\"}} {count}")).await;
}

#[tokio::test]
async fn scheduled_steps_are_the_worklist() {
    let ris = Ris::new(Personality::Standard);
    let steps = [(1, "CT1", 0), (2, "CT2", 0), (3, "CT1", 1), (4, "CT1", 30)];
    let steps =
        steps.map(|(number, station, days)| (number.to_string(), order(number, station, days, "0930").item));
    ris.origin.add_scheduled_steps(steps).await.unwrap();
    let site = Site::new(|site| ris.configure(site, Profile::standard(), scheduled_steps())).await;
    let mut modality = Modality::at(&site).await;
    let found = modality.find(&asked()).await;
    assert_eq!(
        (sorted(found.patients()), found.last.status),
        (vec!["P1".into(), "P3".into()], Status::SUCCESS)
    );
    entries_become(&site, 3).await;
    // What is outside of the window is looked up.
    for key in [(Tag::PATIENT_ID, VR::LO, "P4"), (Tag::ACCESSION_NUMBER, VR::SH, "A4")] {
        let mut asked = asked();
        asked.insert(key.0, Element::text(key.1, key.2));
        assert_eq!(modality.find(&asked).await.patients(), ["P4"]);
    }
    ris.origin.clear_scheduled_steps().await.unwrap();
    entries_become(&site, 0).await;
    assert!(modality.find(&asked()).await.patients().is_empty());
}

#[tokio::test]
async fn workitems_are_the_worklist() {
    for (personality, profile) in
        [(Personality::Standard, Profile::standard()), (Personality::Limited, Profile::azure())]
    {
        let ris = Ris::new(personality);
        let items =
            [(1, "CT1", 0), (2, "CT2", 0), (3, "CT1", 1), (4, "CT1", 30), (5, "CT1", 0), (6, "CT1", 0)];
        ris.origin
            .add_workitems(items.map(|(number, station, days)| workitem(number, station, days)))
            .await
            .unwrap();
        let change = |number: usize, state: &'static str| {
            let mut item = workitem(number, "CT1", 0);
            item.insert(STATE, Element::text(VR::CS, state));
            let origin = ris.origin.clone();
            async move { origin.add_workitems([item]).await.unwrap() }
        };
        change(5, "IN PROGRESS").await;
        change(6, "COMPLETED").await;
        let site = Site::new(|site| ris.configure(site, profile, workitems())).await;
        let mut modality = Modality::at(&site).await;
        let found = modality.find(&asked()).await;
        assert_eq!(sorted(found.patients()), ["P1", "P3", "P5"], "{personality}");
        let status = |patient: &str| {
            let of = |item: &Item| item.text(Tag::PATIENT_ID).is_some_and(|id| id == patient);
            let item = found.results.iter().map(|(_, item)| item).find(|item| of(item)).unwrap();
            item.items(STEPS).next().unwrap().text(STEP_STATUS).unwrap().into_owned()
        };
        assert_eq!((status("P1"), status("P5")), ("SCHEDULED".to_owned(), "STARTED".to_owned()));
        for key in [(Tag::PATIENT_ID, VR::LO, "P4"), (Tag::ACCESSION_NUMBER, VR::SH, "A4")] {
            let mut asked = asked();
            asked.insert(key.0, Element::text(key.1, key.2));
            assert_eq!(modality.find(&asked).await.patients(), ["P4"], "{personality}");
        }
        let shown = site.bridge.worklist().show(Some(&"CT1".parse().unwrap()), None);
        let shown = &shown.entries[0].attributes;
        let station = shown.iter().find(|attribute| attribute.tag == STATION_AE_TITLE).unwrap();
        assert_eq!(station.provenance, Provenance::Derived);
        change(5, "COMPLETED").await;
        entries_become(&site, 3).await;
        assert_eq!(sorted(modality.find(&asked()).await.patients()), ["P1", "P3"], "{personality}");
    }
}

/// More than one page, whatever the server says of there being more.
#[tokio::test]
async fn long_worklists_come_whole() {
    for (personality, profile) in
        [(Personality::Standard, Profile::standard()), (Personality::Limited, Profile::azure())]
    {
        let ris = Ris::new(personality);
        ris.origin.add_workitems((0..1200).map(|number| workitem(number, "CT1", 0))).await.unwrap();
        let site = Site::new(|site| ris.configure(site, profile, workitems())).await;
        assert_eq!(Modality::at(&site).await.find(&asked()).await.results.len(), 1200, "{personality}");
    }
}

#[tokio::test]
async fn an_origin_that_is_away_changes_nothing_for_who_is_at_work() {
    let mut ris = Ris::new(Personality::Standard);
    ris.origin.add_workitems([workitem(1, "CT1", 0)]).await.unwrap();
    let site = Site::new(|site| ris.configure(site, Profile::standard(), workitems())).await;
    let mut modality = Modality::at(&site).await;
    assert_eq!(modality.find(&asked()).await.patients(), ["P1"]);
    ris.stop();
    site.metric("dimseway_worklist_refreshes_total{outcome=\"failed\",source=\"ris\"} 2").await;
    assert_eq!(modality.find(&asked()).await.patients(), ["P1"]);
}

/// A server whose search says little, and what it was asked.
#[derive(Clone, Default)]
struct Narrow {
    whole: Arc<Mutex<Vec<Item>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Narrow {
    async fn serve(&self) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(narrow).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn retrieved(&self, number: usize) -> usize {
        let end = format!("/workitems/1.2.{number}");
        self.asked.lock().unwrap().iter().filter(|asked| asked.ends_with(&end)).count()
    }
}

async fn narrow(State(server): State<Narrow>, request: Request) -> Response<Body> {
    let asked = request.uri().to_string();
    let whole = server.whole.lock().unwrap().clone();
    let uid = asked.rsplit_once("/workitems/").map(|(_, uid)| uid.parse::<Uid>().unwrap());
    let found: Vec<Item> = match &uid {
        Some(uid) => {
            whole.into_iter().filter(|item| item.uid(Tag::SOP_INSTANCE_UID).as_ref() == Some(uid)).collect()
        }
        None if asked.contains("SCHEDULED") => {
            let little = |item: &Item| {
                [Tag::SOP_INSTANCE_UID, Tag::PATIENT_ID, STATE]
                    .into_iter()
                    .map(|tag| (tag, item.get(tag).unwrap().clone()))
                    .collect()
            };
            whole.iter().map(little).collect()
        }
        None => Vec::new(),
    };
    server.asked.lock().unwrap().push(asked);
    let status = match (found.is_empty(), uid) {
        (false, _) => 200,
        (true, None) => 204,
        (true, Some(_)) => 404,
    };
    let mut body = Vec::new();
    write_array(&found, &mut body).unwrap();
    Response::builder()
        .status(status)
        .header("content-type", "application/dicom+json")
        .body(body.into())
        .unwrap()
}

#[tokio::test]
async fn what_the_search_leaves_out_the_workitem_tells() {
    let server = Narrow::default();
    *server.whole.lock().unwrap() = vec![workitem(1, "CT1", 0), workitem(2, "CT2", 0)];
    let address = server.serve().await;
    let site = Site::new(|site| from(site, address, Profile::standard(), workitems())).await;
    let mut modality = Modality::at(&site).await;
    assert_eq!(modality.find(&asked()).await.patients(), ["P1"]);
    site.metric("dimseway_worklist_refreshes_total{outcome=\"answered\",source=\"ris\"} 3").await;
    assert_eq!((server.retrieved(1), server.retrieved(2)), (1, 1), "asked once while it is listed as before");
    server.whole.lock().unwrap().push(workitem(3, "CT1", 0));
    entries_become(&site, 3).await;
    assert_eq!(sorted(modality.find(&asked()).await.patients()), ["P1", "P3"]);
    assert_eq!((server.retrieved(1), server.retrieved(3)), (1, 1));
}

/// One entry that is rubbish costs itself; an answer that is nothing else costs nothing.
#[tokio::test]
async fn rubbish_does_not_take_the_worklist() {
    // What it says, and how often it has said it.
    let (says, mut said) = watch::channel((String::new(), 0));
    let answers = says.clone();
    let router = Router::new().fallback(move || {
        let mut body = String::new();
        answers.send_modify(|(says, said)| {
            body.clone_from(says);
            *said += 1;
        });
        let answer = Response::builder().header("content-type", "application/dicom+json");
        async move { answer.body(Body::from(body)).unwrap() }
    });
    let mut json = Vec::new();
    write_array([&order(1, "CT1", 0, "0930").item], &mut json).unwrap();
    let good = String::from_utf8(json).unwrap();
    says.send_replace((good.replacen('[', "[7,", 1), 0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let site = Site::new(|site| from(site, address, Profile::standard(), scheduled_steps())).await;
    let mut modality = Modality::at(&site).await;
    assert_eq!(modality.find(&asked()).await.patients(), ["P1"]);
    site.metric("dimseway_worklist_left_out{reason=\"unreadable\",source=\"ris\"} 1").await;
    for rubbish in ["[7,8]", "[{", "<html>log in</html>", "{}{"] {
        says.send_replace((rubbish.to_owned(), 0));
        // Asked again, it has made of the first answer what it makes of it.
        said.wait_for(|(_, said)| *said > 1).await.unwrap();
        assert_eq!(modality.find(&asked()).await.patients(), ["P1"], "{rubbish}");
    }
}
