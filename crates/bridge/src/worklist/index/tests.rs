use proptest::prelude::*;

use super::*;
use crate::worklist::{
    Order,
    testing::{config, day, entries, order, today},
};

fn index(lists: &[Vec<Order>]) -> (Index, Vec<usize>) {
    let config = crate::config::Worklist { unassigned: crate::config::Unassigned::All, ..config() };
    let of = |orders: &Vec<Order>| -> Vec<_> {
        orders.iter().flat_map(|order| entries(order.clone(), &config)).collect()
    };
    let lists: Vec<Vec<Arc<Entry>>> = lists.iter().map(of).collect();
    let mut listed: Vec<_> = lists.iter().map(|entries| Listed { entries, duplicates: 0 }).collect();
    let index = Index::new(&mut listed);
    let duplicates = listed.iter().map(|list| list.duplicates).collect();
    (index, duplicates)
}

fn patients(index: &Index, narrowing: &Narrowing) -> Vec<String> {
    let places = index.candidates(narrowing);
    let text = |place: u32| index.get(place).unwrap().item.text(Tag::PATIENT_ID).unwrap().into_owned();
    places.into_iter().map(text).collect()
}

#[test]
fn of_an_order_in_two_systems_the_earlier_source_counts() {
    let first = vec![order(1, "CT1", 0, "0900"), order(1, "CT1", 0, "1000"), order(2, "CT1", 0, "1100")];
    let mut other_patient = order(1, "MR1", 0, "0800");
    other_patient.item.insert(Tag::PATIENT_ID, dataset::json::Element::text(dataset::element::VR::LO, "X"));
    let second = vec![order(1, "MR1", 0, "0700"), other_patient, order(3, "CT1", 0, "1200")];
    let (index, duplicates) = index(&[first, second]);
    assert_eq!(duplicates, [0, 1]);
    assert_eq!(patients(&index, &Narrowing::default()), ["X", "P1", "P1", "P2", "P3"]);
}

#[test]
fn the_ways_lead_to_what_may_match() {
    let (index, _) = index(&[vec![
        order(1, "CT1", 0, "0900"),
        order(2, "CT1\\CT2", 1, "0900"),
        order(3, "", 0, "0800"),
        order(4, "CT2", -1, "2300"),
    ]]);
    let station = |title: &str| Narrowing { station: Some(title.to_owned()), ..Narrowing::default() };
    assert_eq!(patients(&index, &station("CT1")), ["P3", "P1", "P2"]);
    assert_eq!(patients(&index, &station("CT2")), ["P4", "P3", "P2"]);
    assert_eq!(patients(&index, &station("CT9")), ["P3"], "that is for any station");
    let today = Narrowing { from: Some(today()), to: Some(today()), ..station("CT2") };
    assert_eq!(patients(&index, &today), ["P3"]);
    let patient = Narrowing { patient_id: Some("P2".into()), ..Narrowing::default() };
    assert_eq!(patients(&index, &patient), ["P2"]);
    let number = Narrowing { accession_number: Some("A4".into()), ..Narrowing::default() };
    assert_eq!(patients(&index, &number), ["P4"]);
    let uid = index.get(0).unwrap().item.text(Tag::STUDY_INSTANCE_UID).unwrap();
    assert_eq!(index.of_study(&uid).count(), 1);
    let nothing = Narrowing {
        from: crate::worklist::date(&day(1)),
        to: Some(today.from.unwrap()),
        ..Narrowing::default()
    };
    assert_eq!(patients(&index, &nothing), [""; 0], "a range that ends before it begins");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Narrowing never leaves out what looking at every entry would find.
    #[test]
    fn narrowing_is_looking_at_all(
        orders in prop::collection::vec((0..6_usize, 0..3_usize, -2..3_i32, 0..24_u8), 0..40),
        station in prop::option::of(0..3_usize),
        patient in prop::option::of(0..6_usize),
        from in prop::option::of(-2..3_i32),
        to in prop::option::of(-2..3_i32),
    ) {
        let title = |station: usize| ["", "CT1", "CT2"][station];
        let orders = orders.into_iter().map(|(number, station, days, hour)| {
            order(number, title(station), days, &format!("{hour:02}00"))
        });
        let (index, _) = index(&[orders.collect()]);
        let date = |days: i32| crate::worklist::date(&day(days)).unwrap();
        let narrowing = Narrowing {
            station: station.map(|station| title(station).to_owned()).filter(|title| !title.is_empty()),
            patient_id: patient.map(|number| format!("P{number}")),
            from: from.map(date),
            to: to.map(date),
            ..Narrowing::default()
        };
        let is_it = |entry: &Entry| {
            let at = step(entry).unwrap().text(STATION_AE_TITLE);
            let stationed = narrowing.station.as_ref().is_none_or(|title| at.is_none_or(|at| at == *title));
            // Of a patient's few entries all are looked at.
            (stationed || narrowing.patient_id.is_some())
                && narrowing.patient_id.as_ref().is_none_or(|id| *id == entry.item.text(Tag::PATIENT_ID).unwrap())
                && narrowing.from.is_none_or(|from| entry.starts_at.date() >= from)
                && narrowing.to.is_none_or(|to| entry.starts_at.date() <= to)
        };
        let expected: Vec<u32> = (0..).zip(&index.entries).filter(|(_, e)| is_it(e)).map(|(place, _)| place).collect();
        prop_assert_eq!(index.candidates(&narrowing), expected);
    }
}
