//! Modality Performed Procedure Step with pynetdicom as the modality: from its reports to the worklist and to
//! where they go on to.

mod killed;
mod sinks;
mod statuses;
mod story;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use instance::Tag;
use serde_json::{Map, Value, json};
use tests::daemon::Daemon;
use tests::find::{Found, Identifier};
use tests::skip;
use tests::wait::eventually;
use tests::worklist::{ACCESSION_NUMBER, Order, PATIENT_ID, PATIENT_NAME, STATUS, STEPS};

use crate::worklist::{find, query};

/// (0040,0009) Scheduled Procedure Step ID.
const STEP_ID: Tag = Tag(0x0040, 0x0009);

/// What a modality copies from the worklist beside the step: two attributes of the patient, then those of the
/// request.
const SHOWN: [(&str, Tag, &str); 5] = [
    ("00100010", PATIENT_NAME, "PN"),
    ("00100020", PATIENT_ID, "LO"),
    ("00080050", ACCESSION_NUMBER, "SH"),
    ("0020000D", Tag(0x0020, 0x000D), "UI"),
    ("00401001", Tag(0x0040, 0x1001), "SH"),
];

/// What a modality sends.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    kind: &'static str,
    uid: String,
    data_set: Value,
    tags: Vec<&'static str>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer(Value);

impl Answer {
    pub(crate) fn status(&self) -> u64 {
        self.0["status"].as_u64().unwrap_or_else(|| panic!("no response: {}", self.0))
    }

    pub(crate) fn comment(&self) -> &str {
        self.0["comment"].as_str().unwrap_or_default()
    }

    pub(crate) fn error_id(&self) -> Option<u64> {
        self.0["error_id"].as_u64()
    }

    /// Attribute Identifier List or Offending Element.
    pub(crate) fn tags(&self) -> Vec<&str> {
        self.0["tags"].as_array().expect("a list").iter().filter_map(Value::as_str).collect()
    }

    /// The first value of an attribute.
    pub(crate) fn text(&self, tag: &str) -> Option<&str> {
        self.0["data_set"][tag]["Value"][0].as_str()
    }
}

/// N-CREATE.
pub(crate) fn create(uid: &str, data_set: Value) -> Request {
    Request { kind: "create", uid: uid.to_owned(), data_set, tags: Vec::new() }
}

/// N-SET.
pub(crate) fn set(uid: &str, data_set: Value) -> Request {
    Request { kind: "set", uid: uid.to_owned(), data_set, tags: Vec::new() }
}

