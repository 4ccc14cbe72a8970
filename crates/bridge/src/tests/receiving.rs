//! What a modality sees.

use bytes::Bytes;
use dataset::element::{VR, Writer};
use dimse::{Error, Status, acse::AssociateReject};
use futures::stream;
use instance::{Encoding, Tag};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::site::{CT, Site, explicit, instance, request};
use crate::config::{Match, Peer, Route, Service, Services, UnknownPeers, Unrouted};

#[tokio::test]
async fn what_is_stored_arrives_byte_for_byte() {
    let site = Site::new(|_| {}).await;
    let mut modality = site.modality().await;
    assert_eq!(modality.association.echo().await.unwrap(), Status::SUCCESS);
    let instances: Vec<_> = (0..20).map(|number| instance(number, number * 7000)).collect();
    for instance in &instances {
        assert_eq!(modality.store(instance).await.status, Status::SUCCESS);
    }
    modality.association.release().await.unwrap();
    site.delivered(20).await;
    let stored = site.origin.stored();
    for instance in &instances {
        assert_eq!(stored[instance.sop_instance_uid.as_str()], instance.data_set);
    }
    site.metric("dimseway_dimse_messages_total{service=\"C-STORE\",status=\"0000\"} 20").await;
    site.metric("dimseway_associations_total{outcome=\"released\",peer=\"other\"} 1").await;
    site.metric("dimseway_memory_budget_used_bytes 0").await;
}

#[tokio::test]
async fn operations_in_flight_are_all_answered() {
    let site = Site::new(|_| {}).await;
    let mut modality = site.modality().await;
    assert_eq!(modality.association.operations_invoked_max(), 8);
    let context = modality.association.contexts().find(&CT.parse().unwrap(), &explicit()).unwrap().clone();
    let mut expected = Vec::new();
    for number in 0..8 {
        let instance = instance(number, 3000);
        let data = stream::iter([Ok(Bytes::from(instance.data_set))]);
        let begun =
            modality.association.begin_store(&context, request(&instance.sop_instance_uid), data).await;
        expected.push(begun.unwrap());
    }
    let mut answered = Vec::new();
    for _ in 0..8 {
        let response = modality.association.next_response().await.unwrap();
        assert_eq!(response.status, Status::SUCCESS);
        answered.push(response.message_id_being_responded_to);
    }
    answered.sort_unstable();
    assert_eq!(answered, expected);
}

