use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dimse::{
    Abort, Event,
    acse::{Policy, acceptor::read_associate_request, negotiate},
    command::{Command, Operation},
};
use spool::{
    Deliveries, EntryHeader, EntryTrailer, LeaseRequest, Payloads, RetrySchedule, local::LocalSpool,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    MemoryBudget, Metrics, Ports,
    config::{Peer, PeerAddress},
    forward::{condition::Conditions, confirmation::Confirmations, put_off::PutOffs},
    tests::site::{config, spool_in},
};

#[tokio::test]
async fn a_peer_that_offers_no_verification_serves_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = async {
        let (stream, _) = listener.accept().await.unwrap();
        let requested = read_associate_request(stream, Settings::default()).await.unwrap();
        let policy = Policy { verification: false, ..Policy::default() };
        let accept = negotiate(requested.request(), &policy).unwrap();
        let (mut receiver, mut sender) = requested.accept(accept).await.unwrap().split();
        receiver.next_message().await.unwrap();
        sender.release_response().await.unwrap();
    };
    let mut config = config(&[("archive", address)]);
    let mut peer = Peer::new("PACS".parse().unwrap());
    peer.address = Some(PeerAddress::new("127.0.0.1", address.port()));
    config.peers.push(peer);
    let snapshot = Snapshot::new(config).unwrap();
    let destination = "peer:PACS".parse().unwrap();
    let (health, ()) = tokio::join!(probe(&snapshot, &destination), acceptor);
    assert_eq!(health, Health::Answered);
}

/// A peer that stores everything, aborts each association behind so many instances, and counts them.
async fn peer(instances_max: usize) -> (Snapshot, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let associations = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&associations);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, instances_max));
        }
    });
    let mut config = config(&[("archive", address)]);
    let mut peer = Peer::new("PACS".parse().unwrap());
    peer.address = Some(PeerAddress::new("127.0.0.1", address.port()));
    config.peers.push(peer);
    (Snapshot::new(config).unwrap(), associations)
}

async fn serve(stream: TcpStream, instances_max: usize) {
    let requested = read_associate_request(stream, Settings::default()).await.unwrap();
    let accept = negotiate(requested.request(), &Policy::default()).unwrap();
    let (mut receiver, mut sender) = requested.accept(accept).await.unwrap().split();
    let mut instances = 0;
    while let Ok(event) = receiver.next_message().await {
        let Event::Message(message) = event else { return sender.release_response().await.unwrap() };
        let Command::CStoreRq(request) = message.command else { return };
        while receiver.next_fragment().await.unwrap().is_some() {}
        let response = Response::new(Operation::CStore, request.message_id, Status::SUCCESS);
        let answered = sender.send_command(message.presentation_context.id, &Command::Rsp(response)).await;
        answered.unwrap();
        instances += 1;
        if instances == instances_max {
            return sender.abort(Abort::SERVICE_USER).await;
        }
    }
}

fn settlement(spool: &LocalSpool, snapshot: &Snapshot) -> Settlement {
    let metrics = Arc::new(Metrics::new().unwrap());
    Settlement {
        ports: Ports::of(spool),
        memory: MemoryBudget::new(8 << 20, &metrics),
        metrics,
        confirmations: Confirmations::default(),
        conditions: Conditions::default(),
        put_offs: PutOffs::default(),
        associations: Associations::idle_for(Duration::from_secs(3600)),
        forward: snapshot.config.forward.clone(),
        stop: CancellationToken::new(),
    }
}

