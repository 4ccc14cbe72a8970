//! The commands understand every shape in which the account may answer.

use origin::postdicom::AnswerShape;
use tests::configuration::Configuration;

use crate::command::create;
use crate::{MODALITY, PATIENT_ID, STUDY_DATE, Site, slice};

#[test]
fn every_command_works_with_answers_of_every_shape() {
    for (shape, name) in AnswerShape::all() {
        // Where an answer names nothing, what was made is searched for.
        let named = !matches!(shape, AnswerShape::Text | AnswerShape::Empty);
        let site = Site::with(|options| options.answer_shape = shape, Configuration::new());
        let done = |arguments: &[&str]| {
            let ran = site.run(arguments);
            assert_eq!(ran.code, 0, "{name} {arguments:?}: {ran:?}");
            ran.out
        };
        let command = create(
            "YAMADA^TARO=山田^太郎",
            &["--accession-number", "A-1", "--scheduled", "2026-01-02 10:30"],
        );
        assert_eq!(site.json(&["orders", "search"]), serde_json::json!([]), "{name}");
        let made = site.json(&command);
        let order = site.account.orders()[0].uuid.clone();
        assert_eq!(made["outcome"], "created", "{name}");
        assert!(!named || made["order"] == order.as_str(), "{name}: {made}");
        let again = site.json(&command);
        assert_eq!(
            (&again["outcome"], again["order"].as_str()),
            (&"existed".into(), Some(&*order)),
            "{name}"
        );
        let shown = site.json(&["orders", "show", &order]);
        assert_eq!(shown["patient_name"], "YAMADA^TARO=山田^太郎", "{name}");
        assert_eq!(
            (&shown["scheduled"], &shown["accession_number"]),
            (&"2026-01-02 10:30".into(), &"A-1".into())
        );
        done(&["orders", "assign", &order, "--user", "user-1"]);
        done(&["orders", "assign", &order, "--group", "group-1"]);
        for function in ["share", "link"] {
            let link = done(&["orders", function, &order, "--expires", "30d"]);
            assert!(link.starts_with("http"), "{name}: {link}");
        }
        let folder = site.json(&["folders", "create", "a/b"]);
        let found = site.json(&["folders", "search", "b"]);
        assert_eq!(found["folders"][0]["folder"], folder["folder"], "{name}: {found}");
        done(&["folders", "add", &order, "--folder", "a/b"]);
        let inside = ["folders", "search", "--parent", folder["folder"].as_str().unwrap(), "--orders"];
        assert_eq!(site.json(&inside)["orders"][0]["order"], order.as_str(), "{name}");
        assert!(
            done(&["folders", "share", "--folder", "a/b", "--expires", "30d"]).starts_with("http"),
            "{name}"
        );
        done(&["orders", "delete", &order, "--yes"]);
        assert_eq!(done(&["orders", "search"]), "nothing\n", "{name}");
    }
}

#[test]
fn tags_and_queries_understand_answers_of_every_shape() {
    for (shape, name) in AnswerShape::all() {
        let site = Site::with(|options| options.answer_shape = shape, Configuration::new());
        let daemon = site.home.start();
        let values = [
            (PATIENT_ID, "LO", "P-1"),
            (STUDY_DATE, "DA", "20260102"),
            (MODALITY, "CS", "CT"),
            (crate::PATIENT_NAME, "PN", "DOE^JANE"),
        ];
        site.fill(&daemon, &[slice("2.25.5", "2.25.5.1", 1, &values)]);
        let order = site.account.orders()[0].uuid.clone();
        let tags = site.run(&["tags", "get", &order, "PatientID", "0008,0020"]);
        assert!(tags.out.contains("P-1") && tags.out.contains("20260102"), "{name}: {tags:?}");
        let mut finder = tests::find::Finder::open(daemon.dimse(), tests::find::STUDY_ROOT_FIND);
        let identifier = tests::find::Identifier::of_level("STUDY")
            .with(crate::PATIENT_NAME, "PN", "DOE*")
            .with(instance::Tag::STUDY_INSTANCE_UID, "UI", "");
        let found = finder.find(&identifier);
        assert_eq!((found.last.status, found.answers.len()), (0, 1), "{name}: {}", daemon.log());
        finder.release();
    }
}
