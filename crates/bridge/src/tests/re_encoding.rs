//! An origin that does not take Implicit VR Little Endian, and modalities that send nothing else.

use bytes::Bytes;
use dataset::{
    element::{Limits, VR, Writer},
    rewrite::Rewriting,
};
use dicomweb::{
    Profile,
    profile::{StoreForm, TransferSyntaxes},
};
use dimse::{
    Status,
    association::Settings,
    command::Response,
    requestor::{self, Proposal, RequestorAssociation},
};
use futures::stream;
use instance::{
    Encoding, Tag, TransferSyntax,
    transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN},
};
use sha2::{Digest, Sha256};
use spool::State;
use tokio::net::{TcpListener, TcpStream};

use super::{
    origin::{Answer, FakeOrigin},
    site::{CT, Instance, Site, instance, request},
};
use crate::{
    Config,
    config::{Acknowledge, Route},
};

const JPEG: &str = "1.2.840.10008.1.2.4.50";

fn azure(config: &mut Config) {
    config.origins[0].client.profile = Profile::azure();
}

fn rewritten(data_set: &[u8], from: Encoding, to: Encoding) -> Vec<u8> {
    let (mut rewriting, mut bytes) = (Rewriting::new(from, to, Limits::default(), 1), Vec::new());
    rewriting.push(data_set, &mut bytes).unwrap();
    rewriting.finish().unwrap();
    bytes
}

fn implicit_of(explicit: &[u8]) -> Vec<u8> {
    rewritten(explicit, Encoding::ExplicitVrLittleEndian, Encoding::ImplicitVrLittleEndian)
}

/// Instance `number` as a device with Implicit VR alone has it, and how it is to leave.
pub(super) fn pair(number: usize, size: usize) -> (Instance, Vec<u8>) {
    let Instance { sop_instance_uid, data_set } = instance(number, size);
    (Instance { sop_instance_uid, data_set: implicit_of(&data_set) }, data_set)
}

/// An association that proposes this transfer syntax alone.
pub(super) struct Device {
    association: RequestorAssociation<TcpStream>,
    transfer_syntax: TransferSyntax,
}

impl Device {
    async fn new(site: &Site, transfer_syntax: &str) -> Self {
        let stream = TcpStream::connect(site.address).await.unwrap();
        let transfer_syntax = TransferSyntax::new(transfer_syntax.parse().unwrap());
        let proposal = Proposal {
            presentation_contexts: vec![(CT.parse().unwrap(), vec![transfer_syntax.clone()])],
            ..Proposal::new("DIMSEWAY".parse().unwrap(), "CT1".parse().unwrap())
        };
        let association = requestor::request(stream, &proposal, Settings::default()).await.unwrap();
        Self { association, transfer_syntax }
    }

    pub(super) async fn implicit(site: &Site) -> Self {
        Self::new(site, IMPLICIT_VR_LITTLE_ENDIAN).await
    }

    pub(super) async fn store(&mut self, instance: &Instance) -> Response {
        let contexts = self.association.contexts();
        let context = contexts.find(&CT.parse().unwrap(), &self.transfer_syntax).unwrap().clone();
        let chunks: Vec<_> =
            instance.data_set.chunks(999).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let chunks = stream::iter(chunks);
        self.association.store(&context, request(&instance.sop_instance_uid), chunks).await.unwrap()
    }
}

#[tokio::test]
async fn implicit_vr_arrives_as_explicit_vr_with_a_known_length() {
    for form in [StoreForm::Multipart, StoreForm::SinglePart] {
        let site = Site::new(|config| {
            azure(config);
            config.origins[0].client.profile.store_form = form;
        })
        .await;
        let (arrives, leaves) = pair(1, 300_000);
        assert_eq!(Device::implicit(&site).await.store(&arrives).await.status, Status::SUCCESS);
        let lines = site.delivered(1).await;
        assert_eq!(site.origin.stored()["1.2.3.4.1"], leaves);
        let seen = &site.origin.seen()[0];
        assert_eq!(seen.transfer_syntaxes, [EXPLICIT_VR_LITTLE_ENDIAN]);
        assert!(seen.content_length.is_some_and(|length| length > leaves.len() as u64), "{seen:?}");
        let hash: String = Sha256::digest(&leaves).iter().map(|byte| format!("{byte:02x}")).collect();
        let record = lines[0].reason.clone().unwrap();
        assert!(record.contains(EXPLICIT_VR_LITTLE_ENDIAN) && record.contains(&hash), "{record}");
    }
}

