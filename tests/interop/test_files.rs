//! The test files of pydicom, sent as they are.

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::orthanc::Orthanc;
use tests::pydicom::{self, TestFile};
use tests::sender::Sender;

use crate::site::Site;

#[test]
fn every_test_file_arrives_in_the_embedded_origin_with_the_same_bytes() {
    let Some(rounds) = pydicom::rounds() else { return };
    let site = Site::start();
    let mut wrong = Vec::new();
    for round in &rounds {
        wrong.extend(send(&site.daemon, round));
        site.daemon.settle();
        for file in round {
            match site.origin.data_set(&file.instance) {
                None => wrong.push(format!("{}: not in the archive", file.name())),
                Some(kept) if kept != file.instance.data_set => {
                    wrong.push(format!("{}: other bytes in the archive", file.name()));
                }
                Some(_) => {}
            }
        }
        site.clear(round.iter().map(|file| &file.instance));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{} files, all identical", rounds.iter().flatten().count());
}

#[test]
fn orthanc_keeps_through_dimseway_what_it_keeps_of_a_direct_store() {
    let Some(rounds) = pydicom::rounds() else { return };
    let (Some(direct), Some(archive)) = (Orthanc::start(), Orthanc::start()) else { return };
    let configuration =
        Configuration::new().origin("archive", &archive.url()).set("origin.archive", "profile = \"orthanc\"");
    let home = Home::new(&configuration);
    let daemon = home.start();
    let (mut identical, mut refused, mut changed, mut wrong) = (0, Vec::new(), Vec::new(), Vec::new());
    for round in &rounds {
        wrong.extend(send(&daemon, round));
        for file in round {
            let _ = direct.stow(&std::fs::read(&file.path).unwrap());
        }
        daemon.settle();
        for file in round {
            let sent = Some(&file.instance.data_set);
            let (expected, kept) = (data_set(&direct, file), data_set(&archive, file));
            match expected.as_ref() {
                None if is_held(&daemon, file) => refused.push(file.name()),
                None => wrong.push(format!("{}: refused, and not held either", file.name())),
                expected if expected != sent => changed.push(file.name()),
                _ if kept.as_ref() == sent => identical += 1,
                _ => wrong.push(format!("{}: not kept identical", file.name())),
            }
        }
        direct.clear();
        archive.clear();
        assert_eq!((direct.count(), archive.count()), (0, 0), "Orthanc was not emptied");
    }
    println!(
        "{identical} identical; refused by Orthanc and held: {refused:?}; changed by Orthanc: {changed:?}"
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Orthanc refuses a handful that are cut or name the wrong syntax.
    assert!(identical >= 155, "{identical}");
}

/// True where the delivery of a file waits for a person, with a reason.
fn is_held(daemon: &Daemon, file: &TestFile) -> bool {
    let held = daemon.queue(&format!("state=held&instance={}", file.instance.sop_instance));
    held.iter().any(|delivery| delivery["reason"].as_str().is_some_and(|reason| !reason.is_empty()))
}

/// The data set that Orthanc keeps for a file.
fn data_set(orthanc: &Orthanc, file: &TestFile) -> Option<Vec<u8>> {
    let kept = orthanc.file(&file.instance.sop_instance)?;
    let (_, start) = instance::part10::read(&kept).unwrap();
    Some(kept[start..].to_vec())
}

/// Sends files over one association; what is not answered with success is returned.
fn send(daemon: &Daemon, files: &[TestFile]) -> Vec<String> {
    let mut sender = Sender::open(daemon.dimse(), files.iter().map(|file| &file.instance));
    let mut wrong = Vec::new();
    for file in files {
        let Some(response) = sender.store(&file.instance) else {
            wrong.push(format!("{}: the association ended", file.name()));
            sender = Sender::open(daemon.dimse(), files.iter().map(|file| &file.instance));
            continue;
        };
        if response.status != 0x0000 {
            wrong.push(format!("{}: {response:?}", file.name()));
        }
    }
    sender.release();
    wrong
}
