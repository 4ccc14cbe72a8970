use super::*;
use crate::config::{
    Acknowledge, Duplicate, Origin, Peer, PeerAddress, ServedAe, WorklistSource, WorklistSourceKind,
};

fn client() -> dicomweb::ClientConfig {
    dicomweb::ClientConfig::new(
        "http://127.0.0.1:1/dicom-web".parse().unwrap(),
        dicomweb::Profile::standard(),
    )
}

fn one_origin() -> Config {
    Config { origins: vec![Origin::new("archive", client())], ..Config::default() }
}

fn to(destination: &str) -> Vec<Route> {
    vec![Route::everything(vec![destination.parse().unwrap()])]
}

fn folder(name: &str) -> WorklistSource {
    WorklistSource::new(name, WorklistSourceKind::Folder { directory: "/".into(), character_set: None })
}

#[test]
fn every_fault_names_its_key() {
    type Spoil = fn(&mut Config);
    let cases: &[(&str, Spoil)] = &[
        ("ae", |c| c.served.clear()),
        ("ae.1.title", |c| c.served.push(ServedAe::default())),
        ("peer.1.ae_title", |c| {
            c.peers = vec![Peer::new("A".parse().unwrap()), Peer::new("A".parse().unwrap())]
        }),
        ("dimse.max_associations", |c| c.limits.max_associations = 0),
        ("dimse.max_pdu", |c| c.limits.max_pdu = 100),
        ("memory_budget", |c| c.limits.memory_budget = 1024),
        ("dimse.artim_timeout", |c| c.timers.artim = Duration::ZERO),
        ("dimse.idle_timeout", |c| {
            c.routes = vec![Route { acknowledge: Acknowledge::Stored, ..to("archive").remove(0) }];
            c.timers.idle = c.timers.stored;
        }),
        ("origin", |c| c.origins.clear()),
        ("origin.a b", |c| c.origins[0].name = "a b".into()),
        ("origin.archive", |c| c.origins.push(Origin::new("archive", client()))),
        ("origin.archive.duplicate", |c| c.origins[0].duplicate = Duplicate::Overwrite),
        ("origin.archive.workers", |c| c.origins[0].workers = Some(0)),
        ("route", |c| c.origins.push(Origin::new("other", client()))),
        ("route.0.store", |c| c.routes = vec![Route::everything(Vec::new())]),
        ("route.0.store", |c| c.routes = to("nowhere")),
        ("route.0.store", |c| c.routes = to("peer:CT1")),
        ("query.origins", |c| c.query.origins = vec!["nowhere".into()]),
        ("ae.0.query", |c| c.served[0].query = vec!["archive".into(), "archive".into()]),
        ("worklist_source.a/b", |c| c.worklist.sources = vec![folder("a/b")]),
        ("worklist_source.ris", |c| c.worklist.sources = vec![folder("ris"), folder("ris")]),
        ("worklist_source.ris.refresh", |c| {
            c.worklist.sources = vec![WorklistSource { refresh: Some(Duration::ZERO), ..folder("ris") }];
        }),
        ("worklist_source.ris.peer", |c| {
            c.peers = vec![Peer::new("RIS".parse().unwrap())];
            let kind = WorklistSourceKind::Dimse { peer: "RIS".parse().unwrap() };
            c.worklist.sources = vec![WorklistSource::new("ris", kind)];
        }),
        ("worklist_source.ris.origin", |c| {
            let kind = WorklistSourceKind::PostDicom {
                origin: "archive".into(),
                with_images: true,
                properties_max: 1,
            };
            c.worklist.sources = vec![WorklistSource::new("ris", kind)];
        }),
        ("worklist_source.ris.origin", |c| {
            let kind = WorklistSourceKind::MwlRs { origin: "nowhere".into() };
            c.worklist.sources = vec![WorklistSource::new("ris", kind)];
        }),
        ("worklist_source.ris.origin", |c| {
            c.origins[0].client.profile = dicomweb::Profile::azure();
            let kind = WorklistSourceKind::MwlRs { origin: "archive".into() };
            c.worklist.sources = vec![WorklistSource::new("ris", kind)];
        }),
        ("worklist_source.ris.origin", |c| {
            c.origins[0].client.profile = dicomweb::Profile::orthanc();
            let kind = WorklistSourceKind::UpsRs { origin: "archive".into(), workitems_max: 1 };
            c.worklist.sources = vec![WorklistSource::new("ris", kind)];
        }),
        ("worklist.orders_max", |c| c.worklist.orders_max = 0),
        ("worklist.results_max", |c| c.worklist.results_max = 0),
        ("worklist.refresh", |c| c.worklist.refresh = Duration::ZERO),
        ("worklist.max_age", |c| c.worklist.max_age = Duration::ZERO),
        ("query.results_max", |c| c.query.results_max = 0),
        ("query.requests_max", |c| c.query.requests_max = 0),
        ("forward.workers", |c| c.forward.workers = 0),
        ("forward.batch_instances", |c| c.forward.batch_instances = 0),
        ("forward.batch_bytes", |c| c.forward.batch_bytes = 0),
        ("forward.back_off.jitter", |c| c.forward.back_off.jitter = 1.5),
        ("forward.back_off.max", |c| c.forward.back_off.max = Duration::ZERO),
        ("forward.breaker.probe_max", |c| c.forward.breaker.probe_max = Duration::ZERO),
        ("forward.breaker.failures", |c| c.forward.breaker.failures = 0),
        ("retrieve.requests", |c| c.retrieve.requests = 0),
        ("retrieve.associations", |c| c.retrieve.associations = 0),
        ("retrieve.instances_max", |c| c.retrieve.instances_max = 0),
        ("retrieve.stall", |c| c.retrieve.stall = Duration::ZERO),
        ("retrieve.pending_interval", |c| c.retrieve.pending_interval = Duration::ZERO),
        ("peer.0.retrieve.associations", |c| {
            c.peers = vec![Peer::new("A".parse().unwrap())];
            c.peers[0].retrieve.associations = Some(0);
        }),
        ("peer.0.retrieve.stall", |c| {
            c.peers = vec![Peer::new("A".parse().unwrap())];
            c.peers[0].retrieve.stall = Some(Duration::ZERO);
        }),
    ];
    assert_eq!(one_origin().check(), Ok(()));
    for (key, spoil) in cases {
        let mut config = one_origin();
        spoil(&mut config);
        assert_eq!(config.check().unwrap_err().key, *key);
    }
}

#[test]
fn a_peer_is_a_destination_once_it_has_an_address() {
    let mut config = Config { routes: to("peer:PACS"), ..Config::default() };
    config.peers = vec![Peer::new("PACS".parse().unwrap())];
    assert!(config.check().unwrap_err().message.contains("address"));
    config.peers[0].address = Some(PeerAddress::new("pacs.example.org", 104));
    assert_eq!(config.check(), Ok(()));
}