#[tokio::test]
async fn what_the_origin_takes_leaves_as_it_came() {
    let site = Site::new(azure).await;
    // No explicit data set that is rewritten keeps a group length.
    let mut sent = instance(1, 1000);
    sent.data_set = [b"\x08\0\0\0UL\x04\0\x01\0\0\0".as_slice(), &sent.data_set].concat();
    assert_eq!(
        Device::new(&site, EXPLICIT_VR_LITTLE_ENDIAN).await.store(&sent).await.status,
        Status::SUCCESS
    );
    let compressed = instance(2, 1000);
    assert_eq!(Device::new(&site, JPEG).await.store(&compressed).await.status, Status::SUCCESS);
    site.delivered(2).await;
    assert_eq!(site.origin.stored()["1.2.3.4.1"], sent.data_set);
    assert_eq!(site.origin.stored()["1.2.3.4.2"], compressed.data_set);
}

#[tokio::test]
async fn a_pass_through_route_takes_it_through_the_spool_and_answers_after_the_delivery() {
    let site = Site::new(|config| {
        azure(config);
        let everything = Route::everything(vec!["archive".parse().unwrap()]);
        config.routes = vec![Route { acknowledge: Acknowledge::Stored, ..everything }];
    })
    .await;
    let mut device = Device::implicit(&site).await;
    let (arrives, leaves) = pair(1, 5000);
    assert_eq!(device.store(&arrives).await.status, Status::SUCCESS);
    assert_eq!(site.origin.stored()["1.2.3.4.1"], leaves, "before the answer");
    assert_eq!(site.states().await, [State::Delivered]);
    site.origin.then(Answer::Fail("1.2.3.4.2".into(), 0xA900));
    assert_eq!(device.store(&pair(2, 5000).0).await.status, Status::PROCESSING_FAILURE);
    // Explicit VR still passes through.
    let explicit = instance(3, 5000);
    assert_eq!(
        Device::new(&site, EXPLICIT_VR_LITTLE_ENDIAN).await.store(&explicit).await.status,
        Status::SUCCESS
    );
    assert_eq!(site.states().await.len(), 2, "which touches no spool");
}

#[tokio::test]
async fn a_duplicate_is_compared_element_by_element() {
    let (arrives, leaves) = pair(1, 1000);
    // As another device sent it: a sequence of defined length more would be another content, a retired group
    // length is not.
    let otherwise_written = [b"\x08\0\0\0UL\x04\0\x01\0\0\0".as_slice(), &leaves].concat();
    let cases = [
        (leaves.clone(), State::Delivered),
        (otherwise_written, State::Delivered),
        (instance(1, 1002).data_set, State::Held),
    ];
    for (at_origin, state) in cases {
        let site = Site::new(azure).await;
        site.origin.holds("1.2.3.4.1", &at_origin);
        site.origin.always(Answer::RefuseWhatIsThere(0xB00E));
        assert_eq!(Device::implicit(&site).await.store(&arrives).await.status, Status::SUCCESS);
        let lines = site.settled(1, &[State::Delivered, State::Held]).await;
        assert_eq!(lines[0].state, state, "{:?}", lines[0].reason);
        assert_eq!(site.origin.stored()["1.2.3.4.1"], at_origin);
    }
}

