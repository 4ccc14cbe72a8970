//! The test runner, the tests that were skipped for want of a tool, and the closing lines.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::command;
use crate::tools::{self, Tools};

/// What a run of tests came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

/// A finished run: its counts, the runner's own summary line, and what tests could not do here.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) counts: Counts,
    pub(crate) summary: String,
    pub(crate) skips: Vec<Skip>,
    pub(crate) succeeded: bool,
}

/// A test that passed without testing, since something it needs is not on this machine.
#[derive(Debug)]
pub(crate) struct Skip {
    pub(crate) test: String,
    pub(crate) reason: String,
    /// The reason is a file of the workplace that a plain clone does not have; CI allows that.
    pub(crate) allowed: bool,
}

/// `cargo xtask test`: tools, program, tests, closing lines.
pub(crate) fn test(workspace: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    let tools = tools::install(workspace, &mut std::io::stdout())?;
    if !build_program()? {
        return Ok(false);
    }
    let report = run(workspace, &tools, "default", arguments)?;
    for skip in &report.skips {
        println!("skipped: {}: {}", skip.test, skip.reason);
    }
    println!("{}", report.summary);
    println!("{}", closing_line(&report.counts));
    Ok(report.succeeded)
}

/// The line that says it all, in the form that any reader of a log understands.
pub(crate) fn closing_line(counts: &Counts) -> String {
    format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped)
}

/// One start of the test runner.
pub(crate) struct Run<'a> {
    /// A profile of `.config/nextest.toml`.
    pub(crate) profile: &'a str,
    /// What is run, and how.
    pub(crate) arguments: &'a [String],
    /// The program under test.
    pub(crate) program: PathBuf,
    /// What the tests are told beside that.
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// Runs the tests of the workspace with a profile of `.config/nextest.toml`.
pub(crate) fn run(
    workspace: &Path,
    tools: &Tools,
    profile: &str,
    arguments: &[String],
) -> anyhow::Result<Report> {
    let arguments = &[&["--workspace".to_owned()], arguments].concat();
    let program = target_folder(workspace).join("debug/dimseway");
    run_as(workspace, tools, &Run { profile, arguments, program, variables: Vec::new() })
}

/// Runs the tests that `run` selects.
pub(crate) fn run_as(workspace: &Path, tools: &Tools, run: &Run<'_>) -> anyhow::Result<Report> {
    let skips = target_folder(workspace).join("dimseway-skips");
    if skips.exists() {
        std::fs::remove_file(&skips)?;
    }
    let mut command = tools.nextest()?;
    command.args(["run", "--profile", run.profile]).args(run.arguments);
    command.env("DIMSEWAY_BIN", &run.program).env("DIMSEWAY_SKIPS", &skips);
    command.envs(run.variables.iter().map(|(name, value)| (name, value)));
    tools.tell(&mut command);
    let (succeeded, summary) = run_and_keep_summary(command)?;
    let mut counts = summary.as_deref().and_then(parse_summary).unwrap_or_default();
    let skips = read_skips(&skips)?;
    let skipped = skips.len() as u64;
    counts.passed = counts.passed.saturating_sub(skipped);
    counts.skipped += skipped;
    if !succeeded && counts.failed == 0 {
        // The runner failed without a test: nothing was built, or nothing could be started.
        counts.failed = 1;
    }
    let summary = summary.unwrap_or_else(|| "the test runner printed no summary".to_owned());
    Ok(Report { counts, summary, skips, succeeded })
}

/// Builds the program alone, as a person would; true where that worked.
pub(crate) fn build_program() -> anyhow::Result<bool> {
    command::succeeds(&mut command::cargo(["build", "--package", "dimseway"]))
}

/// The program that was built last, not yet started.
pub(crate) fn program(workspace: &Path) -> Command {
    Command::new(target_folder(workspace).join("debug/dimseway"))
}

/// Where cargo leaves what it builds.
pub(crate) fn target_folder(workspace: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from)
}

/// Passes on what the runner prints and keeps its last summary line.
fn run_and_keep_summary(mut command: Command) -> anyhow::Result<(bool, Option<String>)> {
    println!("    {}", command::shown(&command));
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command::shown(&command)))?;
    let stderr = child.stderr.take().context("the runner has no standard error")?;
    let mut summary = None;
    for line in BufReader::new(stderr).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if line.trim_start().starts_with("Summary [") {
            summary = Some(line.into_owned());
        }
    }
    Ok((child.wait()?.success(), summary))
}

/// Reads `Summary [ 1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 3 skipped`.
fn parse_summary(line: &str) -> Option<Counts> {
    let (_, counted) = line.split_once(" run: ")?;
    let mut counts = Counts::default();
    let mut depth = 0_u32;
    // Remarks in parentheses repeat tests that are counted before them.
    let plain: String = counted
        .chars()
        .filter(|&letter| {
            depth += u32::from(letter == '(');
            let keep = depth == 0;
            depth -= u32::from(letter == ')' && depth > 0);
            keep
        })
        .collect();
    for part in plain.split(',') {
        let (number, word) = part.trim().split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match word.trim() {
            "passed" => counts.passed += number,
            "skipped" => counts.skipped += number,
            _ => counts.failed += number,
        }
    }
    Some(counts)
}

/// One line per skip: `shared` or `tool`, the test, the reason, separated by tabs.
fn read_skips(path: &Path) -> anyhow::Result<Vec<Skip>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path)?;
    Ok(text
        .lines()
        .map(|line| {
            let mut fields = line.splitn(3, '\t');
            let kind = fields.next().unwrap_or_default();
            let test = fields.next().unwrap_or_default().to_owned();
            let reason = fields.next().unwrap_or("no reason given").to_owned();
            Skip { test, reason, allowed: kind == "shared" }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{Counts, parse_summary};

    #[test]
    fn summaries_of_the_runner_are_read() {
        let table = [
            ("     Summary [   0.015s] 4 tests run: 4 passed, 0 skipped", (4, 0, 0)),
            (
                "     Summary [   1.2s] 9/40 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 3 skipped",
                (7, 2, 3),
            ),
            ("     Summary [   1.2s] 2 tests run: 2 passed (1 slow, 1 leaky), 0 skipped", (2, 0, 0)),
            ("     Summary [   0.000s] 1 test run: 0 passed, 1 exec failed, 0 skipped", (0, 1, 0)),
        ];
        for (line, (passed, failed, skipped)) in table {
            assert_eq!(parse_summary(line), Some(Counts { passed, failed, skipped }), "{line}");
        }
    }
}
