//! A modality reports what it does, and the whole way of it: to the system that ordered it, to orders in the
//! cloud, and to the worklist.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use ::origin::postdicom::CreationAnswer;
use bytes::Bytes;
use dataset::{
    character_set::CharacterSet,
    element::VR,
    identifier::{Identifier, write},
    json::{Element, Item, write_array},
};
use dicomweb::performed_procedure::{Payload, UpdateForm};
use dimse::{
    Status,
    acse::sop_class::{MODALITY_PERFORMED_PROCEDURE_STEP, MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE},
    association::{PresentationContext, Settings},
    command::Response,
    requestor::{self, Proposal, RequestorAssociation},
};
use instance::{AeTitle, Encoding, Tag, Uid};
use spool::{ListedCall, Outbox};
use tokio::{net::TcpStream, time::interval};

use super::{
    origin::FakeOrigin,
    postdicom::Account,
    site::{Site, explicit},
};
use crate::{
    Config,
    config::{
        MissingBirthDate, Mpps, MppsSink, MppsSinkKind, Peer, PeerAddress, Service, Services, WorklistSource,
        WorklistSourceKind,
    },
    service::performed_procedure::{
        CALL,
        tests::{begun, ended},
    },
    worklist::{
        EntryKey, StepReference, StepStatus,
        testing::{config as worklist, order},
    },
};

const STATUS: Tag = Tag(0x0040, 0x0252);
const STEPS: Tag = Tag(0x0040, 0x0270);

fn ae(title: &str) -> AeTitle {
    title.parse().unwrap()
}

fn uid() -> Uid {
    "1.2.3.4.5".parse().unwrap()
}

fn takes_steps(config: &mut Config) {
    config.mpps = Some(Mpps { back_off: config.forward.back_off.clone(), ..Mpps::default() });
}

fn sink(config: &mut Config, name: &str, kind: MppsSinkKind) {
    if let Some(mpps) = &mut config.mpps {
        mpps.sinks.push(MppsSink { name: name.into(), kind });
    }
}

/// A modality with an association for steps.
struct Scu(RequestorAssociation<TcpStream>, Uid);

impl Scu {
    async fn call(site: &Site) -> Self {
        let stream = TcpStream::connect(site.address).await.unwrap();
        let classes = [MODALITY_PERFORMED_PROCEDURE_STEP, MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE];
        let presentation_contexts =
            classes.map(|class| (class.parse().unwrap(), vec![explicit()])).into_iter().collect();
        let proposal = Proposal { presentation_contexts, ..Proposal::new(ae("DIMSEWAY"), ae("CT1")) };
        Self(requestor::request(stream, &proposal, Settings::default()).await.unwrap(), uid())
    }

    fn context(&self, class: &str) -> Option<PresentationContext> {
        self.0.contexts().iter().find(|context| context.abstract_syntax.as_str() == class).cloned()
    }

    fn steps(&self) -> PresentationContext {
        self.context(MODALITY_PERFORMED_PROCEDURE_STEP).unwrap()
    }

    async fn create(&mut self, attributes: &Item) -> Response {
        let context = self.steps();
        self.0.n_create(&context, Some(self.1.clone()), Some(bytes(attributes))).await.unwrap().0
    }

    async fn set(&mut self, modifications: &Item) -> Response {
        let context = self.steps();
        self.0.n_set(&context, self.1.clone(), bytes(modifications)).await.unwrap().0
    }

    async fn get(&mut self, tags: Vec<Tag>) -> (Response, Option<Item>) {
        let context = self.context(MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE).unwrap();
        let (response, list) = self.0.n_get(&context, self.1.clone(), tags).await.unwrap();
        let read =
            |list: Bytes| Identifier::read(&list, Encoding::ExplicitVrLittleEndian, None).unwrap().item;
        (response, list.map(read))
    }
}

fn bytes(item: &Item) -> Bytes {
    write(item, Encoding::ExplicitVrLittleEndian, &CharacterSet::utf_8()).bytes.into()
}

async fn until_delivered(site: &Site) {
    let mut changed = site.spool.calls_notified();
    loop {
        let calls = site.spool.calls(CALL, None, 100).await.unwrap();
        assert!(calls.iter().all(|call| !call.failed), "held: {:?}", calls.iter().find(|call| call.failed));
        if calls.is_empty() {
            return;
        }
        changed.changed().await.unwrap();
    }
}

