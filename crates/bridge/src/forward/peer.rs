//! Deliveries to DIMSE peers: C-STORE as service class user (PS3.4 §B.3).
//!
//! An association stays open for a while after a batch ([`pool`]), so that a backlog goes over one.

mod pool;

use std::time::SystemTime;

use dimse::{
    Status,
    acse::sop_class::VERIFICATION,
    association::Settings,
    command::{CStoreRq, Priority, Response},
    requestor::{self, Proposal, RequestorAssociation},
    socket::{self, QuickAck},
};
use futures::TryStreamExt;
use instance::{AeTitle, TransferSyntax, Uid};
use spool::{Destination, HeldReason, Lease, Outcome};
use tokio::{net::TcpStream, time::timeout};

pub(crate) use self::pool::Associations;
use self::pool::{Contexts, Open};
use super::{
    back_off,
    breaker::{Cause, Health},
    settlement::Settlement,
};
use crate::{
    config::{Config, PeerAddress},
    snapshot::Snapshot,
};

/// Associations to one peer at the same time: many devices accept a single one.
pub(crate) const WORKERS: usize = 1;

/// Why a peer could not be used at all.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("the peer has no address any more")]
    NoAddress,
    #[error("the peer {host}:{port} does not take a connection: {source}")]
    Connect { host: String, port: u16, source: std::io::Error },
    #[error(transparent)]
    Association(#[from] dimse::Error),
}

/// Whether a peer answers C-ECHO.
pub(crate) async fn probe(snapshot: &Snapshot, destination: &Destination) -> Health {
    let contexts = match VERIFICATION.parse() {
        Ok(uid) => vec![(uid, implicit())],
        Err(_) => return Health::Unclear,
    };
    match associate(&snapshot.config, destination, contexts).await {
        Ok(mut association) => {
            let answer = association.echo().await;
            let _ = association.release().await;
            match answer {
                // A peer that accepts associations and offers no Verification serves all the same.
                Ok(_) | Err(dimse::Error::PeerIncompatible(_)) => Health::Answered,
                Err(_) => Health::Failed(Cause::Unavailable),
            }
        }
        // A peer that rejects may do so for good reasons, but it is not to be hammered either.
        Err(_) => Health::Failed(Cause::Unavailable),
    }
}

/// Delivers `leases` over one association, one after the other, and settles each of them.
pub(crate) async fn deliver(
    snapshot: &Snapshot,
    settlement: &Settlement,
    destination: &Destination,
    leases: Vec<Lease>,
) -> Health {
    let (mut open, mut is_fresh) = match opened(snapshot, settlement, destination, &leases).await {
        Ok(opened) => opened,
        Err(error) => return not_opened(settlement, destination, &leases, &error).await,
    };
    for (index, lease) in leases.iter().enumerate() {
        if settlement.stop.is_cancelled() {
            release(settlement, &leases[index..], None).await;
            break;
        }
        let _reserved = settlement.memory.sending().await;
        let mut stored = store(&mut open.association, settlement, lease).await;
        if !is_fresh && stored.as_ref().is_err_and(is_of_peer) {
            // It ended while nothing was sent over it, and nobody was there to notice.
            open = match open_anew(snapshot, destination, contexts(&leases)).await {
                Ok(open) => open,
                Err(error) => return not_opened(settlement, destination, &leases[index..], &error).await,
            };
            stored = store(&mut open.association, settlement, lease).await;
        }
        is_fresh = true;
        let (outcome, usable) = match stored {
            Ok(outcome) => (outcome, Health::Answered),
            Err(error) => of_error(settlement, lease, &error),
        };
        settlement.record(lease, outcome).await;
        if usable != Health::Answered {
            release(settlement, &leases[index + 1..], None).await;
            return usable;
        }
    }
    if settlement.stop.is_cancelled() {
        open.release(destination).await;
    } else {
        settlement.associations.keep(destination, open);
    }
    Health::Answered
}

/// The association that was kept, if it serves for these instances, or another one; and whether it is that.
async fn opened(
    snapshot: &Snapshot,
    settlement: &Settlement,
    destination: &Destination,
    leases: &[Lease],
) -> Result<(Open, bool), Unusable> {
    let contexts = contexts(leases);
    if let Some(kept) = settlement.associations.take(destination) {
        let (_, address, calling) = parties(&snapshot.config, destination)?;
        if kept.serves(address, calling, &contexts) {
            return Ok((kept, false));
        }
        kept.release(destination).await;
    }
    Ok((open_anew(snapshot, destination, contexts).await?, true))
}

async fn open_anew(
    snapshot: &Snapshot,
    destination: &Destination,
    proposed: Contexts,
) -> Result<Open, Unusable> {
    let (_, address, calling) = parties(&snapshot.config, destination)?;
    let association = associate(&snapshot.config, destination, proposed.clone()).await?;
    Ok(Open { association, address: address.clone(), calling: calling.clone(), proposed })
}

async fn not_opened(
    settlement: &Settlement,
    destination: &Destination,
    leases: &[Lease],
    error: &Unusable,
) -> Health {
    tracing::warn!(%destination, %error, "no association");
    release(settlement, leases, Some(format!("no association: {error}"))).await;
    Health::Failed(Cause::Unavailable)
}

/// Whether an association was lost by the peer or the line, not by our own bytes.
fn is_of_peer(error: &dimse::Error) -> bool {
    !matches!(error, dimse::Error::Source(_))
}

