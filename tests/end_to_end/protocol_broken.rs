//! Bytes that are no DICOM, and DICOM that breaks its own rules: A-ABORT or a close, nothing else.

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::scripted_peer::{Received, ScriptedPeer};
use tests::sender::{Sender, store_all};
use tests::wire::{self, Proposal, VERIFICATION, pdu};

fn start() -> (ScriptedOrigin, Home, Daemon) {
    let origin = ScriptedOrigin::start([]);
    let configuration = Configuration::new().origin("archive", &origin.url());
    let home = Home::new(&configuration.set("dimse", "artim_timeout = \"1s\""));
    let daemon = home.start();
    (origin, home, daemon)
}

/// What a healthy peer does at the end of each test.
fn still_serves(daemon: &Daemon, slice: u32) {
    store_all(daemon.dimse(), &[Instance::ct(77, slice, 1000)]);
    assert_eq!(daemon.metrics().sum("dimseway_panics_total", &[]), 0.0);
}

#[test]
fn garbage_on_the_port_is_closed() {
    let (_origin, _home, daemon) = start();
    let inputs: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03],
        &[0; 100],
        &[0xFF; 5000],
        &[0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x01, 0x00, 0x00],
    ];
    for input in inputs {
        let mut peer = ScriptedPeer::connect(daemon.dimse());
        peer.try_send(input);
        peer.expect_closed();
    }
    assert!(daemon.metrics().sum("dimseway_connections_without_association_total", &[]) >= 6.0);
    still_serves(&daemon, 1);
}

#[test]
fn a_pdu_longer_than_announced_aborts_the_association() {
    let (_origin, _home, daemon) = start();
    let instance = Instance::ct(1, 1, 1000);
    for announced in [600_000_u32, 0x7FFF_FFFF, u32::MAX] {
        let mut sender = Sender::open(daemon.dimse(), [&instance]);
        assert!(sender.send_request(&instance));
        let mut head = vec![pdu::P_DATA, 0];
        head.extend_from_slice(&announced.to_be_bytes());
        sender.peer().try_send(&head);
        let received = sender.peer().receive();
        assert!(matches!(&received, Received::Pdu(answer) if answer.kind == pdu::ABORT), "{received:02X?}");
        sender.peer().expect_closed();
    }
    assert!(daemon.memory_peak_kib() < 200 * 1024, "{} KiB", daemon.memory_peak_kib());
    still_serves(&daemon, 2);
}

#[test]
fn lengths_that_contradict_each_other_abort_the_association() {
    let (_origin, _home, daemon) = start();
    let proposal = Proposal::new(&[(VERIFICATION, &["1.2.840.10008.1.2"])]);
    let echo = wire::echo_request(1);
    let mut too_long = wire::pdv(1, true, true, &echo);
    too_long[3] = too_long[3].wrapping_add(10);
    let mut too_short = wire::pdv(1, true, true, &echo);
    too_short[..4].copy_from_slice(&1_u32.to_be_bytes());
    let table: [(&str, Vec<u8>); 7] = [
        ("a value longer than its PDU", wire::pdu_of(pdu::P_DATA, &too_long)),
        ("a value too short for its header", wire::pdu_of(pdu::P_DATA, &too_short)),
        ("a context that was not negotiated", wire::p_data(9, true, true, &echo)),
        ("a command that is cut", wire::p_data(1, true, true, &echo[..20])),
        ("a data set without a command", wire::p_data(1, false, true, &[1, 2, 3, 4])),
        ("a second proposal", proposal.bytes()),
        ("a PDU of no type", wire::pdu_of(0x63, &[0; 4])),
    ];
    for (name, bytes) in table {
        let mut peer = ScriptedPeer::associate(daemon.dimse(), &proposal);
        peer.try_send(&bytes);
        let received = peer.receive();
        assert!(
            matches!(&received, Received::Pdu(answer) if answer.kind == pdu::ABORT),
            "{name}: {received:02X?}"
        );
        peer.expect_closed();
    }
    still_serves(&daemon, 3);
}

#[test]
fn who_says_nothing_is_closed_and_keeps_nobody_out() {
    let (_origin, _home, daemon) = start();
    let mut silent: Vec<_> = (0..50).map(|_| ScriptedPeer::connect(daemon.dimse())).collect();
    still_serves(&daemon, 4);
    for peer in &mut silent {
        peer.expect_closed();
    }
}
