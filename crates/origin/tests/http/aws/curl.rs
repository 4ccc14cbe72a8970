//! `curl --aws-sigv4`, which signs with code of its own: the commands of the Developer Guide.

use std::process::Stdio;

use origin::synthetic::Study;
use tokio::process::Command;

use super::*;
use crate::served::{file, path};

const ACCEPT_EXPLICIT: &str = "Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.1";

/// What `curl` is answered: status, Content-Type, body. It signs parameters in the order and encoding in which
/// they are given, so they are given sorted and encoded.
pub(super) async fn curl(data_store: &DataStore, url: &str, arguments: &[&str]) -> (u16, String, Vec<u8>) {
    let Options { access_key_id, secret_access_key, .. } = &data_store.options;
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--noproxy",
            "*",
            "--write-out",
            "%{stderr}%{http_code} %{content_type}",
        ])
        .args(["--aws-sigv4", "aws:amz:us-east-1:medical-imaging"])
        .args(["--user", &format!("{access_key_id}:{secret_access_key}")])
        .args(arguments)
        .arg(url)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let (status, content_type) = told.split_once(' ').unwrap_or_else(|| panic!("{told}"));
    (status.parse().unwrap_or_else(|_| panic!("{told}")), content_type.to_owned(), output.stdout)
}

#[tokio::test]
async fn the_commands_of_the_developer_guide_work() {
    let data_store = data_store().await;
    let instance = Study::new(1, 1).instance(0);
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("instance.dcm");
    std::fs::write(&name, file(&instance)).unwrap();
    let (name, length) = (name.to_str().unwrap(), file(&instance).len());
    let studies = format!("{}/studies", data_store.served.base);

    let decoded = format!("x-amz-decoded-content-length: {length}");
    let data = format!("@{name}");
    let headers =
        |hash| ["--header", hash, "--header", &decoded, "--header", "Content-Type: application/dicom"];
    let stored = |hash| {
        let arguments = [&["--request", "POST", "--data-binary", &data][..], &headers(hash)].concat();
        let (data_store, studies) = (&data_store, &studies);
        async move { curl(data_store, studies, &arguments).await }
    };
    let streaming = "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    let (status, _, answer) = stored(streaming).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    assert!(String::from_utf8_lossy(&answer).contains("00081199"));

    let (status, _, found) = curl(&data_store, &format!("{studies}?limit=1&offset=0"), &[]).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&found));
    let found: serde_json::Value = serde_json::from_slice(&found).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 1);

    let url = format!("{}{}", data_store.served.base, path(&instance));
    let (status, _, retrieved) = curl(&data_store, &url, &["--header", ACCEPT_EXPLICIT]).await;
    assert_eq!(status, 200);
    let data_set: Vec<u8> = instance.data_set().flatten().collect();
    assert!(retrieved.ends_with(&data_set));
}

#[tokio::test]
async fn nobody_gets_in_without_a_signature_or_with_a_wrong_one() {
    let mut data_store = data_store().await;
    let url = format!("{}/studies", data_store.served.base);
    let response = data_store.served.client.get(&url).send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["x-amzn-errortype"], "MissingAuthenticationTokenException");
    assert_eq!(curl(&data_store, &url, &[]).await.0, 204);
    data_store.options.secret_access_key.push('x');
    let (status, _, body) = curl(&data_store, &url, &[]).await;
    assert_eq!((status, body.as_slice()), (403, br#"{"message":"the signature does not match"}"#.as_slice()));
}
