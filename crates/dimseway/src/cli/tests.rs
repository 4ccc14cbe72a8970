use super::*;
use clap::CommandFactory;

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn takes_the_documented_command_lines() {
    for line in [
        "serve",
        "serve --ready-file /tmp/r.json",
        "--config a.toml serve",
        "serve --config a.toml",
        "check",
        "check --connect",
        "check --ready",
        "demo",
        "demo --profile orthanc --directory d --listen 127.0.0.1:0 --exit-after-send",
        "demo --studies 200 --peer ME@127.0.0.1:11113 --peer WS@[::1]:104",
        "origin --profile standard --directory d --listen 127.0.0.1:0",
        "origin --directory d --listen 127.0.0.1:0 --username u --password w",
        "queue list",
        "queue list --all --limit 5",
        "queue list --state held --destination peer:CT1 --json",
        "queue --json show 4",
        "queue retry 1 2 3",
        "queue hold --study 1.2.3 --reason waiting",
        "queue release --state held",
        "queue discard 4 --yes",
        "queue reroute 4 --to peer:CT1",
        "queue export 4 --to out",
        "send a.dcm folder --to CT@localhost:104 --from ME",
        "echo",
        "echo CT1",
        "echo CT1@10.0.0.1:104",
        "config reference",
        "config schema",
        "config example",
    ] {
        let words = std::iter::once("dimseway").chain(line.split_whitespace());
        assert!(Cli::try_parse_from(words.clone()).is_ok(), "{line}: {:?}", Cli::try_parse_from(words).err());
    }
}

#[test]
fn refuses_what_makes_no_sense() {
    for line in [
        "",
        "sreve",
        "check --connect --ready",
        "origin --listen 127.0.0.1:0",
        "origin --directory d --listen 127.0.0.1:0 --username u",
        "queue",
        "queue show",
        "queue reroute 4",
        "queue list --state lost",
        "send",
        "send a.dcm --to CT1",
        "send a.dcm --to CT1@host",
        "send a.dcm --to CT1@host:0",
        "demo --listen 11112",
        "demo --peer ME",
    ] {
        let words = std::iter::once("dimseway").chain(line.split_whitespace());
        assert!(Cli::try_parse_from(words).is_err(), "{line}");
    }
}
