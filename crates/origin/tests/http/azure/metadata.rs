use dataset::element::VR;
use instance::Tag;
use reqwest::header;

use super::{
    as_listed, azure,
    instances::{SERIES, STUDY, Small},
};
use crate::served::Served;

/// Status and entity tag of metadata, for who knows a tag already.
async fn metadata(served: &Served, path: &str, known: &str) -> (u16, String) {
    let request = served.get(&format!("{path}/metadata")).header(header::IF_NONE_MATCH, known);
    let response = request.send().await.unwrap();
    let tag = response.headers().get(header::ETAG).map(|tag| tag.to_str().unwrap().to_owned());
    (response.status().as_u16(), tag.unwrap_or_default())
}

#[tokio::test]
async fn an_entity_tag_changes_with_what_is_added_and_deleted() {
    let served = azure().await;
    served.stored(&[Small::new(1)]).await;
    let (study, series) = (format!("/studies/{STUDY}"), format!("/studies/{STUDY}/series/{SERIES}"));
    for path in [&study, &series] {
        served.stored(&[Small::of(STUDY, SERIES, "1.2.826.7")]).await;
        let (status, tag) = metadata(&served, path, "\"none\"").await;
        assert_eq!(status, 200);
        let (status, same) = metadata(&served, path, &tag).await;
        as_listed("metadata that is known", status);
        assert_eq!(same, tag);
        assert_eq!(metadata(&served, path, tag.trim_matches('"')).await.0, 304, "as curl may send it");
        let removed = served.client.delete(format!("{}{series}/instances/1.2.826.7", served.base));
        assert_eq!(removed.send().await.unwrap().status(), 204);
        let (status, after) = metadata(&served, path, &tag).await;
        as_listed("metadata that has changed", status);
        assert_ne!(after, tag);
    }
    let (_, tag) = metadata(&served, &Small::new(1).path(), "").await;
    served.stored(&[Small::new(2)]).await;
    assert_eq!(metadata(&served, &Small::new(1).path(), &tag).await.0, 304, "another instance");
    assert_eq!(metadata(&served, "/studies/1.2.3", "").await.0, 404);
}

#[tokio::test]
async fn metadata_has_no_bulk_data_and_in_the_second_version_nothing_invalid() {
    let mut served = azure().await;
    let wrong =
        Small::new(1).with(Tag::STUDY_DATE, VR::DA, "NotADate").with(Tag(0x0029, 0x1010), VR::UN, "xy");
    assert_eq!(served.store(&[wrong.file()]).await.status(), 202);
    let path = format!("{}/metadata", wrong.path());
    let found = served.json(&path).await;
    for absent in ["7FE00010", "00291010", "00080020"] {
        assert!(found[0].get(absent).is_none(), "{absent}");
    }
    assert_eq!(found[0]["00100020"]["Value"][0], "P1");
    served.base = served.base.replace("/v2", "/v1");
    assert_eq!(served.json(&path).await[0]["00080020"]["Value"][0], "NotADate");
    let response = served.get(&path).header(header::ACCEPT, "application/dicom").send().await.unwrap();
    assert_eq!(response.status(), 406);
}
