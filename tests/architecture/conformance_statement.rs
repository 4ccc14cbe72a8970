//! The conformance statement says what the program does, as far as a table can be compared.

use std::collections::{BTreeMap, BTreeSet};

use dimse::acse::{
    QueryRetrieveClass,
    sop_class::{
        MODALITY_PERFORMED_PROCEDURE_STEP, MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE, VERIFICATION,
    },
};

use crate::sources;

/// Headings of status tables, the file that maps errors to these statuses, and what comes from elsewhere:
/// success, matches and cancellation.
const STATUSES: [(&str, &str, &[&str]); 5] = [
    ("C-STORE", "status.rs", &["0000"]),
    ("C-FIND", "status/query.rs", &["0000", "FE00", "FF00", "FF01"]),
    ("C-MOVE and C-GET", "status/retrieve.rs", &["0000", "FE00", "FF00"]),
    ("Modality Worklist", "status/worklist.rs", &["0000", "0124", "FE00", "FF00", "FF01"]),
    ("Performed Procedure Step", "status/performed_procedure.rs", &["0000", "0001", "0124"]),
];

fn page(name: &str) -> String {
    std::fs::read_to_string(sources::top().join("docs").join(name)).expect("a page in docs/")
}

/// The lines from a heading to the next one.
fn section<'a>(page: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let from = page.lines().skip_while(move |line| line.trim_start_matches('#').trim() != heading);
    let mut lines = from.skip(1).take_while(|line| !line.starts_with('#')).peekable();
    assert!(lines.peek().is_some(), "no section {heading}");
    lines.collect::<Vec<_>>().into_iter()
}

/// The cells of the rows of tables, heads and rules left out.
fn rows<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Vec<&'a str>> {
    let cells = |line: &'a str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let lines: Vec<_> = lines.collect();
    let is_row = |index: usize| {
        let is_head = lines.get(index + 1).is_some_and(|next| next.starts_with("|-"));
        lines[index].starts_with("| ") && !is_head
    };
    (0..lines.len()).filter(|index| is_row(*index)).map(|index| cells(lines[index])).collect()
}

/// The constants of `Status`, by name.
fn named_statuses() -> BTreeMap<String, String> {
    let source =
        std::fs::read_to_string(sources::top().join("crates/dimse/src/status.rs")).expect("statuses");
    let constant = |line: &str| {
        let (name, rest) = line.trim().strip_prefix("pub const ")?.split_once(": Self = Self(0x")?;
        Some((name.to_owned(), rest.trim_end_matches(");").to_owned()))
    };
    source.lines().filter_map(constant).collect()
}

/// The statuses that a file of the table gives, by literal and by name.
fn statuses_of(file: &str, named: &BTreeMap<String, String>) -> BTreeSet<String> {
    let path = format!("crates/bridge/src/mapping/{file}");
    let sources = sources::rust();
    let source = sources.iter().find(|source| source.path == path).expect("a file of the table");
    let mut found = BTreeSet::new();
    for (_, line) in source.production() {
        let literals = line.match_indices("Status(0x").filter_map(|(at, start)| line.get(at + start.len()..));
        found.extend(literals.filter_map(|rest| rest.get(..4)).map(str::to_owned));
        let names = line.match_indices("Status::").filter_map(|(at, start)| line.get(at + start.len()..));
        let name =
            |rest: &str| rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect::<String>();
        found.extend(names.filter_map(|rest| named.get(&name(rest)).cloned()));
    }
    found
}

#[test]
fn sop_classes_are_those_that_are_served() {
    let statement = page("conformance-statement.md");
    let stated: BTreeSet<_> =
        rows(section(&statement, "3.2.1 SOP classes")).iter().map(|row| row[1]).collect();
    let others =
        [VERIFICATION, MODALITY_PERFORMED_PROCEDURE_STEP, MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE];
    let served: BTreeSet<_> =
        QueryRetrieveClass::ALL.iter().map(|class| class.as_str()).chain(others).collect();
    assert_eq!(stated, served);
}

#[test]
fn statuses_are_those_that_are_answered() {
    let statement = page("conformance-statement.md");
    let named = named_statuses();
    assert!(named.len() > 20, "{named:?}");
    for (heading, file, from_elsewhere) in STATUSES {
        let stated: BTreeSet<String> =
            rows(section(&statement, heading)).iter().map(|row| row[0].to_owned()).collect();
        let mut answered = statuses_of(file, &named);
        answered.extend(from_elsewhere.iter().map(|&code| code.to_owned()));
        assert_eq!(stated, answered, "{heading}");
    }
}

#[test]
fn defaults_are_those_of_the_configuration() {
    let (statement, reference) = (page("conformance-statement.md"), page("configuration.md"));
    let table = rows(section(&statement, "3.4 Configuration"));
    assert!(table.len() > 5);
    for row in table {
        let key = row[0].split('`').nth(3).expect("a key behind its table");
        let line = section(&reference, &format!("`{key}`")).find(|line| line.starts_with("- Default: "));
        assert_eq!(line, Some(format!("- Default: {}", row[1]).as_str()), "{key}");
    }
}

#[test]
fn names_are_those_that_are_sent() {
    let statement = page("conformance-statement.md");
    for name in [instance::IMPLEMENTATION_CLASS_UID, instance::IMPLEMENTATION_VERSION_NAME] {
        assert!(statement.contains(name), "{name}");
    }
}
