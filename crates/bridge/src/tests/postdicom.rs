//! PostDICOM as the origin of a bridge: its account, as the origin crate plays it.

use std::net::SocketAddr;

use dicomweb::{Credentials, Profile};
use origin::{Options, Origin, Personality};
use postdicom::{BaseUrl, ClientConfig};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{Config, config::PostDicom};

/// An account that is served until the runtime ends.
pub(super) struct Account {
    pub(super) origin: Origin,
    pub(super) address: SocketAddr,
    _directory: TempDir,
}

impl Account {
    pub(super) async fn new(change: impl FnOnce(&mut Options)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::new(directory.path(), Personality::PostDicom);
        change(&mut options);
        let origin = Origin::open_with(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = origin.clone();
        tokio::spawn(async move { origin::serve(listener, &served, std::future::pending()).await });
        Self { origin, address, _directory: directory }
    }

    /// Makes the first origin of a configuration this account.
    pub(super) fn configure(&self, config: &mut Config) {
        let held = self.origin.credentials().unwrap();
        let client = &mut config.origins[0].client;
        client.credentials =
            Credentials::Basic { username: held.username.clone(), password: held.password.clone().into() };
        let credentials = postdicom::client::Credentials {
            username: held.username.clone(),
            password: held.password.clone().into(),
        };
        by_orders(config, Some(credentials));
    }
}

/// Makes the first origin of a configuration one of PostDICOM.
pub(super) fn by_orders(config: &mut Config, credentials: Option<postdicom::client::Credentials>) {
    let origin = &mut config.origins[0];
    origin.client.profile = Profile::postdicom();
    let url: BaseUrl = origin.client.base_url.to_string().parse().unwrap();
    origin.postdicom = Some(PostDicom::new(ClientConfig::new(url, credentials)));
}