/// An instance for the peer, leased.
async fn leased(spool: &LocalSpool, number: usize, syntax: &str) -> Vec<Lease> {
    let uid = |text: &str| -> Uid { text.parse().unwrap() };
    let (class, instance) = (uid("1.2.840.10008.5.1.4.1.1.2"), uid(&format!("1.2.3.{number}")));
    let header = EntryHeader {
        calling_ae_title: "CT1".parse().unwrap(),
        called_ae_title: "DIMSEWAY".parse().unwrap(),
        peer_address: std::net::Ipv4Addr::LOCALHOST.into(),
        user: None,
        transfer_syntax: TransferSyntax::new(uid(syntax)),
        sop_class_uid: class.clone(),
        sop_instance_uid: instance.clone(),
        accepted_at: SystemTime::now(),
    };
    let mut writer = spool.begin(header).await.unwrap();
    writer.append(bytes::Bytes::from(vec![7; 1000])).await.unwrap();
    let identity = instance::Identity {
        sop_class_uid: class,
        sop_instance_uid: instance,
        study_instance_uid: uid("1.2.3"),
        series_instance_uid: uid("1.2.4"),
    };
    let destination: Destination = "peer:PACS".parse().unwrap();
    let trailer = EntryTrailer {
        identity,
        attributes: Vec::new(),
        character_set: Vec::new(),
        destinations: vec![destination.clone()],
        held: None,
    };
    writer.commit(trailer).await.unwrap();
    let request = LeaseRequest {
        destination,
        owner: "test".to_owned(),
        entries_max: 10,
        workers: 1,
        bytes_max: u64::MAX,
        ttl: Duration::from_secs(3600),
        same_study: true,
        retry: RetrySchedule::default(),
    };
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    loop {
        // The index may be a moment behind the commit.
        let leases = spool.lease(request.clone()).await.unwrap().leases;
        if !leases.is_empty() {
            return leases;
        }
        ticks.tick().await;
    }
}

const EXPLICIT: &str = "1.2.840.10008.1.2.1";

#[tokio::test]
async fn batches_share_an_association_as_long_as_it_serves() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    let (snapshot, associations) = peer(usize::MAX).await;
    let (settlement, pacs) = (settlement(&spool, &snapshot), "peer:PACS".parse().unwrap());
    for (number, syntax, expected) in [
        (1, EXPLICIT, 1),
        (2, EXPLICIT, 1),
        // Another transfer syntax was not proposed.
        (3, "1.2.840.10008.1.2.4.90", 2),
        (4, "1.2.840.10008.1.2.4.90", 2),
    ] {
        let leases = leased(&spool, number, syntax).await;
        assert_eq!(deliver(&snapshot, &settlement, &pacs, leases).await, Health::Answered);
        assert_eq!(associations.load(Ordering::SeqCst), expected, "instance {number}");
    }
    settlement.associations.release_all().await;
    let leases = leased(&spool, 5, EXPLICIT).await;
    deliver(&snapshot, &settlement, &pacs, leases).await;
    assert_eq!(associations.load(Ordering::SeqCst), 3);
    let page = spool.list(&spool::Filter::default(), None, 10).await.unwrap();
    assert!(page.lines.iter().all(|line| line.state == spool::State::Delivered && line.attempts == 1));
    assert_eq!(page.lines.len(), 5);
}

#[tokio::test]
async fn an_association_that_ended_meanwhile_costs_no_attempt() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    let (snapshot, associations) = peer(1).await;
    let (settlement, pacs) = (settlement(&spool, &snapshot), "peer:PACS".parse().unwrap());
    for number in 1..=3 {
        let leases = leased(&spool, number, EXPLICIT).await;
        assert_eq!(deliver(&snapshot, &settlement, &pacs, leases).await, Health::Answered);
        assert_eq!(associations.load(Ordering::SeqCst), number);
    }
    let page = spool.list(&spool::Filter::default(), None, 10).await.unwrap();
    assert!(page.lines.iter().all(|line| line.state == spool::State::Delivered && line.attempts == 1));
}

#[tokio::test]
async fn an_association_is_not_kept_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    let (snapshot, _) = peer(usize::MAX).await;
    let associations = Associations::idle_for(Duration::from_millis(1));
    let settlement = Settlement { associations, ..settlement(&spool, &snapshot) };
    let pacs = "peer:PACS".parse().unwrap();
    deliver(&snapshot, &settlement, &pacs, leased(&spool, 1, EXPLICIT).await).await;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while settlement.associations.keeps(&pacs) {
        ticks.tick().await;
    }
}
