//! The worklist, performed procedure steps and their front doors over HTTP.

use super::read;
use bridge::config::{
    Discontinued, MissingBirthDate, MissingStart, MppsRequirements, MppsSinkKind, Service, Unassigned,
    WorklistSourceKind,
};
use std::time::Duration;

const ORIGINS: &str = "[origin.a]\nurl = \"http://127.0.0.1:8042/dicom-web\"\n\
                       [[peer]]\nae_title = \"RIS\"\naddress = \"127.0.0.1:104\"\n[[peer]]\nae_title = \"CT1\"\n";

#[test]
fn what_contradicts_itself_names_file_line_and_key() {
    let cases = [
        (
            "[worklist_source.x]\ntype = \"folder\"\n",
            "dimseway.toml:8: worklist_source.x: `folder` needs `directory`",
        ),
        (
            "[worklist_source.x]\ntype = \"folder\"\ndirectory = \"d\"\norigin = \"a\"\n",
            "dimseway.toml:11: worklist_source.x.origin: has no meaning with type = \"folder\"",
        ),
        (
            "[worklist_source.x]\ntype = \"folder\"\ndirectory = \"d\"\ncharacter_set = \"Latin\"\n",
            "dimseway.toml:11: worklist_source.x.character_set: ",
        ),
        (
            "[worklist_source.x]\ntype = \"postdicom\"\norigin = \"a\"\n",
            "dimseway.toml:10: worklist_source.x.origin: there is no [origin.a.postdicom]",
        ),
        (
            "[worklist_source.x]\ntype = \"mwl-rs\"\norigin = \"b\"\n",
            "dimseway.toml:10: worklist_source.x.origin: there is no",
        ),
        (
            "[worklist_source.x]\ntype = \"ups-rs\"\norigin = \"a\"\nproperties_max = 3\n",
            "dimseway.toml:11: worklist_source.x.properties_max: has no meaning with type = \"ups-rs\"",
        ),
        (
            "[worklist_source.x]\ntype = \"dimse\"\npeer = \"CT1\"\n",
            "dimseway.toml:10: worklist_source.x.peer: there is no [[peer]] CT1 with an address",
        ),
        (
            "[worklist_source.\"x.y\"]\ntype = \"dimse\"\npeer = \"RIS\"\nrefresh = \"0s\"\n",
            "dimseway.toml:11: worklist_source.x.y.refresh: it must be longer than zero",
        ),
        (
            "[worklist]\nsources = [\"x\"]\n",
            "dimseway.toml:9: worklist.sources: there is no [worklist_source.x]",
        ),
        (
            "[worklist_source.x]\ntype = \"dimse\"\npeer = \"RIS\"\n[worklist_source.y]\ntype = \"dimse\"\npeer = \"RIS\"\n",
            "dimseway.toml: worklist.sources: there are several sources, so it must be said in which order",
        ),
        (
            "[worklist_source.x]\ntype = \"folder\"\ndirectory = \"d\"\n[[ae]]\ntitle = \"B\"\nworklist = [\"x\", \"y\"]\n",
            "dimseway.toml:13: ae.worklist: y is not among the sources of [worklist]",
        ),
        (
            "[worklist_source.x]\ntype = \"folder\"\ndirectory = \"d\"\n[[ae]]\ntitle = \"B\"\nworklist = [\"x\", \"x\"]\n",
            "dimseway.toml:13: ae.worklist: x is there twice",
        ),
        ("[worklist]\nwindow = \"36h\"\n", "dimseway.toml:9: worklist.window: whole days are needed"),
        (
            "[worklist]\nwindow = \"100000d\"\n",
            "dimseway.toml:9: worklist.window: at most 65535d are allowed",
        ),
        (
            "[worklist]\nwindow_after = \"90m\"\n",
            "dimseway.toml:9: worklist.window_after: whole days are needed",
        ),
        ("[worklist]\nmax_age = \"0s\"\n", "dimseway.toml:9: worklist.max_age: it must be longer than zero"),
        ("[worklist]\norders_max = 0\n", "dimseway.toml:9: worklist.orders_max: at least 1"),
        ("[mpps]\nsinks = [\"x\"]\n", "dimseway.toml:9: mpps.sinks: there is no [mpps_sink.x]"),
        ("[mpps]\ndata_set_max = \"1KiB\"\n", "dimseway.toml:9: mpps.data_set_max: the longest data set"),
        ("[mpps_sink.x]\ntype = \"mpps-rs\"\n", "dimseway.toml:8: mpps_sink.x: `mpps-rs` needs `origin`"),
        (
            "[mpps_sink.x]\ntype = \"mpps-rs\"\norigin = \"b\"\n",
            "dimseway.toml:10: mpps_sink.x.origin: there is no origin b",
        ),
        (
            "[mpps_sink.x]\ntype = \"dimse\"\npeer = \"RIS\"\n[mpps_sink.y]\ntype = \"dimse\"\npeer = \"CT1\"\n",
            "dimseway.toml:13: mpps_sink.y.peer: the peer CT1 needs an address",
        ),
        (
            "[mpps_sink.x]\ntype = \"dimse\"\npeer = \"RIS\"\nupdate = \"path\"\n",
            "dimseway.toml:11: mpps_sink.x.update: has no meaning with type = \"dimse\"",
        ),
        (
            "[mpps_sink.worklist]\ntype = \"dimse\"\npeer = \"RIS\"\n",
            "dimseway.toml:8: mpps_sink.worklist.name: worklist is taken",
        ),
        ("[web]\nlisten = \"127.0.0.1:0\"\n", "dimseway.toml:9: web.listen: `token_file` is required"),
        (
            "[web]\nlisten = \"127.0.0.1:0\"\ntoken_file = \"empty\"\n",
            "dimseway.toml:10: web.token_file: empty: is empty",
        ),
        (
            "[web]\ntoken_file = \"password\"\n",
            "dimseway.toml:9: web.token_file: has no meaning without `listen`",
        ),
        (
            "[web]\nlisten = \"127.0.0.1:0\"\ntoken_file = \"password\"\nae_title = \"X\"\n",
            "dimseway.toml:11: web.ae_title: this AE title is not served",
        ),
    ];
    for (text, expected) in cases {
        let text = format!("{ORIGINS}{text}");
        let problem = read(&text).err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(problem.starts_with(expected), "{text}\n  got      {problem}\n  expected {expected}");
        assert_eq!(problem.lines().count(), 1, "{problem}");
    }
}