fn data_set(elements: &[(Tag, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::new(Encoding::ExplicitVrLittleEndian);
    for (tag, value) in elements {
        writer.element(*tag, VR::UI, value);
    }
    writer.into_bytes()
}

#[tokio::test]
async fn faulty_objects_are_refused_and_nothing_of_them_is_kept() {
    let site = Site::new(|_| {}).await;
    let mut modality = site.modality().await;
    let uid = "1.2.3.4.1".parse().unwrap();
    let class: (Tag, &[u8]) = (Tag::SOP_CLASS_UID, CT.as_bytes());
    let instance_uid: (Tag, &[u8]) = (Tag::SOP_INSTANCE_UID, b"1.2.3.4.1\0");
    let study: (Tag, &[u8]) = (Tag::STUDY_INSTANCE_UID, b"1.2.3.1\0");
    let series: (Tag, &[u8]) = (Tag::SERIES_INSTANCE_UID, b"1.2.3.2\0");
    let other: (Tag, &[u8]) = (Tag::SOP_INSTANCE_UID, b"1.2.3.9\0");
    let bad: (Tag, &[u8]) = (Tag::STUDY_INSTANCE_UID, b"a study!");
    let cases: Vec<(Vec<u8>, u16, Option<Tag>)> = vec![
        (data_set(&[class, other, study, series]), 0xA900, Some(Tag::SOP_INSTANCE_UID)),
        (
            data_set(&[(Tag::SOP_CLASS_UID, b"1.2.3\0"), instance_uid, study, series]),
            0xA900,
            Some(Tag::SOP_CLASS_UID),
        ),
        (data_set(&[class, instance_uid, series]), 0xA900, Some(Tag::STUDY_INSTANCE_UID)),
        (data_set(&[class, instance_uid, study]), 0xA900, Some(Tag::SERIES_INSTANCE_UID)),
        (data_set(&[class, instance_uid, bad, series]), 0xA900, Some(Tag::STUDY_INSTANCE_UID)),
        (data_set(&[class, instance_uid])[..30].to_vec(), 0xC000, None),
    ];
    for (data_set, status, offending) in cases {
        let response = modality.store_as(&uid, &data_set).await.unwrap();
        assert_eq!(response.status, Status(status), "{offending:?}");
        assert_eq!(response.offending_elements.first().copied(), offending);
        assert!(response.error_comment.is_some());
    }
    let whole = instance(1, 100);
    assert_eq!(modality.store(&whole).await.status, Status::SUCCESS, "the association goes on");
    site.delivered(1).await;
}

#[tokio::test]
async fn a_peer_without_the_right_is_answered_not_authorized() {
    let site = Site::new(|config| {
        let mut peer = Peer::new("CT1".parse().unwrap());
        peer.allow = Services::from_iter([Service::Echo]);
        config.peers.push(peer);
    })
    .await;
    let mut modality = site.modality().await;
    assert_eq!(modality.association.echo().await.unwrap(), Status::SUCCESS);
    assert_eq!(modality.store(&instance(1, 100)).await.status, Status::NOT_AUTHORIZED);
    assert_eq!(modality.store(&instance(2, 100_000)).await.status, Status::NOT_AUTHORIZED);
    assert!(site.states().await.is_empty());
}

#[tokio::test]
async fn strangers_are_rejected_with_the_reason() {
    let site = Site::new(|config| {
        config.unknown_peers = UnknownPeers::Reject;
        let mut peer = Peer::new("MR1".parse().unwrap());
        peer.from = vec!["203.0.113.0/24".parse().unwrap()];
        config.peers = vec![Peer::new("CT1".parse().unwrap()), peer];
    })
    .await;
    let cases = [
        ("CT1", "NOBODY", AssociateReject::CALLED_AE_TITLE),
        ("US1", "DIMSEWAY", AssociateReject::CALLING_AE_TITLE),
        ("MR1", "DIMSEWAY", AssociateReject::CALLING_AE_TITLE),
    ];
    for (calling, called, expected) in cases {
        match site.call(calling, called).await {
            Err(Error::Rejected(reject)) => assert_eq!(reject, expected, "{calling} calls {called}"),
            other => panic!("{calling} calls {called}: {:?}", other.err()),
        }
    }
    for reason in ["called_ae", "calling_ae", "address"] {
        site.metric(&format!("dimseway_associations_rejected_total{{reason=\"{reason}\"}} 1")).await;
    }
    assert!(site.call("CT1", "DIMSEWAY").await.is_ok());
}

#[tokio::test]
async fn one_association_too_many_is_rejected_as_transient() {
    let site = Site::new(|config| config.limits.max_associations = 1).await;
    let first = site.modality().await;
    match site.call("CT2", "DIMSEWAY").await {
        Err(Error::Rejected(reject)) => assert_eq!(reject, AssociateReject::LOCAL_LIMIT_EXCEEDED),
        other => panic!("{:?}", other.err()),
    }
    first.association.release().await.unwrap();
    site.metric("dimseway_associations_open{peer=\"other\"} 0").await;
    let mut next = site.call("CT2", "DIMSEWAY").await.unwrap();
    assert_eq!(next.association.echo().await.unwrap(), Status::SUCCESS);
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let site = Site::new(|config| {
        config.limits.max_silent_connections = 4;
        config.limits.max_associations = 1;
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(site.address).await.unwrap());
    }
    let mut modality = site.modality().await;
    assert_eq!(modality.store(&instance(1, 1000)).await.status, Status::SUCCESS);
    let mut closed = Vec::new();
    silent[0].read_to_end(&mut closed).await.unwrap();
    site.metric("dimseway_connections_without_association_total{cause=\"displaced\"} 3").await;
}

#[tokio::test]
async fn garbage_is_answered_with_an_abort() {
    let site = Site::new(|_| {}).await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.first(), Some(&0x07), "A-ABORT: {answer:?}");
    drop(stream);
    site.metric("dimseway_connections_without_association_total{cause=\"garbage\"} 1").await;
}

#[tokio::test]
async fn an_object_that_is_cut_leaves_nothing_behind() {
    let site = Site::new(|_| {}).await;
    let mut modality = site.modality().await;
    let context = modality.association.contexts().find(&CT.parse().unwrap(), &explicit()).unwrap().clone();
    let whole = instance(1, 600_000);
    let half = whole.data_set[..300_000].to_vec();
    let cut = stream::iter([Ok(Bytes::from(half)), Err(std::io::Error::other("unplugged"))]);
    let error = modality.association.store(&context, request(&whole.sop_instance_uid), cut).await;
    assert!(matches!(error, Err(Error::Source(_))));
    site.metric("dimseway_associations_total{outcome=\"aborted\",peer=\"other\"} 1").await;
    assert!(site.states().await.is_empty());
    site.metric("dimseway_memory_budget_used_bytes 0").await;
}

fn mr_only(unrouted: Unrouted) -> impl FnOnce(&mut crate::Config) {
    move |config| {
        let matches = Match { modality: vec!["MR".parse().unwrap()], ..Match::default() };
        let everything = Route::everything(vec!["archive".parse().unwrap()]);
        config.routes = vec![Route { matches, ..everything }];
        config.unrouted = unrouted;
    }
}

#[tokio::test]
async fn what_no_route_matches_is_held_or_refused() {
    let site = Site::new(mr_only(Unrouted::Hold)).await;
    assert_eq!(site.modality().await.store(&instance(1, 100)).await.status, Status::SUCCESS);
    let held = site.settled(1, &[spool::State::Held]).await;
    assert_eq!(held[0].destination, None);

    let site = Site::new(mr_only(Unrouted::Reject)).await;
    let response = site.modality().await.store(&instance(1, 100)).await;
    assert_eq!(response.status, Status::PROCESSING_FAILURE);
    assert!(site.states().await.is_empty());
}

#[tokio::test]
async fn data_before_any_association_is_answered_with_an_abort() {
    let site = Site::new(|_| {}).await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    // P-DATA-TF in state Sta2: action AA-1, an abort by the service-user (PS3.8 §9.2.3).
    stream.write_all(&[0x04, 0, 0, 0, 0, 6, 0, 0, 0, 2, 1, 3]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!((answer.first(), answer.get(8)), (Some(&0x07), Some(&0)), "{answer:?}");
    drop(stream);
    site.metric("dimseway_connections_without_association_total{cause=\"misbehaved\"} 1").await;
}

#[tokio::test]
async fn a_store_on_the_context_of_verification_is_no_operation_of_it() {
    const VERIFICATION: &str = dimse::acse::sop_class::VERIFICATION;
    let site = Site::new(|_| {}).await;
    let mut modality = site.modality().await;
    let class = VERIFICATION.parse().unwrap();
    let context =
        modality.association.contexts().iter().find(|c| c.abstract_syntax == class).cloned().unwrap();
    let mut writer = Writer::new(Encoding::ImplicitVrLittleEndian);
    writer
        .element(Tag::SOP_CLASS_UID, VR::UI, &class.to_padded())
        .element(Tag::SOP_INSTANCE_UID, VR::UI, b"1.2.3.4.1\0")
        .element(Tag::STUDY_INSTANCE_UID, VR::UI, b"1.2.3.1\0")
        .element(Tag::SERIES_INSTANCE_UID, VR::UI, b"1.2.3.2\0");
    let data_set = stream::iter([Ok(Bytes::from(writer.into_bytes()))]);
    let request =
        dimse::command::CStoreRq { affected_sop_class_uid: class, ..request(&"1.2.3.4.1".parse().unwrap()) };
    let response = modality.association.store(&context, request, data_set).await.unwrap();
    assert_eq!(response.status, Status::UNRECOGNIZED_OPERATION);
    assert!(site.states().await.is_empty());
}
