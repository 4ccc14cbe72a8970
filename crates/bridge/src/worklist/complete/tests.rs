use dataset::json::{ReadLimits, read_all};

use super::*;
use crate::worklist::{
    attribute::{BESIDE_STEP, OF_STEP, ReturnType},
    index::step,
    testing::{config, data_set, order, today},
};

fn completed(order: Order, config: &Worklist) -> Vec<Result<Entry, LeftOut>> {
    let completing = Completing { source: "ris", config, time_zone: &config.time_zone, today: today() };
    completing.entries(order)
}

fn only(order: Order, config: &Worklist) -> Result<Entry, LeftOut> {
    let mut entries = completed(order, config);
    assert_eq!(entries.len(), 1);
    entries.remove(0)
}

/// The text of an attribute of the entry or of its step.
fn text(entry: &Entry, tag: Tag) -> String {
    let of_step = step(entry).and_then(|step| step.text(tag));
    of_step.or_else(|| entry.item.text(tag)).unwrap_or_default().into_owned()
}

/// An order without an attribute, of the step or beside it.
fn without(tag: Tag) -> Order {
    let mut order = order(1, "CT1", 0, "0930");
    let mut step = order.item.items(STEPS).next().unwrap().clone();
    order.item.remove(tag);
    step.remove(tag);
    order.item.insert(STEPS, Element::sequence([step]));
    order
}

fn add(order: &mut Order, tag: Tag, vr: VR, text: &str) {
    order.item.insert(tag, Element::text(vr, text));
}

fn add_to_step(order: &mut Order, tag: Tag, vr: VR, text: &str) {
    let mut step = order.item.items(STEPS).next().unwrap().clone();
    step.insert(tag, Element::text(vr, text));
    order.item.insert(STEPS, Element::sequence([step]));
}

/// PS3.4 §K.6.1.2.2: what is of type 1 has a value, also where the order has little.
#[test]
fn an_entry_has_every_attribute_of_type_1() {
    for order in [order(1, "CT1", 0, "0930"), without(Tag::ACCESSION_NUMBER), without(Tag::MODALITY)] {
        let entry = only(order, &config()).unwrap();
        for (table, item) in [(OF_STEP, step(&entry).unwrap()), (BESIDE_STEP, &entry.item)] {
            for attribute in table.iter().filter(|attribute| attribute.return_type == ReturnType::One) {
                assert!(!item.values(attribute.tag).is_empty(), "{}", attribute.tag);
            }
        }
        assert_eq!(entry.item.items(STEPS).count(), 1);
    }
}

#[test]
fn what_the_order_lacks_is_derived_and_says_so() {
    let mut order = order(1, "CT1", 0, "0930");
    add(&mut order, STUDY_DESCRIPTION, VR::LO, "Head");
    let entry = only(order, &config()).unwrap();
    let table = [
        (STATION_AE_TITLE, "CT1", Provenance::Source),
        (STEP_ID, "A1", Provenance::Derived),
        (PROCEDURE_ID, "A1", Provenance::Derived),
        (PROCEDURE_DESCRIPTION, "Head", Provenance::Derived),
        (STEP_DESCRIPTION, "Head", Provenance::Derived),
        (Tag::MODALITY, "CT", Provenance::Source),
        (START_TIME, "093000", Provenance::Source),
    ];
    for (tag, value, provenance) in table {
        assert_eq!((text(&entry, tag).as_str(), entry.provenance.get(tag)), (value, provenance), "{tag}");
    }
    assert!(text(&entry, Tag::STUDY_INSTANCE_UID).starts_with("2.25."));
    assert_eq!(entry.provenance.get(Tag::STUDY_INSTANCE_UID), Provenance::Derived);
}

#[test]
fn a_description_or_a_code_says_what_is_to_be_done() {
    type Texts = &'static [(Tag, &'static str)];
    let cases: [(Texts, Texts, [&str; 2]); 5] = [
        (&[], &[], ["CT", "CT"]),
        (&[(PROCEDURE_DESCRIPTION, "Proc")], &[], ["Proc", "Proc"]),
        (&[(STUDY_DESCRIPTION, "Study")], &[], ["Study", "Study"]),
        (&[], &[(STEP_DESCRIPTION, "Step")], ["Step", "Step"]),
        (&[(STUDY_DESCRIPTION, "Study")], &[(STEP_DESCRIPTION, "Step")], ["Study", "Step"]),
    ];
    for (beside, of_step, expected) in cases {
        let mut order = order(1, "CT1", 0, "0930");
        beside.iter().for_each(|(tag, text)| add(&mut order, *tag, VR::LO, text));
        of_step.iter().for_each(|(tag, text)| add_to_step(&mut order, *tag, VR::LO, text));
        let entry = only(order, &config()).unwrap();
        assert_eq!([PROCEDURE_DESCRIPTION, STEP_DESCRIPTION].map(|tag| text(&entry, tag)), expected);
    }
    let mut coded = order(1, "CT1", 0, "0930");
    let code = data_set(&[(Tag(0x0008, 0x0100), VR::SH, "CTHEAD")]);
    coded.item.insert(PROCEDURE_CODES, Element::sequence([code]));
    let entry = only(coded, &config()).unwrap();
    assert_eq!(text(&entry, PROCEDURE_DESCRIPTION), "", "the code says it");
}

