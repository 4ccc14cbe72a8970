//! Errors of an association, split by whose fault they are, and the A-ABORT that each one calls for.

use std::io;

use instance::Tag;

use crate::acse::AssociateReject;

/// Why an association ended, or never began. The variant says whose fault it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The transport connection failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The peer closed the transport connection without release or abort (PS3.8 §9.2.3, AA-4).
    #[error("the peer closed the connection without a release")]
    Closed,
    /// A timer ran out.
    #[error("the {0} timer ran out")]
    Timeout(Timer),
    /// The peer broke PS3.8 or PS3.7.
    #[error("the peer misbehaved: {0}")]
    PeerMisbehaved(#[from] Misbehaviour),
    /// The peer keeps to the standard but cannot do what is wanted.
    #[error("the peer is incompatible: {0}")]
    PeerIncompatible(#[from] Incompatibility),
    /// The peer answered A-ASSOCIATE-RJ.
    #[error("the peer rejected the association: {0}")]
    Rejected(AssociateReject),
    /// The peer sent A-ABORT.
    #[error("the peer aborted the association: {0}")]
    Aborted(Abort),
    /// The acceptor asked for release while we were the requestor; it was answered.
    #[error("the peer released the association")]
    ReleasedByPeer,
    /// The stream of a data set that was being sent failed on our side; the object was cut.
    #[error("the data set to send failed: {0}")]
    Source(#[source] io::Error),
    /// An earlier message was begun and not finished, so nothing but an abort can be sent.
    #[error("an earlier message was left unfinished")]
    Unfinished,
    /// The association was released or aborted on our side before.
    #[error("the association has ended")]
    Ended,
}

/// The timers of an association. Defaults stand at [`crate::association::Timers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// ARTIM (PS3.8 §9.1.5): awaiting A-ASSOCIATE-RQ, or the peer's close after reject, release or abort.
    Artim,
    /// A requestor awaiting the answer to A-ASSOCIATE-RQ.
    Associate,
    /// Nothing arrived between two messages.
    Idle,
    /// Nothing arrived in the middle of a message or PDU.
    Message,
    /// A requestor awaiting a DIMSE response.
    Response,
    /// The peer took nothing of what was written.
    Write,
    /// A requestor awaiting A-RELEASE-RP.
    Release,
}

impl std::fmt::Display for Timer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Artim => "ARTIM",
            Self::Associate => "associate",
            Self::Idle => "idle",
            Self::Message => "message",
            Self::Response => "response",
            Self::Write => "write",
            Self::Release => "release",
        })
    }
}

/// What the peer did against the standard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// A PDU type that PS3.8 §9.3.1 does not define; also what garbage on the port looks like.
    #[error("unrecognized PDU type {0:02X}H")]
    UnrecognizedPdu(u8),
    /// A PDU that has no place in this state (PS3.8 §9.2.3).
    #[error("unexpected PDU type {0:02X}H")]
    UnexpectedPdu(u8),
    /// A PDU longer than announced or allowed.
    #[error("a PDU of type {pdu_type:02X}H has {length} bytes, {limit} are allowed")]
    PduTooLong {
        /// The type of the PDU.
        pdu_type: u8,
        /// What its length field says, in bytes.
        length: u32,
        /// What we accept, in bytes.
        limit: u32,
    },
    /// A PDU whose content cannot be read.
    #[error("a PDU of type {0:02X}H is malformed")]
    MalformedPdu(u8),
    /// A presentation data value whose length is below 2, odd with the PDU, or crosses its end.
    #[error("a presentation data value has a length of {0} that does not fit")]
    PresentationDataValueLength(u32),
    /// A presentation data value in a context that was not accepted.
    #[error("presentation context {0} was not accepted")]
    PresentationContextNotAccepted(u8),
    /// The presentation context changed inside a message.
    #[error("the presentation context changed from {0} to {1} inside a message")]
    PresentationContextChanged(u8, u8),
    /// A data fragment with no command before it that announces one.
    #[error("a data set fragment without a command")]
    DataSetWithoutCommand,
    /// A command fragment while a data set was awaited.
    #[error("a command fragment inside a data set")]
    CommandInsideDataSet,
    /// A command set longer than the limit.
    #[error("a command set of more than {0} bytes")]
    CommandSetTooLong(usize),
    /// An identifier longer than the limit.
    #[error("an identifier of more than {0} bytes")]
    IdentifierTooLong(usize),
    /// A command set that cannot be answered: no command field, no message id, or not even elements.
    #[error("a command set without a usable {0}")]
    CommandSet(Tag),
    /// A response to an operation that was not invoked, or a request to a requestor.
    #[error("an unexpected message, command field {0:04X}H")]
    UnexpectedMessage(u16),
    /// A-RELEASE-RQ while it owes an answer or is in the middle of a message.
    #[error("a release inside a message")]
    ReleaseInsideMessage,
}

