//! `cargo xtask bench store | query | retrieve | worklist`: speed and memory beside DCMTK, curl and Orthanc
//! on the same machine, and judged against the targets.
//!
//! Peer and own runs alternate, so that whatever else the machine does meets both. Medians are judged;
//! a gap that lies inside the peer's own spread is called inconclusive.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement, not a service"
)]

mod archive;
mod curl;
mod dcmtk;
mod disk;
mod query;
mod report;
mod requestor;
mod retrieve;
mod statistics;
mod store;
mod verdict;
mod worklist;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// C-STORE in, STOW-RS out.
    Store,
    /// C-FIND in, QIDO-RS out.
    Query,
    /// C-MOVE and C-GET in, WADO-RS out.
    Retrieve,
    /// C-FIND of the worklist, from local state.
    Worklist,
}

/// Compares speed and memory with DCMTK, curl and Orthanc on this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Arguments {
    /// What to measure.
    #[arg(value_enum, default_value = "store")]
    subject: Subject,
    /// One small run of everything: fails where something does not work or takes too much memory, never
    /// because it is slow.
    #[arg(long)]
    smoke: bool,
    /// Rounds; each has one run of every kind.
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Instances in a run.
    #[arg(long, value_name = "COUNT", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    instances: u32,
    /// Where files, spool and archives are kept meanwhile, and the report afterwards; on a real disk.
    #[arg(long, value_name = "FOLDER", env = "DIMSEWAY_BENCH")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How long ext4 spares the inodes of removed files, and looks at each of them for every new one: up to 6 minutes.
const SPARED: Duration = Duration::from_secs(360);

/// Says so where the files of an earlier measurement were removed a moment ago: peers that write files, and archives,
/// are slow until these are forgotten.
fn tell_of_the_last(folder: &Path) {
    let reports = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let ages = reports.filter_map(|report| report.metadata().ok()?.modified().ok()?.elapsed().ok());
    if let Some(age) = ages.min().filter(|age| *age < SPARED) {
        println!(
            "note: the last measurement ended {} s ago and removed its files; on ext4 new ones are slow for {} s, \
             and storescp and Orthanc with them",
            age.as_secs(),
            (SPARED - age).as_secs()
        );
    }
}

/// True where no target was missed; in a smoke run only those of memory count.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    tell_of_the_last(&arguments.folder);
    // Home, Orthanc and origin make their folders where temporary files go.
    for folder in [&arguments.folder, &std::env::temp_dir()] {
        disk::refuse_memory(folder)?;
    }
    let done = match arguments.subject {
        Subject::Store => store::run(arguments)?,
        Subject::Query => query::run(arguments)?,
        Subject::Retrieve => retrieve::run(arguments)?,
        Subject::Worklist => worklist::run(arguments)?,
    };
    Ok(done.unwrap_or(!is_ci()))
}

/// In CI every tool has to be there.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}
