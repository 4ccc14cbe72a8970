//! The Grafana dashboard asks for what the program exports, and every panel has something to show.

use serde_json::Value;
use tests::wait::{DEADLINE, eventually, within};

use crate::exported::Exported;
use crate::prometheus::Prometheus;
use crate::repository::{python, said, text};
use crate::traffic::Site;

const FILE: &str = "deploy/grafana/dimseway.json";

fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(&text(FILE)).unwrap();
    dashboard["panels"].as_array().unwrap().clone()
}

#[test]
fn every_panel_asks_for_what_is_exported() {
    let exported = Exported::documented();
    let mut faults = Vec::new();
    for panel in panels().iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().unwrap();
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            let expression = target["expr"].as_str().unwrap();
            faults.extend(exported.faults(expression).into_iter().map(|fault| format!("{title}: {fault}")));
            assert!(expression.contains("$instance"), "{title}: the chosen daemon is not asked for");
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_metric_has_a_panel() {
    let dashboard = text(FILE);
    let page = text("docs/metrics.md");
    let names = page.split("\n## `").skip(1).filter_map(|section| section.split('`').next());
    let missing: Vec<_> = names.filter(|name| !dashboard.contains(name)).collect();
    assert!(missing.is_empty(), "nobody sees {missing:?}");
}

#[test]
fn it_is_made_for_import() {
    let dashboard: Value = serde_json::from_str(&text(FILE)).unwrap();
    assert!(dashboard["id"].is_null(), "an identifier belongs to one Grafana");
    let rows: Vec<_> = panels()
        .iter()
        .filter(|panel| panel["type"] == "row")
        .map(|panel| panel["title"].as_str().unwrap().to_owned())
        .collect();
    let wanted = [
        "Overview",
        "Peers",
        "Origins and other destinations",
        "Queue",
        "Query and retrieve",
        "Worklist",
        "Pulls",
        "Runtime",
    ];
    assert_eq!(rows, wanted);
    let variables: Vec<_> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    assert_eq!(variables, ["datasource", "instance", "peer", "destination"]);
    for panel in panels().iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
    }
    let mut numbers: Vec<_> = panels().iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), panels().len());
}

#[test]
fn every_panel_has_something_to_show() {
    let site = Site::start();
    let Some(prometheus) = Prometheus::start(&[site.target()], None) else { return };
    if site.round(1).is_none() {
        return;
    }
    // Rates are seen between two scrapes that both have the series.
    let reported = |count: u32| format!("dimseway_calls_total{{outcome=\"made\"}} >= {count}");
    for number in 1..=2 {
        eventually("Prometheus has seen the round", || {
            let seen = ["dimseway_sub_operations_total", "dimseway_destination_probes_total"];
            let all = seen.iter().all(|name| prometheus.has(name)) && prometheus.has(&reported(2 * number));
            all.then_some(())
        });
        site.round(number + 1).expect("what was there before");
    }
    let mut last = String::new();
    let shown = within(DEADLINE, || {
        let output = python("deploy/grafana/panels.py")?.arg(prometheus.url()).output().unwrap();
        last = said(&output);
        output.status.success().then_some(())
    });
    println!("{last}");
    assert!(shown.is_some(), "{last}");
}
