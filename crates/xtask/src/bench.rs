//! Measurements against DCMTK, curl and Orthanc on the machine at hand.

use std::path::Path;

use crate::command;
use crate::tools::Tools;

/// Where the measurements keep files, spool and archives meanwhile, and leave their reports.
const FOLDER: &str = "target/bench";

/// What can be measured.
const SUBJECTS: [&str; 3] = ["store", "query", "retrieve"];

/// One small run of every subject; true where all of them worked.
pub(crate) fn smoke(workspace: &Path, tools: &Tools) -> anyhow::Result<bool> {
    let mut worked = true;
    for subject in SUBJECTS {
        worked &= run(workspace, tools, &[subject.to_owned(), "--smoke".to_owned()])?;
    }
    Ok(worked)
}

/// Builds the program as it is released and runs the measurements named; true where all targets are met.
pub(crate) fn run(workspace: &Path, tools: &Tools, arguments: &[String]) -> anyhow::Result<bool> {
    if !command::succeeds(&mut command::cargo(["build", "--release", "--locked", "--package", "dimseway"]))? {
        return Ok(false);
    }
    let folder = workspace.join(FOLDER);
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary)?;
    // What measures only starts programs and copies bytes, so it needs no second build for release.
    let mut bench =
        command::cargo(["run", "--quiet", "--locked", "--package", "tests", "--bin", "bench", "--"]);
    bench.args(arguments);
    bench.env("DIMSEWAY_BIN", workspace.join("target/release/dimseway"));
    bench.env("DIMSEWAY_BENCH", &folder);
    bench.env("TMPDIR", &temporary);
    tools.tell(&mut bench);
    command::succeeds(&mut bench)
}
