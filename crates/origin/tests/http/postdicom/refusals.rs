//! What the facts do not allow is refused, and says why.

use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, ROUTES, USERNAME, escaped, parameters, postdicom, reason, with};
use crate::served::Served;

/// Nothing may have changed: an order, a folder and no link.
async fn assert_untouched(served: &Served) {
    let orders = served.origin.orders().await.unwrap();
    assert_eq!(orders.len(), 1);
    assert!(orders[0].users.is_empty() && orders[0].user_groups.is_empty() && orders[0].folders.is_empty());
    assert_eq!(served.origin.folders().await.unwrap().len(), 1);
    assert!(served.origin.shares().await.unwrap().is_empty());
}

#[tokio::test]
async fn only_a_get_with_the_right_header_field_is_a_call() {
    let served = postdicom().await.with_order_and_folder().await;
    for (at, (function, path, header)) in ROUTES.into_iter().enumerate() {
        let value = escaped(&parameters(function));
        let other = ROUTES[(at + 1) % ROUTES.len()].2;
        let request = |method: Method, path: &str| {
            let url = format!("{}{path}", served.base);
            served.client.request(method, url).basic_auth(USERNAME, Some(PASSWORD))
        };
        let get = || request(Method::GET, path);
        let cases = [
            (request(Method::POST, path).header(header, &value), 405),
            (request(Method::PUT, path).header(header, &value), 405),
            (request(Method::HEAD, path).header(header, &value), 405),
            (get(), 400),
            (get().header(other, &value), 400),
            (get().header(header, &value).header(other, "{}"), 400),
            (get().header(header, &value).header(header, &value), 400),
            (get().header(header, &value).body("{}"), 400),
            (request(Method::GET, &format!("{path}?a=b")).header(header, &value), 400),
            (request(Method::GET, &format!("{path}/")).header(header, &value), 404),
            (request(Method::POST, path).body(value.clone()), 405),
            (get().header(header, "no JSON"), 400),
            (get().header(header, "[]"), 400),
            (get().header(header, format!("{value} ").repeat(2)), 400),
            (get().header(header, value.replacen('{', &format!("{{{}", " ".repeat(8192)), 1)), 431),
        ];
        for (case, (request, status)) in cases.into_iter().enumerate() {
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), status, "{function}, case {case}");
            assert!(reason(&response).is_some_and(|reason| !reason.is_empty()), "{function}, case {case}");
        }
    }
    assert_untouched(&served).await;
}

#[tokio::test]
async fn every_parameter_is_there_and_a_string() {
    let served = postdicom().await.with_order_and_folder().await;
    for (function, ..) in ROUTES {
        let given = parameters(function);
        for name in given.as_object().unwrap().keys() {
            let mut without = given.clone();
            without.as_object_mut().unwrap().remove(name);
            let mut of_other_types = [json!(true), json!(1), json!(["uuid-1"]), json!(null)]
                .map(|value| with(function, json!({name: value})));
            let mut cases = vec![(without, format!("{name}: it is missing"))];
            cases.extend(
                of_other_types.iter_mut().map(|one| (one.take(), format!("{name}: it is no string"))),
            );
            for (parameters, expected) in cases {
                let response = served.send(function, &parameters).await;
                assert_eq!(
                    (response.status().as_u16(), reason(&response)),
                    (400, Some(expected)),
                    "{parameters}"
                );
            }
        }
        let mut more = given.clone();
        more["Other"] = json!("");
        assert_eq!(served.send(function, &more).await.status(), 400);
    }
    assert_untouched(&served).await;
}

