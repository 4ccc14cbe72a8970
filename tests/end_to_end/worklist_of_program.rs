//! The worklist of the program as a site runs it: configured, asked by DCMTK, shown to a person, kept while its
//! source is away, and offered to clients that speak DICOMweb.

use std::fs;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::dcmtk;
use tests::http::{self, Answer};
use tests::wait::eventually;

/// (0040,0100) Scheduled Procedure Step Sequence.
const STEPS: &str = "00400100";
const TOKEN: &str = "0123456789abcdef";

fn text(vr: &str, value: &str) -> Value {
    json!({ "vr": vr, "Value": [value] })
}

/// An order for today for a station, as DICOM JSON.
fn order(number: u32, station: &str) -> Value {
    json!({
        "00080050": text("SH", &format!("A{number}")),
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Doe^Jane" }] },
        "00100020": text("LO", &format!("P{number}")),
        "00401001": text("SH", &format!("R{number}")),
        STEPS: { "vr": "SQ", "Value": [{
            "00080060": text("CS", "CT"),
            "00400001": text("AE", station),
            "00400009": text("SH", &format!("S{number}")),
        }] },
    })
}

/// A worklist from a folder, and an admin address that commands find.
fn configuration() -> Configuration {
    Configuration::new()
        .set("admin", &format!("listen = \"127.0.0.1:{}\"", dcmtk::free_port()))
        .origin("archive", "http://127.0.0.1:9/dicom-web")
        .set("worklist", "time_zone = \"UTC\"")
        .set("worklist.fallback", "start_date = \"today\"")
        .set("worklist_source.ris", "type = \"folder\"")
        .set("worklist_source.ris", "directory = \"orders\"")
        .set("worklist_source.ris", "refresh = \"100ms\"")
        .set("mpps", "retention = \"1d\"")
}

fn site(configuration: &Configuration, orders: &[Value]) -> Home {
    let home = Home::new(configuration);
    fs::create_dir(home.path().join("orders")).unwrap();
    fs::write(home.path().join("orders/today.json"), json!(orders).to_string()).unwrap();
    home
}

