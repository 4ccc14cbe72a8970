//! What the vendor's own clients were seen to send, and what is sent here.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

use super::samples::{call_of, of, order};
use crate::request::*;
use crate::testing::{Server, answer};
use crate::{Call, Conventions, Function, Prepared};
use instance::Tag;

/// Requests of the vendor's Node client to a server at `/dicomweb`: request line, and for its own endpoints
/// the header field with the parameters. In the last one the client sent umlauts as Latin-1, which stand
/// here as the letters they are. The searches and retrieves of DICOMweb among them are for the origin's profile.
const CAPTURES: &str = include_str!("captures.jsonl");

/// `user@example.org` and `pässword:1`, as the client sent it.
const AUTHORIZATION: &str = "Basic dXNlckBleGFtcGxlLm9yZzpww6Rzc3dvcmQ6MQ==";

/// A captured request of one of the vendor's own endpoints.
struct Capture {
    /// `GET /dicomweb/createfolder`.
    line: String,
    header: String,
    value: String,
    /// Whether the client sent letters that are not of ASCII.
    foreign: bool,
}

fn captures() -> Vec<Capture> {
    let rows = CAPTURES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |row: &Value, name: &str| row[name].as_str().map(str::to_owned);
    rows.filter_map(|row| {
        let (line, value) = (text(&row, "line").unwrap(), text(&row, "value")?);
        let foreign = !value.is_ascii();
        Some(Capture { line, header: text(&row, "header").unwrap(), value, foreign })
    })
    .collect()
}

fn function_at(path: &str) -> Function {
    Function::ALL.into_iter().find(|function| path == format!("/dicomweb{}", function.path())).unwrap()
}

/// Builds the captured call from its own parameters, and compares what is sent for it.
fn assert_replayed(capture: &Capture) -> Call {
    let (method, path) = capture.line.split_once(' ').unwrap();
    let parameters: Map<String, Value> = serde_json::from_str(&capture.value).unwrap();
    let call = call_of(function_at(path), &parameters);
    let prepared = Prepared::new(&call, &Conventions::default()).unwrap();
    assert_eq!(prepared.method, method);
    assert_eq!(format!("/dicomweb{}", prepared.path), path);
    let (header, value) = prepared.header.unwrap();
    assert_eq!(header, capture.header);
    let decoded: Map<String, Value> = serde_json::from_str(&value).unwrap();
    assert_eq!(decoded, parameters, "{}", capture.line);
    assert_eq!(value == capture.value, !capture.foreign, "{}", capture.line);
    assert!(value.is_ascii() && prepared.body.is_none());
    call
}

