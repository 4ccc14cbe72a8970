//! Orthanc with its DICOMweb plug-in as an independent origin server.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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

/// Attempts to start it.
const ATTEMPTS: usize = 3;

/// A process that is ended when dropped.
struct Process(Child);

impl Process {
    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A running Orthanc; killed when dropped.
pub struct Orthanc {
    process: Process,
    program: PathBuf,
    port: u16,
    dicom_port: u16,
    /// Where it keeps what it has; before that, where it did so until it began anew.
    folders: Vec<TempDir>,
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
        let attempt = |_| {
            let (port, dicom_port) = (free_port(), free_port());
            let (process, folder) = launch(&program, port, dicom_port)?;
            Some(Self { process, program: program.clone(), port, dicom_port, folders: vec![folder] })
        };
        Some((0..ATTEMPTS).find_map(attempt).expect("Orthanc starts"))
    }

    /// Ends the process, starts one with an empty database on the same ports, and waits until it serves.
    ///
    /// The files of the old one are emptied and stay until the end: ext4 spares an inode that was freed within
    /// the last minutes, and looks at each of them for every file that is created. Where hundreds were just
    /// removed, that takes longer than all else that Orthanc does to store an instance.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn begin_anew(&mut self) {
        self.process.end();
        self.folders.last().into_iter().for_each(|folder| empty_files(folder.path()));
        // A port may have been taken for a moment by a connection to somewhere else.
        let attempt = |_| launch(&self.program, self.port, self.dicom_port);
        let (process, folder) = (0..ATTEMPTS).find_map(attempt).expect("Orthanc starts again");
        self.process = process;
        self.folders.push(folder);
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
        address(self.port, path)
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

fn address(port: u16, path: &str) -> String {
    format!("http://127.0.0.1:{port}{path}")
}

/// Starts a process with a new folder; nothing where it ends instead of serving.
fn launch(program: &Path, port: u16, dicom_port: u16) -> Option<(Process, TempDir)> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let configuration = json!({
        "Name": "tests",
        "StorageDirectory": folder.path().join("storage"),
        "IndexDirectory": folder.path().join("storage"),
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
    let path = folder.path().join("orthanc.json");
    fs::write(&path, configuration.to_string()).expect("the configuration of Orthanc");
    let log = fs::File::create(folder.path().join("log")).expect("the log");
    let child = Command::new(program)
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("Orthanc starts");
    let mut process = Process(child);
    eventually("Orthanc serves", || {
        if process.0.try_wait().expect("a child").is_some() {
            return Some(false);
        }
        http::get(&address(port, "/statistics")).filter(|answer| answer.status == 200).map(|_| true)
    })
    .then_some((process, folder))
}

/// Empties every file in a folder and below, and removes none.
fn empty_files(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            empty_files(&entry.path());
        } else {
            fs::File::create(entry.path()).expect("a file of its own");
        }
    }
}
