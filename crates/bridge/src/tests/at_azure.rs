//! Storing at the DICOM service of Azure, as the origin crate plays it.

use dicomweb::Profile;
use dimse::Status;
use instance::{part10, transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN};
use origin::{Faults, Options, Origin, Personality, Throttle};
use spool::State;
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{
    re_encoding::{Device, pair},
    site::{Site, instance},
};
use crate::{
    Config,
    config::{Acknowledge, Duplicate, Route},
};

/// A service that is served until the runtime ends, and asks for no token.
struct Service {
    origin: Origin,
    address: SocketAddr,
    _directory: TempDir,
}

impl Service {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::new(directory.path(), Personality::Azure);
        options.tokens = None;
        let origin = Origin::open_with(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = origin.clone();
        tokio::spawn(async move { origin::serve(listener, &served, std::future::pending()).await });
        Self { origin, address, _directory: directory }
    }

    /// A bridge to it with an empty spool.
    async fn site(&self, change: impl FnOnce(&mut Config)) -> Site {
        Site::new(|config| {
            let client = &mut config.origins[0].client;
            client.base_url = format!("http://{}/v2", self.address).parse().unwrap();
            client.profile = Profile::azure();
            change(config);
        })
        .await
    }

    /// Transfer syntax and data set of what it has.
    async fn stored(&self, uid: &str) -> (String, Vec<u8>) {
        let stored = self.origin.instance(&uid.parse().unwrap()).await.unwrap().unwrap();
        let mut file = tokio::fs::read(stored.path).await.unwrap();
        let (meta, length) = part10::read(&file).unwrap();
        (meta.transfer_syntax.uid().to_string(), file.split_off(length))
    }
}

#[tokio::test]
async fn implicit_vr_is_stored_through_throttling_and_busy_instances() {
    let service = Service::new().await;
    service.origin.set_faults(Faults {
        throttle: Some(Throttle { status: 503, retry_after: Some(std::time::Duration::ZERO), requests: 3 }),
        pending_instances: 2,
        ..Faults::default()
    });
    let site = service.site(|_| {}).await;
    let mut device = Device::implicit(&site).await;
    for number in 0..5 {
        assert_eq!(device.store(&pair(number, 40_000).0).await.status, Status::SUCCESS);
    }
    let lines = site.delivered(5).await;
    assert!(lines.iter().all(|line| line.attempts <= 3), "{lines:?}");
    for number in 0..5 {
        let stored = service.stored(&format!("1.2.3.4.{number}")).await;
        assert_eq!(stored, (EXPLICIT_VR_LITTLE_ENDIAN.to_owned(), pair(number, 40_000).1));
    }
}

#[tokio::test]
async fn a_duplicate_is_compared_with_its_copy_and_overwritten_by_put() {
    let service = Service::new().await;
    let (first, other) = (pair(1, 1000), pair(1, 998));
    let explicit = instance(1, 1000);
    let site = service.site(|_| {}).await;
    assert_eq!(site.modality().await.store(&explicit).await.status, Status::SUCCESS);
    site.delivered(1).await;

    let site = service.site(|_| {}).await;
    assert_eq!(Device::implicit(&site).await.store(&first.0).await.status, Status::SUCCESS);
    let lines = site.delivered(1).await;
    assert!(
        lines[0].reason.as_ref().is_some_and(|words| words.contains("but for the encoding")),
        "{lines:?}"
    );

    let site = service.site(|_| {}).await;
    assert_eq!(Device::implicit(&site).await.store(&other.0).await.status, Status::SUCCESS);
    let lines = site.settled(1, &[State::Held, State::Delivered]).await;
    assert_eq!(lines[0].reason.as_deref(), Some("same UID, different content"));

    let site = service.site(|config| config.origins[0].duplicate = Duplicate::Overwrite).await;
    assert_eq!(Device::implicit(&site).await.store(&other.0).await.status, Status::SUCCESS);
    let lines = site.delivered(1).await;
    assert_eq!((lines[0].attempts, service.stored("1.2.3.4.1").await.1), (1, other.1));
}

#[tokio::test]
async fn a_route_that_waits_for_it_is_answered_with_statuses_of_c_store_alone() {
    let service = Service::new().await;
    let site = service
        .site(|config| {
            let everything = Route::everything(vec!["archive".parse().unwrap()]);
            config.routes = vec![Route { acknowledge: Acknowledge::Stored, ..everything }];
        })
        .await;
    let mut modality = site.modality().await;
    assert_eq!(modality.store(&instance(1, 1000)).await.status, Status::SUCCESS);
    assert_eq!(modality.store(&instance(1, 1000)).await.status, Status::SUCCESS, "the same content");
    assert_eq!(modality.store(&instance(1, 998)).await.status, Status::DUPLICATE_SOP_INSTANCE, "45070");
    service.origin.set_faults(Faults { pending_instances: 1, ..Faults::default() });
    assert_eq!(modality.store(&instance(2, 1000)).await.status, Status::OUT_OF_RESOURCES, "45071");
    assert!(site.states().await.is_empty(), "explicit VR passes through");
    assert_eq!(Device::implicit(&site).await.store(&pair(3, 1000).0).await.status, Status::SUCCESS);
    assert_eq!(service.stored("1.2.3.4.3").await.1, pair(3, 1000).1);
    assert_eq!(site.states().await, [State::Delivered]);
}
