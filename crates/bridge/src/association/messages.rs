//! The loop of an association: one half receives, the other answers.
//!
//! Requests are taken in the order in which they arrive, as many at a time as were negotiated
//! (PS3.7 §D.3.3.3); answers are written in the order in which operations end, by one place.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use dimse::{
    Error, Event, Message, MessageReceiver, MessageSender, Misbehaviour, Status,
    acse::sop_class::VERIFICATION,
    command::{Command, Operation, Response},
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};

use super::Context;
use crate::{
    mapping::status,
    service::{Refusal, storage, verification},
};

/// How the exchange of messages ended in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The peer asks for the release, and everything is answered.
    Released,
    /// The bridge stops, and everything is answered.
    Drained,
    /// The bridge stops and could not wait any longer.
    CutShort,
}

/// An operation that was received and not yet answered.
struct InFlight {
    presentation_context_id: u8,
    answer: BoxFuture<'static, Response>,
    operation: InvokedOperation,
}

/// Exchanges messages until one side ends it. `invoked` operations may be outstanding.
pub(super) async fn exchange<R, W>(
    receiver: &mut MessageReceiver<R>,
    sender: &mut MessageSender<W>,
    context: &Arc<Context>,
    invoked: u16,
) -> Result<End, Error>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let invoked = usize::from(invoked.max(1));
    let (received, answering) = mpsc::channel(invoked);
    let operations = Operations::new(invoked);
    let mut respond = std::pin::pin!(respond(sender, answering, context));
    let receive = receive(receiver, received, operations, context);
    let phases = &context.core.phases;
    let both = async {
        let end = tokio::select! {
            end = receive => end?,
            // It ends early only when nothing can be written any more.
            answered = &mut respond => return answered.and(Err(Error::Ended)),
        };
        respond.await?;
        Ok(end)
    };
    tokio::select! {
        biased;
        () = phases.aborting.cancelled() => Ok(End::CutShort),
        end = both => end,
    }
}

async fn receive<R>(
    receiver: &mut MessageReceiver<R>,
    received: mpsc::Sender<InFlight>,
    operations: Operations,
    context: &Arc<Context>,
) -> Result<End, Error>
where
    R: AsyncRead + Unpin + Send,
{
    loop {
        let event = tokio::select! {
            biased;
            () = context.core.phases.finishing.cancelled() => return Ok(End::Drained),
            event = receiver.next_message() => event?,
        };
        let message = match event {
            Event::Message(message) => message,
            Event::Release => return Ok(End::Released),
        };
        let Some(message_id) = message_id(&message.command)? else { continue };
        let operation = operations.begin(message_id).await;
        let answer = match operation {
            Ok(_) => dispatch(receiver, &message, context).await?,
            Err(_) => refuse(&message.command, message_id, Refusal::DuplicateInvocation),
        };
        let (Ok(operation) | Err(operation)) = operation;
        let presentation_context_id = message.presentation_context.id;
        if received.send(InFlight { presentation_context_id, answer, operation }).await.is_err() {
            return Err(Error::Ended);
        }
    }
}

/// Hands a request to its service. The future that is returned gives the answer; what must be done
/// in the order of arrival is done before.
async fn dispatch<R>(
    receiver: &mut MessageReceiver<R>,
    message: &Message,
    context: &Arc<Context>,
) -> Result<BoxFuture<'static, Response>, Error>
where
    R: AsyncRead + Unpin + Send,
{
    let is_verification = message.presentation_context.abstract_syntax.as_str() == VERIFICATION;
    let answer = match &message.command {
        Command::CEchoRq(request) if is_verification => {
            std::future::ready(verification::respond(request)).boxed()
        }
        Command::CStoreRq(request) if !is_verification => {
            let response = Response::new(Operation::CStore, request.message_id, Status::SUCCESS)
                .affected_sop_class(&request.affected_sop_class_uid)
                .affected_sop_instance(&request.affected_sop_instance_uid);
            let stored = storage::receive(receiver, message, request, context).await?;
            answer_store(stored, response, Arc::clone(context))
        }
        Command::Unreadable(request) => std::future::ready(request.response()).boxed(),
        command => match message_id(command)? {
            Some(message_id) => refuse(command, message_id, Refusal::UnrecognizedOperation),
            None => return Err(Misbehaviour::UnexpectedMessage(0).into()),
        },
    };
    Ok(answer)
}

