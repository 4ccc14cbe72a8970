//! The tests of crashes, power cuts and broken lines, as often as a campaign wants them.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::command::{self, cargo};
use crate::testing::{self, Run};
use crate::tools;

/// Kills of each test that kills, where nothing else is said.
const KILLS: u32 = 200;
/// Entries that one GiB of disk has room for, index included, with some to spare: 100,000.
const ENTRIES_PER_GIB: u64 = 100_000;

/// What a campaign is to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Campaign {
    pub(crate) kills: Option<u32>,
    pub(crate) seed: Option<u64>,
    pub(crate) backlog: Option<u64>,
}

impl Campaign {
    /// A backlog alone is no campaign of kills, and nothing at all is one of the usual length.
    fn kills(self) -> u32 {
        self.kills.unwrap_or(if self.backlog.is_some() { 0 } else { KILLS })
    }

    /// The tests to run, as nextest selects them.
    fn selection(self) -> String {
        let mut tests = Vec::new();
        if self.kills() > 0 {
            tests.extend(["killed", "power_cut::", "archive_down::a_line"]);
        }
        if self.backlog.is_some() {
            tests.push("backlog::");
        }
        let tests: Vec<_> = tests.iter().map(|test| format!("test(/^{test}/)")).collect();
        format!("binary(faults) & ({})", tests.join(" | "))
    }

    fn variables(self, seed: u64) -> Vec<(&'static str, String)> {
        let mut variables = vec![("DIMSEWAY_SEED", seed.to_string())];
        let kills = self.kills();
        if kills > 0 {
            variables.push(("DIMSEWAY_KILLS", kills.to_string()));
            // A machine has its power cut three times.
            variables.push(("DIMSEWAY_POWER_CUTS", kills.div_ceil(3).to_string()));
            variables.push(("DIMSEWAY_ORIGIN_FAULTS", kills.to_string()));
        }
        if let Some(entries) = self.backlog {
            variables.push(("DIMSEWAY_BACKLOG", entries.to_string()));
        }
        variables
    }
}

/// Runs the campaign against the program as it is released; true where nothing was lost.
pub(crate) fn run(workspace: &Path, campaign: Campaign) -> anyhow::Result<bool> {
    anyhow::ensure!(
        campaign.kills() > 0 || campaign.backlog.is_some_and(|entries| entries >= 1000),
        "there is nothing to do: --kills must be more than 0, or --backlog at least 1000"
    );
    let gib = campaign.backlog.unwrap_or(0).div_ceil(ENTRIES_PER_GIB);
    let seed = campaign.seed.unwrap_or_else(seed_of_now);
    println!("seed {seed}; a backlog takes {gib} GiB in {}", std::env::temp_dir().display());
    let tools = tools::install(workspace, &mut std::io::stdout())?;
    let release = cargo(["build", "--release", "--locked", "--package", "dimseway"]);
    if !command::succeeds(&mut { release })? {
        return Ok(false);
    }
    let target = testing::target_folder(workspace);
    let figures = target.join("dimseway-figures");
    if figures.exists() {
        std::fs::remove_file(&figures)?;
    }
    let mut variables = campaign.variables(seed);
    variables.push(("DIMSEWAY_FIGURES", figures.display().to_string()));
    // A profile without a limit of time, one test after the other, what they print as they print it.
    let arguments = ["--package", "tests", "--no-capture", "-E", &campaign.selection()];
    let program = target.join("release/dimseway");
    let run = Run { profile: "campaign", arguments: &arguments.map(str::to_owned), program, variables };
    let report = testing::run_as(workspace, &tools, &run)?;
    for skip in &report.skips {
        println!("skipped: {}: {}", skip.test, skip.reason);
    }
    println!("\nfigures of the campaign, seed {seed}:");
    println!("{}", std::fs::read_to_string(&figures).unwrap_or_default());
    println!("{}", report.summary);
    Ok(report.succeeded)
}

/// Another one each time, so that every campaign looks at other moments.
fn seed_of_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{Campaign, KILLS};

    #[test]
    fn a_campaign_does_what_it_was_asked_for() {
        let nothing_said = Campaign::default();
        assert_eq!(nothing_said.kills(), KILLS);
        assert!(!nothing_said.selection().contains("backlog"));
        let backlog = Campaign { backlog: Some(1_000_000), ..nothing_said };
        assert_eq!(backlog.selection(), "binary(faults) & (test(/^backlog::/))");
        assert_eq!(
            backlog.variables(7),
            [("DIMSEWAY_SEED", "7".to_owned()), ("DIMSEWAY_BACKLOG", "1000000".to_owned())]
        );
        let both = Campaign { kills: Some(9), ..backlog };
        assert!(both.selection().contains("killed") && both.selection().contains("backlog"));
        assert!(both.variables(7).contains(&("DIMSEWAY_POWER_CUTS", "3".to_owned())));
    }
}
