//! DCMTK and pynetdicom retrieve from a full archive, a limited one and Orthanc.

use std::path::Path;
use std::process::{Command, Output};

use tests::dcmtk::{self, Storescp};
use tests::instances::Instance;
use tests::skip;

use super::{KINDS, Kind, Site, expect_in_folder};
use crate::site::said;

/// What is asked for: options of the requestors, and which of the instances that is.
type Row = (&'static str, Vec<String>, Vec<usize>);

/// Two studies of three slices each.
fn two_studies() -> Vec<Instance> {
    [1, 2].iter().flat_map(|study| Instance::study(*study, 3, 60_000)).collect()
}

fn rows(all: &[Instance]) -> Vec<Row> {
    let level = |level: &str| format!("QueryRetrieveLevel={level}");
    let patient = || "PatientID=TEST-1".to_owned();
    let study = || format!("StudyInstanceUID={}", all[0].study);
    let series = || format!("SeriesInstanceUID={}", all[0].series);
    let studies = format!("StudyInstanceUID={}\\{}", all[0].study, all[3].study);
    let image = format!("SOPInstanceUID={}", all[1].sop_instance);
    let images = format!("SOPInstanceUID={}\\{}", all[0].sop_instance, all[2].sop_instance);
    let root = |root: &str, keys: Vec<String>| {
        let keys = keys.into_iter().flat_map(|key| ["-k".to_owned(), key]);
        std::iter::once(root.to_owned()).chain(keys).collect::<Vec<_>>()
    };
    vec![
        ("a patient", root("-P", vec![level("PATIENT"), patient()]), (0..6).collect()),
        ("a study of a patient", root("-P", vec![level("STUDY"), patient(), study()]), (0..3).collect()),
        (
            "a series of a patient",
            root("-P", vec![level("SERIES"), patient(), study(), series()]),
            (0..3).collect(),
        ),
        (
            "an image of a patient",
            root("-P", vec![level("IMAGE"), patient(), study(), series(), image.clone()]),
            vec![1],
        ),
        ("a study", root("-S", vec![level("STUDY"), study()]), (0..3).collect()),
        ("studies", root("-S", vec![level("STUDY"), studies]), (0..6).collect()),
        ("a series", root("-S", vec![level("SERIES"), study(), series()]), (0..3).collect()),
        ("an image", root("-S", vec![level("IMAGE"), study(), series(), image]), vec![1]),
        ("images", root("-S", vec![level("IMAGE"), study(), series(), images]), vec![0, 2]),
    ]
}

/// Lets a requestor retrieve all rows into a folder, and looks at what came.
fn retrieve(name: &str, folder: &Path, run: impl Fn(&[String]) -> Option<Output>) -> Option<()> {
    let all = two_studies();
    for (what, keys, expected) in rows(&all) {
        let name = format!("{name}: {what}");
        let output = run(&keys)?;
        assert!(output.status.success(), "{name}: {}", said(&output));
        let expected: Vec<_> = expected.into_iter().map(|at| &all[at]).collect();
        expect_in_folder(&name, folder, &expected);
    }
    Some(())
}

/// One of DCMTK's requestors.
fn dcmtk(site: &Site, program: &str, options: &[&str], keys: &[String]) -> Option<Output> {
    dcmtk_in(site.folder(), site, program, options, keys)
}

/// The same in a folder.
fn dcmtk_in(folder: &Path, site: &Site, program: &str, options: &[&str], keys: &[String]) -> Option<Output> {
    let address = site.daemon.dimse();
    let mut command = dcmtk::program(program)?;
    command.current_dir(folder).args(["-v", "-aet", "MODALITY", "-aec", "DIMSEWAY"]);
    command.args(options).args(keys).arg(address.ip().to_string()).arg(address.port().to_string());
    Some(command.output().unwrap())
}

/// One of pynetdicom's.
fn pynetdicom(site: &Site, program: &str, options: &[&str], keys: &[String]) -> Option<Output> {
    let address = site.daemon.dimse();
    let mut command = Command::new(skip::python()?);
    command.args(["-m", "pynetdicom", program]);
    command.arg(address.ip().to_string()).arg(address.port().to_string());
    command.args(["-v", "-aet", "MODALITY", "-aec", "DIMSEWAY"]).args(options).args(keys);
    Some(command.output().expect("Python starts"))
}

fn with_every_requestor(kind: &Kind) -> Option<()> {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("received");
    std::fs::create_dir(&folder).unwrap();
    let storescp = Storescp::start(&folder, &[])?;
    let peer = format!("[[peer]]\nae_title = \"STORAGE\"\naddress = \"{}\"\n", storescp.address());
    let site = Site::start(kind, &peer)?;
    site.archive.fill(&two_studies());
    let into = folder.to_str().unwrap();
    let name = |program: &str| format!("{program} from {}", kind.name);
    retrieve(&name("movescu"), &folder, |keys| dcmtk(&site, "movescu", &["-aem", "STORAGE"], keys))?;
    retrieve(&name("getscu"), &folder, |keys| {
        dcmtk(&site, "getscu", &["-xe", "--bit-preserving", "-od", into], keys)
    })?;
    retrieve(&name("pynetdicom movescu"), &folder, |keys| {
        pynetdicom(&site, "movescu", &["-aem", "STORAGE"], keys)
    })?;
    Some(())
}

#[test]
fn from_a_full_archive() {
    with_every_requestor(&KINDS[0]);
}

#[test]
fn from_a_limited_archive() {
    with_every_requestor(&KINDS[1]);
}

#[test]
fn from_orthanc() {
    with_every_requestor(&KINDS[2]);
}

/// pynetdicom's `getscu` writes what it decoded, so that the instances are counted and not compared.
#[test]
fn pynetdicom_gets() {
    let folder = tempfile::tempdir().unwrap();
    for kind in &KINDS {
        let Some(site) = Site::start(kind, "") else { return };
        let all = two_studies();
        site.archive.fill(&all);
        // Each call takes a second to start.
        let only = if kind.name == "full" { "" } else { "studies" };
        for (what, keys, expected) in rows(&all).into_iter().filter(|row| row.0.contains(only)) {
            let name = format!("{what} from {}", kind.name);
            let into = folder.path().join(&name);
            let output = pynetdicom(&site, "getscu", &["-od", into.to_str().unwrap()], &keys);
            let Some(output) = output else { return };
            assert!(output.status.success(), "{name}: {}", said(&output));
            assert!(said(&output).contains("0x0000"), "{name}: {}", said(&output));
            let count = std::fs::read_dir(&into).map_or(0, Iterator::count);
            assert_eq!(count, expected.len(), "{name}: {}", said(&output));
        }
    }
}

#[test]
fn movescu_says_what_became_of_it() {
    let Some(site) = Site::start(&KINDS[0], "") else { return };
    site.archive.fill(&two_studies());
    let keys = &rows(&two_studies())[4].1;
    let Some(output) = dcmtk(&site, "movescu", &["-aem", "NOBODY"], keys) else { return };
    assert!(said(&output).contains("MoveDestinationUnknown"), "{}", said(&output));
}

#[test]
fn movescu_is_the_destination_itself() {
    let folder = tempfile::tempdir().unwrap();
    let port = dcmtk::free_port();
    let peer = format!("[[peer]]\nae_title = \"MODALITY\"\naddress = \"127.0.0.1:{port}\"\n");
    let Some(site) = Site::start(&KINDS[0], &peer) else { return };
    let all = two_studies();
    site.archive.fill(&all);
    let port = port.to_string();
    // Where it writes bit by bit it does so where it was started, whatever folder it is given.
    let options = ["-aem", "MODALITY", "+P", &port, "--bit-preserving"];
    let output = dcmtk_in(folder.path(), &site, "movescu", &options, &rows(&all)[5].1);
    let Some(output) = output else { return };
    assert!(output.status.success(), "{}", said(&output));
    expect_in_folder("movescu to itself", folder.path(), &all.iter().collect::<Vec<_>>());
}
