//! Who the instances are sent to: a destination of C-MOVE, on associations of our own, or the requestor
//! of C-GET, on its association.

pub(crate) mod destination;
pub(super) mod foreseen;

use std::{io, sync::Arc};

use bytes::Bytes;
use dimse::{
    association::PresentationContext,
    command::{CStoreRq, Response},
};
use futures::stream::BoxStream;
use instance::{TransferSyntax, Uid};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use self::{
    destination::{Borrowed, Destination, Unusable},
    foreseen::Foreseen,
};
use crate::service::{SubOperationError, SubOperations};

/// Who the instances are sent to.
#[derive(Clone)]
pub(super) enum Recipient {
    /// The destination of a C-MOVE.
    Destination(Arc<Destination>),
    /// The requestor of a C-GET.
    Requestor(SubOperations),
}

/// An association for one sub-operation.
pub(super) enum Lane {
    Destination(Borrowed),
    Requestor(SubOperations),
}

/// Why a sub-operation has no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAnswered {
    /// No association could be made.
    #[error(transparent)]
    NoAssociation(#[from] Unusable),
    /// The association ended in the middle; the instance was not stored as a whole, or it is not known.
    #[error("the association ended: {0}")]
    AssociationEnded(String),
    /// The data set broke in the middle, which ended the association. The recipient is not to blame.
    #[error("the data set broke: {cause}")]
    SourceFailed {
        /// Why.
        cause: String,
        /// Whether the origin has another version by now, which may be sent anew.
        changed: bool,
    },
    /// The recipient has not answered. Its association lives on.
    #[error("the recipient did not answer in time")]
    TooLate,
    /// The retrieve itself ended.
    #[error("the retrieve ended")]
    Aborted,
}

impl Recipient {
    /// Sub-operations at the same time.
    pub(super) fn window(&self) -> usize {
        match self {
            Self::Destination(destination) => destination.associations(),
            Self::Requestor(sub_operations) => sub_operations.window(),
        }
    }

    /// Whether a sub-operation whose association ended can be repeated on another one.
    pub(super) const fn has_other_associations(&self) -> bool {
        matches!(self, Self::Destination(_))
    }

    /// Waits until the operation may send, which it may until the result is dropped.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        match self {
            Self::Destination(destination) => destination.turn().await,
            Self::Requestor(_) => None,
        }
    }

    /// Whether instances of `sop_class` may be taken in some transfer syntax.
    pub(super) fn may_take(&self, sop_class: &Uid) -> bool {
        match self {
            Self::Destination(_) => true,
            Self::Requestor(sub_operations) => {
                !sub_operations.accepted_transfer_syntaxes(sop_class).is_empty()
            }
        }
    }

    /// An association for an instance, one on which its presentation context was proposed at least.
    pub(super) async fn lane(
        &self,
        sop_class: &Uid,
        transfer_syntax: &TransferSyntax,
        foreseen: &Foreseen,
    ) -> Result<Lane, NotAnswered> {
        Ok(match self {
            Self::Destination(destination) => {
                let pair = (sop_class.clone(), transfer_syntax.clone());
                Lane::Destination(destination.borrow(&pair, foreseen).await?)
            }
            Self::Requestor(sub_operations) => Lane::Requestor(sub_operations.clone()),
        })
    }
}

impl Lane {
    /// The presentation context for instances of `sop_class` in `transfer_syntax`, if it was accepted.
    pub(super) fn presentation_context(
        &self,
        sop_class: &Uid,
        transfer_syntax: &TransferSyntax,
    ) -> Option<PresentationContext> {
        match self {
            Self::Destination(borrowed) => borrowed.contexts().find(sop_class, transfer_syntax).cloned(),
            Self::Requestor(sub_operations) => {
                sub_operations.presentation_context(sop_class, transfer_syntax).cloned()
            }
        }
    }

    /// The transfer syntaxes in which instances of `sop_class` are taken.
    pub(super) fn accepted_transfer_syntaxes(&self, sop_class: &Uid) -> Vec<TransferSyntax> {
        match self {
            Self::Destination(borrowed) => {
                let of_class = borrowed.contexts().iter().filter(|c| c.abstract_syntax == *sop_class);
                of_class.map(|context| context.transfer_syntax.clone()).collect()
            }
            Self::Requestor(sub_operations) => sub_operations.accepted_transfer_syntaxes(sop_class),
        }
    }

    /// Gives the association back unused.
    pub(super) fn give_back(self) {
        if let Self::Destination(borrowed) = self {
            borrowed.give_back();
        }
    }

    /// Sends an instance and awaits its response. A data set that fails in the middle ends the
    /// association, and so does `aborting`, where it is one of our own.
    pub(super) async fn store(
        self,
        context: &PresentationContext,
        request: CStoreRq,
        data_set: BoxStream<'static, io::Result<Bytes>>,
        aborting: &CancellationToken,
    ) -> Result<Response, NotAnswered> {
        match self {
            Self::Destination(borrowed) => borrowed.store(context, request, data_set, aborting).await,
            Self::Requestor(sub_operations) => tokio::select! {
                biased;
                stored = sub_operations.store(context, request, data_set) => stored.map_err(|error| match error {
                    SubOperationError::Ended => NotAnswered::AssociationEnded(error.to_string()),
                    SubOperationError::NotAnswered => NotAnswered::TooLate,
                }),
                () = aborting.cancelled() => Err(NotAnswered::Aborted),
            },
        }
    }
}
