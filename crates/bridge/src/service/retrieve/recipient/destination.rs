//! The destinations of C-MOVE and the associations to them, shared by all operations.
//!
//! A destination has as many associations as the configuration allows it, whichever operations use
//! them: each is lent for one sub-operation at a time. They are released when no operation is left that
//! sends to it.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use dimse::{
    acse::RejectResult,
    association::{PresentationContext, PresentationContexts, Settings},
    command::{CStoreRq, Response},
    requestor::{self, Proposal, RequestorAssociation},
    socket::QuickAck,
};
use futures::stream::BoxStream;
use instance::AeTitle;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    NotAnswered,
    foreseen::{Foreseen, Pair},
};
use crate::{config::PeerAddress, forward::peer, service::retrieve::data_set::has_changed};

/// Attempts to make an association. What refuses for the moment, a storage that takes one association at
/// a time for example, has three seconds to end what it does.
const ATTEMPTS: u32 = 3;

/// How long a destination that does not answer at all is taken to be dead: 10 s. Operations that waited
/// for one another's attempts would otherwise try it again, one after the other.
const DEAD: Duration = Duration::from_secs(10);

/// The pause before the second attempt; it doubles before the third.
const PAUSE: Duration = Duration::from_secs(1);

/// How many operations may send to one destination beside those whose sub-operations are under way: 3.
/// Each has answers of origins open and takes room in the memory budget for them, which must not all be
/// taken by those that wait for one destination that hangs.
const OPERATIONS_BESIDE: usize = 3;

/// How long an A-ABORT may take; the connection is closed then.
const ABORT: Duration = Duration::from_secs(1);

/// Why there is no association to a destination.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// It takes no connection.
    #[error("the destination does not take a connection: {0}")]
    Connect(#[source] io::Error),
    /// It takes no association.
    #[error("the destination does not take an association: {0}")]
    Association(#[source] dimse::Error),
    /// It did not answer when another operation tried, just now.
    #[error("the destination did not answer just now: {0}")]
    Dead(String),
    /// It is being given up.
    #[error("the destination is not used any more")]
    Closed,
}

/// What makes associations interchangeable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The AE title of the destination.
    pub(crate) called: AeTitle,
    /// The AE title under which the C-MOVE came.
    pub(crate) calling: AeTitle,
    /// Where the destination listens.
    pub(crate) address: PeerAddress,
    /// Associations at the same time.
    pub(crate) associations: usize,
}

/// All destinations in use, with the operations that use each.
#[derive(Default)]
pub(crate) struct Destinations(Mutex<HashMap<Key, (Arc<Destination>, usize)>>);

/// A destination.
pub(crate) struct Destination {
    key: Key,
    settings: Settings,
    permits: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Open>>,
    /// When it was last found dead, and how.
    dead: Mutex<Option<(Instant, String)>>,
}

/// An association and what was proposed for it.
struct Open {
    association: Box<RequestorAssociation<QuickAck>>,
    proposed: Vec<Pair>,
}

/// An association that is lent for a sub-operation. Dropping it closes the connection.
pub(crate) struct Borrowed {
    destination: Arc<Destination>,
    open: Open,
    _permit: OwnedSemaphorePermit,
}

impl Destinations {
    /// The destination, for one more operation.
    pub(crate) fn join(&self, key: Key, settings: Settings) -> Arc<Destination> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (destination, users) = all.entry(key.clone()).or_insert_with(|| {
            let permits = Arc::new(Semaphore::new(key.associations.max(1)));
            let turns = Arc::new(Semaphore::new(key.associations.max(1) + OPERATIONS_BESIDE));
            (
                Arc::new(Destination {
                    key,
                    settings,
                    permits,
                    turns,
                    idle: Mutex::default(),
                    dead: Mutex::default(),
                }),
                0,
            )
        });
        *users += 1;
        Arc::clone(destination)
    }

    /// Ends the use of a destination by one operation. The last one releases its associations.
    pub(crate) async fn leave(&self, destination: &Arc<Destination>) {
        let last = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let left = all.get_mut(&destination.key).map(|(_, users)| {
                *users -= 1;
                *users
            });
            left == Some(0) && all.remove(&destination.key).is_some()
        };
        if last {
            let idle = std::mem::take(&mut *destination.idle());
            futures::future::join_all(idle.into_iter().map(|open| destination.release(open))).await;
        }
    }
}

impl Destination {
    /// Associations at the same time.
    pub(super) const fn associations(&self) -> usize {
        self.key.associations
    }

