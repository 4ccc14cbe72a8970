//! Orders that are made once.

use serde_json::json;

use super::samples::{of, order};
use crate::testing::{Play, Server, answer, json};
use crate::*;

fn found(orders: &serde_json::Value) -> Play {
    json(&json!({"Success": true, "SearchResultList": orders}))
}

fn made() -> Play {
    json(&json!({"Success": true, "PatientOrderUuid": "new"}))
}

fn paths(server: &Server) -> Vec<String> {
    let path = |line: &str| line.split(' ').nth(1).unwrap().trim_start_matches("/dicomweb").to_owned();
    server.seen().iter().map(|seen| path(&seen.line)).collect()
}

#[tokio::test]
async fn an_order_is_made_where_there_is_none_like_it() {
    let others = [
        json!([]),
        json!([{"PatientOrderUuid": "a", "AccessionNumber": "ACC10", "PatientId": "PID1"}]),
        json!([{"PatientOrderUuid": "a", "AccessionNumber": "ACC1", "PatientId": "PID10"}]),
        json!([{"PatientOrderUuid": "a", "AccessionNumber": "ACC2"}]),
    ];
    for other in others {
        let server = Server::start([found(&other), made()]).await;
        let once = server.client().create_order_once(order("DOE")).await.unwrap();
        let Once::Created(created) = once else { panic!("{other}: {once:?}") };
        assert_eq!(created.uuid.unwrap().as_str(), "new");
        assert_eq!(paths(&server), ["/getpatientorderlist", "/createpatientorder"]);
    }
}

#[tokio::test]
async fn an_order_that_is_there_is_not_made_again() {
    let same = json!([
        {"PatientOrderUuid": "a", "AccessionNumber": "ACC10", "PatientId": "PID1"},
        {"PatientOrderUuid": "b", "OrderAccessionNumber": " ACC1 ", "PatientID": "PID1"}
    ]);
    let server = Server::start([found(&same)]).await;
    let once = server.client().create_order_once(order("DOE")).await.unwrap();
    let Once::Existed(existing) = once else { panic!("{once:?}") };
    assert_eq!(existing.uuid.unwrap().as_str(), "b");
    let seen = server.seen();
    let value = seen[0].header("GetPatientOrderListParameters").unwrap();
    let expected = r#"{"InstitutionUuidList":"[\"inst-1\"]","PatientName":"","PatientId":"PID1","OtherPatientId":"","AccessionNumber":"ACC1","ModalityList":"[\"\"]","StudyDateFrom":"","StudyDateTo":"","PatientBirthdateFrom":"","PatientBirthdateTo":""}"#;
    assert_eq!(std::str::from_utf8(value).unwrap(), expected);
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn orders_that_say_too_little_are_asked_for_more() {
    let scant = json!([{"PatientOrderUuid": "a", "PatientName": "DOE"}]);
    let properties = |accession_number: &str| {
        json(&json!({"PatientOrderUuid": "a", "AccessionNumber": accession_number, "PatientId": "PID1"}))
    };
    let server = Server::start([found(&scant), properties("ACC1")]).await;
    assert!(matches!(server.client().create_order_once(order("DOE")).await.unwrap(), Once::Existed(_)));
    assert_eq!(paths(&server), ["/getpatientorderlist", "/getpatientorderproperties"]);

    let server = Server::start([found(&scant), properties("ACC2"), made()]).await;
    assert!(matches!(server.client().create_order_once(order("DOE")).await.unwrap(), Once::Created(_)));

    for silent in [answer(403, "", ""), json(&json!({"PatientOrderUuid": "a"})), answer(200, "", "")] {
        let server = Server::start([found(&scant), silent.clone(), made()]).await;
        let once = server.client().create_order_once(order("DOE")).await.unwrap();
        assert!(matches!(&once, Once::Unclear(orders) if orders.len() == 1), "{once:?}");
        assert_eq!(server.seen().len(), 2, "nothing was made");

        let server = Server::start([found(&scant), silent]).await;
        let conventions = Conventions { unconfirmed: Unconfirmed::Same, ..Conventions::default() };
        let once = server.client_with(conventions).create_order_once(order("DOE")).await.unwrap();
        assert!(matches!(once, Once::Existed(_)), "{once:?}");
    }
}

#[tokio::test]
async fn nothing_is_made_after_a_search_that_says_nothing() {
    let unreadable = json!(["DOE"]);
    let server = Server::start([found(&unreadable), made()]).await;
    let once = server.client().create_order_once(order("DOE")).await.unwrap();
    assert!(matches!(&once, Once::Unclear(orders) if orders.is_empty()), "{once:?}");
    for play in [answer(500, "", ""), answer(200, "", "OK"), json(&json!({"Success": false}))] {
        let server = Server::start([play, made()]).await;
        assert!(server.client().create_order_once(order("DOE")).await.is_err());
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn an_order_without_a_number_cannot_be_made_once() {
    let server = Server::start([]).await;
    let mut request = order("DOE");
    request.accession_number = None;
    assert_eq!(search_before(&request), None);
    let error = server.client().create_order_once(request).await.unwrap_err();
    assert_eq!(error.to_string(), "AccessionNumber: a value is needed");
    assert!(server.seen().is_empty());
}

#[test]
fn decisions_follow_from_what_was_found() {
    let orders = |value| {
        let list = OrderList::read(value).unwrap();
        list.orders
    };
    let request = order("DOE");
    let same = json!({"PatientOrderUuid": "s", "AccessionNumber": "ACC1", "PatientId": "PID1"});
    let other = json!({"PatientOrderUuid": "d", "AccessionNumber": "ACC2", "PatientId": "PID1"});
    let silent = json!({"PatientOrderUuid": "u", "AccessionNumber": "ACC1"});
    assert_eq!(decide(&request, orders(json!([other]))), Decision::Create);
    assert!(
        matches!(decide(&request, orders(json!([silent, other, same]))), Decision::Exists(order) if order.uuid == Some(of("s")))
    );
    assert!(
        matches!(decide(&request, orders(json!([silent, other]))), Decision::Unclear(orders) if orders.len() == 1)
    );
    let compared: Vec<_> =
        orders(json!([same, other, silent])).iter().map(|order| compare(&request, order)).collect();
    assert_eq!(compared, [Comparison::Same, Comparison::Different, Comparison::Unstated]);
}
