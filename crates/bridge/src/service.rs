//! The service classes: what each request leads to. Services return; the association writes.

mod invocation;
pub(crate) mod performed_procedure;
pub(crate) mod query;
pub(crate) mod retrieve;
pub mod storage;
mod sub_operation;
pub mod verification;
pub mod web;
pub(crate) mod worklist;

pub(crate) use self::{
    invocation::{Invocation, QueryRetrieve, Replies, Reply, Services},
    sub_operation::{Outstanding, SubOperation, SubOperationError, SubOperations},
};

use dicomweb::InstanceOutcome;
use instance::Tag;

/// Why a request was not carried out: the decision, not yet the status. What it means to a DIMSE
/// peer stands in [`mapping::status`](crate::mapping::status) and nowhere else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The operation is not one of the service of its presentation context.
    #[error("the operation does not belong to this presentation context")]
    UnrecognizedOperation,
    /// A message with this Message ID is still being carried out.
    #[error("the message id is in use")]
    DuplicateInvocation,
    /// The command says that no data set follows where one must.
    #[error("the request has no data set")]
    NoDataSet,
    /// An element of the command is absent or has no usable value, a UID that is none for example.
    #[error("{0} of the command is missing or unusable")]
    ArgumentUnusable(Tag),
    /// The SOP Class of the command is not the abstract syntax of the presentation context.
    #[error("the SOP class is not that of the presentation context")]
    SopClassNotOfContext,
    /// The identifier of a query or a retrieve is longer than the configuration allows.
    #[error("the identifier is too long")]
    IdentifierTooLong,
    /// More operations, or more bytes of identifiers, are outstanding than the association may have.
    #[error("too many operations are outstanding")]
    TooManyOperations,
    /// The bridge stops, and finishes only what it has begun.
    #[error("the bridge is stopping")]
    Stopping,
    /// The calling AE title may not do this.
    #[error("the calling AE title is not allowed to use this service")]
    NotAllowed,
    /// No route matches, and the configuration refuses what is unrouted.
    #[error("no route matches")]
    Unrouted,
    /// An identifying attribute is absent, empty or no UID.
    #[error("{0} is missing or is no UID")]
    IdentityUnusable(Tag),
    /// An identifying attribute is not what the command says.
    #[error("{0} differs from the command")]
    IdentityDiffers(Tag),
    /// The data set cannot be read far enough to identify the instance.
    #[error("the data set cannot be read: {0}")]
    Unreadable(#[source] dataset::scan::ScanError),
    /// The spool did not take the instance.
    #[error("the spool did not take the instance: {0}")]
    Spool(#[source] spool::Error),
    /// The destination of a route with `acknowledge = "stored"` did not take the instance.
    #[error("{0}")]
    Destination(DestinationRefusal),
}

/// Why a destination that must confirm an instance did not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationRefusal {
    /// It could not be asked, or gave an answer for the whole request.
    #[error("the destination did not take the instance: {0}")]
    Request(#[source] dicomweb::Error),
    /// It refused this instance, with its Failure Reason (0008,1197) if it gave one.
    #[error("the destination refused the instance")]
    Instance {
        /// Failure Reason (0008,1197).
        failure_reason: Option<u16>,
    },
    /// It cannot take this instance now and may later; its answer in words.
    #[error("the destination cannot take the instance now: {0}")]
    Busy(String),
    /// It has an instance of this UID, and that has to be refused or has other content.
    #[error("the destination already has an instance of this UID")]
    Duplicate,
    /// Whether it has the instance could not be found out.
    #[error("it is not known whether the destination has the instance")]
    OutcomeUnknown,
    /// It was not confirmed in time. It stays in the spool, if it is there, and is delivered later.
    #[error("the destination did not confirm in time")]
    NotInTime,
    /// The delivery is held for a person to decide.
    #[error("the delivery is held: {0}")]
    Held(String),
}

impl DestinationRefusal {
    /// The refusal in an outcome that is one.
    #[must_use]
    pub const fn from_outcome(outcome: &InstanceOutcome) -> Option<Self> {
        match outcome {
            InstanceOutcome::Stored { .. } => None,
            InstanceOutcome::Failed { duplicate: true, .. } => Some(Self::Duplicate),
            InstanceOutcome::Failed { failure_reason, .. } => {
                Some(Self::Instance { failure_reason: *failure_reason })
            }
            InstanceOutcome::Unknown => Some(Self::OutcomeUnknown),
        }
    }
}

/// An operation that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done;
