//! Whether a call whose outcome is unknown took effect.

use serde_json::json;

use super::samples::{of, order};
use crate::request::*;
use crate::testing::{Play, Server, answer, json};
use crate::*;

async fn look_up(call: impl Into<Call>, plays: impl IntoIterator<Item = Play>) -> Result<Evidence, Error> {
    Server::start(plays).await.client().look_up(&call.into()).await
}

fn present(order: Option<&str>, folder: Option<&str>) -> Evidence {
    Evidence::Present { order: order.map(of), folder: folder.map(of) }
}

#[tokio::test]
async fn orders_show_whether_they_were_made() {
    let same = json!([{"PatientOrderUuid": "a", "AccessionNumber": "ACC1", "PatientId": "PID1"}]);
    assert_eq!(look_up(order("DOE"), [json(&same)]).await.unwrap(), present(Some("a"), None));
    assert_eq!(look_up(order("DOE"), [json(&json!([]))]).await.unwrap(), Evidence::Absent);
    let silent = json!([{"PatientName": "DOE"}]);
    assert_eq!(look_up(order("DOE"), [json(&silent)]).await.unwrap(), Evidence::Unaskable);
    let mut without = order("DOE");
    without.accession_number = None;
    assert_eq!(look_up(without, []).await.unwrap(), Evidence::Unaskable);
    assert!(look_up(order("DOE"), [answer(500, "", "")]).await.is_err());
}

#[tokio::test]
async fn folders_show_whether_they_were_made() {
    let create = || CreateFolder { name: of("F1"), description: None, parent: Some(of("top")) };
    let folders = |names: &[&str]| {
        let folders: Vec<_> =
            names.iter().map(|name| json!({"FolderUuid": format!("u-{name}"), "FolderName": name})).collect();
        json(&json!({"Folder": {"SubFolderList": folders}}))
    };
    assert_eq!(look_up(create(), [folders(&["F10", "F1"])]).await.unwrap(), present(None, Some("u-F1")));
    assert_eq!(look_up(create(), [folders(&["F10"])]).await.unwrap(), Evidence::Absent);
    assert_eq!(look_up(create(), [json(&json!([1]))]).await.unwrap(), Evidence::Unaskable);
}

#[tokio::test]
async fn folders_show_whether_an_order_is_in_them() {
    let add = || AddOrderToFolder { order: of("o"), folders: vec![of("f"), of("g")] };
    let holding = |orders: serde_json::Value| {
        json(&json!({"Folder": {"SubFolderList": [], "PatientOrderList": orders}}))
    };
    let (with, without) = (json!([{"PatientOrderUuid": "o"}]), json!([{"PatientOrderUuid": "p"}]));
    let nameless = json!([{"PatientName": "DOE"}]);
    let evidence = |first: &serde_json::Value, second: &serde_json::Value| {
        look_up(add(), [holding(first.clone()), holding(second.clone())])
    };
    assert_eq!(evidence(&with, &with).await.unwrap(), present(Some("o"), None));
    assert_eq!(evidence(&with, &without).await.unwrap(), Evidence::Absent);
    assert_eq!(evidence(&without, &with).await.unwrap(), Evidence::Absent);
    assert_eq!(evidence(&with, &nameless).await.unwrap(), Evidence::Unaskable);
    assert_eq!(look_up(add(), [json(&json!([]))]).await.unwrap(), Evidence::Unaskable);
}

#[tokio::test]
async fn a_deletion_is_believed_only_when_it_is_told() {
    let delete = || DeletePatientOrder { institution: of("i"), order: of("o") };
    let there = json(&json!({"Success": true, "PatientOrder": {"PatientOrderUuid": "o"}}));
    assert_eq!(look_up(delete(), [there]).await.unwrap(), Evidence::Absent);
    let gone = answer(404, "X-Error-Reason: no such order\r\n", "");
    assert_eq!(look_up(delete(), [gone]).await.unwrap(), present(Some("o"), None));
    let another = json(&json!({"PatientOrderUuid": "p"}));
    for vague in [json(&json!({})), json(&json!({"Success": false})), answer(200, "", "OK"), another] {
        assert_eq!(look_up(delete(), [vague]).await.unwrap(), Evidence::Unaskable);
    }
    assert!(look_up(delete(), [answer(404, "", "")]).await.is_err(), "the address may be wrong");
}

#[tokio::test]
async fn what_no_function_shows_is_not_asked_for() {
    let assign = AssignOrderToUser { order: of("o"), user: of("u") };
    assert_eq!(look_up(assign, []).await.unwrap(), Evidence::Unaskable);
    let read = GetPatientOrderProperties { institution: of("i"), order: of("o") };
    assert_eq!(look_up(read, []).await.unwrap(), Evidence::Absent);
}
