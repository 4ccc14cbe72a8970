//! A modality that asks for its worklist, and the sites it asks at.

use std::path::Path;

use dataset::{
    character_set::CharacterSet,
    identifier::{self, Identifier},
    json::{Item, write_array},
};
use dimse::{
    Status,
    acse::{QueryRetrieveClass, QueryRetrieveOptions},
    association::Settings,
    command::Response,
    requestor::{self, Proposal, RequestorAssociation},
};
use instance::Encoding;
use tokio::net::TcpStream;

use crate::{
    config::{Config, WorklistSource, WorklistSourceKind},
    tests::site::{Site, explicit},
    worklist::Order,
};

pub(super) struct Modality {
    association: RequestorAssociation<TcpStream>,
}

/// What a query was answered.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) results: Vec<(Status, Item)>,
    pub(super) last: Response,
}

impl Found {
    /// The Patient IDs, in the order of the answers.
    pub(super) fn patients(&self) -> Vec<String> {
        let text = |(_, item): &(Status, Item)| {
            item.text(instance::Tag::PATIENT_ID).unwrap_or_default().into_owned()
        };
        self.results.iter().map(text).collect()
    }
}

impl Modality {
    pub(super) async fn at(site: &Site) -> Self {
        Self::call(site, "CT1").await.unwrap()
    }

    pub(super) async fn call(site: &Site, calling: &str) -> Result<Self, dimse::Error> {
        let class = QueryRetrieveClass::WORKLIST;
        let proposal = Proposal {
            presentation_contexts: vec![(class.uid(), vec![explicit()])],
            extended_negotiations: vec![QueryRetrieveOptions::default().negotiation(class)],
            ..Proposal::new("DIMSEWAY".parse().unwrap(), calling.parse().unwrap())
        };
        let stream = TcpStream::connect(site.address).await.unwrap();
        Ok(Self { association: requestor::request(stream, &proposal, Settings::default()).await? })
    }

    /// Whether the SOP Class was accepted.
    pub(super) fn is_offered(&self) -> bool {
        self.association.contexts().find(&QueryRetrieveClass::WORKLIST.uid(), &explicit()).is_some()
    }

    pub(super) async fn find(&mut self, identifier: &Item) -> Found {
        self.find_bytes(
            identifier::write(identifier, Encoding::ExplicitVrLittleEndian, &CharacterSet::utf_8()).bytes,
        )
        .await
    }

    pub(super) async fn find_bytes(&mut self, identifier: Vec<u8>) -> Found {
        let uid = QueryRetrieveClass::WORKLIST.uid();
        let context = self.association.contexts().find(&uid, &explicit()).unwrap().clone();
        let mut replies = self.association.find(&context, identifier.into()).await.unwrap();
        let mut results = Vec::new();
        while let Some((response, identifier)) = replies.next().await.unwrap() {
            let Some(bytes) = identifier else { return Found { results, last: response } };
            let read = Identifier::read(&bytes, Encoding::ExplicitVrLittleEndian, None).unwrap();
            results.push((response.status, read.item));
        }
        panic!("no final response");
    }

    /// Queries, cancels at the first result and gives the final status.
    pub(super) async fn cancel(&mut self, identifier: &Item) -> Status {
        let uid = QueryRetrieveClass::WORKLIST.uid();
        let context = self.association.contexts().find(&uid, &explicit()).unwrap().clone();
        let bytes =
            identifier::write(identifier, Encoding::ExplicitVrLittleEndian, &CharacterSet::utf_8()).bytes;
        let mut replies = self.association.find(&context, bytes.into()).await.unwrap();
        assert_eq!(replies.next().await.unwrap().unwrap().0.status, Status::PENDING);
        replies.cancel().await.unwrap();
        replies.last().await.unwrap().0.status
    }
}

/// Lets a site take its worklist from a directory.
pub(super) fn from_folder(config: &mut Config, directory: &Path) {
    config.worklist = crate::worklist::testing::config();
    config.worklist.refresh = std::time::Duration::from_millis(50);
    let kind = WorklistSourceKind::Folder { directory: directory.to_owned(), character_set: None };
    config.worklist.sources = vec![WorklistSource::new("folder", kind)];
}

/// Puts orders in a file of a directory.
pub(super) fn put(directory: &Path, orders: impl IntoIterator<Item = Order>) {
    put_in(directory, "orders.json", orders);
}

/// Puts orders in this file of a directory.
pub(super) fn put_in(directory: &Path, name: &str, orders: impl IntoIterator<Item = Order>) {
    let items: Vec<Item> = orders.into_iter().map(|order| order.item).collect();
    let mut json = Vec::new();
    write_array(&items, &mut json).unwrap();
    std::fs::write(directory.join(name), json).unwrap();
}

/// A directory of orders, and a site that takes its worklist from there.
pub(super) async fn site_of(
    orders: impl IntoIterator<Item = Order>,
    change: impl FnOnce(&mut Config),
) -> (Site, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    put(directory.path(), orders);
    let site = Site::new(|config| {
        from_folder(config, directory.path());
        change(config);
    })
    .await;
    (site, directory)
}
