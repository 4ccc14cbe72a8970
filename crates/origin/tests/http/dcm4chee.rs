//! dcm4chee-arc-light, as far as its conformance statement goes.

use origin::{Personality, synthetic::Study};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    served::{Served, file, multipart, path, serve_with},
    worklist::{element, item},
};

async fn dcm4chee() -> Served {
    serve_with(|options| options.personality = Personality::Dcm4chee).await
}

#[tokio::test]
async fn the_first_instance_of_a_uid_stays_and_the_second_is_called_stored() {
    let served = dcm4chee().await;
    assert!(served.base.ends_with("/dcm4chee-arc/aets/DCM4CHEE/rs"), "{}", served.base);
    let instance = Study::new(1, 1).instance(0);
    let first = file(&instance);
    let mut other = first.clone();
    *other.last_mut().unwrap() ^= 1;
    for file in [first.clone(), first.clone(), other] {
        let response = served.store(&[file]).await;
        assert_eq!(response.status(), 200);
        let answer: Value = response.json().await.unwrap();
        let url = format!("{}{}", served.base, path(&instance));
        assert_eq!(answer["00081199"]["Value"][0]["00081190"]["Value"], json!([url]));
    }
    let request = served.get(&path(&instance));
    let request = request.header(header::ACCEPT, "application/dicom; transfer-syntax=*");
    assert_eq!(request.send().await.unwrap().bytes().await.unwrap(), first);
    // What is no instance fails, and does not keep the other one back.
    let (content_type, body) = multipart(&[b"nonsense".to_vec(), file(&Study::new(2, 1).instance(0))]);
    let request = served.post("/studies").header(header::CONTENT_TYPE, content_type).body(body);
    assert_eq!(request.send().await.unwrap().status(), 202);
    assert_eq!(served.store(&[b"nonsense".to_vec()]).await.status(), 409);
}

#[tokio::test]
async fn keys_that_it_does_not_know_are_ignored_and_others_matched_with_wildcards() {
    let served = dcm4chee().await;
    assert_eq!(served.store(&[file(&Study::new(1, 1).instance(0))]).await.status(), 200);
    for (query, status, warned) in [
        ("PatientID=SYNTHETIC-00000001", 200, false),
        ("PatientID=SYNTHETIC-*", 200, false),
        ("PatientID=NOBODY", 204, false),
        ("PatientBirthDate=19010101", 200, true),
        ("PatientSex=X&PatientID=NOBODY", 204, true),
    ] {
        let response = served.get(&format!("/studies?{query}")).send().await.unwrap();
        assert_eq!(response.status(), status, "{query}");
        assert_eq!(response.headers().contains_key(header::WARNING), warned, "{query}");
    }
}

#[tokio::test]
async fn studies_alone_are_deleted() {
    let served = dcm4chee().await;
    let instance = Study::new(1, 1).instance(0);
    assert_eq!(served.store(&[file(&instance)]).await.status(), 200);
    let path = path(&instance);
    let (series, study) = (path.split("/instances/").next().unwrap(), path.split("/series/").next().unwrap());
    for (path, status) in [(path.as_str(), 405), (series, 405), (study, 204), (study, 404)] {
        let request = served.client.request(Method::DELETE, format!("{}{path}", served.base));
        assert_eq!(request.send().await.unwrap().status(), status, "{path}");
    }
}

#[tokio::test]
async fn scheduled_steps_are_where_they_were_before_the_standard_had_them() {
    let served = dcm4chee().await;
    let step = json!({
        "00100020": element("LO", "P1"),
        "00400100": element("SQ", json!({ "00400001": element("AE", "CT1") })),
    });
    served.origin.add_scheduled_steps([("1".to_owned(), item(&step))]).await.unwrap();
    assert_eq!(served.json("/mwlitems?00400100.00400001=CT1").await[0]["00100020"]["Value"], json!(["P1"]));
    assert_eq!(served.status("/mwlitems?PatientID=P2").await, 204);
    assert_eq!(served.status("/modality-scheduled-procedure-steps").await, 404);
    assert_eq!(served.status("/modality-performed-procedure-steps/1.2.3").await, 404);
    assert_eq!(served.status("/workitems").await, 204);
}
