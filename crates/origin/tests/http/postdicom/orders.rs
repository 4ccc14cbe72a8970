use std::collections::BTreeSet;

use dataset::element::VR;
use instance::Tag;
use serde_json::{Value, json};

use super::{ACCESSION_NUMBER, STUDY_DATE, file, names, postdicom, postdicom_with, with};

#[tokio::test]
async fn an_order_is_made_found_shown_and_deleted() {
    let served = postdicom().await;
    let made = served.call("CreatePatientOrder", json!({})).await;
    assert_eq!(made["Success"], true);
    let uuid = made["PatientOrderUuid"].as_str().unwrap().to_owned();
    let form: Vec<_> = uuid.split('-').map(str::len).collect();
    assert_eq!(form, [8, 4, 4, 4, 12], "{uuid}");
    assert!(uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");

    let listed = served.call("GetPatientOrderList", json!({})).await;
    let order = &listed["SearchResultList"][0];
    for (name, value) in [
        ("PatientOrderUuid", uuid.as_str()),
        ("PatientOrderInstitutionUuid", "inst-1"),
        ("PatientName", "DOE^JOHN"),
        ("PatientID", "PID1"),
        ("OtherPatientId", "OID"),
        ("PatientSex", "M"),
        ("PatientsBirthDate", "1980-01-02"),
        ("OrderModality", "CT"),
        ("StudyDescription", "CT HEAD"),
        ("OrderAccessionNumber", "ACC1"),
        ("PatientComplaints", "headache"),
        ("PerformedDatetime", "2026-01-02 10:30"),
        ("RequestedProcedureId", "RP1"),
        ("RequestingProcedureDescription", "CT head w/o"),
        ("RequestingPhysician", "DR^REQ"),
        ("ReferringPhysiciansName", "DR^REF"),
        ("ScheduledEquipmentUuid", "eq-1"),
    ] {
        assert_eq!(order[name], value, "{name}");
    }
    assert!(!names(order).contains(&"StudyInstanceUid"), "a list does not tell");

    let named = json!({"PatientOrderUuid": uuid});
    let shown = served.call("GetPatientOrderProperties", named.clone()).await;
    assert_eq!(shown["PatientOrder"]["PatientName"], "DOE^JOHN");
    assert_eq!(shown["PatientOrder"]["StudyInstanceUidList"], json!([]));
    let elsewhere = json!({"PatientOrderInstitutionUuid": "inst-2", "PatientOrderUuid": uuid});
    assert_eq!(served.refused("GetPatientOrderProperties", elsewhere.clone()).await.0, 404);
    assert_eq!(served.refused("DeletePatientOrder", elsewhere).await.0, 404);

    served.call("DeletePatientOrder", named.clone()).await;
    assert!(served.origin.orders().await.unwrap().is_empty());
    for function in ["DeletePatientOrder", "GetPatientOrderProperties"] {
        let (status, reason) = served.refused(function, named.clone()).await;
        assert_eq!((status, reason.as_str()), (404, "PatientOrderUuid: there is no such thing"));
    }
}

#[tokio::test]
async fn orders_are_found_by_each_parameter() {
    let served = postdicom().await;
    let rows = [
        json!({"PatientName": "Müller^Jürgen", "PatientId": "P1", "AccessionNumber": "A1", "Modality": "CT",
               "OrderScheduledDatetime": "2026-01-01 08:00", "PatientBirthdate": "1960-01-01"}),
        json!({"PatientName": "MUELLER^Eva", "PatientId": "P2", "AccessionNumber": "A2", "Modality": "MR",
               "OrderScheduledDatetime": "2026-01-31 23:59", "PatientBirthdate": "1970-06-15", "OtherPatientId": "X2"}),
        json!({"PatientName": "山田^太郎", "PatientId": "P3", "AccessionNumber": "", "Modality": "US",
               "OrderScheduledDatetime": "", "PatientBirthdate": "1980-12-31", "InstitutionUuid": "inst-2"}),
    ];
    let mut uuids = Vec::new();
    for row in rows {
        let made = served.call("CreatePatientOrder", row).await;
        uuids.push(made["PatientOrderUuid"].as_str().unwrap().to_owned());
    }
    let cases: [(Value, &[usize]); 22] = [
        (json!({}), &[0, 1, 2]),
        (json!({"InstitutionUuidList": ""}), &[0, 1, 2]),
        (json!({"InstitutionUuidList": "[\"inst-1\"]"}), &[0, 1]),
        (json!({"InstitutionUuidList": "[\"inst-1\",\"inst-2\"]"}), &[0, 1, 2]),
        (json!({"PatientName": "müller"}), &[0]),
        (json!({"PatientName": "ÜRG"}), &[0]),
        (json!({"PatientName": "ller^"}), &[0, 1]),
        (json!({"PatientName": "太"}), &[2]),
        (json!({"PatientName": "M*"}), &[]),
        (json!({"PatientName": "%"}), &[]),
        (json!({"PatientId": "P1"}), &[0]),
        (json!({"PatientId": "P"}), &[]),
        (json!({"OtherPatientId": "X2"}), &[1]),
        (json!({"AccessionNumber": "A2"}), &[1]),
        (json!({"AccessionNumber": "A2", "PatientId": "P1"}), &[]),
        (json!({"ModalityList": "[\"CT\",\"US\"]"}), &[0, 2]),
        (json!({"StudyDateFrom": "2026-01-01", "StudyDateTo": "2026-01-31"}), &[0, 1]),
        (json!({"StudyDateFrom": "2026-01-02"}), &[1]),
        (json!({"StudyDateTo": "2026-01-30"}), &[0]),
        (json!({"PatientBirthdateFrom": "1970-06-15", "PatientBirthdateTo": "1970-06-15"}), &[1]),
        (json!({"PatientBirthdateFrom": "1970-06-16"}), &[2]),
        (json!({"PatientBirthdateTo": "1969-12-31"}), &[0]),
    ];
    for (search, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|row| uuids[*row].clone()).collect();
        assert_eq!(served.orders(search.clone()).await, expected, "{search}");
    }
}

