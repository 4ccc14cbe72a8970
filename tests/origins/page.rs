//! The table of `docs/origins.md`: what was seen, archive by archive.

use std::fs::File;
use std::path::PathBuf;

use crate::archive::KINDS;

/// What stands before and behind the table.
const BEGIN: &str = "<!-- Seen by the tests in tests/origins; DIMSEWAY_WRITE_PAGES=1 writes it. -->";
const END: &str = "<!-- The end of what was seen. -->";

/// Writes the table instead of comparing it, where it is set.
pub(crate) const WRITE: &str = "DIMSEWAY_WRITE_PAGES";

/// Rows by name, each with a cell per archive.
struct Table(Vec<(String, Vec<String>)>);

/// The page.
pub(crate) fn path() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the workspace").join("docs/origins.md")
}

/// Holds the column of an archive against the page, or writes it.
pub(crate) fn compare(name: &str, column: &[(String, String)]) {
    let at = KINDS.iter().position(|kind| kind.name == name).expect("an archive of the table");
    if std::env::var_os(WRITE).is_some() {
        write(at, column);
    }
    let page = std::fs::read_to_string(path()).expect("docs/origins.md");
    let (_, table, _) = parts(&page);
    let rows = Table::read(table).0.into_iter();
    let said: Vec<_> = rows.map(|(name, cells)| (name, cells[at].clone())).collect();
    assert_eq!(said, column, "docs/origins.md says something else than was seen with {name}; {BEGIN}");
}

/// Tests of several archives write one after the other.
fn write(at: usize, column: &[(String, String)]) {
    let lock = File::open(path()).expect("docs/origins.md");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
    let page = std::fs::read_to_string(path()).expect("docs/origins.md");
    let (before, table, behind) = parts(&page);
    let mut table = Table::read(table);
    table.set(at, column);
    // Not replaced by another file, since the others hold a lock on this one.
    std::fs::write(path(), format!("{before}{BEGIN}\n\n{}\n{END}{behind}", table.written()))
        .expect("the page");
}

/// What is before, between and behind the two marks.
fn parts(page: &str) -> (&str, &str, &str) {
    let (before, rest) = page.split_once(BEGIN).expect("the mark before the table");
    let (table, behind) = rest.split_once(END).expect("the mark behind the table");
    (before, table, behind)
}

impl Table {
    fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| line.starts_with("| ")).skip(1);
        let rows = lines.map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
            let name = cells.next().expect("the name of a row");
            let cells: Vec<_> = cells.collect();
            assert_eq!(cells.len(), KINDS.len(), "{line}");
            (name, cells)
        });
        Self(rows.collect())
    }

    /// Puts a column in; rows that it does not have are gone.
    fn set(&mut self, at: usize, column: &[(String, String)]) {
        let before = std::mem::take(&mut self.0);
        let row = |(name, cell): &(String, String)| {
            let found = before.iter().find(|(row, _)| row == name);
            let mut cells =
                found.map_or_else(|| vec!["?".to_owned(); KINDS.len()], |(_, cells)| cells.clone());
            cells[at].clone_from(cell);
            (name.clone(), cells)
        };
        self.0 = column.iter().map(row).collect();
    }

    fn written(&self) -> String {
        let head = KINDS.iter().map(|kind| format!(" {} |", kind.name)).collect::<String>();
        let rule = "---|".repeat(KINDS.len() + 1);
        let row = |(name, cells): &(String, Vec<String>)| format!("| {name} | {} |\n", cells.join(" | "));
        format!("| What is done |{head}\n|{rule}\n{}", self.0.iter().map(row).collect::<String>())
    }
}
