//! Measurements against DCMTK, curl and Orthanc on the machine at hand.

use std::path::Path;
use std::process::Command;

use crate::tools::Tools;
use crate::{command, testing};

/// Where the measurements keep files, spool and archives meanwhile, and leave their reports.
const FOLDER: &str = "target/bench";

/// What can be measured.
const SUBJECTS: [&str; 4] = ["store", "query", "retrieve", "worklist"];

/// One small run of every subject; true where all of them worked.
pub(crate) fn smoke(workspace: &Path, tools: &Tools) -> anyhow::Result<bool> {
    let mut worked = true;
    for subject in SUBJECTS {
        worked &= run(workspace, tools, &[subject.to_owned(), "--smoke".to_owned()])?;
    }
    Ok(worked)
}

/// Builds the program as it is released, and what measures it: that only starts programs and copies bytes,
/// so it needs no second build for release.
pub(crate) fn build() -> anyhow::Result<bool> {
    let release = ["build", "--release", "--locked", "--package", "dimseway"];
    let measuring = ["build", "--locked", "--package", "tests", "--bin", "bench"];
    Ok(command::succeeds(&mut command::cargo(release))? && command::succeeds(&mut command::cargo(measuring))?)
}

/// Runs the measurements named with what was built; true where all targets are met.
pub(crate) fn run(workspace: &Path, tools: &Tools, arguments: &[String]) -> anyhow::Result<bool> {
    let folder = workspace.join(FOLDER);
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary)?;
    let target = testing::target_folder(workspace);
    let mut bench = Command::new(target.join("debug/bench"));
    bench.args(arguments);
    bench.env("DIMSEWAY_BIN", target.join("release/dimseway"));
    bench.env("DIMSEWAY_BENCH", &folder);
    bench.env("TMPDIR", &temporary);
    tools.tell(&mut bench);
    command::succeeds(&mut bench)
}
