//! How often a test repeats what it does: a few times in CI, hundreds of times in a campaign. `cargo xtask
//! faults` says so in variables; without them each test takes its own number.

use std::io::Write as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// What a campaign may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// Kills of each test that kills.
    Kills,
    /// Cuts of the power.
    PowerCuts,
    /// Faults on the line to an archive.
    OriginFaults,
    /// Entries of the backlog.
    Backlog,
    /// The seed of all moments and choices.
    Seed,
}

impl Variable {
    /// Its name in the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kills => "DIMSEWAY_KILLS",
            Self::PowerCuts => "DIMSEWAY_POWER_CUTS",
            Self::OriginFaults => "DIMSEWAY_ORIGIN_FAULTS",
            Self::Backlog => "DIMSEWAY_BACKLOG",
            Self::Seed => "DIMSEWAY_SEED",
        }
    }

    /// What the campaign wants; nothing in CI.
    ///
    /// # Panics
    /// Where it wants something that is no number.
    #[must_use]
    pub fn wanted(self) -> Option<u64> {
        let text = std::env::var(self.name()).ok()?;
        Some(text.parse().unwrap_or_else(|error| panic!("{}: {error}: {text}", self.name())))
    }

    /// What the campaign wants, else what CI takes.
    ///
    /// # Panics
    /// As [`Self::wanted`].
    #[must_use]
    pub fn or(self, usual: u64) -> u64 {
        self.wanted().unwrap_or(usual)
    }

    /// The same, for what is counted in 32 bits.
    ///
    /// # Panics
    /// As [`Self::wanted`].
    #[must_use]
    pub fn count_or(self, usual: u32) -> u32 {
        u32::try_from(self.or(u64::from(usual))).expect("a count of 32 bits")
    }
}

/// The seed of a test, printed so that a failure can be run again.
#[must_use]
pub fn seed(usual: u64) -> u64 {
    let seed = Variable::Seed.or(usual);
    println!("seed {seed}");
    seed
}

/// Prints a figure, and keeps it for the summary of the campaign.
///
/// # Panics
/// Where it cannot be kept.
pub fn figure(what: &str, figure: &str) {
    let line = format!("  {what:<46} {figure}");
    println!("{line}");
    let Some(path) = std::env::var_os("DIMSEWAY_FIGURES") else { return };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    writeln!(file.expect("the file of figures"), "{line}").expect("room for a figure");
}

/// A bar on the terminal of who runs a campaign; nothing where there is none.
#[must_use]
pub fn progress(what: &'static str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:>28} {wide_bar} {pos}/{len} {eta}");
    let bar = ProgressBar::new(length).with_style(style.expect("a template")).with_message(what);
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

#[cfg(test)]
mod tests {
    use super::Variable;

    #[test]
    fn every_variable_has_a_name_of_its_own() {
        let all =
            [Variable::Kills, Variable::PowerCuts, Variable::OriginFaults, Variable::Backlog, Variable::Seed];
        let names: std::collections::BTreeSet<_> = all.iter().map(|variable| variable.name()).collect();
        assert_eq!(names.len(), all.len());
    }
}
