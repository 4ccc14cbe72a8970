use dataset::element::VR;
use instance::Tag;
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{
    as_listed, azure, azure_with,
    instances::{IMPLICIT, STUDY, Small, answer, failures, warnings},
};
use crate::served::{Served, multipart};

const PATIENT_NAME: Tag = Tag::PATIENT_NAME;
const STUDY_DESCRIPTION: Tag = Tag(0x0008, 0x1030);
const RELATED: &str = "multipart/related; type=\"application/dicom\"; boundary=x";

/// What is sent, and what comes of it.
struct Scenario {
    name: &'static str,
    path: String,
    content_type: String,
    body: Vec<u8>,
    status: u16,
    failures: &'static [u64],
}

/// A scenario of multipart/related.
fn parts(
    name: &'static str,
    path: &str,
    files: &[Vec<u8>],
    status: u16,
    failures: &'static [u64],
) -> Scenario {
    let (content_type, body) = multipart(files);
    Scenario { name, path: path.to_owned(), content_type, body, status, failures }
}

/// A scenario of any other body.
fn other(
    name: &'static str,
    path: &str,
    content_type: &str,
    body: &[u8],
    status: u16,
    failures: &'static [u64],
) -> Scenario {
    let (path, content_type) = (path.to_owned(), content_type.to_owned());
    Scenario { name, path, content_type, body: body.to_vec(), status, failures }
}

fn scenarios() -> Vec<Scenario> {
    let here = format!("/studies/{STUDY}");
    let elsewhere =
        |number: u32| Small::of("1.2.826.2", "1.2.826.2.1", &format!("1.2.826.2.1.{number}")).file();
    let fresh = |number: u32| Small::new(number).file();
    let untyped = [b"--x\r\n\r\n".to_vec(), fresh(10), b"\r\n--x--\r\n".to_vec()].concat();
    let form = [
        b"--x\r\nContent-Disposition: form-data; name=\"file1\"; filename=\"a.dcm\"\r\n".to_vec(),
        b"Content-Type: application/dicom\r\n\r\n".to_vec(),
        fresh(11),
        b"\r\n--x--\r\n".to_vec(),
    ]
    .concat();
    let same_uids = Small::of("1.2.826.3", "1.2.826.3", "1.2.826.3.1").file();
    let long = "b".repeat(65);
    vec![
        parts("an empty part", "/studies", &[Vec::new()], 409, &[272]),
        parts("random content", "/studies", &[b"no instance at all".repeat(20)], 409, &[272]),
        other("invalid study UID", &format!("/studies/{long}"), RELATED, &untyped, 400, &[]),
        other("form data", "/studies", "multipart/form-data; boundary=x", &form, 415, &[]),
        other("no media type of images", "/studies", "application/json", b"{}", 415, &[]),
        other(
            "other parts",
            "/studies",
            "multipart/related; type=\"application/dicom+json\"; boundary=x",
            &untyped,
            415,
            &[],
        ),
        other("multipart without parts", "/studies", RELATED, b"--x--\r\n", 204, &[]),
        other(
            "multipart without parts as .NET writes it",
            "/studies",
            RELATED,
            b"--x\r\n\r\n--x--\r\n",
            204,
            &[],
        ),
        parts("one bad part", "/studies", &[Vec::new(), fresh(1)], 202, &[272]),
        other("part without Content-Type", "/studies", RELATED, &untyped, 200, &[]),
        other("part of a form", "/studies", RELATED, &form, 200, &[]),
        parts("all studies differ from the path", &here, &[elsewhere(1), elsewhere(2)], 409, &[43265, 43265]),
        parts("one study differs from the path", &here, &[fresh(2), elsewhere(3)], 202, &[43265]),
        parts("duplicates in one request", "/studies", &[fresh(3), fresh(3)], 202, &[45070]),
        parts("an existing instance", "/studies", &[fresh(3)], 409, &[45070]),
        parts("the same UID at two levels", "/studies", &[same_uids], 409, &[43264]),
        other("single part", "/studies", "application/dicom", &fresh(4), 200, &[]),
        other("single part of an existing instance", &here, "application/dicom", &fresh(4), 409, &[45070]),
        other("empty content", "/studies", "application/dicom", b"", 409, &[272]),
        parts("implicit VR", "/studies", &[Small::new(5).in_syntax(IMPLICIT).file()], 409, &[43264]),
        parts("no Patient ID", "/studies", &[Small::new(6).without(Tag::PATIENT_ID).file()], 409, &[43264]),
        parts("no SOP Class", "/studies", &[without_class(7)], 409, &[43264]),
    ]
}

