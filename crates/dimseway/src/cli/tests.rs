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
        "send a.dcm --folder a/b --wait 5s --origin cloud",
        "send --document a.pdf b.jpg --order uuid-1 --folder a",
        "send a.dcm folder --to CT@localhost:104 --from ME",
        "echo",
        "echo CT1",
        "echo CT1@10.0.0.1:104",
        "orders search",
        "orders search --patient-name YAMADA^TARO --modality CT,MR --from 2026-11-01 --to 2026-11-30 --json",
        "orders --origin cloud show c232ab00-9414-41ec-b3c8-9f6bdeced846 --institution inst-1",
        "orders create --patient-name DOE^JOHN --patient-id 1 --birthdate 1980-01-02 --modality CT",
        "orders create --parameters order.json --sex M --accession-number A1 --again",
        "orders delete uuid-1 --yes",
        "orders assign uuid-1 --user user-1",
        "orders assign uuid-1 --group group-1",
        "orders share uuid-1 uuid-2 --expires 2026-12-31 --password-file p --downloadable",
        "orders link uuid-1 --expires 30d --password-env LINK_PASSWORD",
        "folders create a/b/c --description d --parent folder-1",
        "folders search",
        "folders search 2026 --parent folder-1 --orders",
        "folders add uuid-1 uuid-2 --folder a/b --folder-uuid folder-1",
        "folders share --folder a/b --title t",
        "folders share --folder-uuid folder-1 --expires 30d --json",
        "tags get uuid-1 PatientName 0008,0020 --series series-1",
        "config reference",
        "config schema",
        "config example",
    ] {
        let words = std::iter::once("dimseway").chain(line.split_whitespace());
        assert!(Cli::try_parse_from(words.clone()).is_ok(), "{line}: {:?}", Cli::try_parse_from(words).err());
    }
}

#[test]
fn a_wrong_value_is_refused_under_the_name_of_its_option() {
    let table = [
        ("orders search --to 2026-02-30", "--to <DATE>", "not a date of the form YYYY-MM-DD"),
        ("orders create --birthdate 2.1.1980", "--birthdate <DATE>", "not a date of the form YYYY-MM-DD"),
        ("orders create --scheduled 2026-01-02T10:30", "--scheduled <DATE TIME>", "YYYY-MM-DD HH:MM"),
        ("orders create --patient-name=", "--patient-name <NAME>", "a value is"),
        ("orders share uuid-1 --expires 31.12.2026", "--expires <DATE>", "write a date, YYYY-MM-DD"),
        ("folders create a//b", "<PATH>", "a value is needed"),
    ];
    for (line, option, what) in table {
        let words = std::iter::once("dimseway").chain(line.split_whitespace());
        let told = Cli::try_parse_from(words).unwrap_err().to_string();
        assert!(told.contains(option) && told.contains(what), "{line}: {told}");
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
        "send a.pdf --document",
        "send a.dcm --order uuid-1",
        "send a.dcm --wait 5s",
        "send a.dcm --to CT1",
        "send a.dcm --to CT1@host",
        "send a.dcm --to CT1@host:0",
        "orders",
        "orders search --from 01.11.2026",
        "orders search --modality ct",
        "orders search --birthdate 1980-01-02 --birthdate-from 1980-01-02",
        "orders show",
        "orders show uuid\"1",
        "orders create --sex X",
        "orders create --scheduled 2026-11-23",
        "orders create --accession-number 12345678901234567",
        "orders assign uuid-1",
        "orders assign uuid-1 --user u --group g",
        "orders share uuid-1",
        "orders share uuid-1 --expires soon",
        "orders share uuid-1 --expires 30d --password hunter2",
        "orders share uuid-1 --expires 30d --password-file p --password-env E",
        "folders create",
        "folders add uuid-1",
        "folders share",
        "tags get uuid-1",
        "demo --listen 11112",
        "demo --peer ME",
    ] {
        let words = std::iter::once("dimseway").chain(line.split_whitespace());
        assert!(Cli::try_parse_from(words).is_err(), "{line}");
    }
}
