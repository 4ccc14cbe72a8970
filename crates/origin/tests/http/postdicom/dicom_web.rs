use dataset::element::VR;
use dicomweb::{
    media_type::MediaType,
    multipart::{Boundary, Reader, ReaderLimits},
};
use instance::Tag;
use origin::postdicom::StoreAnswer;
use reqwest::{Response, header};
use serde_json::{Value, json};

use super::{PASSWORD, USERNAME, file, postdicom, postdicom_with, reason};
use crate::served::{Served, multipart};

/// Two series of a study, and another study.
async fn filled() -> Served {
    let served = postdicom().await;
    for (study, number) in [("1.2.3", 1), ("1.2.3", 2), ("1.2.9", 1)] {
        let stored = served.upload(&file(study, number, &[(Tag::PATIENT_ID, VR::LO, "P 1")])).await;
        assert_eq!(stored.status(), 200);
    }
    served
}

#[tokio::test]
async fn searches_have_one_key() {
    let served = filled().await;
    let cases: [(&str, u16, &[&str]); 22] = [
        ("/studies?00100020=P%201", 200, &["1.2.3", "1.2.9"]),
        ("/studies?0020000D=1.2.3", 200, &["1.2.3"]),
        ("/studies/series?0020000D=1.2.3", 200, &["1.2.3.4"]),
        ("/studies/series/instances?0020000E=1.2.3.4", 200, &["1.2.3.4.1", "1.2.3.4.2"]),
        ("/studies?00100020=P", 204, &[]),
        ("/studies?00100020=P*", 204, &[]),
        ("/studies?0020000D=1.2.3,1.2.9", 204, &[]),
        ("/studies", 400, &[]),
        ("/studies?00100020=", 400, &[]),
        ("/studies?PatientID=P%201", 400, &[]),
        ("/studies?0020000d=1.2.3", 400, &[]),
        ("/studies?00100010=X", 400, &[]),
        ("/studies?00100020=P%201&limit=1", 400, &[]),
        ("/studies?00100020=P%201&0020000D=1.2.3", 400, &[]),
        ("/studies?limit=1&00100020=P%201", 400, &[]),
        ("/studies/series", 400, &[]),
        ("/studies/series?0020000E=1.2.3.4", 400, &[]),
        ("/studies/series/instances?0020000D=1.2.3", 400, &[]),
        ("/studies/series/instances?00080018=1.2.3.4.1", 400, &[]),
        ("/studies/1.2.3/series", 404, &[]),
        ("/series?0020000D=1.2.3", 404, &[]),
        ("/studies/1.2.3/metadata", 404, &[]),
    ];
    for (path, status, uids) in cases {
        let response = served.authorized(path).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), reason(&response).is_some()),
            (status, status >= 400),
            "{path}"
        );
        if status == 200 {
            let found: Value = response.json().await.unwrap();
            let key = ["0020000D", "0020000E", "00080018"][path.split('/').count() - 2];
            let found = found.as_array().unwrap().iter();
            let found: Vec<_> = found.map(|one| one[key]["Value"][0].as_str().unwrap()).collect();
            assert_eq!(found, uids, "{path}");
        }
    }
    let found: Value = served
        .authorized("/studies/series/instances?0020000E=1.2.9.4")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        found[0]["00081190"]["Value"],
        json!([format!("{}/studies/series/instances/1.2.9.4.1", served.base)])
    );
}

async fn parts(response: Response) -> Vec<Vec<u8>> {
    let content_type = response.headers()[header::CONTENT_TYPE].to_str().unwrap();
    let boundary = Boundary::of(&MediaType::parse(content_type).unwrap()).unwrap();
    let mut reader = Reader::new(response.bytes_stream(), &boundary, ReaderLimits::default());
    let mut parts = Vec::new();
    while reader.next_part().await.unwrap().is_some() {
        let mut part = Vec::new();
        while let Some(chunk) = reader.next_chunk().await.unwrap() {
            part.extend_from_slice(&chunk);
        }
        parts.push(part);
    }
    parts
}

