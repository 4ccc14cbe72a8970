//! C-MOVE and C-GET: real requestors and destinations, real archives, and the files of many makers.

mod clients;
mod mixed_study;
mod orthanc;
mod test_files;

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::embedded_origin::{EmbeddedOrigin, Options};
use tests::http;
use tests::instances::Instance;
use tests::orthanc::Orthanc;

/// A running archive.
pub(crate) enum Archive {
    Embedded(EmbeddedOrigin),
    Orthanc(Orthanc),
}

/// An archive with its name, and the profile that suits it.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    profile: &'static str,
    start: fn(&Path) -> Option<Archive>,
}

fn embedded(folder: &Path, profile: &str) -> Option<Archive> {
    let options = Options { profile, ..Options::default() };
    Some(Archive::Embedded(EmbeddedOrigin::start_with(&folder.join("archive"), options)))
}

/// A full archive, one with the limits of a large cloud, and Orthanc.
pub(crate) const KINDS: [Kind; 3] = [
    Kind { name: "full", profile: "standard", start: |folder| embedded(folder, "standard") },
    Kind { name: "limited", profile: "azure", start: |folder| embedded(folder, "limited") },
    Kind { name: "Orthanc", profile: "orthanc", start: |_| Orthanc::start().map(Archive::Orthanc) },
];

/// A daemon in front of an archive.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    pub(crate) archive: Archive,
    _home: Home,
    folder: TempDir,
}

impl Site {
    /// One with peers in its configuration; nothing, and a recorded skip, where the archive is missing.
    pub(crate) fn start(kind: &Kind, peers: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let archive = (kind.start)(folder.path())?;
        let configuration = Configuration::new()
            .origin("archive", &archive.url())
            .set("origin.archive", &format!("profile = \"{}\"", kind.profile))
            .with(peers);
        let home = Home::new(&configuration);
        let daemon = home.start();
        Some(Self { daemon, archive, _home: home, folder })
    }

    /// A folder for this test, which goes with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Archive {
    fn url(&self) -> String {
        match self {
            Self::Embedded(origin) => origin.url().to_owned(),
            Self::Orthanc(orthanc) => orthanc.url(),
        }
    }

    /// Stores a file without anything in between; the status.
    pub(crate) fn stow(&self, file: &[u8]) -> u16 {
        let body = [&b"--direct\r\ncontent-type: application/dicom\r\n\r\n"[..], file, b"\r\n--direct--\r\n"]
            .concat();
        let headers = [
            ("content-type", "multipart/related; type=\"application/dicom\"; boundary=direct"),
            ("accept", "application/dicom+json"),
        ];
        let answer = http::request("POST", &format!("{}/studies", self.url()), &headers, body);
        answer.map_or(0, |answer| answer.status)
    }

    /// Stores instances, each of which it has to take.
    pub(crate) fn fill(&self, instances: &[Instance]) {
        for instance in instances {
            assert_eq!(self.stow(&instance.file()), 200, "{}", instance.sop_instance);
        }
    }

    /// What it keeps for an instance, asked for directly: transfer syntax and data set.
    pub(crate) fn kept(&self, instance: &Instance) -> Option<(String, Vec<u8>)> {
        let Instance { study, series, sop_instance, .. } = instance;
        let url = format!("{}/studies/{study}/series/{series}/instances/{sop_instance}", self.url());
        let accept = [("accept", "multipart/related; type=\"application/dicom\"; transfer-syntax=*")];
        let answer = http::request("GET", &url, &accept, Vec::new()).filter(|answer| answer.status == 200)?;
        Some(split(&http::only_part(&answer)?))
    }
}

/// Transfer syntax and data set of a Part 10 file.
pub(crate) fn split(file: &[u8]) -> (String, Vec<u8>) {
    let (meta, start) = instance::part10::read(file).expect("a Part 10 file");
    (meta.transfer_syntax.uid().as_str().to_owned(), file[start..].to_vec())
}

/// The files in a folder: transfer syntax and data set by SOP Instance UID.
pub(crate) fn in_folder(folder: &Path) -> BTreeMap<String, (String, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files
        .map(|file| {
            let (meta, _) = instance::part10::read(&file).expect("a Part 10 file");
            (meta.sop_instance_uid.as_str().to_owned(), split(&file))
        })
        .collect()
}

/// The folder holds these instances, byte for byte, and nothing else; it is empty afterwards.
pub(crate) fn expect_in_folder(name: &str, folder: &Path, instances: &[&Instance]) {
    let found = in_folder(folder);
    let expected: BTreeMap<_, _> = instances
        .iter()
        .map(|one| (one.sop_instance.clone(), (one.transfer_syntax.clone(), one.data_set.clone())))
        .collect();
    assert!(found.keys().eq(expected.keys()), "{name}: {:?} instead of {:?}", found.keys(), expected.keys());
    for (uid, expected) in &expected {
        assert!(&found[uid] == expected, "{name}: {uid} has other bytes");
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
}
