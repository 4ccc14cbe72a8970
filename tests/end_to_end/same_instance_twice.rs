//! The same SOP Instance UID again, with the same bytes and with others.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::EmbeddedOrigin;
use tests::instances::Instance;
use tests::scripted_origin::{Answer, ScriptedOrigin};
use tests::sender::store_all;
use tests::wait::eventually;

#[test]
fn the_same_bytes_again_are_delivered_and_nothing_waits() {
    let origin = ScriptedOrigin::start([Answer::Stored, Answer::Duplicates, Answer::Duplicates]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let instance = Instance::ct(1, 1, 10_000);
    store_all(daemon.dimse(), std::slice::from_ref(&instance));
    eventually("it is stored", || (origin.count() == 1).then_some(()));
    store_all(daemon.dimse(), std::slice::from_ref(&instance));
    daemon.settle();
    assert_eq!(daemon.queue("state=held"), Vec::<serde_json::Value>::new());
    assert!(origin.stored()[&instance.sop_instance].ends_with(&instance.data_set));
}

#[test]
fn other_bytes_under_the_same_uid_are_held_and_say_why() {
    let origin = ScriptedOrigin::start([Answer::Stored, Answer::Duplicates, Answer::Duplicates]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let instance = Instance::ct(1, 1, 10_000);
    store_all(daemon.dimse(), std::slice::from_ref(&instance));
    eventually("it is stored", || (origin.count() == 1).then_some(()));
    store_all(daemon.dimse(), &[instance.with_other_content()]);
    let held = daemon.wait_for("held", 1);
    let reason = held[0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("different") || reason.contains("other"), "{reason}");
    assert!(origin.stored()[&instance.sop_instance].ends_with(&instance.data_set), "the first one stays");
}

#[test]
fn a_copy_that_somebody_else_stored_is_compared() {
    for (same, state) in [(true, "delivered"), (false, "held")] {
        let origin = ScriptedOrigin::start([Answer::Duplicates, Answer::Duplicates, Answer::Duplicates]);
        let instance = Instance::ct(1, 1, 10_000);
        origin.put(if same { instance.file() } else { instance.with_other_content().file() });
        let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
        let daemon = home.start();
        store_all(daemon.dimse(), std::slice::from_ref(&instance));
        assert_eq!(daemon.wait_for(state, 1).len(), 1);
    }
}

#[test]
fn what_is_to_be_overwritten_is_deleted_and_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
    let configuration = Configuration::new()
        .origin("archive", origin.url())
        .set("origin.archive", "duplicate = \"overwrite\"")
        .set("origin.archive.capabilities", "delete = [\"instance\"]");
    let home = Home::new(&configuration);
    let daemon = home.start();
    let (first, beside) = (Instance::ct(1, 1, 10_000), Instance::ct(1, 2, 10_000));
    store_all(daemon.dimse(), &[first.clone(), beside.clone()]);
    daemon.settle();
    let second = first.with_other_content();
    store_all(daemon.dimse(), std::slice::from_ref(&second));
    eventually("the archive has the second", || {
        (origin.data_set(&second).as_ref() == Some(&second.data_set)).then_some(())
    });
    daemon.settle();
    assert_eq!((origin.count(), daemon.queue("state=held").len()), (2, 0));
    assert!(origin.data_set(&beside) == Some(beside.data_set), "the other one stays");
}
