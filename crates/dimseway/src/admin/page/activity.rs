//! What was asked of the bridge since it started, by service.

use bridge::Metrics;
use maud::{Markup, html};
use prometheus::core::Collector;
use std::collections::BTreeMap;

/// How requests for one service ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Row {
    done: u64,
    warnings: u64,
    cancelled: u64,
    failed: u64,
}

/// One row for each service that was asked for, and one for the sub-operations of each.
pub(super) fn activity(metrics: &Metrics) -> Markup {
    let rows = rows(metrics);
    html! {
        @if !rows.is_empty() {
            h2 { "Since the start" }
            table {
                tr {
                    th { "service" } th class="n" { "done" } th class="n" { "with warnings" }
                    th class="n" { "cancelled" } th class="n" { "failed" }
                }
                @for (service, row) in &rows {
                    tr {
                        td { (service) }
                        td class="n" { (row.done) }
                        td class="n" { (row.warnings) }
                        td class="n" { (row.cancelled) }
                        td class="n" { (row.failed) }
                    }
                }
            }
        }
    }
}

fn rows(metrics: &Metrics) -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for (labels, count) in counts(&metrics.messages) {
        let [service, status] = labels.each_ref().map(String::as_str);
        // Pending responses are not the end of a request.
        if status.starts_with("FF") {
            continue;
        }
        let row = rows.entry(service.to_owned()).or_default();
        match status {
            "0000" => row.done += count,
            "FE00" => row.cancelled += count,
            _ if status.starts_with('B') => row.warnings += count,
            _ => row.failed += count,
        }
    }
    for (labels, count) in counts(&metrics.sub_operations) {
        let [service, outcome] = labels.each_ref().map(String::as_str);
        let row = rows.entry(format!("{service}, instances")).or_default();
        match outcome {
            "completed" => row.done += count,
            "warning" => row.warnings += count,
            _ => row.failed += count,
        }
    }
    rows
}

/// The values of a counter with two labels, labels in the order of their names.
fn counts(counter: &impl Collector) -> Vec<([String; 2], u64)> {
    let mut counts = Vec::new();
    for family in counter.collect() {
        for metric in family.get_metric() {
            let mut labels: Vec<_> = metric.get_label().iter().collect();
            labels.sort_by_key(|label| label.name() != "service");
            if let [first, second] = labels.as_slice() {
                // Counters of the bridge count whole things.
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
                let count = metric.get_counter().get_value() as u64;
                counts.push(([first.value().to_owned(), second.value().to_owned()], count));
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_sub_operations_are_told_apart_by_how_they_ended() {
        let metrics = Metrics::new().unwrap();
        assert_eq!(activity(&metrics).into_string(), "", "nothing was asked for");
        let messages = [
            ("C-FIND", "FF00", 7),
            ("C-FIND", "0000", 2),
            ("C-FIND", "A700", 3),
            ("C-MOVE", "FE00", 1),
            ("C-MOVE", "B000", 4),
        ];
        for (service, status, count) in messages {
            metrics.messages.with_label_values(&[service, status]).inc_by(count);
        }
        metrics.sub_operations.with_label_values(&["C-MOVE", "completed"]).inc_by(11);
        metrics.sub_operations.with_label_values(&["C-MOVE", "failed"]).inc_by(5);
        let expected = [
            ("C-FIND", Row { done: 2, failed: 3, ..Row::default() }),
            ("C-MOVE", Row { cancelled: 1, warnings: 4, ..Row::default() }),
            ("C-MOVE, instances", Row { done: 11, failed: 5, ..Row::default() }),
        ];
        assert_eq!(rows(&metrics), expected.map(|(service, row)| (service.to_owned(), row)).into());
        assert!(activity(&metrics).into_string().contains("C-MOVE, instances"));
    }
}
