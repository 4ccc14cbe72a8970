//! Requests of `curl`, which shares nothing with the bridge and the embedded origins.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tests::http::{self, Answer};
use tests::{dcmtk, skip};

/// What `curl` gets for these arguments, with the body in a file of the folder.
pub(crate) fn curl(folder: &Path, arguments: &[&str]) -> Answer {
    let body = tempfile::NamedTempFile::new_in(folder).expect("a file for the body");
    let output = std::process::Command::new("curl")
        .args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "60"])
        .args(["--write-out", "%{http_code} %{content_type}", "--output"])
        .arg(body.path())
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("curl starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl {arguments:?}: {error}");
    let (status, content_type) = said.split_once(' ').expect("what was asked for");
    Answer {
        status: status.parse().expect("a status"),
        content_type: content_type.trim().to_owned(),
        body: std::fs::read(body.path()).expect("the body"),
    }
}

/// Whether `curl` is here; a skip is recorded where it is missing.
pub(crate) fn is_here() -> bool {
    skip::program("curl").is_some()
}

/// Whether `curl` and the programs of DCMTK are here.
pub(crate) fn and_dcmtk_are_here() -> bool {
    is_here() && dcmtk::program("storescu").is_some()
}

/// A token of Azure's end point, which takes a form.
pub(crate) fn azure_token(folder: &Path, ready: &Value) -> String {
    let text = |name: &str| ready[name].as_str().expect("a text of the ready file");
    let answer = curl(
        folder,
        &[
            "--request",
            "POST",
            "--data",
            "grant_type=client_credentials",
            "--data-urlencode",
            &format!("client_id={}", text("client_id")),
            "--data-urlencode",
            &format!("client_secret={}", text("client_secret")),
            "--data-urlencode",
            "scope=https://dicom.healthcareapis.azure.com/.default",
            text("token_url"),
        ],
    );
    token(&answer)
}

/// A token of the metadata server of a machine in Google's cloud.
pub(crate) fn google_token(folder: &Path, ready: &Value) -> String {
    let host = ready["metadata_host"].as_str().expect("a metadata server");
    let url = format!("{host}/computeMetadata/v1/instance/service-accounts/default/token");
    token(&curl(folder, &["--header", "Metadata-Flavor: Google", &url]))
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["access_token"].as_str().expect("a token").to_owned()
}

/// The Part 10 files of an answer.
pub(crate) fn files(answer: &Answer) -> Vec<Vec<u8>> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    if answer.content_type.starts_with("multipart/") {
        http::parts(&answer.content_type, &answer.body)
    } else {
        vec![answer.body.clone()]
    }
}
