//! The orders of a PostDICOM account, which lists what a test tells it to.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::Response,
};
use dataset::{
    element::VR,
    json::{Element, Item},
};
use dimse::Status;
use instance::Tag;
use postdicom::{ClientConfig, InstitutionUuid};
use tokio::net::TcpListener;

use super::modality::Modality;
use crate::{
    config::{Config, Equipment, PostDicom, Unassigned, WorklistSource, WorklistSourceKind},
    tests::site::Site,
    worklist::{
        Provenance, START_DATE, STATION_AE_TITLE, STEPS,
        testing::{config, data_set, today},
    },
};

/// The account. Cloning gives another handle.
#[derive(Clone)]
pub(super) struct Account {
    address: std::net::SocketAddr,
    answers: Arc<Mutex<Answers>>,
}

#[derive(Default)]
struct Answers {
    orders: Vec<String>,
    /// By what a request for them holds.
    properties: Vec<(String, String)>,
    asked: Vec<String>,
    is_down: bool,
}

impl Account {
    pub(super) async fn of(orders: impl IntoIterator<Item = String>) -> Self {
        let answers = Answers { orders: orders.into_iter().collect(), ..Answers::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let account =
            Self { address: listener.local_addr().unwrap(), answers: Arc::new(Mutex::new(answers)) };
        let router = Router::new().fallback(answer).with_state(account.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        account
    }

    /// Lets a site take its worklist from here.
    pub(super) fn configure(&self, site: &mut Config) {
        let url = format!("http://{}", self.address).parse().unwrap();
        let mut postdicom = PostDicom::new(ClientConfig::new(url, None));
        postdicom.institutions = vec!["institution-1".parse::<InstitutionUuid>().unwrap()];
        site.origins[0].postdicom = Some(postdicom);
        site.worklist = config();
        let kind =
            WorklistSourceKind::PostDicom { origin: "archive".into(), with_images: true, properties_max: 10 };
        site.worklist.sources = vec![WorklistSource::new("account", kind)];
        site.worklist.refresh = std::time::Duration::from_millis(50);
    }

    fn change(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.answers.lock().unwrap());
    }

    /// Requests so far that hold all of `parts`.
    fn asked(&self, parts: &[&str]) -> usize {
        let answers = self.answers.lock().unwrap();
        answers.asked.iter().filter(|asked| parts.iter().all(|part| asked.contains(part))).count()
    }
}

async fn answer(State(account): State<Account>, request: Request) -> Response<Body> {
    let fields = request.headers().iter().filter_map(|(name, value)| {
        let parameters = name.as_str().ends_with("parameters");
        parameters.then(|| value.to_str().unwrap_or_default().to_owned())
    });
    let asked = format!("{} {}", request.uri().path(), fields.collect::<String>());
    let mut answers = account.answers.lock().unwrap();
    let body = if answers.is_down {
        None
    } else if asked.starts_with("/getpatientorderlist") {
        Some(format!("{{\"SearchResultList\":[{}]}}", answers.orders.join(",")))
    } else {
        let found = answers.properties.iter().find(|(part, _)| asked.contains(part.as_str()));
        Some(found.map(|(_, properties)| properties.clone()).unwrap_or_default())
    };
    answers.asked.push(asked);
    let status = if body.is_some() { 200 } else { 503 };
    Response::builder().status(status).body(body.unwrap_or_default().into()).unwrap()
}

/// An order that is listed with what an entry needs.
pub(super) fn listed(number: usize) -> String {
    let day = today().strftime("%Y-%m-%d");
    format!(
        r#"{{"PatientOrderUuid":"0b5d2b1c-36a5-4cb0-9f37-00000000000{number}","PatientName":"PATIENT{number}^ANNA",
        "PatientId":"P{number}","PatientSex":"F","Modality":"CT","AccessionNumber":"A{number}",
        "OrderScheduledDatetime":"{day} 09:3{number}","ScheduledEquipmentUuid":"EQUIPMENT-1",
        "StudyDescription":"Head"}}"#
    )
}

fn equipment() -> Equipment {
    Equipment {
        uuid: "equipment-1".into(),
        ae_title: "CT1".parse().unwrap(),
        station_name: Some("Room 1".into()),
        location: None,
        modality: None,
    }
}

/// Everything of patients of station CT1.
fn asked() -> Item {
    let beside = [Tag::PATIENT_ID, Tag::PATIENT_NAME, Tag::STUDY_INSTANCE_UID, Tag(0x0032, 0x1060)];
    let mut item: Item = beside.into_iter().map(|tag| (tag, Element::empty(VR::LO))).collect();
    let step = data_set(&[
        (STATION_AE_TITLE, VR::AE, "CT1"),
        (START_DATE, VR::DA, ""),
        (Tag(0x0040, 0x0003), VR::TM, ""),
        (Tag(0x0040, 0x0010), VR::SH, ""),
    ]);
    item.insert(STEPS, Element::sequence([step]));
    item
}

