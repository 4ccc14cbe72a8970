//! The same answers in every shape.

use dataset::element::VR;
use instance::Tag;
use origin::postdicom::AnswerShape;
use serde_json::{Value, json};

use super::{file, parameters, postdicom_with, with};
use crate::served::Served;

async fn text(served: &Served, function: &str, others: Value) -> String {
    let response = served.send(function, &with(function, others)).await;
    assert_eq!(response.status(), 200, "{function}");
    response.text().await.unwrap()
}

/// The answer behind its wrapping, and whether there was any text.
fn opened(shape: AnswerShape, text: &str) -> Value {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    match shape {
        AnswerShape::Result => json(text)["Result"].take(),
        AnswerShape::ResponseMessage => json(text)["ResponseMessage"].take(),
        AnswerShape::ResponseText => json(json(text)["ResponseMessage"].as_str().unwrap()),
        _ => json(text),
    }
}

#[tokio::test]
async fn every_shape_says_the_same() {
    for (shape, name) in AnswerShape::all() {
        let served = postdicom_with(|options| options.postdicom.answer_shape = shape).await;
        let served = served.with_order_and_folder().await;
        served
            .upload(&file(
                "1.2.3",
                1,
                &[(Tag::PATIENT_NAME, VR::PN, "Doe^Jane"), (Tag::PATIENT_ID, VR::LO, "P1")],
            ))
            .await;
        let wrapped = matches!(
            shape,
            AnswerShape::SearchResult | AnswerShape::ResponseMessage | AnswerShape::ResponseText
        );
        let within =
            |answer: &Value, member: &str| if wrapped { answer[member].clone() } else { answer.clone() };

        let created = text(&served, "CreatePatientOrder", json!({})).await;
        let uuid = served.origin.orders().await.unwrap().last().unwrap().uuid.clone();
        match shape {
            AnswerShape::Text => assert_eq!(created, "Created."),
            AnswerShape::Empty => assert_eq!(created, ""),
            _ => assert_eq!(within(&opened(shape, &created), "PatientOrderUuid"), json!(uuid), "{name}"),
        }
        let done = text(&served, "AssignOrderToUser", json!({})).await;
        match shape {
            AnswerShape::Text => assert_eq!(done, "OK"),
            AnswerShape::Empty => assert_eq!(done, ""),
            AnswerShape::Array | AnswerShape::Result => assert_eq!(opened(shape, &done), "OK"),
            _ => assert_eq!(opened(shape, &done), json!({"Success": true, "Message": ""})),
        }
        let link = text(&served, "CreateShareLink", json!({})).await;
        let link =
            if shape == AnswerShape::Text { json!(link) } else { within(&opened(shape, &link), "Result") };
        assert!(link.as_str().unwrap().starts_with(&served.base), "{name}");

        let list = opened(shape, &text(&served, "GetPatientOrderList", json!({"PatientId": "PID1"})).await);
        let list = within(&list, "SearchResultList");
        assert_eq!(list.as_array().unwrap().len(), 1, "{name}");
        let patient = match shape {
            AnswerShape::SearchResult => &list[0]["PatientID"],
            AnswerShape::ResponseMessage | AnswerShape::ResponseText => &list[0]["IdentityInformation"]["Id"],
            _ => &list[0]["PatientId"],
        };
        assert_eq!((patient, &list[0]["PatientOrderUuid"]), (&json!("PID1"), &json!(uuid)), "{name}");
        let none = text(&served, "GetPatientOrderList", json!({"PatientId": "nobody"})).await;
        match shape {
            AnswerShape::Empty => assert_eq!(none, ""),
            _ => assert_eq!(within(&opened(shape, &none), "SearchResultList"), json!([])),
        }

        let shown = opened(shape, &text(&served, "GetPatientOrderProperties", json!({})).await);
        let shown = within(&shown, "PatientOrder");
        assert_eq!(
            (&shown["PatientOrderUuid"], &shown["AssignedUserUuidList"]),
            (&json!("uuid-1"), &json!(["user-1"]))
        );

        let folders = opened(shape, &text(&served, "SearchFolder", json!({"FolderName": "one"})).await);
        let folders = within(&folders, "Folder");
        assert_eq!(folders["SubFolderList"][0]["FolderUuid"], "folder-1", "{name}");
        assert_eq!(folders["PatientOrderList"], json!([]));

        let order = served.origin.orders().await.unwrap()[1].uuid.clone();
        let tags = text(&served, "GetDicomTagContent", json!({"PatientOrderUuid": order})).await;
        let tags = opened(shape, &tags);
        let value = if wrapped {
            &tags["DicomTagContentList"][0]["DicomTagContent"]
        } else {
            &tags[0]["00100010"]["Value"][0]["Alphabetic"]
        };
        assert_eq!(value, "Doe^Jane", "{name}");
    }
}

#[tokio::test]
async fn failures_may_stand_in_the_answer() {
    let served = postdicom_with(|options| options.postdicom.failures_in_band = true).await;
    let response = served.send("DeletePatientOrder", &parameters("DeletePatientOrder")).await;
    assert_eq!(response.status(), 200);
    let said: Value = response.json().await.unwrap();
    assert_eq!(said, json!({"Success": false, "Message": "PatientOrderUuid: there is no such thing"}));
}
