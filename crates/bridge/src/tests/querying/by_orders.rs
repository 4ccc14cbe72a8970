//! Queries at an origin that searches by patient, study and series alone, and has a list of orders.

use dataset::character_set::CharacterSet;
use dataset::element::VR;
use dimse::{
    Status,
    acse::{InformationModel, QueryRetrieveOptions},
};
use instance::Tag;

use super::{
    scripted::{Scripted, page, result},
    workstation::{MODALITIES, STUDY_SERIES, Workstation, identifier},
};
use crate::{Config, tests::postdicom::by_orders};

const UID: (Tag, VR, &str) = (Tag::STUDY_INSTANCE_UID, VR::UI, "");

type Element = (Tag, VR, &'static str);

fn study(uid: &str, id: &str, name: &str, date: &str, accession: &str) -> String {
    result(&[
        ("0020000D", "UI", uid),
        ("00100020", "LO", id),
        ("00100010", "PN", name),
        ("00080020", "DA", date),
        ("00080050", "SH", accession),
    ])
}

fn series(uid: &str, modality: &str) -> String {
    result(&[("0020000E", "UI", uid), ("00080060", "CS", modality)])
}

/// The orders of four patients, one of whom has no study yet.
const ORDERS: &str = r#"{"Success":true,"SearchResultList":[
    {"PatientOrderUuid":"u1","PatientName":"DOE^JOHN","PatientId":"P 1","StudyInstanceUid":"2.25.1"},
    {"PatientOrderUuid":"u2","PatientName":"DOE^JOHN","PatientId":"P 1"},
    {"PatientOrderUuid":"u3","PatientName":"DOE^JANE","PatientId":"P2"},
    {"PatientOrderUuid":"u4","PatientName":"ROE^X","PatientId":"P3","StudyInstanceUid":"1.4"},
    {"PatientOrderUuid":"u5","PatientName":"DOE^NEW","PatientId":"P4","StudyInstanceUid":"2.25.5"}]}"#;

fn first() -> String {
    study("1.1", "P 1", "DOE^JOHN", "20240105", "A1")
}

fn second() -> String {
    study("1.2", "P 1", "DOE^JOHN", "20230101", "A2")
}

fn answer(path: &str) -> (u16, String) {
    match path {
        _ if path.starts_with("/getpatientorderlist ") => (200, ORDERS.to_owned()),
        "/studies?00100020=P%201" => page(path, [first(), second()]),
        "/studies?0020000D=1.1" => page(path, [first()]),
        "/studies?0020000D=1.2" => page(path, [second()]),
        "/studies?00100020=P2" | "/studies?0020000D=1.3" => {
            page(path, [study("1.3", "P2", "DOE^JANE", "20240106", "A3")])
        }
        "/studies?00100020=P3" | "/studies?0020000D=1.4" => {
            page(path, [study("1.4", "P3", "ROE^X", "20240106", "A4")])
        }
        "/studies/series?0020000D=1.1" => page(path, [series("1.1.1", "CT"), series("1.1.2", "SR")]),
        "/studies/series/instances?0020000E=1.1.1" => page(path, [result(&[("00080018", "UI", "1.1.1.1")])]),
        _ if path.starts_with("/studies/series?") => page(path, [series("1.9.1", "MR")]),
        _ => page(path, []),
    }
}

async fn asked(
    origin: &Scripted,
    change: impl FnOnce(&mut Config),
    query: &[Element],
) -> super::workstation::Found {
    let site = origin
        .site(|config| {
            by_orders(config, None);
            change(config);
        })
        .await;
    Workstation::at(&site).await.find(&identifier("STUDY", query)).await
}

/// The parameter of the list of orders, as JSON text.
fn parameters(origin: &Scripted) -> Vec<String> {
    let lists = origin.asked().into_iter();
    lists.filter_map(|path| path.strip_prefix("/getpatientorderlist ").map(str::to_owned)).collect()
}

