//! Polling the operations under way for their replies.

use dimse::{Status, command::Response};
use futures::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream, SelectAll},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::operations::InvokedOperation;
use crate::service::{Replies, Reply};

/// A reply on its way to the writer.
pub(super) struct Outgoing {
    pub(super) presentation_context_id: u8,
    pub(super) reply: Reply,
    /// With the final reply: the operation, which is over when that is written.
    pub(super) operation: Option<InvokedOperation>,
}

/// The replies of one operation.
pub(super) type Answering = BoxStream<'static, Outgoing>;

/// A query or a retrieve under way.
pub(super) struct Query {
    pub(super) presentation_context_id: u8,
    pub(super) operation: InvokedOperation,
    pub(super) cancelled: CancellationToken,
    /// The answer to the request but for its status.
    pub(super) response: Response,
    /// Whether the loop answers FE00 itself when it is cancelled.
    pub(super) ends_when_cancelled: bool,
    pub(super) replies: Replies,
}

/// Hands on the replies of all operations, each in its turn, until no more can come. Where `max` are under
/// way no further one is taken in: that many, refused ones among them, only has a peer that does not
/// take its answers.
pub(super) async fn run(
    mut received: mpsc::Receiver<Answering>,
    max: usize,
    replies: mpsc::Sender<Outgoing>,
) {
    let mut operations = SelectAll::new();
    let mut more = true;
    while more || !operations.is_empty() {
        let under_way = operations.len();
        let next = async {
            let permit = match replies.reserve().await {
                Ok(permit) => permit,
                Err(closed) => return (Err(closed), None),
            };
            (Ok(permit), operations.next().await)
        };
        tokio::select! {
            answering = received.recv(), if more && under_way < max => match answering {
                Some(answering) => operations.push(answering),
                None => more = false,
            },
            next = next, if under_way > 0 => match next {
                (Ok(permit), Some(outgoing)) => permit.send(outgoing),
                (Ok(_), None) => {}
                // Nothing is written any more.
                (Err(_), _) => return,
            },
        }
    }
}

/// The only reply of an operation.
pub(super) fn once(
    presentation_context_id: u8,
    operation: InvokedOperation,
    response: BoxFuture<'static, Response>,
) -> Answering {
    let outgoing = move |response| Outgoing {
        presentation_context_id,
        reply: Reply::new(response),
        operation: Some(operation),
    };
    stream::once(response.map(outgoing)).boxed()
}

/// The only reply of an operation that is carried out already.
pub(super) fn replied(presentation_context_id: u8, operation: InvokedOperation, reply: Reply) -> Answering {
    let outgoing = Outgoing { presentation_context_id, reply, operation: Some(operation) };
    stream::iter([outgoing]).boxed()
}

impl Query {
    /// The replies up to the first final one; there is one in any case.
    pub(super) fn answering(self) -> Answering {
        stream::unfold(Some(self), |query| async move {
            let mut query = query?;
            let reply = query.next().await;
            let is_final = reply.is_final();
            let presentation_context_id = query.presentation_context_id;
            let (operation, query) =
                if is_final { (Some(query.operation), None) } else { (None, Some(query)) };
            Some((Outgoing { presentation_context_id, reply, operation }, query))
        })
        .boxed()
    }

    async fn next(&mut self) -> Reply {
        let reply = tokio::select! {
            biased;
            () = self.cancelled.cancelled(), if self.ends_when_cancelled => {
                Some(Reply::new(self.answer(Status::CANCEL)))
            }
            reply = self.replies.next() => reply,
        };
        reply.unwrap_or_else(|| {
            tracing::error!(
                operation = self.response.operation.name(),
                "the replies ended without a final one"
            );
            Reply::new(self.answer(Status::PROCESSING_FAILURE))
        })
    }

    fn answer(&self, status: Status) -> Response {
        Response { status, ..self.response.clone() }
    }
}
