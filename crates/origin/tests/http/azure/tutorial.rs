//! What the tutorial of the service does, request by request, with its three files or others that look like
//! them.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use dicomweb::{
    media_type::MediaType,
    multipart::{Boundary, Reader, ReaderLimits},
};
use origin::synthetic::tutorial::SAMPLES;
use reqwest::header;
use serde_json::Value;

use super::azure;
use crate::served::Served;

/// The study, the two series, and the instance that the tutorial asks for.
const STUDY: &str = "1.2.826.0.1.3680043.8.498.13230779778012324449356534479549187420";
const SERIES: &str = "1.2.826.0.1.3680043.8.498.45787841905473114233124723359129632652";
const INSTANCE: &str = "1.2.826.0.1.3680043.8.498.47359123102728459884412887463296905395";
const OTHER_SERIES: &str = "1.2.826.0.1.3680043.8.498.77033797676425927098669402985243398207";

/// The real files, where they are beside the checkout.
fn real_files() -> Option<Vec<Vec<u8>>> {
    let top: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?.to_owned();
    let folder = top.parent()?.join("shared/azure-samples");
    let names = SAMPLES.map(|sample| folder.join(format!("{}.dcm", sample.name)));
    names.iter().map(|path| std::fs::read(path).ok()).collect()
}

/// Records that the running test cannot do its work here, where the run of all tests reads of it.
fn without_reference(reason: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("{name} skipped: {reason}");
    if let Some(path) = std::env::var_os("DIMSEWAY_SKIPS") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("shared\t{name}\t{reason}\n").as_bytes()).unwrap();
    }
}

/// A body as `curl --form` makes it.
fn form(file: &[u8]) -> (String, Vec<u8>) {
    let boundary = "------------------------0123456789abcdef";
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file1\"; filename=\"a.dcm\"\r\n\
         Content-Type: application/dicom\r\n\r\n"
    );
    let body = [head.as_bytes(), file, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
    (format!("multipart/related; type=\"application/dicom\"; boundary={boundary}"), body)
}

async fn store(served: &Served, files: &[Vec<u8>]) {
    let by_form = |file: &[u8], path: &str| {
        let (content_type, body) = form(file);
        let request = served.post(path).header(header::ACCEPT, "application/dicom+json");
        request.header(header::CONTENT_TYPE, content_type).body(body)
    };
    let of_study = format!("/studies/{STUDY}");
    let single = served.post("/studies").header(header::ACCEPT, "application/dicom+json");
    let single = single.header(header::CONTENT_TYPE, "application/dicom").body(files[2].clone());
    for request in [by_form(&files[0], "/studies"), by_form(&files[1], &of_study), single] {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
}

/// What a retrieve gives, part by part.
async fn retrieved(served: &Served, path: &str, accept: &str) -> Vec<Vec<u8>> {
    let response = served.get(path).header(header::ACCEPT, accept).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path} {accept}");
    let content_type = MediaType::parse(response.headers()[header::CONTENT_TYPE].to_str().unwrap()).unwrap();
    if !content_type.is("multipart", "related") {
        return vec![response.bytes().await.unwrap().to_vec()];
    }
    let boundary = Boundary::of(&content_type).unwrap();
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

async fn retrieves(served: &Served, files: &[Vec<u8>]) {
    let related = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
    let (study, series) = (format!("/studies/{STUDY}"), format!("/studies/{STUDY}/series/{SERIES}"));
    let instance = format!("{series}/instances/{INSTANCE}");
    let whole = [
        (&study, related, vec![&files[0], &files[1], &files[2]]),
        (&series, related, vec![&files[0], &files[1]]),
        (&instance, related, vec![&files[0]]),
        (&instance, "application/dicom; transfer-syntax=*", vec![&files[0]]),
    ];
    for (path, accept, expected) in whole {
        let parts = retrieved(served, path, accept).await;
        assert!(parts.iter().eq(expected), "{path} {accept}");
    }
    for (path, count) in [(&study, 3), (&series, 2), (&instance, 1)] {
        let request =
            served.get(&format!("{path}/metadata")).header(header::ACCEPT, "application/dicom+json");
        let found: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(found.as_array().unwrap().len(), count, "{path}");
    }
    let frame = format!("{instance}/frames/1");
    for accept in [
        "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1",
        "application/octet-stream; transfer-syntax=*",
    ] {
        let pixels = &retrieved(served, &frame, accept).await[0];
        assert_eq!(pixels.len(), 979 * 985 * 3, "{accept}");
        assert!(files[0].ends_with(&[pixels.as_slice(), &[0]].concat()), "{accept}");
    }
}

async fn searches(served: &Served) {
    let cases = [
        ("/studies?StudyInstanceUID=".to_owned() + STUDY, 1),
        ("/studies?PatientName=doe&fuzzymatching=true&limit=5".to_owned(), 0),
        ("/studies?PatientName=anony&fuzzymatching=true".to_owned(), 1),
        (format!("/series?SeriesInstanceUID={SERIES}"), 1),
        (format!("/studies/{STUDY}/series?SeriesInstanceUID={SERIES}"), 1),
        (format!("/instances?SOPInstanceUID={INSTANCE}"), 1),
        (format!("/studies/{STUDY}/instances?SOPInstanceUID={INSTANCE}"), 1),
        (format!("/studies/{STUDY}/series/{SERIES}/instances?SOPInstanceUID={INSTANCE}"), 1),
        (format!("/studies/{STUDY}/series"), 2),
        (format!("/studies/{STUDY}/instances"), 3),
    ];
    for (path, count) in cases {
        let response =
            served.get(&path).header(header::ACCEPT, "application/dicom+json").send().await.unwrap();
        let found: Value = response.json().await.unwrap_or_default();
        assert_eq!(found.as_array().map_or(0, Vec::len), count, "{path}");
    }
}

async fn deletes(served: &Served) {
    let study = format!("/studies/{STUDY}");
    let instance = format!("{study}/series/{SERIES}/instances/{INSTANCE}");
    for (path, left) in [(instance, 2), (format!("{study}/series/{OTHER_SERIES}"), 1), (study, 0)] {
        let removed = served.client.delete(format!("{}{path}", served.base)).send().await.unwrap();
        assert_eq!((removed.status().as_u16(), served.count().await), (204, left), "{path}");
    }
}

async fn tutorial(files: &[Vec<u8>]) {
    let served = azure().await;
    store(&served, files).await;
    retrieves(&served, files).await;
    searches(&served).await;
    deletes(&served).await;
}

#[tokio::test]
async fn the_tutorial_with_look_alikes() {
    tutorial(&SAMPLES.map(|sample| sample.file())).await;
}

#[tokio::test]
async fn the_tutorial_with_its_own_files() {
    let Some(files) = real_files() else {
        return without_reference("the three files of the tutorial are not beside the checkout");
    };
    tutorial(&files).await;
}

/// The look-alikes say the same of themselves as the real ones.
#[tokio::test]
async fn look_alikes_look_alike() {
    let Some(files) = real_files() else {
        return without_reference("the three files of the tutorial are not beside the checkout");
    };
    let served = azure().await;
    store(&served, &files).await;
    let real = served.json(&format!("/studies/{STUDY}/instances?includefield=all")).await;
    let other = azure().await;
    store(&other, &SAMPLES.map(|sample| sample.file())).await;
    let same = other.json(&format!("/studies/{STUDY}/instances?includefield=all")).await;
    for (real, same) in real.as_array().unwrap().iter().zip(same.as_array().unwrap()) {
        for (tag, element) in real.as_object().unwrap() {
            assert_eq!(Some(element), same.get(tag), "{tag}");
        }
    }
}
