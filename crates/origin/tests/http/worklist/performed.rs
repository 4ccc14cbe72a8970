use instance::Tag;
use reqwest::Method;
use serde_json::{Value, json};

use super::{element, post, send};
use crate::served::{Served, serve};

const BASE: &str = "/modality-performed-procedure-steps/1.2.3";

fn in_progress() -> Value {
    json!({
        "00080060": element("CS", "CT"),
        "00100020": element("LO", "P1"),
        "00400241": element("AE", "CT1"),
        "00400244": element("DA", "20260101"),
        "00400245": element("TM", "0930"),
        "00400252": element("CS", "IN PROGRESS"),
        "00400253": element("SH", "1"),
        "00400270": element("SQ", json!({ "0020000D": element("UI", "1.2.9") })),
    })
}

fn ended(status: &str) -> Value {
    json!({
        "00400250": element("DA", "20260101"),
        "00400251": element("TM", "1000"),
        "00400252": element("CS", status),
    })
}

fn completed() -> Value {
    let mut completed = ended("COMPLETED");
    completed["00400340"] = element("SQ", json!({ "0020000E": element("UI", "1.2.9.1") }));
    completed
}

/// The data set with an element in place of another, or without it.
fn with(mut data_set: Value, key: &str, element: Option<Value>) -> Value {
    match element {
        Some(element) => data_set[key] = element,
        None => drop(data_set.as_object_mut().unwrap().remove(key)),
    }
    data_set
}

async fn status_of(served: &Served) -> String {
    let step = served.json(BASE).await;
    step[0]["00400252"]["Value"][0].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_step_begins_goes_on_and_ends() {
    let served = serve().await;
    assert_eq!(served.status(BASE).await, 404);
    let created = send(&served, Method::POST, BASE, &in_progress()).await;
    assert_eq!(created.status(), 201);
    assert_eq!(created.headers()["location"], format!("{}{BASE}", served.base).as_str());
    assert_eq!(post(&served, BASE, &in_progress()).await, 409, "there is one");
    let more = json!({ "00400254": element("LO", "Head") });
    for resource in [format!("{BASE}?update"), format!("{BASE}/update")] {
        assert_eq!(post(&served, &resource, &more).await, 200, "{resource}");
    }
    assert_eq!(status_of(&served).await, "IN PROGRESS");
    // In an array too.
    assert_eq!(post(&served, &format!("{BASE}?update"), &json!([completed()])).await, 200);
    assert_eq!(status_of(&served).await, "COMPLETED");
    assert_eq!(post(&served, &format!("{BASE}?update"), &more).await, 409, "a final state");
    let step = served.json(BASE).await;
    assert_eq!(step[0]["00400254"]["Value"], json!(["Head"]));
    assert_eq!(step[0]["00080018"]["Value"], json!(["1.2.3"]));
    let shown = served.json(&format!("{BASE}?includefield=00400252")).await;
    assert_eq!(shown[0].as_object().unwrap().len(), 3);
    let kept = served.origin.performed_steps().await.unwrap();
    assert_eq!(kept[0].text(Tag(0x0040, 0x0252)).unwrap(), "COMPLETED");
    served.origin.remove_performed_step(&"1.2.3".parse().unwrap()).await.unwrap();
    assert_eq!(served.status(BASE).await, 410);
    assert_eq!(post(&served, &format!("{BASE}?update"), &more).await, 410);
    assert_eq!(post(&served, BASE, &in_progress()).await, 409, "a UID names one step for ever");
}

#[tokio::test]
async fn a_step_that_lacks_something_does_not_begin() {
    let served = serve().await;
    let cases = [
        with(in_progress(), "00080060", None),
        with(in_progress(), "00400241", Some(json!({ "vr": "AE" }))),
        with(in_progress(), "00400244", None),
        with(in_progress(), "00400245", None),
        with(in_progress(), "00400252", None),
        with(in_progress(), "00400252", Some(element("CS", "COMPLETED"))),
        with(in_progress(), "00400253", None),
        with(in_progress(), "00400270", Some(element("SQ", json!({})))),
        with(in_progress(), "00080018", Some(element("UI", "1.2.4"))),
        json!([in_progress(), in_progress()]),
        json!(7),
    ];
    for body in cases {
        assert_eq!(post(&served, BASE, &body).await, 400, "{body}");
    }
    assert_eq!(post(&served, "/modality-performed-procedure-steps/x", &in_progress()).await, 400);
    assert_eq!(post(&served, &format!("{BASE}?upgrade"), &in_progress()).await, 400);
    let plain = served.post(BASE).header("content-type", "text/plain").body("{}").send().await.unwrap();
    assert_eq!(plain.status(), 415);
    assert_eq!(served.status(BASE).await, 404, "nothing was kept");
}

#[tokio::test]
async fn an_update_keeps_to_its_rules() {
    let served = serve().await;
    let update = format!("{BASE}?update");
    assert_eq!(post(&served, &update, &completed()).await, 404, "nothing to update");
    assert_eq!(post(&served, BASE, &in_progress()).await, 201);
    let cases = [
        ended("COMPLETED"),
        with(completed(), "00400251", None),
        with(ended("DISCONTINUED"), "00400250", None),
        json!({ "00400252": element("CS", "DONE") }),
        json!({ "00080060": element("CS", "MR") }),
        json!({ "00100020": element("LO", "P2") }),
        json!({ "00400270": element("SQ", json!({ "0020000D": element("UI", "1.2.10") })) }),
    ];
    for body in cases {
        assert_eq!(post(&served, &update, &body).await, 400, "{body}");
        assert_eq!(status_of(&served).await, "IN PROGRESS", "{body}");
    }
    assert_eq!(post(&served, &update, &ended("DISCONTINUED")).await, 200);
    assert_eq!(post(&served, &update, &ended("IN PROGRESS")).await, 409);
}