#[test]
fn captured_requests_are_sent_byte_for_byte() {
    let captures = captures();
    assert_eq!((CAPTURES.lines().count(), captures.len()), (16, 10));
    captures.iter().for_each(|capture| drop(assert_replayed(capture)));
    assert_eq!(captures.iter().filter(|capture| capture.foreign).count(), 1);
    let umlauts = assert_replayed(captures.last().unwrap());
    let (_, value) = Prepared::new(&umlauts, &Conventions::default()).unwrap().header.unwrap();
    assert!(value.contains(r#""PatientName":"M\u00dcLLER^J\u00dcRGEN""#), "{value}");
}

#[tokio::test]
async fn captured_requests_are_on_the_wire_as_they_were() {
    let captures = captures();
    let server = Server::start(captures.iter().map(|_| answer(200, "", "{\"Success\":true}"))).await;
    let client = server.client();
    for capture in captures.iter().filter(|capture| !capture.foreign) {
        client.send(&assert_replayed(capture)).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.line, format!("{} HTTP/1.1", capture.line));
        assert_eq!(seen.header(&capture.header), Some(capture.value.as_bytes()));
        assert_eq!(seen.header("authorization"), Some(AUTHORIZATION.as_bytes()));
        assert_eq!(seen.header("accept"), Some(&b"application/json, text/plain, */*"[..]));
        assert_eq!(seen.header("content-type"), Some(&b"application/json"[..]));
        assert_eq!(seen.header("cache-control"), Some(&b"no-store"[..]));
        assert!(seen.body.is_empty());
        let parameters = seen.headers.iter().filter(|(name, _)| name.ends_with("parameters")).count();
        assert_eq!(parameters, 1, "{seen:?}");
    }
}

#[test]
fn requests_that_nobody_captured_follow_the_published_ones() {
    let table: [(Call, &str, &str, &str); 6] = [
        (
            GetPatientOrderProperties { institution: of("inst-1"), order: of("uuid-1") }.into(),
            "/getpatientorderproperties",
            "GetPatientOrderPropertiesParameters",
            r#"{"PatientOrderInstitutionUuid":"inst-1","PatientOrderUuid":"uuid-1"}"#,
        ),
        (
            DeletePatientOrder { institution: of("inst-1"), order: of("uuid-1") }.into(),
            "/deleteorder",
            "DeleteOrderParameters",
            r#"{"PatientOrderInstitutionUuid":"inst-1","PatientOrderUuid":"uuid-1"}"#,
        ),
        (
            GetDicomTagContent {
                institution: of("inst-1"),
                order: of("uuid-1"),
                series: None,
                tags: vec![Tag::PATIENT_NAME.into(), of("PatientID")],
            }
            .into(),
            "/getdicomtagcontent",
            "GetDicomTagContentParameters",
            r#"{"PatientOrderInstitutionUuid":"inst-1","PatientOrderUuid":"uuid-1","PatientSeriesUuid":"","DicomTagIdList":"[\"00100010\",\"PatientID\"]"}"#,
        ),
        (
            GetPatientOrderList::default().into(),
            "/getpatientorderlist",
            "GetPatientOrderListParameters",
            r#"{"InstitutionUuidList":"[\"\"]","PatientName":"","PatientId":"","OtherPatientId":"","AccessionNumber":"","ModalityList":"[\"\"]","StudyDateFrom":"","StudyDateTo":"","PatientBirthdateFrom":"","PatientBirthdateTo":""}"#,
        ),
        (
            GetPatientOrderList {
                institutions: vec![of("inst-1"), of("inst-2")],
                patient_name: Some(of("DOE")),
                modalities: of("CT,MR"),
                study_date_from: Some(of("2026-01-01")),
                study_date_to: Some(of("2026-01-31")),
                patient_birthdate_from: Some(of("1980-01-02")),
                ..GetPatientOrderList::default()
            }
            .into(),
            "/getpatientorderlist",
            "GetPatientOrderListParameters",
            r#"{"InstitutionUuidList":"[\"inst-1\",\"inst-2\"]","PatientName":"DOE","PatientId":"","OtherPatientId":"","AccessionNumber":"","ModalityList":"[\"CT\",\"MR\"]","StudyDateFrom":"2026-01-01","StudyDateTo":"2026-01-31","PatientBirthdateFrom":"1980-01-02","PatientBirthdateTo":""}"#,
        ),
        (
            CreatePatientOrder::new(of("inst-1"), of("DOE"), of("PID1"), of("1980-01-02"), of("CT")).into(),
            "/createpatientorder",
            "CreatePatientOrderParameters",
            r#"{"InstitutionUuid":"inst-1","PatientName":"DOE","PatientId":"PID1","OtherPatientId":"","PatientSex":"","PatientBirthdate":"1980-01-02","Modality":"CT","StudyDescription":"","AccessionNumber":"","PatientComplaints":"","OrderScheduledDatetime":"","RequestedProcedureId":"","RequestedProcedureDescription":"","RequestingPhysician":"","ReferringPhysiciansName":"","ScheduledEquipmentUuid":""}"#,
        ),
    ];
    for (call, path, header, value) in table {
        let prepared = Prepared::new(&call, &Conventions::default()).unwrap();
        assert_eq!(prepared.path, path);
        assert_eq!(prepared.header, Some((header.to_owned(), value.to_owned())));
        assert_eq!(prepared.method, "GET");
    }
}

#[test]
fn calls_are_stored_without_their_passwords() {
    let conventions = Conventions::default;
    for capture in captures() {
        let call = assert_replayed(&capture);
        let stored = call.store();
        assert!(!String::from_utf8_lossy(&stored).contains("\"pw\""));
        let mut restored = Call::restore(&stored).unwrap();
        assert_eq!(restored.password_missing, call.share_password().is_some());
        if restored.password_missing {
            let error = Prepared::new(&restored.call, &conventions()).unwrap_err();
            assert_eq!(error.to_string(), "SharePassword: it was not stored and must be set again");
            restored.call.set_share_password(of("pw"));
        }
        let prepared = |call: &Call| Prepared::new(call, &conventions()).unwrap();
        assert_eq!(prepared(&restored.call), prepared(&call));
    }
    let stored = String::from_utf8(Call::from(order("DOE^JOHN")).store()).unwrap();
    for (from, to) in
        [("1980-01-02", "1980-13-02"), ("inst-1", "inst 1"), ("CreatePatientOrder", "Create"), ("{", "[")]
    {
        let damaged = stored.replacen(from, to, 1);
        assert_ne!(damaged, stored);
        assert!(Call::restore(damaged.as_bytes()).is_err(), "{damaged}");
    }
}

/// Replays the file of captures that the vectors above were taken from, where it is at hand.
#[test]
fn the_file_of_captures_is_replayed() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap();
    let path = top.join("shared").join("reference").join("postdicom-captures.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return skip("the reference file postdicom-captures.jsonl is not beside the checkout");
    };
    let mut replayed = 0;
    for row in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let line = row["line"].as_str().unwrap().strip_suffix(" HTTP/1.1").unwrap().to_owned();
        let headers = row["headers"].as_array().unwrap();
        let field = headers.iter().find(|field| field[0].as_str().unwrap().ends_with("Parameters"));
        let authorization = headers.iter().find(|field| field[0] == "Authorization").unwrap();
        assert_eq!(authorization[1], AUTHORIZATION);
        let Some(field) = field else { continue };
        let (header, value) = (field[0].as_str().unwrap().to_owned(), field[1].as_str().unwrap().to_owned());
        let foreign = !row["raw_nonascii"].as_array().unwrap().is_empty();
        assert_replayed(&Capture { line, header, value, foreign });
        replayed += 1;
    }
    assert_eq!(replayed, captures().len());
}

/// Records that a test cannot do its work here; the run of all tests prints it.
fn skip(reason: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    println!("skipped: {name}: {reason}");
    let Some(path) = std::env::var_os("DIMSEWAY_SKIPS") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("shared\t{name}\t{reason}\n").as_bytes()).unwrap();
}
