//! A bridge for modalities' worklists and reports alone: no archive, nothing is stored.

use std::fs;

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::find::{Finder, Identifier};
use tests::instances::{CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN};
use tests::scripted_peer::ScriptedPeer;
use tests::wait::eventually;
use tests::wire::{Proposal, VERIFICATION, context_id};
use tests::worklist::{ACCESSION_NUMBER, MODALITY_WORKLIST, Order};

const MPPS: &str = "1.2.840.10008.3.1.2.3.3";
const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";

#[test]
fn a_worklist_needs_no_archive_and_then_storage_is_not_offered() {
    let configuration = Configuration::new()
        .set("worklist", "window = \"36500d\"")
        .set("worklist_source.ris", "type = \"folder\"")
        .set("worklist_source.ris", "directory = \"orders\"")
        .set("mpps", "retention = \"1d\"");
    let home = Home::new(&configuration);
    fs::create_dir(home.path().join("orders")).unwrap();
    Order::new(0).write(&home.path().join("orders"));
    let check = home.run(&["check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let daemon = home.start();
    eventually("the worklist is there", || {
        (daemon.metrics().sum("dimseway_worklist_entries", &[]) == 1.0).then_some(())
    });
    // The peer sees that before it sends anything: result 3, abstract syntax not supported (PS3.8 §9.3.3.2).
    let offered =
        [(VERIFICATION, 0), (MODALITY_WORKLIST, 0), (MPPS, 0), (CT_IMAGE_STORAGE, 3), (STUDY_ROOT_FIND, 3)];
    let contexts = offered.map(|(class, _)| (class, &[EXPLICIT_VR_LITTLE_ENDIAN][..]));
    let peer = ScriptedPeer::associate(daemon.dimse(), &Proposal::new(&contexts));
    for (index, (class, result)) in offered.iter().enumerate() {
        let (found, _) =
            peer.acceptance().contexts.get(&context_id(index)).expect("an answer for each context");
        assert_eq!(found, result, "{class}");
    }
    peer.release();
    let mut finder = Finder::open(daemon.dimse(), MODALITY_WORKLIST);
    let found = finder.find(&Identifier::default().with(ACCESSION_NUMBER, "SH", ""));
    assert_eq!((found.last.status, found.answers.len()), (0, 1));
    finder.release();
    assert_eq!(daemon.get("/readyz").status, 200);
}

#[test]
fn a_bridge_for_nothing_at_all_does_not_start() {
    let home = Home::new(&Configuration::new());
    let output = home.run(&["serve"]);
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("there must be one origin") && said.contains("or a worklist or [mpps]"), "{said}");
}

/// Two titles of one bridge, each with its own source (`[[ae]] worklist`).
#[test]
fn under_a_title_with_a_source_of_its_own_only_that_is_shown() {
    let configuration = Configuration::new()
        .set("worklist", "window = \"36500d\"")
        .set("worklist", "sources = [\"main\", \"ultrasound\"]")
        .set("worklist_source.main", "type = \"folder\"")
        .set("worklist_source.main", "directory = \"main\"")
        .set("worklist_source.ultrasound", "type = \"folder\"")
        .set("worklist_source.ultrasound", "directory = \"ultrasound\"")
        .with("[[ae]]\ntitle = \"ULTRASOUND\"\nworklist = \"ultrasound\"");
    let home = Home::new(&configuration);
    for (folder, orders) in [("main", [0, 1]), ("ultrasound", [1, 2])] {
        fs::create_dir(home.path().join(folder)).unwrap();
        orders.into_iter().for_each(|number| Order::new(number).write(&home.path().join(folder)));
    }
    let daemon = home.start();
    eventually("the worklists are there", || {
        (daemon.metrics().sum("dimseway_worklist_entries", &[]) == 4.0).then_some(())
    });
    let numbers = |called: &str| {
        let to = |proposal: &mut Proposal| proposal.called = called.to_owned();
        let mut finder = Finder::open_with(daemon.dimse(), MODALITY_WORKLIST, &[], to);
        let found = finder.find(&Identifier::default().with(ACCESSION_NUMBER, "SH", ""));
        assert_eq!(found.last.status, 0);
        finder.release();
        let text = |answer: &tests::find::Answer| answer.elements.text(ACCESSION_NUMBER).unwrap().to_owned();
        let mut numbers: Vec<_> = found.answers.iter().map(text).collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(numbers("DIMSEWAY"), ["A1000", "A1001", "A1002"]);
    assert_eq!(numbers("ULTRASOUND"), ["A1001", "A1002"], "also what another source has first");
}