/// N-GET of these attributes, or of all.
pub(crate) fn get(uid: &str, tags: &[&'static str]) -> Request {
    Request { kind: "get", uid: uid.to_owned(), data_set: json!({}), tags: tags.to_vec() }
}

/// Sends requests on one association of the modality `CT1`; nothing where pynetdicom is not installed.
pub(crate) fn report(address: SocketAddr, requests: &[Request]) -> Option<Vec<Answer>> {
    let python = skip::python()?;
    let mut child = Command::new(python)
        .args(["-c", include_str!("performed_procedure/modality.py")])
        .arg(address.ip().to_string())
        .arg(address.port().to_string())
        .arg("CT1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let sent: Vec<Value> = requests
        .iter()
        .map(|request| {
            let Request { kind, uid, data_set, tags } = request;
            json!({"kind": kind, "uid": uid, "data_set": data_set, "tags": tags})
        })
        .collect();
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(Value::from(sent).to_string().as_bytes()).expect("Python reads");
    drop(input);
    let output = child.wait_with_output().expect("Python ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answers.len(), requests.len());
    Some(answers.into_iter().map(Answer).collect())
}

fn element(vr: &str, value: &str) -> Value {
    match (vr, value) {
        (_, "") => json!({"vr": vr}),
        ("PN", name) => json!({"vr": vr, "Value": [{"Alphabetic": name}]}),
        _ => json!({"vr": vr, "Value": [value]}),
    }
}

/// Attributes as DICOM JSON (PS3.18 §F.2).
pub(crate) fn data_set(elements: &[(&str, &str, &str)]) -> Value {
    let elements = elements.iter().map(|(tag, vr, value)| ((*tag).to_owned(), element(vr, value)));
    Value::Object(elements.collect::<Map<_, _>>())
}

/// An attribute list with everything that PS3.4 §F.7.2.1.1 asks for, IN PROGRESS at CT1, for a step that
/// `scheduled` describes.
pub(crate) fn in_progress(patient: &[(&str, &str, &str)], scheduled: &[(&str, &str, &str)]) -> Value {
    let mut list = data_set(&[
        ("00080005", "CS", "ISO_IR 192"),
        ("00080060", "CS", "CT"),
        ("00081032", "SQ", ""),
        ("00081120", "SQ", ""),
        ("00100010", "PN", ""),
        ("00100020", "LO", ""),
        ("00100030", "DA", ""),
        ("00100040", "CS", ""),
        ("00200010", "SH", "STUDY1"),
        ("00400241", "AE", "CT1"),
        ("00400242", "SH", ""),
        ("00400243", "SH", ""),
        ("00400244", "DA", "20260302"),
        ("00400245", "TM", "093000"),
        ("00400250", "DA", ""),
        ("00400251", "TM", ""),
        ("00400252", "CS", "IN PROGRESS"),
        ("00400253", "SH", "PPS1"),
        ("00400254", "LO", "CT of the head"),
        ("00400255", "LO", ""),
        ("00400260", "SQ", ""),
        ("00400340", "SQ", ""),
    ]);
    let mut step = data_set(&[
        ("00080050", "SH", ""),
        ("00081110", "SQ", ""),
        ("0020000D", "UI", "2.25.4711"),
        ("00321060", "LO", ""),
        ("00400007", "LO", ""),
        ("00400008", "SQ", ""),
        ("00400009", "SH", ""),
        ("00401001", "SH", ""),
    ]);
    for (tag, vr, value) in patient {
        list[*tag] = element(vr, value);
    }
    for (tag, vr, value) in scheduled {
        step[*tag] = element(vr, value);
    }
    list["00400270"] = json!({"vr": "SQ", "Value": [step]});
    list
}

/// The same for an order, with what the worklist shows of it.
pub(crate) fn in_progress_of(daemon: &Daemon, order: &Order) -> Value {
    let beside = SHOWN.iter().fold(Identifier::default(), |item, (_, tag, vr)| item.with(*tag, vr, ""));
    let beside = beside.with(ACCESSION_NUMBER, "SH", order.accession_number());
    let beside = beside.with(Tag(0x0008, 0x0005), "CS", "ISO_IR 192");
    let found = find(daemon, &query(beside, Identifier::default().with(STEP_ID, "SH", "")));
    let answer = &found.answers.first().expect("an entry of the worklist").elements;
    let text = |tag| answer.text(tag).unwrap_or_default();
    let patient = SHOWN[..2].iter().map(|(name, tag, vr)| (*name, *vr, text(*tag))).collect::<Vec<_>>();
    let mut scheduled = SHOWN[2..].iter().map(|(name, tag, vr)| (*name, *vr, text(*tag))).collect::<Vec<_>>();
    scheduled.push(("00400009", "SH", answer.items(STEPS)[0].text(STEP_ID).unwrap_or_default()));
    in_progress(&patient, &scheduled)
}

/// The modification list of the end of a step, with one series.
pub(crate) fn ended(status: &str) -> Value {
    let mut list =
        data_set(&[("00400250", "DA", "20260302"), ("00400251", "TM", "094500"), ("00400252", "CS", status)]);
    let series = data_set(&[
        ("00080054", "AE", ""),
        ("0008103E", "LO", ""),
        ("00081050", "PN", ""),
        ("00081070", "PN", ""),
        ("00081140", "SQ", ""),
        ("00181030", "LO", "HEAD"),
        ("0020000E", "UI", "2.25.4711.1"),
        ("00400220", "SQ", ""),
    ]);
    list["00400340"] = json!({"vr": "SQ", "Value": [series]});
    list
}

/// The modification list of a step that was discontinued for a reason of CID 9301 (PS3.16).
pub(crate) fn discontinued(code: &str, meaning: &str) -> Value {
    let mut list = ended("DISCONTINUED");
    let reason =
        data_set(&[("00080100", "SH", code), ("00080102", "SH", "DCM"), ("00080104", "LO", meaning)]);
    list["00400281"] = json!({"vr": "SQ", "Value": [reason]});
    list
}

/// The status that the worklist shows of an order; nothing where it is not on it.
pub(crate) fn shown(daemon: &Daemon, order: &Order) -> Option<String> {
    let beside = Identifier::default().with(ACCESSION_NUMBER, "SH", order.accession_number());
    let Found { answers, last } = find(daemon, &query(beside, Identifier::default().with(STATUS, "CS", "")));
    assert_eq!(last.status, 0);
    let step = answers.first()?.elements.items(STEPS).first()?;
    Some(step.text(STATUS).unwrap_or_default().to_owned())
}

/// Waits until the worklist shows it so.
pub(crate) fn wait_until_shown(daemon: &Daemon, order: &Order, status: Option<&str>) {
    eventually(&format!("{} is shown as {status:?}", order.accession_number()), || {
        (shown(daemon, order).as_deref() == status).then_some(())
    });
}
