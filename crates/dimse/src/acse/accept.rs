//! What an A-ASSOCIATE-AC says (PS3.8 §9.3.3, PS3.7 §D.3.3).

use bytes::Bytes;
use instance::{TransferSyntax, Uid};

use super::{ExtendedNegotiation, OperationsWindow, RoleSelection};

/// The answer to an [`super::AssociateRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociateAccept {
    /// One answer per proposed presentation context, in the order proposed.
    pub presentation_contexts: Vec<ContextAnswer>,
    /// Maximum-length-received in bytes of the acceptor; 0 is unlimited.
    pub max_pdu_length: u32,
    /// Implementation-class-uid; an answer of ours always carries our own.
    pub implementation_class_uid: Option<Uid>,
    /// Implementation-version-name.
    pub implementation_version_name: Option<String>,
    /// Asynchronous operations window; `None` is one operation at a time.
    pub operations_window: Option<OperationsWindow>,
    /// Accepted roles.
    pub role_selections: Vec<RoleSelection>,
    /// Accepted extended negotiations.
    pub extended_negotiations: Vec<ExtendedNegotiation>,
    /// Server response of a user identity negotiation (PS3.7 §D.3.3.7.2); empty for types 1 and 2.
    pub user_identity_response: Option<Bytes>,
}

/// The answer to one presentation context (PS3.8 §9.3.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextAnswer {
    /// Presentation-context-ID of the proposal.
    pub id: u8,
    /// Result/Reason.
    pub result: ContextResult,
}

/// Result/Reason of a presentation context (PS3.8 §9.3.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextResult {
    /// 0: acceptance, with the one transfer syntax.
    Acceptance(TransferSyntax),
    /// 1: user-rejection.
    UserRejection,
    /// 2: no-reason (provider rejection).
    NoReason,
    /// 3: abstract-syntax-not-supported (provider rejection).
    AbstractSyntaxNotSupported,
    /// 4: transfer-syntaxes-not-supported (provider rejection).
    TransferSyntaxesNotSupported,
}