#[tokio::test]
async fn orders_become_steps_of_the_station_that_the_equipment_is() {
    let account = Account::of([listed(1), listed(2).replace("EQUIPMENT-1", "equipment-9")]).await;
    let site = Site::new(|site| {
        account.configure(site);
        site.worklist.equipment = vec![equipment()];
    })
    .await;
    let found = Modality::at(&site).await.find(&asked()).await;
    assert_eq!((found.patients(), found.last.status), (vec!["P1".to_owned()], Status::SUCCESS));
    let item = &found.results[0].1;
    let step = item.items(STEPS).next().unwrap();
    assert_eq!(item.text(Tag::PATIENT_NAME).unwrap(), "PATIENT1^ANNA");
    assert_eq!(item.text(Tag(0x0032, 0x1060)).unwrap(), "Head");
    let uuid = u128::from_str_radix("0b5d2b1c36a54cb09f37000000000001", 16).unwrap();
    assert_eq!(item.text(Tag::STUDY_INSTANCE_UID).unwrap(), format!("2.25.{uuid}"));
    assert_eq!(step.text(Tag(0x0040, 0x0003)).unwrap(), "093100");
    assert_eq!(step.text(Tag(0x0040, 0x0010)).unwrap(), "Room 1");
    site.metric("dimseway_worklist_left_out{reason=\"unassigned\",source=\"account\"} 1").await;
    // The window and a day on either side, for time zones.
    let day = |days: i64| (today() + jiff::Span::new().days(days)).strftime("%Y-%m-%d").to_string();
    assert!(account.asked(&["/getpatientorderlist", "institution-1", &day(-2), &day(2)]) >= 1);
}

#[tokio::test]
async fn an_account_that_is_down_changes_nothing_for_who_is_at_work() {
    let account = Account::of([listed(1), listed(2)]).await;
    let site = Site::new(|site| {
        account.configure(site);
        site.worklist.equipment = vec![equipment()];
    })
    .await;
    let mut modality = Modality::at(&site).await;
    assert_eq!(modality.find(&asked()).await.results.len(), 2);
    account.change(|answers| answers.is_down = true);
    site.metric("dimseway_worklist_refreshes_total{outcome=\"failed\",source=\"account\"} 2").await;
    let found = modality.find(&asked()).await;
    assert_eq!((found.results.len(), found.last.status), (2, Status::SUCCESS));
    account.change(|answers| {
        answers.is_down = false;
        answers.orders.pop();
    });
    site.metric("dimseway_worklist_entries{source=\"account\"} 1").await;
    assert_eq!(modality.find(&asked()).await.results.len(), 1);
}

/// A list that says less than an entry needs: properties are asked for once, and again when the order changes.
#[tokio::test]
async fn what_the_list_leaves_out_the_properties_tell() {
    let uuid = "0b5d2b1c-36a5-4cb0-9f37-000000000001";
    let brief = format!(r#"{{"PatientOrderUuid":"{uuid}","PatientId":"P1","AccessionNumber":"A1"}}"#);
    let account = Account::of([brief.clone()]).await;
    account.change(|answers| answers.properties = vec![(uuid.into(), listed(1).replace("CT", "MR"))]);
    let site = Site::new(|site| {
        account.configure(site);
        site.worklist.equipment = vec![equipment()];
    })
    .await;
    let mut modality = Modality::at(&site).await;
    let found = modality.find(&asked()).await;
    assert_eq!(found.patients(), ["P1"]);
    assert_eq!(found.results[0].1.text(Tag::PATIENT_NAME).unwrap(), "PATIENT1^ANNA");
    site.metric("dimseway_worklist_refreshes_total{outcome=\"answered\",source=\"account\"} 3").await;
    assert_eq!(account.asked(&["/getpatientorderproperties", uuid]), 1);
    account.change(|answers| answers.orders = vec![brief.replace("A1", "A7")]);
    let changed = data_set(&[(Tag::ACCESSION_NUMBER, VR::SH, "A7"), (Tag::PATIENT_ID, VR::LO, "")]);
    // Known from the look-up, before the next refresh and after it.
    assert_eq!(modality.find(&changed).await.patients(), ["P1"]);
}

#[tokio::test]
async fn orders_without_a_day_or_a_device_are_hidden_or_shown_as_configured() {
    let no_device = listed(1).replace("ScheduledEquipmentUuid", "Else");
    let date_only = no_device.replace(" 09:31", "").replace("P1", "P2").replace("000001", "000002");
    let account = Account::of([no_device, date_only]).await;
    let site = Site::new(|site| {
        account.configure(site);
        site.worklist.unassigned = Unassigned::All;
    })
    .await;
    let found = Modality::at(&site).await.find(&asked()).await;
    assert_eq!(found.patients(), ["P2", "P1"], "a day alone begins at midnight");
    let station = |(_, item): &(Status, Item)| {
        item.items(STEPS).next().unwrap().text(STATION_AE_TITLE).unwrap().into_owned()
    };
    assert!(found.results.iter().all(|result| station(result) == "CT1"), "the title of who asks");
    let shown = site.bridge.worklist().show(Some(&"CT1".parse().unwrap()), None);
    let from = |entry: usize, tag: Tag| {
        shown.entries[entry].attributes.iter().find(|attribute| attribute.tag == tag).unwrap().provenance
    };
    assert_eq!(from(0, START_DATE), Provenance::Derived);
    assert_eq!(from(0, Tag(0x0040, 0x0003)), Provenance::Fallback);
    assert_eq!(from(1, START_DATE), Provenance::Source);
    assert_eq!(from(1, STATION_AE_TITLE), Provenance::CallingAe);
}
