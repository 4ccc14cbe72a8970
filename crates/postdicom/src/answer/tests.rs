//! Answers of any shape.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::conventions::EmptyAnswer;
use crate::{Call, FolderUuid, OrderUuid};

/// Names that mean something in answers, and some that do not.
const NAMES: &[&str] = &[
    "Success",
    "Message",
    "ResponseCode",
    "ResponseMessage",
    "Result",
    "SearchResultList",
    "Folder",
    "SubFolderList",
    "PatientOrderList",
    "PatientOrderUuid",
    "FolderUuid",
    "FolderName",
    "PatientName",
    "IdentityInformation",
    "Id",
    "00100010",
    "Value",
    "Tag",
    "else",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z0-9-]{0,8}|https://x|2026-01-02|\\[\\]|\\{\\}|null|\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let member = (proptest::sample::select(NAMES), inner.clone());
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec(member, 0..6).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
            inner.prop_map(|inner| Value::from(inner.to_string())),
        ]
    })
}

/// Every reader that there is, on the same body.
fn read_in_every_way(body: &[u8]) {
    if let Ok(Some(value)) = json(body, EmptyAnswer::NothingFound) {
        let _ = failure(&value);
        let _ = OrderList::read(value.clone());
        let _ = FolderList::read(value.clone());
        let _ = TagContent::read(value);
    }
    let _ = Created::<OrderUuid>::read(body, &["patientorderuuid"]);
    let _ = Created::<FolderUuid>::read(body, &["folderuuid"]);
    let _ = ShareLink::read(body);
    let _ = Call::restore(body);
}

proptest! {
    #[test]
    fn no_answer_breaks_a_reader(value in any_json()) {
        read_in_every_way(value.to_string().as_bytes());
    }

    #[test]
    fn no_bytes_break_a_reader(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_in_every_way(&body);
    }

    #[test]
    fn orders_are_found_under_any_wrapping(
        count in 0_usize..20,
        list in proptest::sample::select(vec!["SearchResultList", "PatientOrderList", "patient_order_list", "ORDERLIST"]),
        wrappers in proptest::collection::vec((proptest::sample::select(vec!["Result", "ResponseMessage", "Data", "Folder"]), any::<bool>()), 0..3),
    ) {
        let orders: Vec<_> = (0..count).map(|number| json!({"PatientOrderUuid": format!("o-{number}"), "PatientName": "DOE"})).collect();
        let mut answer = json!({"Success": true, "Message": "", list: orders});
        for (name, folded) in wrappers {
            let inner = if folded { Value::from(answer.to_string()) } else { answer };
            answer = json!({"ResponseCode": 1, name: inner});
        }
        let found = OrderList::read(answer).unwrap();
        prop_assert_eq!((found.orders.len(), found.skipped), (count, 0));
        prop_assert!(found.orders.iter().all(|order| order.uuid.is_some() && order.patient_name.is_some()));
    }

    #[test]
    fn outlines_name_only_what_is_the_vendors(name in "[A-Z]{3,10}\\^[A-Z]{3,10}", number in 1000_u32..) {
        let value = json!({"Success": [{name.clone(): {"PatientName": name, "PatientId": number}}], "Message": name});
        let outline = shape::outline(&value);
        prop_assert!(!outline.contains(&name) && !outline.contains(&number.to_string()), "{}", outline);
    }
}
