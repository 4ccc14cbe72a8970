use origin::{
    Credentials,
    synthetic::{Instance, Study},
};
use reqwest::header;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::served::{Served, file, multipart, path, serve, serve_with};

/// The same UIDs with one pixel changed.
fn changed(instance: &Instance) -> Vec<u8> {
    let mut file = file(instance);
    *file.last_mut().unwrap() ^= 1;
    file
}

/// SOP Instance UID and Failure Reason of each item of a sequence.
fn items(answer: &Value, sequence: &str) -> Vec<(Value, Value)> {
    let items = answer[sequence]["Value"].as_array().cloned().unwrap_or_default();
    let pair = |item: &Value| (item["00081155"]["Value"][0].clone(), item["00081197"]["Value"][0].clone());
    items.iter().map(pair).collect()
}

#[tokio::test]
async fn keeps_every_byte_of_a_study() {
    let served = serve().await;
    let study = Study::new(1, 3);
    let files: Vec<_> = study.instances().map(|instance| file(&instance)).collect();
    let response = served.store(&files).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/dicom+json");
    let answer: Value = response.json().await.unwrap();
    let study_url = format!("{}/studies/{}", served.base, study.study_instance_uid());
    assert_eq!(answer["00081190"]["Value"], json!([study_url]));
    assert!(answer.get("00081198").is_none());
    for (index, instance) in study.instances().enumerate() {
        let item = &answer["00081199"]["Value"][index];
        let identity = instance.identity();
        assert_eq!(item["00081150"]["Value"][0], identity.sop_class_uid.as_str());
        assert_eq!(item["00081155"]["Value"][0], identity.sop_instance_uid.as_str());
        assert_eq!(item["00081190"]["Value"][0], format!("{}{}", served.base, path(&instance)));
        let stored = served.origin.instance(&identity.sop_instance_uid).await.unwrap().unwrap();
        assert_eq!(std::fs::read(&stored.path).unwrap(), files[index]);
        assert_eq!(stored.sha256, <[u8; 32]>::from(Sha256::digest(&files[index])));
        assert_eq!(stored.length, files[index].len() as u64);
    }
    assert_eq!(served.count().await, 3);
    assert!(served.incoming().is_empty());
}

#[tokio::test]
async fn the_same_bytes_again_are_a_success_and_other_bytes_are_not() {
    let served = serve().await;
    let (one, two) = (Study::new(1, 2).instance(0), Study::new(1, 2).instance(1));
    for _ in 0..2 {
        assert_eq!(served.store_single("/studies", file(&one)).await.status(), 200);
    }
    let response = served.store(&[changed(&one)]).await;
    assert_eq!(response.status(), 409);
    let answer: Value = response.json().await.unwrap();
    let uid = json!(one.identity().sop_instance_uid.as_str());
    assert_eq!(items(&answer, "00081198"), [(uid.clone(), json!(0x0111))]);

    let response = served.store(&[changed(&one), file(&two)]).await;
    assert_eq!(response.status(), 202);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(items(&answer, "00081198"), [(uid, json!(0x0111))]);
    assert_eq!(items(&answer, "00081199")[0].0, two.identity().sop_instance_uid.as_str());
    assert_eq!(served.count().await, 2);
    let stored = served.origin.instance(&one.identity().sop_instance_uid).await.unwrap().unwrap();
    assert_eq!(std::fs::read(stored.path).unwrap(), file(&one));
}

