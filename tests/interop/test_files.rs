//! The test files of pydicom, sent as they are.

use tests::configuration::Configuration;
use tests::daemon::Home;
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
    let configuration = Configuration::new()
        .origin("archive", &archive.url())
        .set("origin.archive", "profile = \"orthanc\"");
    let home = Home::new(&configuration);
    let daemon = home.start();
    let (mut identical, mut other, mut wrong) = (0, Vec::new(), Vec::new());
    for round in &rounds {
        for file in round {
            let _ = direct.stow(&std::fs::read(&file.path).unwrap());
        }
        wrong.extend(send(&daemon, round));
        daemon.settle();
        for file in round {
            let expected = data_set(&direct, file);
            if expected.as_ref() != Some(&file.instance.data_set) {
                other.push(file.name());
            } else if data_set(&archive, file) == expected {
                identical += 1;
            } else {
                wrong.push(format!("{}: not kept identical", file.name()));
            }
        }
        direct.clear();
        archive.clear();
    }
    println!("{identical} identical; refused or changed by a direct store: {other:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(identical >= 150, "{identical}");
}

/// The data set that Orthanc keeps for a file.
fn data_set(orthanc: &Orthanc, file: &TestFile) -> Option<Vec<u8>> {
    let kept = orthanc.file(&file.instance.sop_instance)?;
    let (_, start) = instance::part10::read(&kept).unwrap();
    Some(kept[start..].to_vec())
}

/// Sends files over one association; what is not answered with success is returned.
fn send(daemon: &tests::daemon::Daemon, files: &[TestFile]) -> Vec<String> {
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
