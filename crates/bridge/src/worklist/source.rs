//! The seam between the worklist and where its orders come from.

mod dicom_web;
pub(crate) mod dimse;
pub(crate) mod folder;
pub(crate) mod mwl_rs;
pub(crate) mod postdicom;
pub(crate) mod ups_rs;

use async_trait::async_trait;
use dataset::json::Item;
use instance::Tag;
use jiff::civil::Date;

use super::{
    Order,
    attribute::{PROCEDURE_ID, STEP_ID, STEPS},
    derived,
};

/// A source of orders.
#[async_trait]
pub trait Source: Send + Sync {
    /// The orders that match what is wanted. A source may give more, as far as it cannot match; it never
    /// leaves out what matches. `None`: the same as the last time that the same days were wanted. It may be
    /// dropped at any await.
    ///
    /// # Errors
    /// It gives all or nothing: with part of its orders the others would vanish from the screens.
    async fn fetch(&self, wanted: &Wanted) -> Result<Option<Fetched>, SourceError>;
}

/// What is wanted of a source: everything that is not `None` must match.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The first day on which steps may begin, in the time zone of the site.
    pub from: Option<Date>,
    /// The last day on which steps may begin, in the time zone of the site.
    pub to: Option<Date>,
    /// (0010,0020) Patient ID, without wildcards.
    pub patient_id: Option<String>,
    /// (0008,0050) Accession Number, without wildcards.
    pub accession_number: Option<String>,
    /// Orders beyond which the source may stop with [`SourceError::TooMany`].
    pub orders_max: usize,
    /// Whether a modality waits for it: no list of a window, but what one query asks for.
    pub is_look_up: bool,
}

/// What a source gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fetched {
    /// The orders.
    pub orders: Vec<Order>,
    /// Orders or files that could not be read.
    pub unreadable: usize,
}

/// Why a source gave nothing. Messages say nothing about a patient.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It did not answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The directory cannot be read.
    #[error("the directory cannot be read: {0}")]
    Directory(#[source] std::io::Error),
    /// The vendor's interface failed.
    #[error(transparent)]
    PostDicom(#[from] ::postdicom::Error),
    /// The origin gave no worklist.
    #[error(transparent)]
    DicomWeb(#[from] dicomweb::Error),
    /// The peer takes no connection.
    #[error("the peer does not take a connection: {0}")]
    Connect(#[source] std::io::Error),
    /// The association failed.
    #[error(transparent)]
    Association(#[from] ::dimse::Error),
    /// The peer accepts no presentation context for the worklist.
    #[error("the peer offers no Modality Worklist")]
    NotOffered,
    /// The peer ended the query with a failure.
    #[error("the peer answered {0}")]
    Status(::dimse::Status),
    /// There are more orders than are wanted.
    #[error("more than {0} orders")]
    TooMany(usize),
}

impl Wanted {
    /// Steps that begin in these days.
    #[must_use]
    pub fn between(from: Date, to: Date, orders_max: usize) -> Self {
        Self { from: Some(from), to: Some(to), orders_max, ..Self::default() }
    }
}

/// A name for an order that has none of its own: of what identifies it, so that it stays when anything else of
/// it changes. Of an order with one step the step counts too, since each may come by itself.
pub(crate) fn id_of(item: &Item) -> String {
    let mut steps = item.items(STEPS);
    let step = steps.next().filter(|_| steps.next().is_none());
    let of_step = step.and_then(|step| step.text(STEP_ID));
    let study = item.text(Tag::STUDY_INSTANCE_UID);
    let texts = [
        study.as_deref(),
        item.text(Tag::PATIENT_ID).as_deref(),
        item.text(Tag::ACCESSION_NUMBER).as_deref(),
        item.text(PROCEDURE_ID).as_deref(),
        of_step.as_deref(),
    ]
    .map(|text| text.unwrap_or_default().to_owned());
    derived::short(&texts.each_ref().map(String::as_str))
}

impl std::fmt::Debug for Wanted {
    /// Without anything about the patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { from, to, patient_id, accession_number, orders_max, is_look_up } = self;
        f.debug_struct("Wanted")
            .field("from", from)
            .field("to", to)
            .field("patient_id", &patient_id.is_some())
            .field("accession_number", &accession_number.is_some())
            .field("orders_max", orders_max)
            .field("is_look_up", is_look_up)
            .finish()
    }
}