/// A site whose reports go to an account that does this with answers about something new.
async fn with_account(creation_answer: CreationAnswer) -> (Site, Account) {
    let account = Account::new(|options| options.postdicom.creation_answer = creation_answer).await;
    let institution = ::origin::postdicom::Account::default().institutions[0].uuid.clone();
    let site = Site::with_origin(FakeOrigin::default(), account.address, |config| {
        takes_steps(config);
        account.configure(config);
        let orders = config.origins[0].postdicom.as_mut().unwrap();
        orders.institutions.push(institution.parse().unwrap());
        let (birth_date, look_up_after) = (MissingBirthDate::Reject, Duration::from_millis(1));
        let kind = MppsSinkKind::PostDicom { origin: "archive".into(), birth_date, look_up_after };
        sink(config, "cloud", kind);
    })
    .await;
    (site, account)
}

/// Waits for a call of which this is true.
async fn until_call(site: &Site, is_it: impl Fn(&ListedCall) -> bool) -> ListedCall {
    let mut changed = site.spool.calls_notified();
    loop {
        let calls = site.spool.calls(CALL, None, 100).await.unwrap();
        if let Some(call) = calls.into_iter().find(&is_it) {
            return call;
        }
        changed.changed().await.unwrap();
    }
}

/// PostDICOM makes the order, and its answer is lost: the accession number shows that it is there.
#[tokio::test]
async fn an_order_whose_answer_was_lost_is_found_by_its_accession_number() {
    let (site, account) = with_account(CreationAnswer::Lost).await;
    assert_eq!(Scu::call(&site).await.create(&begun()).await.status, Status::SUCCESS);
    until_delivered(&site).await;
    let orders = account.origin.orders().await.unwrap();
    assert_eq!(
        orders.iter().map(|order| order.ordered.accession_number.as_str()).collect::<Vec<_>>(),
        ["A1"]
    );
}

/// The connection ends and nothing was made: the accession number shows that too, and it is sent again.
#[tokio::test]
async fn an_order_that_was_never_made_is_looked_up_and_sent_again() {
    let (site, account) = with_account(CreationAnswer::NeverMade).await;
    assert_eq!(Scu::call(&site).await.create(&begun()).await.status, Status::SUCCESS);
    let call = until_call(&site, |call| call.failed || call.attempts > 2).await;
    assert!(!call.failed, "{:?}", call.reason);
    assert_eq!(account.origin.orders().await.unwrap().len(), 0);
}

/// Without an accession number and a Requested Procedure ID no search tells; a second order would be one too many.
#[tokio::test]
async fn an_order_that_cannot_be_found_again_is_held() {
    let (site, account) = with_account(CreationAnswer::Lost).await;
    let mut attributes = begun();
    let scheduled = Item::from_iter([(Tag::STUDY_INSTANCE_UID, Element::text(VR::UI, "1.2.3.1"))]);
    attributes.insert(STEPS, Element::sequence([scheduled]));
    assert_eq!(Scu::call(&site).await.create(&attributes).await.status, Status::SUCCESS);
    let call = until_call(&site, |call| call.failed).await;
    assert!(call.reason.as_deref().unwrap_or_default().contains("outcome unknown"), "{:?}", call.reason);
    assert_eq!(account.origin.orders().await.unwrap().len(), 1);
    site.bridge.refresh_gauges().await.unwrap();
    assert_eq!(site.bridge.metrics().calls_kept.with_label_values(&["cloud", "held"]).get(), 1);
    assert!(crate::call_in_words(&call.call).starts_with("report 1 of 1.2.3.4.5: N-CREATE, IN PROGRESS"));
    // A person has looked, and there is one.
    assert!(site.spool.discard_call(call.call_id).await.unwrap());
    site.bridge.refresh_gauges().await.unwrap();
    assert_eq!(site.bridge.metrics().calls_kept.with_label_values(&["cloud", "held"]).get(), 0);
}

