//! The scenarios in which the DICOM service of Azure is known to answer this or that, and what the bridge does in
//! each: a table that has every one of them, run with a real daemon where nothing else proves it.

mod answers;
mod page;
mod searching;
mod service;
mod storing;
mod table;

use std::collections::BTreeSet;
use std::path::Path;

use origin::azure::SCENARIOS;

use service::Service;
use table::{Proof, ROWS};

#[test]
fn every_scenario_has_a_row() {
    let of_service: Vec<_> = SCENARIOS.iter().map(|(name, _)| *name).collect();
    let of_table: Vec<_> = ROWS.iter().map(|row| row.scenario).collect();
    assert_eq!(of_table, of_service, "the table goes through the list in its order");
    assert_eq!(of_table.iter().collect::<BTreeSet<_>>().len(), ROWS.len(), "a scenario twice");
}

/// A test that is named as the proof of a row is there.
#[test]
fn every_proof_elsewhere_is_there() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for row in &ROWS {
        let Proof::At(file, test) = row.proof else { continue };
        let text =
            std::fs::read_to_string(workspace.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(&format!("fn {test}(")), "{}: no {test} in {file}", row.scenario);
    }
}

#[test]
fn the_page_has_the_table() {
    page::compare();
}

/// What the stand-in can be brought to, one scenario after the other with one daemon.
#[test]
fn with_the_service() {
    if !crate::curl::is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path());
    for row in &ROWS {
        if let Proof::WithService(run) = row.proof {
            println!("{}", row.scenario);
            run(&service);
        }
    }
}

/// What the bridge never gives cause to, answered all the same.
#[test]
fn with_scripted_answers() {
    for row in &ROWS {
        if let Proof::WithAnswers(run) = row.proof {
            println!("{}", row.scenario);
            run();
        }
    }
}
