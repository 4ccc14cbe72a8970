use super::{
    azure, azure_with,
    instances::{SERIES, STUDY, Small},
};

#[tokio::test]
async fn partitions_know_nothing_of_each_other() {
    let served = azure_with(|options| options.azure.partitions = true).await;
    let small = Small::new(1);
    let store = async |partition: &str| {
        let path = format!("/partitions/{partition}/studies");
        served.store_single(&path, small.file()).await
    };
    assert_eq!(served.status("/partitions/north/studies").await, 404, "nothing was stored there");
    for partition in ["north", "south", "Microsoft.Default"] {
        let response = store(partition).await;
        assert_eq!(response.status(), 200, "{partition}");
        let body: serde_json::Value = response.json().await.unwrap();
        let url = format!("{}/partitions/{partition}{}", served.base, small.path());
        assert_eq!(body["00081199"]["Value"][0]["00081190"]["Value"][0], url);
        assert_eq!(store(partition).await.status(), 409, "{partition}");
    }
    let removed = format!("{}/partitions/north/studies/{STUDY}", served.base);
    assert_eq!(served.client.delete(removed).send().await.unwrap().status(), 204);
    assert_eq!(served.status("/partitions/north/studies").await, 204);
    let there = format!("/partitions/south/studies/{STUDY}/series/{SERIES}/instances");
    assert_eq!(served.status(&there).await, 200);
    let names = served.json("/partitions").await;
    let names: Vec<_> =
        names.as_array().unwrap().iter().map(|one| one["partitionName"].as_str().unwrap()).collect();
    assert_eq!(names, ["Microsoft.Default", "north", "south"]);
    let changes = served.json("/changefeed").await;
    let told: Vec<_> =
        changes.as_array().unwrap().iter().map(|one| one["partitionName"].as_str().unwrap()).collect();
    assert_eq!(told, ["north", "south", "Microsoft.Default", "north"]);
    let south = served.origin.partition("south").unwrap();
    assert_eq!(south.instance_count().await.unwrap(), 1);
    assert!(served.origin.partition("west").is_none());
    let cases = [
        ("/studies", 400),
        ("/partitions/a%20b/studies", 400),
        ("/partitions/../studies", 400),
        ("/partitions/west/workitems", 404),
        ("/partitions/south/workitems", 204),
    ];
    for (path, status) in cases {
        assert_eq!(served.status(path).await, status, "{path}");
    }
}

#[tokio::test]
async fn partitions_are_there_after_a_restart() {
    let served = azure_with(|options| options.azure.partitions = true).await;
    assert_eq!(served.store_single("/partitions/north/studies", Small::new(1).file()).await.status(), 200);
    let again =
        origin::Origin::open(served.folder.path().join("origin"), origin::Personality::Azure).unwrap();
    assert_eq!(again.partition("north").unwrap().instance_count().await.unwrap(), 1);
}

#[tokio::test]
async fn without_partitions_no_path_names_one() {
    let served = azure().await;
    for path in ["/partitions", "/partitions/north/studies", "/partitions/Microsoft.Default/studies"] {
        assert_eq!(served.status(path).await, 400, "{path}");
    }
}