/// The whole story of a procedure that nobody scheduled: two sinks hear it, one makes an order of it.
#[tokio::test]
async fn an_unscheduled_procedure_reaches_the_ris_and_becomes_an_order() {
    let ris = Site::new(takes_steps).await;
    let account = Account::new(|_| {}).await;
    let institution = ::origin::postdicom::Account::default().institutions[0].uuid.clone();
    let site = Site::with_origin(FakeOrigin::default(), account.address, |config| {
        takes_steps(config);
        account.configure(config);
        let orders = config.origins[0].postdicom.as_mut().unwrap();
        orders.institutions.push(institution.parse().unwrap());
        let mut peer = Peer::new(ae("DIMSEWAY"));
        peer.address = Some(PeerAddress::new("127.0.0.1", ris.address.port()));
        config.peers.push(peer);
        sink(config, "ris", MppsSinkKind::Dimse { peer: ae("DIMSEWAY") });
        let (birth_date, look_up_after) = (MissingBirthDate::Reject, Duration::from_millis(1));
        sink(
            config,
            "cloud",
            MppsSinkKind::PostDicom { origin: "archive".into(), birth_date, look_up_after },
        );
    })
    .await;
    let mut modality = Scu::call(&site).await;
    assert_eq!(modality.create(&begun()).await.status, Status::SUCCESS);
    assert_eq!(modality.set(&ended("COMPLETED")).await.status, Status::SUCCESS);
    modality.0.release().await.unwrap();
    until_delivered(&site).await;
    let (response, list) = Scu::call(&ris).await.get(vec![STATUS, Tag::PATIENT_NAME]).await;
    assert_eq!(response.status, Status::SUCCESS);
    let list = list.unwrap();
    assert_eq!(list.text(STATUS).unwrap(), "COMPLETED");
    assert_eq!(list.text(Tag::PATIENT_NAME).unwrap(), "Doe^Jane");
    let orders = account.origin.orders().await.unwrap();
    assert_eq!(orders.len(), 1);
    let ordered = &orders[0].ordered;
    assert_eq!(
        [&ordered.patient_name, &ordered.patient_id, &ordered.patient_birthdate, &ordered.accession_number],
        ["Doe^Jane", "4711", "1970-01-01", "A1"]
    );
    assert_eq!(ordered.order_scheduled_datetime, "2026-11-22 08:09");
}

#[tokio::test]
async fn a_modality_hears_what_the_standard_says() {
    let site = Site::new(takes_steps).await;
    let mut modality = Scu::call(&site).await;
    assert_eq!(modality.get(vec![]).await.0.status, Status::NO_SUCH_SOP_INSTANCE);
    assert_eq!(modality.set(&ended("COMPLETED")).await.status, Status::NO_SUCH_SOP_INSTANCE);
    let mut without_modality = begun();
    without_modality.remove(Tag::MODALITY);
    let response = modality.create(&without_modality).await;
    assert_eq!(response.status, Status::MISSING_ATTRIBUTE);
    assert_eq!(response.attribute_identifier_list, [Tag::MODALITY]);
    let mut completed = begun();
    completed.insert(STATUS, Element::text(VR::CS, "COMPLETED"));
    let context = modality.steps();
    let (response, list) = modality.0.n_create(&context, None, Some(bytes(&completed))).await.unwrap();
    assert_eq!(response.status, Status::INVALID_ATTRIBUTE_VALUE);
    let list = Identifier::read(&list.unwrap(), Encoding::ExplicitVrLittleEndian, None).unwrap().item;
    assert_eq!(list.text(STATUS).unwrap(), "COMPLETED");
    let (response, _) = modality.0.n_create(&context, None, Some(bytes(&begun()))).await.unwrap();
    assert_eq!(response.status, Status::SUCCESS);
    assert!(response.affected_sop_instance_uid.unwrap().as_str().starts_with("2.25."));
    assert_eq!(modality.create(&begun()).await.status, Status::SUCCESS);
    assert_eq!(modality.create(&begun()).await.status, Status::DUPLICATE_SOP_INSTANCE);
    let (response, list) = modality.get(vec![STATUS, Tag(0x0040, 0x0280)]).await;
    assert_eq!(response.status, Status::OPTIONAL_ATTRIBUTES_NOT_SUPPORTED);
    assert_eq!(response.attribute_identifier_list, [Tag(0x0040, 0x0280)]);
    assert_eq!(list.unwrap().text(STATUS).unwrap(), "IN PROGRESS");
    assert_eq!(modality.get(vec![]).await.1.unwrap().items(STEPS).count(), 1);
    assert_eq!(modality.set(&ended("DISCONTINUED")).await.status, Status::SUCCESS);
    let response = modality.set(&ended("COMPLETED")).await;
    assert_eq!((response.status, response.error_id), (Status::PROCESSING_FAILURE, Some(0xA710)));
    // Each operation has its own SOP Class.
    let response = modality.0.n_get(&context, uid(), vec![]).await.unwrap().0;
    assert_eq!(response.status, Status::UNRECOGNIZED_OPERATION);
    let retrieve = modality.context(MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE).unwrap();
    let response = modality.0.n_set(&retrieve, uid(), bytes(&Item::new())).await.unwrap().0;
    assert_eq!(response.status, Status::UNRECOGNIZED_OPERATION);
    modality.0.release().await.unwrap();
}

