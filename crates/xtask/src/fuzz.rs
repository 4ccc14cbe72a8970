//! Fuzzing of what reads bytes from outside, with libFuzzer, on the toolchain that is installed: the flags
//! that `cargo fuzz` would give are given here, so neither it nor a nightly toolchain is needed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;

use crate::{command, testing};

/// The workspace around the targets, and their seeds by room and target.
const FOLDER: &str = "tests/fuzz";
/// Coverage for libFuzzer, and the condition under which a room shows its targets.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
/// Names the target to the process that runs it.
const VARIABLE: &str = "DIMSEWAY_FUZZ_TARGET";
/// Seconds that one input may take: 10. The longest of them has [`LENGTH_MAX`] bytes.
const SECONDS_MAX: u32 = 10;
/// Bytes of an input at most: 16 KiB. Longer ones find nothing that shorter ones do not, and slowly.
const LENGTH_MAX: u32 = 16 * 1024;
/// MiB that a process may hold, libFuzzer's own corpus included: 2048.
const MEMORY_MAX_MIB: u32 = 2048;

/// One target: `dataset/json`.
struct Target {
    room: String,
    name: String,
}

/// What became of a target.
struct Ran {
    executions: u64,
    coverage: u64,
    seconds: f64,
    finding: Option<String>,
}

/// Builds the fuzzer and runs the targets whose `ROOM/TARGET` contains `wanted`; true where none fell over.
pub(crate) fn run(workspace: &Path, wanted: Option<&str>, minutes: f64) -> anyhow::Result<bool> {
    anyhow::ensure!(minutes > 0.0, "--minutes must be more than 0");
    let mut targets = targets(&workspace.join(FOLDER).join("corpus"))?;
    targets.retain(|target| wanted.is_none_or(|wanted| target.path().contains(wanted)));
    anyhow::ensure!(!targets.is_empty(), "no target is called so: look into {FOLDER}/corpus");
    let host = requirements()?;
    let built = testing::target_folder(workspace).join("fuzz");
    if !build(&built, &host)? {
        return Ok(false);
    }
    let programs = built.join(&host).join("release");
    let mut rows = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        println!("[{}/{}] {} for {minutes} min", number + 1, targets.len(), target.path());
        let ran = target.run(workspace, &programs, &built, minutes)?;
        println!("{}", ran.said(&target.path()));
        rows.push((target, ran));
    }
    println!("\n{:<34} {:>12} {:>8} {:>9}  outcome", "target", "executions", "per s", "coverage");
    for (target, ran) in &rows {
        let outcome = ran.finding.as_deref().unwrap_or("held");
        let rate = ran.executions as f64 / ran.seconds;
        println!("{:<34} {:>12} {rate:>8.0} {:>9}  {outcome}", target.path(), ran.executions, ran.coverage);
    }
    Ok(rows.iter().all(|(_, ran)| ran.finding.is_none()))
}

/// The triple of this machine, once everything is there that is needed.
fn requirements() -> anyhow::Result<String> {
    anyhow::ensure!(
        cfg!(target_os = "linux"),
        "cargo xtask fuzz needs Linux: the corpus and memfd are there"
    );
    anyhow::ensure!(
        command::is_on_path("c++"),
        "cargo xtask fuzz needs a C++ compiler to build libFuzzer with, and there is no `c++`: install g++ or clang"
    );
    let said = command::output(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}

fn build(folder: &Path, host: &str) -> anyhow::Result<bool> {
    let manifest = format!("{FOLDER}/Cargo.toml");
    let mut cargo = command::cargo(["build", "--release", "--locked", "--manifest-path", &manifest]);
    // With a target named, build scripts and macros are compiled without the flags.
    cargo.args(["--target", host, "--target-dir"]).arg(folder).env("RUSTFLAGS", RUSTFLAGS);
    println!("    {}", command::shown(&cargo));
    command::succeeds(&mut cargo)
}

/// Every folder of seeds is a target.
fn targets(corpus: &Path) -> anyhow::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for room in folders(corpus)? {
        for name in folders(&corpus.join(&room))? {
            targets.push(Target { room: room.clone(), name });
        }
    }
    Ok(targets)
}