#[tokio::test]
async fn values_have_to_be_what_they_are_called() {
    let served = postdicom().await.with_order_and_folder().await;
    let cases: [(&str, Value, u16, &str); 30] = [
        ("CreatePatientOrder", json!({"InstitutionUuid": ""}), 400, "InstitutionUuid: it is required"),
        (
            "CreatePatientOrder",
            json!({"InstitutionUuid": "x"}),
            404,
            "InstitutionUuid: there is no such thing",
        ),
        ("CreatePatientOrder", json!({"PatientName": " "}), 400, "PatientName: it is required"),
        ("CreatePatientOrder", json!({"PatientId": ""}), 400, "PatientId: it is required"),
        ("CreatePatientOrder", json!({"PatientBirthdate": ""}), 400, "PatientBirthdate: it is required"),
        (
            "CreatePatientOrder",
            json!({"PatientBirthdate": "1980-02-30"}),
            400,
            "PatientBirthdate: it is no date YYYY-MM-DD",
        ),
        (
            "CreatePatientOrder",
            json!({"PatientBirthdate": "19800101"}),
            400,
            "PatientBirthdate: it is no date YYYY-MM-DD",
        ),
        ("CreatePatientOrder", json!({"Modality": ""}), 400, "Modality: it is required"),
        ("CreatePatientOrder", json!({"Modality": "CT\\MR"}), 400, "Modality: it is not one code"),
        ("CreatePatientOrder", json!({"Modality": "CT,MR"}), 400, "Modality: it is not one code"),
        ("CreatePatientOrder", json!({"PatientSex": "male"}), 400, "PatientSex: it is neither M nor F nor O"),
        (
            "CreatePatientOrder",
            json!({"AccessionNumber": "12345678901234567"}),
            400,
            "AccessionNumber: it is longer than 16 characters",
        ),
        (
            "CreatePatientOrder",
            json!({"OrderScheduledDatetime": "2026-01-02"}),
            400,
            "OrderScheduledDatetime: it is no date and time YYYY-MM-DD HH:MM",
        ),
        (
            "CreatePatientOrder",
            json!({"ScheduledEquipmentUuid": "x"}),
            404,
            "ScheduledEquipmentUuid: there is no such thing",
        ),
        (
            "GetPatientOrderList",
            json!({"ModalityList": "CT"}),
            400,
            "ModalityList: it is no JSON text of a list of strings",
        ),
        (
            "GetPatientOrderList",
            json!({"ModalityList": "CT,MR"}),
            400,
            "ModalityList: it is no JSON text of a list of strings",
        ),
        (
            "GetPatientOrderList",
            json!({"InstitutionUuidList": "[\"x\"]"}),
            404,
            "InstitutionUuidList: there is no such thing",
        ),
        (
            "GetPatientOrderList",
            json!({"StudyDateFrom": "2026/01/01"}),
            400,
            "StudyDateFrom: it is no date YYYY-MM-DD",
        ),
        (
            "GetPatientOrderList",
            json!({"StudyDateFrom": "2026-02-01", "StudyDateTo": "2026-01-01"}),
            400,
            "StudyDateTo: it is before the date that the range begins with",
        ),
        (
            "GetPatientOrderList",
            json!({"PatientBirthdateTo": "1"}),
            400,
            "PatientBirthdateTo: it is no date YYYY-MM-DD",
        ),
        ("CreateShareLink", json!({"ExpireDate": ""}), 400, "ExpireDate: it is required"),
        (
            "CreateShareLink",
            json!({"Downloadable": "yes"}),
            400,
            "Downloadable: it is neither true nor false",
        ),
        ("CreateShareLink", json!({"PatientOrderInfoList": ""}), 400, "PatientOrderInfoList: it is required"),
        (
            "SharePatientOrderWithUrl",
            json!({"ExpireDate": "31.12.2026"}),
            400,
            "ExpireDate: it is no date YYYY-MM-DD",
        ),
        (
            "SharePatientOrderWithUrl",
            json!({"OrderUuidList": "uuid-1"}),
            400,
            "OrderUuidList: it is no JSON text of a list of strings",
        ),
        ("ShareFolderWithUrl", json!({"FolderUuid": ""}), 400, "FolderUuid: it is required"),
        ("CreateFolder", json!({"FolderName": ""}), 400, "FolderName: it is required"),
        (
            "SearchFolder",
            json!({"GetOrdersInFolder": "1"}),
            400,
            "GetOrdersInFolder: it is neither true nor false",
        ),
        ("AddOrderToFolder", json!({"FolderUuidList": "[\"\"]"}), 400, "FolderUuidList: it is required"),
        (
            "AddOrderToFolder",
            json!({"FolderUuidList": "folder-1"}),
            400,
            "FolderUuidList: it is no JSON text of a list of strings",
        ),
    ];
    for (function, others, status, expected) in cases {
        assert_eq!(
            served.refused(function, others.clone()).await,
            (status, expected.to_owned()),
            "{function} {others}"
        );
    }
    assert_untouched(&served).await;
}

#[tokio::test]
async fn nobody_is_let_in_without_credentials() {
    let served = postdicom().await.with_order_and_folder().await;
    let wrong = [("user@example.org", "password:1"), ("other", PASSWORD)];
    for (function, path, header) in ROUTES {
        let request = || served.get(path).header(header, escaped(&parameters(function)));
        let mut requests = vec![request(), request().bearer_auth("token")];
        requests.extend(wrong.map(|(username, password)| request().basic_auth(username, Some(password))));
        for request in requests {
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 401, "{function}");
            assert_eq!(reason(&response).as_deref(), Some("credentials are required"));
        }
    }
    for path in ["/studies?00100020=P", "/studies/1.2", "/", "/nothing"] {
        assert_eq!(served.status(path).await, 401, "{path}");
    }
    assert_untouched(&served).await;
}

#[tokio::test]
async fn an_origin_without_given_credentials_makes_them_up() {
    let folder = tempfile::tempdir().unwrap();
    let open = || origin::Origin::open(folder.path(), origin::Personality::PostDicom).unwrap();
    let passwords = [open(), open()].map(|origin| origin.credentials().unwrap().password.clone());
    assert!(passwords[0] != passwords[1] && passwords.iter().all(|password| password.len() == 32));
}

#[tokio::test]
async fn a_list_that_would_be_cut_is_refused() {
    let served = super::postdicom_with(|options| options.limits.matches_max = 2).await;
    for count in 1..=3 {
        served.call("CreatePatientOrder", json!({})).await;
        served.call("CreateFolder", json!({})).await;
        let status = if count > 2 { 413 } else { 200 };
        for function in ["GetPatientOrderList", "SearchFolder"] {
            assert_eq!(served.send(function, &parameters(function)).await.status(), status);
        }
    }
}
