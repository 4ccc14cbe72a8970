//! Other people's requestors: DCMTK's and pynetdicom's `findscu`, and Orthanc as a client.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use origin::synthetic::archive::{Archive, Options};
use serde_json::json;
use tempfile::TempDir;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::embedded_origin::{self, EmbeddedOrigin};
use tests::find::{Elements, PATIENT_ROOT_FIND};
use tests::orthanc::Orthanc;
use tests::{dcmtk, skip};

use super::expected::expected;
use super::keys::{Level, Query, attribute};
use super::table::queries;
use crate::site::said;

/// A daemon with a small generated archive behind it.
struct Site {
    archive: Archive,
    daemon: Daemon,
    _home: Home,
    _origin: EmbeddedOrigin,
    folder: TempDir,
}

impl Site {
    fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::generate(Options { studies: 300, ..Options::new(7) });
        let options = embedded_origin::Options::default();
        let origin = EmbeddedOrigin::start_filled(&folder.path().join("archive"), options, archive.files());
        let home = Home::new(&Configuration::new().origin("archive", origin.url()).with(more));
        let daemon = home.start();
        Self { archive, daemon, _home: home, _origin: origin, folder }
    }

    /// Some queries of the table, by name.
    fn queries(&self) -> Vec<Query> {
        const NAMES: [&str; 10] = [
            "every patient",
            "patients by birth date",
            "a Latin name in small letters with a wildcard",
            "a Cyrillic name in small letters",
            "a Japanese name by ideographs",
            "a Chinese name with a wildcard",
            "a range of dates",
            "studies with MR or PT",
            "three studies by UID",
            "images of a series",
        ];
        let some: Vec<_> =
            queries(&self.archive).into_iter().filter(|query| NAMES.contains(&query.name)).collect();
        assert_eq!(some.len(), NAMES.len());
        some
    }

    /// What a query has to find: UIDs, or Patient IDs.
    fn expected(&self, query: &Query) -> BTreeSet<String> {
        let found = expected(&self.archive, query).into_values();
        let found: BTreeSet<_> =
            found.map(|entity| entity.text(query.level.unique_key()).to_owned()).collect();
        assert!(!found.is_empty(), "{}: nothing to find", query.name);
        found
    }
}

/// A query as options of `findscu`.
fn options(query: &Query) -> Vec<String> {
    let model = if query.model == PATIENT_ROOT_FIND { "-P" } else { "-S" };
    let mut options = vec![model.to_owned()];
    let mut key = |text: String| options.extend(["-k".to_owned(), text]);
    key(format!("QueryRetrieveLevel={}", query.level.as_str()));
    key("SpecificCharacterSet=ISO_IR 192".to_owned());
    for one in &query.keys {
        key(format!("{}={}", one.attribute.keyword, one.value));
    }
    options
}

/// Unique keys in the files that DCMTK writes of the answers.
fn extracted(folder: &Path, level: Level) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files
        .map(|file| {
            let (_, start) = instance::part10::read(&file).unwrap();
            let elements = Elements::read(&file[start..]);
            elements.text(level.unique_key().tag).unwrap_or_default().to_owned()
        })
        .collect()
}

#[test]
fn findscu_of_dcmtk_finds_what_is_there() {
    let site = Site::start("");
    for query in site.queries() {
        let Some(mut command) = dcmtk::program("findscu") else { return };
        let folder = tempfile::tempdir_in(site.folder.path()).unwrap();
        let address = site.daemon.dimse();
        command.args(["-v", "-aet", "WORKSTATION", "-aec", "DIMSEWAY", "-X", "-od"]).arg(folder.path());
        command.args(options(&query)).arg(address.ip().to_string()).arg(address.port().to_string());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}: {}", query.name, said(&output));
        assert!(said(&output).contains("Received Final Find Response (Success)"), "{}", said(&output));
        assert_eq!(extracted(folder.path(), query.level), site.expected(&query), "{}", query.name);
    }
}

