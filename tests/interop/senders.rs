//! C-STORE of real peers as people call them, with and without Nagle's algorithm.

use std::path::{Path, PathBuf};
use std::process::Output;

use tests::dcmtk;
use tests::instances::Instance;

use crate::pynetdicom;
use crate::site::{Site, said};

/// Writes instances as files.
fn write(folder: &Path, instances: &[Instance]) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).unwrap();
    let number = |index: usize| folder.join(format!("{index:03}.dcm"));
    instances
        .iter()
        .enumerate()
        .map(|(index, instance)| {
            instance.write(&number(index));
            number(index)
        })
        .collect()
}

/// Lets a client of DCMTK send a study, with a way to call it, and looks for it in the archive.
fn send(site: &Site, name: &str, options: &[&str], nodelay: bool, instances: &[Instance]) -> Option<Output> {
    let mut command = dcmtk::program(name)?;
    if !nodelay {
        command.env_remove("TCP_NODELAY");
    }
    let address = site.daemon.dimse();
    command.args(["-v", "-aet", "MODALITY", "-aec", "DIMSEWAY"]).args(options);
    command.arg(address.ip().to_string()).arg(address.port().to_string());
    command.args(write(&site.folder().join("files"), instances));
    Some(command.output().unwrap())
}

#[test]
fn a_study_arrives_however_storescu_is_called() {
    let site = Site::start();
    let table: [&[&str]; 11] = [
        &[],
        &["--required"],
        &["--required", "--combine"],
        &["--propose-little"],
        &["--propose-lossless"],
        &["--propose-jpeg8"],
        &["--propose-j2k-lossless"],
        &["--propose-rle"],
        &["--max-pdu", "4096"],
        &["--max-send-pdu", "4096"],
        &["--max-pdu", "131072"],
    ];
    for (study, options) in (1..).zip(table) {
        let instances = Instance::study(study, 3, 200_000);
        let Some(output) = send(&site, "storescu", options, true, &instances) else { return };
        assert!(output.status.success(), "{options:?}: {}", said(&output));
        site.expect(&instances);
        site.clear(&instances);
    }
}

#[test]
fn a_study_arrives_with_nagles_algorithm_on() {
    let site = Site::start();
    for (study, name) in (1..).zip(["storescu", "dcmsend"]) {
        let instances = Instance::study(study, 40, 526_000);
        let Some(output) = send(&site, name, &[], false, &instances) else { return };
        assert!(output.status.success(), "{}", said(&output));
        site.expect(&instances);
        site.clear(&instances);
    }
}

#[test]
fn pynetdicom_stores_a_folder() {
    let site = Site::start();
    let instances = Instance::study(1, 8, 300_000);
    let folder = site.folder().join("files");
    write(&folder, &instances);
    let Some(printed) = pynetdicom::store_folder(site.daemon.dimse(), &folder, &[]) else { return };
    let stored = printed.matches("Received Store Response (Status: 0x0000 - Success)").count();
    assert_eq!(stored, 8, "{printed}");
    site.expect(&instances);
}

#[test]
fn user_identity_does_not_keep_a_caller_out() {
    let site = Site::start();
    let instances = Instance::study(1, 1, 1000);
    let options = ["--user", "somebody", "--password", "secret"];
    let Some(output) = send(&site, "storescu", &options, true, &instances) else { return };
    assert!(output.status.success(), "{}", said(&output));
    site.expect(&instances);
    assert!(!site.daemon.log().contains("secret"));
}

#[test]
fn clients_say_why_an_instance_was_refused() {
    let site = Site::start();
    // The command names what File Meta Information says, and the data set has no study.
    let mut instance = Instance::ct(1, 1, 1000);
    let study = [0x20, 0, 0x0D, 0, b'U', b'I'];
    let at = memchr::memmem::find(&instance.data_set, &study).unwrap();
    let length = usize::from(instance.data_set[at + 6]);
    instance.data_set.drain(at..at + 8 + length);
    let Some(output) = send(&site, "storescu", &[], true, std::slice::from_ref(&instance)) else { return };
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("DataSetDoesNotMatchSOPClass"), "{}", said(&output));
    let Some(output) = send(&site, "dcmsend", &[], true, &[instance]) else { return };
    assert!(
        said(&output).contains("0xa900") || said(&output).contains("DataSetDoesNotMatch"),
        "{}",
        said(&output)
    );
    assert_eq!(site.origin.count(), 0);
}
