//! `cargo xtask bench store`: speed and memory of the store path, beside DCMTK and Orthanc on the
//! same machine, and judged against the targets.
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
mod dcmtk;
mod disk;
mod memory;
mod report;
mod rounds;
mod site;
mod statistics;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// C-STORE in, STOW-RS out.
    Store,
}

/// Compares speed and memory with DCMTK and Orthanc on this machine.
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

/// How much is done.
#[derive(Debug, Clone)]
struct Extent {
    smoke: bool,
    runs: u32,
    instances: u32,
    /// Bytes of Pixel Data of the large object.
    large_object: u64,
    associations: usize,
    instances_per_association: u32,
}

impl From<&Arguments> for Extent {
    fn from(arguments: &Arguments) -> Self {
        if arguments.smoke {
            return Self {
                smoke: true,
                runs: 1,
                instances: 30,
                large_object: 64 << 20,
                associations: 64,
                instances_per_association: 1,
            };
        }
        Self {
            smoke: false,
            runs: arguments.runs,
            instances: arguments.instances,
            large_object: 1 << 30,
            associations: 64,
            instances_per_association: 5,
        }
    }
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

/// True where no target was missed; in a smoke run only those of memory count.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let Subject::Store = arguments.subject;
    let extent = Extent::from(arguments);
    // Home, Orthanc and origin make their folders where temporary files go.
    for folder in [&arguments.folder, &std::env::temp_dir()] {
        disk::refuse_memory(folder)?;
    }
    let Some(site) = site::Site::open(&arguments.folder, &extent)? else { return Ok(!is_ci()) };
    let mut figures = report::Figures::new(&extent);
    rounds::measure(&site, &extent, &mut figures)?;
    memory::measure(&site, &extent, &mut figures)?;
    let verdicts = verdict::judge(&figures);
    report::print(&figures, &verdicts);
    let name = if extent.smoke { "store-smoke.json" } else { "store.json" };
    let path = arguments.folder.join(name);
    report::write(&path, &figures, &verdicts)?;
    println!("\nwritten to {}", path.display());
    Ok(verdicts.iter().all(|verdict| !verdict.is_failure(extent.smoke)))
}

/// In CI every tool has to be there.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}