#[test]
fn findscu_is_answered_in_every_transfer_syntax_that_it_proposes() {
    let site = Site::start("");
    let query =
        site.queries().into_iter().find(|query| query.name == "a Japanese name by ideographs").unwrap();
    let count = site.expected(&query).len();
    for syntax in ["--propose-implicit", "--propose-little", "--propose-big", "--propose-deflated"] {
        let Some(mut command) = dcmtk::program("findscu") else { return };
        let address = site.daemon.dimse();
        command.args(["-v", "-aec", "DIMSEWAY", syntax]).args(options(&query));
        let output = command.arg(address.ip().to_string()).arg(address.port().to_string()).output().unwrap();
        let said = said(&output);
        assert!(said.contains("Received Final Find Response (Success)"), "{syntax}: {said}");
        assert_eq!(said.matches("(Pending)").count(), count, "{syntax}: {said}");
        assert_eq!(said.matches("=山田^").count(), count, "{syntax}: {said}");
    }
}

#[test]
fn findscu_of_pynetdicom_finds_what_is_there() {
    let site = Site::start("");
    for query in site.queries() {
        let Some(python) = skip::python() else { return };
        let address = site.daemon.dimse();
        let output = Command::new(python)
            .args(["-m", "pynetdicom", "findscu", "-v", "-aet", "WORKSTATION", "-aec", "DIMSEWAY"])
            .args(options(&query))
            .arg(address.ip().to_string())
            .arg(address.port().to_string())
            .env("PYTHONIOENCODING", "utf-8")
            .output()
            .unwrap();
        let said = said(&output);
        assert!(
            output.status.success() && said.contains("Find SCP Result: 0x0000 (Success)"),
            "{}: {said}",
            query.name
        );
        let unique = query.level.unique_key();
        let tag = format!("({:04X},{:04X}) {}", unique.tag.group(), unique.tag.element(), unique.vr);
        let answers = said.split("Find SCP Response: ").skip(1);
        let found: BTreeSet<_> = answers
            .filter_map(|answer| {
                let line = answer.lines().find(|line| line.contains(&tag))?;
                let (_, value) = line.split_once('[')?;
                Some(value.split(']').next()?.trim().to_owned())
            })
            .collect();
        assert_eq!(found, site.expected(&query), "{}: {said}", query.name);
    }
}

#[test]
fn orthanc_queries_and_retrieves_an_answer() {
    let Some(orthanc) = Orthanc::start() else { return };
    let site = Site::start(&format!("[[peer]]\nae_title = \"ORTHANC\"\naddress = \"{}\"", orthanc.dimse()));
    let address = site.daemon.dimse();
    let modality = json!({"AET": "DIMSEWAY", "Host": address.ip().to_string(), "Port": address.port()});
    assert_eq!(orthanc.request("PUT", "/modalities/dimseway", &modality).status, 200);
    let queries = [
        ("a Latin name in small letters with a wildcard", "smith*"),
        ("a Japanese name by ideographs", "山田*"),
        ("a Cyrillic name in small letters", "иванов^пётр"),
    ];
    let mut moved = 0;
    for (name, value) in queries {
        let query = site.queries().into_iter().find(|query| query.name == name).unwrap();
        let asked = json!({"Level": "Study", "Query": {"PatientName": value}});
        let answer = orthanc.request("POST", "/modalities/dimseway/query", &asked);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let path = answer.json()["Path"].as_str().expect("a path").to_owned();
        let answers = orthanc.get(&format!("{path}/answers?expand&simplify")).json();
        let uid =
            |answer: &serde_json::Value| answer["StudyInstanceUID"].as_str().unwrap_or_default().to_owned();
        let found: BTreeSet<_> = answers.as_array().expect("answers").iter().map(uid).collect();
        assert_eq!(found, site.expected(&query), "{name}: {answers}");
        // The first answer is fetched by C-MOVE to Orthanc itself.
        let first = uid(&answers[0]);
        let target = json!({"TargetAet": "ORTHANC", "Synchronous": true});
        let retrieved = orthanc.request("POST", &format!("{path}/answers/0/retrieve"), &target);
        assert_eq!(retrieved.status, 200, "{}", retrieved.text());
        let of_uid = |study: &&origin::synthetic::archive::Study| {
            study.attributes.text(attribute("StudyInstanceUID").tag) == Some(first.as_str())
        };
        moved += site.archive.studies.iter().find(of_uid).expect("a study").instance_count();
        assert_eq!(orthanc.count() as usize, moved, "{name}");
    }
}
