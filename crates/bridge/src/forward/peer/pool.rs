//! Associations that stay open between batches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use dimse::requestor::RequestorAssociation;
use dimse::socket::QuickAck;
use instance::{AeTitle, TransferSyntax, Uid};
use spool::Destination;
use tokio_util::task::AbortOnDropHandle;

use crate::config::PeerAddress;

/// How long an association is kept that nothing is sent over. 3 s: the next batch of a backlog, or the next
/// series of a study, comes within that; a device that accepts a single association is free again before
/// anybody else gives up.
const IDLE: Duration = Duration::from_secs(3);

/// Pairs of a SOP Class and the transfer syntaxes that were proposed for it.
pub(super) type Contexts = Vec<(Uid, Vec<TransferSyntax>)>;

/// An association, and what it was asked for.
pub(super) struct Open {
    pub(super) association: RequestorAssociation<QuickAck>,
    pub(super) address: PeerAddress,
    pub(super) calling: AeTitle,
    pub(super) proposed: Contexts,
}

/// Associations that nothing is sent over at present, at most one for each peer. Cloning gives the same ones.
#[derive(Clone)]
pub(crate) struct Associations {
    kept: Arc<Mutex<HashMap<Destination, Kept>>>,
    idle: Duration,
}

struct Kept {
    open: Open,
    ends: AbortOnDropHandle<()>,
}

impl Open {
    /// Whether it does what another one, made now, would do.
    pub(super) fn serves(&self, address: &PeerAddress, calling: &AeTitle, contexts: &Contexts) -> bool {
        self.address == *address
            && self.calling == *calling
            && contexts.iter().all(|context| self.proposed.contains(context))
    }

    /// Releases it, in order as far as the peer plays along.
    pub(super) async fn release(self, destination: &Destination) {
        if let Err(error) = self.association.release().await {
            tracing::debug!(%destination, %error, "the association was not released in order");
        }
    }
}

impl Default for Associations {
    fn default() -> Self {
        Self::idle_for(IDLE)
    }
}

impl Associations {
    pub(super) fn idle_for(idle: Duration) -> Self {
        Self { kept: Arc::default(), idle }
    }

    /// The association that is kept for a peer.
    pub(super) fn take(&self, destination: &Destination) -> Option<Open> {
        self.kept().remove(destination).map(|kept| kept.open)
    }

    /// Keeps an association for a while.
    pub(super) fn keep(&self, destination: &Destination, open: Open) {
        let (pool, to) = (self.clone(), destination.clone());
        let ends = AbortOnDropHandle::new(tokio::spawn(async move {
            tokio::time::sleep(pool.idle).await;
            let kept = pool.kept().remove(&to);
            if let Some(Kept { open, ends }) = kept {
                // This very task, which must not end itself.
                drop(ends.detach());
                open.release(&to).await;
            }
        }));
        let _before = self.kept().insert(destination.clone(), Kept { open, ends });
    }

    /// Releases all that are kept.
    pub(crate) async fn release_all(&self) {
        let all: Vec<_> = self.kept().drain().collect();
        for (destination, kept) in all {
            kept.open.release(&destination).await;
        }
    }

    #[cfg(test)]
    pub(super) fn keeps(&self, destination: &Destination) -> bool {
        self.kept().contains_key(destination)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Destination, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