#[tokio::test]
async fn answers_in_xml_when_asked() {
    let served = serve().await;
    let one = Study::new(1, 1).instance(0);
    let (content_type, body) = multipart(&[file(&one), changed(&one)]);
    let request = served.post("/studies").header(header::CONTENT_TYPE, content_type);
    let request = request.header(header::ACCEPT, "application/dicom+xml, application/dicom+json;q=0.5");
    let response = request.body(body).send().await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/dicom+xml");
    let text = response.text().await.unwrap();
    for expected in [
        "<NativeDicomModel",
        "<DicomAttribute tag=\"00081198\" vr=\"SQ\" keyword=\"FailedSOPSequence\"><Item number=\"1\">",
        "keyword=\"FailureReason\"><Value number=\"1\">273</Value>",
        one.identity().sop_instance_uid.as_str(),
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[tokio::test]
async fn refuses_what_it_cannot_store() {
    let served = serve_with(|options| options.limits.instance_bytes_max = 600_000).await;
    let one = Study::new(1, 1).instance(0);
    let elsewhere = format!("/studies/{}", Study::new(2, 1).study_instance_uid());
    let mut no_series = file(&one);
    let tag = no_series.windows(6).position(|bytes| bytes == b"\x20\0\x0E\0UI").unwrap();
    no_series[tag + 2] = 0x0F;
    let cut_head = file(&one)[..200].to_vec();
    let cut_attributes = file(&one)[..700].to_vec();
    let cases = [
        ("another study", elsewhere.as_str(), file(&one), "00081198", 0xA900),
        ("no series", "/studies", no_series, "00081198", 0xA900),
        ("no file", "/studies", b"<html>".repeat(100), "0008119A", 0xC000),
        ("empty", "/studies", Vec::new(), "0008119A", 0xC000),
        ("cut in File Meta Information", "/studies", cut_head, "0008119A", 0xC000),
        ("cut in the identity", "/studies", cut_attributes, "00081198", 0xC000),
        ("too large", "/studies", file(&Instance::of_size(1, 600_000)), "00081198", 0xA700),
    ];
    for (what, path, file, sequence, reason) in cases {
        let response = served.store_single(path, file).await;
        assert_eq!(response.status(), 409, "{what}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(items(&answer, sequence)[0].1, json!(reason), "{what}");
    }
    assert_eq!(served.count().await, 0);
    assert!(served.incoming().is_empty());
}

#[tokio::test]
async fn a_data_set_cut_in_pixel_data_is_stored_as_it_is() {
    let served = serve().await;
    let one = Study::new(1, 1).instance(0);
    let cut = file(&one)[..50_000].to_vec();
    assert_eq!(served.store(std::slice::from_ref(&cut)).await.status(), 200);
    let stored = served.origin.instance(&one.identity().sop_instance_uid).await.unwrap().unwrap();
    assert_eq!(std::fs::read(stored.path).unwrap(), cut);
    let metadata = served.json(&format!("{}/metadata", path(&one))).await;
    assert_eq!(metadata[0]["00080060"]["Value"], json!(["CT"]));
}

#[tokio::test]
async fn a_cut_request_leaves_only_whole_instances() {
    let served = serve().await;
    let study = Study::new(1, 2);
    let files: Vec<_> = study.instances().map(|instance| file(&instance)).collect();
    let (content_type, body) = multipart(&files);
    let cut = body.len() - 1000;
    let request = served.post("/studies").header(header::CONTENT_TYPE, content_type);
    let response = request.body(body[..cut].to_vec()).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(served.count().await, 1);
}

#[tokio::test]
async fn refuses_requests_that_are_no_store_requests() {
    let served = serve_with(|options| options.limits.parts_max = 2).await;
    let small: Vec<_> = (0..3).map(|seed| file(&Instance::of_size(seed, 1024))).collect();
    let (content_type, body) = multipart(&small);
    let (empty_type, empty) = multipart(&[]);
    let cases = [
        (content_type.as_str(), body, 413),
        (empty_type.as_str(), empty, 400),
        ("multipart/related; type=\"application/dicom\"", b"x".to_vec(), 400),
        ("multipart/related; type=\"application/dicom+json\"; boundary=x", b"x".to_vec(), 415),
        ("multipart/related; boundary=x", b"no delimiter".to_vec(), 400),
        ("text/html", b"<html>".to_vec(), 415),
    ];
    for (content_type, body, status) in cases {
        let request = served.post("/studies").header(header::CONTENT_TYPE, content_type);
        assert_eq!(request.body(body).send().await.unwrap().status(), status, "{content_type}");
    }
    assert_eq!(served.post("/studies/no-uid").body("x").send().await.unwrap().status(), 400);
    assert_eq!(served.status("/elsewhere").await, 404);
}

#[tokio::test]
async fn asks_for_credentials_when_it_has_some() {
    let credentials = Credentials { username: "u".to_owned(), password: "pass:word".to_owned() };
    assert!(!format!("{credentials:?}").contains("pass"));
    let served = serve_with(|options| options.credentials = Some(credentials)).await;
    let answer = served.get("/studies").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic"));
    let status = async |served: &Served, password| {
        let request = served.get("/studies").basic_auth("u", Some(password));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&served, "wrong").await, 401);
    assert_eq!(status(&served, "pass:word").await, 204);
    // A large body that is refused must not cut the connection before the answer is read.
    let response = served.store(&[vec![0; 8 << 20]]).await;
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn says_when_it_has_too_much_to_do() {
    let served = serve_with(|options| options.limits.requests_max = 0).await;
    let response = served.get("/studies").send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
}

#[tokio::test]
async fn a_connection_too_many_waits_for_another_to_close() {
    let served = serve_with(|options| options.limits.connections_max = 1).await;
    let (first, second) = (served.client.clone(), reqwest::Client::new());
    let url = format!("{}/studies", served.base);
    assert_eq!(first.get(&url).send().await.unwrap().status(), 204);
    let waiting = tokio::spawn(second.get(&url).send());
    for _ in 0..50 {
        assert_eq!(first.get(&url).send().await.unwrap().status(), 204);
    }
    assert!(!waiting.is_finished());
    let closing = first.get(&url).header(header::CONNECTION, "close").send().await.unwrap();
    assert_eq!(closing.status(), 204);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 204);
}

#[tokio::test]
async fn a_request_head_without_end_is_refused() {
    let served = serve().await;
    let request = served.get("/studies").header("x-long", "x".repeat(1 << 20));
    assert_eq!(request.send().await.unwrap().status(), 431);
}

#[tokio::test]
async fn a_folder_is_found_again_as_it_was_left() {
    let served = serve().await;
    let one = Study::new(1, 1).instance(0);
    served.store(&[file(&one)]).await;
    let directory = served.folder.path().join("origin");
    std::fs::write(directory.join("incoming/7.part"), "left by a crash").unwrap();
    let again = origin::Origin::open(&directory, origin::Personality::Standard).unwrap();
    assert_eq!(again.instance_count().await.unwrap(), 1);
    assert!(served.incoming().is_empty());
}
