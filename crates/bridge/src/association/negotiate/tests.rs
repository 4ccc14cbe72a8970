use dicomweb::profile::TransferSyntaxes;
use dimse::acse::{ContextResult, OperationsWindow, ProposedContext};
use spool::Destination;

use super::*;
use crate::config::{Config, Origin, Peer, Route, ServedAe};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const JPEG: &str = "1.2.840.10008.1.2.4.70";

fn snapshot(change: impl FnOnce(&mut Config)) -> Snapshot {
    let url = "http://127.0.0.1:1/dicom-web".parse().unwrap();
    let client = dicomweb::ClientConfig::new(url, dicomweb::Profile::standard());
    let mut config = Config { origins: vec![Origin::new("archive", client)], ..Config::default() };
    config.peers.push(Peer::new("CT1".parse().unwrap()));
    change(&mut config);
    Snapshot::new(config).unwrap()
}

fn request(calling: &str, called: &str) -> AssociateRequest {
    let title = |title: &str| title.parse::<AeTitle>().unwrap().into();
    AssociateRequest {
        protocol_version: 1,
        called_ae_title: title(called),
        calling_ae_title: title(calling),
        application_context: acse::APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: vec![
            ProposedContext {
                id: 1,
                abstract_syntax: Some("1.2.840.10008.1.1".parse().unwrap()),
                transfer_syntaxes: vec!["1.2.840.10008.1.2".parse().unwrap()],
            },
            ProposedContext {
                id: 3,
                abstract_syntax: Some(CT.parse().unwrap()),
                transfer_syntaxes: vec![JPEG.parse().unwrap(), EXPLICIT.parse().unwrap()],
            },
        ],
        max_pdu_length: 16384,
        implementation_class_uid: None,
        implementation_version_name: None,
        operations_window: Some(OperationsWindow { invoked: 0, performed: 1 }),
        role_selections: Vec::new(),
        extended_negotiations: Vec::new(),
        user_identity: None,
    }
}

#[test]
fn titles_and_addresses_are_checked_in_this_order() {
    let snapshot = snapshot(|config| {
        let mut far = Peer::new("MR1".parse().unwrap());
        far.from = vec!["10.0.0.0/8".parse().unwrap()];
        config.peers.push(far);
        config.served.push(ServedAe {
            title: "ULTRASOUND".parse().unwrap(),
            services: Services::ALL,
            callers: vec!["US*".parse().unwrap()],
            ..ServedAe::default()
        });
    });
    let cases = [
        ("CT1", "DIMSEWAY", "192.0.2.1", None),
        ("CT1", "dimseway", "192.0.2.1", Some((AssociateReject::CALLED_AE_TITLE, "called_ae"))),
        ("XX1", "DIMSEWAY", "192.0.2.1", Some((AssociateReject::CALLING_AE_TITLE, "calling_ae"))),
        ("XX1", "NOBODY", "192.0.2.1", Some((AssociateReject::CALLED_AE_TITLE, "called_ae"))),
        ("MR1", "DIMSEWAY", "192.0.2.1", Some((AssociateReject::CALLING_AE_TITLE, "address"))),
        ("MR1", "DIMSEWAY", "10.1.2.3", None),
        ("MR1", "DIMSEWAY", "::ffff:10.1.2.3", None),
        ("CT1", "ULTRASOUND", "192.0.2.1", Some((AssociateReject::CALLING_AE_TITLE, "calling_ae"))),
    ];
    for (calling, called, address, rejected) in cases {
        let decision = decide(&request(calling, called), address.parse().unwrap(), &snapshot);
        let got = decision.err().map(|rejection| (rejection.reject, rejection.label));
        assert_eq!(got, rejected, "{calling} calls {called} from {address}");
    }
}

fn results(snapshot: &Snapshot) -> Vec<ContextResult> {
    let decision = decide(&request("CT1", "DIMSEWAY"), "192.0.2.1".parse().unwrap(), snapshot);
    decision.unwrap().accept.presentation_contexts.into_iter().map(|answer| answer.result).collect()
}

fn accepted(uid: &str) -> ContextResult {
    ContextResult::Acceptance(instance::TransferSyntax::new(uid.parse().unwrap()))
}

#[test]
fn what_is_offered_follows_the_configuration() {
    let any = results(&snapshot(|_| {}));
    assert_eq!(any, [accepted("1.2.840.10008.1.2"), accepted(JPEG)]);

    let only = Services::from_iter([Service::Store]);
    let no_echo = results(&snapshot(|config| config.peers[0].allow = only));
    assert_eq!(no_echo, [ContextResult::AbstractSyntaxNotSupported, accepted(JPEG)]);

    let only = Services::from_iter([Service::Echo]);
    let may_not_store = results(&snapshot(|config| config.peers[0].allow = only));
    assert_eq!(may_not_store[1], accepted(JPEG), "each request is answered 0124");
    let offers_no_store = results(&snapshot(|config| config.served[0].services = only));
    assert_eq!(offers_no_store[1], ContextResult::AbstractSyntaxNotSupported);
}

