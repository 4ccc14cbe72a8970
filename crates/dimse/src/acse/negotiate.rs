//! The rules by which an association is accepted or rejected: a pure function.

use super::{AssociateAccept, AssociateReject, AssociateRequest, Policy};

/// Answers `request` as `policy` allows.
///
/// # Errors
/// The rejection, where not even an association without any accepted presentation context is possible:
/// a wrong protocol version (PS3.8 §9.3.2) or application context (PS3.7 §A.2.1).
pub fn negotiate(request: &AssociateRequest, policy: &Policy) -> Result<AssociateAccept, AssociateReject> {
    let _ = (request, policy);
    Err(AssociateReject::NO_REASON)
}