#[tokio::test]
async fn steps_are_taken_where_that_is_configured_and_from_those_who_may() {
    let without = Site::new(|_| {}).await;
    assert_eq!(Scu::call(&without).await.0.contexts().iter().count(), 0);
    let site = Site::new(|config| {
        takes_steps(config);
        let allow = Services::from_iter([Service::Store]);
        config.peers.push(Peer { allow, ..Peer::new(ae("CT1")) });
    })
    .await;
    let mut modality = Scu::call(&site).await;
    assert_eq!(modality.create(&begun()).await.status, Status::NOT_AUTHORIZED);
    modality.0.release().await.unwrap();
}

/// A step of the worklist, as a modality names it that has asked for it.
async fn listed(site: &Site, accession_number: &str) -> (EntryKey, Item) {
    let reference =
        StepReference { accession_number: Some(accession_number.to_owned()), ..StepReference::default() };
    let mut ticks = interval(Duration::from_millis(10));
    let entry = loop {
        if let Some(entry) = site.bridge.worklist().steps(&reference).pop() {
            break entry;
        }
        ticks.tick().await;
    };
    let scheduled = Item::from_iter([
        (Tag::ACCESSION_NUMBER, Element::text(VR::SH, accession_number)),
        (Tag::STUDY_INSTANCE_UID, entry.item.get(Tag::STUDY_INSTANCE_UID).unwrap().clone()),
    ]);
    let mut attributes = begun();
    attributes.insert(STEPS, Element::sequence([scheduled]));
    (entry.key.clone(), attributes)
}

/// Two MPPS for one step, too: the second begins while the first is under way.
#[tokio::test]
async fn the_worklist_follows_what_modalities_do() {
    let directory = tempfile::tempdir().unwrap();
    let orders: Vec<Item> = [1, 2].map(|number| order(number, "CT1", 0, "0800").item).into();
    let mut json = Vec::new();
    write_array(&orders, &mut json).unwrap();
    std::fs::write(directory.path().join("orders.json"), json).unwrap();
    let site = Site::new(|config| {
        takes_steps(config);
        config.worklist = worklist();
        config.worklist.refresh = Duration::from_millis(50);
        let directory = directory.path().to_owned();
        let kind = WorklistSourceKind::Folder { directory, character_set: None };
        config.worklist.sources = vec![WorklistSource::new("folder", kind)];
    })
    .await;
    let state = site.bridge.worklist().state();
    let (first, attributes) = listed(&site, "A1").await;
    assert_eq!(state.status(&first), None);
    let mut modality = Scu::call(&site).await;
    let mut other = Scu::call(&site).await;
    other.1 = "1.2.3.4.6".parse().unwrap();
    assert_eq!(modality.create(&attributes).await.status, Status::SUCCESS);
    assert_eq!(other.create(&attributes).await.status, Status::SUCCESS);
    until_delivered(&site).await;
    assert_eq!(state.status(&first), Some(StepStatus::Started));
    assert_eq!(modality.set(&ended("COMPLETED")).await.status, Status::SUCCESS);
    until_delivered(&site).await;
    assert_eq!(state.status(&first), Some(StepStatus::Started), "the other one is at work");
    assert_eq!(other.set(&ended("DISCONTINUED")).await.status, Status::SUCCESS);
    until_delivered(&site).await;
    assert_eq!(state.status(&first), Some(StepStatus::Completed));

    let (second, attributes) = listed(&site, "A2").await;
    modality.1 = "1.2.3.4.7".parse().unwrap();
    assert_eq!(modality.create(&attributes).await.status, Status::SUCCESS);
    let mut wrong = ended("DISCONTINUED");
    let reason = Item::from_iter([
        (Tag(0x0008, 0x0100), Element::text(VR::SH, "110514")),
        (Tag(0x0008, 0x0102), Element::text(VR::SH, "DCM")),
        (Tag(0x0008, 0x0104), Element::text(VR::LO, "Incorrect worklist entry selected")),
    ]);
    wrong.insert(Tag(0x0040, 0x0281), Element::sequence([reason]));
    assert_eq!(modality.set(&wrong).await.status, Status::SUCCESS);
    until_delivered(&site).await;
    assert_eq!(state.status(&second), Some(StepStatus::Scheduled));
}

