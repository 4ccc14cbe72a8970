//! Lists that do not fit one request, and values that are not sent.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::samples::{of, order};
use crate::request::*;
use crate::testing::{Play, Server, answer, json};
use crate::*;

fn uuids<T: std::str::FromStr<Err = Fault>>(count: usize) -> Vec<T> {
    (0..count).map(|number| of(&format!("00000000-0000-4000-8000-{number:012}"))).collect()
}

fn share(count: usize) -> SharePatientOrderWithUrl {
    SharePatientOrderWithUrl {
        orders: uuids(count),
        expires: of("2026-12-31"),
        password: Some(of("pw")),
        user_can_download_studies: false,
    }
}

/// The elements of a list in a captured field.
fn list(value: &[u8], name: &str) -> Vec<String> {
    let parameters: Value = serde_json::from_slice(value).unwrap();
    serde_json::from_str(parameters[name].as_str().unwrap()).unwrap()
}

#[test]
fn parts_fit_and_together_say_the_same() {
    let conventions = Conventions::default();
    let calls: Vec<(Call, &str)> = vec![
        (share(1000).into(), "OrderUuidList"),
        (AddOrderToFolder { order: of("o"), folders: uuids(1000) }.into(), "FolderUuidList"),
        (
            GetPatientOrderList {
                institutions: uuids(1000),
                modalities: of("CT,MR"),
                ..GetPatientOrderList::default()
            }
            .into(),
            "InstitutionUuidList",
        ),
        (
            GetDicomTagContent {
                institution: of("i"),
                order: of("o"),
                series: None,
                tags: (0..1000_u32).map(|tag| instance::Tag::from(tag).into()).collect(),
            }
            .into(),
            "DicomTagIdList",
        ),
    ];
    for (call, name) in calls {
        let function = call.function();
        assert!(matches!(Prepared::new(&call, &conventions), Err(Error::TooLong { .. })));
        let parts = call.split(&conventions).unwrap();
        let mut all = Vec::new();
        for part in &parts {
            let prepared = Prepared::new(part, &conventions).unwrap();
            let (header, value) = prepared.header.unwrap();
            assert!(header.len() + value.len() + 4 <= conventions.header_bytes_max);
            assert_eq!(part.share_password().is_some(), function == Function::SharePatientOrderWithUrl);
            all.extend(list(value.as_bytes(), name));
        }
        assert!(parts.len() > 1 && parts.len() <= 16, "{function}: {}", parts.len());
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (1000, 1000), "{function}");
    }
    assert_eq!(Call::from(share(100)).split(&conventions).unwrap().len(), 1);
}

#[test]
fn what_cannot_be_taken_apart_is_refused() {
    let mut too_long = order("DOE");
    too_long.patient_complaints = Some(of(&"山".repeat(1024)));
    too_long.requested_procedure_description = Some(of(&"山".repeat(1024)));
    let call = Call::from(too_long);
    let error = call.clone().split(&Conventions::default()).unwrap_err();
    assert!(matches!(error, Error::TooLong { bytes_max: 7168, .. }), "{error}");
    assert_eq!(error.delivery(), Delivery::NeverLeft);
    assert_eq!(call.split(&Conventions::post_json()).unwrap().len(), 1, "a body has room");
    let narrow = Conventions { header_bytes_max: 10, ..Conventions::default() };
    assert!(matches!(Call::from(share(2)).split(&narrow), Err(Error::TooLong { .. })));
}

#[tokio::test]
async fn parts_are_sent_one_by_one_until_one_fails() {
    let link = |number: u32| answer(200, "", &format!("https://example.org/{number}"));
    let server =
        Server::start([link(1), link(2), link(3), link(4), link(5), link(6), link(7), link(8)]).await;
    let links = server.client().share_patient_order_with_url(share(1000)).await.unwrap();
    assert_eq!(links.len(), server.seen().len());
    assert_eq!(links[1].expose(), Some("https://example.org/2"));

    let server = Server::start([link(1), Play::Hang]).await;
    let incomplete = server.client().share_patient_order_with_url(share(1000)).await.unwrap_err();
    assert_eq!(incomplete.done.len(), 1);
    assert_eq!((incomplete.done.len() + incomplete.rest.len(), server.seen().len()), (links.len(), 2));
    assert_eq!(incomplete.to_string(), format!("1 of {} parts: {}", links.len(), incomplete.error));
    let Call::SharePatientOrderWithUrl(first) = &incomplete.rest[0] else { panic!("{incomplete:?}") };
    let value = server.seen()[1].header("SharePatientOrderParameters").unwrap().to_vec();
    let failed: Vec<String> = first.orders.iter().map(ToString::to_string).collect();
    assert_eq!(list(&value, "OrderUuidList"), failed, "the first of the rest is the one that failed");
    assert_eq!(Error::from(incomplete).delivery(), Delivery::OutcomeUnknown);
}

