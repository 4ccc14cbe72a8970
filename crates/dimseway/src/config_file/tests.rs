use super::*;

fn parse(text: &str) -> Result<File, String> {
    let document = Document::new("dimseway.toml".into(), text.to_owned());
    File::parse(document).map(|(file, _)| file).map_err(|problem| problem.to_string())
}

#[test]
fn the_example_is_a_valid_file_as_it_is_and_with_every_key_written() {
    let example = example().unwrap();
    parse(&example).unwrap();
    let written: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.is_empty() && !key.starts_with(' ') => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    parse(&written).unwrap_or_else(|problem| panic!("{problem}\n{written}"));
}

#[test]
fn the_defaults_are_the_documented_ones_when_nothing_is_written() {
    let file = parse("").unwrap();
    assert_eq!(serde_json::to_value(&file).unwrap(), serde_json::to_value(File::default()).unwrap());
}

#[test]
fn a_problem_names_file_line_and_key() {
    let cases = [
        ("[dimse]\nlisen = \"0.0.0.0:104\"\n", "dimseway.toml:2: dimse.lisen: unknown field `lisen`"),
        (
            "[dimse]\n\nlisten = \"104\"\n",
            "dimseway.toml:3: dimse.listen: `104`: write an IP address and a port",
        ),
        (
            "[dimse]\nlisten = [\"0.0.0.0:1\", 5]\n",
            "dimseway.toml:2: dimse.listen: invalid type: integer `5`",
        ),
        ("[dimse]\nmax_pdu = 65536\n", "dimseway.toml:2: dimse.max_pdu: `65536` is not a size"),
        (
            "[dimse]\nartim_timeout = \"soon\"\n",
            "dimseway.toml:2: dimse.artim_timeout: `soon` is not a time span",
        ),
        ("[dimse]\nmax_associations = -1\n", "dimseway.toml:2: dimse.max_associations: invalid value"),
        (
            "[dimse]\nunknown_peers = \"maybe\"\n",
            "dimseway.toml:2: dimse.unknown_peers: unknown variant `maybe`",
        ),
        ("[dimse\n", "dimseway.toml:1:"),
        ("[[peer]]\naddress = \"10.0.0.5:104\"\n", "dimseway.toml:1: peer: missing field `ae_title`"),
        (
            "[[peer]]\nae_title = \"A\"\n[[peer]]\nae_title = \"B\\\\\"\n",
            "dimseway.toml:4: peer.ae_title: `B\\`: the AE title holds",
        ),
        (
            "[[peer]]\nae_title = \"A\"\nfrom = [\"10.0.0.0/99\"]\n",
            "dimseway.toml:3: peer.from: `10.0.0.0/99`: write an IP address",
        ),
        (
            "[[peer]]\nae_title = \"A\"\naddress = \"10.0.0.5\"\n",
            "dimseway.toml:3: peer.address: `10.0.0.5`: write a host and a port",
        ),
        (
            "[[peer]]\nae_title = \"A\"\nallow = [\"storage\"]\n",
            "dimseway.toml:3: peer.allow: unknown variant `storage`",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nauth = { type = \"digest\" }\n",
            "dimseway.toml:3: origin.a.auth.type: unknown variant `digest`",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nauth.password = \"x\"\n",
            "dimseway.toml:3: origin.a.auth.password: unknown field `password`",
        ),
        ("[origin.a]\nprofile = \"standard\"\n", "dimseway.toml:1: origin.a: missing field `url`"),
        (
            "[[route]]\nmatch = { moodality = \"CT\" }\nstore = [\"a\"]\n",
            "dimseway.toml:2: route.match.moodality: unknown field",
        ),
        ("[query]\norigins = [\"a\"]\n", "dimseway.toml:2: query.origins: unknown field `origins`"),
        ("[query]\nidentifier_max = 4096\n", "dimseway.toml:2: query.identifier_max: `4096` is not a size"),
        ("[retrieve]\nstall = \"soon\"\n", "dimseway.toml:2: retrieve.stall: `soon` is not a time span"),
        (
            "[[peer]]\nae_title = \"A\"\nrelational = \"never\"\n",
            "dimseway.toml:3: peer.relational: unknown variant `never`, expected `negotiated` or `always`",
        ),
        (
            "[[peer]]\nae_title = \"A\"\nretrieve = { association = 2 }\n",
            "dimseway.toml:3: peer.retrieve.association: unknown field",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\ncapabilities.search.studies = [\"StudyDate\", \"StudyDat\"]\n",
            "dimseway.toml:3: origin.a.capabilities.search.studies: `StudyDat`: write a keyword of PS3.6 or a tag",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\ncapabilities.search.series = \"none\"\n",
            "dimseway.toml:3: origin.a.capabilities.search.series: `none`: write \"all\", \"absent\" or a list",
        ),
        ("[worklist]\nsource = \"ris\"\n", "dimseway.toml:2: worklist.source: unknown field `source`"),
        ("[worklist]\nwindow = 1\n", "dimseway.toml:2: worklist.window: `1` is not a time span"),
        (
            "[worklist]\ntime_zone = \"CEST\"\n",
            "dimseway.toml:2: worklist.time_zone: `CEST`: write a name of the IANA database",
        ),
        (
            "[worklist]\nfallback.start_time = \"7 am\"\n",
            "dimseway.toml:2: worklist.fallback.start_time: `7 am`: write hours and minutes",
        ),
        (
            "[worklist]\nunassigned = \"show\"\n",
            "dimseway.toml:2: worklist.unassigned: unknown variant `show`, expected `hide` or `all`",
        ),
        (
            "[worklist_source.ris]\ntype = \"hl7\"\n",
            "dimseway.toml:2: worklist_source.ris.type: unknown variant `hl7`",
        ),
        (
            "[worklist_source.ris]\ndirectory = \"a\"\n",
            "dimseway.toml:1: worklist_source.ris: missing field `type`",
        ),
        (
            "[[equipment]]\nuuid = \"1\"\nae_title = \"A\"\nmodalities = \"CT\"\n",
            "dimseway.toml:4: equipment.modalities: unknown field",
        ),
        ("[mpps]\nsink = \"a\"\n", "dimseway.toml:2: mpps.sink: unknown field `sink`"),
        (
            "[mpps_sink.a]\ntype = \"postdicom\"\nmissing_birth_date = \"1.1.1900\"\n",
            "dimseway.toml:3: mpps_sink.a.missing_birth_date: ",
        ),
        ("[web]\nport = 80\n", "dimseway.toml:2: web.port: unknown field `port`"),
        (
            "[[ae]]\ntitle = \"A\"\nservices = [\"mwl\"]\n",
            "dimseway.toml:3: ae.services: unknown variant `mwl`",
        ),
        (
            "[dimse]\ntls = { listen = \"0.0.0.0:2762\" }\n",
            "dimseway.toml:2: dimse.tls: this version does not serve DIMSE over TLS",
        ),
        ("[[ae]]\ntitle = \"A\"\nquery = 5\n", "dimseway.toml:3: ae.query: invalid type: integer `5`"),
        ("[dimse]\nae_title = \"A\"\nae_title = \"B\"\n", "dimseway.toml:3: ae_title: duplicate key"),
        ("[log]\nlevel = \"loud\"\n", "dimseway.toml:2: log.level: unknown variant `loud`"),
        ("spool = 4\n", "dimseway.toml:1: spool: invalid type"),
    ];
    for (text, expected) in cases {
        let problem = parse(text).expect_err(text);
        assert!(problem.starts_with(expected), "{text}\n  got      {problem}\n  expected {expected}");
        assert_eq!(problem.lines().count(), 1, "{problem}");
    }
}

#[test]
fn a_file_that_is_not_there_is_a_problem_without_a_line() {
    let problem = File::read(Path::new("/nonexistent/dimseway.toml")).unwrap_err();
    assert!(problem.to_string().starts_with("/nonexistent/dimseway.toml: cannot be read: "), "{problem}");
}

#[test]
fn every_key_is_documented_and_has_an_example() {
    let reference = reference().unwrap();
    for key in [
        "### `ae_title`",
        "### `auth.password_file`",
        "### `match.modality`",
        "### `back_off.min`",
        "### `capabilities.search.limit_max`",
        "## `[worklist_source.NAME]`",
        "### `fallback.start_date`",
        "## `[[equipment]]`",
        "## `[mpps_sink.NAME]`",
        "## `[web]`",
    ] {
        assert!(reference.contains(key), "{key}");
    }
}
