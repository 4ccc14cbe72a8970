//! Workitems of all kinds, and the orders that they are.

use dataset::json::{ReadLimits, read_all};

use super::*;
use crate::worklist::attribute::{BIRTH_DATE, PROCEDURE_DESCRIPTION, REASON};

const UID: &str = "1.2.3";

/// A workitem with almost everything, in the JSON Model.
const WHOLE: &str = r#"{
    "00080018": {"vr": "UI", "Value": ["1.2.3"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
    "00100020": {"vr": "LO", "Value": ["P1"]},
    "00100030": {"vr": "DA", "Value": ["19700102"]},
    "0020000D": {"vr": "UI", "Value": ["1.2.8"]},
    "00380010": {"vr": "LO", "Value": ["ADM1"]},
    "00404005": {"vr": "DT", "Value": ["20260115093000"]},
    "00404011": {"vr": "DT", "Value": ["202601151000"]},
    "00404018": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["CTHEAD"]}}]},
    "00404025": {"vr": "SQ", "Value": [{
        "00080100": {"vr": "SH", "Value": ["CT1"]},
        "00080102": {"vr": "SH", "Value": ["99SITE"]},
        "00080104": {"vr": "LO", "Value": ["The scanner in the basement"]}}]},
    "00404026": {"vr": "SQ", "Value": [
        {"00080100": {"vr": "SH", "Value": ["MR"]}, "00080102": {"vr": "SH", "Value": ["99SITE"]}},
        {"00080100": {"vr": "SH", "Value": ["113000"]}, "00080102": {"vr": "SH", "Value": ["DCM"]}},
        {"00080100": {"vr": "SH", "Value": ["CT"]}, "00080102": {"vr": "SH", "Value": ["DCM"]}}]},
    "00404027": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["ROOM 1"]}}]},
    "00404034": {"vr": "SQ", "Value": [
        {"00404036": {"vr": "LO", "Value": ["Hospital"]}},
        {"00404037": {"vr": "PN", "Value": [{"Alphabetic": "Roe^Richard"}]}}]},
    "0040A370": {"vr": "SQ", "Value": [{
        "00080050": {"vr": "SH", "Value": ["A1"]},
        "0020000D": {"vr": "UI", "Value": ["1.2.9"]},
        "00321060": {"vr": "LO", "Value": ["CT of the head"]},
        "00401001": {"vr": "SH", "Value": ["RP1"]},
        "00401002": {"vr": "LO", "Value": ["Headache"]}}]},
    "00741000": {"vr": "CS", "Value": ["SCHEDULED"]},
    "00741200": {"vr": "CS", "Value": ["HIGH"]},
    "00741204": {"vr": "LO", "Value": ["Head without contrast"]}
}"#;

fn workitem(change: impl FnOnce(&mut Item)) -> Item {
    let mut item = read_all(WHOLE.as_bytes(), ReadLimits::default()).unwrap().remove(0);
    change(&mut item);
    item
}

fn orders_of(workitem: &Item, equipment: &[&str]) -> Vec<Order> {
    let equipment: Vec<_> = equipment.iter().map(|name| (*name).to_owned()).collect();
    orders(workitem, Some(&UID.parse().unwrap()), &equipment, &TimeZone::UTC)
}

fn order_of(change: impl FnOnce(&mut Item)) -> Order {
    let mut orders = orders_of(&workitem(change), &[]);
    assert_eq!(orders.len(), 1);
    orders.remove(0)
}

fn step(order: &Order) -> &Item {
    order.item.items(STEPS).next().unwrap()
}

fn codes(values: &[(&str, &str)]) -> Element {
    let code = |(value, meaning): &(&str, &str)| {
        Item::from_iter([
            (CODE_VALUE, Element::text(VR::SH, value)),
            (CODE_MEANING, Element::text(VR::LO, meaning)),
        ])
    };
    Element::sequence(values.iter().map(code))
}

#[test]
fn everything_has_its_place_and_says_where_it_came_from() {
    let order = order_of(|_| {});
    assert_eq!((order.id.as_str(), &order.equipment), (UID, &None));
    let (source, derived) = (Provenance::Source, Provenance::Derived);
    let of_step: &[(Tag, &str, Provenance)] = &[
        (STATION_AE_TITLE, "CT1", derived),
        (STATION_NAME, "The scanner in t", derived),
        (Tag::MODALITY, "CT", derived),
        (STEP_LOCATION, "ROOM 1", derived),
        (START_DATE, "20260115", source),
        (START_TIME, "093000", source),
        (END_DATE, "20260115", source),
        (END_TIME, "1000", source),
        (PERFORMING_PHYSICIAN, "Roe^Richard", derived),
        (STEP_DESCRIPTION, "Head without contrast", derived),
        (STEP_STATUS, "SCHEDULED", source),
    ];
    let beside: &[(Tag, &str, Provenance)] = &[
        (Tag::PATIENT_NAME, "Doe^Jane", source),
        (Tag::PATIENT_ID, "P1", source),
        (BIRTH_DATE, "19700102", source),
        (Tag::ACCESSION_NUMBER, "A1", source),
        // That of the request, not that of the workitem.
        (Tag::STUDY_INSTANCE_UID, "1.2.9", source),
        (PROCEDURE_DESCRIPTION, "CT of the head", source),
        (PROCEDURE_ID, "RP1", source),
        (REASON, "Headache", source),
        (Tag(0x0038, 0x0010), "ADM1", source),
        (REQUESTED_PRIORITY, "HIGH", derived),
    ];
    for (item, expected) in [(step(&order), of_step), (&order.item, beside)] {
        for (tag, text, provenance) in expected {
            assert_eq!(item.text(*tag).as_deref(), Some(*text), "{tag}");
            assert_eq!(order.provenance.get(*tag), *provenance, "{tag}");
        }
    }
    let protocol = step(&order).items(PROTOCOL_CODES).next().unwrap();
    assert_eq!(protocol.text(CODE_VALUE).unwrap(), "CTHEAD");
    // Nothing else of the workitem is in it.
    assert_eq!((step(&order).len(), order.item.len()), (of_step.len() + 1, beside.len() + 1));
}

