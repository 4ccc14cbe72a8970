use super::{
    as_listed, azure,
    instances::{SERIES, STUDY, Small},
};

#[tokio::test]
async fn delete_scenarios() {
    let served = azure().await;
    let status = async |path: &str| {
        served.client.delete(format!("{}{path}", served.base)).send().await.unwrap().status().as_u16()
    };
    let study = format!("/studies/{STUDY}");
    let series = format!("{study}/series/{SERIES}");
    for (name, path) in
        [("instance", Small::new(1).path()), ("series", series.clone()), ("study", study.clone())]
    {
        served.stored(&[Small::new(1)]).await;
        assert_eq!(status(&path).await, 204, "{name}");
        as_listed("deletion for the second time", status(&path).await);
        assert_eq!(served.status("/studies").await, 204, "{name} is not found any more");
        let retrieved = served.get(&path).header("accept", "*/*").send().await.unwrap();
        assert_eq!(retrieved.status(), 404, "{name} is not there any more");
    }
    let long = "1".repeat(65);
    for path in
        [format!("/studies/{long}"), format!("{study}/series/{long}"), format!("{series}/instances/{long}")]
    {
        as_listed("deletion of an invalid UID", status(&path).await);
    }
    served.stored(&[Small::new(1), Small::new(2)]).await;
    assert_eq!(status(&Small::new(1).path()).await, 204);
    assert_eq!(served.count().await, 1, "the other one stays");
}
