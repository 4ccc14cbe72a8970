//! Files under `deploy/` that are made from others.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::command;
use crate::tools::Tools;

/// The chart, from the top of the repository.
const CHART: &str = "deploy/helm/dimseway";

/// Renders the plain manifests for Kubernetes from the chart, or compares them; true where nothing differs.
pub(crate) fn manifests(tools: &Tools, check: bool) -> anyhow::Result<bool> {
    let mut command = chart(tools)?;
    command.args(["manifests", CHART, "deploy/kubernetes"]);
    if check {
        command.arg("--check");
    }
    command::succeeds(&mut command)
}

/// Packs the chart into a folder, as `NAME-VERSION.tgz`.
pub(crate) fn package(tools: &Tools, folder: &Path) -> anyhow::Result<()> {
    let mut command = chart(tools)?;
    command.args(["package", CHART]).arg(folder);
    anyhow::ensure!(command::succeeds(&mut command)?, "the chart could not be packed");
    Ok(())
}

/// The program that does with the chart what `helm` would.
fn chart(tools: &Tools) -> anyhow::Result<Command> {
    let python = tools.program("python").context("the Python environment is missing")?;
    let mut command = Command::new(python);
    command.arg("deploy/helm/chart.py");
    Ok(command)
}