#[test]
fn nothing_written_is_no_worklist_and_no_performed_procedure_step() {
    let config = read(ORIGINS).unwrap();
    assert_eq!(config.bridge.worklist.sources, []);
    assert_eq!(config.bridge.mpps, None);
    assert!(config.web.is_none());
    let usual = bridge::config::Worklist::default();
    let read = config.bridge.worklist;
    assert_eq!(bridge::config::Worklist { time_zone: usual.time_zone.clone(), ..read }, usual);
}

#[test]
fn an_empty_table_is_the_default_of_the_bridge() {
    let config = read(&format!("{ORIGINS}[mpps]\n")).unwrap();
    assert_eq!(config.bridge.mpps, Some(bridge::config::Mpps::default()));
}

#[test]
fn every_key_reaches_the_bridge() {
    let text = format!(
        r#"{ORIGINS}
[[ae]]
title = "WORKLIST"
services = ["worklist", "mpps"]

[worklist]
sources = ["old", "files"]
window = "2d"
window_after = "3d"
refresh = "11s"
max_age = "12h"
look_up_timeout = "0s"
combined_date_time = false
time_zone = "Asia/Tokyo"
unassigned = "all"
discontinued = "leaves"
completed_leaves = false
fallback = {{ start_date = "today", start_time = "07:30", modality = "", patient_name = "X", patient_id = "Y" }}

[worklist_source.files]
type = "folder"
directory = "orders"
character_set = ["", "ISO 2022 IR 87"]
refresh = "1s"
time_zone = "UTC"

[worklist_source.old]
type = "dimse"
peer = "RIS"

[[equipment]]
uuid = "u-1"
ae_title = "CT1"
station_name = "CT"
location = "R2"
modality = "CT"

[mpps]
sinks = ["ris"]
requirements = "all"
update_worklist = false
back_off = {{ min = "1s" }}

[mpps_sink.ris]
type = "dimse"
peer = "RIS"

[mpps_sink.other]
type = "mpps-rs"
origin = "a"
update = "path"
payload = "array"

[web]
listen = "127.0.0.1:0"
token_file = "password"
"#
    );
    let config = read(&text).unwrap();
    let worklist = &config.bridge.worklist;
    assert_eq!((worklist.days_before, worklist.days_after), (2, 3));
    assert_eq!(worklist.refresh, Duration::from_secs(11));
    assert_eq!(worklist.max_age, Duration::from_secs(12 * 3600));
    assert!(worklist.look_up_timeout.is_zero() && !worklist.combined_date_time && !worklist.completed_leaves);
    assert_eq!(worklist.time_zone.iana_name(), Some("Asia/Tokyo"));
    assert_eq!((worklist.unassigned, worklist.discontinued), (Unassigned::All, Discontinued::Leaves));
    let fallback = &worklist.fallback;
    assert_eq!((fallback.start_date, fallback.start_time.hour()), (MissingStart::Today, 7));
    assert_eq!((fallback.modality.as_deref(), fallback.patient_name.as_deref()), (None, Some("X")));
    let [old, files] = worklist.sources.as_slice() else { panic!("two sources: {:?}", worklist.sources) };
    assert!(matches!(&old.kind, WorklistSourceKind::Dimse { peer } if peer.as_str() == "RIS"));
    assert!(matches!(&files.kind, WorklistSourceKind::Folder { directory, character_set: Some(set) }
            if directory.ends_with("orders") && set.as_str() == "\\ISO 2022 IR 87"));
    assert_eq!(files.refresh, Some(Duration::from_secs(1)));
    assert_eq!(files.time_zone.as_ref().and_then(jiff::tz::TimeZone::iana_name), Some("UTC"));
    let [device] = worklist.equipment.as_slice() else { panic!("one device") };
    assert_eq!((device.uuid.as_str(), device.location.as_deref()), ("u-1", Some("R2")));
    let mpps = config.bridge.mpps.as_ref().unwrap();
    assert_eq!((mpps.requirements, mpps.update_worklist), (MppsRequirements::All, false));
    assert_eq!(mpps.sinks.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>(), ["ris"]);
    let served = &config.bridge.served[0];
    assert!(served.services.contains(Service::Worklist) && !served.services.contains(Service::Store));
    assert_eq!(config.web.unwrap().ae_title.as_str(), "WORKLIST");
}

