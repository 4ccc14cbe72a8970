//! What is published of a version: program, Debian package, chart, bill of materials, checksums.

mod debian;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::command::{self, cargo};
use crate::tools::Tools;
use crate::{deploy, testing};

/// How the program is built, in the container too.
pub(crate) const BUILD: &str = "deploy/container/build.sh";

/// What goes with the program into its archive.
const BESIDE: [&str; 3] = ["README.md", "docs/changelog.md", "docs/dimseway.example.toml"];

/// Writes the bill of materials in CycloneDX, as a cargo command.
const CARGO_CYCLONEDX: (&str, &str) = ("cargo-cyclonedx", "0.5.9");

/// Builds everything into `target/publish/VERSION`; with `installed` the package is also installed, upgraded and
/// removed in a machine of its own.
///
/// # Errors
/// The changelog has no section for the version and this is no trial, or a step failed.
pub(crate) fn run(workspace: &Path, tools: &Tools, trial: bool, installed: bool) -> anyhow::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    if !trial {
        let changelog = fs::read_to_string(workspace.join("docs/changelog.md"))?;
        anyhow::ensure!(
            describes(&changelog, version),
            "docs/changelog.md has no section `## {version} - DATE` above all others; --trial goes on without"
        );
    }
    let folder = testing::target_folder(workspace).join("publish").join(version);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    run_step("program", &mut command::outside_of_cargo(BUILD))?;
    archive(workspace, &folder, version)?;
    debian::package(workspace, &folder)?;
    println!("=== chart");
    deploy::package(tools, &folder)?;
    bill_of_materials(workspace, &folder, version)?;
    checksums(&folder)?;
    if installed {
        debian::install_and_upgrade(workspace, &folder)?;
    }
    println!("\n{}", folder.display());
    print!("{}", fs::read_to_string(folder.join("SHA256SUMS"))?);
    Ok(())
}

/// True where the first section of the changelog is about the version.
fn describes(changelog: &str, version: &str) -> bool {
    let first = changelog.lines().find_map(|line| line.strip_prefix("## "));
    first.and_then(|heading| heading.strip_prefix(version)).is_some_and(|rest| rest.starts_with(" - "))
}

fn run_step(name: &str, command: &mut Command) -> anyhow::Result<()> {
    println!("=== {name}\n    {}", command::shown(command));
    anyhow::ensure!(command::succeeds(command)?, "{name}: `{}` failed", command::shown(command));
    Ok(())
}

/// `dimseway-VERSION-TRIPLE.tar.gz` with a folder of that name in it.
fn archive(workspace: &Path, folder: &Path, version: &str) -> anyhow::Result<()> {
    let name = format!("dimseway-{version}-{}", host()?);
    let inside = folder.join(&name);
    fs::create_dir(&inside)?;
    fs::copy(testing::target_folder(workspace).join("release/dimseway"), inside.join("dimseway"))?;
    for path in BESIDE {
        let file = Path::new(path).file_name().context("a file")?;
        fs::copy(workspace.join(path), inside.join(file))?;
    }
    let mut tar = Command::new("tar");
    // The same content makes the same archive.
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "-C"]);
    tar.arg(folder).arg("-czf").arg(folder.join(format!("{name}.tar.gz"))).arg(&name);
    run_step("archive", &mut tar)?;
    fs::remove_dir_all(inside)?;
    Ok(())
}

/// The target triple of this machine's compiler.
fn host() -> anyhow::Result<String> {
    let said = command::output(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}

/// `dimseway-VERSION.cdx.json`: every crate that the program is built from, with version and licence.
fn bill_of_materials(workspace: &Path, folder: &Path, version: &str) -> anyhow::Result<()> {
    let program = install(workspace, CARGO_CYCLONEDX)?;
    let name = format!("dimseway-{version}.cdx");
    let mut bill = command::outside_of_cargo(&program.to_string_lossy());
    bill.args(["cyclonedx", "--manifest-path", "crates/dimseway/Cargo.toml", "--format", "json"]);
    bill.args(["--no-build-deps", "--override-filename", &name]);
    run_step("bill of materials", &mut bill)?;
    // One is written beside the manifest of each package of the workspace.
    let mut packages = vec![workspace.join("tests")];
    for package in fs::read_dir(workspace.join("crates"))? {
        packages.push(package?.path());
    }
    for package in packages {
        let written = package.join(format!("{name}.json"));
        if !written.exists() {
            continue;
        }
        if package.ends_with("dimseway") {
            // It names our own packages by where they are, which is nobody's business.
            let here = format!("file://{}/", workspace.display());
            let bill = fs::read_to_string(&written)?.replace(&here, "file:///");
            fs::write(folder.join(format!("{name}.json")), bill)?;
        }
        fs::remove_file(written)?;
    }
    anyhow::ensure!(folder.join(format!("{name}.json")).is_file(), "no bill of materials was written");
    Ok(())
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
fn checksums(folder: &Path) -> anyhow::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name());
    }
    names.sort();
    let sums = command::output(Command::new("sha256sum").current_dir(folder).args(names))?;
    Ok(fs::write(folder.join("SHA256SUMS"), sums)?)
}

/// A cargo command under `target/tools`, built from its crate where it is missing.
fn install(workspace: &Path, (name, version): (&str, &str)) -> anyhow::Result<PathBuf> {
    let tools = testing::target_folder(workspace).join("tools").join(format!("{name}-{version}"));
    let program = tools.join("bin").join(name);
    if !program.is_file() {
        let mut install = cargo(["install", name, "--locked", "--version", version, "--root"]);
        run_step(name, install.arg(&tools))?;
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::describes;

    #[test]
    fn the_version_comes_first_in_the_changelog() {
        let table = [
            ("# Changelog\n\n## 0.2.0 - 2026-12-01\n\n### Added\n\n## 0.1.0 - 2026-11-22\n", true),
            ("# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-12-01\n", false),
            ("# Changelog\n\n## 0.2.0-rc.1 - 2026-12-01\n", false),
            ("# Changelog\n", false),
        ];
        for (changelog, expected) in table {
            assert_eq!(describes(changelog, "0.2.0"), expected, "{changelog}");
        }
    }
}
