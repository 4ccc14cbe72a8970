//! The personality of AWS HealthImaging, as `curl` and as the client of Dimseway see it: two implementations of
//! its signatures beside the one that checks them.

mod client;
mod curl;
mod image_sets;
mod resources;

use dicomweb::{
    Client, ClientConfig, Credentials, Profile, StorePart,
    auth::aws::{AccessKey, AccessKeySource, AwsSigV4, StreamedBody},
};
use futures::{StreamExt as _, stream};
use origin::{Personality, aws::Options, synthetic::Instance};

use crate::served::{Served, serve_with};

/// A data store, and who may call it.
struct DataStore {
    served: Served,
    options: Options,
}

async fn data_store() -> DataStore {
    data_store_with(|_| {}).await
}

async fn data_store_with(change: impl FnOnce(&mut Options)) -> DataStore {
    let mut options = Options::generate();
    change(&mut options);
    let served = serve_with(|all| {
        all.personality = Personality::Aws;
        all.aws = options.clone();
    })
    .await;
    DataStore { served, options }
}

impl DataStore {
    /// The address of the origin.
    fn root(&self) -> &str {
        self.served.base.split("/datastore").next().unwrap()
    }

    fn key(&self) -> AccessKeySource {
        let secret = self.options.secret_access_key.clone().into();
        AccessKeySource::Fixed(AccessKey::new(&self.options.access_key_id, secret))
    }

    /// A client whose access key comes from there.
    fn client(&self, source: AccessKeySource) -> Client {
        self.client_with(source, |_| {})
    }

    fn client_with(&self, source: AccessKeySource, change: impl FnOnce(&mut AwsSigV4)) -> Client {
        let mut signing = AwsSigV4::health_imaging("us-east-1", source);
        change(&mut signing);
        let mut config = ClientConfig::new(self.served.base.parse().unwrap(), Profile::aws());
        config.credentials = Credentials::AwsSigV4(signing);
        Client::new(config).unwrap()
    }
}

/// An instance on its way to be stored.
fn part(instance: &Instance) -> StorePart {
    let pieces = instance.data_set().map(Ok);
    StorePart {
        meta: instance.file_meta(),
        source: None,
        length: Some(instance.data_set_length()),
        data: stream::iter(pieces.collect::<Vec<_>>()).boxed(),
    }
}

const PLAIN: StreamedBody = StreamedBody::Plain;
