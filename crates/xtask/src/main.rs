//! Developer automation: `cargo xtask ci | test | bench | fuzz | faults | docs | deploy | release`.
//!
//! Every command installs what it needs itself, or says by name what it could not install.
#![expect(clippy::print_stdout, reason = "the output is what a person and CI read")]

mod bench;
mod ci;
mod command;
mod deploy;
mod disk;
mod docs;
mod faults;
mod fuzz;
mod release;
mod step;
mod testing;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer automation of Dimseway")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that a change must pass, in one run.
    Ci,
    /// Build the program and run the tests of the workspace; arguments go to the test runner.
    Test {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Compare speed and memory with DCMTK, curl and Orthanc on this machine.
    Bench {
        /// What to measure, `store`, `query` or `retrieve`, and its options; `--smoke` makes one small run.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Look for bytes from outside that make a reader panic, forget or allocate.
    ///
    /// Every folder `tests/fuzz/corpus/ROOM/TARGET` is a target; its files are the seeds, which CI replays as
    /// plain tests. Needs a C++ compiler (`c++`), with which libFuzzer is built; any toolchain will do. What is
    /// found lies in `target/fuzz/findings`, and what was learnt in `target/fuzz/corpus`.
    Fuzz {
        /// Only targets whose `ROOM/TARGET` contains this: `dataset`, `dimse/messages`.
        target: Option<String>,
        /// Minutes for each target.
        #[arg(long, default_value_t = 5.0)]
        minutes: f64,
    },
    /// Kill the program, cut its power and break its lines, hundreds of times, and count what is lost.
    ///
    /// The tests are those of CI with larger counts, run against the program as it is released; the summary
    /// has their figures. Needs FUSE for the power cuts, and temporary files of 10 GiB for each million of
    /// `--backlog`.
    Faults {
        /// Kills in each of three ways, as many cuts of the power, and as many faults on the line to an
        /// archive. 200 where neither this nor `--backlog` is given.
        #[arg(long)]
        kills: Option<u32>,
        /// Decides every moment; printed, so that a failure can be run again. Another one each time by default.
        #[arg(long)]
        seed: Option<u64>,
        /// Also fill a spool with so many entries, kill the program on it, list it, and deliver all of it.
        #[arg(long)]
        backlog: Option<u64>,
    },
    /// Write the generated pages under `docs/`, or compare them with what would be written.
    Docs {
        /// Change nothing; fail where a page differs.
        #[arg(long)]
        check: bool,
    },
    /// Render the plain manifests of `deploy/kubernetes` from the chart, or compare them.
    Deploy {
        /// Change nothing; fail where a manifest differs.
        #[arg(long)]
        check: bool,
    },
    /// Build what is published: program, Debian package, chart, bill of materials, checksums.
    Release {
        /// Try it before the changelog has a section for the version.
        #[arg(long)]
        trial: bool,
        /// Also install, upgrade and remove the Debian package in a machine of its own; as root.
        #[arg(long)]
        install: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// True where everything passed.
fn run(task: Task) -> anyhow::Result<bool> {
    let workspace = workspace()?;
    std::env::set_current_dir(&workspace)?;
    match task {
        Task::Ci => ci::run_alone(&workspace),
        Task::Test { arguments } => testing::test(&workspace, &arguments),
        Task::Bench { arguments } => {
            let tools = tools::install(&workspace, &mut std::io::stdout())?;
            match bench::build()? {
                true => bench::run(&workspace, &tools, &arguments),
                false => Ok(false),
            }
        }
        Task::Fuzz { target, minutes } => fuzz::run(&workspace, target.as_deref(), minutes),
        Task::Faults { kills, seed, backlog } => {
            faults::run(&workspace, faults::Campaign { kills, seed, backlog })
        }
        Task::Docs { check } => match testing::build_program()? {
            true => docs::run(&workspace, check),
            false => Ok(false),
        },
        Task::Deploy { check } => {
            deploy::manifests(&tools::install(&workspace, &mut std::io::stdout())?, check)
        }
        Task::Release { trial, install } => {
            let tools = tools::install(&workspace, &mut std::io::stdout())?;
            release::run(&workspace, &tools, trial, install).map(|()| true)
        }
    }
}

/// The folder of the workspace, two above this package.
fn workspace() -> anyhow::Result<PathBuf> {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = package.ancestors().nth(2).ok_or_else(|| anyhow::anyhow!("no folder above this package"))?;
    Ok(folder.to_owned())
}
