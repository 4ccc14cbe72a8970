//! Everything that a change must pass, in one run.

use std::path::Path;
use std::time::Instant;

use crate::command::{self, cargo};
use crate::step::{Outcome, Steps};
use crate::testing::{self, Report};
use crate::tools::{self, Tools};
use crate::{bench, disk, docs, release};

/// How CI compiles: what is built once needs no memory of the last build, which is as large as the build.
const ENVIRONMENT: (&str, &str) = ("CARGO_INCREMENTAL", "0");

/// Runs CI in a process of its own, where all that it starts compiles as CI does; true where it passed.
pub(crate) fn run_alone(workspace: &Path) -> anyhow::Result<bool> {
    let (name, value) = ENVIRONMENT;
    if std::env::var_os(name).is_some_and(|present| present == value) {
        return run(workspace);
    }
    let mut alone = std::process::Command::new(std::env::current_exe()?);
    command::succeeds(alone.arg("ci").env(name, value))
}

/// True where every step passed. The test runner's summary comes last, then the counts on a line alone.
fn run(workspace: &Path) -> anyhow::Result<bool> {
    disk::check(&testing::target_folder(workspace))?;
    let begun = Instant::now();
    // On a person's machine a missing tool is only named; CI has to have everything.
    let strict = std::env::var_os("CI").is_some_and(|value| value == "true");
    let mut steps = Steps::default();

    let mut tools = None;
    steps.run("tools", || {
        let installed = tools::install(workspace, &mut std::io::stdout())?;
        let missing = installed.missing().len();
        tools = Some(installed);
        Ok(match missing {
            0 => Outcome::Passed,
            _ if strict => Outcome::Failed(format!("{missing} packages could not be installed")),
            _ => Outcome::Skipped(format!("{missing} packages could not be installed; their tests skip")),
        })
    });
    check_sources(&mut steps, tools.as_ref(), strict);
    build(&mut steps);
    steps.run("generated documentation", || match docs::run(workspace, true)? {
        true => Ok(Outcome::Passed),
        false => Ok(Outcome::Failed("a page is out of date".to_owned())),
    });
    steps.run("documentation tests", || documentation_tests(workspace));
    let mut report = Report::default();
    if let Some(tools) = &tools {
        steps.run("benchmarks, smoke run", || match bench::smoke(workspace, tools)? {
            true => Ok(Outcome::Passed),
            false => Ok(Outcome::Failed("a measurement failed".to_owned())),
        });
        steps.run("tests", || {
            report = testing::run(workspace, tools, "ci", &[])?;
            Ok(judge(&report, strict))
        });
    }
    println!("\n{:.0} s in all", begun.elapsed().as_secs_f64());
    Ok(close(&steps, &report))
}

fn check_sources(steps: &mut Steps, tools: Option<&Tools>, strict: bool) {
    steps.command("format", cargo(["fmt", "--all", "--", "--check"]));
    steps.command(
        "lints",
        cargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    );
    // Only the program has it; the tests compile the same code without.
    steps.command(
        "lints with traces",
        cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            "dimseway/opentelemetry",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]),
    );
    let mut documentation =
        cargo(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"]);
    // Read by who works on it, so private items are documented and may be linked to.
    documentation.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
    steps.command("documentation", documentation);
    let Some(deny) = tools.and_then(|tools| tools.program("cargo-deny")) else {
        steps.run("dependencies", || match strict {
            true => Ok(Outcome::Failed("cargo-deny is missing".to_owned())),
            false => Ok(Outcome::Skipped("cargo-deny is missing".to_owned())),
        });
        return;
    };
    let mut bans = std::process::Command::new(&deny);
    bans.args(["--locked", "check", "bans", "licenses", "sources"]);
    steps.command("dependencies", bans);
    steps.run("advisories", || {
        let mut advisories = std::process::Command::new(&deny);
        let answer = advisories.args(["--locked", "check", "advisories"]).output()?;
        let said = String::from_utf8_lossy(&answer.stderr);
        if answer.status.success() {
            Ok(Outcome::Passed)
        } else if said.contains("failed to fetch advisory database") {
            Ok(Outcome::Skipped("the advisory database is out of reach".to_owned()))
        } else {
            println!("{said}");
            Ok(Outcome::Failed("an advisory concerns a dependency".to_owned()))
        }
    });
}

fn build(steps: &mut Steps) {
    // Program, tests and measurements at once: packages built alone get other features of what they depend
    // on, and each choice of features is a further copy of everything on the disk.
    steps.command("build", cargo(["build", "--workspace", "--all-targets", "--locked"]));
    // The step of the container's build, so that CI proves it.
    steps.command("build for release", command::outside_of_cargo(release::BUILD));
}

/// Runs the examples in documentation comments, where there are any: building for none takes minutes.
fn documentation_tests(workspace: &Path) -> anyhow::Result<Outcome> {
    if !has_examples(&workspace.join("crates"))? {
        return Ok(Outcome::Skipped("no examples in documentation comments".to_owned()));
    }
    let mut command = cargo(["test", "--workspace", "--doc", "--locked"]);
    Ok(if command::succeeds(&mut command)? {
        Outcome::Passed
    } else {
        Outcome::Failed("an example failed".to_owned())
    })
}

/// True where a documentation comment under the folder opens a code block that is Rust.
fn has_examples(folder: &Path) -> anyhow::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let found = if path.is_dir() {
            has_examples(&path)?
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            holds_example(&std::fs::read_to_string(&path)?)
        } else {
            false
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A fence without a word, or with one of these, opens an example that rustdoc compiles.
fn holds_example(source: &str) -> bool {
    let mut inside = false;
    for line in source.lines() {
        let line = line.trim_start();
        let Some(comment) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
            inside = false;
            continue;
        };
        let Some(word) = comment.trim().strip_prefix("```") else { continue };
        if !inside && matches!(word, "" | "rust" | "no_run" | "should_panic") {
            return true;
        }
        inside = !inside;
    }
    false
}

fn judge(report: &Report, strict: bool) -> Outcome {
    for skip in &report.skips {
        println!("skipped: {}: {}", skip.test, skip.reason);
    }
    let intolerable = report.skips.iter().filter(|skip| !skip.allowed).count();
    if !report.succeeded {
        Outcome::Failed(format!("{} failed", report.counts.failed))
    } else if strict && intolerable > 0 {
        Outcome::Failed(format!("{intolerable} tests were skipped, and CI has to have what they need"))
    } else {
        Outcome::Passed
    }
}

fn close(steps: &Steps, report: &Report) -> bool {
    for skipped in steps.skipped() {
        println!("skipped: {skipped}");
    }
    for failed in steps.failed() {
        println!("FAILED: {failed}");
    }
    println!("{}", report.summary);
    let mut counts = testing::Counts { ..report.counts };
    let tests_failed = counts.failed > 0;
    // The counts are of tests; a step that failed beside them has to show there too.
    counts.failed += steps.failed().len() as u64 - u64::from(tests_failed && !steps.failed().is_empty());
    println!("{}", testing::closing_line(&counts));
    steps.failed().is_empty()
}