#[tokio::test]
async fn what_can_neither_be_taken_nor_made_is_held_with_its_reason() {
    let takes_implicit_alone = |config: &mut Config| {
        // As if the profile had become narrower since the instance was accepted.
        let syntax = TransferSyntax::new(IMPLICIT_VR_LITTLE_ENDIAN.parse().unwrap());
        config.origins[0].client.profile.transfer_syntaxes = TransferSyntaxes::These(vec![syntax]);
    };
    let site = Site::new(|_| {}).await;
    site.origin.always(Answer::Status(503, None));
    let compressed = instance(1, 100);
    assert_eq!(Device::new(&site, JPEG).await.store(&compressed).await.status, Status::SUCCESS);
    // An attempt that is under way would go on with the profile that it began with.
    site.settled(1, &[State::Deferred]).await;
    let mut narrower = super::site::config(&[("archive", site.origin_address)]);
    takes_implicit_alone(&mut narrower);
    site.bridge.reload(narrower).unwrap();
    site.origin.always(Answer::Store);
    let lines = site.settled(1, &[State::Held]).await;
    let reason = lines[0].reason.clone().unwrap();
    assert!(reason.contains(JPEG) && reason.contains("nothing else is made of it"), "{reason}");

    let site = Site::new(azure).await;
    let mut broken = Writer::new(Encoding::ImplicitVrLittleEndian);
    broken
        .element(Tag::SOP_CLASS_UID, VR::UI, CT.as_bytes())
        .element(Tag::SOP_INSTANCE_UID, VR::UI, b"1.2.3.4.1\0")
        .element(Tag::STUDY_INSTANCE_UID, VR::UI, b"1.2.3.1\0")
        .element(Tag::SERIES_INSTANCE_UID, VR::UI, b"1.2.3.2\0")
        .element(Tag(0x0040, 0xA730), VR::UN, b"no item here");
    let broken = Instance { sop_instance_uid: "1.2.3.4.1".parse().unwrap(), data_set: broken.into_bytes() };
    let mut device = Device::implicit(&site).await;
    assert_eq!(device.store(&broken).await.status, Status::SUCCESS);
    assert_eq!(device.store(&pair(2, 100).0).await.status, Status::SUCCESS);
    let lines = site.settled(2, &[State::Held, State::Delivered]).await;
    assert_eq!((lines[0].state, lines[1].state), (State::Held, State::Delivered), "{lines:?}");
    assert!(lines[0].reason.as_ref().is_some_and(|reason| reason.contains("(0040,A730)")), "{lines:?}");
    assert!(!site.origin.stored().contains_key("1.2.3.4.1"), "not a byte of it was sent");
}

/// An instance that grows by a half: many short elements, each of which gets a longer header.
fn growing(number: usize) -> Instance {
    let mut writer = Writer::new(Encoding::ImplicitVrLittleEndian);
    writer
        .element(Tag::SOP_CLASS_UID, VR::UI, CT.as_bytes())
        .element(Tag::SOP_INSTANCE_UID, VR::UI, format!("1.2.3.4.{number}").as_bytes())
        .element(Tag::STUDY_INSTANCE_UID, VR::UI, b"1.2.3.1\0")
        .element(Tag::SERIES_INSTANCE_UID, VR::UI, b"1.2.3.2\0");
    for element in 0..0xEFu16 {
        writer.element(Tag(0x0021, 0x1000 + element), VR::UN, b"");
    }
    Instance { sop_instance_uid: format!("1.2.3.4.{number}").parse().unwrap(), data_set: writer.into_bytes() }
}

#[tokio::test]
async fn requests_keep_to_their_size_as_they_leave() {
    const REQUEST_MAX: u64 = 30_000;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let origin = FakeOrigin::default();
    let site = Site::with_origin(origin.clone(), address, |config| {
        azure(config);
        config.forward.workers = 1;
        config.origins[0].client.profile.request_bytes_max = Some(REQUEST_MAX);
        config.origins[0].client.profile.request_instances_max = 10;
    })
    .await;
    let mut device = Device::implicit(&site).await;
    for number in 0..20 {
        assert_eq!(device.store(&growing(number)).await.status, Status::SUCCESS);
    }
    origin.serve(TcpListener::bind(address).await.unwrap());
    site.delivered(20).await;
    let seen = origin.seen();
    let lengths: Vec<u64> = seen.iter().filter_map(|seen| seen.content_length).collect();
    assert_eq!(lengths.len(), seen.len());
    assert!(lengths.iter().all(|length| *length <= REQUEST_MAX), "{lengths:?}");
    assert!(seen.len() < 20, "several go together: {lengths:?}");
}

#[tokio::test]
async fn a_device_with_implicit_vr_alone_is_heard_where_the_origin_takes_explicit_vr_alone() {
    let site = Site::new(|config| {
        let syntax = TransferSyntax::new(EXPLICIT_VR_LITTLE_ENDIAN.parse().unwrap());
        config.origins[0].client.profile.transfer_syntaxes = TransferSyntaxes::These(vec![syntax]);
    })
    .await;
    let (arrives, leaves) = pair(1, 100);
    assert_eq!(Device::implicit(&site).await.store(&arrives).await.status, Status::SUCCESS);
    site.delivered(1).await;
    assert_eq!(site.origin.stored()["1.2.3.4.1"], leaves);
}
