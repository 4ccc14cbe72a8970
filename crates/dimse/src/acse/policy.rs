//! What an acceptor is willing to accept.

use std::collections::BTreeMap;

use bytes::Bytes;
use instance::Uid;

use super::Roles;

/// The acceptor's side of a negotiation. The caller builds it from its configuration, for this very
/// called and calling AE title; AE titles and addresses are checked by the caller.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether Verification is offered (PS3.4 §A).
    pub verification: bool,
    /// Whether Storage is offered (PS3.4 §B): every SOP Class that PS3.6 lists as storage, and every
    /// UID that it does not list at all, since private SOP Classes and those of later editions are stored too.
    pub storage: bool,
    /// The transfer syntaxes accepted for Storage.
    pub storage_transfer_syntaxes: TransferSyntaxes,
    /// Storage SOP Classes whose transfer syntaxes differ from [`Self::storage_transfer_syntaxes`].
    pub storage_exceptions: BTreeMap<Uid, TransferSyntaxes>,
    /// Whether a requestor may be SCP of Storage, as it must for C-GET (PS3.4 §C.4.3). A presentation context
    /// for which it is nothing else is offered even without [`Self::storage`], in any transfer syntax.
    pub storage_requestor_scp: bool,
    /// Further SOP Classes offered. What is neither here nor Verification nor Storage gets result 3.
    pub services: BTreeMap<Uid, ServicePolicy>,
    /// Maximum-length-received in bytes that we announce. Default 256 KiB: beyond that the cost per
    /// P-DATA-TF PDU no longer counts, and real peers accept it.
    pub max_pdu_length: u32,
    /// Most operations that a requestor may have outstanding. Default 32: enough to hide a slow archive
    /// behind one association, few enough to bound what is in flight.
    pub operations_invoked_max: u16,
    /// Most operations that we invoke at the same time on a requestor that performs (C-GET
    /// sub-operations). Default 32, as above.
    pub operations_performed_max: u16,
    /// The server response to a user identity of the kinds that carry one (Kerberos, SAML, JWT). Default empty.
    /// Whether an identity is believed is for the caller, who rejects if not.
    pub user_identity_response: Bytes,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            verification: true,
            storage: true,
            storage_transfer_syntaxes: TransferSyntaxes::Any,
            storage_exceptions: BTreeMap::new(),
            storage_requestor_scp: false,
            services: BTreeMap::new(),
            max_pdu_length: crate::association::MAX_PDU_LENGTH_DEFAULT,
            operations_invoked_max: 32,
            operations_performed_max: 32,
            user_identity_response: Bytes::new(),
        }
    }
}

/// How a SOP Class other than those of Verification and Storage is offered.
#[derive(Debug, Clone)]
pub struct ServicePolicy {
    /// The transfer syntaxes accepted for it.
    pub transfer_syntaxes: TransferSyntaxes,
    /// The roles that a requestor may take.
    pub requestor_roles: Roles,
    /// The most that we support of its service-class-application-information: each byte of the answer is
    /// the smaller of the requestor's and ours, which fits the flags and levels of PS3.4 §C.5. `None`:
    /// no answer, which the requestor reads as no support.
    pub extended_negotiation: Option<Bytes>,
}

/// A set of transfer syntaxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferSyntaxes {
    /// Any, private ones too.
    Any,
    /// These, where proposed. The order is the requestor's, with explicit before implicit and big endian last.
    Only(Vec<Uid>),
}

impl TransferSyntaxes {
    /// Whether `uid` is in the set.
    #[must_use]
    pub fn contains(&self, uid: &Uid) -> bool {
        match self {
            Self::Any => true,
            Self::Only(list) => list.contains(uid),
        }
    }
}