#[test]
fn a_station_is_the_equipment_or_a_title() {
    let station = |equipment: &[&str], change: fn(&mut Item)| {
        let order = orders_of(&workitem(change), equipment).remove(0);
        let titles = step(&order).values(STATION_AE_TITLE).iter().filter_map(dataset::json::Value::text);
        (titles.collect::<Vec<_>>().join("\\"), order.equipment.clone())
    };
    let none: fn(&mut Item) = |_| {};
    assert_eq!(station(&["ct1"], none), (String::new(), Some("CT1".to_owned())), "whatever the case");
    assert_eq!(station(&["MR1"], none), ("CT1".to_owned(), None));
    let sent: fn(&mut Item) = |item| _ = item.insert(STATION_AE_TITLE, Element::text(VR::AE, "SENT"));
    assert_eq!(station(&[], sent), ("SENT".to_owned(), None));
    assert_eq!(station(&["CT1"], sent), (String::new(), Some("CT1".to_owned())));
    let several: fn(&mut Item) = |item| {
        item.insert(STATION_NAME_CODES, codes(&[("CT1", ""), ("a name far too long", ""), ("CT2", "")]));
    };
    assert_eq!(station(&[], several), ("CT1\\CT2".to_owned(), None));
    let no_code: fn(&mut Item) = |item| _ = item.remove(STATION_NAME_CODES);
    assert_eq!(station(&[], no_code), (String::new(), None));
}

#[test]
fn states_are_statuses_and_what_is_over_is_no_order() {
    let cases = [
        ("SCHEDULED", Some("SCHEDULED")),
        ("IN PROGRESS", Some("STARTED")),
        ("COMPLETED", None),
        ("CANCELED", None),
        ("", Some("SCHEDULED")),
    ];
    for (state, expected) in cases {
        let item = workitem(|item| _ = item.insert(PROCEDURE_STEP_STATE, Element::text(VR::CS, state)));
        let orders = orders_of(&item, &[]);
        let status = orders.first().map(|order| step(order).text(STEP_STATUS).unwrap().into_owned());
        assert_eq!(status.as_deref(), expected, "{state}");
    }
}

#[test]
fn each_request_is_an_order_whose_name_stays() {
    let request = |number: &str| Item::from_iter([(Tag::ACCESSION_NUMBER, Element::text(VR::SH, number))]);
    let of = |numbers: &[&str]| {
        let requests = Element::sequence(numbers.iter().map(|number| request(number)));
        let orders = orders_of(&workitem(|item| _ = item.insert(REQUESTS, requests)), &[]);
        let named =
            |order: &Order| (order.item.text(Tag::ACCESSION_NUMBER).unwrap().into_owned(), order.id.clone());
        orders.iter().map(named).collect::<Vec<_>>()
    };
    let (one, other) = (of(&["A1", "A2"]), of(&["A2", "A1"]));
    assert_eq!(one.len(), 2);
    assert_ne!(one[0].1, one[1].1);
    assert_eq!((&one[0], &one[1]), (&other[1], &other[0]), "whatever their order");
    let none = order_of(|item| _ = item.remove(REQUESTS));
    assert_eq!(none.item.text(Tag::STUDY_INSTANCE_UID).unwrap(), "1.2.8", "that of the workitem");
    assert_eq!(none.id, UID);
}

#[test]
fn a_modality_that_is_sent_counts() {
    let order = order_of(|item| _ = item.insert(Tag::MODALITY, Element::text(VR::CS, "DX")));
    assert_eq!(step(&order).text(Tag::MODALITY).unwrap(), "DX");
    assert_eq!(order.provenance.get(Tag::MODALITY), Provenance::Source);
    let order = order_of(|item| _ = item.insert(STATION_CLASS_CODES, codes(&[("CT", "")])));
    assert_eq!(step(&order).text(Tag::MODALITY), None, "a code of nobody knows which scheme");
}

/// PS3.5 §6.2, DT, and PS3.3 §C.12.1.1.8 for the offset of the data set.
#[test]
fn moments_are_in_the_time_zone_of_the_source() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let cases = [
        ("20260115093000", None, "20260115", "093000"),
        ("20260115093000.123456", None, "20260115", "093000"),
        ("202601150930", None, "20260115", "0930"),
        ("20260115", None, "20260115", ""),
        ("20260115093000+0000", None, "20260115", "103000"),
        ("20260715093000+0000", None, "20260715", "113000"),
        ("20260115233000.5-0130", None, "20260116", "020000"),
        ("20260115093000", Some("+0000"), "20260115", "103000"),
        ("20260115093000+0100", Some("+0000"), "20260115", "093000"),
        ("20260115+0000", None, "20260115", ""),
        ("20260115093000+1", None, "20260115", "093000"),
        ("20260115093000", Some("UTC"), "20260115", "093000"),
        ("202601", None, "", ""),
        ("tomorrow", None, "tomorrow", ""),
        ("", None, "", ""),
        ("+", None, "", ""),
        ("2026011é", None, "", ""),
    ];
    for (text, offset, day, time) in cases {
        assert_eq!(local(text, offset, &berlin), (day.to_owned(), time.to_owned()), "{text} {offset:?}");
    }
}
