//! The tests' own sender, held against DCMTK and Orthanc before it judges anything else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tests::dcmtk::Storescp;
use tests::instances::Instance;
use tests::orthanc::Orthanc;
use tests::pydicom;
use tests::sender::{Sender, store_all};

#[test]
fn the_sender_delivers_to_storescp_what_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let Some(storescp) = Storescp::start(folder.path(), &[]) else { return };
    let instances = Instance::study(1, 5, 200_000);
    store_all(storescp.address(), &instances);
    let received = data_sets(folder.path());
    for instance in &instances {
        assert_eq!(
            received.get(&instance.sop_instance),
            Some(&instance.data_set),
            "{}",
            instance.sop_instance
        );
    }
}

#[test]
fn the_test_files_of_pydicom_are_many_and_each_has_its_own_syntax() {
    let Some(files) = pydicom::test_files() else { return };
    assert!(files.len() >= 145, "{}", files.len());
    let folder = tempfile::tempdir().unwrap();
    let Some(storescp) = Storescp::start(folder.path(), &[]) else { return };
    let file = files.iter().find(|file| file.path.ends_with("CT_small.dcm")).unwrap();
    let mut sender = Sender::open(storescp.address(), [&file.instance]);
    assert_eq!(sender.store(&file.instance).unwrap().status, 0);
    sender.release();
    assert_eq!(data_sets(folder.path()).get(&file.instance.sop_instance), Some(&file.instance.data_set));
}

#[test]
fn orthanc_takes_what_is_stored_without_anything_in_between() {
    let Some(orthanc) = Orthanc::start() else { return };
    let instance = Instance::ct(1, 1, 50_000);
    assert_eq!(orthanc.stow(&instance.file()), 200);
    assert_eq!(orthanc.count(), 1);
    let file = orthanc.file(&instance.sop_instance).unwrap();
    let (_, start) = instance::part10::read(&file).unwrap();
    assert_eq!(file[start..], instance.data_set);
    orthanc.clear();
    assert_eq!(orthanc.count(), 0);
}

/// Data sets of the Part 10 files in a folder, by SOP Instance UID.
fn data_sets(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file = fs::read(entry.unwrap().path()).unwrap();
        let (meta, start) = instance::part10::read(&file).unwrap();
        found.insert(meta.sop_instance_uid.as_str().to_owned(), file[start..].to_vec());
    }
    found
}