/// An instance whose class stands in its File Meta Information alone.
fn without_class(number: u32) -> Vec<u8> {
    let mut file = Small::new(number).file();
    let tag = file.windows(6).rposition(|bytes| bytes == b"\x08\0\x16\0UI").unwrap();
    file[tag + 2] = 0x17;
    file
}

#[tokio::test]
async fn store_scenarios() {
    for version in ["v1.0-prerelease", "v1", "v2"] {
        let mut served = azure().await;
        served.base = served.base.replace("/v2", &format!("/{version}"));
        for Scenario { name, path, content_type, body, status, failures: expected } in scenarios() {
            let response = served.post_as(&path, &content_type, body).await;
            assert_eq!(response.headers()["api-supported-versions"], "1, 2", "{name}");
            let (got, body) = answer(response).await;
            assert_eq!((got, failures(&body)), (status, expected.to_vec()), "{name} in {version}: {body}");
            as_listed(name, got);
        }
    }
}

#[tokio::test]
async fn an_accept_other_than_json_is_not_acceptable() {
    let served = azure().await;
    for (accept, status) in
        [("application/data", 406), ("application/dicom", 406), ("application/dicom+json", 200), ("*/*", 409)]
    {
        let request = served.post("/studies").header(header::ACCEPT, accept);
        let request = request.header(header::CONTENT_TYPE, "application/dicom").body(Small::new(1).file());
        let got = request.send().await.unwrap().status().as_u16();
        assert_eq!(got, status, "{accept}");
        if accept == "application/data" {
            as_listed("another Accept", got);
        }
    }
}

#[tokio::test]
async fn a_path_needs_a_version_that_there_is() {
    let served = azure().await;
    let host = served.base.trim_end_matches("/v2").to_owned();
    for path in ["/studies", "/v3/studies", "/v2", "/dicom-web/studies"] {
        assert_eq!(served.client.get(format!("{host}{path}")).send().await.unwrap().status(), 404, "{path}");
    }
    let response = served.get("/studies").send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(response.headers()["api-deprecated-versions"], "1.0-prerelease");
}

async fn store(served: &Served, small: &Small) -> (u16, Value) {
    answer(served.store(&[small.file()]).await).await
}

/// The first version fails an instance for what the second one warns of.
#[tokio::test]
async fn versions_differ_in_what_they_forgive() {
    let name = "a".repeat(65);
    let wrong = |number| {
        [
            Small::new(number).with(Tag::STUDY_DATE, VR::DA, "NotADate"),
            Small::new(number + 1).with(PATIENT_NAME, VR::PN, &name),
            Small::new(number + 2).with(STUDY_DESCRIPTION, VR::LO, &name),
        ]
    };
    let mut served = azure().await;
    for small in wrong(1) {
        let (status, body) = store(&served, &small).await;
        assert_eq!((status, warnings(&body)), (202, vec![1]), "{body}");
        let comment = &body["00081199"]["Value"][0]["00741048"]["Value"][0]["00000902"]["Value"][0];
        assert!(comment.as_str().unwrap().starts_with("DICOM100: ("), "{comment}");
    }
    let empty = Small::new(10).with(Tag::PATIENT_ID, VR::LO, "");
    assert_eq!(store(&served, &empty).await.0, 200);
    served.base = served.base.replace("/v2", "/v1");
    for small in wrong(4) {
        let (status, body) = store(&served, &small).await;
        assert_eq!((status, failures(&body)), (409, vec![43264]), "{body}");
    }
    let empty = Small::new(11).with(Tag::PATIENT_ID, VR::LO, "");
    assert_eq!(store(&served, &empty).await.0, 409);
}

#[tokio::test]
async fn a_searched_attribute_of_several_values_gives_a_warning() {
    let served = azure().await;
    let response = served.store(&[Small::new(1).with(PATIENT_NAME, VR::PN, r"A^B\C^D").file()]).await;
    as_listed("a searched attribute of several values", response.status().as_u16());
    assert!(response.headers()["warning"].to_str().unwrap().starts_with("299 "));
    let response = served.store(&[Small::new(2).file()]).await;
    assert!(!response.headers().contains_key("warning"));
}

