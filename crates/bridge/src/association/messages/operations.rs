//! The operations of an association that are outstanding.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::service::Refusal;

/// Queries and retrieves that may wait for those before them, beyond what was negotiated: 8. Some
/// workstations send the next C-FIND right behind the C-CANCEL of the last one.
const WAITING_MAX: usize = 8;

/// Operations by Message ID. Cloning gives another handle.
///
/// C-STOREs beyond the window wait to be received. Queries and retrieves never make the receiving half
/// wait, since their C-CANCEL and the answers to their sub-operations stand behind them; beyond
/// the window they wait here, and beyond that they are refused.
#[derive(Clone)]
pub(super) struct Operations {
    stores: Arc<Semaphore>,
    queries: Arc<Semaphore>,
    window: usize,
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// The token of those that can be cancelled.
    by_message_id: HashMap<u16, Option<CancellationToken>>,
    /// How many of them can be cancelled.
    queries: usize,
    /// Bytes of their identifiers.
    identifiers: usize,
}

/// An operation that is outstanding until dropped.
pub(super) struct InvokedOperation {
    /// None where the Message ID is that of another one.
    message_id: Option<u16>,
    identifier_length: usize,
    operations: Operations,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Operations {
    pub(super) fn new(window: u16) -> Self {
        let window = usize::from(window.max(1));
        Self {
            stores: Arc::new(Semaphore::new(window)),
            queries: Arc::new(Semaphore::new(window)),
            window,
            state: Arc::default(),
            changed: Arc::new(Notify::new()),
        }
    }

    /// Most operations that are outstanding at once, those included that are refused.
    pub(super) const fn outstanding_max(&self) -> usize {
        2 * self.window + 2 * WAITING_MAX
    }

    /// Begins a C-STORE once another one may be outstanding.
    pub(super) async fn begin_store(&self, message_id: u16) -> Result<InvokedOperation, Refusal> {
        // The semaphore is never closed, so there always is a permit.
        let permit = Arc::clone(&self.stores).acquire_owned().await.ok();
        self.begin(message_id, None, permit)
    }

    /// Begins an operation that is answered at once.
    pub(super) fn begin_brief(&self, message_id: u16) -> Result<InvokedOperation, Refusal> {
        self.begin(message_id, None, None)
    }

    /// Begins a query or a retrieve, which `cancelled` ends. Whether it may be carried out yet is for
    /// [`Self::turn`].
    pub(super) fn begin_query(
        &self,
        message_id: u16,
        cancelled: &CancellationToken,
    ) -> Result<InvokedOperation, Refusal> {
        if self.state().queries >= self.window + WAITING_MAX {
            return Err(Refusal::TooManyOperations);
        }
        let operation = self.begin(message_id, Some(cancelled.clone()), None)?;
        self.state().queries += 1;
        Ok(operation)
    }

    /// Waits until a query or retrieve may be carried out beside the others.
    pub(super) async fn turn(self) -> Option<OwnedSemaphorePermit> {
        self.queries.acquire_owned().await.ok()
    }

    /// An operation that is refused, so that it takes no Message ID.
    pub(super) fn refused(&self) -> InvokedOperation {
        InvokedOperation { message_id: None, identifier_length: 0, operations: self.clone(), _permit: None }
    }

    /// Cancels a query or a retrieve. One that is answered, or about to be, is none any more.
    pub(super) fn cancel(&self, message_id: u16) {
        let token = self.state().by_message_id.get(&message_id).cloned().flatten();
        if let Some(token) = token {
            tracing::info!(message_id, "operation cancelled by the peer");
            token.cancel();
        }
    }

    /// Cancels all queries and retrieves.
    pub(super) fn cancel_all(&self) {
        let tokens: Vec<_> = self.state().by_message_id.values().flatten().cloned().collect();
        tokens.iter().for_each(CancellationToken::cancel);
    }

    /// Whether a query or a retrieve is outstanding.
    pub(super) fn has_queries(&self) -> bool {
        self.state().queries > 0
    }

    /// Resolves after a query or retrieve has ended.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn begin(
        &self,
        message_id: u16,
        cancelled: Option<CancellationToken>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<InvokedOperation, Refusal> {
        let mut state = self.state();
        if state.by_message_id.contains_key(&message_id) {
            return Err(Refusal::DuplicateInvocation);
        }
        state.by_message_id.insert(message_id, cancelled);
        Ok(InvokedOperation {
            message_id: Some(message_id),
            identifier_length: 0,
            operations: self.clone(),
            _permit: permit,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InvokedOperation {
    /// Counts the identifier of a query or retrieve, of which all together may take `max` bytes.
    pub(super) fn hold_identifier(&mut self, length: usize, max: usize) -> Result<(), Refusal> {
        let mut state = self.operations.state();
        if state.identifiers + length > max {
            return Err(Refusal::TooManyOperations);
        }
        state.identifiers += length;
        self.identifier_length += length;
        Ok(())
    }
}

impl Drop for InvokedOperation {
    fn drop(&mut self) {
        let Some(message_id) = self.message_id else { return };
        let mut state = self.operations.state();
        state.identifiers -= self.identifier_length;
        if let Some(Some(token)) = state.by_message_id.remove(&message_id) {
            state.queries -= 1;
            drop(state);
            // What the service has begun elsewhere has nobody to work for any more.
            token.cancel();
            self.operations.changed.notify_one();
        }
    }
}
