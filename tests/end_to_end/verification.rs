//! C-ECHO (PS3.4 §A.4).

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::scripted_origin::ScriptedOrigin;
use tests::scripted_peer::ScriptedPeer;
use tests::wire::{self, Proposal, VERIFICATION};

#[test]
fn a_peer_may_ask_whether_we_are_there_as_often_as_it_likes() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let proposal = Proposal::new(&[(VERIFICATION, &["1.2.840.10008.1.2"])]);
    let mut peer = ScriptedPeer::associate(daemon.dimse(), &proposal);
    for message_id in [1, 2, 7, 65_535] {
        let response = peer.ask(1, &wire::echo_request(message_id));
        assert_eq!((response.status, response.message_id), (0x0000, message_id));
    }
    peer.release();
    let metrics = daemon.metrics();
    assert_eq!(
        metrics.sum("dimseway_dimse_messages_total", &[("service", "C-ECHO"), ("status", "0000")]),
        4.0
    );
}

#[test]
fn our_own_echo_answers_for_the_running_daemon() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let output = home.run(&["echo", &format!("DIMSEWAY@{}", daemon.dimse())]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