#[tokio::test]
async fn what_the_search_cannot_be_asked_is_found_by_patients() {
    type Row = (&'static [Element], &'static [&'static str], &'static [&'static str]);
    let rows: &[Row] = &[
        (
            &[UID, (Tag::PATIENT_NAME, VR::PN, "doe^j*")],
            &[r#""PatientName":"doe^j""#],
            &["1.1", "1.2", "1.3"],
        ),
        (&[UID, (Tag::PATIENT_NAME, VR::PN, "*e^x")], &[r#""PatientName":"""#], &["1.4"]),
        (
            &[UID, (Tag::STUDY_DATE, VR::DA, "20240106")],
            &[r#""StudyDateFrom":"2024-01-05","StudyDateTo":"2024-01-07""#],
            &["1.3", "1.4"],
        ),
        (&[UID, (Tag::ACCESSION_NUMBER, VR::SH, "A2")], &[r#""AccessionNumber":"A2""#], &["1.2"]),
        (&[UID, (MODALITIES, VR::CS, "CT")], &[r#""ModalityList":"[\"\"]""#], &["1.1"]),
        (&[UID, (Tag::PATIENT_ID, VR::LO, "P?")], &[r#""PatientId":"""#], &["1.3", "1.4"]),
        (&[UID, (STUDY_SERIES, VR::IS, "2")], &[r#""PatientName":"""#], &["1.1"]),
        // Nothing narrows: everybody who has an order.
        (&[UID], &[r#""PatientName":"""#, r#""StudyDateFrom":"""#], &["1.1", "1.2", "1.3", "1.4"]),
    ];
    for (query, asks, expected) in rows {
        let origin = Scripted::new(answer);
        let found = asked(&origin, |_| {}, query).await.whole();
        assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), *expected, "{query:?}");
        let lists = parameters(&origin);
        assert_eq!(lists.len(), 1, "{query:?}");
        assert!(asks.iter().all(|ask| lists[0].contains(ask)), "{query:?}: {lists:?}");
        let by_patient = origin.asked().iter().filter(|path| path.starts_with("/studies?00100020=")).count();
        assert_eq!(by_patient, 4, "each patient once: {:?}", origin.asked());
        let uids = found.values(Tag::STUDY_INSTANCE_UID);
        assert!(uids.iter().all(|uid| !uid.starts_with("2.25.")), "an order is no study");
    }
}

#[tokio::test]
async fn letters_of_any_script_are_asked_for() {
    let origin = Scripted::new(answer);
    let query = [UID, (Tag::PATIENT_NAME, VR::PN, "Müller山\"*")];
    asked(&origin, |_| {}, &query).await.whole();
    let lists = parameters(&origin);
    assert!(lists[0].contains(r#""PatientName":"M\u00fcller\u5c71\"""#), "{lists:?}");
}

#[tokio::test]
async fn what_the_search_can_be_asked_needs_no_orders() {
    type Row = (&'static [Element], &'static [&'static str], &'static [&'static str]);
    let rows: &[Row] = &[
        (&[UID, (Tag::PATIENT_ID, VR::LO, "P 1")], &["/studies?00100020=P%201"], &["1.1", "1.2"]),
        (
            &[UID, (Tag::PATIENT_ID, VR::LO, "P 1"), (Tag::STUDY_DATE, VR::DA, "20230101-")],
            &["/studies?00100020=P%201"],
            &["1.1", "1.2"],
        ),
        (&[(Tag::STUDY_INSTANCE_UID, VR::UI, "1.4")], &["/studies?0020000D=1.4"], &["1.4"]),
        // One key in each search, and the other one is matched here.
        (
            &[(Tag::STUDY_INSTANCE_UID, VR::UI, "1.4"), (Tag::PATIENT_ID, VR::LO, "P3")],
            &["/studies?0020000D=1.4"],
            &["1.4"],
        ),
        (
            &[(Tag::STUDY_INSTANCE_UID, VR::UI, "1.4"), (Tag::PATIENT_ID, VR::LO, "P2")],
            &["/studies?0020000D=1.4"],
            &[],
        ),
    ];
    for (query, asks, expected) in rows {
        let origin = Scripted::new(answer);
        let found = asked(&origin, |_| {}, query).await.whole();
        assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), *expected, "{query:?}");
        assert_eq!(origin.asked(), *asks, "{query:?}");
    }
}

#[tokio::test]
async fn patients_series_and_images_are_found_over_their_studies() {
    let origin = Scripted::new(answer);
    let site = origin.site(|config| by_orders(config, None)).await;
    let relational = QueryRetrieveOptions { relational: true, ..QueryRetrieveOptions::default() };
    let mut workstation = Workstation::with(&site, relational).await;
    let by_date = (Tag::STUDY_DATE, VR::DA, "20240105");

    let patients =
        identifier("PATIENT", &[(Tag::PATIENT_ID, VR::LO, ""), (Tag::PATIENT_NAME, VR::PN, "DOE*")]);
    let root = InformationModel::PatientRoot;
    let found = workstation.find_in(root, &patients, &CharacterSet::utf_8()).await.whole();
    assert_eq!(found.values(Tag::PATIENT_ID), ["P 1", "P2"]);

    let all = identifier(
        "SERIES",
        &[(Tag::SERIES_INSTANCE_UID, VR::UI, ""), by_date, (Tag::MODALITY, VR::CS, "CT")],
    );
    let found = workstation.find(&all).await.whole();
    assert_eq!(found.values(Tag::SERIES_INSTANCE_UID), ["1.1.1"]);

    let of_study = [(Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"), (Tag::SERIES_INSTANCE_UID, VR::UI, "")];
    let found = workstation.find(&identifier("SERIES", &of_study)).await.whole();
    assert_eq!(found.values(Tag::SERIES_INSTANCE_UID), ["1.1.1", "1.1.2"]);

    let of_series = [
        (Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"),
        (Tag::SERIES_INSTANCE_UID, VR::UI, "1.1.1"),
        (Tag::SOP_INSTANCE_UID, VR::UI, ""),
    ];
    for elements in [&of_series[..], &[of_series[0], of_series[2]], &[of_series[2], by_date]] {
        let found = workstation.find(&identifier("IMAGE", elements)).await.whole();
        assert_eq!(found.values(Tag::SOP_INSTANCE_UID), ["1.1.1.1"], "{elements:?}");
    }
    for path in origin.asked() {
        let keys =
            path.split_once('?').map_or("", |(_, query)| query).split('&').filter(|key| !key.is_empty());
        assert_eq!(keys.count(), usize::from(!path.starts_with("/get")), "one key and nothing else: {path}");
    }
}

#[tokio::test]
async fn too_many_patients_are_too_much() {
    let origin = Scripted::new(answer);
    let few = |config: &mut Config| config.origins[0].postdicom.as_mut().unwrap().patients_max = 3;
    let found = asked(&origin, few, &[UID]).await;
    assert_eq!((found.last.status, found.results.len()), (Status(0xA700), 0));
    assert_eq!(
        found.last.error_comment.as_deref(),
        Some("more than 3 patients to ask for, narrow the query")
    );
    assert!(origin.asked().iter().all(|path| path.starts_with("/getpatientorderlist ")));
}

#[tokio::test]
async fn a_list_of_orders_that_fails_is_no_success() {
    let rows: [(u16, &str, u16); 9] = [
        (500, "", 0xA700),
        (503, "", 0xA700),
        (401, "", 0x0124),
        (404, "", 0x0124),
        (400, "", 0xC001),
        (200, r#"{"Success":false,"Message":"no"}"#, 0xC001),
        (200, "<html>Please log in", 0x0124),
        (200, "Orders: none", 0xC000),
        (200, r#"{"Result":"?"}"#, 0xC000),
    ];
    for (status, body, expected) in rows {
        let origin = Scripted::new(move |path| match path.starts_with("/getpatientorderlist ") {
            true => (status, body.to_owned()),
            false => answer(path),
        });
        let found = asked(&origin, |_| {}, &[UID]).await;
        assert_eq!(found.last.status, Status(expected), "{status} {body}: {:?}", found.last);
        assert_eq!(found.results.len(), 0);
    }
    // Without the vendor's own end points nothing can be asked at all.
    let origin = Scripted::new(answer);
    let found = asked(&origin, |config| config.origins[0].postdicom = None, &[UID]).await;
    assert_eq!(found.last.status, Status(0xC002), "{:?}", found.last);
    assert_eq!(origin.asked(), [""; 0]);
}

#[tokio::test]
async fn an_order_that_does_not_say_whose_it_is_is_looked_up() {
    let list = r#"[{"PatientOrderUuid":"u1","InstitutionUuid":"i1","PatientName":"DOE^JOHN"},{"PatientOrderUuid":"u4","StudyInstanceUid":"1.4"}]"#;
    for (properties, whole) in
        [(r#"{"PatientOrderUuid":"u1","PatientId":"P 1"}"#, true), ("{\"PatientOrderUuid\":\"u1\"}", false)]
    {
        let origin = Scripted::new(move |path| match path.split(' ').next().unwrap() {
            "/getpatientorderlist" => (200, list.to_owned()),
            "/getpatientorderproperties" => (200, properties.to_owned()),
            _ => answer(path),
        });
        let found = asked(&origin, |_| {}, &[UID]).await;
        let expected: &[&str] = if whole { &["1.1", "1.2", "1.4"] } else { &["1.4"] };
        assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), expected);
        assert_eq!(found.last.status, Status(if whole { 0 } else { 0xC000 }), "{:?}", found.last);
    }
}

#[tokio::test]
async fn one_patient_who_cannot_be_asked_for_fails_the_query() {
    let origin = Scripted::new(|path| match path {
        "/studies?00100020=P3" => (404, String::new()),
        _ => answer(path),
    });
    let found = asked(&origin, |_| {}, &[UID]).await;
    assert_ne!(found.last.status, Status::SUCCESS);
    let tolerant =
        |config: &mut Config| config.origins[0].client.profile.search.nothing_found_statuses = vec![404];
    let found = asked(&origin, tolerant, &[UID]).await.whole();
    assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), ["1.1", "1.2", "1.3"]);
}
