//! Requests that cannot be carried out (PS3.4 §F.7.2), as a modality of other hands sees their answers.

use serde_json::Value;
use tests::worklist::{Order, orders};

use super::{create, discontinued, ended, get, in_progress_of, report, set, wait_until_shown};
use crate::worklist::{Site, wait_for_all};

const UID: &str = "2.25.501";

/// A list without an attribute.
fn without(mut list: Value, tag: &str) -> Value {
    list.as_object_mut().expect("a data set").remove(tag);
    list
}

/// A list with another value.
fn with(mut list: Value, tag: &str, vr: &str, value: &str) -> Value {
    list[tag] = super::element(vr, value);
    list
}

#[test]
fn every_mistake_has_its_status() {
    let site = Site::with(&orders(), |configuration| configuration.set("mpps", "update_worklist = true"));
    let daemon = site.home.start();
    wait_for_all(&daemon);
    let order = Order::new(0);
    let list = || in_progress_of(&daemon, &order);
    // pynetdicom shows the list of attributes of N-SET and N-GET alone.
    let table = [
        ("N-SET before N-CREATE", set(UID, ended("COMPLETED")), 0x0112, vec![]),
        ("N-GET before N-CREATE", get(UID, &[]), 0x0112, vec![]),
        (
            "N-CREATE of a step that is done",
            create(UID, with(list(), "00400252", "CS", "COMPLETED")),
            0x0106,
            vec![],
        ),
        ("N-CREATE without a modality", create(UID, without(list(), "00080060")), 0x0120, vec![]),
        ("N-CREATE with an empty modality", create(UID, with(list(), "00080060", "CS", "")), 0x0121, vec![]),
        ("N-CREATE without a status", create(UID, without(list(), "00400252")), 0x0120, vec![]),
        ("N-CREATE", create(UID, list()), 0x0000, vec![]),
        ("N-CREATE of the same step", create(UID, list()), 0x0111, vec![]),
        ("a second step for the same order", create("2.25.502", list()), 0x0000, vec![]),
        (
            "N-SET of another patient",
            set(UID, with(ended("COMPLETED"), "00100020", "LO", "OTHER")),
            0x0105,
            vec!["00100020"],
        ),
        (
            "N-SET of an unknown status",
            set(UID, with(ended("COMPLETED"), "00400252", "CS", "DONE")),
            0x0106,
            vec![],
        ),
        ("N-SET without series", set(UID, without(ended("COMPLETED"), "00400340")), 0x0121, vec![]),
        ("N-SET", set(UID, ended("COMPLETED")), 0x0000, vec![]),
        ("N-SET of a completed step", set(UID, ended("COMPLETED")), 0x0110, vec![]),
        (
            "the other step, by mistake",
            set("2.25.502", discontinued("110514", "Incorrect worklist entry selected")),
            0x0000,
            vec![],
        ),
        ("N-SET of a discontinued step", set("2.25.502", ended("COMPLETED")), 0x0110, vec![]),
        ("N-GET of what was done", get(UID, &["00400252"]), 0x0000, vec![]),
    ];
    let requests: Vec<_> = table.iter().map(|(_, request, ..)| request.clone()).collect();
    let Some(answers) = report(daemon.dimse(), &requests) else { return };
    let mut wrong = Vec::new();
    for ((name, _, status, tags), answer) in table.iter().zip(&answers) {
        if answer.status() != *status || answer.tags() != *tags {
            wrong.push(format!("{name}: {answer:?}"));
        }
        if *status == 0x0110 {
            assert_eq!(answer.error_id(), Some(0xA710), "{name}: {answer:?}");
            assert_eq!(answer.comment(), "Performed Procedure Step Object may no longer be updated");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // One was done, the other was a mistake: it is done.
    wait_until_shown(&daemon, &order, None);
    assert!(!daemon.log().contains(order.patient_name()), "nothing about a patient is logged");
}
