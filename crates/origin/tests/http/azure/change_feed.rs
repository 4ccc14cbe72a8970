use dataset::element::VR;
use instance::Tag;
use origin::azure::MemberNames;
use reqwest::{Method, header};
use serde_json::Value;

use super::{
    azure, azure_with,
    instances::{STUDY, Small},
};
use crate::served::Served;

/// Of each change the last part of its UID, what happened, and how it is now.
async fn changes(served: &Served, path: &str) -> Vec<String> {
    let found = served.json(path).await;
    let text = |one: &Value, member: &str| one[member].as_str().unwrap().to_owned();
    let line = |one: &Value| {
        let uid = text(one, "sopInstanceUid");
        let number = uid.rsplit('.').next().unwrap().to_owned();
        format!("{number} {} {}", text(one, "action"), text(one, "state"))
    };
    found.as_array().unwrap().iter().map(line).collect()
}

async fn delete(served: &Served, small: &Small) {
    let request = served.client.delete(format!("{}{}", served.base, small.path()));
    assert_eq!(request.send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn every_change_is_told_and_what_became_of_it() {
    let served = azure().await;
    assert_eq!(served.status("/changefeed/latest").await, 204);
    assert!(changes(&served, "/changefeed").await.is_empty());
    let (one, two) = (Small::new(1), Small::new(2));
    served.stored(&[one.clone(), two.clone()]).await;
    delete(&served, &one).await;
    served.stored(std::slice::from_ref(&one)).await;
    let renamed = two.clone().with(Tag::PATIENT_NAME, VR::PN, "Other");
    let put = served.client.request(Method::PUT, format!("{}/studies", served.base));
    let put = put.header(header::CONTENT_TYPE, "application/dicom").body(renamed.file());
    assert_eq!(put.send().await.unwrap().status(), 200);
    assert_eq!(served.store(&[one.file()]).await.status(), 409, "which changes nothing");
    let all = [
        "1 create replaced",
        "2 create replaced",
        "1 delete replaced",
        "1 create current",
        "2 update current",
    ];
    assert_eq!(changes(&served, "/changefeed").await, all);
    assert_eq!(changes(&served, "/changefeed?offset=1&limit=2").await, all[1..3]);
    let latest = served.json("/changefeed/latest").await;
    assert_eq!(latest["sequence"], 5);
    assert_eq!(latest["studyInstanceUid"], STUDY);
    assert_eq!(latest["metadata"]["00100010"]["Value"][0]["Alphabetic"], "Other");
    assert!(served.json("/changefeed/latest?includeMetadata=false").await.get("metadata").is_none());
    delete(&served, &two).await;
    let found = served.json("/changefeed?offset=4").await;
    assert_eq!((&found[0]["state"], found[0].get("metadata")), (&Value::from("deleted"), None));
}

#[tokio::test]
async fn a_window_of_time_includes_its_start_and_not_its_end() {
    let served = azure().await;
    served.stored(&[Small::new(1), Small::new(2), Small::new(3)]).await;
    let found = served.json("/changefeed?includeMetadata=false").await;
    let time = |position: usize| found[position]["timestamp"].as_str().unwrap().to_owned();
    let cases = [
        (format!("startTime={}", time(1)), 2),
        (format!("startTime={}&endTime={}", time(0), time(2)), 2),
        (format!("endTime={}", time(0)), 0),
        (format!("startTime={}&offset=2", time(1)), 0),
        (format!("startTime={}&limit=1", time(0)), 1),
    ];
    for (query, count) in cases {
        assert_eq!(changes(&served, &format!("/changefeed?{query}")).await.len(), count, "{query}");
    }
    for query in [
        "startTime=foo",
        "endTime=bar",
        "startTime=2023-05-03T10:58:00",
        "startTime=2023-05-03T10:58:00Z&endTime=2023-05-03T10:58:00Z",
        "limit=201",
    ] {
        assert_eq!(served.status(&format!("/changefeed?{query}")).await, 400, "{query}");
    }
}

#[tokio::test]
async fn the_first_version_counts_by_sequence() {
    let mut served = azure().await;
    served.base = served.base.replace("/v2", "/v1");
    let all: Vec<_> = (1..=12).map(Small::new).collect();
    served.stored(&all).await;
    assert_eq!(changes(&served, "/changefeed").await.len(), 10);
    let behind = changes(&served, "/changefeed?offset=10&limit=5").await;
    assert_eq!(behind, ["11 create current", "12 create current"]);
    assert_eq!(served.status("/changefeed?limit=101").await, 400);
}

#[tokio::test]
async fn members_may_be_written_as_the_documents_show_them() {
    let served = azure_with(|options| options.azure.member_names = MemberNames::UpperFirst).await;
    served.stored(&[Small::new(1)]).await;
    let found = served.json("/changefeed").await;
    assert_eq!(found[0]["Action"], "create");
    assert!(found[0]["Metadata"].is_object());
}

#[tokio::test]
async fn changes_are_there_after_a_restart() {
    let served = azure().await;
    served.stored(&[Small::new(1)]).await;
    let directory = served.folder.path().join("origin");
    let again = origin::Origin::open(&directory, origin::Personality::Azure).unwrap();
    assert_eq!(again.instance_count().await.unwrap(), 1);
    assert_eq!(changes(&served, "/changefeed").await, ["1 create current"]);
}
