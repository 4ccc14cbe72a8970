//! A bridge with its spool, an origin, and a modality.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use dataset::element::{VR, Writer};
use dicomweb::{BaseUrl, ClientConfig, Profile};
use dimse::{
    association::Settings,
    command::{CStoreRq, Priority, Response},
    requestor::{self, Proposal, RequestorAssociation},
};
use futures::stream;
use instance::{Encoding, Tag, TransferSyntax, Uid};
use spool::{Deliveries, Filter, Listed, Payloads, State, local::LocalSpool};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::origin::FakeOrigin;
use crate::{
    Bridge, Config, Drained, Metrics, Ports,
    config::{BackOff, Breaker, Drain, Forward, Origin, UnknownPeers},
};

pub(super) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// How long a condition may take to become true: only a test that would wait for ever meets it.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn explicit() -> TransferSyntax {
    TransferSyntax::new(instance::transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN.parse().unwrap())
}

/// An instance as the modality has it.
#[derive(Clone)]
pub(super) struct Instance {
    pub(super) sop_instance_uid: Uid,
    pub(super) data_set: Vec<u8>,
}

/// Instance `number` of one CT series, its pixel data `size` bytes long.
pub(super) fn instance(number: usize, size: usize) -> Instance {
    let uid: Uid = format!("1.2.3.4.{number}").parse().unwrap();
    let mut writer = Writer::new(Encoding::ExplicitVrLittleEndian);
    writer
        .element(Tag::SOP_CLASS_UID, VR::UI, CT.as_bytes())
        .element(Tag::SOP_INSTANCE_UID, VR::UI, &uid.to_padded())
        .element(Tag::MODALITY, VR::CS, b"CT")
        .element(Tag::PATIENT_ID, VR::LO, b"4711")
        .element(Tag::STUDY_INSTANCE_UID, VR::UI, b"1.2.3.1\0")
        .element(Tag::SERIES_INSTANCE_UID, VR::UI, b"1.2.3.2\0")
        .element(Tag::PIXEL_DATA, VR::OW, &vec![number as u8; size]);
    Instance { sop_instance_uid: uid, data_set: writer.into_bytes() }
}

/// A configuration for everything to one origin, with waits too short to notice.
pub(crate) fn config(origins: &[(&str, std::net::SocketAddr)]) -> Config {
    let origin = |(name, address): &(&str, std::net::SocketAddr)| {
        let url: BaseUrl = format!("http://{address}/dicom-web").parse().unwrap();
        let mut profile = Profile::standard();
        profile.delete = Vec::new();
        Origin::new(*name, ClientConfig::new(url, profile))
    };
    Config {
        unknown_peers: UnknownPeers::Accept,
        origins: origins.iter().map(origin).collect(),
        forward: Forward {
            back_off: BackOff { min: Duration::from_millis(5), max: Duration::from_millis(50), jitter: 0.0 },
            breaker: Breaker {
                failures: 3,
                probe_min: Duration::from_millis(5),
                probe_max: Duration::from_millis(50),
                credentials: Duration::from_millis(20),
            },
            ..Forward::default()
        },
        drain: Drain { delay: Duration::from_millis(1), timeout: Duration::from_secs(20) },
        ..Config::default()
    }
}

/// A spool that takes little room.
pub(crate) async fn spool_in(directory: &std::path::Path) -> LocalSpool {
    let mut config = spool::local::Config::new(directory);
    config.segment_bytes = 1024 * 1024;
    config.spare_segments = 2;
    config.minimum_free_bytes = 0;
    config.reserve_bytes = 1024 * 1024;
    let opening = tokio::task::spawn_blocking(move || LocalSpool::open(config));
    opening.await.unwrap().unwrap().0
}

pub(super) struct Site {
    pub(super) bridge: Bridge,
    pub(super) origin: FakeOrigin,
    pub(super) origin_address: std::net::SocketAddr,
    pub(super) address: std::net::SocketAddr,
    pub(super) spool: LocalSpool,
    pub(super) stop: CancellationToken,
    pub(super) running: JoinHandle<Drained>,
    _directory: TempDir,
}

impl Site {
    /// A bridge to one origin that is up.
    pub(super) async fn new(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_payloads(|payloads| payloads, change).await
    }

    pub(super) async fn with_origin(
        origin: FakeOrigin,
        origin_address: std::net::SocketAddr,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start(origin, origin_address, |payloads| payloads, change).await
    }