/// Makes the answer of a C-STORE of what became of it.
fn answer_store(
    stored: storage::Stored,
    response: Response,
    context: Arc<Context>,
) -> BoxFuture<'static, Response> {
    let received = Instant::now();
    let span = tracing::Span::current();
    let storage::Stored { acknowledge, done } = stored;
    let answer = async move {
        let done = done.await;
        let took = received.elapsed().as_secs_f64();
        context.core.metrics.store_acknowledge.with_label_values(&[acknowledge]).observe(took);
        match done {
            Ok(()) => response,
            Err(refusal) => {
                tracing::warn!(
                    message_id = response.message_id_being_responded_to,
                    sop_instance_uid = ?response.affected_sop_instance_uid,
                    cause = %refusal,
                    status = %status::of_refusal(&refusal).0,
                    "instance refused"
                );
                status::refused(response, &refusal)
            }
        }
    };
    tracing::Instrument::instrument(answer, span).boxed()
}

fn refuse(command: &Command, message_id: u16, refusal: Refusal) -> BoxFuture<'static, Response> {
    let operation = command.operation();
    tracing::warn!(operation = operation.name(), message_id, cause = %refusal, "request refused");
    let response = Response::new(operation, message_id, Status::SUCCESS);
    std::future::ready(status::refused(response, &refusal)).boxed()
}

/// Writes answers in the order in which operations end, until no more can come.
async fn respond<W>(
    sender: &mut MessageSender<W>,
    mut received: mpsc::Receiver<InFlight>,
    context: &Context,
) -> Result<(), Error>
where
    W: AsyncWrite + Unpin + Send,
{
    let mut in_flight = FuturesUnordered::new();
    let mut more = true;
    while more || !in_flight.is_empty() {
        tokio::select! {
            next = received.recv(), if more => match next {
                Some(InFlight { presentation_context_id, answer, operation }) => in_flight.push(
                    answer.map(move |response| (presentation_context_id, response, operation)),
                ),
                None => more = false,
            },
            Some((id, response, operation)) = in_flight.next() => {
                let labels = [response.operation.name(), status::label(response.status)];
                context.core.metrics.messages.with_label_values(&labels).inc();
                sender.send_command(id, &Command::Rsp(response)).await?;
                drop(operation);
            }
        }
    }
    Ok(())
}

/// The Message ID of a request; none for what is not answered.
fn message_id(command: &Command) -> Result<Option<u16>, Error> {
    Ok(Some(match command {
        Command::CStoreRq(request) => request.message_id,
        Command::CGetRq(request) => request.message_id,
        Command::CFindRq(request) => request.message_id,
        Command::CMoveRq(request) => request.message_id,
        Command::CEchoRq(request) => request.message_id,
        Command::NEventReportRq(request) => request.message_id,
        Command::NGetRq(request) => request.message_id,
        Command::NSetRq(request) => request.message_id,
        Command::NActionRq(request) => request.message_id,
        Command::NCreateRq(request) => request.message_id,
        Command::NDeleteRq(request) => request.message_id,
        Command::Unreadable(request) => request.message_id,
        // It came too late: the operation is answered or about to be (PS3.7 §9.3.2.3).
        Command::CCancelRq(_) => return Ok(None),
        Command::Rsp(response) => {
            return Err(Misbehaviour::UnexpectedMessage(response.operation.response_field()).into());
        }
        other => return Err(Misbehaviour::UnexpectedMessage(other.operation().request_field()).into()),
    }))
}

/// Operations that are outstanding, by Message ID.
#[derive(Clone)]
struct Operations {
    permits: Arc<Semaphore>,
    outstanding: Arc<Mutex<HashSet<u16>>>,
}

/// An operation that is outstanding until dropped.
struct InvokedOperation {
    message_id: Option<u16>,
    operations: Operations,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Operations {
    fn new(invoked: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(invoked)), outstanding: Arc::default() }
    }

    /// Waits until another operation may be outstanding. An error is one whose Message ID is in use;
    /// it is answered like any other (PS3.7 §C.5.10).
    async fn begin(&self, message_id: u16) -> Result<InvokedOperation, InvokedOperation> {
        // The semaphore is never closed, so there always is a permit.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let is_new = self.outstanding.lock().unwrap_or_else(PoisonError::into_inner).insert(message_id);
        let operations = self.clone();
        let operation =
            InvokedOperation { message_id: is_new.then_some(message_id), operations, _permit: permit };
        if is_new { Ok(operation) } else { Err(operation) }
    }
}

impl Drop for InvokedOperation {
    fn drop(&mut self) {
        if let Some(message_id) = self.message_id {
            let outstanding = &self.operations.outstanding;
            outstanding.lock().unwrap_or_else(PoisonError::into_inner).remove(&message_id);
        }
    }
}
