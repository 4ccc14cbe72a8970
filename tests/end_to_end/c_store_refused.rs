//! Objects that cannot be kept are refused with the status of PS3.4 §B.2.3, and nothing is stored.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::{CT_IMAGE_STORAGE, Instance, element};
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::Sender;
use tests::wait::eventually;

/// A data set of the identity elements given, and some pixels.
fn data_set(elements: &[(u16, u16, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (group, number, uid) in elements {
        bytes.extend(element(*group, *number, "UI", uid.as_bytes()));
    }
    bytes.extend(element(0x7FE0, 0x0010, "OW", &[1; 1000]));
    bytes
}

#[test]
fn an_identity_that_is_missing_or_differs_names_the_element() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let good = Instance::ct(1, 1, 1000);
    let class = (0x0008, 0x0016, CT_IMAGE_STORAGE);
    let sop = (0x0008, 0x0018, good.sop_instance.as_str());
    let study = (0x0020, 0x000D, "1.2.3");
    let series = (0x0020, 0x000E, "1.2.3.4");
    let table = [
        (data_set(&[class, (0x0008, 0x0018, "1.9.9"), study, series]), (0x0008, 0x0018)),
        (data_set(&[(0x0008, 0x0016, "1.9.9"), sop, study, series]), (0x0008, 0x0016)),
        (data_set(&[class, study, series]), (0x0008, 0x0018)),
        (data_set(&[class, sop, series]), (0x0020, 0x000D)),
        (data_set(&[class, sop, study]), (0x0020, 0x000E)),
        (data_set(&[class, sop, (0x0020, 0x000D, ""), series]), (0x0020, 0x000D)),
        (data_set(&[class, sop, (0x0020, 0x000D, "not a uid"), series]), (0x0020, 0x000D)),
    ];
    let mut sender = Sender::open(daemon.dimse(), [&good]);
    for (bytes, offending) in table {
        let instance = Instance { data_set: bytes, ..good.clone() };
        let response = sender.store(&instance).expect("an answer");
        assert_eq!(response.status, 0xA900, "{offending:04X?}: {response:?}");
        assert_eq!(response.offending_elements, [offending], "{response:?}");
        assert!(!response.error_comment.is_empty());
    }
    assert_eq!(sender.store(&good).expect("an answer").status, 0x0000, "the association goes on");
    sender.release();
    eventually("the good one is in the archive", || (origin.count() == 1).then_some(()));
    assert_eq!(daemon.metrics().sum("dimseway_dimse_messages_total", &[("status", "A900")]), 7.0);
}

#[test]
fn a_data_set_that_cannot_be_read_is_refused() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let good = Instance::ct(1, 1, 1000);
    let mut truncated = good.data_set.clone();
    truncated.truncate(100);
    let table: [(&str, Vec<u8>); 4] = [
        ("empty", Vec::new()),
        ("noise", vec![0xFF; 5000]),
        ("text", b"GET / HTTP/1.1\r\nhost: here\r\n\r\n".repeat(50)),
        ("cut before the identity", truncated),
    ];
    let mut sender = Sender::open(daemon.dimse(), [&good]);
    for (name, bytes) in table {
        let response = sender.store(&Instance { data_set: bytes, ..good.clone() }).expect("an answer");
        assert!(matches!(response.status, 0xC000..=0xCFFF | 0xA900), "{name}: {response:?}");
    }
    assert_eq!(sender.store(&good).expect("an answer").status, 0x0000, "the association goes on");
    sender.release();
    eventually("the good one is in the archive", || (origin.count() == 1).then_some(()));
    assert_eq!(daemon.metrics().sum("dimseway_panics_total", &[]), 0.0);
}

#[test]
fn odd_and_empty_values_are_no_reason_to_refuse() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let mut instance = Instance::ct(1, 1, 1000);
    // A private creator of odd length, an empty value, and an odd length, all before the identity.
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&[0x08, 0x00, 0x05, 0x00, b'C', b'S', 0, 0]);
    bytes.extend_from_slice(&[0x08, 0x00, 0x08, 0x00, b'C', b'S', 3, 0, b'A', b'B', b'C']);
    let identity =
        instance.data_set.windows(4).position(|window| window == [0x08, 0x00, 0x16, 0x00]).unwrap();
    bytes.extend_from_slice(&instance.data_set[identity..]);
    instance.data_set = bytes;
    tests::sender::store_all(daemon.dimse(), std::slice::from_ref(&instance));
    eventually("it is in the archive", || (origin.count() == 1).then_some(()));
    let file = &origin.stored()[&instance.sop_instance];
    assert!(file.ends_with(&instance.data_set));
}
