use origin::Personality;
use reqwest::Method;
use serde_json::{Value, json};

use super::{element, item, post, send, values};
use crate::served::{Served, serve, serve_with};

const BASE: &str = "/workitems/1.2.3";

fn scheduled() -> Value {
    json!({
        "00100010": element("PN", json!({ "Alphabetic": "Doe^Jane" })),
        "00100020": element("LO", "P1"),
        "00404005": element("DT", "20260101093000"),
        "00404025": element("SQ", json!({ "00080100": element("SH", "CT1") })),
        "00404041": element("CS", "READY"),
        "0040A370": element("SQ", json!({ "00080050": element("SH", "A1") })),
        "00741000": element("CS", "SCHEDULED"),
        "00741200": element("CS", "MEDIUM"),
        "00741204": element("LO", "Head"),
        "00104000": element("LT", "a remark"),
    })
}

fn state(state: &str, transaction: &str) -> Value {
    json!({ "00741000": element("CS", state), "00081195": element("UI", transaction) })
}

async fn change(served: &Served, wanted: &str, transaction: &str) -> u16 {
    let body = json!([state(wanted, transaction)]);
    send(served, Method::PUT, &format!("{BASE}/state"), &body).await.status().as_u16()
}

async fn state_of(served: &Served) -> String {
    served.json(BASE).await[0]["00741000"]["Value"][0].as_str().unwrap().to_owned()
}

async fn limited() -> Served {
    serve_with(|options| options.personality = Personality::Limited).await
}

#[tokio::test]
async fn a_workitem_is_made_under_the_uid_that_it_is_given() {
    let served = serve().await;
    for resource in ["/workitems?1.2.3", "/workitems?workitem=1.2.4"] {
        let created = send(&served, Method::POST, resource, &scheduled()).await;
        assert_eq!(created.status(), 201, "{resource}");
        let uid = resource.rsplit(['?', '=']).next().unwrap();
        let location = format!("{}/workitems/{uid}", served.base);
        assert_eq!(created.headers()["location"], location.as_str());
        assert_eq!(created.headers()["content-location"], location.as_str());
        assert_eq!(post(&served, resource, &scheduled()).await, 409);
    }
    let mut stated = scheduled();
    stated["00080018"] = element("UI", "1.2.5");
    assert_eq!(post(&served, "/workitems", &stated).await, 201);
    assert_eq!(post(&served, "/workitems?1.2.6", &stated).await, 400, "two UIDs");
    assert_eq!(post(&served, "/workitems", &scheduled()).await, 201, "made by the origin");
    let uids = values(&served.json("/workitems").await, "00080018");
    assert_eq!(uids[..3], ["1.2.3", "1.2.4", "1.2.5"]);
    assert!(uids[3].starts_with("2.25."));
    for (key, spoilt) in [
        ("00741000", element("CS", "IN PROGRESS")),
        ("00081195", element("UI", "1.9")),
        ("00741200", json!({ "vr": "CS" })),
        ("00741204", json!({ "vr": "LO" })),
        ("00404005", json!({ "vr": "DT" })),
        ("00404041", json!({ "vr": "CS" })),
    ] {
        let mut body = scheduled();
        body[key] = spoilt;
        assert_eq!(post(&served, "/workitems", &body).await, 400, "{key}");
    }
}

/// PS3.4 §CC.1.1: every change of state, and who may make it.
#[tokio::test]
async fn states_change_as_the_standard_says() {
    let served = serve().await;
    assert_eq!(change(&served, "IN PROGRESS", "1.9").await, 404);
    assert_eq!(post(&served, "/workitems?1.2.3", &scheduled()).await, 201);
    let refused = [("COMPLETED", 409), ("CANCELED", 409), ("SCHEDULED", 400), ("DONE", 400)];
    for (wanted, status) in refused {
        assert_eq!(change(&served, wanted, "1.9").await, status, "{wanted}");
    }
    assert_eq!(change(&served, "IN PROGRESS", "").await, 400, "without a Transaction UID");
    let update = json!({ "00741204": element("LO", "Neck") });
    assert_eq!(post(&served, BASE, &update).await, 200);
    assert_eq!(post(&served, &format!("{BASE}?1.9"), &update).await, 400, "nobody owns it yet");
    assert_eq!(change(&served, "IN PROGRESS", "1.9").await, 200);
    assert_eq!(change(&served, "IN PROGRESS", "1.8").await, 409);
    assert!(!served.json(BASE).await[0].as_object().unwrap().contains_key("00081195"));
    for (resource, status) in
        [(BASE.to_owned(), 400), (format!("{BASE}?1.8"), 400), (format!("{BASE}?1.9"), 200)]
    {
        assert_eq!(post(&served, &resource, &update).await, status, "{resource}");
    }
    let secret = json!({ "00081195": element("UI", "1.8") });
    assert_eq!(post(&served, &format!("{BASE}?transaction-uid=1.9"), &secret).await, 400);
    assert_eq!(change(&served, "COMPLETED", "1.8").await, 400, "of somebody else");
    assert_eq!(change(&served, "COMPLETED", "1.9").await, 409, "nothing was performed");
    let performed = json!({ "00741216": element("SQ", json!({ "00404050": element("DT", "20260101") })) });
    assert_eq!(post(&served, &format!("{BASE}?1.9"), &performed).await, 200);
    assert_eq!(change(&served, "COMPLETED", "1.9").await, 200);
    let body = state("COMPLETED", "1.9");
    let again = send(&served, Method::PUT, &format!("{BASE}/state"), &body).await;
    assert_eq!(again.status(), 200);
    assert!(again.headers()["warning"].to_str().unwrap().contains("already"));
    assert_eq!(change(&served, "CANCELED", "1.9").await, 409);
    assert_eq!(post(&served, &format!("{BASE}?1.9"), &update).await, 409, "a final state");
    let kept = served.origin.workitem(&"1.2.3".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.uid(instance::Tag(0x0008, 0x1195)).unwrap().as_str(), "1.9");
    served.origin.remove_workitem(&"1.2.3".parse().unwrap()).await.unwrap();
    assert_eq!(served.status(BASE).await, 410);
}

