//! The DICOM service of Azure. Names and expectations of the scenarios follow those of the public tests of the
//! open source server.

mod change_feed;
mod delete;
mod faults;
mod instances;
mod metadata;
mod partitions;
mod retrieve;
mod search;
mod store;
mod tokens;
mod tutorial;
mod workitems;

use origin::{Options, Personality, azure::SCENARIOS};

use crate::served::{Served, serve_with};

/// The service without tokens, which have tests of their own.
async fn azure() -> Served {
    azure_with(|_| {}).await
}

async fn azure_with(change: impl FnOnce(&mut Options)) -> Served {
    serve_with(|options| {
        options.personality = Personality::Azure;
        change(options);
    })
    .await
}

/// Holds a status against the list of scenarios, where the name is one of it.
fn as_listed(name: &str, status: u16) {
    let listed = SCENARIOS.iter().find(|(scenario, _)| *scenario == name);
    assert!(listed.is_none_or(|(_, listed)| *listed == status), "{name}: {status} instead of {listed:?}");
}

/// A name of the list stands in quotes where its scenario is run.
#[test]
fn every_scenario_of_the_list_is_run() {
    let run = [
        include_str!("azure/delete.rs"),
        include_str!("azure/metadata.rs"),
        include_str!("azure/retrieve.rs"),
        include_str!("azure/search.rs"),
        include_str!("azure/store.rs"),
        include_str!("azure/workitems.rs"),
    ];
    for (name, _) in SCENARIOS {
        assert!(run.iter().any(|file| file.contains(&format!("\"{name}\""))), "{name}");
    }
}