#[tokio::test]
async fn names_come_back_as_they_were() {
    let served = postdicom().await;
    let all = [
        "山田^太郎=やまだ^たろう",
        "Müller^Jürgen",
        "O\"Brien\\^Zoë'; DROP TABLE patient_order",
        "A\r\nX-Injected: yes\r\n\r\nGET / HTTP/1.1",
        "\t<b>&amp;</b>\u{1F600}",
        " leading and trailing ",
    ];
    for name in all {
        served.call("CreatePatientOrder", json!({"PatientName": name, "PatientComplaints": name})).await;
        let listed = served.call("GetPatientOrderList", json!({"PatientName": name})).await;
        let order = &listed["SearchResultList"][0];
        assert_eq!(
            (order["PatientName"].as_str(), order["PatientComplaints"].as_str()),
            (Some(name), Some(name))
        );
    }
    let kept = served.origin.orders().await.unwrap();
    assert_eq!(kept.iter().map(|order| order.ordered.patient_name.as_str()).collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn orders_made_at_the_same_time_are_two() {
    let served = postdicom().await;
    let (one, other) = tokio::join!(
        served.call("CreatePatientOrder", json!({})),
        served.call("CreatePatientOrder", json!({})),
    );
    assert_ne!(one["PatientOrderUuid"], other["PatientOrderUuid"]);
    assert_eq!(served.orders(json!({"AccessionNumber": "ACC1"})).await.len(), 2);
}

#[tokio::test]
async fn an_order_is_assigned_once_to_each() {
    let served = postdicom().await.with_order_and_folder().await;
    for _ in 0..2 {
        served.call("AssignOrderToUser", json!({})).await;
        served.call("AssignOrderToUserGroup", json!({})).await;
    }
    let shown = served.call("GetPatientOrderProperties", json!({})).await;
    assert_eq!(shown["PatientOrder"]["AssignedUserUuidList"], json!(["user-1"]));
    assert_eq!(shown["PatientOrder"]["AssignedUserGroupUuidList"], json!(["group-1"]));
    let refusals = [
        (
            "AssignOrderToUser",
            json!({"AssignedUserUuid": "group-1"}),
            "AssignedUserUuid: there is no such thing",
        ),
        (
            "AssignOrderToUserGroup",
            json!({"AssignedUserGroupUuid": "user-1"}),
            "AssignedUserGroupUuid: there is no such thing",
        ),
        ("AssignOrderToUser", json!({"PatientOrderUuid": "x"}), "PatientOrderUuid: there is no such thing"),
    ];
    for (function, others, reason) in refusals {
        assert_eq!(served.refused(function, others).await, (404, reason.to_owned()));
    }
}

/// An instance finds the order that was made for it.
#[tokio::test]
async fn what_is_stored_belongs_to_an_order() {
    let served = postdicom().await;
    let order = async |accession_number: &str, patient: &str, scheduled: &str| {
        let order = json!({"AccessionNumber": accession_number, "PatientId": patient, "OrderScheduledDatetime": scheduled});
        let made = served.call("CreatePatientOrder", order).await;
        made["PatientOrderUuid"].as_str().unwrap().to_owned()
    };
    let by_accession_number = order("ACC7", "P7", "2026-03-01 10:00").await;
    let by_date = order("", "P8", "2026-03-02 10:00").await;
    let of_another = order("ACC7", "P9", "2026-03-03 10:00").await;
    let cases = [
        ("1.2.1", "ACC7", "P7", "20260401", Some(&by_accession_number)),
        ("1.2.2", "ACC8", "P8", "20260302", Some(&by_date)),
        ("1.2.3", "ACC7", "P9", "20260101", Some(&of_another)),
        // Another day, another accession number, and an order that has its study.
        ("1.2.4", "", "P7", "20260401", None),
        ("1.2.5", "ACC9", "P9", "20260303", None),
        ("1.2.6", "", "P8", "20260302", None),
        ("1.2.7", "", "", "", None),
    ];
    for (study, accession_number, patient, date, expected) in cases {
        for number in 1..=2 {
            let attributes = [
                (ACCESSION_NUMBER, VR::SH, accession_number),
                (Tag::PATIENT_ID, VR::LO, patient),
                (STUDY_DATE, VR::DA, date),
            ];
            assert_eq!(served.upload(&file(study, number, &attributes)).await.status(), 200);
        }
        let orders = served.origin.orders().await.unwrap();
        let with_study: Vec<_> =
            orders.iter().filter(|order| order.studies.iter().any(|one| one == study)).collect();
        assert_eq!((with_study.len(), with_study[0].instances), (1, 2), "{study}");
        let known = [&by_accession_number, &by_date, &of_another];
        assert_eq!(Some(&with_study[0].uuid).filter(|uuid| known.contains(uuid)), expected, "{study}");
    }
    let orders = served.origin.orders().await.unwrap();
    assert_eq!(orders.len(), 3 + 4);
    let made = &orders[3].ordered;
    assert_eq!((made.patient_id.as_str(), made.institution_uuid.as_str()), ("P7", "inst-1"));
    assert_eq!(made.order_scheduled_datetime, "2026-04-01 00:00");
    // The date of what was stored counts as well as the one that was scheduled.
    let april = json!({"StudyDateFrom": "2026-04-01", "StudyDateTo": "2026-04-01"});
    assert_eq!(served.orders(april).await, [by_accession_number.clone(), orders[3].uuid.clone()]);
}

#[tokio::test]
async fn studies_stored_at_the_same_time_belong_to_one_order() {
    let served = postdicom().await;
    let attributes = [(ACCESSION_NUMBER, VR::SH, "ACC5"), (Tag::PATIENT_ID, VR::LO, "P5")];
    let files: Vec<_> =
        (1..=8).map(|number| file(&format!("1.2.{}", number % 2), number, &attributes)).collect();
    let uploads = files.iter().map(|file| served.upload(file));
    for response in futures::future::join_all(uploads).await {
        assert_eq!(response.status(), 200);
    }
    let orders = served.origin.orders().await.unwrap();
    assert_eq!((orders.len(), orders[0].instances), (1, 8));
    assert_eq!(
        orders[0].studies.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        BTreeSet::from(["1.2.0", "1.2.1"])
    );
}

#[tokio::test]
async fn a_deleted_order_takes_its_instances_with_it() {
    let served = postdicom().await;
    served.upload(&file("1.2.3", 1, &[(Tag::PATIENT_ID, VR::LO, "P1")])).await;
    served.upload(&file("1.2.4", 1, &[(Tag::PATIENT_ID, VR::LO, "P2")])).await;
    let [uuid] = served.orders(json!({"PatientId": "P1"})).await.try_into().unwrap();
    served.call("DeletePatientOrder", json!({"PatientOrderUuid": uuid})).await;
    assert_eq!(served.count().await, 1);
    let status = async |path: &str| served.authorized(path).send().await.unwrap().status().as_u16();
    assert_eq!((status("/studies/1.2.3").await, status("/studies/1.2.4").await), (404, 200));
    assert_eq!(status("/studies?00100020=P1").await, 204);
}

#[tokio::test]
async fn elements_of_what_was_stored_are_shown() {
    let served = postdicom().await;
    let attributes = [
        (Tag::PATIENT_NAME, VR::PN, "Yamada^Tarou=山田^太郎"),
        (Tag::PATIENT_ID, VR::LO, "P1"),
        (Tag(0x0008, 0x0008), VR::CS, "ORIGINAL\\PRIMARY"),
    ];
    served.upload(&file("1.2.3", 1, &attributes)).await;
    let [order] = served.orders(json!({})).await.try_into().unwrap();
    let shown = served.call("GetPatientOrderProperties", json!({"PatientOrderUuid": order})).await;
    let shown = &shown["PatientOrder"];
    assert_eq!(shown["StudyInstanceUid"], "1.2.3");
    let series = shown["SeriesList"][0]["PatientSeriesUuid"].as_str().unwrap().to_owned();
    assert_eq!(shown["SeriesList"][0]["SeriesInstanceUid"], "1.2.3.4");

    for (tags, of) in [
        (r#"["00100010","00080008","00101001"]"#, ""),
        (r#"["(0010,0010)","0008,0008","00101001"]"#, series.as_str()),
    ] {
        let others = json!({"PatientOrderUuid": order, "PatientSeriesUuid": of, "DicomTagIdList": tags});
        let answer = served.call("GetDicomTagContent", others).await;
        let expected = json!([
            {"DicomTagId": "00080008", "DicomTagContent": "ORIGINAL\\PRIMARY"},
            {"DicomTagId": "00100010", "DicomTagContent": "Yamada^Tarou=山田^太郎"},
            {"DicomTagId": "00101001", "DicomTagContent": ""},
        ]);
        assert_eq!(answer["DicomTagContentList"], expected);
    }
    let all =
        served.call("GetDicomTagContent", json!({"PatientOrderUuid": order, "DicomTagIdList": ""})).await;
    let all = super::texts(&all["DicomTagContentList"], "DicomTagId");
    assert!(all.len() == 8 && all.contains(&"0020000D".to_owned()), "{all:?}");

    let refusals = [
        (json!({"DicomTagIdList": r#"["PatientName"]"#}), 400, "DicomTagIdList: one of the list is no tag"),
        (json!({"PatientSeriesUuid": "x"}), 404, "PatientSeriesUuid: there is no such thing"),
    ];
    for (others, status, reason) in refusals {
        let mut parameters = with("GetDicomTagContent", others);
        parameters["PatientOrderUuid"] = json!(order);
        let response = served.send("GetDicomTagContent", &parameters).await;
        assert_eq!((response.status().as_u16(), super::reason(&response).as_deref()), (status, Some(reason)));
    }
}

#[tokio::test]
async fn an_account_may_be_kept_from_elements() {
    let served = postdicom_with(|options| options.postdicom.tag_content_forbidden = true).await;
    let served = served.with_order_and_folder().await;
    assert_eq!(served.refused("GetDicomTagContent", json!({})).await.0, 403);
}