#[tokio::test]
async fn files_are_retrieved_by_their_own_uids() {
    let served = filled().await;
    let [one, two] = [1, 2].map(|number| file("1.2.3", number, &[(Tag::PATIENT_ID, VR::LO, "P 1")]));
    for (path, expected) in [
        ("/studies/1.2.3", vec![one.clone(), two.clone()]),
        ("/studies/series/1.2.3.4", vec![one.clone(), two]),
        ("/studies/series/instances/1.2.3.4.1", vec![one]),
    ] {
        for accept in [
            "application/json, text/plain, */*",
            "multipart/related; type=\"application/dicom\"",
            "application/dicom",
        ] {
            let response = served.authorized(path).header(header::ACCEPT, accept).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path} {accept}");
            assert_eq!(parts(response).await, expected, "{path} {accept}");
        }
    }
    for path in [
        "/studies/1.2.4",
        "/studies/series/1.2.3",
        "/studies/series/instances/1.2.3.4",
        "/studies/x",
        "/studies/1.2.3/series/1.2.3.4",
        "/studies/1.2.3/series/1.2.3.4/instances/1.2.3.4.1",
    ] {
        let response = served.authorized(path).send().await.unwrap();
        assert_eq!((response.status().as_u16(), reason(&response).is_some()), (404, true), "{path}");
    }
    let delete =
        served.client.delete(format!("{}/studies/1.2.3", served.base)).basic_auth(USERNAME, Some(PASSWORD));
    assert_eq!(delete.send().await.unwrap().status(), 405);
    assert_eq!(served.count().await, 3);
}

#[tokio::test]
async fn a_store_request_brings_one_file_to_the_base() {
    let served = postdicom().await;
    let one = file("1.2.3", 1, &[]);
    let stored: Value = served.upload(&one).await.json().await.unwrap();
    assert_eq!(stored["00081199"]["Value"][0]["00081155"]["Value"], json!(["1.2.3.4.1"]));
    let (content_type, body) = multipart(std::slice::from_ref(&one));
    let post = |path: &str| served.post(path).basic_auth(USERNAME, Some(PASSWORD));
    let cases = [
        (served.upload_request(&[&file("1.2.3", 2, &[]), &file("1.2.3", 3, &[])]), 413),
        (served.upload_request(&[]), 400),
        (post("/").header(header::CONTENT_TYPE, "application/dicom").body(one.clone()), 415),
        (post("/").body(one.clone()), 415),
        (post("/studies").header(header::CONTENT_TYPE, &content_type).body(body.clone()), 405),
        (post("").header(header::CONTENT_TYPE, &content_type).body(body.clone()), 404),
        (post("/studies/1.2.3").header(header::CONTENT_TYPE, &content_type).body(body.clone()), 405),
        (served.post("/").header(header::CONTENT_TYPE, &content_type).body(body), 401),
        (served.upload_request(&[b"no Part 10 file"]), 409),
        (served.upload_request(&[&file("1.2.3", 1, &[(Tag::PATIENT_ID, VR::LO, "OTHER")])]), 409),
    ];
    for (case, (request, status)) in cases.into_iter().enumerate() {
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), reason(&response).is_some()), (status, true), "case {case}");
    }
}

#[tokio::test]
async fn store_answers_may_be_words_or_nothing() {
    for (answer, says) in [(StoreAnswer::Text, "The upload is complete.\n"), (StoreAnswer::Empty, "")] {
        let served = postdicom_with(|options| options.postdicom.store_answer = answer).await;
        for file in [file("1.2.3", 1, &[]), b"no Part 10 file".to_vec()] {
            let response = served.upload(&file).await;
            assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (200, says));
        }
        assert_eq!(served.count().await, 1);
        assert_eq!(served.origin.orders().await.unwrap().len(), 1);
    }
}