    /// Waits until one more operation may send, which it may until the result is dropped.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed, so there always is a permit.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Waits until an association may be used, and lends one on which `needed` was proposed. Where there
    /// is none such, another one is made in place of the idle one, since a destination may take no more.
    pub(super) async fn borrow(
        self: &Arc<Self>,
        needed: &Pair,
        foreseen: &Foreseen,
    ) -> Result<Borrowed, Unusable> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Unusable::Closed)?;
        let idle = {
            let mut idle = self.idle();
            let fitting = idle.iter().position(|open| open.proposed.contains(needed));
            fitting.map(|at| Ok(idle.swap_remove(at))).or_else(|| idle.pop().map(Err))
        };
        let open = match idle {
            Some(Ok(open)) => open,
            Some(Err(other)) => {
                let proposed = other.proposed.clone();
                self.release(other).await;
                self.associate(foreseen.pairs(needed, proposed)).await?
            }
            None => self.associate(foreseen.pairs(needed, [])).await?,
        };
        Ok(Borrowed { destination: Arc::clone(self), open, _permit: permit })
    }

    async fn associate(&self, proposed: Vec<Pair>) -> Result<Open, Unusable> {
        let Key { called, calling, address, .. } = &self.key;
        let presentation_contexts =
            proposed.iter().map(|(class, syntax)| (class.clone(), vec![syntax.clone()]));
        let proposal = Proposal {
            presentation_contexts: presentation_contexts.collect(),
            ..Proposal::new(called.clone(), calling.clone())
        };
        self.lives()?;
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let made = async {
                let stream = peer::connect(address).await.map_err(Unusable::Connect)?;
                let made = requestor::request(stream, &proposal, self.settings.clone()).await;
                made.map_err(Unusable::Association)
            };
            match made.await {
                Ok(association) => return Ok(Open { association: Box::new(association), proposed }),
                Err(error) if attempt < ATTEMPTS && error.may_pass() => {
                    tracing::info!(destination = %called, %error, "no association yet");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    attempt += 1;
                }
                Err(error) => {
                    tracing::warn!(destination = %called, %error, "no association");
                    if error.is_of_the_dead() {
                        *self.dead() = Some((Instant::now(), error.to_string()));
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Fails while it is taken to be dead.
    fn lives(&self) -> Result<(), Unusable> {
        match &*self.dead() {
            Some((since, cause)) if since.elapsed() < DEAD => Err(Unusable::Dead(cause.clone())),
            _ => Ok(()),
        }
    }

    fn dead(&self) -> std::sync::MutexGuard<'_, Option<(Instant, String)>> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn release(&self, open: Open) {
        if let Err(error) = open.association.release().await {
            tracing::debug!(destination = %self.key.called, %error, "the association was not released in order");
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Open>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unusable {
    /// Whether the next attempt may succeed. A destination that does not know us is a matter of the
    /// configuration, and one that says nothing at all would only take as long again.
    fn may_pass(&self) -> bool {
        match self {
            Self::Connect(error) => error.kind() != io::ErrorKind::TimedOut,
            Self::Association(dimse::Error::Rejected(reject)) => reject.result == RejectResult::Transient,
            Self::Association(dimse::Error::Timeout(_)) | Self::Dead(_) | Self::Closed => false,
            Self::Association(_) => true,
        }
    }

    /// Whether nobody is there, which the next operation would only find out anew.
    const fn is_of_the_dead(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Association(dimse::Error::Timeout(_)))
    }
}

impl Borrowed {
    /// The accepted presentation contexts.
    pub(super) fn contexts(&self) -> &PresentationContexts {
        self.open.association.contexts()
    }

    /// Makes the association available for others.
    pub(super) fn give_back(self) {
        let Self { destination, open, _permit } = self;
        destination.idle().push(open);
    }

    /// Sends an instance and awaits its response; see [`super::Lane::store`].
    pub(super) async fn store(
        mut self,
        context: &PresentationContext,
        request: CStoreRq,
        data_set: BoxStream<'static, io::Result<Bytes>>,
        aborting: &CancellationToken,
    ) -> Result<Response, NotAnswered> {
        let stored = tokio::select! {
            biased;
            stored = self.open.association.store(context, request, data_set) => Some(stored),
            () = aborting.cancelled() => None,
        };
        match stored {
            Some(Ok(response)) => {
                self.give_back();
                Ok(response)
            }
            Some(Err(dimse::Error::Source(error))) => {
                Err(NotAnswered::SourceFailed { cause: error.to_string(), changed: has_changed(&error) })
            }
            Some(Err(error)) => {
                // The idle ones may have ended too, unnoticed.
                self.destination.idle().clear();
                Err(NotAnswered::AssociationEnded(error.to_string()))
            }
            None => {
                // A peer that does not close in time loses the connection all the same.
                let _ = timeout(ABORT, self.open.association.abort()).await;
                Err(NotAnswered::Aborted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waited_for_a_dead_destination_does_not_try_it_again() {
        let nobody = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = nobody.local_addr().unwrap().port();
        drop(nobody);
        let address = PeerAddress { host: "127.0.0.1".to_owned(), port, connect_timeout: DEAD };
        let [called, calling] = ["GONE", "BRIDGE"].map(|ae_title| ae_title.parse().unwrap());
        let key = Key { called, calling, address, associations: 1 };
        let destination = Destinations::default().join(key, Settings::default());
        let needed: Pair = (
            "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
            instance::TransferSyntax::new("1.2.840.10008.1.2".parse().unwrap()),
        );
        let foreseen = Foreseen::default();
        let error = async || destination.borrow(&needed, &foreseen).await.err();
        assert!(matches!(error().await, Some(Unusable::Connect(_))));
        for _ in 0..3 {
            assert!(matches!(error().await, Some(Unusable::Dead(_))));
        }
        tokio::time::advance(DEAD).await;
        assert!(matches!(error().await, Some(Unusable::Connect(_))), "it may be back");
    }
}
