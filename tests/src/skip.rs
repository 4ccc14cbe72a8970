//! Tests that need something this machine does not have are skipped by name, never silently.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Records that the running test cannot do its work here, and why. The run of all tests prints it;
/// in CI it fails.
///
/// # Panics
/// Where the record cannot be written.
pub fn skip(reason: &str) {
    record("tool", reason);
}

/// The same where a reference beside the checkout is missing, which CI allows.
///
/// # Panics
/// Where the record cannot be written.
pub fn without_reference(reason: &str) {
    record("shared", reason);
}

fn record(kind: &str, reason: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let Some(path) = std::env::var_os("DIMSEWAY_SKIPS") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("the record of skips");
    // One write per line, so that lines of tests at the same time do not mix.
    file.write_all(format!("{kind}\t{name}\t{reason}\n").as_bytes()).expect("the record of skips");
}

/// The program from `PATH`, or from where Debian keeps those of administrators; a skip is recorded
/// where it is missing.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// The Python of the environment that `cargo xtask` made; a skip is recorded where it is missing.
///
/// # Panics
/// Never in a build tree.
#[must_use]
pub fn python() -> Option<PathBuf> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .join("target/tools/python/bin");
    let python = std::env::var_os("DIMSEWAY_PYTHON").map_or_else(|| made.join("python"), PathBuf::from);
    if python.is_file() {
        return Some(python);
    }
    skip("the Python environment of `cargo xtask` is missing");
    None
}
