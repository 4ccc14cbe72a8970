//! The alert rules: their unit tests, their runbook, and one that fires and ends in a real Prometheus.

use std::fs;
use std::process::Command;

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::EmbeddedOrigin;
use tests::instances::Instance;
use tests::sender::store_all;
use tests::skip;
use tests::wait::eventually;

use crate::exported::Exported;
use crate::prometheus::Prometheus;
use crate::repository::{path, succeed, text};

const RULES: &str = "deploy/prometheus/rules.yaml";
const UNIT_TESTS: &str = "deploy/prometheus/rules.test.yaml";

/// What a section of the runbook has to say.
const RUNBOOK: [&str; 3] = ["**What it means.**", "**What to look at.**", "**What to do.**"];

/// The alerts, each with the text of its rule.
fn rules() -> Vec<(String, String)> {
    let text = text(RULES);
    let rules = text.split("      - alert: ").skip(1);
    rules.map(|rule| (rule.lines().next().unwrap().to_owned(), rule.to_owned())).collect()
}

/// The expression of a rule, on one line.
fn expression(rule: &str) -> String {
    let (_, rest) = rule.split_once("expr: ").unwrap();
    let lines = rest.lines().skip_while(|line| *line == "|-");
    let lines = lines.take_while(|line| !["for:", "labels:"].iter().any(|key| line.trim().starts_with(key)));
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}

#[test]
fn promtool_finds_no_fault_and_the_unit_tests_pass() {
    let Some(promtool) = skip::program("promtool") else { return };
    succeed(Command::new(&promtool).args(["check", "rules"]).arg(path(RULES)));
    succeed(Command::new(&promtool).args(["test", "rules"]).arg(path(UNIT_TESTS)));
}

#[test]
fn every_alert_is_tested_both_ways() {
    let tests = text(UNIT_TESTS);
    for (alert, _) in rules() {
        let of_alert: Vec<_> =
            tests.split("- alertname: ").filter(|part| part.lines().next() == Some(alert.as_str())).collect();
        let silent = of_alert.iter().filter(|part| part.contains("exp_alerts: []")).count();
        assert!(silent > 0, "{alert}: nothing says when it is silent");
        assert!(of_alert.len() > silent, "{alert}: nothing says when it fires");
    }
}

#[test]
fn every_alert_asks_for_what_is_exported() {
    let exported = Exported::documented();
    for (alert, rule) in rules() {
        let expression = expression(&rule);
        assert_eq!(exported.faults(&expression), [] as [String; 0], "{alert}: {expression}");
    }
}

#[test]
fn every_alert_has_a_runbook() {
    let operations = text("docs/operations.md");
    let rules = rules();
    for (alert, rule) in &rules {
        let link = format!("runbook: docs/operations.md#{}\n", alert.to_lowercase());
        assert!(rule.contains(&link), "{alert}: {link}");
        for part in ["severity: ", "summary: ", "description: "] {
            assert!(rule.contains(part), "{alert}: {part}");
        }
        let Some((_, section)) = operations.split_once(&format!("\n### {alert}\n")) else {
            panic!("docs/operations.md has no section {alert}");
        };
        let section = section.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
        for part in RUNBOOK {
            assert!(section.contains(part), "{alert}: {part}");
        }
    }
    let sections = operations.matches("\n### Dimseway").count();
    assert_eq!(sections, rules.len(), "a section is about no alert");
}

#[test]
fn the_alert_of_a_stopped_archive_fires_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    // The rules as they are, but nobody waits for minutes.
    let hasty: String = text(RULES)
        .lines()
        .map(|line| {
            if line.trim().starts_with("for: ") {
                "        for: 1s\n".to_owned()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    let rules = folder.path().join("rules.yaml");
    fs::write(&rules, hasty).unwrap();
    let archive = folder.path().join("archive");
    let mut origin = EmbeddedOrigin::start(&archive);
    let home = Home::new(&Configuration::new().origin("archive", origin.url()));
    let daemon = home.start();
    let ready: serde_json::Value =
        serde_json::from_slice(&fs::read(home.path().join("ready.json")).unwrap()).unwrap();
    let admin = ready["admin"].as_str().unwrap().to_owned();
    let Some(prometheus) = Prometheus::start(&[admin], Some(&rules)) else { return };
    let is_firing = || {
        let firing = prometheus.firing();
        firing.iter().any(|labels| {
            labels["alertname"] == "DimsewayDestinationDown" && labels["destination"] == "archive"
        })
    };
    store_all(daemon.dimse(), &Instance::study(1, 2, 1000));
    daemon.settle();
    eventually("nothing is wrong in the eyes of Prometheus", || {
        (prometheus.has("dimseway_destination_down == 0") && prometheus.firing().is_empty()).then_some(())
    });
    let authority = origin.authority().to_owned();
    origin.kill();
    store_all(daemon.dimse(), &Instance::study(2, 2, 1000));
    eventually("the alert fires", || is_firing().then_some(()));
    let origin = EmbeddedOrigin::start_at(&archive, &authority);
    daemon.settle();
    assert_eq!(origin.count(), 4, "what waited was delivered");
    eventually("the alert ends", || (!is_firing()).then_some(()));
}
