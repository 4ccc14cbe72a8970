//! A workstation that retrieves, with the bridge, its origin and a destination around it.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use dataset::{
    character_set::CharacterSet,
    element::VR,
    identifier::{self, Identifier},
    json::{Element, Item},
};
use dimse::{
    Status,
    acse::{InformationModel, QueryRetrieveClass, QueryRetrieveOperation, RoleSelection, Roles},
    association::{PresentationContext, Settings},
    command::Response,
    requestor::{self, Proposal, RequestorAssociation},
};
use instance::{Encoding, Tag};
use tokio::{
    net::TcpStream,
    time::{interval, timeout},
};

use super::{
    archive::Archive,
    destination::{Destination, Stored},
};
use crate::{
    Config,
    config::{Peer, PeerAddress},
    tests::{
        origin::FakeOrigin,
        site::{CT, DEADLINE, Site, explicit},
    },
};

pub(super) const LEVEL: Tag = Tag(0x0008, 0x0052);
pub(super) const FAILED: Tag = Tag(0x0008, 0x0058);

pub(super) struct Ward {
    pub(super) site: Site,
    pub(super) archive: Archive,
    pub(super) destination: Destination,
}

impl Ward {
    pub(super) async fn new(archive: Archive, change: impl FnOnce(&mut Config)) -> Self {
        let address = archive.serve().await;
        Self::at(address, archive, change).await
    }

    /// With whatever archive is at an address.
    pub(super) async fn at(address: SocketAddr, archive: Archive, change: impl FnOnce(&mut Config)) -> Self {
        let destination = Destination::default();
        let listens = destination.serve().await;
        let site = Site::with_origin(FakeOrigin::default(), address, |config| {
            let mut peer = Peer::new("WS1".parse().unwrap());
            peer.address = Some(PeerAddress::new(listens.ip().to_string(), listens.port()));
            config.peers.push(peer);
            // No child process decodes anything here, so what is compressed is the origin's to change.
            config.retrieve.transcode_program = "/bin/false".into();
            change(config);
        })
        .await;
        Self { site, archive, destination }
    }

    pub(super) async fn workstation(&self) -> Workstation {
        let class = |operation| QueryRetrieveClass { model: InformationModel::StudyRoot, operation };
        let patient = QueryRetrieveClass {
            model: InformationModel::PatientRoot,
            operation: QueryRetrieveOperation::Move,
        };
        let classes = [class(QueryRetrieveOperation::Move), class(QueryRetrieveOperation::Get), patient];
        let mut presentation_contexts: Vec<_> =
            classes.iter().map(|class| (class.uid(), vec![explicit()])).collect();
        presentation_contexts.push((CT.parse().unwrap(), vec![explicit()]));
        let proposal = Proposal {
            presentation_contexts,
            role_selections: vec![RoleSelection {
                sop_class_uid: CT.parse().unwrap(),
                roles: Roles { scu: false, scp: true },
            }],
            ..Proposal::new("DIMSEWAY".parse().unwrap(), "WS1".parse().unwrap())
        };
        let stream = TcpStream::connect(self.site.address).await.unwrap();
        let association = requestor::request(stream, &proposal, Settings::default()).await.unwrap();
        Workstation { association }
    }

    /// Moves what `keys` name to WS1, and gives the final response with its identifier.
    pub(super) async fn move_(&self, keys: &[(Tag, &str)]) -> Ended {
        self.workstation().await.move_to("WS1", keys).await
    }

    /// Whether the destination has exactly the instances of the origin, byte for byte.
    pub(super) fn has_all(&self, expected: &[super::archive::Held]) {
        let mut stored = self.destination.stored();
        stored.sort_by(|a, b| a.uid.cmp(&b.uid));
        let mut expected = expected.to_vec();
        expected.sort_by(|a, b| a.uid.cmp(&b.uid));
        let uids = |stored: &[Stored]| stored.iter().map(|stored| stored.uid.clone()).collect::<Vec<_>>();
        let expected_uids: Vec<_> = expected.iter().map(|held| held.uid.clone()).collect();
        assert_eq!(uids(&stored), expected_uids);
        for (stored, held) in stored.iter().zip(&expected) {
            assert!(stored.data_set == held.data_set, "{} arrived otherwise", held.uid);
            assert_eq!((&stored.syntax, &stored.class), (&held.syntax, &held.class));
        }
    }

    /// Waits until `condition` holds.
    pub(super) async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let mut ticks = interval(Duration::from_millis(5));
        let held = async {
            while !condition(self) {
                ticks.tick().await;
            }
        };
        assert!(timeout(DEADLINE, held).await.is_ok(), "never: {what}");
    }

    /// Waits until nothing of the memory budget is in use any more.
    pub(super) async fn idle(&self) {
        self.site.metric("dimseway_memory_budget_used_bytes 0").await;
    }
}

pub(super) struct Workstation {
    pub(super) association: RequestorAssociation<TcpStream>,
}

/// A final response.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) response: Response,
    pub(super) failed: Vec<String>,
}

impl Ended {
    pub(super) fn new(response: Response, identifier: Option<Bytes>) -> Self {
        let failed = identifier.map(|bytes| {
            let read = Identifier::read(&bytes, Encoding::ExplicitVrLittleEndian, None).unwrap();
            assert_eq!(read.item.len(), 1, "nothing but the list");
            let values = read.item.values(FAILED).iter();
            values.map(|value| value.text().unwrap().into_owned()).collect::<Vec<_>>()
        });
        let failed = failed.inspect(|failed| assert!(!failed.is_empty())).unwrap_or_default();
        Self { response, failed }
    }

    /// Status, completed, failed, warning, remaining.
    pub(super) fn counts(&self) -> (Status, u16, u16, u16, Option<u16>) {
        let counts = self.response.sub_operations.unwrap();
        (self.response.status, counts.completed, counts.failed, counts.warning, counts.remaining)
    }
}

impl Workstation {
    pub(super) fn context(&self, class: QueryRetrieveClass) -> PresentationContext {
        let mut contexts = self.association.contexts().iter();
        contexts.find(|context| context.abstract_syntax == class.uid()).unwrap().clone()
    }

    pub(super) fn mover(&self, model: InformationModel) -> PresentationContext {
        self.context(QueryRetrieveClass { model, operation: QueryRetrieveOperation::Move })
    }

    pub(super) async fn move_to(&mut self, destination: &str, keys: &[(Tag, &str)]) -> Ended {
        let context = self.mover(InformationModel::StudyRoot);
        let replies = self.association.move_(&context, destination.parse().unwrap(), keys_of(keys));
        let (response, identifier) = replies.await.unwrap().last().await.unwrap();
        Ended::new(response, identifier)
    }
}

pub(super) fn keys_of(keys: &[(Tag, &str)]) -> Bytes {
    let element = |(tag, value): &(Tag, &str)| {
        let vr = match *tag {
            LEVEL => VR::CS,
            Tag::PATIENT_ID => VR::LO,
            _ => VR::UI,
        };
        (*tag, Element::texts(vr, value.split('\\')))
    };
    let item = Item::from_iter(keys.iter().map(element));
    identifier::write(&item, Encoding::ExplicitVrLittleEndian, &CharacterSet::default()).bytes.into()
}

pub(super) fn study(uid: &str) -> [(Tag, &str); 2] {
    [(LEVEL, "STUDY"), (Tag::STUDY_INSTANCE_UID, uid)]
}
