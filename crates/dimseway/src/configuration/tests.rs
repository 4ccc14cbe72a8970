use super::*;
use bridge::config::{OnUnmappable, PeerQuery, PeerRetrieve, Relational, UnsupportedKeys, WarnFf01};
use dicomweb::profile::{Profile, Searchable};
use instance::Tag;
use std::time::Duration;

mod aws;
mod credentials;
mod documented;
mod profile;
mod worklist;

fn read(text: &str) -> Result<Configuration, String> {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in
        [("password", "open sesame\n"), ("empty", "\n"), ("ca.pem", "-"), ("client.pem", "-")]
    {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let document = Document::new(directory.path().join("dimseway.toml"), text.to_owned());
    let result = File::parse(document).and_then(|(file, document)| Configuration::from_file(&file, document));
    let within = format!("{}/", directory.path().display());
    result.map_err(|problem| problem.to_string().replace(&within, ""))
}

#[test]
fn what_contradicts_itself_names_file_line_and_key() {
    let origin = "[origin.a]\nurl = \"http://127.0.0.1:8042/dicom-web\"\n";
    let cases = [
        ("", "dimseway.toml: origin: without a route there must be one origin"),
        (
            "[dimse]\nlisten = []\n[origin.a]\nurl = \"http://a\"\n",
            "dimseway.toml:2: dimse.listen: at least one address",
        ),
        (
            "[dimse]\nmax_pdu = \"8GiB\"\n[origin.a]\nurl = \"http://a\"\n",
            "dimseway.toml:2: dimse.max_pdu: the largest PDU",
        ),
        (
            "[dimse]\nmax_pdu = \"1KiB\"\n[origin.a]\nurl = \"http://a\"\n",
            "dimseway.toml:2: dimse.max_pdu: the largest PDU",
        ),
        (
            "[dimse]\nmemory_budget = \"1KiB\"\n[origin.a]\nurl = \"http://a\"\n",
            "dimseway.toml:2: dimse.memory_budget: ",
        ),
        (
            "[dimse]\nae_title = \"A\"\n[[ae]]\ntitle = \"A\"\n[origin.a]\nurl = \"http://a\"\n",
            "dimseway.toml:4: ae.title: A is served twice",
        ),
        (
            "[[peer]]\nae_title = \"A\"\n[[peer]]\nae_title = \"A\"\n[origin.a]\nurl = \"http://a\"\n",
            "dimseway.toml:4: peer.ae_title: A is there twice",
        ),
        ("[origin.a]\nurl = \"ftp://a\"\n", "dimseway.toml:2: origin.a.url: the scheme ftp is neither"),
        (
            "[origin.a]\nurl = \"http://a\"\nread_timeout = \"0s\"\n",
            "dimseway.toml:3: origin.a.read_timeout: a time-out of zero",
        ),
        (
            "[origin.a]\nurl = \"http://u:p@a\"\n",
            "dimseway.toml:2: origin.a.url: a URL must not hold credentials; write them under `auth`",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nprofile = \"acme\"\n",
            "dimseway.toml:3: origin.a.profile: this version has no profile `acme`",
        ),
        ("[origin.a]\nurl = \"http://a\"\nworkers = 0\n", "dimseway.toml:3: origin.a.workers: at least 1"),
        (
            "[origin.\"a.b\"]\nurl = \"http://a\"\nworkers = 0\n",
            "dimseway.toml:3: origin.a.b.workers: at least 1",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nauth = { type = \"basic\", username = \"u\", password_file = \"gone\" }\n",
            "dimseway.toml:3: origin.a.auth.password_file: gone: No such file",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\n[origin.a.auth]\ntype = \"basic\"\nusername = \"u\"\npassword_file = \"empty\"\n",
            "dimseway.toml:6: origin.a.auth.password_file: empty: is empty",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nauth = { type = \"basic\", username = \"u\" }\n",
            "dimseway.toml:3: origin.a.auth: `password_file` or `password_env` is needed",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nauth = { type = \"basic\", password_file = \"password\" }\n",
            "dimseway.toml:3: origin.a.auth: `basic` needs `username`",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nauth = { type = \"basic\", username = \"u\", password_env = \"DIMSEWAY_NO_SUCH\" }\n",
            "dimseway.toml:3: origin.a.auth.password_env: the environment variable DIMSEWAY_NO_SUCH is not set",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nauth = { type = \"bearer\", username = \"u\" }\n",
            "dimseway.toml:3: origin.a.auth.username: has no meaning with type = \"bearer\"",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nauth = { token_file = \"password\" }\n",
            "dimseway.toml:3: origin.a.auth.token_file: has no meaning with type = \"none\"",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nheaders = { \"X Y\" = \"z\" }\n",
            "dimseway.toml:3: origin.a.headers.X Y: not the name of an HTTP header",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nheaders.Content-Length = \"5\"\n",
            "dimseway.toml:3: origin.a.headers.Content-Length: belongs to the connection or to the body",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nheaders.transfer-encoding = \"chunked\"\n",
            "dimseway.toml:3: origin.a.headers.transfer-encoding: belongs to the connection",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nheaders = { Host = \"b\" }\n",
            "dimseway.toml:3: origin.a.headers.Host: belongs to the connection",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nheaders.Connection = \"close\"\n",
            "dimseway.toml:3: origin.a.headers.Connection: belongs to the connection",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\nheaders.X = { value_file = \"gone\" }\n",
            "dimseway.toml:3: origin.a.headers.X: gone: ",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\ntls = { certificate = \"client.pem\" }\n",
            "dimseway.toml:3: origin.a.tls: `certificate` and `key`",
        ),
        (
            "[origin.a]\nurl = \"http://a\"\ntls = { ca = \"gone.pem\" }\n",
            "dimseway.toml:3: origin.a.tls.ca: gone.pem: ",
        ),
        ("{origin}[[route]]\nstore = [\"b\"]\n", "dimseway.toml:4: route.store: there is no [origin.b]"),
        (
            "{origin}[[route]]\nstore = [\"a\"]\n[[route]]\nstore = [\"peer:X\"]\n",
            "dimseway.toml:6: route.store: there is no [[peer]] with ae_title X",
        ),
        (
            "{origin}[[route]]\nstore = [\"a\",\n  \"peer:\"]\n",
            "dimseway.toml:5: route.store: `peer:`: no AE title",
        ),
        ("{origin}[[route]]\nstore = []\n", "dimseway.toml:4: route.store: at least one destination"),
        (
            "{origin}[[route]]\nmatch = { modality = \"\" }\nstore = [\"a\"]\n",
            "dimseway.toml:4: route.match.modality: ``: the pattern is empty",
        ),
        ("{origin}[origin.b]\nurl = \"http://b\"\n", "dimseway.toml: route: there are several origins"),
        (
            "{origin}[admin]\nlisten = \"0.0.0.0:8080\"\n",
            "dimseway.toml:4: admin.listen: 0.0.0.0:8080 is not a loopback address, so `token_file` is required",
        ),
        ("{origin}[admin]\ntoken_file = \"gone\"\n", "dimseway.toml:4: admin.token_file: gone: "),
        (
            "{origin}[spool]\nsegment_size = \"1536KiB\"\n",
            "dimseway.toml:4: spool.segment_size: a segment has",
        ),
        ("{origin}[query]\norigin = \"b\"\n", "dimseway.toml:4: query.origin: there is no [origin.b]"),
        ("{origin}[query]\norigin = [\"a\", \"a\"]\n", "dimseway.toml:4: query.origin: a is there twice"),
        ("{origin}[query]\nresults_max = 0\n", "dimseway.toml:4: query.results_max: at least 1"),
        ("{origin}[retrieve]\nstall = \"0s\"\n", "dimseway.toml:4: retrieve.stall: "),
        (
            "{origin}[retrieve]\ntranscode_limits.children_max = 0\n",
            "dimseway.toml:4: retrieve.transcode_limits.children_max: at least 1",
        ),
        (
            "{origin}[retrieve.transcode_limits]\nstall_max = \"1s\"\nlength_max = \"0B\"\n",
            "dimseway.toml:5: retrieve.transcode_limits.length_max: nothing could be transcoded",
        ),
        (
            "{origin}[[ae]]\ntitle = \"A\"\nquery = \"a\"\n[[ae]]\ntitle = \"B\"\nquery = [\"b\"]\n",
            "dimseway.toml:8: ae.query: there is no [origin.b]",
        ),
        (
            "[dimse]\nae_title = \"A\"\n{origin}[[ae]]\ntitle = \"B\"\nquery = \"b\"\n",
            "dimseway.toml:7: ae.query: there is no [origin.b]",
        ),
        (
            "{origin}[origin.b]\nurl = \"http://b\"\n[[route]]\nstore = [\"a\"]\n[retrieve]\nrequests = 4\n",
            "dimseway.toml: query.origin: there are several origins, so it must be said which",
        ),
        (
            "{origin}[origin.b]\nurl = \"http://b\"\n[[route]]\nstore = [\"a\"]\n[query]\nresults_max = 4\n",
            "dimseway.toml:7: query.origin: there are several origins, so it must be said which",
        ),
        (
            "{origin}[[peer]]\nae_title = \"A\"\ncharacter_set = \"ISO_IR 1000\"\n",
            "dimseway.toml:5: peer.character_set: \"ISO_IR 1000\" is no defined term",
        ),
        (
            "{origin}[[peer]]\nae_title = \"A\"\n[[peer]]\nae_title = \"B\"\nretrieve.associations = 0\n",
            "dimseway.toml:7: peer.retrieve.associations: at least 1",
        ),
        ("{origin}[forward.back_off]\nmin = \"1h\"\n", "dimseway.toml:3: forward.back_off.max: "),
    ];
    for (text, expected) in cases {
        let text = text.replace("{origin}", origin);
        let problem = read(&text).err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(problem.starts_with(expected), "{text}\n  got      {problem}\n  expected {expected}");
        assert_eq!(problem.lines().count(), 1, "{problem}");
    }
}

#[test]
fn what_may_be_a_secret_is_not_repeated() {
    let lines = [
        "url = \"http://u:hunter2@a\"",
        "url = \"http://u:hunter2@a:port\"",
        "url = \"ftp://u:hunter2@a\"",
        "url = \"http://a/?token=hunter2\"",
        "url = \"http://a/#hunter2\"",
        "url = \"http://a\"\nauth = \"Bearer hunter2\"",
        "url = \"http://a\"\nauth = { type = \"basic\", password = \"hunter2\" }",
        "url = \"http://a\"\nauth = hunter2",
        "url = \"http://a\"\nheaders = \"X-Api-Key: hunter2\"",
        "url = \"http://a\"\nheaders = { X-Api-Key = hunter2 }",
        "url = \"http://a\"\nheaders = { X-Api-Key = \"hunter2\\n\" }",
        "url = \"http://a\"\nheaders.X-Api-Key = { value_file = \"key\", value = \"hunter2\" }",
        "url = \"http://a\"\nheaders.X-Api-Key = 0.12345",
        "url = \"http://a\"\ncapabilities.paths.probe = \"studies?key=hunter2\"",
        "url = \"http://a\"\n[admin]\ntoken_file = 12345",
    ];
    for line in lines {
        let problem = read(&format!("[origin.a]\n{line}\n")).expect_err(line);
        assert!(problem.starts_with("dimseway.toml:"), "{line}: {problem}");
        assert!(!problem.contains("hunter2") && !problem.contains("12345"), "{line}: {problem}");
    }
}

#[test]
fn the_design_of_the_file_is_taken_whole() {
    let configuration = read(
        r#"
[dimse]
ae_title = "DIMSEWAY"
listen = ["127.0.0.1:0", "[::1]:0"]
unknown_peers = "accept"
max_associations = 7

[[ae]]
title = "ARCHIVE2"
query = ["archive"]

[[peer]]
ae_title = "CT1"
address = "10.0.0.5:104"
from = ["10.0.0.0/24", "10.1.0.9"]
allow = ["echo", "store", "query", "retrieve", "worklist", "mpps", "commitment"]
character_set = ["", "ISO 2022 IR 87"]
on_unmappable = "replace"
relational = "always"
unsupported_keys = "empty"
warn_ff01 = false
lenient = true
retrieve = { associations = 3, stall = "1m", transcode = false }

[origin.archive]
url = "https://dicom.example.org/dicom-web"
profile = "standard"
auth = { type = "basic", username = "u", password_file = "password" }
headers = { X-Site = "north" }

[[route]]
match = { calling_ae = "CT*", modality = ["CT", "PT"] }
store = ["archive", "peer:CT1"]
acknowledge = "stored"
continue = true

[routing]
unrouted = "reject"

[query]
origin = "archive"
results_max = 500

[retrieve]
requests = 4

[spool]
directory = "spool"

[admin]
listen = "127.0.0.1:0"

[log]
format = "json"
level = "debug"
"#,
    )
    .unwrap();
    let bridge = &configuration.bridge;
    let titles: Vec<&str> = bridge.served.iter().map(|ae| ae.title.as_str()).collect();
    assert_eq!(titles, ["DIMSEWAY", "ARCHIVE2"]);
    assert_eq!(configuration.listen.len(), 2);
    assert_eq!(bridge.limits.max_associations, 7);
    assert_eq!(bridge.peers[0].from.len(), 2);
    assert_eq!(bridge.peers[0].address, Some(PeerAddress::new("10.0.0.5", 104)));
    let peer = &bridge.peers[0];
    let query = PeerQuery {
        character_set: Some(r"\ISO 2022 IR 87".parse().unwrap()),
        on_unmappable: OnUnmappable::Replace,
        relational: Relational::Always,
        unsupported_keys: UnsupportedKeys::Empty,
        warn_ff01: WarnFf01::No,
        lenient: true,
    };
    assert_eq!(peer.query, query);
    let retrieve =
        PeerRetrieve { associations: Some(3), stall: Some(Duration::from_secs(60)), transcode: Some(false) };
    assert_eq!(peer.retrieve, retrieve);
    assert_eq!(bridge.served[1].query, ["archive"]);
    assert_eq!(
        (bridge.query.origins.as_slice(), bridge.query.results_max),
        (&["archive".to_owned()][..], 500)
    );
    assert_eq!(bridge.retrieve.requests, 4);
    assert_eq!(bridge.routes[0].store.len(), 2);
    assert!(bridge.routes[0].continues);
    assert_eq!(bridge.routes[0].matches.modality.len(), 2);
    assert_eq!(bridge.origins[0].client.headers.len(), 1);
    assert!(configuration.spool.directory.ends_with("spool"));
    assert_eq!(configuration.files.len(), 1);
    let shown = format!("{configuration:?}");
    assert!(!shown.contains("sesame"), "{shown}");
}

#[test]
fn defaults_are_those_of_the_rooms() {
    let configuration = read("[origin.a]\nurl = \"http://127.0.0.1:1\"\n").unwrap();
    let ours = bridge::Config::default();
    let bridge = &configuration.bridge;
    assert_eq!(bridge.served, ours.served);
    assert_eq!(bridge.limits, ours.limits);
    assert_eq!(bridge.timers, ours.timers);
    assert_eq!(bridge.forward, ours.forward);
    assert_eq!(bridge.drain, ours.drain);
    assert_eq!(bridge.query, ours.query);
    assert_eq!(bridge.retrieve, ours.retrieve);
    assert_eq!(bridge.unrouted, ours.unrouted);
    assert_eq!(bridge.unknown_peers, ours.unknown_peers);
    assert_eq!(bridge.origins[0].client.timeouts, dicomweb::Timeouts::default());
    let spool = spool::local::Config::new("/var/lib/dimseway/spool");
    assert_eq!(format!("{:?}", configuration.spool), format!("{spool:?}"));
}

#[test]
fn a_server_is_what_its_profile_says_but_for_what_is_written() {
    let text = r#"
[origin.a]
url = "http://127.0.0.1:1"
profile = "azure"
[origin.a.capabilities]
search = { limit_max = 100, unannounced_cut = 0, studies = ["PatientID", "0020,000D"], ranges = "absent" }
retrieve = { whole_study = false, transcodes_to = [] }
paths.retrieve_series = "/s/{series}?study={study}"
"#;
    let configuration = read(text).unwrap();
    let profile = &configuration.bridge.origins[0].client.profile;
    let mut expected = Profile::azure();
    expected.search.limit_max = Some(100);
    expected.search.unannounced_cut = None;
    expected.search.studies = Searchable::These(vec![Tag::PATIENT_ID, Tag::STUDY_INSTANCE_UID].into());
    expected.search.ranges = Searchable::Absent;
    expected.retrieve.whole_study = false;
    expected.retrieve.transcodes_to = Vec::new();
    expected.paths.retrieve_series = "/s/{series}?study={study}".parse().unwrap();
    assert_eq!(*profile, expected);
}

/// The end points of an origin with these keys.
fn end_points(keys: &str) -> Result<bridge::config::PostDicom, String> {
    let auth = "auth = { type = \"basic\", username = \"u\", password_file = \"password\" }";
    let text = format!("[origin.a]\nurl = \"https://a/dicomweb\"\nprofile = \"postdicom\"\n{auth}\n{keys}\n");
    Ok(read(&text)?.bridge.origins.remove(0).postdicom.expect("the profile has them"))
}

#[test]
fn the_vendors_end_points_are_spoken_to_as_its_own_clients_do() {
    let (ours, theirs) = (end_points("").unwrap(), ::postdicom::Conventions::default());
    let made = bridge::config::PostDicom::new(ours.client.clone());
    assert_eq!((ours.narrowing, ours.date_slack_days), (made.narrowing, made.date_slack_days));
    assert_eq!((ours.patients_max, ours.patients_at_once), (made.patients_max, made.patients_at_once));
    assert_eq!(ours.client.timeouts, ::postdicom::Timeouts::default());
    let patient = end_points("unavailable_timeout = \"2m\"").unwrap();
    assert_eq!(patient.client.timeouts.turn, Duration::from_secs(120));
    assert_eq!(ours.client.base_url.to_string(), "https://a/dicomweb");
    assert_eq!(ours.client.credentials.map(|credentials| credentials.username).as_deref(), Some("u"));
    let conventions = ours.client.conventions;
    assert_eq!(format!("{conventions:?}"), format!("{theirs:?}"));
    assert_eq!(conventions.headers, theirs.headers);
    let limits = |of: &::postdicom::Conventions| {
        (of.header_bytes_max, of.body_bytes_max, of.answer_bytes_max, of.list_items_max)
    };
    assert_eq!(limits(&conventions), limits(&theirs));
}

#[test]
fn each_assumption_about_the_vendor_can_be_changed() {
    use ::postdicom::{
        BooleanStyle, EmptyAnswer, EmptyList, EmptyParameters, Function, HttpVersion, ListStyle,
        ReasonOnSuccess, TagForm, Transport, Unconfirmed, UuidForm,
    };
    let conventions = |keys: &str| end_points(keys).unwrap().client.conventions;
    let post = conventions("postdicom.transport = \"post-json\"");
    let usual = ::postdicom::Conventions::post_json();
    assert_eq!((post.transport, post.lists), (Transport::PostJson, usual.lists));
    assert_eq!((post.booleans, post.empty_list), (usual.booleans, usual.empty_list));
    let all = conventions(
        r#"
[origin.a.postdicom]
list_encoding = "array"
bool_style = "True"
empty_params = "omit"
empty_lists = "empty-string"
uuids = "rfc-4122"
tag_form = "comma"
empty_answer = "unreadable"
reason_on_success = "ignored"
unconfirmed_orders = "same"
http_version = "negotiated"
header_limit = "4KiB"
list_limit = 5
extra_headers = { ContentType = "application/json", X-Key = { value_file = "password" } }
routes.DeletePatientOrder = { path = "/delete", header = "P", method = "DELETE" }
"#,
    );
    assert_eq!((all.lists, all.booleans), (ListStyle::Array, BooleanStyle::Capitalised));
    assert_eq!((all.empty_parameters, all.empty_list), (EmptyParameters::Omit, EmptyList::EmptyString));
    assert_eq!((all.uuids, all.tags), (UuidForm::Rfc4122, TagForm::Comma));
    assert_eq!((all.empty_answer, all.unconfirmed), (EmptyAnswer::Unreadable, Unconfirmed::Same));
    assert_eq!(all.reason_on_success, ReasonOnSuccess::Ignored);
    assert_eq!((all.http_version, all.header_bytes_max), (HttpVersion::Negotiated, 4096));
    assert_eq!(all.list_items_max, 5);
    let names: Vec<&str> = all.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["contenttype", "x-key"], "in the place of the defaults");
    let route = &all.routes[&Function::DeletePatientOrder];
    assert_eq!(route.path.as_ref().map(::postdicom::RoutePath::as_str), Some("/delete"));
    assert_eq!(route.header.as_ref().map(http::HeaderName::as_str), Some("p"));
    assert_eq!(route.method, Some(http::Method::DELETE));
    let account = end_points("postdicom = { institutions = \"inst-1\", url = \"https://b\", narrowing.study_date = false, date_slack = 2 }").unwrap();
    assert_eq!(account.institutions[0].as_str(), "inst-1");
    assert_eq!(account.client.base_url.to_string(), "https://b/");
    assert!(!account.narrowing.study_date && account.narrowing.patient_name);
}

#[test]
fn what_is_wrong_about_the_end_points_is_named() {
    let table = [
        ("postdicom.transport = \"put\"", "origin.a.postdicom.transport: unknown variant `put`"),
        ("postdicom.routes.MakeCoffee = {}", "origin.a.postdicom.routes"),
        ("postdicom.routes.CreateFolder = { path = \"a\" }", "not a path"),
        ("postdicom.routes.CreateFolder = { verb = \"GET\" }", "unknown field `verb`"),
        ("postdicom.institutions = [\"a b\"]", "origin.a.postdicom.institutions: `a b`: not a UUID"),
        ("postdicom.url = \"https://u:p@b\"", "origin.a.postdicom.url: a URL must not hold credentials"),
        ("postdicom.patients_max = 0", "origin.a.postdicom.patients_max: at least 1"),
    ];
    for (keys, expected) in table {
        let problem = end_points(keys).unwrap_err();
        assert!(problem.contains(expected), "{keys}: {problem}");
    }
    let elsewhere =
        read("[origin.a]\nurl = \"http://a\"\npostdicom.transport = \"post-json\"\n").unwrap_err();
    assert!(elsewhere.contains("origin.a.postdicom: has no meaning with profile `standard`"), "{elsewhere}");
    let bearer = "[origin.a]\nurl = \"http://127.0.0.1\"\nprofile = \"postdicom\"\nauth = { type = \"bearer\", token_file = \"password\" }\n";
    assert!(read(bearer).unwrap_err().contains("origin.a.auth: PostDICOM's end points take `basic`"));
}

#[test]
fn a_limit_of_zero_is_none() {
    let text = "[origin.a]\nurl = \"http://a\"\nprofile = \"azure\"\ncapabilities.search = { limit_max = 0, erroneous_attributes = \"\" }\n";
    let search = read(text).unwrap().bridge.origins.remove(0).client.profile.search;
    assert_eq!((search.limit_max, search.erroneous_attributes), (None, None));
}

#[test]
fn the_example_contradicts_nothing() {
    read(&crate::config_file::example().unwrap()).unwrap();
}
