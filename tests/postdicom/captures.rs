//! The captured requests of the vendor's own client: what Dimseway sends for the same, and what the account
//! makes of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use ::postdicom::request::{
    AddOrderToFolder, AssignOrderToUser, AssignOrderToUserGroup, CreateFolder, CreatePatientOrder,
    CreateShareLink, SearchFolder, ShareFolderWithUrl, SharePatientOrderWithUrl,
};
use ::postdicom::{Call, Client, ClientConfig, Credentials};
use origin::BASE_PATH;
use origin::postdicom::Shared;
use serde_json::{Map, Value};
use tests::account::{AUTHORIZATION, PASSWORD, USERNAME};
use tests::find::{Finder, Identifier, STUDY_ROOT_FIND};
use tests::recorder::Recorded;
use tests::retrieve::{Retriever, STUDY_ROOT_GET, pairs, series, studies};
use tests::{skip, wait};

use crate::{MODALITY, PATIENT_ID, Site, order, slice};
use instance::Tag;

/// Line, header field and value of each captured request; in the last one the client sent Latin-1, which
/// stands here as the letters it is.
const CAPTURES: &str = include_str!("../../crates/postdicom/src/tests/captures.jsonl");

/// Base path of the server that captured.
const CAPTURED_BASE: &str = "/dicomweb";

struct Capture {
    /// Below the base URL.
    path: String,
    /// The field with the parameters and its value; none for a search or retrieve.
    field: Option<(String, String)>,
}

fn captures() -> Vec<Capture> {
    let capture = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        Capture {
            path: path(&text("line").unwrap(), CAPTURED_BASE),
            field: text("header").map(|header| (header, text("value").unwrap())),
        }
    };
    CAPTURES.lines().map(capture).collect()
}

/// The path of a GET request below the base.
fn path(line: &str, base: &str) -> String {
    let target = line.strip_prefix("GET ").expect("GET").split(' ').next().unwrap_or_default();
    target.strip_prefix(base).expect("a path below the base").to_owned()
}

fn of<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

fn captured_order(patient_name: &str) -> Call {
    CreatePatientOrder {
        other_patient_id: Some(of("OID")),
        patient_sex: Some(of("M")),
        study_description: Some(of("CT HEAD")),
        accession_number: Some(of("ACC1")),
        patient_complaints: Some(of("headache")),
        order_scheduled_datetime: Some(of("2026-01-02 10:30")),
        requested_procedure_id: Some(of("RP1")),
        requested_procedure_description: Some(of("CT head w/o")),
        requesting_physician: Some(of("DR^REQ")),
        referring_physicians_name: Some(of("DR^REF")),
        scheduled_equipment: Some(of("eq-1")),
        ..CreatePatientOrder::new(of("inst-1"), of(patient_name), of("PID1"), of("1980-01-02"), of("CT"))
    }
    .into()
}

/// What the vendor's client was told to do when it sent the captured requests, in their order.
fn calls() -> Vec<Call> {
    vec![
        CreateShareLink {
            orders: vec![of("uuid-1")],
            expires: of("2026-12-31"),
            password: Some(of("pw")),
            downloadable: false,
        }
        .into(),
        SharePatientOrderWithUrl {
            orders: vec![of("uuid-1")],
            expires: of("2026-12-31"),
            password: Some(of("pw")),
            user_can_download_studies: true,
        }
        .into(),
        CreateFolder { name: of("F1"), description: Some(of("desc")), parent: None }.into(),
        SearchFolder { parent: None, name: Some(of("F1")), get_orders_in_folder: true }.into(),
        ShareFolderWithUrl {
            folder: of("folder-1"),
            password: Some(of("pw")),
            title: Some(of("T")),
            description: Some(of("D")),
            expires: Some(of("2026-12-31")),
            user_can_download_studies: false,
        }
        .into(),
        AddOrderToFolder { order: of("uuid-1"), folders: vec![of("folder-1")] }.into(),
        AssignOrderToUser { order: of("uuid-1"), user: of("user-1") }.into(),
        AssignOrderToUserGroup { order: of("uuid-1"), group: of("group-1") }.into(),
        captured_order("DOE^JOHN"),
        captured_order("MÜLLER^JÜRGEN"),
    ]
}

/// An account with what the captured requests name.
fn site() -> Site {
    let site = Site::new();
    site.account.add_order(Some("uuid-1"), order("ROE^RITA", "PID9"));
    site.account.add_folder("folder-1", "Folder One");
    site
}

