use serde_json::{Value, json};

use super::{postdicom, texts};

const TOP: &str = "00000000-0000-0000-0000-000000000000";

#[tokio::test]
async fn folders_stand_in_folders() {
    let served = postdicom().await;
    let make = async |name: &str, parent: &str| {
        let folder = json!({"FolderName": name, "ParentFolderUuid": parent});
        served.call("CreateFolder", folder).await["FolderUuid"].as_str().unwrap().to_owned()
    };
    let one = make("Trials", "").await;
    let two = make("Archive", TOP).await;
    let inner = make("Trial 山田", &one).await;
    let deep = make("trial data", &inner).await;
    // A name with a slash is one name: who wants folders in folders makes them one by one.
    let slash = make("a/b", &two).await;
    let order = served.call("CreatePatientOrder", json!({})).await["PatientOrderUuid"].clone();
    let list = json!([deep, slash]).to_string();
    served.call("AddOrderToFolder", json!({"PatientOrderUuid": order, "FolderUuidList": list})).await;

    let cases: [(Value, &[&str]); 9] = [
        (json!({"FolderName": ""}), &[&one, &two]),
        (json!({"FolderName": "", "ParentFolderUuid": TOP}), &[&one, &two]),
        (json!({"FolderName": "TRIAL"}), &[&one, &inner, &deep]),
        (json!({"FolderName": "TRIAL", "ParentFolderUuid": TOP}), &[&one]),
        (json!({"FolderName": "trial", "ParentFolderUuid": one}), &[&inner]),
        (json!({"FolderName": "", "ParentFolderUuid": one}), &[&inner]),
        (json!({"FolderName": "", "ParentFolderUuid": deep}), &[]),
        (json!({"FolderName": "a/b"}), &[&slash]),
        (json!({"FolderName": "a"}), &[&one, &two, &inner, &deep, &slash]),
    ];
    for (search, expected) in cases {
        let found = served.call("SearchFolder", search.clone()).await;
        assert_eq!(texts(&found["Folder"]["SubFolderList"], "FolderUuid"), expected, "{search}");
    }

    let of_top = served.call("SearchFolder", json!({"FolderName": "", "GetOrdersInFolder": "false"})).await;
    let top = &of_top["Folder"]["SubFolderList"][0];
    assert!(of_top["Folder"].get("PatientOrderList").is_none());
    assert_eq!((&top["FolderName"], &top["FolderDescription"]), (&json!("Trials"), &json!("desc")));
    let counts = ["OrderCount", "AllSubOrderCount", "SubFolderCount", "AllSubFolderCount"];
    assert_eq!(counts.map(|count| top[count].as_u64().unwrap()), [0, 1, 1, 2]);

    for (search, orders) in [
        (json!({"FolderName": "", "ParentFolderUuid": deep, "GetOrdersInFolder": "True"}), 1),
        (json!({"FolderName": "", "ParentFolderUuid": inner}), 0),
        (json!({"FolderName": "trial data"}), 1),
        (json!({"FolderName": "Archive"}), 0),
        (json!({"FolderName": ""}), 0),
    ] {
        let found = served.call("SearchFolder", search.clone()).await;
        let found = &found["Folder"]["PatientOrderList"];
        assert_eq!(texts(found, "PatientOrderUuid").len(), orders, "{search}");
    }
}

#[tokio::test]
async fn an_order_is_added_to_all_folders_or_to_none() {
    let served = postdicom().await.with_order_and_folder().await;
    for (order, folders) in [("uuid-1", r#"["folder-1","folder-2"]"#), ("uuid-2", r#"["folder-1"]"#)] {
        let others = json!({"PatientOrderUuid": order, "FolderUuidList": folders});
        let refused = served.refused("AddOrderToFolder", others).await;
        assert_eq!(refused, (404, "PatientOrderUuid or FolderUuidList: there is no such thing".to_owned()));
        assert_eq!(served.origin.folders().await.unwrap()[0].order_count, 0);
    }
    for _ in 0..2 {
        served.call("AddOrderToFolder", json!({})).await;
        assert_eq!(served.origin.folders().await.unwrap()[0].order_count, 1);
    }
    served.call("DeletePatientOrder", json!({})).await;
    assert_eq!(served.origin.folders().await.unwrap()[0].order_count, 0);
    let parent = json!({"ParentFolderUuid": "folder-2"});
    for function in ["CreateFolder", "SearchFolder"] {
        let reason = "ParentFolderUuid: there is no such thing".to_owned();
        assert_eq!(served.refused(function, parent.clone()).await, (404, reason));
    }
}
