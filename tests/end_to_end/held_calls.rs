//! Reports of performed procedure steps that a sink refuses: a person sees them, and decides.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::dcmtk::free_port;
use tests::http::{self, Answer};
use tests::step_origin::StepOrigin;
use tests::wait::eventually;

const STEP: &str = "/modality-performed-procedure-steps/2.25.77";
const TOKEN: &str = "0123456789abcdef";

fn text(vr: &str, value: &str) -> Value {
    json!({ "vr": vr, "Value": [value] })
}

fn begun() -> Value {
    json!({
        "00080060": text("CS", "CT"),
        "00081032": { "vr": "SQ" }, "00081120": { "vr": "SQ" },
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Doe^Jane" }] },
        "00100020": text("LO", "P1"),
        "00100030": { "vr": "DA" }, "00100040": { "vr": "CS" }, "00200010": { "vr": "SH" },
        "00400241": text("AE", "CT1"),
        "00400242": { "vr": "SH" }, "00400243": { "vr": "SH" },
        "00400244": text("DA", "20261122"),
        "00400245": text("TM", "101500"),
        "00400250": { "vr": "DA" }, "00400251": { "vr": "TM" },
        "00400252": text("CS", "IN PROGRESS"),
        "00400253": text("SH", "PPS1"),
        "00400254": { "vr": "LO" }, "00400255": { "vr": "LO" },
        "00400260": { "vr": "SQ" }, "00400340": { "vr": "SQ" },
        "00400270": { "vr": "SQ", "Value": [{
            "0020000D": text("UI", "2.25.1"),
            "00080050": { "vr": "SH" }, "00081110": { "vr": "SQ" }, "00321060": { "vr": "LO" },
            "00400007": { "vr": "LO" }, "00400008": { "vr": "SQ" }, "00400009": { "vr": "SH" },
            "00401001": { "vr": "SH" },
        }] },
    })
}

fn completed() -> Value {
    json!({
        "00400250": text("DA", "20261122"),
        "00400251": text("TM", "103000"),
        "00400252": text("CS", "COMPLETED"),
        "00400340": { "vr": "SQ", "Value": [{
            "00081050": { "vr": "PN" }, "00081070": { "vr": "PN" }, "0008103E": { "vr": "LO" },
            "00181030": text("LO", "Chest"),
            "0020000E": text("UI", "2.25.4712"),
            "00080054": { "vr": "AE" }, "00081140": { "vr": "SQ" }, "00400220": { "vr": "SQ" },
        }] },
    })
}

fn post(base: &str, path: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("content-type", "application/dicom+json"), ("authorization", authorization.as_str())];
    http::request("POST", &format!("{base}{path}"), &headers, body.to_string().into_bytes())
        .expect("an answer")
}

/// The front door of a daemon.
fn door(home: &Home) -> String {
    let ready: Value =
        serde_json::from_str(&fs::read_to_string(home.path().join("ready.json")).unwrap()).unwrap();
    format!("http://{}", ready["web"].as_str().unwrap())
}

fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn calls(home: &Home, arguments: &[&str]) -> Value {
    let output = home.run(&[&["calls", "--json"], arguments].concat());
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits for the one call that is held, and gives its number.
fn wait_for_held(home: &Home, daemon: &Daemon) -> u64 {
    eventually("the report is held", || {
        let held = [("to", "steps"), ("state", "held")];
        (daemon.metrics().sum("dimseway_calls", &held) == 1.0).then_some(())
    });
    let page = calls(home, &["list", "--state", "held"]);
    page["calls"][0]["call"].as_u64().unwrap()
}

#[test]
fn a_person_sees_what_is_held_and_lets_it_be_made_or_discards_it() {
    let folder = tempfile::tempdir().unwrap();
    let origin = StepOrigin::start(&folder.path().join("origin"));
    // Somebody else's step of the same UID: PS3.18 §15 answers 409.
    assert_eq!(post(&origin.url(), STEP, &begun()).status, 201);
    let configuration = Configuration::new()
        .set("admin", &format!("listen = \"127.0.0.1:{}\"", free_port()))
        .origin("steps", &origin.url())
        .set("mpps", "update_worklist = false")
        .set("mpps.back_off", "min = \"50ms\"")
        .set("mpps_sink.steps", "type = \"mpps-rs\"")
        .set("mpps_sink.steps", "origin = \"steps\"")
        .set("web", "listen = \"127.0.0.1:0\"")
        .set("web", "token_file = \"token\"");
    let home = Home::new(&configuration);
    fs::write(home.path().join("token"), TOKEN).unwrap();
    let daemon = home.start();
    assert_eq!(post(&door(&home), STEP, &begun()).status, 201, "accepted, whatever the sink says");
    let call = wait_for_held(&home, &daemon).to_string();

    let shown = calls(&home, &["show", &call]);
    assert_eq!(shown["says"], "report 1 of 2.25.77: N-CREATE, IN PROGRESS");
    assert_eq!((&shown["to"], &shown["about"]), (&json!("steps"), &json!("2.25.77")));
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("held"), &json!("the origin has a step of this UID"))
    );
    let listed = said(&home.run(&["calls", "list"]));
    assert!(
        listed.contains("steps  held") && listed.contains("the origin has a step of this UID"),
        "{listed}"
    );
    let page = daemon.get("/").text();
    assert!(page.contains("Reports on their way") && page.contains("held"), "{page}");
    for text in [shown.to_string(), listed, page, daemon.log()] {
        assert!(!text.contains("Doe") && !text.contains("Jane"), "nothing about a patient: {text}");
    }
    assert_eq!(daemon.get("/api/v1/calls?state=waiting").json()["calls"], json!([]));
    for (path, status) in [("calls/999", 404), ("calls/x", 400), ("calls?state=lost", 400)] {
        assert_eq!(daemon.get(&format!("/api/v1/{path}")).status, status, "{path}");
    }
    assert_eq!(daemon.request("POST", "/api/v1/calls/retry", &json!({})).status, 400);
    assert_eq!(daemon.request("POST", "/api/v1/calls/forget", &json!({ "calls": [1] })).status, 404);

    // Without a daemon the spool is looked at, and changed under its lock.
    daemon.kill();
    assert_eq!(calls(&home, &["show", &call]), shown);
    assert_eq!(calls(&home, &["retry", &call]), json!({ "calls": 1 }));
    assert_eq!(calls(&home, &["list", "--state", "held"])["calls"], json!([]));
    let daemon = home.start();
    assert_eq!(wait_for_held(&home, &daemon).to_string(), call, "the origin has not changed its mind");

    assert_eq!(home.run(&["calls", "discard", &call]).status.code(), Some(64), "--yes is missing");
    assert_eq!(home.run(&["calls", "discard", "--yes"]).status.code(), Some(64), "nothing is selected");
    assert_eq!(home.run(&["calls", "retry", "999"]).status.code(), Some(65));
    assert_eq!(calls(&home, &["discard", "--held", "steps", "--yes"]), json!({ "calls": 1 }));
    assert_eq!(said(&home.run(&["calls", "list"])), "nothing\n");
    // What comes after it is delivered.
    assert_eq!(post(&door(&home), &format!("{STEP}?update"), &completed()).status, 200);
    eventually("the end of the step is delivered", || {
        let step = origin.performed_steps().remove(0);
        (step["00400252"]["Value"][0] == "COMPLETED").then_some(())
    });
    eventually("no call is left", || (daemon.metrics().sum("dimseway_calls", &[]) == 0.0).then_some(()));
}
