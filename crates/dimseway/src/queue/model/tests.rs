use super::*;
use instance::{Identity, TransferSyntax};
use spool::{
    Attempt, Delivery, Destination, Details, Entry, EntryHeader, EntryId, EntryTrailer, Listed, State,
};
use std::time::{Duration, UNIX_EPOCH};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 250)
}

#[test]
fn a_page_has_this_shape() {
    let line = Listed {
        entry_id: EntryId(1_700_000_000_000_000),
        destination: Some(Destination::Origin("archive".to_owned())),
        state: State::Deferred,
        attempts: 3,
        due_at: at(1_700_000_600),
        reason: Some("503 Service Unavailable".to_owned()),
        calling_ae_title: "CT1".parse().unwrap(),
        accepted_at: at(1_700_000_000),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
        sop_instance_uid: "1.2.3.4".parse().unwrap(),
        study_instance_uid: "1.2.3".parse().unwrap(),
        series_instance_uid: "1.2.3.1".parse().unwrap(),
        length: 526_336,
    };
    let held = Listed {
        destination: None,
        state: State::Held,
        reason: Some("no route matches".to_owned()),
        ..line.clone()
    };
    let page = QueuePage::from(spool::Page { lines: vec![line, held], next: "1.-1".parse().ok() });
    insta::assert_json_snapshot!(page);
}

#[test]
fn an_entry_has_this_shape_and_tells_nothing_about_the_patient() {
    let identity = Identity {
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
        sop_instance_uid: "1.2.3.4".parse().unwrap(),
        study_instance_uid: "1.2.3".parse().unwrap(),
        series_instance_uid: "1.2.3.1".parse().unwrap(),
    };
    let header = EntryHeader {
        calling_ae_title: "CT1".parse().unwrap(),
        called_ae_title: "DIMSEWAY".parse().unwrap(),
        peer_address: "10.0.0.5".parse().unwrap(),
        user: None,
        transfer_syntax: TransferSyntax::new("1.2.840.10008.1.2.1".parse().unwrap()),
        sop_class_uid: identity.sop_class_uid.clone(),
        sop_instance_uid: identity.sop_instance_uid.clone(),
        accepted_at: at(1_700_000_000),
    };
    let trailer = EntryTrailer {
        identity,
        attributes: vec![(instance::Tag::PATIENT_ID, b"SECRET".to_vec())],
        character_set: Vec::new(),
        destinations: vec![Destination::Origin("archive".to_owned())],
        held: None,
    };
    let entry = Entry { entry_id: EntryId(7), header, trailer, length: 10, sha256: [0xAB; 32] };
    let delivery = Delivery {
        destination: Destination::Origin("archive".to_owned()),
        state: State::Held,
        attempts: 1,
        due_at: at(1_700_000_001),
        delivered_at: None,
        reason: Some("refused: 0xA900".to_owned()),
        history: vec![Attempt {
            started_at: at(1_700_000_001),
            ended_at: Some(at(1_700_000_002)),
            owner: "worker 1".to_owned(),
            outcome: Some("held: refused".to_owned()),
        }],
    };
    let details = EntryDetails::from(Details { entry, payload_kept: true, deliveries: vec![delivery] });
    assert!(!serde_json::to_string(&details).unwrap().contains("SECRET"));
    insta::assert_json_snapshot!(details);
}

#[test]
fn questions_and_orders_read_what_they_write() {
    let query = Query {
        selection: Selection {
            destination: Some("peer:CT1".to_owned()),
            state: Some("held".to_owned()),
            ..Selection::default()
        },
        cursor: Some("1.2".to_owned()),
        limit: Some(5),
    };
    let written = serde_json::to_value(QueryString::from(&query)).unwrap();
    assert_eq!(
        written,
        serde_json::json!({"destination": "peer:CT1", "state": "held", "cursor": "1.2", "limit": 5})
    );
    let order = Action {
        kind: ActionKind::Reroute,
        selection: Selection { entries: vec!["7".to_owned()], ..Selection::default() },
        reason: None,
        to: Some("b".to_owned()),
        cursor: None,
    };
    let written = serde_json::to_string(&ActionBody::from(&order)).unwrap();
    assert_eq!(written, r#"{"entries":["7"],"to":"b"}"#);
    assert!(serde_json::from_str::<ActionBody>(r#"{"entry":"7"}"#).is_err());
}
