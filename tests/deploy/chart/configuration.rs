//! The configuration that the chart writes is one that the program takes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::configuration::Configuration;
use tests::daemon::{self, Home};
use tests::wait::eventually;

use super::{named, only, render, render_everything};
use crate::repository::succeed;

/// The configuration of the rendered ConfigMap.
fn configuration<'a>(objects: &'a [Value], name: &str) -> &'a str {
    named(objects, "ConfigMap", name)["data"]["dimseway.toml"].as_str().unwrap()
}

/// Lets the program read a configuration, its paths moved into a folder where every secret is a file.
fn check(configuration: &str, folder: &Path) -> String {
    let here = folder.to_str().unwrap();
    let moved = configuration
        .replace("/run/dimseway/", &format!("{here}/"))
        .replace("/var/lib/dimseway/", &format!("{here}/"))
        .replace("\"/worklist\"", &format!("\"{here}\""));
    for part in moved.split('"').filter(|part| part.starts_with(here) && !part.ends_with("spool")) {
        let file = Path::new(part);
        if !file.is_dir() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "secret").unwrap();
        }
    }
    let file = folder.join("dimseway.toml");
    fs::write(&file, moved).unwrap();
    succeed(
        Command::new(daemon::program())
            .arg("check")
            .env("DIMSEWAY_CONFIG", &file)
            .env("SECOND_TOKEN", "secret"),
    )
}

#[test]
fn the_program_takes_what_the_chart_writes() {
    let table = [("dimseway", render("{}")), ("imaging-bridge", render_everything())];
    for (name, objects) in table {
        let Some(objects) = objects else { return };
        let folder = tempfile::tempdir().unwrap();
        let said = check(configuration(&objects, name), folder.path());
        assert!(said.starts_with("ok"), "{said}");
    }
}

#[test]
fn values_reach_the_configuration() {
    let Some(objects) = render_everything() else { return };
    let text = configuration(&objects, "imaging-bridge");
    let lines = [
        "ae_title = \"STORE SCP\"",
        "unknown_peers = \"accept\"",
        "max_associations = 250",
        "drain_delay = \"30s\"",
        "drain_timeout = \"90s\"",
        "max_pdu = \"1MiB\"",
        "minimum_free = \"2GiB\"",
        "spare_segments = 32",
        "token_file = \"/run/dimseway/admin/admin\"",
        "token_file = \"/run/dimseway/web/web\"",
        "level = \"debug\"",
    ];
    for line in lines {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn only_what_cannot_be_reloaded_restarts_the_pod() {
    let pod = |values: &str| -> Option<Value> {
        let objects = render(values)?;
        Some(only(&objects, "StatefulSet")["spec"]["template"].clone())
    };
    let Some(default) = pod("{}") else { return };
    let origin = "configuration: |\n  [origin.other]\n  url = \"https://other.example.org\"\n";
    assert_eq!(pod(origin).unwrap(), default, "a peer or origin is read by the running pod");
    for values in ["log: {level: debug}", "dimse: {aeTitle: OTHER}", "spool: {minimumFree: 1GiB}"] {
        assert_ne!(pod(values).unwrap(), default, "{values}");
    }
}

#[test]
fn a_changed_config_map_is_read_by_the_running_pod() {
    // As the kubelet does it: a new folder, and a link to it that is put in the place of the last one.
    let configuration = Configuration::new().origin("archive", "http://127.0.0.1:9/dicom-web");
    let home = Home::new(&configuration);
    let file = home.path().join("dimseway.toml");
    let write = |version: &str, text: &str| {
        fs::create_dir(home.path().join(version)).unwrap();
        fs::write(home.path().join(version).join("dimseway.toml"), text).unwrap();
        symlink(version, home.path().join("..data_tmp")).unwrap();
        fs::rename(home.path().join("..data_tmp"), home.path().join("..data")).unwrap();
    };
    fs::remove_file(&file).unwrap();
    write("..1", &configuration.text());
    symlink("..data/dimseway.toml", &file).unwrap();
    let daemon = home.start();
    let reloads =
        |outcome: &str| daemon.metrics().sum("dimseway_configuration_reloads_total", &[("outcome", outcome)]);
    write("..2", &configuration.with("[[peer]]\nae_title = \"NEW\"\n").text());
    eventually("the change is taken over", || (reloads("accepted") >= 1.0).then_some(()));
    write("..3", "[dimse");
    eventually("the fault is noticed", || (reloads("rejected") >= 1.0).then_some(()));
}