    /// A bridge to one origin that is up, which sees the spool as `wrap` shows it.
    pub(super) async fn with_payloads(
        wrap: impl FnOnce(Arc<dyn Payloads>) -> Arc<dyn Payloads>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin_address = listener.local_addr().unwrap();
        let origin = FakeOrigin::default();
        origin.serve(listener);
        Self::start(origin, origin_address, wrap, change).await
    }

    async fn start(
        origin: FakeOrigin,
        origin_address: std::net::SocketAddr,
        wrap: impl FnOnce(Arc<dyn Payloads>) -> Arc<dyn Payloads>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool_in(directory.path()).await;
        let ports = Ports { payloads: wrap(Arc::new(spool.clone())), ..Ports::of(&spool) };
        let mut config = config(&[("archive", origin_address)]);
        change(&mut config);
        let bridge = Bridge::new(config, ports, Arc::new(Metrics::new().unwrap())).unwrap();
        let listener = crate::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (running, stopping) = (bridge.clone(), stop.clone());
        let running = tokio::spawn(async move { running.run(vec![listener], stopping).await });
        Self { bridge, origin, origin_address, address, spool, stop, running, _directory: directory }
    }

    pub(super) async fn modality(&self) -> Modality {
        self.call("CT1", "DIMSEWAY").await.unwrap()
    }

    pub(super) async fn call(&self, calling: &str, called: &str) -> Result<Modality, dimse::Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let presentation_contexts = vec![
            (CT.parse().unwrap(), vec![explicit()]),
            (
                "1.2.840.10008.1.1".parse().unwrap(),
                vec![TransferSyntax::new("1.2.840.10008.1.2".parse().unwrap())],
            ),
        ];
        let proposal = Proposal {
            presentation_contexts,
            operations_invoked: 8,
            ..Proposal::new(called.parse().unwrap(), calling.parse().unwrap())
        };
        let association = requestor::request(stream, &proposal, Settings::default()).await?;
        Ok(Modality { association })
    }

    /// All deliveries, oldest first.
    pub(super) async fn deliveries(&self) -> Vec<Listed> {
        self.spool.list(&Filter::default(), None, 1000).await.unwrap().lines
    }

    pub(super) async fn states(&self) -> Vec<State> {
        self.deliveries().await.iter().map(|line| line.state).collect()
    }

    /// Waits until every delivery is in one of `states`, and there are `count` of them.
    pub(super) async fn settled(&self, count: usize, states: &[State]) -> Vec<Listed> {
        let mut ticks = interval(Duration::from_millis(10));
        let settled = async {
            loop {
                ticks.tick().await;
                let lines = self.deliveries().await;
                if lines.len() == count && lines.iter().all(|line| states.contains(&line.state)) {
                    return lines;
                }
            }
        };
        match timeout(DEADLINE, settled).await {
            Ok(lines) => lines,
            Err(_) => panic!("never settled: {:?}", self.deliveries().await),
        }
    }

    pub(super) async fn delivered(&self, count: usize) -> Vec<Listed> {
        self.settled(count, &[State::Delivered]).await
    }

    /// Waits until the metrics hold a line that begins so.
    pub(super) async fn metric(&self, line: &str) {
        let mut ticks = interval(Duration::from_millis(10));
        let metrics = self.bridge.metrics();
        let shown = async {
            while !metrics.to_text().unwrap().lines().any(|shown| shown.starts_with(line)) {
                ticks.tick().await;
            }
        };
        if timeout(DEADLINE, shown).await.is_err() {
            panic!("never shown: {line}\n{}", metrics.to_text().unwrap());
        }
    }
}

pub(super) struct Modality {
    pub(super) association: RequestorAssociation<TcpStream>,
}

impl Modality {
    pub(super) async fn store(&mut self, instance: &Instance) -> Response {
        self.store_as(&instance.sop_instance_uid, &instance.data_set).await.unwrap()
    }

    /// Sends `data_set` under the SOP Instance UID of a command that may differ from it.
    pub(super) async fn store_as(&mut self, uid: &Uid, data_set: &[u8]) -> Result<Response, dimse::Error> {
        let context = self.association.contexts().find(&CT.parse().unwrap(), &explicit()).unwrap().clone();
        let chunks: Vec<_> = data_set.chunks(5000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        self.association.store(&context, request(uid), stream::iter(chunks)).await
    }
}

pub(super) fn request(uid: &Uid) -> CStoreRq {
    CStoreRq {
        message_id: 0,
        priority: Priority::Medium,
        affected_sop_class_uid: CT.parse().unwrap(),
        affected_sop_instance_uid: uid.clone(),
        move_originator: None,
    }
}
