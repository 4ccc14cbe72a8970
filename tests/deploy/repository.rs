//! Files of the repository, and the Python programs that read them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tests::skip;

/// A path from the top of the repository.
pub(crate) fn path(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(of)
}

/// A text file of the repository.
pub(crate) fn text(of: &str) -> String {
    std::fs::read_to_string(path(of)).unwrap_or_else(|error| panic!("{of}: {error}"))
}

/// A Python program of the repository, to be run at its top; a skip is recorded where Python is missing.
pub(crate) fn python(script: &str) -> Option<Command> {
    let mut command = Command::new(skip::python()?);
    command.current_dir(path("")).arg(script).stdin(Stdio::null());
    Some(command)
}

/// A program that a Python package brings; a skip is recorded where Python is missing.
pub(crate) fn python_program(name: &str) -> Option<Command> {
    let mut command = Command::new(skip::python()?.with_file_name(name));
    command.current_dir(path("")).stdin(Stdio::null());
    Some(command)
}

/// Runs a command that has to succeed, and gives what it printed on standard output.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Everything a program printed.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
