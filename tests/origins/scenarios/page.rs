//! The table of `docs/origins.md` that says what the bridge does in each scenario.

use std::fs::File;

use origin::azure::SCENARIOS;

use super::table::ROWS;
use crate::page::{WRITE, path};

/// What stands before and behind the table.
const BEGIN: &str =
    "<!-- Written from the table in tests/origins/scenarios; DIMSEWAY_WRITE_PAGES=1 writes it. -->";
const END: &str = "<!-- The end of the scenarios. -->";

/// Holds the table against the page, or writes it.
pub(super) fn compare() {
    let expected = format!("{BEGIN}\n\n{}\n{END}", written());
    if std::env::var_os(WRITE).is_some() {
        let lock = File::open(path()).expect("docs/origins.md");
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
        let page = std::fs::read_to_string(path()).expect("docs/origins.md");
        let (before, rest) = page.split_once(BEGIN).expect("the mark before the table");
        let (_, behind) = rest.split_once(END).expect("the mark behind the table");
        std::fs::write(path(), format!("{before}{expected}{behind}")).expect("the page");
    }
    let page = std::fs::read_to_string(path()).expect("docs/origins.md");
    assert!(page.contains(&expected), "docs/origins.md has other scenarios than the table; {BEGIN}");
}

fn written() -> String {
    let row = |((scenario, status), row): (&(&str, u16), &super::table::Row)| {
        format!("| {scenario} | {status} | {} |\n", row.does)
    };
    let rows = SCENARIOS.iter().zip(&ROWS).map(row).collect::<String>();
    format!("| Scenario | It answers | What Dimseway does |\n|---|---|---|\n{rows}")
}