async fn store(
    association: &mut RequestorAssociation<QuickAck>,
    settlement: &Settlement,
    lease: &Lease,
) -> Result<Outcome, dimse::Error> {
    let entry = &lease.entry;
    let (identity, syntax) = (&entry.trailer.identity, &entry.header.transfer_syntax);
    let Some(context) = association.contexts().find(&identity.sop_class_uid, syntax).cloned() else {
        let words = format!("the peer accepts no presentation context with transfer syntax {}", syntax.uid());
        return Ok(Outcome::Held { reason: HeldReason::Refused(words) });
    };
    let request = CStoreRq {
        message_id: 1,
        priority: Priority::Medium,
        affected_sop_class_uid: identity.sop_class_uid.clone(),
        affected_sop_instance_uid: identity.sop_instance_uid.clone(),
        move_originator: None,
    };
    let bytes = settlement.ports.payloads.read(entry.entry_id, 0..entry.length);
    let response = association.store(&context, request, bytes.map_err(std::io::Error::other)).await?;
    Ok(of_response(settlement, lease, &response))
}

/// The association is lost. Our own bytes may be the reason; otherwise the object in hand may or may
/// not be stored, and C-STORE may be repeated (PS3.4 §B.2).
fn of_error(settlement: &Settlement, lease: &Lease, error: &dimse::Error) -> (Outcome, Health) {
    let own = match error {
        dimse::Error::Source(source) => source.get_ref().and_then(|source| source.downcast_ref()),
        _ => None,
    };
    match own {
        Some(spool::Error::Corrupt { .. }) => {
            (Outcome::Quarantined { reason: error.to_string() }, Health::Unclear)
        }
        Some(_) => (deferred(settlement, lease, error.to_string()), Health::Unclear),
        None => (deferred(settlement, lease, error.to_string()), Health::Failed(Cause::Unavailable)),
    }
}

fn of_response(settlement: &Settlement, lease: &Lease, response: &Response) -> Outcome {
    let status = response.status;
    match status.0 {
        _ if status.is_done() => Outcome::Delivered { answer: format!("the peer answered {status}") },
        0xA700..=0xA7FF => {
            deferred(settlement, lease, format!("the peer answered {status}, out of resources"))
        }
        _ if status == Status::DUPLICATE_SOP_INSTANCE => {
            Outcome::Held { reason: HeldReason::Refused(format!("the peer answered {status}, duplicate")) }
        }
        _ => Outcome::Held { reason: HeldReason::Refused(format!("the peer answered {status}")) },
    }
}

fn deferred(settlement: &Settlement, lease: &Lease, reason: String) -> Outcome {
    let wait = back_off::wait(&settlement.forward.back_off, lease.attempts, None, &mut rand::rng());
    Outcome::Deferred { not_before: SystemTime::now() + wait, reason }
}

async fn release(settlement: &Settlement, leases: &[Lease], reason: Option<String>) {
    for lease in leases {
        let outcome = Outcome::Released { not_before: SystemTime::now(), reason: reason.clone() };
        settlement.record(lease, outcome).await;
    }
}

/// One context for each pair of SOP Class and transfer syntax among the instances, with nothing but
/// that syntax: the bytes are not changed.
fn contexts(leases: &[Lease]) -> Contexts {
    let mut contexts = Contexts::new();
    for lease in leases {
        let class = lease.entry.trailer.identity.sop_class_uid.clone();
        let context = (class, vec![lease.entry.header.transfer_syntax.clone()]);
        if !contexts.contains(&context) {
            contexts.push(context);
        }
    }
    contexts
}

fn implicit() -> Vec<TransferSyntax> {
    instance::transfer_syntax::IMPLICIT_VR_LITTLE_ENDIAN
        .parse()
        .map(TransferSyntax::new)
        .into_iter()
        .collect()
}

async fn associate(
    config: &Config,
    destination: &Destination,
    presentation_contexts: Vec<(Uid, Vec<TransferSyntax>)>,
) -> Result<RequestorAssociation<QuickAck>, Unusable> {
    let (called, address, calling) = parties(config, destination)?;
    let stream = connect(address).await.map_err(|source| {
        let (host, port) = (address.host.clone(), address.port);
        Unusable::Connect { host, port, source }
    })?;
    let proposal = Proposal { presentation_contexts, ..Proposal::new(called.clone(), calling.clone()) };
    Ok(requestor::request(stream, &proposal, Settings::default()).await?)
}

/// Whom an association is with: called AE title, address, calling AE title.
fn parties<'a>(
    config: &'a Config,
    destination: &'a Destination,
) -> Result<(&'a AeTitle, &'a PeerAddress, &'a AeTitle), Unusable> {
    let Destination::Peer(called) = destination else { return Err(Unusable::NoAddress) };
    let peer = config.peers.iter().find(|peer| peer.ae_title == *called);
    let address = peer.and_then(|peer| peer.address.as_ref()).ok_or(Unusable::NoAddress)?;
    let calling = &config.served.first().ok_or(Unusable::NoAddress)?.title;
    Ok((called, address, calling))
}

/// Connects to a peer, with the socket options that associations need.
pub(crate) async fn connect(address: &PeerAddress) -> std::io::Result<QuickAck> {
    let connecting = TcpStream::connect((address.host.as_str(), address.port));
    let stream = timeout(address.connect_timeout, connecting).await??;
    socket::prepare(&stream)?;
    Ok(QuickAck::new(stream))
}

#[cfg(test)]
mod tests;