/// The request is the captured one: path, header field, decoded parameters, and for ASCII the bytes.
fn assert_same(seen: &Recorded, capture: &Capture) {
    assert_eq!(path(&seen.line, BASE_PATH), capture.path);
    assert_eq!(seen.header("authorization"), Some(AUTHORIZATION.as_bytes()));
    assert!(seen.body.is_empty(), "{}", seen.line);
    let fields: Vec<_> = seen.names().into_iter().filter(|name| name.ends_with("parameters")).collect();
    let Some((header, value)) = &capture.field else { return assert!(fields.is_empty(), "{fields:?}") };
    assert_eq!(fields, [header.to_ascii_lowercase()]);
    let sent = seen.header(header).unwrap();
    let decoded = |bytes: &[u8]| serde_json::from_slice::<Map<String, Value>>(bytes).unwrap();
    assert_eq!(decoded(sent), decoded(value.as_bytes()), "{}", seen.line);
    assert!(sent.is_ascii());
    assert_eq!(sent == value.as_bytes(), value.is_ascii(), "{}", seen.line);
}

/// What the account has after the captured requests, whoever sent them.
fn effects(site: &Site) -> String {
    let mut text = String::new();
    for order in site.account.orders() {
        let made = &order.ordered;
        let _ = writeln!(
            text,
            "{:?} {:?} {:?} {:?}",
            [
                &made.patient_name,
                &made.patient_id,
                &made.other_patient_id,
                &made.patient_sex,
                &made.patient_birthdate
            ],
            [&made.modality, &made.study_description, &made.accession_number, &made.patient_complaints],
            [
                &made.order_scheduled_datetime,
                &made.requested_procedure_id,
                &made.requested_procedure_description,
                &made.requesting_physician,
                &made.referring_physicians_name,
                &made.scheduled_equipment_uuid
            ],
            (&order.users, &order.user_groups, &order.folders),
        );
    }
    for folder in site.account.folders() {
        let _ = writeln!(text, "{:?} {} {}", folder.made, folder.order_count, folder.is_shared);
    }
    for share in site.account.shares() {
        let shared = match &share.shared {
            Shared::Link(orders) => format!("link {orders:?}"),
            Shared::Orders(orders) => format!("orders {orders:?}"),
            Shared::Folder(folder) => format!("folder {folder}"),
        };
        let texts = [&share.expire_date, &share.password, &share.title, &share.description];
        let _ = writeln!(text, "{shared} {texts:?} {}", share.downloadable);
    }
    text
}

