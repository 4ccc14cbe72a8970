//! Whether an association is accepted: AE titles, addresses and limits, then the pure negotiation.

use std::net::IpAddr;

use dimse::acse::{
    self, AssociateAccept, AssociateReject, AssociateRequest, Policy, RejectReason, TransferSyntaxes,
};
use instance::AeTitle;

use crate::{
    config::{Service, Services, UnknownPeers},
    snapshot::Snapshot,
};

/// An association that is rejected: the answer, and the label of the reason in metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) reject: AssociateReject,
    pub(crate) label: &'static str,
}

/// An association that may be accepted.
#[derive(Debug)]
pub(crate) struct Acceptable {
    pub(crate) calling: AeTitle,
    pub(crate) called: AeTitle,
    pub(crate) allowed: Services,
    pub(crate) accept: AssociateAccept,
}

/// Decides about a request from `address`. Limits on their number are not looked at here.
pub(crate) fn decide(
    request: &AssociateRequest,
    address: IpAddr,
    snapshot: &Snapshot,
) -> Result<Acceptable, Rejection> {
    let called = request.called_ae_title.title.as_ref();
    let Some(served) = called.ok().and_then(|title| snapshot.served(title)) else {
        return Err(Rejection { reject: AssociateReject::CALLED_AE_TITLE, label: "called_ae" });
    };
    let refused = |label| Rejection { reject: AssociateReject::CALLING_AE_TITLE, label };
    let Ok(calling) = request.calling_ae_title.title.clone() else { return Err(refused("calling_ae")) };
    match snapshot.peer(&calling) {
        Some(peer) if !peer.may_call_from(address) => return Err(refused("address")),
        None if snapshot.config.unknown_peers == UnknownPeers::Reject => return Err(refused("calling_ae")),
        _ => {}
    }
    if !served.callers.is_empty() && !served.callers.iter().any(|pattern| pattern.matches(calling.as_str())) {
        return Err(refused("calling_ae"));
    }
    let allowed = snapshot.allowed(&calling);
    let policy = policy(snapshot, &calling, &served.title, served.services, allowed);
    let accept = acse::negotiate(request, &policy)
        .map_err(|reject| Rejection { label: label_of(reject.reason), reject })?;
    Ok(Acceptable { called: served.title.clone(), calling, allowed, accept })
}

/// Storage is offered to peers that may not store too: each request is then answered 0124, which says
/// more than a presentation context that was not accepted. C-ECHO has no such status (PS3.7 §9.1.5).
fn policy(
    snapshot: &Snapshot,
    calling: &AeTitle,
    called: &AeTitle,
    offered: Services,
    allowed: Services,
) -> Policy {
    let limits = &snapshot.config.limits;
    Policy {
        verification: offered.and(allowed).contains(Service::Echo),
        storage: offered.contains(Service::Store),
        storage_transfer_syntaxes: snapshot
            .transfer_syntaxes(calling, called)
            .map_or(TransferSyntaxes::Any, TransferSyntaxes::Only),
        max_pdu_length: limits.max_pdu,
        operations_invoked_max: limits.max_operations_invoked,
        ..Policy::default()
    }
}

const fn label_of(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::ApplicationContextNameNotSupported => "application_context",
        RejectReason::ProtocolVersionNotSupported => "protocol_version",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
