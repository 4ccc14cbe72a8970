//! Which room knows which, and which crates from outside each may use.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::sources;

/// The arrows between the rooms: what a room may depend on outside of its tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("instance", &[]),
    ("dataset", &["instance"]),
    ("dimse", &["instance", "dataset"]),
    ("dicomweb", &["instance", "dataset"]),
    ("postdicom", &["instance", "dataset"]),
    ("spool", &["instance", "dataset"]),
    ("origin", &["instance", "dataset", "dicomweb"]),
    ("bridge", &["instance", "dataset", "dimse", "dicomweb", "postdicom", "spool"]),
    ("dimseway", &["instance", "dataset", "dimse", "dicomweb", "postdicom", "spool", "bridge", "origin"]),
    ("xtask", &[]),
    ("tests", &["instance", "dataset", "dimse", "dicomweb", "postdicom", "spool", "bridge", "origin"]),
];

/// Crates that only some rooms may use, and why the others may not.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("anyhow", &["dimseway", "xtask", "tests"], "library rooms have typed errors"),
    ("axum", &["dimseway", "origin", "tests"], "only these serve HTTP"),
    ("clap", &["dimseway", "xtask", "tests"], "only programs have a command line"),
    ("dicom-object", &[], "allocates what a stream from the network announces"),
    ("dicom-ul", &["dimse"], "the Upper Layer protocol has one place"),
    ("encoding_rs", &["dataset"], "character sets have one place"),
    ("fuser", &["tests"], "only the power-cut test mounts a file system"),
    ("http", &["dicomweb", "postdicom", "origin", "dimseway", "tests"], "only these speak HTTP"),
    ("jpeg-decoder", &["bridge"], "pixels are decoded in one place, in a child process"),
    ("jpeg2k", &["bridge"], "pixels are decoded in one place, in a child process"),
    ("prometheus", &["bridge", "dimseway"], "metrics are declared in one place"),
    ("quick-xml", &["dicomweb", "origin"], "XML is only spoken by web services"),
    ("reqwest", &["dicomweb", "postdicom", "dimseway", "tests"], "only user agents ask"),
    ("rusqlite", &["spool", "origin", "tests"], "only these keep an index"),
    ("schemars", &["dimseway"], "the configuration file has one place"),
    (
        "serde",
        &["dataset", "dicomweb", "postdicom", "spool", "bridge", "origin", "dimseway", "tests"],
        "the others parse no text formats and keep no documents",
    ),
    (
        "serde_json",
        &["dataset", "dicomweb", "postdicom", "spool", "bridge", "origin", "dimseway", "tests"],
        "the others parse no text formats and keep no documents",
    ),
    ("toml", &["dimseway", "tests"], "the configuration file has one place"),
    ("tracing-subscriber", &["dimseway"], "only the program decides where logs go"),
];

/// What the pure rooms do without.
const PURE: &[&str] = &["instance", "dataset"];
const NOT_PURE: &[&str] =
    &["tokio", "tokio-util", "futures", "async-trait", "socket2", "rustls", "tracing", "rustix", "tempfile"];

struct Dependency {
    name: String,
    for_tests: bool,
}

/// The direct dependencies of each package, as cargo reads them.
fn dependencies() -> BTreeMap<String, Vec<Dependency>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(sources::top())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let mut rooms = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let found = package["dependencies"].as_array().expect("dependencies").iter().map(|dependency| {
            let name = dependency["name"].as_str().expect("a name").to_owned();
            Dependency { name, for_tests: dependency["kind"] == "dev" }
        });
        rooms.insert(package["name"].as_str().expect("a name").to_owned(), found.collect());
    }
    rooms
}

#[test]
fn every_arrow_between_rooms_is_drawn() {
    let rooms = dependencies();
    let mut offences = Vec::new();
    for (room, found) in &rooms {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| name == room) else {
            offences.push(format!("{room} has no place in the layout"));
            continue;
        };
        for dependency in found.iter().filter(|dependency| rooms.contains_key(&dependency.name)) {
            // Tests of a room may stand it against another that is on the same side of the program.
            let allowed = allowed.contains(&dependency.name.as_str())
                || dependency.for_tests && dependency.name != "dimseway" && room == "bridge"
                || dependency.name == *room && dependency.for_tests;
            if !allowed {
                offences.push(format!("{room} -> {}", dependency.name));
            }
        }
    }
    sources::none(&offences, "these arrows are not in the layout:");
}

#[test]
fn crates_from_outside_stay_in_their_rooms() {
    let mut offences = Vec::new();
    for (room, found) in &dependencies() {
        for dependency in found.iter().filter(|dependency| !dependency.for_tests) {
            if let Some((name, allowed, why)) = RESERVED.iter().find(|(name, _, _)| *name == dependency.name)
                && !allowed.contains(&room.as_str())
            {
                offences.push(format!("{room} uses {name}: {why}"));
            }
            if PURE.contains(&room.as_str()) && NOT_PURE.contains(&dependency.name.as_str()) {
                offences.push(format!("{room} uses {}: this room is pure", dependency.name));
            }
        }
    }
    sources::none(&offences, "these crates are used outside of their rooms:");
}

#[test]
fn what_a_room_does_without_is_absent_from_its_sources() {
    let absent: &[(&str, &[&str])] = &[
        ("instance", &["std::net", "std::fs", "async fn"]),
        ("dataset", &["std::net", "std::fs", "async fn"]),
        ("dimse", &["std::fs", "tokio::fs", "std::env", "TcpListener::bind"]),
        ("dicomweb", &["TcpListener::bind", "Status(0x"]),
        ("postdicom", &["TcpListener::bind", "Status(0x"]),
        ("spool", &["std::net", "tokio::net"]),
    ];
    let mut offences = Vec::new();
    for source in sources::rust() {
        let Some((_, words)) = absent.iter().find(|(room, _)| source.room() == Some(room)) else { continue };
        for (number, line) in source.production() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                offences.push(format!("{}:{number}: {word}", source.path));
            }
        }
    }
    sources::none(&offences, "these rooms do without:");
}
