//! Steps with a heading and a duration each; one that fails hides none of the others.

use std::process::Command;
use std::time::Instant;

use crate::command;

/// What became of the steps so far.
#[derive(Default)]
pub(crate) struct Steps {
    failed: Vec<String>,
    skipped: Vec<String>,
}

/// How a step ended.
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// Not run, with the reason.
    Skipped(String),
}

impl Steps {
    /// Runs a step under its heading. An error counts as a failure of this step only.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> anyhow::Result<Outcome>) {
        println!("\n=== {name}");
        let begun = Instant::now();
        let outcome = step().unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        let seconds = begun.elapsed().as_secs_f64();
        match outcome {
            Outcome::Passed => println!("--- {name}: passed in {seconds:.1} s"),
            Outcome::Failed(why) => {
                println!("--- {name}: FAILED in {seconds:.1} s: {why}");
                self.failed.push(format!("{name}: {why}"));
            }
            Outcome::Skipped(why) => {
                println!("--- {name}: skipped: {why}");
                self.skipped.push(format!("{name}: {why}"));
            }
        }
    }

    /// A step that is one command.
    pub(crate) fn command(&mut self, name: &str, mut command: Command) {
        self.run(name, || {
            println!("    {}", command::shown(&command));
            if command::succeeds(&mut command)? {
                Ok(Outcome::Passed)
            } else {
                Ok(Outcome::Failed(format!("`{}` failed", command::shown(&command))))
            }
        });
    }

    pub(crate) fn failed(&self) -> &[String] {
        &self.failed
    }

    pub(crate) fn skipped(&self) -> &[String] {
        &self.skipped
    }
}
