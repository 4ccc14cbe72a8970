//! The worklist of a DIMSE peer: C-FIND as service class user (PS3.4 §K).

use async_trait::async_trait;
use bytes::Bytes;
use dataset::{
    character_set::CharacterSet,
    element::VR,
    identifier::{self, Identifier},
    json::{Element, Item},
};
use dimse::{
    Category,
    acse::sop_class::MODALITY_WORKLIST,
    association::{PresentationContext, Settings},
    requestor::{self, Proposal, RequestorAssociation},
    socket::QuickAck,
};
use instance::{
    AeTitle, Tag, TransferSyntax,
    transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN},
};
use jiff::civil::Date;

use super::{Fetched, Order, Source, SourceError, Wanted, id_of};
use crate::{
    config::PeerAddress,
    forward::peer::connect,
    worklist::{
        BESIDE_STEP, OF_STEP, START_DATE, STEPS,
        attribute::{Attribute, ReturnType},
    },
};

/// The source.
pub(crate) struct Peer {
    called: AeTitle,
    calling: AeTitle,
    address: PeerAddress,
    character_set: Option<CharacterSet>,
}

impl Peer {
    pub(crate) const fn new(
        called: AeTitle,
        calling: AeTitle,
        address: PeerAddress,
        character_set: Option<CharacterSet>,
    ) -> Self {
        Self { called, calling, address, character_set }
    }

    async fn associate(&self) -> Result<RequestorAssociation<QuickAck>, SourceError> {
        let stream = connect(&self.address).await.map_err(SourceError::Connect)?;
        let syntaxes = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN];
        let syntaxes = syntaxes.iter().filter_map(|uid| Some(TransferSyntax::new(uid.parse().ok()?)));
        let contexts = MODALITY_WORKLIST.parse().map(|uid| (uid, syntaxes.collect()));
        let proposal = Proposal {
            presentation_contexts: contexts.into_iter().collect(),
            ..Proposal::new(self.called.clone(), self.calling.clone())
        };
        Ok(requestor::request(stream, &proposal, Settings::default()).await?)
    }

    /// Asks for everything that an entry may have.
    fn identifier(&self, wanted: &Wanted, context: &PresentationContext) -> Bytes {
        let asked = |attribute: &&Attribute| attribute.return_type != ReturnType::Three;
        let empty = |attribute: &Attribute| (attribute.tag, Element::empty(attribute.vr));
        let mut step: Item = OF_STEP.iter().filter(asked).map(empty).collect();
        let day = |day: Option<Date>| {
            day.map(|day| format!("{:04}{:02}{:02}", day.year(), day.month(), day.day())).unwrap_or_default()
        };
        if wanted.from.is_some() || wanted.to.is_some() {
            let range = match (day(wanted.from), day(wanted.to)) {
                (from, to) if from == to => from,
                (from, to) => format!("{from}-{to}"),
            };
            step.insert(START_DATE, Element::text(VR::DA, &range));
        }
        let mut item: Item = BESIDE_STEP.iter().filter(asked).map(empty).collect();
        item.insert(STEPS, Element::sequence([step]));
        for (tag, vr, text) in [
            (Tag::PATIENT_ID, VR::LO, &wanted.patient_id),
            (Tag::ACCESSION_NUMBER, VR::SH, &wanted.accession_number),
        ] {
            if let Some(text) = text {
                item.insert(tag, Element::text(vr, text));
            }
        }
        let character_set = self.character_set.clone().unwrap_or_else(CharacterSet::utf_8);
        identifier::write(&item, context.transfer_syntax.encoding(), &character_set).bytes.into()
    }

    async fn find(
        &self,
        association: &mut RequestorAssociation<QuickAck>,
        wanted: &Wanted,
    ) -> Result<Fetched, SourceError> {
        let is_worklist =
            |context: &&PresentationContext| context.abstract_syntax.as_str() == MODALITY_WORKLIST;
        let context = association.contexts().iter().find(is_worklist).cloned();
        let context = context.ok_or(SourceError::NotOffered)?;
        let encoding = context.transfer_syntax.encoding();
        let identifier = self.identifier(wanted, &context);
        let mut replies = association.find(&context, identifier).await?;
        let mut fetched = Fetched::default();
        while let Some((response, identifier)) = replies.next().await? {
            if response.status.category() != Category::Pending {
                return match response.status.category() {
                    Category::Success | Category::Warning => Ok(fetched),
                    _ => Err(SourceError::Status(response.status)),
                };
            }
            if fetched.orders.len() == wanted.orders_max {
                return Err(SourceError::TooMany(wanted.orders_max));
            }
            let identifier = identifier.unwrap_or_default();
            match Identifier::read(&identifier, encoding, self.character_set.as_ref()) {
                Ok(read) if !read.item.is_empty() => {
                    let item = read.item;
                    fetched.orders.push(Order { id: id_of(&item), item, ..Order::default() });
                }
                _ => fetched.unreadable += 1,
            }
        }
        // The requestor ends with a final response or an error.
        Err(SourceError::Association(dimse::Error::Ended))
    }
}

#[async_trait]
impl Source for Peer {
    async fn fetch(&self, wanted: &Wanted) -> Result<Option<Fetched>, SourceError> {
        let mut association = self.associate().await?;
        let fetched = self.find(&mut association, wanted).await?;
        if let Err(error) = association.release().await {
            tracing::debug!(%error, "the association was not released in order");
        }
        Ok(Some(fetched))
    }
}
