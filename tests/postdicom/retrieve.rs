//! C-MOVE and C-GET of DCMTK.

use std::collections::BTreeMap;
use std::path::Path;

use tests::configuration::Configuration;
use tests::dcmtk::{self, Storescp};
use tests::instances::Instance;

use crate::{Site, said};

/// What is asked for: a name, options of the requestor, and which of the instances that is.
type Row = (&'static str, Vec<String>, Vec<usize>);

fn rows(all: &[Instance]) -> Vec<Row> {
    let study = format!("StudyInstanceUID={}", all[0].study);
    let studies = format!("{study}\\{}", all[3].study);
    let series = format!("SeriesInstanceUID={}", all[0].series);
    let images = format!("SOPInstanceUID={}\\{}", all[0].sop_instance, all[2].sop_instance);
    let patient = "PatientID=TEST-1".to_owned();
    let keys = |root: &str, level: &str, keys: &[&String]| {
        let keys = keys.iter().flat_map(|key| ["-k".to_owned(), (*key).clone()]);
        let level = ["-k".to_owned(), format!("QueryRetrieveLevel={level}")];
        std::iter::once(root.to_owned()).chain(level).chain(keys).collect::<Vec<_>>()
    };
    vec![
        ("a patient", keys("-P", "PATIENT", &[&patient]), (0..6).collect()),
        ("a study of a patient", keys("-P", "STUDY", &[&patient, &study]), (0..3).collect()),
        ("a study", keys("-S", "STUDY", &[&study]), (0..3).collect()),
        ("studies", keys("-S", "STUDY", &[&studies]), (0..6).collect()),
        ("a series", keys("-S", "SERIES", &[&study, &series]), (0..3).collect()),
        ("images", keys("-S", "IMAGE", &[&study, &series, &images]), vec![0, 2]),
    ]
}

/// Transfer syntax and data set of each file in a folder, which is empty afterwards.
fn taken_from(folder: &Path) -> BTreeMap<String, (String, Vec<u8>)> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            let file = std::fs::read(&path).unwrap();
            std::fs::remove_file(&path).unwrap();
            let (meta, start) = instance::part10::read(&file).unwrap();
            let syntax = meta.transfer_syntax.uid().as_str().to_owned();
            (meta.sop_instance_uid.as_str().to_owned(), (syntax, file[start..].to_vec()))
        })
        .collect()
}

#[test]
fn movescu_and_getscu_give_back_what_was_stored() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("received");
    std::fs::create_dir(&folder).unwrap();
    let Some(storescp) = Storescp::start(&folder, &[]) else { return };
    let peer = format!("[[peer]]\nae_title = \"STORAGE\"\naddress = \"{}\"\n", storescp.address());
    let site = Site::with(|_| {}, Configuration::new().with(&peer));
    let daemon = site.home.start();
    let all: Vec<_> = [1, 2].iter().flat_map(|study| Instance::study(*study, 3, 60_000)).collect();
    site.fill(&daemon, &all);
    let into = folder.to_str().unwrap();
    let moving: &[&str] = &["-v", "-aem", "STORAGE"];
    let getting: &[&str] = &["-v", "-xe", "--bit-preserving", "-od", into];
    for (program, options) in [("movescu", moving), ("getscu", getting)] {
        for (what, keys, expected) in rows(&all) {
            let keys: Vec<_> = keys.iter().map(String::as_str).collect();
            let options = [options, &keys].concat();
            let Some(output) = dcmtk::run(program, daemon.dimse(), &options, &[]) else { return };
            assert!(output.status.success(), "{program} {what}: {}\n{}", said(&output), daemon.log());
            let expected = expected
                .iter()
                .map(|at| &all[*at])
                .map(|one| (one.sop_instance.clone(), (one.transfer_syntax.clone(), one.data_set.clone())));
            let (found, expected) = (taken_from(&folder), expected.collect::<BTreeMap<_, _>>());
            assert!(found.keys().eq(expected.keys()), "{program} {what}: {:?}", found.keys());
            assert!(found == expected, "{program} {what}: other bytes");
        }
    }
    let asked = site.account.recorder().requests();
    let paths: Vec<_> = asked.iter().filter_map(|request| request.line.split(' ').nth(1)).collect();
    let beyond = ["metadata", "limit=", "offset=", "includefield=", "/frames", "/rendered"];
    assert!(paths.iter().all(|path| beyond.iter().all(|word| !path.contains(word))), "{paths:?}");
}
