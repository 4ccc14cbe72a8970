//! C-STORE sub-operations of a C-GET, on the association that it came on (PS3.4 §C.4.3).

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use dimse::{
    association::{Negotiated, PresentationContext},
    command::{CStoreRq, Response},
};
use futures::stream::BoxStream;
use instance::{TransferSyntax, Uid};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Performs sub-operations on the peer that invoked a C-GET. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct SubOperations {
    contexts: Arc<[PresentationContext]>,
    to_send: mpsc::Sender<SubOperation>,
    /// Sub-operations that the peer performs at the same time (PS3.7 §D.3.3.3).
    window: Arc<Semaphore>,
    window_length: usize,
    response: Duration,
}

/// A C-STORE to be written by the association.
pub(crate) struct SubOperation {
    presentation_context_id: u8,
    /// Its Message ID is given by the association.
    request: CStoreRq,
    data_set: BoxStream<'static, io::Result<Bytes>>,
    /// To be told when the last byte was written, from which on the response is awaited.
    sent: oneshot::Sender<()>,
    /// Who waits for the response.
    answer: oneshot::Sender<Response>,
}

/// A sub-operation that has its Message ID.
pub(crate) struct Begun {
    /// Where it is sent.
    pub(crate) presentation_context_id: u8,
    /// The request.
    pub(crate) request: CStoreRq,
    /// The data set.
    pub(crate) data_set: BoxStream<'static, io::Result<Bytes>>,
    /// To be told when the last byte was written.
    pub(crate) sent: oneshot::Sender<()>,
}

/// Why a sub-operation has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SubOperationError {
    /// The association has ended: by the peer, or because the data set failed in the middle.
    #[error("the association ended before the sub-operation was answered")]
    Ended,
    /// The peer did not answer within the response timer. The association lives on.
    #[error("the peer did not answer the sub-operation in time")]
    NotAnswered,
}

/// Sub-operations that were sent and not answered yet, by Message ID.
#[derive(Clone, Default)]
pub(crate) struct Outstanding(Arc<Mutex<Sent>>);

#[derive(Default)]
struct Sent {
    ended: bool,
    last_message_id: u16,
    by_message_id: HashMap<u16, oneshot::Sender<Response>>,
}

impl SubOperations {
    /// Sub-operations on an association, and the end of the channel from which it takes those to write.
    pub(crate) fn new(
        negotiated: &Negotiated,
        window_max: u16,
        response: Duration,
    ) -> (Self, mpsc::Receiver<SubOperation>) {
        let window = match negotiated.operations_performed_max {
            0 => window_max,
            performed => performed.min(window_max),
        };
        let window_length = usize::from(window.max(1));
        let takes = |context: &&PresentationContext| negotiated.roles(&context.abstract_syntax).scp;
        let contexts = negotiated.contexts.iter().filter(takes).cloned().collect();
        // One that waits is enough to keep the writer busy, and its data set is not begun yet.
        let (to_send, sending) = mpsc::channel(1);
        let window = Arc::new(Semaphore::new(window_length));
        (Self { contexts, to_send, window, window_length, response }, sending)
    }

    /// The presentation context on which the peer takes instances of `sop_class` in `transfer_syntax`.
    pub(crate) fn presentation_context(
        &self,
        sop_class: &Uid,
        transfer_syntax: &TransferSyntax,
    ) -> Option<&PresentationContext> {
        self.contexts
            .iter()
            .find(|c| c.abstract_syntax == *sop_class && c.transfer_syntax == *transfer_syntax)
    }

    /// The transfer syntaxes in which the peer takes instances of `sop_class`, in the order proposed.
    pub(crate) fn accepted_transfer_syntaxes(&self, sop_class: &Uid) -> Vec<TransferSyntax> {
        let of_class = self.contexts.iter().filter(|context| context.abstract_syntax == *sop_class);
        of_class.map(|context| context.transfer_syntax.clone()).collect()
    }

    /// Sub-operations that the peer performs at the same time; more [`Self::store`] calls wait.
    pub(crate) const fn window(&self) -> usize {
        self.window_length
    }

    /// Sends an instance and awaits its response. The Message ID of `request` is replaced. Once the data
    /// set is begun it is sent to its end, whether or not this future is still there, and nothing else is
    /// sent on the association meanwhile: it should not be begun before its bytes are at hand. One that
    /// fails in the middle ends the association with A-ABORT, since a cut object must never pass for
    /// a whole one.
    ///
    /// # Errors
    /// [`SubOperationError`].
    pub(crate) async fn store(
        &self,
        context: &PresentationContext,
        request: CStoreRq,
        data_set: BoxStream<'static, io::Result<Bytes>>,
    ) -> Result<Response, SubOperationError> {
        let _permit = self.window.acquire().await.map_err(|_| SubOperationError::Ended)?;
        let ((answer, answered), (sent, was_sent)) = (oneshot::channel(), oneshot::channel());
        let presentation_context_id = context.id;
        let sub_operation = SubOperation { presentation_context_id, request, data_set, sent, answer };
        self.to_send.send(sub_operation).await.map_err(|_| SubOperationError::Ended)?;
        let too_late = async {
            // Where nothing was sent, nothing is answered either.
            let _ = was_sent.await;
            tokio::time::sleep(self.response).await;
        };
        tokio::select! {
            biased;
            response = answered => response.map_err(|_| SubOperationError::Ended),
            () = too_late => Err(SubOperationError::NotAnswered),
        }
    }
}

impl Outstanding {
    /// Gives a sub-operation its Message ID, under which it is answered. None where nobody waits for the
    /// response any more, or none can come.
    pub(crate) fn begin(&self, sub_operation: SubOperation) -> Option<Begun> {
        let SubOperation { presentation_context_id, mut request, data_set, sent, answer } = sub_operation;
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ended || answer.is_closed() {
            return None;
        }
        request.message_id = state.next_message_id();
        state.by_message_id.insert(request.message_id, answer);
        Some(Begun { presentation_context_id, request, data_set, sent })
    }

    /// Hands a response to who waits for it; `false` where it answers nothing.
    pub(crate) fn answer(&self, response: &Response) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = state.by_message_id.remove(&response.message_id_being_responded_to) else {
            return false;
        };
        // Who has given up waiting needs no response.
        let _ = waiting.send(response.clone());
        true
    }

    /// No response comes any more: whoever waits for one is told so, and no further one is begun.
    pub(crate) fn end(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended = true;
        state.by_message_id.clear();
    }
}

impl Sent {
    /// Message IDs go round, without those that have no response yet; the window keeps these few.
    fn next_message_id(&mut self) -> u16 {
        loop {
            self.last_message_id = self.last_message_id.wrapping_add(1);
            if self.last_message_id != 0 && !self.by_message_id.contains_key(&self.last_message_id) {
                return self.last_message_id;
            }
        }
    }
}
