//! However an association ends, there is a log line and a metric, and nothing is half-stored.

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::scripted_peer::ScriptedPeer;
use tests::sender::{Sender, store_all};
use tests::wait::eventually;
use tests::wire::{Proposal, VERIFICATION, pdu};

/// Waits for one association more with an outcome, and for a line of the log with a word.
fn told(daemon: &Daemon, outcome: &str, word: &str) {
    eventually(&format!("an association counts as {outcome}"), || {
        (daemon.metrics().sum("dimseway_associations_total", &[("outcome", outcome)]) == 1.0).then_some(())
    });
    daemon.wait_for_line(word);
}

#[test]
fn each_end_of_an_association_has_its_line_and_its_count() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let instance = Instance::ct(1, 1, 200_000);
    let half = || {
        let mut sender = Sender::open(daemon.dimse(), [&instance]);
        assert!(sender.send_request(&instance));
        assert!(sender.send_data_set(&instance, instance.data_set.len() / 2, false));
        sender
    };
    half().reset();
    told(&daemon, "cut", "connection failed");
    half().abort();
    told(&daemon, "aborted", "abort");
    let mut sender = half();
    // A PDU that announces more than was agreed.
    sender.peer().try_send(&[pdu::P_DATA, 0, 0x7F, 0xFF, 0xFF, 0xFF]);
    sender.peer().expect_closed();
    told(&daemon, "misbehaved", "association ended");
    let metrics = daemon.metrics();
    assert_eq!(metrics.sum("dimseway_spool_entries", &[]), 0.0, "no half of an instance is in the spool");
    assert_eq!(daemon.queue(""), Vec::<serde_json::Value>::new());
    store_all(daemon.dimse(), std::slice::from_ref(&instance));
    told(&daemon, "released", "association released");
    assert_eq!(daemon.metrics().sum("dimseway_panics_total", &[]), 0.0);
}

#[test]
fn who_is_turned_away_is_in_the_log() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let mut proposal = Proposal::new(&[(VERIFICATION, &["1.2.840.10008.1.2"])]);
    proposal.called = "SOMEBODY_ELSE".to_owned();
    assert!(ScriptedPeer::try_associate(daemon.dimse(), &proposal).is_none());
    eventually("both titles are in the log", || {
        let log = daemon.log();
        let found = log.lines().any(|line| line.contains("SOMEBODY_ELSE") && line.contains("MODALITY"));
        found.then_some(())
    });
    assert_eq!(daemon.metrics().sum("dimseway_associations_rejected_total", &[]), 1.0);
}

#[test]
fn pixel_data_that_ends_too_early_arrives_as_it_was_sent() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let mut instance = Instance::ct(1, 1, 50_000);
    instance.data_set.truncate(30_000);
    store_all(daemon.dimse(), std::slice::from_ref(&instance));
    eventually("it is in the archive", || (origin.count() == 1).then_some(()));
    assert!(origin.stored()[&instance.sop_instance].ends_with(&instance.data_set), "byte for byte");
}
