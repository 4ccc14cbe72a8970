use std::collections::BTreeSet;

use super::*;

#[test]
fn every_metric_is_documented_and_named_by_the_rules() {
    let metrics = Metrics::new().unwrap();
    let mut names = BTreeSet::new();
    for declaration in metrics.declarations() {
        let Declaration { name, kind, help, meaning, .. } = declaration;
        assert!(names.insert(*name), "{name} is declared twice");
        assert!(name.starts_with("dimseway_"), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}: counters end in _total");
        assert!(!matches!(kind, Kind::Histogram(_)) || name.ends_with("_seconds"), "{name}");
        assert!(help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
        assert!(meaning.len() > 20, "{name} says what a rise means");
    }
}

#[test]
fn the_text_holds_what_was_counted() {
    let metrics = Metrics::new().unwrap();
    metrics.messages.with_label_values(&["C-STORE", "0000"]).inc_by(3);
    metrics.store_acknowledge.with_label_values(&["spooled"]).observe(0.004);
    let text = metrics.to_text().unwrap();
    assert!(text.contains("dimseway_dimse_messages_total{service=\"C-STORE\",status=\"0000\"} 3\n"));
    assert!(
        text.contains("dimseway_store_acknowledge_seconds_bucket{acknowledge=\"spooled\",le=\"0.005\"} 1\n")
    );
}

#[test]
fn a_destination_that_left_the_spool_leaves_no_old_values() {
    let metrics = Metrics::new().unwrap();
    let gauge = |destination: &str| spool::Gauge {
        destination: Some(destination.parse().unwrap()),
        state: spool::State::Due,
        entries: 3,
        bytes: 300,
        oldest_accepted_at: Some(SystemTime::UNIX_EPOCH),
    };
    let statistics =
        |destination: &str| Statistics { gauges: vec![gauge(destination)], ..Statistics::default() };
    metrics.show_spool(&statistics("former"), SystemTime::UNIX_EPOCH + Duration::from_secs(60));
    metrics.show_spool(&statistics("new"), SystemTime::UNIX_EPOCH + Duration::from_secs(60));
    let text = metrics.to_text().unwrap();
    assert!(!text.contains("former"), "{text}");
    assert!(text.contains("dimseway_spool_entries{destination=\"new\",state=\"due\"} 3\n"));
    assert!(text.contains("dimseway_spool_oldest_seconds{destination=\"new\",state=\"due\"} 60\n"));
    assert!(text.contains("dimseway_spool_accepting 1\n"));
}