#[tokio::test]
async fn parts_of_a_search_come_back_as_one() {
    let page = |uuids: &[&str]| {
        let orders: Vec<_> = uuids.iter().map(|uuid| json!({"PatientOrderUuid": uuid})).collect();
        json(&json!({"SearchResultList": orders}))
    };
    let server = Server::start([page(&["a", "b"]), page(&["b", "c"]), page(&[]), page(&["d"])]).await;
    let request = GetPatientOrderList { institutions: uuids(500), ..GetPatientOrderList::default() };
    let list = server.client().get_patient_order_list(request).await.unwrap();
    let found: Vec<_> = list.orders.iter().map(|order| order.uuid.as_ref().unwrap().as_str()).collect();
    assert_eq!((found, server.seen().len()), (vec!["a", "b", "c", "d"], 4));
}

#[tokio::test]
async fn wrong_values_are_named_and_never_sent() {
    let server = Server::start([]).await;
    let strict = Conventions { uuids: UuidForm::Rfc4122, list_items_max: 10, ..Conventions::default() };
    let client = server.client_with(strict);
    let cases: Vec<(Error, &str)> = vec![
        (
            client.share_patient_order_with_url(share(0)).await.unwrap_err().into(),
            "OrderUuidList: a value is needed",
        ),
        (
            client.share_patient_order_with_url(share(11)).await.unwrap_err().into(),
            "OrderUuidList: more than 10 values",
        ),
        (
            client
                .add_order_to_folder(AddOrderToFolder { order: uuids(1).remove(0), folders: Vec::new() })
                .await
                .unwrap_err()
                .into(),
            "FolderUuidList: a value is needed",
        ),
        (
            client.create_patient_order(order("DOE")).await.unwrap_err(),
            "InstitutionUuid: not a UUID of RFC 4122",
        ),
        (
            client
                .get_patient_order_list(GetPatientOrderList {
                    study_date_from: Some(of("2026-01-02")),
                    study_date_to: Some(of("2026-01-01")),
                    ..GetPatientOrderList::default()
                })
                .await
                .unwrap_err(),
            "StudyDateTo: the range ends before it begins",
        ),
        (
            client
                .get_patient_order_list(GetPatientOrderList {
                    patient_birthdate_from: Some(of("1980-01-02")),
                    patient_birthdate_to: Some(of("1980-01-01")),
                    ..GetPatientOrderList::default()
                })
                .await
                .unwrap_err(),
            "PatientBirthdateTo: the range ends before it begins",
        ),
    ];
    for (error, expected) in cases {
        assert_eq!(error.to_string(), expected);
        assert_eq!(
            (error.delivery(), error.remedy(SideEffect::Hidden)),
            (Delivery::NeverLeft, Remedy::Reject)
        );
    }
    assert!(server.seen().is_empty());
    let wrong = "1980-02-30".parse::<Date>().map_err(|fault| fault.at("PatientBirthdate")).unwrap_err();
    assert_eq!(wrong.to_string(), "PatientBirthdate: not a date of the form YYYY-MM-DD");
}

proptest! {
    #[test]
    fn parts_always_fit_and_lose_nothing(count in 1_usize..300, header_bytes_max in 250_usize..2000) {
        let conventions = Conventions { header_bytes_max, ..Conventions::default() };
        let request = share(count);
        let mut together = Vec::new();
        for part in Call::from(request.clone()).split(&conventions).unwrap() {
            prop_assert!(Prepared::new(&part, &conventions).is_ok());
            let Call::SharePatientOrderWithUrl(part) = part else { panic!("{part:?}") };
            prop_assert!(part.password.is_some());
            together.extend(part.orders);
        }
        prop_assert_eq!(together, request.orders);
    }
}
