//! An archive that says "stored" for a SOP Instance UID that it has, and keeps what it has.

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::instances::Instance;
use tests::scripted_origin::{Answer, ScriptedOrigin};
use tests::sender::{Sender, store_all};
use tests::wait::eventually;

const STORED_FIRST: &str = "[[route]]\nstore = [\"archive\"]\nacknowledge = \"stored\"";

fn start(route: &str) -> (ScriptedOrigin, Home, Daemon, Instance) {
    let origin = ScriptedOrigin::start([Answer::KeepsFirst]);
    let configuration = Configuration::new()
        .origin("archive", &origin.url())
        .set("origin.archive", "profile = \"orthanc\"")
        .with(route);
    let home = Home::new(&configuration);
    let daemon = home.start();
    (origin, home, daemon, Instance::ct(1, 1, 10_000))
}

#[test]
fn other_bytes_are_held_and_never_called_delivered() {
    let (origin, _home, daemon, instance) = start("");
    store_all(daemon.dimse(), std::slice::from_ref(&instance));
    let _ = daemon.wait_for("delivered", 1);
    store_all(daemon.dimse(), &[instance.with_other_content()]);
    let held = daemon.wait_for("held", 1);
    let reason = held[0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("different") || reason.contains("other"), "{reason}");
    assert!(origin.stored()[&instance.sop_instance].ends_with(&instance.data_set), "the first one stays");
    assert_eq!(daemon.queue("state=delivered").len(), 1);
}

#[test]
fn the_same_bytes_again_are_delivered() {
    let (origin, _home, daemon, instance) = start("");
    for count in 1..=2 {
        store_all(daemon.dimse(), std::slice::from_ref(&instance));
        let _ = daemon.wait_for("delivered", count);
    }
    assert_eq!(daemon.queue("state=held"), Vec::<serde_json::Value>::new());
    assert!(origin.stored()[&instance.sop_instance].ends_with(&instance.data_set));
}

#[test]
fn no_modality_is_told_success_for_bytes_that_were_thrown_away() {
    let (origin, _home, daemon, instance) = start(STORED_FIRST);
    let store = |instance: &Instance| {
        let mut sender = Sender::open(daemon.dimse(), [instance]);
        let response = sender.store(instance).expect("an answer");
        sender.release();
        response.status
    };
    assert_eq!(store(&instance), 0x0000);
    eventually("it is in the archive", || (origin.count() == 1).then_some(()));
    assert_ne!(store(&instance.with_other_content()), 0x0000, "other content");
    assert_eq!(store(&instance), 0x0000, "the same content again");
    assert!(origin.stored()[&instance.sop_instance].ends_with(&instance.data_set));
}