/// What the peer cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Incompatibility {
    /// The maximum length leaves no room for a presentation data value (PS3.8 §D.1).
    #[error("the peer takes P-DATA of at most {0} bytes, too short for any content")]
    MaximumLength(u32),
    /// No accepted presentation context fits what should be sent.
    #[error("no accepted presentation context for {0}")]
    NoPresentationContext(String),
    /// The peer accepted a presentation context with a transfer syntax that was not proposed.
    #[error("presentation context {0} was accepted with a transfer syntax that was not proposed")]
    TransferSyntaxNotProposed(u8),
}

/// The content of an A-ABORT PDU (PS3.8 §9.3.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Abort {
    /// Who aborts.
    pub source: AbortSource,
    /// Reason/Diag.; 0 where the source is the service-user.
    pub reason: u8,
}

/// The initiator of an A-ABORT (PS3.8 §9.3.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AbortSource {
    /// 0: the application.
    ServiceUser,
    /// 2: the Upper Layer.
    ServiceProvider,
    /// Any other value: reserved.
    Reserved(u8),
}

impl Abort {
    /// By the application, which gives no reason.
    pub const SERVICE_USER: Self = Self { source: AbortSource::ServiceUser, reason: 0 };
    /// reason-not-specified.
    pub const NOT_SPECIFIED: Self = Self::provider(0);
    /// unrecognized-PDU.
    pub const UNRECOGNIZED_PDU: Self = Self::provider(1);
    /// unexpected-PDU.
    pub const UNEXPECTED_PDU: Self = Self::provider(2);
    /// unrecognized-PDU-parameter.
    pub const UNRECOGNIZED_PDU_PARAMETER: Self = Self::provider(4);
    /// unexpected-PDU-parameter.
    pub const UNEXPECTED_PDU_PARAMETER: Self = Self::provider(5);
    /// invalid-PDU-parameter-value.
    pub const INVALID_PDU_PARAMETER_VALUE: Self = Self::provider(6);

    const fn provider(reason: u8) -> Self {
        Self { source: AbortSource::ServiceProvider, reason }
    }
}

impl std::fmt::Display for Abort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.source {
            AbortSource::ServiceUser => f.write_str("service-user"),
            AbortSource::ServiceProvider => write!(f, "service-provider, reason {}", self.reason),
            AbortSource::Reserved(source) => write!(f, "source {source}, reason {}", self.reason),
        }
    }
}

/// The A-ABORT that an error calls for, or `None` where the peer would not read it or must not get
/// one: the connection is gone, or the association was rejected, aborted or ended before.
#[must_use]
pub const fn abort_for(error: &Error) -> Option<Abort> {
    match error {
        Error::Io(_)
        | Error::Closed
        | Error::Rejected(_)
        | Error::Aborted(_)
        | Error::ReleasedByPeer
        | Error::Ended => None,
        // PS3.8 §9.2.3: AA-2 closes without a PDU when ARTIM runs out. And a peer that takes no bytes
        // takes no A-ABORT either.
        Error::Timeout(Timer::Artim | Timer::Write) => None,
        Error::Timeout(_) | Error::Source(_) | Error::Unfinished | Error::PeerIncompatible(_) => {
            Some(Abort::SERVICE_USER)
        }
        Error::PeerMisbehaved(misbehaviour) => Some(match misbehaviour {
            Misbehaviour::UnrecognizedPdu(_) => Abort::UNRECOGNIZED_PDU,
            Misbehaviour::UnexpectedPdu(_) | Misbehaviour::ReleaseInsideMessage => Abort::UNEXPECTED_PDU,
            Misbehaviour::PduTooLong { .. }
            | Misbehaviour::MalformedPdu(_)
            | Misbehaviour::PresentationDataValueLength(_)
            | Misbehaviour::PresentationContextNotAccepted(_) => Abort::INVALID_PDU_PARAMETER_VALUE,
            Misbehaviour::PresentationContextChanged(..)
            | Misbehaviour::DataSetWithoutCommand
            | Misbehaviour::CommandInsideDataSet => Abort::UNEXPECTED_PDU_PARAMETER,
            Misbehaviour::CommandSetTooLong(_)
            | Misbehaviour::IdentifierTooLong(_)
            | Misbehaviour::CommandSet(_)
            | Misbehaviour::UnexpectedMessage(_) => Abort::SERVICE_USER,
        }),
    }
}
