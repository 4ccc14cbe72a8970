//! Names of every alphabet, and names that would like to be something else.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::samples::{of, order};
use crate::request::{CreateFolder, SearchFolder};
use crate::testing::{Server, answer};
use crate::{Call, Conventions, Prepared};

const NAMES: &[&str] = &[
    "DOE^JOHN",
    "MÜLLER^JÜRGEN",
    "Åström^Øyvind",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "𠮷田^𠮷",
    "Иванов^Иван",
    "DOE\r\nAuthorization: Basic ZXZpbDpldmls\r\n\r\nGET /deleteorder HTTP/1.1\r\n\r\n",
    "line\nfeed\rreturn\ttab\u{b}\u{0}\u{7f}\u{85}\u{2028}",
    "\"quoted\" \\ back\\\"slash\\u0041 \\r\\n",
    "{\"PatientName\":\"x\"}",
    "[\"\"]",
    "</script>\u{feff}\u{202e}🙂",
];

#[tokio::test]
async fn names_arrive_unchanged_in_the_one_field_meant_for_them() {
    let server = Server::start(NAMES.iter().map(|_| answer(200, "", "{\"Success\":true}"))).await;
    let client = server.client();
    for name in NAMES {
        client.create_patient_order(order(name)).await.unwrap();
        let seen = server.seen();
        let seen = seen.last().unwrap();
        assert_eq!(seen.line, "GET /dicomweb/createpatientorder HTTP/1.1");
        let value = seen.header("CreatePatientOrderParameters").unwrap();
        assert!(value.iter().all(|byte| matches!(byte, b' '..=b'~')), "{name:?}");
        let parameters: Map<String, Value> = serde_json::from_slice(value).unwrap();
        assert_eq!(parameters["PatientName"], *name);
        assert_eq!(parameters.len(), 16);
        assert_eq!(seen.header("authorization").unwrap().len(), 46);
        let mut names: Vec<_> = seen.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort();
        let expected = [
            "accept",
            "authorization",
            "cache-control",
            "content-type",
            "createpatientorderparameters",
            "host",
            "user-agent",
        ];
        assert_eq!(names, expected, "{name:?}");
    }
    assert_eq!(server.seen().len(), NAMES.len(), "no name began a request of its own");
}

#[tokio::test]
async fn names_arrive_unchanged_in_a_body() {
    let server = Server::start(NAMES.iter().map(|_| answer(200, "", "{\"Success\":true}"))).await;
    let client = server.client_with(Conventions::post_json());
    for name in NAMES {
        client.create_patient_order(order(name)).await.unwrap();
        let seen = server.seen();
        let seen = seen.last().unwrap();
        assert_eq!(seen.line, "POST /dicomweb/createpatientorder HTTP/1.1");
        assert_eq!(seen.header("content-type"), Some(&b"application/json"[..]));
        let parameters: Map<String, Value> = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(parameters["PatientName"], *name);
    }
    assert_eq!(server.seen().len(), NAMES.len());
}

#[test]
fn nothing_of_a_patient_shows_in_what_may_be_logged() {
    let call = Call::from(order("DOE^JOHN"));
    let prepared = Prepared::new(&call, &Conventions::default()).unwrap();
    let shown = format!("{call:?} {prepared:?}");
    for hidden in ["DOE", "PID1", "OID", "1980", "ACC1", "headache", "CT HEAD", "DR^"] {
        assert!(!shown.contains(hidden), "{hidden}: {shown}");
    }
    assert!(shown.contains("inst-1") && shown.contains("/createpatientorder"));
}

proptest! {
    #[test]
    fn any_folder_name_comes_back(name in "\\PC{1,40}|[\r\n\"\\\\\u{0}-\u{1f}a]{1,40}".prop_filter("a name", |name| !name.trim().is_empty())) {
        let conventions = Conventions::default();
        let create = CreateFolder { name: of(&name), description: Some(of(&name)), parent: None };
        let search = SearchFolder { parent: None, name: Some(of(&name)), get_orders_in_folder: false };
        for call in [Call::from(create), Call::from(search)] {
            let (_, value) = Prepared::new(&call, &conventions).unwrap().header.unwrap();
            prop_assert!(http::HeaderValue::from_str(&value).is_ok());
            let parameters: Map<String, Value> = serde_json::from_str(&value).unwrap();
            prop_assert_eq!(parameters["FolderName"].as_str(), Some(name.as_str()));
            prop_assert_eq!(parameters.len(), 3);
            let restored = Call::restore(&call.store()).unwrap();
            prop_assert_eq!(Prepared::new(&restored.call, &conventions).unwrap(), Prepared::new(&call, &conventions).unwrap());
        }
    }
}
