//! The requests of the tutorial as it prints them, with its misprints put right.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::http::Answer;

use super::{INSTANCES, OTHER_SERIES, SERIES, STUDY};
use crate::archive::{Archive, kind};
use crate::curl::{self, curl, files};

/// The service, as `curl` sees it.
struct Service<'a> {
    /// `{Service URL}/v{version}`.
    base: String,
    /// `Authorization: Bearer {token}`.
    authorization: String,
    folder: &'a Path,
}

/// Stores, searches, retrieves and deletes.
pub(super) fn tutorial(folder: &Path, samples: &[PathBuf]) {
    if !curl::is_here() {
        return;
    }
    let archive = Archive::start(kind("azure"), folder).unwrap();
    let url = archive.url();
    let authorization = format!("Authorization: Bearer {}", curl::azure_token(folder, &archive.ready()));
    let service = Service { base: url, authorization, folder };
    let nobody = curl(folder, &["--request", "GET", &format!("{}/studies", service.base)]);
    assert_eq!(nobody.status, 401, "without a token");
    service.stores(samples);
    service.retrieves(samples);
    service.searches();
    service.changes();
    service.deletes();
}

impl Service<'_> {
    fn request(&self, method: &str, path: &str, arguments: &[&str]) -> Answer {
        let url = format!("{}{path}", self.base);
        let words = ["--location", "--request", method, &url, "--header", &self.authorization];
        curl(self.folder, &[&words[..], arguments].concat())
    }

    fn get(&self, path: &str, accept: &str) -> Answer {
        self.request("GET", path, &["--header", &format!("Accept: {accept}")])
    }

    fn json(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path, "application/dicom+json");
        if answer.status == 204 {
            return Vec::new();
        }
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json().as_array().expect("an array").clone()
    }

    /// In multipart, in multipart to a study, and as a single part.
    fn stores(&self, samples: &[PathBuf]) {
        let accept = "Accept: application/dicom+json";
        let related = "Content-Type: multipart/related; type=\"application/dicom\"";
        let form =
            |number: usize, path: &Path| format!("file{number}=@{};type=application/dicom", path.display());
        let (red, green) = (form(1, &samples[0]), form(1, &samples[1]));
        let blue = format!("@{}", samples[2].display());
        let stored = [
            self.request("POST", "/studies", &["--header", accept, "--header", related, "--form", &red]),
            self.request(
                "POST",
                &format!("/studies/{STUDY}"),
                &["--header", accept, "--header", related, "--form", &green],
            ),
            self.request(
                "POST",
                "/studies",
                &["--header", accept, "--header", "Content-Type: application/dicom", "--data-binary", &blue],
            ),
        ];
        for answer in stored {
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.json()["00081199"]["Value"].is_array(), "{}", answer.text());
        }
        let again =
            self.request("POST", "/studies", &["--header", accept, "--header", related, "--form", &red]);
        assert_eq!(again.status, 409, "{}", again.text());
        let reason = &again.json()["00081198"]["Value"][0]["00081197"]["Value"][0];
        assert_eq!(*reason, 45070);
    }

    fn retrieves(&self, samples: &[PathBuf]) {
        let related = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
        let single = "application/dicom; transfer-syntax=*";
        let study = format!("/studies/{STUDY}");
        let series = format!("{study}/series/{SERIES}");
        let instance = format!("{series}/instances/{}", INSTANCES[0]);
        for (path, accept, count) in
            [(&study, related, 3), (&series, related, 2), (&instance, related, 1), (&instance, single, 1)]
        {
            let came = files(&self.get(path, accept));
            let sent = samples[..count].iter().map(|path| std::fs::read(path).unwrap());
            assert!(
                came.iter()
                    .map(Vec::as_slice)
                    .map(without_preamble)
                    .eq(sent.map(|file| without_preamble(&file))),
                "{path} {accept}"
            );
        }
        for (path, count) in [(&study, 3), (&series, 2), (&instance, 1)] {
            assert_eq!(self.json(&format!("{path}/metadata")).len(), count, "{path}/metadata");
        }
        let frames =
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1";
        let frame = files(&self.get(&format!("{instance}/frames/1"), frames));
        assert_eq!(frame.iter().map(Vec::len).collect::<Vec<_>>(), [979 * 985 * 3]);
    }

    fn searches(&self) {
        let study = format!("/studies/{STUDY}");
        let (series, instance) =
            (format!("SeriesInstanceUID={SERIES}"), format!("SOPInstanceUID={}", INSTANCES[0]));
        let rows = [
            (format!("/studies?StudyInstanceUID={STUDY}"), 1),
            (format!("/series?{series}"), 1),
            (format!("{study}/series?{series}"), 1),
            (format!("/instances?{instance}"), 1),
            (format!("{study}/instances?{instance}"), 1),
            (format!("{study}/series/{SERIES}/instances?{instance}"), 1),
            (format!("{study}/instances"), 3),
            ("/studies?PatientName=nobody".to_owned(), 0),
        ];
        for (path, count) in rows {
            assert_eq!(self.json(&path).len(), count, "{path}");
        }
    }

    /// What happened so far is in the change feed.
    fn changes(&self) {
        let answer = self.get("/changefeed", "application/json");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json().as_array().map_or(0, Vec::len), 3, "{}", answer.text());
        assert_eq!(self.get("/changefeed/latest", "application/json").status, 200);
    }

    fn deletes(&self) {
        let study = format!("/studies/{STUDY}");
        let instance = format!("{study}/series/{SERIES}/instances/{}", INSTANCES[0]);
        for (path, left) in [(instance, 2), (format!("{study}/series/{OTHER_SERIES}"), 1), (study.clone(), 0)]
        {
            assert_eq!(self.request("DELETE", &path, &[]).status, 204, "{path}");
            assert_eq!(self.json(&format!("{study}/instances")).len(), left, "{path}");
            assert_eq!(self.request("DELETE", &path, &[]).status, 404, "{path} a second time");
        }
    }
}

/// The service clears the preamble (PS3.10 §7.1) and keeps all else.
fn without_preamble(file: &[u8]) -> Vec<u8> {
    file[128..].to_vec()
}
