//! A-ASSOCIATE-RJ with exactly the result, source and reason that PS3.8 §9.3.4 gives.

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::scripted_origin::ScriptedOrigin;
use tests::scripted_peer::ScriptedPeer;
use tests::wire::{self, Proposal, VERIFICATION, pdu};

fn start(configuration: Configuration) -> (ScriptedOrigin, Home, Daemon) {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&configuration.origin("archive", &origin.url()));
    let daemon = home.start();
    (origin, home, daemon)
}

fn proposal() -> Proposal {
    Proposal::new(&[(VERIFICATION, &["1.2.840.10008.1.2"])])
}

/// Result, source and reason.
fn rejection(daemon: &Daemon, proposal: &Proposal) -> (u8, u8, u8) {
    let mut peer = ScriptedPeer::connect(daemon.dimse());
    peer.send(&proposal.bytes());
    let body = peer.expect(pdu::ASSOCIATE_RJ).body;
    peer.close_sending();
    peer.expect_closed();
    (body[1], body[2], body[3])
}

#[test]
fn unknown_names_and_versions() {
    let known = "[[peer]]\nae_title = \"MODALITY\"\nfrom = [\"127.0.0.0/8\"]\n\
        [[peer]]\nae_title = \"ELSEWHERE\"\nfrom = [\"10.1.2.0/24\"]";
    let configuration = Configuration::new().set("dimse", "unknown_peers = \"reject\"").with(known);
    let (_origin, _home, daemon) = start(configuration);
    let with = |change: fn(&mut Proposal)| {
        let mut proposal = proposal();
        change(&mut proposal);
        rejection(&daemon, &proposal)
    };
    assert_eq!(with(|proposal| proposal.called = "SOMEBODY".to_owned()), (1, 1, 7), "called AE title");
    assert_eq!(with(|proposal| proposal.calling = "STRANGER".to_owned()), (1, 1, 3), "calling AE title");
    assert_eq!(
        with(|proposal| proposal.calling = "ELSEWHERE".to_owned()),
        (1, 1, 3),
        "calling from elsewhere"
    );
    assert_eq!(
        with(|proposal| proposal.application_context = "1.2.3".to_owned()),
        (1, 1, 2),
        "application context"
    );
    assert_eq!(with(|proposal| proposal.protocol_version = 2), (1, 2, 2), "protocol version");
    let mut peer = ScriptedPeer::associate(daemon.dimse(), &proposal());
    assert_eq!(peer.ask(1, &wire::echo_request(1)).status, 0x0000);
    peer.release();
    assert_eq!(daemon.metrics().sum("dimseway_associations_rejected_total", &[]), 5.0);
}

#[test]
fn too_many_at_once_may_come_again() {
    let (_origin, _home, daemon) = start(Configuration::new().set("dimse", "max_associations = 2"));
    let first = ScriptedPeer::associate(daemon.dimse(), &proposal());
    let _second = ScriptedPeer::associate(daemon.dimse(), &proposal());
    assert_eq!(rejection(&daemon, &proposal()), (2, 3, 2));
    first.release();
    tests::wait::eventually("a place is free again", || {
        let mut peer = ScriptedPeer::connect(daemon.dimse());
        peer.send(&proposal().bytes());
        match peer.receive() {
            tests::scripted_peer::Received::Pdu(answer) if answer.kind == pdu::ASSOCIATE_AC => Some(()),
            _ => None,
        }
    });
}
