//! Whether an association is accepted: AE titles, addresses and limits, then the pure negotiation.

use std::{collections::BTreeMap, net::IpAddr};

use dimse::acse::{
    self, AssociateAccept, AssociateReject, AssociateRequest, Policy, QueryRetrieveClass,
    QueryRetrieveOperation, QueryRetrieveOptions, RejectReason, Roles, ServicePolicy, TransferSyntaxes,
    sop_class::{MODALITY_PERFORMED_PROCEDURE_STEP, MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE},
};
use instance::{
    AeTitle, Uid,
    transfer_syntax::{
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN,
        IMPLICIT_VR_LITTLE_ENDIAN,
    },
};

use crate::{
    config::{ServedAe, Service, Services, UnknownPeers},
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
    let policy = policy(snapshot, &calling, served, allowed);
    let accept = acse::negotiate(request, &policy)
        .map_err(|reject| Rejection { label: label_of(reject.reason), reject })?;
    Ok(Acceptable { called: served.title.clone(), calling, allowed, accept })
}

/// Storage is offered to peers that may not store too: each request is then answered 0124, which says
/// more than a presentation context that was not accepted. C-ECHO has no such status (PS3.7 §9.1.5).
/// A bridge without any destination, for the worklist alone, does not offer storage: what it took it could only
/// keep, and a modality that sees no such presentation context accepted says so before it sends.
fn policy(snapshot: &Snapshot, calling: &AeTitle, called: &ServedAe, allowed: Services) -> Policy {
    let offered = called.services;
    let limits = &snapshot.config.limits;
    let query_retrieve = query_retrieve(snapshot, called, offered);
    let has_get = query_retrieve.keys().any(is_get);
    let mut services = query_retrieve;
    services.extend(performed_procedure(snapshot, offered));
    Policy {
        verification: offered.and(allowed).contains(Service::Echo),
        storage: offered.contains(Service::Store) && !snapshot.routing.is_empty(),
        // The roles that a C-GET needs (PS3.4 §C.4.3).
        storage_requestor_scp: has_get,
        services,
        storage_transfer_syntaxes: snapshot
            .transfer_syntaxes(calling, &called.title)
            .map_or(TransferSyntaxes::Any, TransferSyntaxes::Only),
        max_pdu_length: limits.max_pdu,
        operations_invoked_max: limits.max_operations_invoked,
        operations_performed_max: limits.max_operations_invoked,
        ..Policy::default()
    }
}

/// What we support beyond the baseline of Query/Retrieve (PS3.4 §C.5). A time zone in a query is not looked
/// at: origins keep dates and times as they were sent, most of them without one.
const OPTIONS: QueryRetrieveOptions =
    QueryRetrieveOptions { relational: true, combined_date_time: true, fuzzy: true, time_zone: false };

/// The transfer syntaxes of identifiers.
const IDENTIFIER_TRANSFER_SYNTAXES: [&str; 4] = [
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
];

/// The SOP Classes of Query/Retrieve that are offered under an AE title, none where it has no origin to ask,
/// and that of the worklist where there is one.
/// As with Storage, a peer that may not use them is answered 0124.
fn query_retrieve(snapshot: &Snapshot, called: &ServedAe, offered: Services) -> BTreeMap<Uid, ServicePolicy> {
    let has_origin = !snapshot.config.query_origins(called).is_empty();
    let has_worklist = !snapshot.config.worklist.sources.is_empty();
    let syntaxes: Vec<Uid> = IDENTIFIER_TRANSFER_SYNTAXES.iter().filter_map(|uid| uid.parse().ok()).collect();
    let is_offered = |class: &QueryRetrieveClass| {
        let service = Service::of(*class);
        let is_served = if service == Service::Worklist { has_worklist } else { has_origin };
        is_served && offered.contains(service)
    };
    let policy = |class: QueryRetrieveClass| ServicePolicy {
        transfer_syntaxes: TransferSyntaxes::Only(syntaxes.clone()),
        requestor_roles: Roles::DEFAULT,
        extended_negotiation: Some(OPTIONS.application_information(class.operation)),
    };
    let classes = QueryRetrieveClass::ALL.into_iter().filter(is_offered);
    classes.map(|class| (class.uid(), policy(class))).collect()
}

/// The SOP Classes of performed procedure steps, where they are taken at all.
fn performed_procedure(
    snapshot: &Snapshot,
    offered: Services,
) -> impl Iterator<Item = (Uid, ServicePolicy)> + use<> {
    let is_offered = snapshot.config.mpps.is_some() && offered.contains(Service::PerformedProcedure);
    let syntaxes: Vec<Uid> = IDENTIFIER_TRANSFER_SYNTAXES.iter().filter_map(|uid| uid.parse().ok()).collect();
    let policy = move || ServicePolicy {
        transfer_syntaxes: TransferSyntaxes::Only(syntaxes.clone()),
        requestor_roles: Roles::DEFAULT,
        // PS3.4 §F.2.1 has none.
        extended_negotiation: None,
    };
    let classes = [MODALITY_PERFORMED_PROCEDURE_STEP, MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE];
    let classes = classes.into_iter().filter(move |_| is_offered).filter_map(|uid| uid.parse::<Uid>().ok());
    classes.map(move |uid| (uid, policy()))
}

/// Whether a SOP Class is one of C-GET.
fn is_get(sop_class: &Uid) -> bool {
    let class = QueryRetrieveClass::from_uid(sop_class);
    class.is_some_and(|class| class.operation == QueryRetrieveOperation::Get)
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
