//! Measurements against DCMTK and Orthanc on the machine at hand.

use std::path::Path;

use crate::command;
use crate::tools::Tools;

/// Where the measurements keep files, spool and archives meanwhile, and leave their reports.
const FOLDER: &str = "target/bench";

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