#[test]
fn sources_of_origins_take_what_their_type_has() {
    let text = "[origin.p]\nurl = \"https://p.example.org\"\nprofile = \"postdicom\"\n\
                auth = { type = \"basic\", username = \"u\", password_file = \"password\" }\n\
                postdicom.institutions = [\"11111111-1111-4111-8111-111111111111\"]\n\
                [worklist_source.orders]\ntype = \"postdicom\"\norigin = \"p\"\nwith_images = false\n\
                [mpps_sink.orders]\ntype = \"postdicom\"\norigin = \"p\"\n\
                missing_birth_date = \"1900-01-01\"\nlook_up_after = \"5s\"\n";
    let config = read(text).unwrap().bridge;
    assert!(matches!(
        &config.worklist.sources[0].kind,
        WorklistSourceKind::PostDicom { with_images: false, properties_max: 200, .. }
    ));
    let mpps = config.mpps.unwrap();
    let MppsSinkKind::PostDicom { birth_date, look_up_after, .. } = &mpps.sinks[0].kind else {
        panic!("{:?}", mpps.sinks)
    };
    assert_eq!(*look_up_after, Duration::from_secs(5));
    assert!(matches!(birth_date, MissingBirthDate::Placeholder(date) if date.to_text() == "1900-01-01"));
}
