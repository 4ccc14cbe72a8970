//! The rules by which an association is accepted or rejected: a pure function.

use std::collections::BTreeSet;

use bytes::Bytes;
use instance::{
    IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, TransferSyntax, Uid,
    transfer_syntax::{EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN},
};

use super::{
    APPLICATION_CONTEXT, AssociateAccept, AssociateReject, AssociateRequest, ContextAnswer, ContextResult,
    ExtendedNegotiation, OperationsWindow, Policy, ProposedContext, RoleSelection, Roles, TransferSyntaxes,
    UserIdentity, UserIdentityKind,
    sop_class::{self, Kind},
};

/// Answers `request` as `policy` allows.
///
/// An association without any accepted presentation context is still accepted, as PS3.8 §7.1.1.14 has it: the
/// requestor reads the reason of each context and releases.
///
/// # Errors
/// The rejection where the association itself is impossible: a wrong protocol version (PS3.8 §9.3.2) or
/// application context (PS3.7 §A.2.1).
pub fn negotiate(request: &AssociateRequest, policy: &Policy) -> Result<AssociateAccept, AssociateReject> {
    // PS3.8 §9.3.2: a receiver that implements only version 1 shall only test that bit 0 is set.
    if request.protocol_version & 1 == 0 {
        return Err(AssociateReject::PROTOCOL_VERSION);
    }
    if request.application_context != APPLICATION_CONTEXT {
        return Err(AssociateReject::APPLICATION_CONTEXT);
    }
    let mut ids = BTreeSet::new();
    // An ID that was proposed before would make P-DATA-TF ambiguous, so only its first context is answered.
    let proposed: Vec<_> = request.presentation_contexts.iter().filter(|c| ids.insert(c.id)).collect();
    let presentation_contexts: Vec<_> = proposed
        .iter()
        .map(|context| ContextAnswer { id: context.id, result: answer(context, request, policy) })
        .collect();
    let accepted: BTreeSet<&Uid> = proposed
        .iter()
        .zip(&presentation_contexts)
        .filter(|(_, answer)| matches!(answer.result, ContextResult::Acceptance(_)))
        .filter_map(|(context, _)| context.abstract_syntax.as_ref())
        .collect();
    Ok(AssociateAccept {
        presentation_contexts,
        max_pdu_length: policy.max_pdu_length,
        implementation_class_uid: IMPLEMENTATION_CLASS_UID.parse().ok(),
        implementation_version_name: Some(IMPLEMENTATION_VERSION_NAME.to_owned()),
        operations_window: request.operations_window.map(|window| OperationsWindow {
            invoked: smaller_window(window.invoked, policy.operations_invoked_max),
            performed: smaller_window(window.performed, policy.operations_performed_max),
        }),
        role_selections: role_selections(request, policy, &accepted),
        extended_negotiations: extended_negotiations(request, policy, &accepted),
        user_identity_response: request
            .user_identity
            .as_ref()
            .and_then(|user| identity_response(user, policy)),
    })
}

/// What is offered for one abstract syntax.
struct Offer<'a> {
    transfer_syntaxes: &'a TransferSyntaxes,
    requestor_roles: Roles,
}

fn offer<'a>(abstract_syntax: &Uid, policy: &'a Policy) -> Option<Offer<'a>> {
    if let Some(service) = policy.services.get(abstract_syntax) {
        return Some(Offer {
            transfer_syntaxes: &service.transfer_syntaxes,
            requestor_roles: service.requestor_roles,
        });
    }
    if abstract_syntax.as_str() == sop_class::VERIFICATION {
        // A C-ECHO has no data set, so the transfer syntax is of no consequence.
        let any = Offer { transfer_syntaxes: &TransferSyntaxes::Any, requestor_roles: Roles::DEFAULT };
        return policy.verification.then_some(any);
    }
    let is_storage = sop_class::kind(abstract_syntax) != Kind::OtherService;
    (is_storage && (policy.storage || policy.storage_requestor_scp)).then(|| Offer {
        transfer_syntaxes: policy
            .storage_exceptions
            .get(abstract_syntax)
            .unwrap_or(&policy.storage_transfer_syntaxes),
        requestor_roles: Roles { scu: policy.storage, scp: policy.storage_requestor_scp },
    })
}

