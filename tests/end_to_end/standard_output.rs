//! Commands whose output nobody reads to the end, or cannot be written.

use std::fs::File;
use std::process::{Command, Output, Stdio};

use tests::daemon::program;

/// What `config example` does, which prints more than a pipe holds.
fn example(stdout: impl Into<Stdio>) -> Output {
    let child = Command::new(program())
        .args(["config", "example"])
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = example(writer);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_cannot_be_written_is_a_failure_in_one_line() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = example(full);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("dimseway: standard output") && said.lines().count() == 1, "{said}");
    assert_eq!(output.status.code(), Some(70));
}
