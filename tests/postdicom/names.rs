//! Names of every alphabet, and names that would like to be something else, through commands, wire and
//! account and back.

use serde_json::{Map, Value};

use crate::Site;
use crate::command::create;

const NAMES: [&str; 6] = [
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "MÜLLER^JÜRGEN ÄÖß",
    "𠮷田^𠮷",
    "DOE\r\nAuthorization: Basic ZXZpbDpldmls\r\n\r\nGET /dicom-web/deleteorder HTTP/1.1\r\n\r\nend",
    "say \"hi\" \\ and \\u0041 \\r\\n",
    "line\nfeed\ttab\u{7f}\u{85}\u{2028}\u{202e}",
];

/// Header fields of every call, beside that with the parameters.
const FIELDS: [&str; 6] = ["accept", "authorization", "cache-control", "content-type", "host", "user-agent"];

#[test]
fn names_come_back_as_they_were_and_inject_nothing() {
    let site = Site::new();
    for (number, name) in (1..).zip(NAMES) {
        let accession_number = format!("A-{number}");
        site.account.recorder().clear();
        let more =
            ["--accession-number", &accession_number, "--study-description", name, "--complaints", name];
        let made = site.json(&create(name, &more));
        assert_eq!(made["outcome"], "created", "{name:?}");
        let order = made["order"].as_str().unwrap();

        let seen = site.account.recorder().requests();
        let lines: Vec<_> = seen.iter().map(|request| request.line.as_str()).collect();
        let expected =
            ["GET /dicom-web/getpatientorderlist HTTP/1.1", "GET /dicom-web/createpatientorder HTTP/1.1"];
        assert_eq!(lines, expected, "{name:?}");
        let mut fields = FIELDS.to_vec();
        fields.insert(4, "createpatientorderparameters");
        assert_eq!(seen[1].names(), fields, "{name:?}");
        let value = seen[1].header("CreatePatientOrderParameters").unwrap();
        assert!(value.iter().all(|byte| matches!(byte, b' '..=b'~')), "{name:?}");
        let parameters: Map<String, Value> = serde_json::from_slice(value).unwrap();
        assert_eq!((parameters.len(), parameters["PatientName"].as_str()), (16, Some(name)));

        let kept = site.account.orders();
        assert_eq!(kept.len(), number, "{name:?}");
        let kept = &kept[number - 1].ordered;
        assert_eq!([&kept.patient_name, &kept.study_description, &kept.patient_complaints], [name; 3]);

        let shown = site.json(&["orders", "show", order]);
        assert_eq!(shown["patient_name"], name);
        assert_eq!(shown["study_description"], name);
        let found = site.json(&["orders", "search", "--patient-name", name]);
        let found: Vec<_> =
            found.as_array().unwrap().iter().map(|one| one["order"].as_str().unwrap()).collect();
        assert_eq!(found, [order], "{name:?}");
    }
}

#[test]
fn folders_of_any_name_are_found_again() {
    let site = Site::new();
    for (number, name) in (1..).zip(NAMES.map(|name| name.replace('/', "_"))) {
        let made = site.json(&["folders", "create", &name, "--description", &name]);
        assert_eq!((&made["outcome"], &made["made"]), (&"created".into(), &1.into()), "{name:?}");
        assert_eq!(site.json(&["folders", "create", &name])["outcome"], "existed", "{name:?}");
        let kept = site.account.folders();
        assert_eq!(kept.len(), number, "{name:?}");
        let kept =
            &kept.iter().find(|folder| Some(folder.uuid.as_str()) == made["folder"].as_str()).unwrap().made;
        assert_eq!([&kept.name, &kept.description], [&name; 2]);
    }
}

/// A table has one line per order, whatever an order says.
#[test]
fn names_draw_nothing_on_a_terminal() {
    let site = Site::new();
    for name in NAMES {
        assert_eq!(site.run(&create(name, &["--again", "--study-description", name])).code, 0, "{name:?}");
    }
    let lines = site.run(&["orders", "search"]);
    assert_eq!(lines.out.lines().count(), 1 + NAMES.len(), "{}", lines.out);
    assert!(!lines.out.chars().any(|letter| letter.is_control() && letter != '\n'), "{:?}", lines.out);
    assert!(!lines.out.contains(['\u{202e}', '\u{2028}']), "{:?}", lines.out);
}
