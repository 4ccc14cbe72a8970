//! What others store in the cloud comes back to the hospital, although the bridge is killed over and over.

use std::collections::BTreeMap;
use std::path::Path;

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::dcmtk::Storescp;
use tests::embedded_origin::Options;
use tests::instances::Instance;
use tests::wait::eventually;

use crate::archive::{Archive, kind, split};
use crate::curl::{self, curl};

/// Studies that others store, and their images.
const STUDIES: u32 = 4;
const IMAGES: u32 = 24;

/// Images at the destination at which the daemon is killed.
const KILLS: [usize; 3] = [8, 36, 60];

/// Others store a study by a request of `curl`.
fn store(archive: &Archive, folder: &Path, study: u32) -> Vec<Instance> {
    let instances = Instance::study(study, IMAGES, 30_000);
    let mut arguments = archive.authorization();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
    add(&["--header", "Accept: application/dicom+json"]);
    add(&["--header", "Content-Type: multipart/related; type=\"application/dicom\""]);
    for (number, instance) in instances.iter().enumerate() {
        let path = folder.join(format!("{study}-{number}.dcm"));
        instance.write(&path);
        add(&["--form", &format!("file{number}=@{};type=application/dicom", path.display())]);
    }
    add(&[&format!("{}/studies", archive.url())]);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let answer = curl(folder, &arguments);
    assert_eq!(answer.status, 200, "{}", answer.text());
    instances
}

/// Data sets of every file that came, by SOP Instance UID. Of one that is just coming the beginning may be
/// missing.
fn came(folder: &Path) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut came: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let Ok(file) = std::fs::read(entry.unwrap().path()) else { continue };
        let Ok((meta, _)) = instance::part10::read(&file) else { continue };
        came.entry(meta.sop_instance_uid.as_str().to_owned()).or_default().push(split(&file).1);
    }
    came
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn nothing_of_the_change_feed_is_lost_or_doubled_by_kills() {
    if !curl::and_dcmtk_are_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = Options { answer_delay: "25ms", ..Options::default() };
    let archive = Archive::start_with(kind("azure"), folder.path(), options).unwrap();
    let received = folder.path().join("received");
    let Some(storescp) = Storescp::start(&received, &["--fork", "+uf"]) else { return };
    let configuration = archive.configured(Configuration::new()).with(&format!(
        "[[peer]]\nae_title = \"PACS\"\naddress = \"{}\"\n\n\
         [[pull]]\nname = \"cloud-to-pacs\"\norigin = \"archive\"\nto = [\"peer:PACS\"]\n\
         interval = \"100ms\"\nsettle = \"100ms\"\nsince = \"2026-01-01\"\nconcurrent = 1\n",
        storescp.address()
    ));
    let home = Home::new(&configuration);
    let mut stored = store(&archive, folder.path(), 1);
    let mut daemon = home.start();
    let mut in_the_middle = 0;
    for (study, kill) in (2..=STUDIES).zip(KILLS) {
        eventually("some are at the destination", || (count(&received) >= kill).then_some(()));
        daemon.kill();
        in_the_middle += usize::from(came(&received).len() < stored.len());
        // What comes while the bridge is away is not missed either.
        stored.extend(store(&archive, folder.path(), study));
        daemon = home.start();
    }
    eventually("all are at the destination", || (came(&received).len() >= stored.len()).then_some(()));
    daemon.settle();
    let came = came(&received);
    assert_eq!(came.len(), stored.len());
    for sent in &stored {
        let copies = &came[&sent.sop_instance];
        assert!(copies.iter().all(|copy| *copy == sent.data_set), "{}: other bytes", sent.sop_instance);
    }
    let doubled = came.values().filter(|copies| copies.len() > 1).count();
    println!("{} came, {doubled} of them twice; {in_the_middle} kills in the middle", came.len());
    assert!(in_the_middle > 0, "every kill came too late");
    // The destination had each of these when the daemon was killed, and the daemon had not heard of it.
    assert!(doubled <= KILLS.len() * IN_FLIGHT, "{doubled} came twice");
    assert_eq!(daemon.queue("state=held"), Vec::<serde_json::Value>::new());
}

/// Instances on their way to one peer at the same time, at most.
const IN_FLIGHT: usize = 4;
