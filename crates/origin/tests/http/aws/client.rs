//! The client of Dimseway.

use dicomweb::{
    Error, InstanceOutcome, Level, Remedy, Search, SearchLimits,
    auth::aws::{AccessKey, AccessKeySource, ContainerToken, StreamedBody},
};
use futures::TryStreamExt as _;
use origin::{
    Personality,
    synthetic::{Instance, Study},
};

use super::*;

async fn store(client: &Client, instances: &[Instance]) -> Result<Vec<InstanceOutcome>, Error> {
    Ok(client.store(instances.iter().map(part).collect()).await?.instances)
}

fn all_stored(outcomes: &[InstanceOutcome]) -> bool {
    outcomes.iter().all(|outcome| matches!(outcome, InstanceOutcome::Stored { .. }))
}

async fn found(client: &Client) -> usize {
    let search = client.search(Search::new(Level::Study), SearchLimits::default());
    search.try_collect::<Vec<_>>().await.unwrap().len()
}

#[tokio::test]
async fn stores_in_signed_chunks_finds_and_retrieves() {
    let data_store = data_store().await;
    let client = data_store.client(data_store.key());
    client.probe().await.unwrap();
    assert_eq!(client.authenticate().await.unwrap(), None, "a key that stays has no end");
    let study = Study::new(1, 3);
    let instances: Vec<_> = study.instances().collect();
    assert!(all_stored(&store(&client, &instances).await.unwrap()));
    // More than one chunk.
    let large = Instance::of_size(9, 300_000);
    assert!(all_stored(&store(&client, std::slice::from_ref(&large)).await.unwrap()));
    assert_eq!(found(&client).await, 2);

    let pieces = client.retrieve_instance(large.identity()).await.unwrap().unwrap();
    let file = pieces.try_collect::<Vec<_>>().await.unwrap().concat();
    assert!(file.ends_with(&large.data_set().flatten().collect::<Vec<u8>>()));
}

#[tokio::test]
async fn stores_in_the_plain_form_of_the_documentation_and_not_unsigned() {
    let data_store = data_store().await;
    let study = Study::new(1, 2);
    let plain = data_store.client_with(data_store.key(), |signing| signing.streamed = PLAIN);
    assert!(all_stored(&store(&plain, &[study.instance(0)]).await.unwrap()));
    let unsigned =
        data_store.client_with(data_store.key(), |signing| signing.streamed = StreamedBody::Unsigned);
    let error = store(&unsigned, &[study.instance(1)]).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Reject, "{error}");
    assert_eq!(data_store.served.count().await, 1);
}

#[tokio::test]
async fn a_wrong_key_region_or_service_is_for_a_person_to_put_right() {
    let data_store = data_store().await;
    let id = &data_store.options.access_key_id;
    let clients = [
        data_store.client(AccessKeySource::Fixed(AccessKey::new(id, "wrong".to_owned().into()))),
        data_store.client(AccessKeySource::Fixed(AccessKey::new("AKIANOBODY", "wrong".to_owned().into()))),
        data_store.client_with(data_store.key(), |signing| signing.region = "eu-west-1".to_owned()),
        data_store.client_with(data_store.key(), |signing| signing.service = "s3".to_owned()),
    ];
    for client in clients {
        assert_eq!(client.probe().await.unwrap_err().remedy(), Remedy::FixCredentials);
        let error = store(&client, &[Study::new(1, 1).instance(0)]).await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::FixCredentials, "{error}");
    }
    assert_eq!(data_store.served.count().await, 0);
}

/// The two sources of keys that end.
fn sources(data_store: &DataStore, folder: &std::path::Path) -> [AccessKeySource; 2] {
    let token_file = folder.join("token");
    std::fs::write(&token_file, &data_store.options.web_identity_token).unwrap();
    let container = AccessKeySource::Container {
        url: format!("{}/v2/credentials", data_store.root()).parse().unwrap(),
        token: Some(ContainerToken::Fixed(data_store.options.container_token.clone().into())),
    };
    let web_identity = AccessKeySource::WebIdentity {
        url: format!("{}/", data_store.root()).parse().unwrap(),
        role_arn: data_store.options.role_arn.clone(),
        session_name: "dimseway".to_owned(),
        token_file,
    };
    [container, web_identity]
}

#[tokio::test]
async fn sessions_of_a_container_and_of_a_web_identity_are_renewed_when_they_are_revoked() {
    let data_store = data_store().await;
    let folder = tempfile::tempdir().unwrap();
    let study = Study::new(1, 4);
    for (number, source) in sources(&data_store, folder.path()).into_iter().enumerate() {
        let client = data_store.client(source);
        let (first, second) = (study.instance(number as u32 * 2), study.instance(number as u32 * 2 + 1));
        assert!(all_stored(&store(&client, &[first]).await.unwrap()));
        let state = client.authenticate().await.unwrap().unwrap();
        assert_eq!(state.life.as_secs().div_ceil(60), 60, "{state:?}");

        data_store.served.origin.revoke_tokens();
        assert_eq!(found(&client).await, 1, "a search is signed anew and sent again");
        data_store.served.origin.revoke_tokens();
        // A store cannot be sent again here: its data was read. It says that the next attempt may succeed.
        let error = store(&client, std::slice::from_ref(&second)).await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::Retry { after: Some(std::time::Duration::ZERO) }, "{error}");
        assert!(all_stored(&store(&client, &[second]).await.unwrap()));
    }
    assert_eq!(data_store.served.count().await, 4);
}

#[tokio::test]
async fn who_shows_nothing_right_gets_no_session() {
    let data_store = data_store().await;
    let folder = tempfile::tempdir().unwrap();
    let [mut container, mut web_identity] = sources(&data_store, folder.path());
    if let AccessKeySource::Container { token, .. } = &mut container {
        *token = None;
    }
    if let AccessKeySource::WebIdentity { role_arn, .. } = &mut web_identity {
        role_arn.push('x');
    }
    for (source, words) in [(container, "401 Unauthorized"), (web_identity, "403 Forbidden (AccessDenied)")] {
        let error = data_store.client(source).probe().await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::FixCredentials);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_study_of_many_instances_goes_in_one_request() {
    let data_store = data_store().await;
    let client = data_store.client(data_store.key());
    let study = Study::new(1, 50);
    let instances: Vec<_> = study.instances().collect();
    assert!(all_stored(&store(&client, &instances).await.unwrap()));
    assert_eq!(data_store.served.count().await, 50);
    assert_eq!(Personality::Aws.name(), client.profile().name);
}
