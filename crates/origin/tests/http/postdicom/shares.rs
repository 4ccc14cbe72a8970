use origin::postdicom::Shared;
use serde_json::json;

use super::postdicom;

#[tokio::test]
async fn links_keep_what_was_said_of_them() {
    let served = postdicom().await.with_order_and_folder().await;
    let mut links = Vec::new();
    for function in ["CreateShareLink", "SharePatientOrderWithUrl", "ShareFolderWithUrl"] {
        let link = served.call(function, json!({})).await["Result"].as_str().unwrap().to_owned();
        assert!(link.starts_with(&format!("{}/share/", served.base)), "{link}");
        links.push(link);
    }
    served
        .call("ShareFolderWithUrl", json!({"ExpireDate": "", "SharePassword": "", "ShareTitle": "太"}))
        .await;
    let shares = served.origin.shares().await.unwrap();
    let expected = [
        (Shared::Link(vec!["uuid-1".to_owned()]), "2026-12-31", "pw", false, ""),
        (Shared::Orders(vec!["uuid-1".to_owned()]), "2026-12-31", "pw", true, ""),
        (Shared::Folder("folder-1".to_owned()), "2026-12-31", "pw", false, "T"),
        (Shared::Folder("folder-1".to_owned()), "", "", false, "太"),
    ];
    assert_eq!(shares.len(), expected.len());
    for (share, (shared, expire_date, password, downloadable, title)) in shares.iter().zip(expected) {
        assert_eq!(share.shared, shared);
        assert_eq!((share.expire_date.as_str(), share.password.as_str()), (expire_date, password));
        assert_eq!((share.downloadable, share.title.as_str()), (downloadable, title));
        assert!(!format!("{share:?}").contains("pw"));
    }
    assert!(shares.iter().zip(&links).all(|(share, link)| link.ends_with(&share.uuid)));
    assert!(served.origin.folders().await.unwrap()[0].is_shared);
}

#[tokio::test]
async fn nothing_is_shared_that_is_not_there() {
    let served = postdicom().await.with_order_and_folder().await;
    let of = |uuid: &str| json!({ "PatientOrderUuid": uuid }).to_string();
    let cases = [
        ("CreateShareLink", json!({"PatientOrderInfoList": json!([of("uuid-1"), of("x")]).to_string()}), 404),
        ("CreateShareLink", json!({"PatientOrderInfoList": "[\"uuid-1\"]"}), 400),
        ("CreateShareLink", json!({"PatientOrderInfoList": r#"["{\"PatientOrderUUID\":\"uuid-1\"}"]"#}), 400),
        ("CreateShareLink", json!({"PatientOrderInfoList": r#"[{"PatientOrderUuid":"uuid-1"}]"#}), 400),
        ("SharePatientOrderWithUrl", json!({"OrderUuidList": "[\"uuid-1\",\"x\"]"}), 404),
        ("ShareFolderWithUrl", json!({"FolderUuid": "uuid-1"}), 404),
    ];
    for (function, others, status) in cases {
        assert_eq!(served.refused(function, others.clone()).await.0, status, "{others}");
    }
    assert!(served.origin.shares().await.unwrap().is_empty());
}