fn folders(of: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(of).with_context(|| format!("cannot read {}", of.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

impl Target {
    fn path(&self) -> String {
        format!("{}/{}", self.room, self.name)
    }

    /// Runs it on the seeds and on what earlier runs found, for so long or until it falls over.
    fn run(&self, workspace: &Path, programs: &Path, folder: &Path, minutes: f64) -> anyhow::Result<Ran> {
        let found = folder.join("corpus").join(&self.room).join(&self.name);
        let findings = folder.join("findings");
        std::fs::create_dir_all(&found)?;
        std::fs::create_dir_all(&findings)?;
        let prefix = format!("{}-{}-", self.room, self.name);
        let log = findings.join(format!("{prefix}log"));
        let begun = Instant::now();
        let mut program = Command::new(programs.join(&self.room));
        program
            .env(VARIABLE, &self.name)
            .arg(&found)
            .arg(workspace.join(FOLDER).join("corpus").join(self.path()));
        program.arg(format!("-max_total_time={:.0}", (minutes * 60.0).max(1.0)));
        program.arg(format!("-artifact_prefix={}", findings.join(&prefix).display()));
        program.args([
            format!("-max_len={LENGTH_MAX}"),
            format!("-timeout={SECONDS_MAX}"),
            format!("-rss_limit_mb={MEMORY_MAX_MIB}"),
            "-print_final_stats=1".to_owned(),
        ]);
        let held = program.stdin(Stdio::null()).stderr(File::create(&log)?).status()?.success();
        let said = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
        Ok(Ran {
            executions: figure(&said, "stat::number_of_executed_units:").unwrap_or_default(),
            coverage: figure(&said, " cov: ").unwrap_or_default(),
            seconds: begun.elapsed().as_secs_f64(),
            finding: (!held).then(|| finding(&said, &log)),
        })
    }
}

impl Ran {
    fn said(&self, path: &str) -> String {
        match &self.finding {
            None => format!("        held for {} executions", self.executions),
            Some(finding) => format!(
                "        FOUND: {finding}\n        mend it, and keep the input in {FOLDER}/corpus/{path} under a name that says what it is"
            ),
        }
    }
}

/// The number behind the last `label`.
fn figure(said: &str, label: &str) -> Option<u64> {
    said.rsplit_once(label)?.1.split_whitespace().next()?.parse().ok()
}

/// What the process said when it fell over, and where the input is.
fn finding(said: &str, log: &Path) -> String {
    let panic =
        said.lines().position(|line| line.contains("panicked at") || line.starts_with("memory alloc"));
    let words = panic.map(|at| said.lines().skip(at).take(2).collect::<Vec<_>>().join(" "));
    let error = said.lines().find(|line| line.contains("ERROR: libFuzzer")).map(str::to_owned);
    let input = said.lines().find_map(|line| line.split_once("Test unit written to ").map(|(_, path)| path));
    let words = words.or(error).unwrap_or_else(|| "the process ended".to_owned());
    format!("{words}; input {}", input.map_or_else(|| log.to_owned(), PathBuf::from).display())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{figure, finding};

    const SAID: &str = "#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 30Mb\n\
        #524288\tpulse  cov: 207 ft: 580 corp: 99/4Kb lim: 4096 exec/s: 262144 rss: 90Mb\n\
        thread '<unnamed>' panicked at crates/dataset/src/fuzz.rs:70:5:\n\
        assertion failed\n\
        artifact_prefix='a'; Test unit written to target/fuzz/findings/dataset-scan-crash-1\n\
        stat::number_of_executed_units: 524300\n";

    #[test]
    fn what_libfuzzer_says_is_read() {
        assert_eq!(figure(SAID, "stat::number_of_executed_units:"), Some(524_300));
        assert_eq!(figure(SAID, " cov: "), Some(207));
        assert_eq!(figure("", " cov: "), None);
        let found = finding(SAID, Path::new("log"));
        assert!(
            found.ends_with("assertion failed; input target/fuzz/findings/dataset-scan-crash-1"),
            "{found}"
        );
    }
}
