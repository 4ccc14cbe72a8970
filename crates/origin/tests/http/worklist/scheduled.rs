use serde_json::{Value, json};

use super::{element, item, values};
use crate::served::{Served, serve, serve_with};
use origin::Personality;

fn step(number: usize, station: &str, date: &str) -> Value {
    json!({
        "00100010": element("PN", json!({ "Alphabetic": format!("Doe{number}^Jane") })),
        "00100020": element("LO", format!("P{number}")),
        "00080050": element("SH", format!("A{number}")),
        "00104000": element("LT", "a remark"),
        "00400100": element("SQ", json!({
            "00400001": element("AE", station),
            "00400002": element("DA", date),
            "00080060": element("CS", "CT"),
        })),
    })
}

async fn with_steps(count: usize) -> Served {
    let served = serve().await;
    let steps = (0..count).map(|number| {
        let station = if number % 2 == 0 { "CT1" } else { "CT2" };
        (number.to_string(), item(&step(number, station, &format!("202601{:02}", number + 1))))
    });
    served.origin.add_scheduled_steps(steps).await.unwrap();
    served
}

#[tokio::test]
async fn steps_are_matched_beside_the_step_and_in_it() {
    let served = with_steps(4).await;
    let base = "/modality-scheduled-procedure-steps";
    let cases: &[(&str, &[&str])] = &[
        ("", &["P0", "P1", "P2", "P3"]),
        ("?PatientID=P1", &["P1"]),
        ("?00100020=P1&00080050=A2", &[]),
        ("?PatientName=doe2%5E*", &["P2"]),
        ("?PatientName=jane%20doe3&fuzzymatching=true", &["P3"]),
        ("?00400100.00400001=CT2", &["P1", "P3"]),
        ("?ScheduledProcedureStepSequence.ScheduledProcedureStepStartDate=20260102-20260103", &["P1", "P2"]),
        ("?00400100.00400002=20260102-&00400100.00400001=CT1", &["P2"]),
        ("?AccessionNumber=", &["P0", "P1", "P2", "P3"]),
        ("?offset=1&limit=2", &["P1", "P2"]),
        ("?offset=4", &[]),
    ];
    for (query, expected) in cases {
        let response = served.get(&format!("{base}{query}")).send().await.unwrap();
        if expected.is_empty() {
            assert_eq!(response.status(), 204, "{query}");
            continue;
        }
        assert_eq!(response.status(), 200, "{query}");
        assert_eq!(response.headers()["content-type"], "application/dicom+json");
        assert!(!response.headers().contains_key("warning"), "{query}");
        assert_eq!(values(&response.json().await.unwrap(), "00100020"), *expected, "{query}");
    }
}

#[tokio::test]
async fn results_have_the_return_keys_and_what_was_asked_for() {
    let served = with_steps(1).await;
    let base = "/modality-scheduled-procedure-steps";
    let plain = served.json(base).await;
    // Of type 2 without a value; of type 3 not there.
    assert_eq!(plain[0]["00100030"], json!({ "vr": "DA" }));
    assert!(plain[0].get("00104000").is_none());
    assert_eq!(plain[0]["00400100"]["Value"][0]["00400001"]["Value"], json!(["CT1"]));
    for query in ["?includefield=00104000", "?includefield=all", "?PatientComments=a%20*"] {
        let found = served.json(&format!("{base}{query}")).await;
        assert_eq!(found[0]["00104000"]["Value"], json!(["a remark"]), "{query}");
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused() {
    let served = with_steps(1).await;
    let base = "/modality-scheduled-procedure-steps";
    for query in
        ["?NoSuchAttribute=1", "?limit=x", "?00400100.00400002=tomorrow", "?includefield=nothing", "?%FF=1"]
    {
        assert_eq!(served.status(&format!("{base}{query}")).await, 400, "{query}");
    }
    let many = format!("{base}?{}", "PatientID=1&".repeat(1001));
    assert_eq!(served.status(&many).await, 413);
    let response = served.get(base).header("accept", "text/html").send().await.unwrap();
    assert_eq!(response.status(), 406);
    assert_eq!(served.post(base).send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn more_than_an_answer_holds_is_announced() {
    let served = serve_with(|options| options.limits.matches_max = 2).await;
    let steps = (0..5).map(|number| (number.to_string(), item(&step(number, "CT1", "20260101"))));
    served.origin.add_scheduled_steps(steps).await.unwrap();
    let base = "/modality-scheduled-procedure-steps";
    let response = served.get(base).send().await.unwrap();
    let warning = response.headers()["warning"].to_str().unwrap().to_owned();
    assert!(warning.contains("There are 3 additional results"), "{warning}");
    assert_eq!(values(&response.json().await.unwrap(), "00100020"), ["P0", "P1"]);
}

#[tokio::test]
async fn a_step_is_replaced_by_its_key_and_all_can_go() {
    let served = with_steps(2).await;
    served.origin.add_scheduled_step("1", item(&step(7, "CT1", "20260101"))).await.unwrap();
    let base = "/modality-scheduled-procedure-steps";
    assert_eq!(values(&served.json(base).await, "00100020"), ["P0", "P7"]);
    assert_eq!(served.origin.scheduled_steps().await.unwrap().len(), 2);
    served.origin.clear_scheduled_steps().await.unwrap();
    assert_eq!(served.status(base).await, 204);
}

#[tokio::test]
async fn other_personalities_have_none() {
    for personality in [Personality::Limited, Personality::PostDicom] {
        let served = serve_with(|options| {
            options.personality = personality;
            options.credentials = None;
        })
        .await;
        assert_eq!(served.status("/modality-scheduled-procedure-steps").await, 404, "{personality}");
    }
    let served = serve_with(|options| options.personality = Personality::PostDicom).await;
    assert!(served.origin.scheduled_steps().await.is_err());
}
