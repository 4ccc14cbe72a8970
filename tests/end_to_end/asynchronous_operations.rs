//! A modality that does not wait for each answer (PS3.7 §D.3.3.3).

use std::collections::BTreeSet;

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::{CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, Instance};
use tests::scripted_origin::{Answer, ScriptedOrigin};
use tests::sender::Sender;
use tests::wait::eventually;
use tests::wire::{self, Proposal, VERIFICATION};

const IMPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";

fn proposal(invoked: u16) -> Proposal {
    let mut proposal = Proposal::new(&[
        (CT_IMAGE_STORAGE, &[EXPLICIT_VR_LITTLE_ENDIAN]),
        (VERIFICATION, &[IMPLICIT_VR_LITTLE_ENDIAN]),
    ]);
    proposal.operations_invoked = Some(invoked);
    proposal
}

/// Sends instances without waiting for an answer.
fn send_all(sender: &mut Sender, instances: &[Instance]) {
    for instance in instances {
        assert!(sender.send_request(instance));
        assert!(sender.send_data_set(instance, instance.data_set.len(), true));
    }
}

#[test]
fn many_instances_on_their_way_are_each_answered_once() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let mut sender = Sender::open_with(daemon.dimse(), &proposal(8));
    assert_eq!(sender.peer().acceptance().operations_invoked, Some(8));
    let instances = Instance::study(1, 24, 20_000);
    let mut answered = BTreeSet::new();
    for window in instances.chunks(8) {
        send_all(&mut sender, window);
        for _ in window {
            let response = sender.response().expect("an answer");
            assert_eq!(response.status, 0x0000, "{response:?}");
            assert!(answered.insert((response.message_id, response.sop_instance)), "answered twice");
        }
    }
    sender.release();
    let expected: BTreeSet<_> =
        instances.iter().zip(1_u16..).map(|(instance, id)| (id, instance.sop_instance.clone())).collect();
    assert_eq!(answered, expected);
    eventually("all are in the archive", || (origin.count() == 24).then_some(()));
}

#[test]
fn an_answer_that_is_ready_does_not_wait_for_one_that_is_not() {
    let origin = ScriptedOrigin::start([Answer::Stall]);
    let route = "[[route]]\nstore = [\"archive\"]\nacknowledge = \"stored\"";
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()).with(route));
    let daemon = home.start();
    let mut sender = Sender::open_with(daemon.dimse(), &proposal(4));
    let instance = Instance::ct(1, 1, 20_000);
    send_all(&mut sender, std::slice::from_ref(&instance));
    eventually("the archive has the request and says nothing", || (origin.stalled() == 1).then_some(()));
    let echo = sender.peer().ask(3, &wire::echo_request(100));
    assert_eq!((echo.message_id, echo.status), (100, 0x0000), "the C-ECHO overtakes the C-STORE");
    let second = Instance::ct(1, 2, 20_000);
    send_all(&mut sender, std::slice::from_ref(&second));
    let response = sender.response().expect("an answer");
    assert_eq!((response.message_id, response.status), (2, 0x0000), "so does the next instance");
    origin.release();
    let response = sender.response().expect("an answer");
    assert_eq!(response.message_id, 1);
    assert_eq!(response.status == 0x0000, origin.stored().contains_key(&instance.sop_instance));
    sender.release();
}

#[test]
fn a_window_larger_than_ours_becomes_ours() {
    let origin = ScriptedOrigin::start([]);
    let configuration = Configuration::new().origin("archive", &origin.url());
    let home = Home::new(&configuration.set("dimse", "max_operations_invoked = 3"));
    let daemon = home.start();
    let mut sender = Sender::open_with(daemon.dimse(), &proposal(100));
    assert_eq!(sender.peer().acceptance().operations_invoked, Some(3));
    // A peer that goes beyond what was agreed is slowed down, and loses nothing.
    let instances = Instance::study(1, 12, 2000);
    send_all(&mut sender, &instances);
    for _ in &instances {
        assert_eq!(sender.response().expect("an answer").status, 0x0000);
    }
    sender.release();
    eventually("all are in the archive", || (origin.count() == 12).then_some(()));
}