/// What `worklist show` prints as JSON, with further arguments.
fn show(home: &Home, arguments: &[&str]) -> Value {
    let output = home.run(&[&["worklist", "show", "--json"], arguments].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The attribute of an entry, and where it came from.
fn shown<'a>(entry: &'a Value, keyword: &str) -> (&'a str, &'a str) {
    let mut attributes = entry["attributes"].as_array().unwrap().iter();
    let attribute = attributes.find(|attribute| attribute["keyword"] == keyword).unwrap();
    (attribute["value"].as_str().unwrap(), attribute["from"].as_str().unwrap())
}

/// What findscu prints for the worklist of CT1; nothing where DCMTK is missing.
fn ask(daemon: &Daemon) -> Option<String> {
    let keys = [
        "-W",
        "-k",
        "AccessionNumber",
        "-k",
        "PatientID",
        "-k",
        "ScheduledProcedureStepSequence[0].ScheduledStationAETitle=CT1",
        "-k",
        "ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus",
    ];
    let output = dcmtk::run("findscu", daemon.dimse(), &keys, &[])?;
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Some(said.into_owned())
}

fn wait_for_list(home: &Home, daemon: &Daemon, entries: usize) -> Value {
    eventually("the list of the source is there", || {
        assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
        let page = show(home, &[]);
        (page["entries"].as_array().unwrap().len() == entries).then_some(page)
    })
}

#[test]
fn a_modality_sees_its_entries_and_a_person_sees_where_they_came_from() {
    let home = site(&configuration(), &[order(1, "CT1"), order(2, "MR1")]);
    let daemon = home.start();
    let page = wait_for_list(&home, &daemon, 2);
    let entry = &page["entries"][0];
    assert_eq!(shown(entry, "ScheduledStationAETitle").1, "source");
    assert_eq!(shown(entry, "ScheduledProcedureStepStartDate").1, "fallback");
    assert_eq!(shown(entry, "StudyInstanceUID").1, "derived");
    assert_eq!(shown(entry, "PatientBirthDate"), ("", "nothing"));
    let of_ct = show(&home, &["--ae", "CT1"]);
    assert_eq!(of_ct["entries"].as_array().unwrap().len(), 1);
    assert_eq!(of_ct["hidden"][0]["reason"], "for another station");
    assert_eq!(show(&home, &["--date", "2001-01-01"])["entries"], json!([]));
    let lines = home.run(&["worklist", "show", "--brief"]);
    assert!(
        String::from_utf8_lossy(&lines.stdout).contains("2 entries\nsource ris: answers, its list is of ")
    );
    let asked = daemon.get("/api/v1/worklist?ae=CT1").json();
    assert_eq!((&asked["entries"], &asked["hidden"]), (&of_ct["entries"], &of_ct["hidden"]));
    assert_eq!(daemon.get("/api/v1/worklist?day=today").status, 400);
    if let Some(said) = ask(&daemon) {
        assert!(said.contains("[A1]") && said.contains("[SCHEDULED ]") && !said.contains("[A2]"), "{said}");
    }
}

#[test]
fn a_list_outlives_its_source_and_the_process() {
    let home = site(&configuration(), &[order(1, "CT1")]);
    let daemon = home.start();
    let kept = wait_for_list(&home, &daemon, 1);
    daemon.kill();
    let offline = show(&home, &[]);
    assert_eq!(offline["entries"], kept["entries"], "what the spool keeps, without a daemon");
    fs::remove_dir_all(home.path().join("orders")).unwrap();
    let daemon = home.start();
    let page = eventually("the source is asked and does not answer", || {
        let page = show(&home, &[]);
        (page["sources"][0]["answers"] == false).then_some(page)
    });
    assert_eq!(page["entries"], kept["entries"]);
    assert_eq!(page["sources"][0]["is_served"], true);
    if let Some(said) = ask(&daemon) {
        assert!(said.contains("[A1]"), "{said}");
    }
    let check = home.run(&["check", "--connect"]);
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!(check.status.code(), Some(69));
    assert!(said.contains("FAILED   worklist source ris: the directory cannot be read"), "{said}");
}

#[test]
fn a_new_source_is_asked_after_a_reload() {
    let with = configuration();
    let without = with.clone().set("worklist", "sources = []");
    let home = site(&without, &[order(1, "CT1")]);
    let daemon = home.start();
    assert_eq!(daemon.get("/api/v1/worklist").json()["sources"], json!([]));
    assert_eq!(home.run(&["worklist", "show"]).status.code(), Some(78));
    home.configure(&with);
    daemon.signal("HUP");
    wait_for_list(&home, &daemon, 1);
}

/// Front doors that are open: their address, and a request with a token.
struct Doors(String);

impl Doors {
    fn of(home: &Home) -> Self {
        let ready: Value =
            serde_json::from_str(&fs::read_to_string(home.path().join("ready.json")).unwrap()).unwrap();
        let address: SocketAddr = ready["web"].as_str().unwrap().parse().unwrap();
        Self(format!("http://{address}"))
    }

    fn request(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/dicom+json")];
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        http::request(method, &format!("{}{path}", self.0), &headers, body).expect("an answer")
    }

    fn get(&self, path: &str) -> Answer {
        self.request("GET", path, Some(TOKEN), &Value::Null)
    }

    fn post(&self, path: &str, body: &Value) -> u16 {
        self.request("POST", path, Some(TOKEN), body).status
    }
}

fn open_doors(orders: &[Value]) -> (Home, Daemon, Doors) {
    let configuration =
        configuration().set("web", "listen = \"127.0.0.1:0\"").set("web", "token_file = \"token\"");
    let home = site(&configuration, orders);
    fs::write(home.path().join("token"), TOKEN).unwrap();
    let daemon = home.start();
    wait_for_list(&home, &daemon, orders.len());
    let doors = Doors::of(&home);
    (home, daemon, doors)
}

#[test]
fn the_same_worklist_is_searched_over_http_with_the_token_alone() {
    let (_home, _daemon, doors) = open_doors(&[order(1, "CT1"), order(2, "MR1"), order(3, "CT1")]);
    let path = "/modality-scheduled-procedure-steps";
    for token in [None, Some("wrong"), Some("")] {
        assert_eq!(doors.request("GET", path, token, &Value::Null).status, 401, "{token:?}");
    }
    assert_eq!(doors.request("GET", "/elsewhere", None, &Value::Null).status, 401);
    let accession_numbers = |query: &str| {
        let answer = doors.get(&format!("{path}{query}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        let page = answer.json();
        let numbers = page.as_array().unwrap().iter().map(|item| &item["00080050"]["Value"][0]);
        let mut numbers: Vec<String> = numbers.map(|number| number.as_str().unwrap().to_owned()).collect();
        numbers.sort();
        numbers.join(" ")
    };
    for (query, expected) in [
        ("", "A1 A2 A3"),
        ("?PatientID=P2", "A2"),
        ("?ScheduledProcedureStepSequence.ScheduledStationAETitle=CT1", "A1 A3"),
        ("?00400100.00080060=CT&00080050=A*&includefield=all", "A1 A2 A3"),
        ("?PatientName=doe^jane", "A1 A2 A3"),
    ] {
        assert_eq!(accession_numbers(query), expected, "{query}");
    }
    assert_eq!(accession_numbers("?limit=2").split(' ').count(), 2);
    assert_eq!(accession_numbers("?limit=2&offset=2").split(' ').count(), 1);
    let first = doors.get(&format!("{path}?PatientID=P1")).json();
    assert!(first[0]["0020000D"]["Value"][0].as_str().unwrap().starts_with("2.25."));
    assert!(first[0].get("00100030").is_some(), "what is of type 2 is there without a value");
    for (query, status) in [
        ("?PatientID=nobody", 204),
        ("?PatientIdentity=P1", 400),
        ("?limit=many", 400),
        ("?ScheduledProcedureStepSequence.ScheduledProcedureStepStartDate=tomorrow", 400),
    ] {
        assert_eq!(doors.get(&format!("{path}{query}")).status, status, "{query}");
    }
}

#[test]
fn a_step_reported_over_http_takes_its_entry_from_the_list() {
    let (home, daemon, doors) = open_doors(&[order(1, "CT1"), order(2, "CT1")]);
    let entries = doors.get("/modality-scheduled-procedure-steps?AccessionNumber=A1").json();
    let study = entries[0]["0020000D"]["Value"][0].as_str().unwrap().to_owned();
    let step = json!({
        "00080060": text("CS", "CT"),
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Doe^Jane" }] },
        "00100020": text("LO", "P1"),
        "00400241": text("AE", "CT1"),
        "00400244": text("DA", "20261122"),
        "00400245": text("TM", "101500"),
        "00400252": text("CS", "IN PROGRESS"),
        "00400253": text("SH", "PPS1"),
        "00400270": { "vr": "SQ", "Value": [{
            "0020000D": text("UI", &study),
            "00080050": text("SH", "A1"),
            "00400009": text("SH", "S1"),
        }] },
    });
    let path = "/modality-performed-procedure-steps/2.25.4711";
    let update = format!("{path}?update");
    assert_eq!(doors.request("POST", path, None, &step).status, 401);
    assert_eq!(doors.get(path).status, 404);
    assert_eq!(doors.post(&update, &step), 404, "what was not created cannot be updated");
    assert_eq!(doors.post(path, &json!({ "00080060": text("CS", "CT") })), 400);
    assert_eq!(doors.post(path, &step), 201);
    assert_eq!(doors.post(path, &step), 409);
    assert_eq!(doors.get(path).json()["00400252"]["Value"][0], "IN PROGRESS");
    let status_of = |number: &str| {
        let page = show(&home, &[]);
        let mut entries = page["entries"].as_array().unwrap().iter();
        let entry = entries.find(|entry| shown(entry, "AccessionNumber").0 == number)?;
        let (status, from) = shown(entry, "ScheduledProcedureStepStatus");
        Some(format!("{status} {from}"))
    };
    eventually("the entry is begun", || (status_of("A1").as_deref() == Some("STARTED MPPS")).then_some(()));
    let completed = json!({
        "00400250": text("DA", "20261122"),
        "00400251": text("TM", "103000"),
        "00400252": text("CS", "COMPLETED"),
        "00400340": { "vr": "SQ", "Value": [{
            "00081050": { "vr": "PN", "Value": [{ "Alphabetic": "Doctor" }] },
            "00081070": { "vr": "PN" },
            "0008103E": { "vr": "LO" },
            "00181030": text("LO", "Chest"),
            "0020000E": text("UI", "2.25.4712"),
            "00080054": { "vr": "AE" },
            "00081140": { "vr": "SQ" },
            "00400220": { "vr": "SQ" },
        }] },
    });
    assert_eq!(doors.post(&update, &completed), 200);
    assert_eq!(doors.post(&update, &completed), 410);
    eventually("the entry has left the list", || status_of("A1").is_none().then_some(()));
    assert_eq!(status_of("A2").as_deref(), Some("SCHEDULED derived"));
    assert_eq!(show(&home, &["--ae", "CT1"])["hidden"][0]["reason"], "completed");
    daemon.kill();
    let _daemon = home.start();
    assert_eq!(Doors::of(&home).get(path).json()["00400252"]["Value"][0], "COMPLETED");
}
