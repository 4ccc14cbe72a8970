//! DCMTK's and pynetdicom's clients: what they deliver through the bridge is what they deliver to
//! `storescp`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::dcmtk::{self, Storescp};
use tests::instances::Instance;
use tests::pydicom::{self, TestFile};
use tests::scripted_origin::ScriptedOrigin;
use tests::skip;

/// Data sets by SOP Instance UID.
type DataSets = BTreeMap<String, Vec<u8>>;

fn data_set(file: &[u8]) -> (String, Vec<u8>) {
    let (meta, start) = instance::part10::read(file).unwrap();
    (meta.sop_instance_uid.as_str().to_owned(), file[start..].to_vec())
}

fn in_folder(folder: &Path) -> DataSets {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.map(|file| data_set(&file)).collect()
}

/// One test file for each SOP Instance UID.
fn distinct_files() -> Option<Vec<TestFile>> {
    let mut chosen = BTreeMap::new();
    for file in pydicom::test_files()? {
        chosen.entry(file.instance.sop_instance.clone()).or_insert(file);
    }
    Some(chosen.into_values().collect())
}

/// Lets a client send files, so many at a time, to `storescp` and through the bridge, and compares.
fn compare(name: &str, at_a_time: usize, client: impl Fn(SocketAddr, &[TestFile]) -> Option<Output>) {
    let Some(files) = distinct_files() else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(storescp) = Storescp::start(folder.path(), &[]) else { return };
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    for files in files.chunks(at_a_time) {
        let through = client(storescp.address(), files).and_then(|_| client(daemon.dimse(), files));
        if through.is_none() {
            return;
        }
    }
    daemon.settle();
    let expected = in_folder(folder.path());
    assert!(expected.len() > 60, "{name} delivered only {} files to storescp", expected.len());
    let found: DataSets = origin.stored().values().map(|file| data_set(file)).collect();
    for (uid, bytes) in &expected {
        assert!(found.get(uid) == Some(bytes), "{name}: {uid} is missing or has other bytes");
    }
}

fn paths(files: &[TestFile]) -> Vec<PathBuf> {
    files.iter().map(|file| file.path.clone()).collect()
}

/// What makes `storescu` propose a transfer syntax, so that nothing is converted on its side.
fn proposing(transfer_syntax: &str) -> &'static str {
    match transfer_syntax {
        "1.2.840.10008.1.2" => "-xi",
        "1.2.840.10008.1.2.2" => "-xb",
        "1.2.840.10008.1.2.1.99" => "-xd",
        "1.2.840.10008.1.2.4.50" => "-xy",
        "1.2.840.10008.1.2.4.51" => "-xx",
        "1.2.840.10008.1.2.4.70" => "-xs",
        "1.2.840.10008.1.2.4.80" => "-xt",
        "1.2.840.10008.1.2.4.90" => "-xv",
        "1.2.840.10008.1.2.4.91" => "-xw",
        "1.2.840.10008.1.2.5" => "-xr",
        _ => "-xe",
    }
}

#[test]
fn storescu() {
    compare("storescu", 1, |address, files| {
        let option = proposing(&files[0].instance.transfer_syntax);
        dcmtk::run("storescu", address, &["-R", option], &paths(files))
    });
}

#[test]
fn dcmsend() {
    compare("dcmsend", 1, |address, files| {
        let mut command = dcmtk::program("dcmsend")?;
        command.args(["-aet", "MODALITY", "-aec", "DIMSEWAY", "--decompress-never", "--no-halt"]);
        command.arg(address.ip().to_string()).arg(address.port().to_string()).args(paths(files));
        Some(command.output().expect("dcmsend starts"))
    });
}

#[test]
fn pynetdicom_storescu() {
    compare("pynetdicom", 12, |address, files| {
        let python = skip::python()?;
        let output = Command::new(python)
            .args(["-m", "pynetdicom", "storescu", "-aet", "MODALITY", "-aec", "DIMSEWAY", "-cx"])
            .arg(address.ip().to_string())
            .arg(address.port().to_string())
            .args(paths(files))
            .output();
        Some(output.expect("Python starts"))
    });
}

#[test]
fn echoscu_and_a_study_of_storescu() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let Some(output) = dcmtk::run("echoscu", daemon.dimse(), &[], &[]) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = tempfile::tempdir().unwrap();
    let instances = Instance::study(1, 20, 100_000);
    let files: Vec<_> = instances
        .iter()
        .enumerate()
        .map(|(number, instance)| {
            let path = folder.path().join(format!("{number}.dcm"));
            instance.write(&path);
            path
        })
        .collect();
    let Some(output) = dcmtk::run("storescu", daemon.dimse(), &[], &files) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    daemon.settle();
    for instance in &instances {
        assert!(origin.stored()[&instance.sop_instance].ends_with(&instance.data_set));
    }
}
