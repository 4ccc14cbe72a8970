//! Association Control: what is proposed, what is answered, and the rules between them
//! (PS3.8 §7.1, §9.3.2 to §9.3.4, PS3.7 §D).

mod accept;
pub mod acceptor;
mod codec;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod items;
pub mod negotiate;
mod policy;
pub mod query_retrieve;
mod reject;
mod request;
pub mod requestor;
pub mod sop_class;

pub use accept::{AssociateAccept, ContextAnswer, ContextResult};
pub use negotiate::negotiate;
pub use policy::{Policy, ServicePolicy, TransferSyntaxes};
pub use query_retrieve::{
    InformationModel, QueryRetrieveClass, QueryRetrieveOperation, QueryRetrieveOptions,
};
pub use reject::{AssociateReject, RejectReason, RejectResult};
pub use request::{
    AeTitleField, AssociateRequest, ExtendedNegotiation, OperationsWindow, ProposedContext, RoleSelection,
    Roles, UserIdentity, UserIdentityKind,
};

/// The only application context of DICOM (PS3.7 §A.2.1).
pub const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
