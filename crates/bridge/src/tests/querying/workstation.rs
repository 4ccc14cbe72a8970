//! A workstation that queries.

use dataset::{
    character_set::CharacterSet,
    element::VR,
    identifier::{self, Identifier},
    json::{Element, Item},
};
use dimse::{
    Status,
    acse::{InformationModel, QueryRetrieveClass, QueryRetrieveOperation, QueryRetrieveOptions},
    association::{PresentationContext, Settings},
    command::Response,
    requestor::{self, Proposal, RequestorAssociation},
};
use instance::{Encoding, Tag};
use tokio::net::TcpStream;

use crate::tests::site::{Site, explicit};

pub(super) const LEVEL: Tag = Tag(0x0008, 0x0052);
pub(super) const MODALITIES: Tag = Tag(0x0008, 0x0061);
pub(super) const STUDY_SERIES: Tag = Tag(0x0020, 0x1206);
pub(super) const STUDY_INSTANCES: Tag = Tag(0x0020, 0x1208);
pub(super) const SERIES_INSTANCES: Tag = Tag(0x0020, 0x1209);

pub(super) struct Workstation {
    association: RequestorAssociation<TcpStream>,
}

/// What a query was answered.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) results: Vec<(Status, Item)>,
    pub(super) last: Response,
}

impl Found {
    /// The first values of an attribute, sorted.
    pub(super) fn values(&self, tag: Tag) -> Vec<String> {
        let text = |(_, item): &(Status, Item)| item.text(tag).unwrap_or_default().into_owned();
        let mut values: Vec<_> = self.results.iter().map(text).collect();
        values.sort();
        values
    }

    /// Asserts that it was answered to the end.
    pub(super) fn whole(self) -> Self {
        assert_eq!(self.last.status, Status::SUCCESS, "{:?}", self.last);
        assert!(self.results.iter().all(|(status, _)| matches!(status.0, 0xFF00 | 0xFF01)));
        self
    }

    /// The only result.
    pub(super) fn only(&self) -> &Item {
        assert_eq!(self.results.len(), 1, "{self:?}");
        &self.results[0].1
    }
}

/// An identifier of text, several values with backslashes between.
pub(super) fn identifier(level: &str, elements: &[(Tag, VR, &str)]) -> Item {
    let level = (LEVEL, Element::text(VR::CS, level));
    let element = |(tag, vr, text): &(Tag, VR, &str)| (*tag, Element::texts(*vr, text.split('\\')));
    std::iter::once(level).chain(elements.iter().map(element)).collect()
}

impl Workstation {
    pub(super) async fn at(site: &Site) -> Self {
        Self::with(site, QueryRetrieveOptions::default()).await
    }

    /// With what was negotiated for Study Root.
    pub(super) async fn with(site: &Site, options: QueryRetrieveOptions) -> Self {
        let classes =
            [InformationModel::StudyRoot, InformationModel::PatientRoot, InformationModel::PatientStudyOnly]
                .map(class);
        let proposal = Proposal {
            presentation_contexts: classes.iter().map(|class| (class.uid(), vec![explicit()])).collect(),
            extended_negotiations: vec![options.negotiation(classes[0])],
            ..Proposal::new("DIMSEWAY".parse().unwrap(), "WS1".parse().unwrap())
        };
        let stream = TcpStream::connect(site.address).await.unwrap();
        Self { association: requestor::request(stream, &proposal, Settings::default()).await.unwrap() }
    }

    fn context(&self, model: InformationModel) -> PresentationContext {
        self.association.contexts().find(&class(model).uid(), &explicit()).unwrap().clone()
    }

    /// Queries in Study Root.
    pub(super) async fn find(&mut self, identifier: &Item) -> Found {
        self.find_in(InformationModel::StudyRoot, identifier, &CharacterSet::utf_8()).await
    }

    pub(super) async fn find_in(
        &mut self,
        model: InformationModel,
        identifier: &Item,
        character_set: &CharacterSet,
    ) -> Found {
        let context = self.context(model);
        let bytes = identifier::write(identifier, Encoding::ExplicitVrLittleEndian, character_set).bytes;
        let mut replies = self.association.find(&context, bytes.into()).await.unwrap();
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
        let context = self.context(InformationModel::StudyRoot);
        let character_set = CharacterSet::utf_8();
        let bytes = identifier::write(identifier, Encoding::ExplicitVrLittleEndian, &character_set).bytes;
        let mut replies = self.association.find(&context, bytes.into()).await.unwrap();
        let first = replies.next().await.unwrap().unwrap();
        assert_eq!(first.0.status, Status::PENDING);
        replies.cancel().await.unwrap();
        replies.last().await.unwrap().0.status
    }
}

fn class(model: InformationModel) -> QueryRetrieveClass {
    QueryRetrieveClass { model, operation: QueryRetrieveOperation::Find }
}
