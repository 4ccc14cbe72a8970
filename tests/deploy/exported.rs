//! The metrics that the program has, as its documentation lists them, and expressions that use them.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository::text;

/// Labels that Prometheus itself adds.
const ADDED: [&str; 2] = ["instance", "job"];

/// What the program's library says of its process.
const OF_PROCESS: [&str; 7] = [
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_virtual_memory_bytes",
];

/// Names of time series, each with its labels.
pub(crate) struct Exported(BTreeMap<String, BTreeSet<String>>);

impl Exported {
    /// Those that docs/metrics.md lists, which CI holds against the declarations in the code.
    pub(crate) fn documented() -> Self {
        let page = text("docs/metrics.md");
        let mut found = BTreeMap::new();
        for section in page.split("\n## `").skip(1) {
            let (name, rest) = section.split_once('`').unwrap();
            let kind = line_after(rest, "- Kind: ");
            let mut labels: BTreeSet<String> = ADDED.map(str::to_owned).into();
            labels.extend(line_after(rest, "- Labels: ").split(", ").map(|label| label.replace('`', "")));
            if kind == "histogram" {
                for ending in ["_sum", "_count"] {
                    found.insert(format!("{name}{ending}"), labels.clone());
                }
                labels.insert("le".to_owned());
                found.insert(format!("{name}_bucket"), labels);
            } else {
                found.insert(name.to_owned(), labels);
            }
        }
        found.extend(OF_PROCESS.map(|name| (name.to_owned(), ADDED.map(str::to_owned).into())));
        assert!(found.len() > 40, "only {} series are documented", found.len());
        Self(found)
    }

    /// What an expression gets wrong: names that are not exported, labels that they do not have.
    pub(crate) fn faults(&self, expression: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let mut known = BTreeSet::new();
        let names = names(expression);
        if names.is_empty() {
            faults.push("it asks for nothing of the program".to_owned());
        }
        for (name, selected) in names {
            let Some(labels) = self.0.get(&name) else {
                faults.push(format!("{name} is not exported"));
                continue;
            };
            known.extend(labels.iter().cloned());
            let wrong = selected.iter().filter(|label| !labels.contains(*label));
            faults.extend(wrong.map(|label| format!("{name} has no label {label}")));
        }
        for (at, _) in expression.match_indices(" by (") {
            let (group, _) = expression[at + 5..].split_once(')').unwrap();
            let wrong = group.split(',').map(str::trim).filter(|label| !known.contains(*label));
            faults.extend(wrong.map(|label| format!("nothing has the label {label}")));
        }
        faults
    }
}

/// The rest of the line that begins with these words.
fn line_after<'a>(text: &'a str, words: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(words)).unwrap_or_default()
}

/// Names of the program's series in an expression, each with the labels that are selected by.
fn names(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut found = Vec::new();
    for prefix in ["dimseway_", "process_"] {
        for (at, _) in expression.match_indices(prefix) {
            if expression[..at].ends_with(is_part) {
                continue;
            }
            let rest = &expression[at..];
            let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            let selectors = rest[end..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let selectors = selectors.map(|(inside, _)| inside).unwrap_or_default();
            let labels = selectors.split(',').filter(|part| !part.is_empty());
            let labels =
                labels.map(|part| part.split(['=', '!']).next().unwrap_or_default().trim().to_owned());
            found.push((rest[..end].to_owned(), labels.collect()));
        }
    }
    found
}

#[test]
fn wrong_expressions_are_found() {
    let exported = Exported::documented();
    let table = [
        ("sum by (destination) (rate(dimseway_sent_bytes_total{instance=~\".*\"}[1m]))", 0),
        ("process_open_fds / process_max_fds", 0),
        ("dimseway_sent_bytes{instance=\"a\"}", 1),
        ("dimseway_sent_bytes_total{peer=\"a\"}", 1),
        ("sum by (peer, le) (dimseway_sent_bytes_total)", 2),
        ("dimseway_forward_lag_seconds", 1),
        ("sum by (le, destination) (dimseway_forward_lag_seconds_bucket{le!=\"1\"})", 0),
        ("up", 1),
    ];
    for (expression, faults) in table {
        assert_eq!(exported.faults(expression).len(), faults, "{expression}");
    }
}
