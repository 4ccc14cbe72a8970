//! What documents quote from the program is there.

use crate::sources;

/// Cells of a column of the tables of a page, by the name in the head of the column.
fn column<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let cells = |line: &'a str| line.trim().trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let mut found = Vec::new();
    let mut index = None;
    for line in page.lines() {
        if !line.starts_with('|') {
            index = None;
            continue;
        }
        if let Some(at) = cells(line).iter().position(|cell| cell.contains(name)) {
            index = Some(at);
        } else if let Some(cell) = index.and_then(|at| cells(line).get(at).copied()) {
            found.push(cell);
        }
    }
    found
}

/// What stands between backticks; two of them hold a quotation that has single ones.
fn quotations(cell: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = cell;
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].chars().take_while(|&c| c == '`').count();
        let fence = "`".repeat(ticks);
        let inside = &rest[start + ticks..];
        let Some(end) = inside.find(&fence) else { break };
        found.push(inside[..end].trim().to_owned());
        rest = &inside[end + ticks..];
    }
    found
}

#[test]
fn log_lines_of_the_troubleshooting_page_are_those_of_the_program() {
    let page = std::fs::read_to_string(sources::top().join("docs/troubleshooting.md")).expect("the page");
    let rust = sources::rust();
    let production: Vec<String> = rust.iter().map(|source| source.text.clone()).collect();
    let mut offences = Vec::new();
    let mut lines = 0;
    for cell in column(&page, "og line") {
        for quotation in quotations(cell) {
            lines += 1;
            if !production.iter().any(|text| text.contains(&format!("\"{quotation}\"")))
                && !is_other(&quotation)
            {
                offences.push(quotation);
            }
        }
    }
    assert!(lines > 20, "only {lines} log lines were found");
    sources::none(&offences, "no log line reads like this:");
}

/// Labels, metrics and keys stand in the same column.
fn is_other(quotation: &str) -> bool {
    !quotation.contains(' ')
}

#[test]
fn columns_and_quotations_are_found() {
    let page = "| Symptom | Log line |\n|---|---|\n| a | `b c`, ``see `d` `` |\n\n| x | y |\n| `no` | |\n";
    let cells = column(page, "og line");
    assert_eq!(cells, ["---", "`b c`, ``see `d` ``"]);
    assert_eq!(quotations(cells[1]), ["b c", "see `d`"]);
}