#[test]
fn what_cannot_be_done_without_is_left_out_or_replaced_as_configured() {
    let given = |change: fn(&mut Worklist)| {
        let mut config = config();
        change(&mut config);
        config
    };
    type Case = (Tag, fn(&mut Worklist), Result<&'static str, LeftOut>);
    let cases: [Case; 12] = [
        (STATION_AE_TITLE, |_| {}, Err(LeftOut::Unassigned)),
        (STATION_AE_TITLE, |c| c.unassigned = Unassigned::All, Ok("")),
        (START_DATE, |_| {}, Err(LeftOut::NoStart)),
        (START_DATE, |c| c.fallback.start_date = MissingStart::Today, Ok("today")),
        (START_TIME, |_| {}, Ok("000000")),
        (START_TIME, |c| c.fallback.start_time = Time::constant(8, 15, 0, 0), Ok("081500")),
        (Tag::MODALITY, |_| {}, Ok("OT")),
        (Tag::MODALITY, |c| c.fallback.modality = None, Err(LeftOut::NoModality)),
        (Tag::PATIENT_NAME, |_| {}, Err(LeftOut::NoPatientName)),
        (Tag::PATIENT_NAME, |c| c.fallback.patient_name = Some("UNKNOWN".into()), Ok("UNKNOWN")),
        (Tag::PATIENT_ID, |_| {}, Err(LeftOut::NoPatientId)),
        (Tag::PATIENT_ID, |c| c.fallback.patient_id = Some("0".into()), Ok("0")),
    ];
    for (tag, change, expected) in cases {
        let outcome = only(without(tag), &given(change));
        let day = crate::worklist::testing::day(0);
        let expected = expected.map(|text| if text == "today" { day.as_str() } else { text });
        assert_eq!(
            outcome.as_ref().map(|entry| text(entry, tag)).map_err(|e| *e),
            expected.map(str::to_owned)
        );
        if let Ok(entry) = outcome
            && tag != STATION_AE_TITLE
        {
            assert_eq!(entry.provenance.get(tag), Provenance::Fallback, "{tag}");
        }
    }
    let mut rubbish = order(1, "CT1", 0, "0930");
    add_to_step(&mut rubbish, START_DATE, VR::DA, "tomorrow");
    assert_eq!(only(rubbish, &config()).unwrap_err(), LeftOut::NoStart, "what is no day");
    let mut invalid = order(1, "CT1", 0, "0930");
    add(&mut invalid, Tag::STUDY_INSTANCE_UID, VR::UI, "1.2.x");
    assert!(text(&only(invalid, &config()).unwrap(), Tag::STUDY_INSTANCE_UID).starts_with("2.25."));
}

#[test]
fn the_equipment_of_the_site_names_the_station() {
    let known = Equipment {
        uuid: "C232AB00-9414-11EC-B3C8-9F6BDECED846".into(),
        ae_title: "CT7".parse().unwrap(),
        station_name: Some("CT in room 7".into()),
        location: Some("Room 7".into()),
        modality: Some("MR".into()),
    };
    let config = Worklist { equipment: vec![known], ..config() };
    let mut by_uuid = without(STATION_AE_TITLE);
    by_uuid.equipment = Some("{c232ab00-9414-11ec-b3c8-9f6bdeced846}".into());
    let by_title = order(1, "CT7", 0, "0930");
    for (order, from) in [(by_uuid, Provenance::Equipment), (by_title, Provenance::Source)] {
        let entry = only(order, &config).unwrap();
        assert_eq!(
            (text(&entry, STATION_AE_TITLE).as_str(), entry.provenance.get(STATION_AE_TITLE)),
            ("CT7", from)
        );
        assert_eq!(text(&entry, STATION_NAME), "CT in room 7");
        assert_eq!(text(&entry, STEP_LOCATION), "Room 7");
        assert_eq!(text(&entry, Tag::MODALITY), "CT", "the order says it");
    }
    let mut other = without(STATION_AE_TITLE);
    other.equipment = Some("00000000-0000-0000-0000-000000000000".into());
    assert_eq!(only(other, &config).unwrap_err(), LeftOut::Unassigned, "a device nobody knows");
    let mut no_modality = without(Tag::MODALITY);
    no_modality.equipment = Some("c232ab00-9414-11ec-b3c8-9f6bdeced846".into());
    assert_eq!(text(&only(no_modality, &config).unwrap(), Tag::MODALITY), "MR");
}

#[test]
fn every_step_of_an_order_becomes_an_entry() {
    let mut order = order(1, "CT1", 0, "0930");
    let step = order.item.items(STEPS).next().unwrap().clone();
    let mut second = step.clone();
    second.insert(STEP_ID, Element::text(VR::SH, "S2"));
    order.item.insert(STEPS, Element::sequence([step, second]));
    let entries: Vec<_> = completed(order, &config()).into_iter().map(Result::unwrap).collect();
    let keys: Vec<_> = entries.iter().map(|entry| &*entry.key.id).collect();
    assert_eq!(keys, ["order-1.0", "order-1.S2"]);
    assert!(entries.iter().all(|entry| entry.item.items(STEPS).count() == 1));
    let of_both = |tag| entries.iter().map(|entry| text(entry, tag)).collect::<Vec<_>>();
    for tag in [PROCEDURE_ID, Tag::STUDY_INSTANCE_UID] {
        assert_eq!(of_both(tag)[0], of_both(tag)[1], "{tag}");
    }
    assert_ne!(of_both(STEP_ID)[0], of_both(STEP_ID)[1]);
    assert_eq!(of_both(STEP_ID)[1], "S2");
    assert_eq!(of_both(STEP_ID)[0].len(), 16);
}

/// Clocks go back on 2026-10-25 in Berlin, forward on 2026-03-29.
#[test]
fn times_are_those_of_the_site() {
    let zone = |name| TimeZone::get(name).unwrap();
    let config = Worklist { time_zone: zone("Europe/Berlin"), ..config() };
    let cases = [
        ("UTC", "20260115", "2330", ("20260116", "003000")),
        ("UTC", "20260715", "2330", ("20260716", "013000")),
        ("America/New_York", "20260329", "0000", ("20260329", "060000")),
        ("Europe/Berlin", "20260329", "0230", ("20260329", "023000")),
        ("UTC", "20260115", "", ("20260115", "000000")),
        ("UTC", "2026.01.15", "10:15:59.5", ("20260115", "111559")),
    ];
    for (source, date, time, expected) in cases {
        let mut order = order(1, "CT1", 0, "");
        add_to_step(&mut order, START_DATE, VR::DA, date);
        add_to_step(&mut order, START_TIME, VR::TM, time);
        let completing =
            Completing { source: "ris", config: &config, time_zone: &zone(source), today: today() };
        let entry = completing.entries(order).remove(0).unwrap();
        let start = (text(&entry, START_DATE), text(&entry, START_TIME));
        assert_eq!((start.0.as_str(), start.1.as_str()), expected, "{source} {date} {time}");
    }
}

#[test]
fn an_entry_holds_what_says_something() {
    let json = br#"{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A"}]},"00100020":{"vr":"LO","Value":["1"]},
        "00380010":{"vr":"LO"},"00081110":{"vr":"SQ","Value":[]},"00420011":{"vr":"OB","BulkDataURI":"http://x"},
        "00080060":{"vr":"CS","Value":["US"]},
        "00400100":{"vr":"SQ","Value":[{"00400001":{"vr":"AE","Value":["US1"]},"00400002":{"vr":"DA","Value":["20260101"]},
        "00400011":{"vr":"SH","Value":[null]}}]}}"#;
    let item = read_all(json, ReadLimits::default()).unwrap().remove(0);
    let entry = only(Order { id: "x".repeat(200), item, ..Order::default() }, &config()).unwrap();
    let tags: Vec<Tag> = entry.item.iter().map(|(tag, _)| tag).collect();
    assert!(!tags.iter().any(|tag| matches!(tag.group(), 0x0038 | 0x0042) || *tag == Tag(0x0008, 0x1110)));
    assert_eq!(text(&entry, Tag::MODALITY), "US", "moved into the step");
    assert!(entry.item.get(Tag::MODALITY).is_none());
    assert!(step(&entry).unwrap().get(STEP_LOCATION).is_none());
    assert_eq!(entry.key.id.len(), 16, "a long name is hashed");
}
