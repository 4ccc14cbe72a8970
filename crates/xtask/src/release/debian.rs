//! The Debian package, as `[package.metadata.deb]` of the program describes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::{install, run_step};
use crate::{command, testing};

/// Makes the package, as a cargo command.
const CARGO_DEB: (&str, &str) = ("cargo-deb", "3.8.0");

/// What is done with the package in a machine of its own.
const TRIAL: &str = "deploy/debian/trial.sh";

/// Shells, each with the name under which it looks for completions.
const SHELLS: [(&str, &str); 3] =
    [("bash", "dimseway.bash"), ("zsh", "_dimseway"), ("fish", "dimseway.fish")];

/// Packs the program that was built for release, with its manual pages and completions.
pub(super) fn package(workspace: &Path, folder: &Path) -> anyhow::Result<()> {
    let target = testing::target_folder(workspace);
    let program = target.join("release/dimseway");
    let made = target.join("package");
    manual_and_completions(&program, &made)?;
    let packer = install(workspace, CARGO_DEB)?;
    let mut deb = command::outside_of_cargo(&packer.to_string_lossy());
    deb.args(["--package", "dimseway", "--no-build", "--locked", "--output"]).arg(folder);
    run_step("Debian package", &mut deb)
}

/// Installs the package in a machine of its own, relays through it, upgrades it to one with a higher revision,
/// and removes it. Root only.
pub(super) fn install_and_upgrade(workspace: &Path, folder: &Path) -> anyhow::Result<()> {
    let trial = testing::target_folder(workspace).join("trial");
    fs::create_dir_all(&trial)?;
    let next = trial.join("next.deb");
    let packer = install(workspace, CARGO_DEB)?;
    let mut deb = command::outside_of_cargo(&packer.to_string_lossy());
    deb.args(["--package", "dimseway", "--no-build", "--locked", "--deb-revision", "2", "--output"])
        .arg(&next);
    run_step("the next Debian package", &mut deb)?;
    let mut installed = command::outside_of_cargo(TRIAL);
    run_step("installation and upgrade", installed.arg(package_in(folder)?).arg(&next).arg(&trial))
}

/// The one package in a folder.
fn package_in(folder: &Path) -> anyhow::Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            return Ok(path);
        }
    }
    anyhow::bail!("there is no package in {}", folder.display())
}

/// What the program's own command line says of itself, where the package's description expects it.
fn manual_and_completions(program: &Path, made: &Path) -> anyhow::Result<()> {
    if made.exists() {
        fs::remove_dir_all(made)?;
    }
    run_step("manual", Command::new(program).args(["config", "manual", "--to"]).arg(made.join("man")))?;
    let completions = made.join("completions");
    fs::create_dir_all(&completions)?;
    for (shell, name) in SHELLS {
        let script = command::output(Command::new(program).args(["config", "completions", shell]))?;
        fs::write(completions.join(name), script).with_context(|| format!("completions of {shell}"))?;
    }
    Ok(())
}
