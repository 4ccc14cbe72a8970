//! The unit and the Debian package of a Linux machine. Package and unit are also run under a real systemd, by
//! `deploy/debian/trial.sh`, which needs to be root.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use tests::daemon;
use tests::skip;

use crate::repository::{path, said, succeed, text};

const UNIT: &str = "deploy/linux/dimseway.service";

/// What closing the spool may take after the drain, in seconds.
const CLOSE_SECONDS: u64 = 20;

/// The value of a setting of the unit; the last of several.
fn setting(name: &str) -> String {
    let unit = text(UNIT);
    let found = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).next_back();
    found.unwrap_or_else(|| panic!("the unit has no {name}")).to_owned()
}

/// What systemd says of the unit with this text; nothing where systemd is not installed.
fn verified(unit: &str) -> Option<Output> {
    let analyze = skip::program("systemd-analyze")?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dimseway.service");
    // It looks whether the program is there.
    let program = daemon::program().display().to_string();
    fs::write(&file, unit.replace("/usr/bin/dimseway", &program)).unwrap();
    Some(Command::new(analyze).args(["verify", "--man=no"]).arg(file).output().unwrap())
}

#[test]
fn systemd_takes_every_line_of_the_unit() {
    let unit = text(UNIT);
    let Some(output) = verified(&unit) else { return };
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
    // It warns of a setting that it does not know, and is content otherwise.
    let misspelt = unit.replace("WatchdogSec=", "WatchDogSec=");
    assert!(said(&verified(&misspelt).unwrap()).contains("WatchDogSec"));
}

#[test]
fn the_unit_waits_for_the_drain() {
    let example = text("docs/dimseway.example.toml");
    let seconds = |key: &str| -> u64 {
        let line = example.lines().find_map(|line| line.strip_prefix(&format!("#{key} = \""))).unwrap();
        line.strip_suffix("s\"").unwrap().parse().unwrap()
    };
    let stop: u64 = setting("TimeoutStopSec").trim_end_matches('s').parse().unwrap();
    assert!(stop >= seconds("drain_delay") + seconds("drain_timeout") + CLOSE_SECONDS, "{stop} s");
}

/// Source and place of every file of the package, as its description has them.
fn assets() -> Vec<(String, String)> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(path("crates/dimseway/Cargo.toml"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "dimseway").unwrap();
    let assets = package["metadata"]["deb"]["assets"].as_array().unwrap();
    let word = |asset: &Value, at: usize| asset[at].as_str().unwrap().to_owned();
    assets.iter().map(|asset| (word(asset, 0), word(asset, 1))).collect()
}

#[test]
fn the_package_has_what_unit_and_scripts_name() {
    let mut installed = BTreeSet::new();
    for (source, place) in assets() {
        let source = source.strip_prefix("../../").unwrap();
        let (folder, name) = source.rsplit_once('/').unwrap_or(("", source));
        let mut names = vec![name.to_owned()];
        if !source.starts_with("target/") {
            let (before, after) = name.split_once('*').unwrap_or((name, ""));
            names = fs::read_dir(path(folder))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name.starts_with(before) && name.ends_with(after))
                .collect();
            assert!(!names.is_empty(), "{source} is not there");
        }
        installed.extend(names.into_iter().map(|name| match place.ends_with('/') {
            true => format!("/{place}{name}"),
            false => format!("/{place}"),
        }));
    }
    let program = setting("ExecStart");
    let journal = setting("LogNamespace");
    let needed = [
        program.split(' ').next().unwrap().to_owned(),
        // The main file of a namespace is only looked for below /etc, before systemd 254.
        format!("/usr/lib/systemd/journald@{journal}.conf.d/dimseway.conf"),
        "/usr/share/doc/dimseway/examples/dimseway.toml".to_owned(),
        setting("Documentation").split_once("file://").unwrap().1.to_owned(),
    ];
    for file in &needed {
        assert!(installed.contains(file), "{file} is not in the package");
    }
    let (unit, script) = (text(UNIT), text("deploy/debian/postinst"));
    for told in [&needed[1], &needed[2]] {
        assert!(unit.contains(told), "the unit does not name {told}");
    }
    assert!(script.contains(&needed[2]));
    let user = setting("User");
    assert!(script.contains(&format!(
        "-o {user} -g {} -m {} /var/lib/",
        setting("Group"),
        setting("StateDirectoryMode")
    )));
}

#[test]
fn shells_can_read_the_scripts_of_the_package() {
    for script in ["postinst", "postrm", "prerm"] {
        succeed(Command::new("sh").arg("-n").arg(path("deploy/debian").join(script)));
    }
    for script in ["trial.sh", "trial/machine.sh", "trial/studies.sh"] {
        succeed(Command::new("bash").arg("-n").arg(path("deploy/debian").join(script)));
    }
}