/// The answer to one presentation context (PS3.8 §9.3.3.2).
fn answer(context: &ProposedContext, request: &AssociateRequest, policy: &Policy) -> ContextResult {
    // PS3.8 §9.3.2.2: Presentation-context-ID values shall be odd integers.
    if context.id.is_multiple_of(2) {
        return ContextResult::NoReason;
    }
    let Some(abstract_syntax) = &context.abstract_syntax else {
        return ContextResult::AbstractSyntaxNotSupported;
    };
    let Some(offer) = offer(abstract_syntax, policy) else {
        return ContextResult::AbstractSyntaxNotSupported;
    };
    let roles = match roles_for(abstract_syntax, request, offer.requestor_roles) {
        Some(roles) => roles,
        None if offer.requestor_roles.scu => Roles::DEFAULT,
        None => return ContextResult::AbstractSyntaxNotSupported,
    };
    if !roles.scu && !roles.scp {
        return ContextResult::UserRejection;
    }
    let performs_only = roles.scp && !roles.scu;
    let takes = |uid: &&Uid| performs_only || offer.transfer_syntaxes.contains(uid);
    let acceptable = context.transfer_syntaxes.iter().filter(takes);
    let rank = if performs_only { rank_to_send } else { rank };
    match acceptable.min_by_key(|uid| rank(uid)) {
        Some(uid) => ContextResult::Acceptance(TransferSyntax::new(uid.clone())),
        None => ContextResult::TransferSyntaxesNotSupported,
    }
}

/// The requestor's order rules, but Implicit VR Little Endian, which loses the value representations of
/// private elements, stands behind every explicit one, and big endian, which is retired, is last.
fn rank(transfer_syntax: &Uid) -> u8 {
    match transfer_syntax.as_str() {
        EXPLICIT_VR_BIG_ENDIAN => 2,
        IMPLICIT_VR_LITTLE_ENDIAN => 1,
        _ => 0,
    }
}

/// The same where we send instances that nobody has named yet (C-GET): whatever they are stored in can be made
/// Explicit VR Little Endian, so that stands before every other. A requestor that wants them
/// as they are stored proposes each transfer syntax in a presentation context of its own.
fn rank_to_send(transfer_syntax: &Uid) -> u8 {
    if transfer_syntax.as_str() == EXPLICIT_VR_LITTLE_ENDIAN { 0 } else { rank(transfer_syntax) + 1 }
}

/// The smaller of two numbers of operations, of which 0 is unlimited (PS3.7 §D.3.3.3).
fn smaller_window(proposed: u16, own: u16) -> u16 {
    match (proposed, own) {
        (0, other) | (other, 0) => other,
        (proposed, own) => proposed.min(own),
    }
}

/// The roles left of what was proposed for a SOP Class, if anything was.
fn roles_for(sop_class: &Uid, request: &AssociateRequest, allowed: Roles) -> Option<Roles> {
    let proposed = request.role_selections.iter().find(|selection| selection.sop_class_uid == *sop_class)?;
    let Roles { scu, scp } = proposed.roles;
    Some(Roles { scu: scu && allowed.scu, scp: scp && allowed.scp })
}

/// PS3.7 §D.3.3.4: at most one answer per SOP Class, and none where no role was proposed.
fn role_selections(
    request: &AssociateRequest,
    policy: &Policy,
    accepted: &BTreeSet<&Uid>,
) -> Vec<RoleSelection> {
    let selection = |sop_class: &&Uid| {
        let roles = roles_for(sop_class, request, offer(sop_class, policy)?.requestor_roles)?;
        Some(RoleSelection { sop_class_uid: (*sop_class).clone(), roles })
    };
    accepted.iter().filter_map(selection).collect()
}

/// PS3.7 §D.3.3.5: answered per SOP Class, where our service defines an answer.
fn extended_negotiations(
    request: &AssociateRequest,
    policy: &Policy,
    accepted: &BTreeSet<&Uid>,
) -> Vec<ExtendedNegotiation> {
    let answer = |proposed: &ExtendedNegotiation| {
        let sop_class_uid = accepted.get(&proposed.sop_class_uid)?;
        let supported = policy.services.get(*sop_class_uid)?.extended_negotiation.as_ref()?;
        let application_information: Bytes =
            proposed.application_information.iter().zip(supported).map(|(a, b)| *a.min(b)).collect();
        Some(ExtendedNegotiation { sop_class_uid: (*sop_class_uid).clone(), application_information })
    };
    request.extended_negotiations.iter().filter_map(answer).collect()
}

/// PS3.7 §D.3.3.7.2: a response only where one was asked for; empty for user name and passcode.
fn identity_response(user: &UserIdentity, policy: &Policy) -> Option<Bytes> {
    user.positive_response_requested.then(|| match user.kind {
        UserIdentityKind::Username | UserIdentityKind::UsernamePasscode => Bytes::new(),
        UserIdentityKind::Kerberos | UserIdentityKind::Saml | UserIdentityKind::Jwt => {
            policy.user_identity_response.clone()
        }
    })
}

#[cfg(test)]
mod tests;