/// A bridge for the worklist alone keeps nothing that it could not pass on.
#[test]
fn without_any_destination_storage_is_not_offered() {
    let steps = snapshot(|config| {
        config.origins.clear();
        config.mpps = Some(crate::config::Mpps::default());
    });
    assert_eq!(results(&steps), [accepted("1.2.840.10008.1.2"), ContextResult::AbstractSyntaxNotSupported]);
    let to_a_peer = snapshot(|config| {
        config.origins.clear();
        let mut archive = Peer::new("ARCHIVE".parse().unwrap());
        archive.address = Some(crate::config::PeerAddress::new("127.0.0.1", 104));
        config.peers.push(archive);
        config.routes = vec![Route::everything(vec![Destination::Peer("ARCHIVE".parse().unwrap())])];
    });
    assert_eq!(results(&to_a_peer)[1], accepted(JPEG));
}

#[test]
fn the_profiles_of_reachable_origins_narrow_the_transfer_syntaxes() {
    let explicit_only = |config: &mut Config| {
        let syntax = instance::TransferSyntax::new(EXPLICIT.parse().unwrap());
        config.origins[0].client.profile.transfer_syntaxes = TransferSyntaxes::These(vec![syntax]);
    };
    assert_eq!(results(&snapshot(explicit_only))[1], accepted(EXPLICIT));
    let elsewhere = snapshot(|config| {
        explicit_only(config);
        let mut other = config.origins[0].clone();
        other.name = "other".to_owned();
        other.client.profile.transfer_syntaxes = TransferSyntaxes::All;
        config.origins.push(other);
        let to = |name: &str| Route::everything(vec![Destination::Origin(name.to_owned())]);
        let mut mr = to("archive");
        mr.matches.calling_ae = vec!["MR*".parse().unwrap()];
        config.routes = vec![mr, to("other")];
    });
    assert_eq!(results(&elsewhere)[1], accepted(JPEG), "this peer never reaches the narrow one");
}

#[test]
fn an_unlimited_window_becomes_ours() {
    let snapshot = snapshot(|config| config.limits.max_operations_invoked = 5);
    let decision = decide(&request("CT1", "DIMSEWAY"), "192.0.2.1".parse().unwrap(), &snapshot).unwrap();
    assert_eq!(decision.accept.operations_window.unwrap().invoked, 5);
}

const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
const STUDY_ROOT_GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
const PATIENT_STUDY_ONLY_MOVE: &str = "1.2.840.10008.5.1.4.1.2.3.2";

/// The results for FIND, GET and MOVE of Query/Retrieve, and for CT, which the requestor takes only.
fn query_results(snapshot: &Snapshot) -> Vec<ContextResult> {
    let mut rq = request("CT1", "DIMSEWAY");
    let classes = [STUDY_ROOT_FIND, STUDY_ROOT_GET, PATIENT_STUDY_ONLY_MOVE, CT];
    let contexts = (1..).step_by(2).zip(classes).map(|(id, class)| ProposedContext {
        id,
        abstract_syntax: Some(class.parse().unwrap()),
        transfer_syntaxes: vec![JPEG.parse().unwrap(), EXPLICIT.parse().unwrap()],
    });
    rq.presentation_contexts = contexts.collect();
    let roles = Roles { scu: false, scp: true };
    rq.role_selections = vec![acse::RoleSelection { sop_class_uid: CT.parse().unwrap(), roles }];
    let accept = decide(&rq, "192.0.2.1".parse().unwrap(), snapshot).unwrap().accept;
    accept.presentation_contexts.into_iter().map(|answer| answer.result).collect()
}

#[test]
fn query_and_retrieve_are_offered_where_there_is_an_origin_to_ask() {
    let no = ContextResult::AbstractSyntaxNotSupported;
    let yes = || accepted(EXPLICIT);
    let all = query_results(&snapshot(|_| {}));
    assert_eq!(all, [yes(), yes(), yes(), yes()]);

    let may_not = snapshot(|config| config.peers[0].allow = Services::NONE);
    assert_eq!(query_results(&may_not), all, "each request is answered 0124");

    let offered = |services: &[Service]| {
        let services = Services::from_iter(services.iter().copied());
        query_results(&snapshot(|config| config.served[0].services = services))
    };
    assert_eq!(offered(&[Service::Query]), [yes(), no.clone(), no.clone(), no.clone()]);
    assert_eq!(offered(&[Service::Retrieve]), [no.clone(), yes(), yes(), yes()]);
    let refused = ContextResult::UserRejection;
    assert_eq!(offered(&[Service::Store]), [no.clone(), no.clone(), no.clone(), refused.clone()]);

    let which = snapshot(|config| {
        let mut other = config.origins[0].clone();
        other.name = "other".to_owned();
        config.origins.push(other);
        config.routes = vec![Route::everything(vec![Destination::Origin("archive".to_owned())])];
    });
    assert_eq!(query_results(&which), [no.clone(), no.clone(), no, refused]);
}

/// What an origin takes says nothing about what a peer is sent.
#[test]
fn a_narrow_origin_does_not_narrow_what_is_retrieved() {
    let narrow = snapshot(|config| {
        let syntax = instance::TransferSyntax::new(JPEG.parse().unwrap());
        config.origins[0].client.profile.transfer_syntaxes = TransferSyntaxes::These(vec![syntax]);
    });
    assert_eq!(query_results(&narrow)[3], accepted(EXPLICIT));
}
