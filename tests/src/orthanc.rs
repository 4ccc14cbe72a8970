//! Orthanc with its DICOMweb plug-in as an independent origin server.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use serde_json::json;
use tempfile::TempDir;

use crate::dcmtk::free_port;
use crate::http::{self, Answer};
use crate::skip;
use crate::wait::eventually;

/// Where Debian puts the plug-in.
const PLUGIN: &str = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so";

/// Attempts to find it a port.
const PORTS_TRIED: usize = 3;

/// A running Orthanc; killed when dropped.
pub struct Orthanc {
    child: Child,
    port: u16,
    dicom_port: u16,
    _directory: TempDir,
}

impl Orthanc {
    /// Starts one with an empty database, and waits until it serves. A skip is recorded where it is
    /// not installed.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let program = skip::program("Orthanc")?;
        if !Path::new(PLUGIN).is_file() {
            skip::skip("Orthanc's DICOMweb plug-in is not installed");
            return None;
        }
        // A port that was free may be taken by another test before Orthanc has it.
        Some((0..PORTS_TRIED).find_map(|_| Self::start_once(&program)).expect("Orthanc starts"))
    }

    /// One attempt; nothing where the process ends instead of serving.
    fn start_once(program: &Path) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (port, dicom_port) = (free_port(), free_port());
        let configuration = json!({
            "Name": "tests",
            "StorageDirectory": directory.path().join("storage"),
            "IndexDirectory": directory.path().join("storage"),
            "Plugins": [PLUGIN],
            "HttpPort": port,
            "DicomPort": dicom_port,
            "RemoteAccessAllowed": true,
            "AuthenticationEnabled": false,
            "StorageCompression": false,
            "OverwriteInstances": false,
            "HttpVerbose": false,
            // What is beyond a limit cannot be had, and Latin 1 would lose most names.
            "DefaultEncoding": "Utf8",
            "LimitFindResults": 0,
            "LimitFindInstances": 0,
            "DicomWeb": {"Enable": true, "Root": "/dicom-web/", "EnableWado": true},
        });
        let path = directory.path().join("orthanc.json");
        fs::write(&path, configuration.to_string()).expect("the configuration of Orthanc");
        let log = fs::File::create(directory.path().join("log")).expect("the log");
        let child = Command::new(program)
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Orthanc starts");
        let mut orthanc = Self { child, port, dicom_port, _directory: directory };
        eventually("Orthanc serves", || {
            if orthanc.child.try_wait().expect("a child").is_some() {
                return Some(false);
            }
            http::get(&orthanc.address("/statistics")).filter(|answer| answer.status == 200).map(|_| true)
        })
        .then_some(orthanc)
    }

    /// Base URL of its DICOMweb service.
    #[must_use]
    pub fn url(&self) -> String {
        self.address("/dicom-web")
    }

    /// Where it listens for associations, as `ORTHANC`.
    #[must_use]
    pub fn dimse(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.dicom_port))
    }

    fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// `GET` of its own interface.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        http::get(&self.address(path)).expect("Orthanc answers")
    }

    /// Any request with a body in JSON to its own interface.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, body: &serde_json::Value) -> Answer {
        http::request(method, &self.address(path), &[], body.to_string().into_bytes())
            .expect("Orthanc answers")
    }

    /// How many instances it has.
    ///
    /// # Panics
    /// Where it does not say.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.get("/statistics").json()["CountInstances"].as_u64().expect("a number of instances")
    }

    /// The file it keeps for an instance; nothing where it has none.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn file(&self, sop_instance: &str) -> Option<Vec<u8>> {
        let query = json!({"Level": "Instance", "Query": {"SOPInstanceUID": sop_instance}}).to_string();
        let found =
            http::request("POST", &self.address("/tools/find"), &[], query.into_bytes()).expect("an answer");
        let identifier = found.json()[0].as_str()?.to_owned();
        Some(self.get(&format!("/instances/{identifier}/file")).body)
    }

    /// Stores a Part 10 file by STOW-RS without anything in between; the status.
    #[must_use]
    pub fn stow(&self, file: &[u8]) -> u16 {
        self.stow_together(&[file])
    }

    /// Stores Part 10 files over some connections at once, some dozens in a request.
    ///
    /// # Panics
    /// Where one of them is refused.
    pub fn stow_all(&self, files: impl Iterator<Item = Vec<u8>> + Send) {
        const CONNECTIONS: usize = 3;
        const TOGETHER: usize = 60;
        let files = Mutex::new(files);
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    loop {
                        let some: Vec<_> = files.lock().expect("a lock").by_ref().take(TOGETHER).collect();
                        if some.is_empty() {
                            return;
                        }
                        let some: Vec<_> = some.iter().map(Vec::as_slice).collect();
                        assert_eq!(self.stow_together(&some), 200, "Orthanc refuses generated instances");
                    }
                });
            }
        });
    }

    fn stow_together(&self, files: &[&[u8]]) -> u16 {
        let mut body = Vec::new();
        for file in files {
            body.extend_from_slice(b"--direct\r\ncontent-type: application/dicom\r\n\r\n");
            body.extend_from_slice(file);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--direct--\r\n");
        let headers = [
            ("content-type", "multipart/related; type=\"application/dicom\"; boundary=direct"),
            ("accept", "application/dicom+json"),
        ];
        http::request("POST", &format!("{}/studies", self.url()), &headers, body)
            .map_or(0, |answer| answer.status)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let found = self.get("/patients").json();
        for patient in found.as_array().into_iter().flatten().filter_map(|patient| patient.as_str()) {
            let _ = http::request("DELETE", &self.address(&format!("/patients/{patient}")), &[], Vec::new());
        }
    }
}

impl Drop for Orthanc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
