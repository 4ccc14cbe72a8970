//! What a client delivers through Dimseway has the bytes that it delivers to `storescp`, which writes
//! them as they come.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tests::dcmtk::{self, Storescp};
use tests::pydicom::{self, TestFile};

use crate::pynetdicom;
use crate::site::Site;

/// Transfer syntax and data set.
type Received = (String, Vec<u8>);

#[test]
fn storescu() {
    compare("storescu", |address, files| {
        // One association per transfer syntax, so that each file can go as it is.
        let mut by_syntax: BTreeMap<&str, Vec<TestFile>> = BTreeMap::new();
        for file in files {
            by_syntax.entry(&file.instance.transfer_syntax).or_default().push(file.clone());
        }
        let mut outputs = by_syntax.into_iter().map(|(syntax, files)| {
            let mut command = dcmtk::program("storescu")?;
            command.args(["--no-halt", "--required", proposing(syntax)]);
            run(command, address, &files);
            Some(())
        });
        outputs.by_ref().find(Option::is_none).is_none().then_some(())
    });
}

/// Without options `storescu` proposes Explicit VR Big Endian and Implicit VR Little Endian in one
/// presentation context, and converts files to what was chosen. `storescp` would choose big endian;
/// here it is given the order of preference of Dimseway, which takes big endian last.
#[test]
fn storescu_with_its_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let Some(rounds) = pydicom::rounds() else { return };
    let path = folder.path().join("storescp.cfg");
    std::fs::write(&path, preferences(rounds.iter().flatten())).unwrap();
    let scp = &["--config-file", path.to_str().unwrap(), "Default"];
    compare_with(scp, "storescu without options", |address, files| {
        let mut command = dcmtk::program("storescu")?;
        command.arg("--no-halt");
        run(command, address, files);
        Some(())
    });
}

/// A configuration file of `storescp` for the SOP classes of some files.
fn preferences<'a>(files: impl Iterator<Item = &'a TestFile>) -> String {
    let classes: BTreeSet<_> = files.map(|file| file.instance.sop_class.as_str()).collect();
    let contexts: String = (1..)
        .zip(classes)
        .map(|(number, class)| format!("PresentationContext{number} = {class}\\Uncompressed\n"))
        .collect();
    format!(
        "[[TransferSyntaxes]]\n[Uncompressed]\n\
         TransferSyntax1 = LittleEndianExplicit\n\
         TransferSyntax2 = LittleEndianImplicit\n\
         TransferSyntax3 = BigEndianExplicit\n\
         [[PresentationContexts]]\n[Storage]\n{contexts}\
         [[Profiles]]\n[Default]\nPresentationContexts = Storage\n"
    )
}

#[test]
fn storescu_with_all_syntaxes_in_one_context() {
    compare("storescu --combine", |address, files| {
        let mut command = dcmtk::program("storescu")?;
        command.args(["--no-halt", "--required", "--combine"]);
        run(command, address, files);
        Some(())
    });
}

#[test]
fn dcmsend() {
    compare("dcmsend", |address, files| {
        let mut command = dcmtk::program("dcmsend")?;
        command.args(["--no-halt", "--no-uid-checks"]);
        run(command, address, files);
        Some(())
    });
}

#[test]
fn dcmsend_without_decompression() {
    compare("dcmsend", |address, files| {
        let mut command = dcmtk::program("dcmsend")?;
        command.args(["--no-halt", "--no-uid-checks", "--decompress-never"]);
        run(command, address, files);
        Some(())
    });
}

#[test]
fn pynetdicom_storescu() {
    compare("pynetdicom", |address, files| {
        // It takes one path, so the files are put into a folder.
        let folder = tempfile::tempdir().unwrap();
        for (number, file) in files.iter().enumerate() {
            std::fs::copy(&file.path, folder.path().join(format!("{number:03}.dcm"))).unwrap();
        }
        pynetdicom::store_folder(address, folder.path(), &["--required-contexts"])?;
        Some(())
    });
}

/// What makes `storescu` propose a transfer syntax first.
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

/// Runs one of DCMTK's clients. What it says about single files is not looked at: what arrived counts.
fn run(mut command: Command, address: SocketAddr, files: &[TestFile]) {
    command.args(["-aet", "MODALITY", "-aec", "DIMSEWAY"]);
    command.arg(address.ip().to_string()).arg(address.port().to_string());
    command.args(files.iter().map(|file| &file.path)).output().unwrap();
}

/// Lets a client send all files, round by round, to `storescp` and through Dimseway.
fn compare(name: &str, send: impl Fn(SocketAddr, &[TestFile]) -> Option<()>) {
    compare_with(&["--accept-all", "--promiscuous"], name, send);
}

/// The same with options of `storescp`.
fn compare_with(scp: &[&str], name: &str, send: impl Fn(SocketAddr, &[TestFile]) -> Option<()>) {
    let Some(rounds) = pydicom::rounds() else { return };
    let site = Site::start();
    let (mut identical, mut misnamed) = (0, 0);
    let (mut undelivered, mut further, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for (number, round) in rounds.iter().enumerate() {
        let folder = site.folder().join(number.to_string());
        let Some(storescp) = Storescp::start_preferring(&folder, scp) else { return };
        let (Some(()), Some(())) = (send(storescp.address(), round), send(site.daemon.dimse(), round)) else {
            return;
        };
        site.daemon.settle();
        let mut expected = in_folder(&folder);
        for file in round {
            let found = site.origin.file(&file.instance).map(|bytes| received(&bytes).1);
            match (expected.remove(&file.instance.sop_instance), found) {
                (None, None) => undelivered.push(file.name()),
                (None, Some(_)) => further.push(file.name()),
                (Some(expected), Some(found)) if expected == found => identical += 1,
                (Some(expected), Some(found)) => {
                    wrong.push(format!("{}: {} became {}", file.name(), told(&expected), told(&found)));
                }
                (Some(_), None) => wrong.push(format!("{}: did not arrive", file.name())),
            }
        }
        // dcmsend takes UIDs of an unknown value representation for numbers and names them so in the
        // command; PS3.4 §B.2.3 has a status for that.
        misnamed += u32::try_from(expected.len()).unwrap();
        site.clear(round.iter().map(|file| &file.instance));
    }
    println!(
        "{name}: {identical} identical; {misnamed} misnamed; delivered to neither: {undelivered:?}; to Dimseway alone: {further:?}"
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    let refused = site.daemon.metrics().sum("dimseway_dimse_messages_total", &[("status", "0122")]);
    assert_eq!(refused, f64::from(misnamed), "refused for what the command says");
    assert!(identical > 100, "{identical} files reached storescp");
}

/// Files that `storescp` wrote, by SOP Instance UID.
fn in_folder(folder: &Path) -> BTreeMap<String, Received> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| received(&std::fs::read(entry.unwrap().path()).unwrap())).collect()
}

fn received(file: &[u8]) -> (String, Received) {
    let (meta, start) = instance::part10::read(file).unwrap();
    let syntax = meta.transfer_syntax.uid().as_str().to_owned();
    (meta.sop_instance_uid.as_str().to_owned(), (syntax, file[start..].to_vec()))
}

fn told((syntax, data_set): &Received) -> String {
    format!("{} bytes in {syntax}", data_set.len())
}
