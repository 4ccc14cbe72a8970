//! Measurements against DCMTK and Orthanc on the machine at hand.

use crate::command;
use crate::tools::Tools;

/// Builds the program as it is released and runs the measurements named; true where all targets are met.
pub(crate) fn run(tools: &Tools, arguments: &[String]) -> anyhow::Result<bool> {
    if !command::succeeds(&mut command::cargo(["build", "--release", "--package", "dimseway"]))? {
        return Ok(false);
    }
    let mut bench =
        command::cargo(["run", "--release", "--quiet", "--package", "tests", "--bin", "bench", "--"]);
    bench.args(arguments);
    tools.tell(&mut bench);
    command::succeeds(&mut bench)
}
