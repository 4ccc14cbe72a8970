use reqwest::{Method, Response, header};
use serde_json::{Value, json};

use super::{as_listed, azure};
use crate::served::Served;

fn workitem() -> Value {
    let code = json!([{ "00080100": { "vr": "SH", "Value": ["CT1"] } }]);
    json!([{
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Doe^Jane" }] },
        "00100020": { "vr": "LO", "Value": ["P1"] },
        "00404005": { "vr": "DT", "Value": ["20260101093000"] },
        "00404025": { "vr": "SQ", "Value": code },
        "00404041": { "vr": "CS", "Value": ["READY"] },
        "00741000": { "vr": "CS", "Value": ["SCHEDULED"] },
        "00741200": { "vr": "CS", "Value": ["MEDIUM"] },
        "00741204": { "vr": "LO", "Value": ["Head"] },
    }])
}

fn state(state: &str, transaction: &str) -> Value {
    json!([{
        "00741000": { "vr": "CS", "Value": [state] },
        "00081195": { "vr": "UI", "Value": [transaction] },
    }])
}

async fn send(served: &Served, method: Method, path: &str, body: &Value) -> Response {
    let request = served.client.request(method, format!("{}{path}", served.base));
    let request = request.header(header::CONTENT_TYPE, "application/dicom+json").body(body.to_string());
    request.send().await.unwrap()
}

#[tokio::test]
async fn workitem_scenarios() {
    let served = azure().await;
    let none = json!([{}]);
    let label = json!([{ "00741204": { "vr": "LO", "Value": ["Neck"] } }]);
    let spoilt = json!([{ "00741000": { "vr": "CS", "Value": ["IN PROGRESS"] } }]);
    let (post, put) = (Method::POST, Method::PUT);
    let steps = [
        ("cancel an unknown one", &post, "/workitems/1.2.3/cancelrequest", &none, 404),
        ("update an unknown one", &post, "/workitems/1.2.3", &label, 404),
        (
            "change the state of an unknown one",
            &put,
            "/workitems/1.2.3/state",
            &state("IN PROGRESS", "1.9"),
            404,
        ),
        ("create without what is required", &post, "/workitems?1.2.3", &spoilt, 400),
        ("create", &post, "/workitems?1.2.3", &workitem(), 201),
        ("create again", &post, "/workitems?1.2.3", &workitem(), 409),
        ("update without a transaction", &post, "/workitems/1.2.3", &label, 200),
        ("update of the state", &post, "/workitems/1.2.3", &spoilt, 400),
        ("complete what nobody began", &put, "/workitems/1.2.3/state", &state("COMPLETED", "1.9"), 409),
        ("begin", &put, "/workitems/1.2.3/state", &state("IN PROGRESS", "1.9"), 200),
        ("update without the transaction", &post, "/workitems/1.2.3", &label, 400),
        ("update with the transaction", &post, "/workitems/1.2.3?1.9", &label, 200),
        ("cancel what is in progress", &post, "/workitems/1.2.3/cancelrequest", &none, 409),
        ("complete for somebody else", &put, "/workitems/1.2.3/state", &state("COMPLETED", "1.8"), 400),
        ("complete", &put, "/workitems/1.2.3/state", &state("COMPLETED", "1.9"), 200),
        ("update what is complete", &post, "/workitems/1.2.3?1.9", &label, 400),
        ("create another", &post, "/workitems?1.2.4", &workitem(), 201),
        ("cancel", &post, "/workitems/1.2.4/cancelrequest", &none, 202),
        ("cancel twice", &post, "/workitems/1.2.4/cancelrequest", &none, 409),
    ];
    for (name, method, path, body, status) in steps {
        let response = send(&served, method.clone(), path, body).await;
        let warned = response.headers().contains_key("warning");
        assert_eq!(response.status(), status, "{name}: {}", response.text().await.unwrap());
        assert_eq!(warned, name == "cancel twice", "{name}");
        as_listed(name, status);
    }
    let found = served.json("/workitems/1.2.3").await;
    assert!(found[0].get("00081195").is_none(), "the transaction is nobody's business");
    for (query, status) in [
        ("PatientID=P1", 200),
        ("ScheduledStationNameCodeSequence.CodeValue=CT1", 200),
        ("ProcedureStepState=SCHEDULED", 204),
        ("ScheduledProcedureStepStartDateTime=20260101-20260102", 200),
        ("PatientSex=F", 400),
        ("limit=201", 400),
        ("limit=0", 400),
    ] {
        assert_eq!(served.status(&format!("/workitems?{query}")).await, status, "{query}");
    }
    let text = served.post("/workitems?1.2.9").header(header::CONTENT_TYPE, "text/plain").body("x");
    assert_eq!(text.send().await.unwrap().status(), 415);
    assert_eq!(served.status("/workitems/1.2.9").await, 404);
}