#[tokio::test]
async fn stored_bytes_are_those_that_were_sent_but_for_the_preamble() {
    let served = azure().await;
    let small = Small::new(1).with_preamble(7);
    served.stored(std::slice::from_ref(&small)).await;
    let request = served.get(&small.path()).header(header::ACCEPT, "application/dicom; transfer-syntax=*");
    let response = request.send().await.unwrap();
    as_listed("stored bytes", response.status().as_u16());
    let bytes = response.bytes().await.unwrap();
    assert_eq!(bytes[..128], [0; 128]);
    assert_eq!(bytes[128..], small.file()[128..]);
}

#[tokio::test]
async fn the_answer_names_the_study_where_the_path_did() {
    let served = azure().await;
    let (_, body) = store(&served, &Small::new(1)).await;
    assert!(body.get("00081190").is_none(), "{body}");
    let url = format!("{}{}", served.base, Small::new(1).path());
    assert_eq!(body["00081199"]["Value"][0]["00081190"]["Value"][0], url);
    let path = format!("/studies/{STUDY}");
    let (_, body) = answer(served.post_as(&path, "application/dicom", Small::new(2).file()).await).await;
    assert_eq!(body["00081190"]["Value"], json!([format!("{}{path}", served.base)]));
    let other = format!("/studies/{STUDY}.9");
    let (status, body) =
        answer(served.post_as(&other, "application/dicom", Small::new(3).file()).await).await;
    assert_eq!(status, 409);
    assert!(body.get("00081190").is_none(), "{body}");
}

#[tokio::test]
async fn put_takes_the_place_of_what_is_there() {
    let served = azure().await;
    let put = async |small: &Small| {
        let (content_type, body) = multipart(&[small.file()]);
        let request = served.client.request(Method::PUT, format!("{}/studies", served.base));
        let request = request.header(header::CONTENT_TYPE, content_type).body(body);
        request.send().await.unwrap().status().as_u16()
    };
    let first = Small::new(1);
    assert_eq!(put(&first).await, 200);
    let renamed = first.clone().with(PATIENT_NAME, VR::PN, "Other^Name");
    assert_eq!(put(&renamed).await, 200);
    assert_eq!(served.count().await, 1);
    assert_eq!(served.status("/studies?PatientName=other%5Ename").await, 200);
    assert_eq!(served.status("/studies?PatientName=joe%5Emuller").await, 204);
    let moved = renamed.with(Tag::STUDY_INSTANCE_UID, VR::UI, "1.2.826.9");
    assert_eq!(put(&moved).await, 200);
    assert_eq!(served.status(&format!("/studies/{STUDY}/metadata")).await, 404);
    let response = served.get(&moved.path()).header(header::ACCEPT, "*/*").send().await.unwrap();
    assert_eq!(response.status(), 200);

    let without = azure_with(|options| options.azure.upsert = false).await;
    let request = without.client.request(Method::PUT, format!("{}/studies", without.base));
    assert_eq!(request.send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn the_latest_instance_says_what_its_study_is_called() {
    let served = azure().await;
    served.stored(&[Small::new(1), Small::new(2).with(PATIENT_NAME, VR::PN, "Later^Name")]).await;
    let found = served.json("/studies").await;
    assert_eq!(found[0]["00100010"]["Value"][0]["Alphabetic"], "Later^Name");
}

#[tokio::test]
async fn implicit_vr_is_stored_with_a_warning_by_the_open_source_server() {
    let served =
        azure_with(|options| options.azure.implicit_vr = origin::azure::ImplicitVr::StoredWithWarning).await;
    let (status, body) = store(&served, &Small::new(1).in_syntax(IMPLICIT)).await;
    assert_eq!((status, warnings(&body)), (202, vec![45063]), "{body}");
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let file = Small::new(1).file();
    let limit = file.len() as u64;
    let served = azure_with(|options| options.azure.request_bytes_max = limit).await;
    let two = [file.clone(), Small::new(2).file()];
    assert_eq!(served.store(&two).await.status(), 413);
    let (content_type, body) = multipart(&two);
    let chunks = futures::stream::iter(
        body.chunks(200).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>(),
    );
    let request = served.post("/studies").header(header::CONTENT_TYPE, content_type);
    let streamed = request.body(reqwest::Body::wrap_stream(chunks)).send().await.unwrap();
    assert_eq!(streamed.status(), 413, "of unknown length");
    assert_eq!(served.store_single("/studies", file).await.status(), 200, "exactly as large as allowed");
}