#[tokio::test]
async fn a_cancellation_is_taken_or_refused() {
    for (served, in_progress) in [(serve().await, 202), (limited().await, 409)] {
        let cancel = format!("{BASE}/cancelrequest");
        assert_eq!(post(&served, &cancel, &json!({})).await, 404);
        served.origin.add_workitem(&"1.2.3".parse().unwrap(), item(&scheduled())).await.unwrap();
        assert_eq!(change(&served, "IN PROGRESS", "1.9").await, 200);
        assert_eq!(post(&served, &cancel, &json!({})).await, in_progress);
        assert_eq!(state_of(&served).await, "IN PROGRESS");
        served.origin.add_workitem(&"1.2.3".parse().unwrap(), item(&scheduled())).await.unwrap();
        assert_eq!(post(&served, &cancel, &json!({})).await, 202);
        assert_eq!(state_of(&served).await, "CANCELED");
        let again = send(&served, Method::POST, &cancel, &json!({})).await;
        assert_eq!(again.status(), 409);
        assert!(again.headers()["warning"].to_str().unwrap().contains("CANCELED"));
    }
}

#[tokio::test]
async fn workitems_are_searched() {
    let served = serve().await;
    let numbered = |number: usize| {
        let mut body = scheduled();
        body["00080018"] = element("UI", format!("1.2.{number}"));
        body["00404005"] = element("DT", format!("202601{:02}093000", number + 1));
        item(&body)
    };
    served.origin.add_workitems((0..5).map(numbered)).await.unwrap();
    let cases: &[(&str, &[&str])] = &[
        (
            "ReferencedRequestSequence.AccessionNumber=A1&00404005=20260102000000-20260103235959",
            &["1.2.1", "1.2.2"],
        ),
        ("PatientName=doe*&limit=9&offset=4", &["1.2.4"]),
        ("ProcedureStepState=IN%20PROGRESS", &[]),
    ];
    for (query, expected) in cases {
        let path = format!("/workitems?{query}");
        match expected {
            [] => assert_eq!(served.status(&path).await, 204, "{query}"),
            _ => assert_eq!(values(&served.json(&path).await, "00080018"), *expected, "{query}"),
        }
    }
    // PS3.18 §11.9.3: part of the results.
    let response = served.get("/workitems?limit=2").send().await.unwrap();
    assert_eq!(response.status(), 206);
    assert!(response.headers()["warning"].to_str().unwrap().contains("3 additional results"));
    let found: Value = response.json().await.unwrap();
    assert!(found[0].get("00104000").is_none());
    assert!(served.json("/workitems?includefield=all").await[0].get("00104000").is_some());
}

#[tokio::test]
async fn the_limited_personality_takes_as_little_as_it_says() {
    let served = limited().await;
    let workitems = (0..150).map(|number| {
        let mut body = scheduled();
        body["00080018"] = element("UI", format!("1.2.{number}"));
        item(&body)
    });
    served.origin.add_workitems(workitems).await.unwrap();
    for (query, status) in [
        ("PatientID=P1", 200),
        ("PatientName=doe%5Ejane", 200),
        ("PatientName=jan&fuzzymatching=true", 200),
        ("PatientName=doe*", 400),
        ("PatientID=", 400),
        ("AccessionNumber=A1", 400),
        ("0040A370.00080050=A1", 200),
        ("00404025.00080100=CT1", 200),
        ("00404005=20260101-20260102", 200),
        ("00404011=20260101", 400),
        ("limit=0", 400),
        ("limit=201", 400),
        ("limit=200&offset=150", 204),
    ] {
        assert_eq!(served.status(&format!("/workitems?{query}")).await, status, "{query}");
    }
    assert_eq!(served.json("/workitems").await.as_array().unwrap().len(), 100);
    assert_eq!(served.json("/workitems?limit=200").await.as_array().unwrap().len(), 150);
    assert_eq!(post(&served, "/workitems?1.3", &scheduled()).await, 400, "no array");
    assert_eq!(post(&served, "/workitems?1.3", &json!([scheduled()])).await, 201);
    assert_eq!(served.status("/workitems/1.4").await, 404);
}
