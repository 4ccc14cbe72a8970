//! What becomes of instances, with the stand-in.

use tests::daemon::Home;
use tests::instances::{Instance, element};

use super::searching;
use super::service::{Service, deliveries, one_at_a_time, only, replaced, requests, spooled, store};

fn patient_id(value: &str) -> Vec<u8> {
    element(0x0010, 0x0020, "LO", value.as_bytes())
}

/// An instance that the service refuses, since it has no Patient ID.
fn without_patient_id(study: u32, slice: u32) -> Instance {
    replaced(&Instance::ct(study, slice, 64), &patient_id("TEST-1"), &[])
}

pub(super) fn empty_content(service: &Service) {
    let before = service.requests("stow", "answered");
    let nothing = Instance { data_set: Vec::new(), ..Instance::ct(101, 1, 64) };
    assert_eq!([service.store(&nothing), service.store_and_wait(&nothing)], [0xA900; 2]);
    assert_eq!(service.deliveries(&nothing), Vec::<serde_json::Value>::new());
    assert_eq!(service.requests("stow", "answered"), before, "nothing was sent");
}

pub(super) fn invalid_study_uid(service: &Service) {
    let long = "1".repeat(65);
    let plain = Instance::ct(102, 1, 64);
    let study = |uid: &str| element(0x0020, 0x000D, "UI", uid.as_bytes());
    let wrong = replaced(&plain, &study(&plain.study), &study(&long));
    assert_eq!([service.store(&wrong), service.store_and_wait(&wrong)], [0xA900; 2]);
    assert_eq!(service.deliveries(&wrong), Vec::<serde_json::Value>::new());
    assert_eq!(searching::series_of(service, &long).last.status, 0xA900);
}

/// Three instances are due when the daemon starts, so that they go in one request.
pub(super) fn one_bad_part(service: &Service) {
    let configuration = one_at_a_time(service.configured());
    let home = Home::new(&configuration);
    let instances = [Instance::ct(103, 1, 64), without_patient_id(103, 2), Instance::ct(103, 3, 64)];
    let daemon = spooled(&home, &configuration, &instances.each_ref());
    let bad = deliveries(&daemon, &instances[1]);
    let (state, attempts, reason) = only(&bad);
    assert_eq!((state, attempts), ("held", 1), "{reason}");
    assert!(reason.contains("202 Accepted, failure reason A900"), "{reason}");
    for good in [&instances[0], &instances[2]] {
        let lines = deliveries(&daemon, good);
        assert_eq!((only(&lines).0, only(&lines).1), ("delivered", 1), "{lines:?}");
        assert!(service.archive.kept(good).is_some());
    }
    assert!(service.archive.kept(&instances[1]).is_none());
    assert_eq!(requests(&daemon, "stow", "answered"), 1.0, "one request for all");
    assert_eq!(service.store_and_wait(&without_patient_id(103, 4)), 0xA900, "where the peer waits");
}

pub(super) fn duplicates_follow_each_other(service: &Service) {
    let configuration = service.configured();
    let home = Home::new(&configuration);
    let instance = Instance::ct(104, 1, 64);
    let daemon = spooled(&home, &configuration, &[&instance, &instance]);
    let lines = deliveries(&daemon, &instance);
    let states: Vec<_> =
        lines.iter().map(|line| (line["state"].as_str(), line["attempts"].as_u64())).collect();
    assert_eq!(states, [(Some("delivered"), Some(1)); 2], "{lines:?}");
    assert!(service.archive.kept(&instance).is_some());
}

pub(super) fn an_existing_instance(service: &Service) {
    let first = Instance::ct(105, 1, 64);
    assert_eq!([service.store_and_wait(&first), service.store(&first)], [0x0000; 2]);
    assert_eq!(only(&service.deliveries(&first)).0, "delivered", "the same again");
    let other = first.with_other_content();
    assert_eq!(service.store_and_wait(&other), 0x0111);
    assert_eq!(service.store(&other), 0x0000);
    let lines = service.deliveries(&other);
    let held: Vec<_> = lines.iter().filter(|line| line["state"] == "held").collect();
    assert_eq!(held.len(), 1, "{lines:?}");
    assert_eq!(held[0]["reason"], "same UID, different content");
    assert_eq!(service.archive.kept(&first).unwrap().1, first.data_set, "the first one stays");
    let labels = [("destination", "archive"), ("outcome", "held")];
    assert!(service.daemon.metrics().sum("dimseway_deliveries_total", &labels) >= 1.0);
}

pub(super) fn single_part(service: &Service) {
    let single = "store_form = \"single-part\"";
    let home = Home::new(&service.configured().set("origin.archive.capabilities", single));
    let daemon = home.start();
    for (slice, calling) in [(1, "MODALITY"), (2, "WAITS")] {
        let instance = Instance::ct(106, slice, 64);
        assert_eq!(store(&daemon, calling, &instance), 0x0000);
        daemon.settle();
        assert!(service.archive.kept(&instance).is_some(), "{calling}");
    }
    assert_eq!(daemon.queue("state=held"), Vec::<serde_json::Value>::new());
}

pub(super) fn stored_bytes(service: &Service) {
    let instance = Instance::ct(107, 1, 4096);
    assert_eq!(service.store(&instance), 0x0000);
    let lines = service.deliveries(&instance);
    assert_eq!((only(&lines).0, only(&lines).1), ("delivered", 1), "{lines:?}");
    let kept = service.archive.kept(&instance).unwrap();
    assert!(kept == (instance.transfer_syntax, instance.data_set), "other bytes");
}

pub(super) fn several_values(service: &Service) {
    let name = |value: &str| element(0x0010, 0x0010, "PN", value.as_bytes());
    let instance =
        replaced(&Instance::ct(108, 1, 64), &name("Test^Patient"), &name(r"Test^Patient\Other^Name"));
    assert_eq!([service.store(&instance), service.store_and_wait(&instance)], [0x0000; 2]);
    let lines = service.deliveries(&instance);
    assert_eq!((only(&lines).0, only(&lines).1), ("delivered", 1), "{lines:?}");
}