/// An origin that answers 500 may have done what it was told: it is asked, and told again only where not.
#[tokio::test]
async fn an_origin_of_unknown_mind_is_asked_before_it_is_told_again() {
    type Log = Arc<Mutex<Vec<String>>>;
    let log = Log::default();
    let keep = Arc::clone(&log);
    let becomes = Arc::new(Mutex::new(None::<Vec<u8>>));
    let router = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let (keep, becomes) = (Arc::clone(&keep), Arc::clone(&becomes));
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
            let line = format!("{} {}", parts.method, parts.uri);
            let before = {
                let mut log = keep.lock().unwrap();
                log.push(line.clone());
                log.iter().filter(|logged| **logged == line).count() - 1
            };
            let answer = match (parts.method.as_str(), parts.uri.query(), before) {
                ("GET", ..) => match becomes.lock().unwrap().clone() {
                    Some(step) => (200, step),
                    None => (404, Vec::new()),
                },
                // It did nothing.
                (_, None, 0) => (500, Vec::new()),
                (_, None, _) => (201, Vec::new()),
                // It did, and failed to say so.
                (_, Some(_), _) => {
                    *becomes.lock().unwrap() = Some(body);
                    (500, Vec::new())
                }
            };
            let status = axum::http::StatusCode::from_u16(answer.0).unwrap();
            (status, [("content-type", "application/dicom+json")], answer.1)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let site = Site::with_origin(FakeOrigin::default(), address, |config| {
        takes_steps(config);
        let (origin, update, payload) = ("archive".into(), UpdateForm::Query, Payload::Object);
        sink(config, "origin", MppsSinkKind::MppsRs { origin, update, payload });
    })
    .await;
    let mut modality = Scu::call(&site).await;
    assert_eq!(modality.create(&begun()).await.status, Status::SUCCESS);
    assert_eq!(modality.set(&ended("COMPLETED")).await.status, Status::SUCCESS);
    until_delivered(&site).await;
    let step = "/dicom-web/modality-performed-procedure-steps/1.2.3.4.5";
    let expected = ["POST ", "GET ", "POST "].map(|method| format!("{method}{step}"));
    let expected = expected.into_iter().chain([format!("POST {step}?update"), format!("GET {step}")]);
    assert_eq!(*log.lock().unwrap(), expected.collect::<Vec<_>>());
}

/// An origin that keeps to PS3.18 §15, addressed and written to in every way.
#[tokio::test]
async fn an_origin_has_the_step_as_the_modality_reported_it() {
    for (update, payload) in [(UpdateForm::Query, Payload::Object), (UpdateForm::Path, Payload::Array)] {
        let directory = tempfile::tempdir().unwrap();
        let ris = ::origin::Origin::open(directory.path(), ::origin::Personality::Standard).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, served) = (listener.local_addr().unwrap(), ris.clone());
        tokio::spawn(async move { ::origin::serve(listener, &served, std::future::pending()).await });
        let site = Site::with_origin(FakeOrigin::default(), address, |config| {
            takes_steps(config);
            sink(config, "ris", MppsSinkKind::MppsRs { origin: "archive".into(), update, payload });
        })
        .await;
        let mut modality = Scu::call(&site).await;
        assert_eq!(modality.create(&begun()).await.status, Status::SUCCESS);
        let mut under_way = Item::new();
        under_way.insert(Tag(0x0040, 0x0254), Element::text(VR::LO, "Head"));
        assert_eq!(modality.set(&under_way).await.status, Status::SUCCESS);
        assert_eq!(modality.set(&ended("COMPLETED")).await.status, Status::SUCCESS);
        modality.0.release().await.unwrap();
        until_delivered(&site).await;
        let steps = ris.performed_steps().await.unwrap();
        let [step] = &steps[..] else { panic!("{} steps", steps.len()) };
        assert_eq!(step.uid(Tag::SOP_INSTANCE_UID), Some(uid()));
        let texts = [(STATUS, "COMPLETED"), (Tag(0x0040, 0x0254), "Head"), (Tag::PATIENT_NAME, "Doe^Jane")];
        for (tag, text) in texts {
            assert_eq!(step.text(tag).unwrap(), text, "{update:?} {tag}");
        }
    }
}
