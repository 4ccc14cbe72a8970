//! The Compose file, and every file that it mounts.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tests::daemon;
use tests::skip;

use crate::repository::{path, python, python_program, succeed, text};

const FILE: &str = "deploy/compose.yaml";

/// A YAML file as JSON.
fn read(of: &str) -> Option<Value> {
    let convert = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let json = succeed(python("-c")?.args([convert, of]));
    Some(serde_json::from_str(&json).unwrap())
}

#[test]
fn the_schema_of_compose_holds() {
    let Some(mut check) = python_program("check-jsonschema") else { return };
    succeed(check.args(["--builtin-schema", "vendor.compose-spec", FILE]));
}

#[test]
fn images_are_named_by_version_and_mounted_files_are_there() {
    let Some(compose) = read(FILE) else { return };
    let services = compose["services"].as_object().unwrap();
    let mut names: Vec<_> = services.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["dimseway", "grafana", "orthanc", "prometheus"]);
    for (name, service) in services {
        let (_, tag) = service["image"].as_str().unwrap().rsplit_once(':').expect("a tag");
        assert!(tag.contains('.') && tag.contains(|letter: char| letter.is_ascii_digit()), "{name}: {tag}");
        for volume in service["volumes"].as_array().unwrap() {
            let (source, _) = volume.as_str().unwrap().split_once(':').unwrap();
            let there = match source.strip_prefix("./") {
                Some(file) => path("deploy").join(file).exists(),
                None => compose["volumes"].as_object().unwrap().contains_key(source),
            };
            assert!(there, "{name} mounts {source}");
        }
        let ports = service["ports"].as_array().unwrap();
        let open: Vec<_> = ports
            .iter()
            .map(|port| port.as_str().unwrap())
            .filter(|port| !port.starts_with("127."))
            .collect();
        assert!(open == ["11112:11112"] || open.is_empty(), "{name}: only modalities call from outside");
    }
    let dimseway = &services["dimseway"];
    assert_eq!((&dimseway["read_only"], &dimseway["cap_drop"][0]), (&true.into(), &"ALL".into()));
    assert_eq!(dimseway["stop_grace_period"], "40s", "longer than drain_delay plus drain_timeout");
}

#[test]
fn the_program_takes_its_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().to_str().unwrap();
    let configuration = text("deploy/compose/dimseway/dimseway.toml");
    let secrets = configuration.matches("/run/secrets/").count();
    assert_eq!(secrets, 2);
    for name in ["orthanc_password", "admin_token"] {
        assert!(configuration.contains(&format!("/run/secrets/{name}\"")), "{name}");
        fs::write(folder.path().join(name), "secret").unwrap();
    }
    let file = folder.path().join("dimseway.toml");
    fs::write(&file, configuration.replace("/run/secrets", here).replace("/var/lib/dimseway", here)).unwrap();
    succeed(Command::new(daemon::program()).arg("check").env("DIMSEWAY_CONFIG", &file));
}

#[test]
fn prometheus_and_orthanc_take_theirs() {
    let orthanc: Value = serde_json::from_str(&text("deploy/compose/orthanc.json")).unwrap();
    assert_eq!(orthanc["DicomWeb"]["Root"], "/dicom-web/");
    let Some(promtool) = skip::program("promtool") else { return };
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yaml");
    fs::write(&rules, text("deploy/prometheus/rules.yaml")).unwrap();
    let configuration = text("deploy/compose/prometheus.yaml");
    let file = folder.path().join("prometheus.yaml");
    fs::write(&file, configuration.replace("/etc/prometheus/rules.yaml", rules.to_str().unwrap())).unwrap();
    succeed(Command::new(promtool).args(["check", "config"]).arg(&file));
}