/// Sends a captured request as the vendor's client does, past the recorder.
fn replay(site: &Site, path: &str, field: Option<(&str, &[u8])>) -> String {
    let mut socket = TcpStream::connect(site.account.address()).unwrap();
    let mut request = format!(
        "GET {BASE_PATH}{path} HTTP/1.1\r\nAccept: application/json, text/plain, */*\r\n\
         Content-Type: application/json\r\nAuthorization: {AUTHORIZATION}\r\n"
    )
    .into_bytes();
    if let Some((name, value)) = field {
        request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    request
        .extend_from_slice(b"User-Agent: axios/1.7.7\r\nHost: 127.0.0.1:18181\r\nConnection: close\r\n\r\n");
    socket.write_all(&request).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

/// Letters as the vendor's client sends them: Latin-1.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}

#[test]
fn client_and_account_agree_with_the_captured_functions() {
    let captures: Vec<_> = captures().into_iter().filter(|capture| capture.field.is_some()).collect();
    let (ours, theirs) = (site(), site());
    let base_url = ours.account.url().parse().unwrap();
    let credentials = Credentials { username: USERNAME.to_owned(), password: PASSWORD.to_owned().into() };
    let client = Client::new(ClientConfig::new(base_url, Some(credentials))).unwrap();
    let calls = calls();
    assert_eq!((calls.len(), captures.len()), (10, 10));
    for (call, capture) in calls.iter().zip(&captures) {
        ours.account.recorder().clear();
        wait::block_on(client.send(call)).unwrap();
        let seen = ours.account.recorder().requests();
        assert_eq!(seen.len(), 1, "{}", capture.path);
        assert_same(&seen[0], capture);
        let (header, value) = capture.field.as_ref().unwrap();
        let line = replay(&theirs, &capture.path, Some((header, &latin_1(value))));
        assert_eq!(line, "HTTP/1.1 200 OK", "{}", capture.path);
    }
    let told = effects(&ours);
    assert_eq!(told, effects(&theirs), "the same came of both");
    for word in
        ["MÜLLER^JÜRGEN", "uuid-1", "user-1", "group-1", "\"desc\"", "folder folder-1", "2026-01-02 10:30"]
    {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn the_bridge_searches_and_retrieves_in_the_captured_way() {
    let site = site();
    let daemon = site.home.start();
    let stored = [slice("1.2.3", "1.2.3.4", 5, &[(PATIENT_ID, "LO", "PID1"), (MODALITY, "CS", "CT")])];
    site.fill(&daemon, &stored);
    site.account.recorder().clear();
    let key = |level: &str, keys: &[(Tag, &str, &str)]| {
        keys.iter().fold(Identifier::of_level(level), |identifier, (tag, vr, value)| {
            identifier.with(*tag, vr, value)
        })
    };
    let (study, its_series) =
        ((Tag::STUDY_INSTANCE_UID, "UI", "1.2.3"), (Tag::SERIES_INSTANCE_UID, "UI", "1.2.3.4"));
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    for identifier in [
        key("STUDY", &[(PATIENT_ID, "LO", "PID1"), (study.0, "UI", "")]),
        key("STUDY", &[study]),
        key("SERIES", &[study, (its_series.0, "UI", "")]),
        key("IMAGE", &[study, its_series, (Tag::SOP_INSTANCE_UID, "UI", "")]),
    ] {
        let found = finder.find(&identifier);
        assert_eq!((found.last.status, found.answers.len()), (0, 1), "{identifier:?}");
    }
    finder.release();
    let mut getter = Retriever::open_to_get(daemon.dimse(), STUDY_ROOT_GET, &pairs(&stored));
    for identifier in [studies(&["1.2.3"]), series("1.2.3", &["1.2.3.4"])] {
        let retrieved = getter.get(&identifier, |_| 0);
        assert_eq!((retrieved.last.status(), retrieved.last.counts()), (0, (1, 0, 0)), "{identifier:?}");
    }
    getter.release();
    let seen = site.account.recorder().requests();
    let asked: BTreeSet<_> = seen.iter().map(|request| path(&request.line, BASE_PATH)).collect();
    for capture in captures().iter().filter(|capture| capture.field.is_none()) {
        let same: Vec<_> =
            seen.iter().filter(|request| path(&request.line, BASE_PATH) == capture.path).collect();
        assert!(!same.is_empty(), "{} is not among {asked:?}", capture.path);
        same.iter().for_each(|request| assert_same(request, capture));
        assert_eq!(replay(&site, &capture.path, None), "HTTP/1.1 200 OK", "{}", capture.path);
    }
}

/// The vectors are those of the file of captures, where it is at hand, and its requests are answered.
#[test]
fn the_file_of_captures_is_replayed() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let file = beside.join("shared").join("reference").join("postdicom-captures.jsonl");
    let Ok(text) = std::fs::read_to_string(&file) else {
        return skip::without_reference(
            "the reference file postdicom-captures.jsonl is not beside the checkout",
        );
    };
    let site = site();
    site.fill(&site.home.start(), &[slice("1.2.3", "1.2.3.4", 5, &[(PATIENT_ID, "LO", "PID1")])]);
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), captures().len());
    for (row, capture) in rows.iter().zip(captures()) {
        assert_eq!(path(row["line"].as_str().unwrap(), CAPTURED_BASE), capture.path);
        let fields: Vec<(&str, &str)> = row["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (text_of(&pair[0]), text_of(&pair[1])))
            .collect();
        assert!(fields.contains(&("Authorization", AUTHORIZATION)));
        let field = fields.into_iter().find(|(name, _)| name.ends_with("Parameters"));
        assert_eq!(field.map(|(name, _)| name), capture.field.as_ref().map(|(name, _)| name.as_str()));
        let Some((name, value)) = field else {
            assert_eq!(replay(&site, &capture.path, None), "HTTP/1.1 200 OK");
            continue;
        };
        let (_, vector) = capture.field.unwrap();
        // The file has the sign for what is no UTF-8 in place of each letter of Latin-1.
        let as_written: String =
            vector.chars().map(|letter| if letter.is_ascii() { letter } else { '\u{fffd}' }).collect();
        assert_eq!(value, as_written);
        assert_eq!(replay(&site, &capture.path, Some((name, &latin_1(&vector)))), "HTTP/1.1 200 OK");
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}
