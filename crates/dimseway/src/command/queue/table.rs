//! The queue for people.

use crate::{
    queue::model::{EntryDetails, QueueLine, QueuePage},
    table::columns,
};
use std::fmt::Write;

/// Longest reason in a list; `show` has it whole.
const REASON_LENGTH: usize = 60;

/// One line per delivery.
pub(super) fn page(page: &QueuePage) -> String {
    if page.deliveries.is_empty() {
        return "nothing\n".to_owned();
    }
    let mut rows = vec![
        ["ENTRY", "DESTINATION", "STATE", "ATTEMPTS", "ACCEPTED", "FROM", "KB", "REASON"].map(str::to_owned),
    ];
    rows.extend(page.deliveries.iter().map(row));
    let mut text = columns(&rows);
    if let Some(next) = &page.next {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "more: --cursor {next}");
    }
    text
}

fn row(line: &QueueLine) -> [String; 8] {
    let mut reason: String = line.reason.as_deref().unwrap_or_default().chars().take(REASON_LENGTH).collect();
    if reason.len() < line.reason.as_deref().unwrap_or_default().len() {
        reason.push('…');
    }
    [
        line.entry.clone(),
        line.destination.clone().unwrap_or_else(|| "none".to_owned()),
        line.state.clone(),
        line.attempts.to_string(),
        line.accepted_at.chars().take(19).collect(),
        line.calling_ae.clone(),
        line.bytes.div_ceil(1000).to_string(),
        reason,
    ]
}

/// Everything about one entry.
pub(super) fn details(entry: &EntryDetails) -> String {
    let mut text = String::new();
    let from = format!("{} at {}, called {}", entry.calling_ae, entry.peer_address, entry.called_ae);
    let kept = if entry.kept { "kept" } else { "not kept any more" };
    let bytes = format!("{} bytes, {kept}", entry.bytes);
    let facts: [(&str, &str); 10] = [
        ("entry", &entry.entry),
        ("accepted", &entry.accepted_at),
        ("from", &from),
        ("SOP class", &entry.sop_class),
        ("instance", &entry.instance),
        ("study", &entry.study),
        ("series", &entry.series),
        ("transfer syntax", &entry.transfer_syntax),
        ("data set", &bytes),
        ("SHA-256", &entry.sha256),
    ];
    for (name, value) in facts {
        let _ = writeln!(text, "{name:<16} {value}");
    }
    for delivery in &entry.deliveries {
        let _ = writeln!(
            text,
            "\nto {}: {}, {} attempts",
            delivery.destination, delivery.state, delivery.attempts
        );
        let facts = [
            ("reason", &delivery.reason),
            ("next attempt", &delivery.due_at),
            ("delivered", &delivery.delivered_at),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                let _ = writeln!(text, "  {name:<14} {value}");
            }
        }
        for attempt in &delivery.history {
            let outcome = attempt.outcome.as_deref().unwrap_or("under way, or cut by a crash");
            let _ = writeln!(text, "  {}  {}: {outcome}", attempt.started_at, attempt.by);
        }
    }
    if entry.deliveries.is_empty() {
        text.push_str("\nno destination: `dimseway queue reroute ENTRY --to NAME` gives it one\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> QueueLine {
        QueueLine {
            entry: "0k1v3gsw8mx40".to_owned(),
            destination: None,
            state: "held".to_owned(),
            attempts: 0,
            due_at: None,
            reason: Some("no route matches".to_owned()),
            calling_ae: "CT1".to_owned(),
            accepted_at: "2026-11-22T01:02:03.250Z".to_owned(),
            sop_class: "1.2".to_owned(),
            instance: "1.2.3".to_owned(),
            study: "1.2".to_owned(),
            series: "1.2".to_owned(),
            bytes: 526_336,
        }
    }

    #[test]
    fn a_list_reads_well() {
        let long =
            QueueLine { destination: Some("archive".to_owned()), reason: Some("x".repeat(80)), ..line() };
        let text = page(&QueuePage { deliveries: vec![line(), long], next: Some("1.2".to_owned()) });
        insta::assert_snapshot!(text);
        assert_eq!(page(&QueuePage { deliveries: Vec::new(), next: None }), "nothing\n");
    }
}
