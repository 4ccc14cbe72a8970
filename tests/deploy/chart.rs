//! The Helm chart and the plain manifests, as Helm renders them and as Kubernetes would take them.

mod configuration;
mod objects;
mod refused;

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::repository::{path, python, said, succeed, text};

const CHART: &str = "deploy/helm/dimseway";
const PROGRAM: &str = "deploy/helm/chart.py";

/// The oldest version that the chart is for, one between, the newest known.
const KUBERNETES: [&str; 3] = ["1.27", "1.31", "1.37"];

/// The objects that values render to, each valid in every version; values are YAML.
fn render(values: &str) -> Option<Vec<Value>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    std::fs::write(&file, values).unwrap();
    Some(objects_in(&succeed(python(PROGRAM)?.args(["render", CHART]).arg(&file))))
}

/// The same with every option set.
fn render_everything() -> Option<Vec<Value>> {
    render(&text("tests/deploy/chart/everything.yaml"))
}

/// Reads objects, and holds each against the schemas of Kubernetes and of the Prometheus operator.
fn objects_in(yaml: &str) -> Vec<Value> {
    let answer = validate(yaml);
    assert_eq!(answer["faults"].as_array().unwrap(), &[] as &[Value], "{yaml}");
    answer["objects"].as_array().unwrap().clone()
}

fn validate(yaml: &str) -> Value {
    let mut child = python("tests/deploy/validate.py")
        .expect("it was there before")
        .arg("tests/deploy/schemas")
        .args(KUBERNETES)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(yaml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The only object of a kind.
fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found: Vec<_> = objects.iter().filter(|object| object["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}");
    found[0]
}

/// The object with a kind and a name.
fn named<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn helm_finds_no_fault_in_the_chart() {
    for values in [None, Some("tests/deploy/chart/everything.yaml")] {
        let Some(mut lint) = python(PROGRAM) else { return };
        succeed(lint.args(["lint", CHART]).args(values));
    }
}

#[test]
fn the_plain_manifests_are_what_the_chart_renders() {
    let Some(mut check) = python(PROGRAM) else { return };
    succeed(check.args(["manifests", CHART, "deploy/kubernetes", "--check"]));
    for file in ["dimseway.yaml", "monitoring.yaml"] {
        let yaml = text(&format!("deploy/kubernetes/{file}"));
        assert!(!objects_in(&yaml).is_empty());
        assert!(!yaml.contains("helm.sh") && !yaml.contains("managed-by"), "{file} is no release of Helm");
    }
}

#[test]
fn a_wrong_object_is_found() {
    if python(PROGRAM).is_none() {
        return;
    }
    let table = [
        ("deploy/kubernetes/dimseway.yaml", "maxUnavailable: 1", "maxUnavailble: 1"),
        ("deploy/kubernetes/dimseway.yaml", "replicas: 1", "replicas: one"),
        ("deploy/kubernetes/monitoring.yaml", "port: admin", "prt: admin"),
        ("deploy/kubernetes/monitoring.yaml", "for: 2m", "for: 2 minutes"),
    ];
    for (file, right, wrong) in table {
        let yaml = text(file);
        assert!(yaml.contains(right), "{file}: {right}");
        let faults = validate(&yaml.replace(right, wrong))["faults"].as_array().unwrap().len();
        assert!(faults > 0, "{wrong}");
    }
}

#[test]
fn the_chart_has_the_version_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    let chart = text(&format!("{CHART}/Chart.yaml"));
    for line in [format!("version: {version}"), format!("appVersion: {version}")] {
        assert!(chart.lines().any(|found| found == line), "{line}");
    }
    assert!(text("deploy/compose.yaml").contains(&format!("image: dimseway:{version}\n")));
    assert!(path("deploy/helm/dimseway/files/rules.yaml").is_file(), "the rules are linked into the chart");
}

/// Keys of objects in a schema, at any depth.
fn properties(schema: &Value) -> Vec<String> {
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let named = |(name, inner): (&String, &Value)| [vec![name.clone()], self::properties(inner)].concat();
    properties.iter().flat_map(named).collect()
}

#[test]
fn every_value_has_a_default_and_an_explanation() {
    let values = text(&format!("{CHART}/values.yaml"));
    let schema: Value = serde_json::from_str(&text(&format!("{CHART}/values.schema.json"))).unwrap();
    let properties = properties(&schema);
    assert!(properties.len() > 60, "{} values", properties.len());
    for name in properties.iter().filter(|name| *name != "global") {
        let has_default = values.lines().any(|line| line.trim_start().starts_with(&format!("{name}:")));
        assert!(has_default, "{name} is not in values.yaml");
    }
    for name in schema["properties"].as_object().unwrap().keys().filter(|name| *name != "global") {
        let of_value = &schema["properties"][name];
        assert!(of_value["description"].is_string(), "{name} is not explained");
    }
}
