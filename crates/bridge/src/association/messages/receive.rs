//! Receiving requests and handing them to the services.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use dimse::{
    Error, Event, Message, MessageReceiver, Misbehaviour, Status,
    acse::{QueryRetrieveClass, QueryRetrieveOperation, QueryRetrieveOptions, sop_class::VERIFICATION},
    association::Negotiated,
    command::{CStoreRq, Command, Operation, Response},
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use instance::Uid;
use tokio::{io::AsyncRead, sync::mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    Context, End,
    answer::{self, Answering, Query},
    identifier, normalized,
    operations::Operations,
};
use crate::{
    config::Service,
    mapping::status,
    service::{
        Invocation, Outstanding, QueryRetrieve, Refusal, Replies, Reply, SubOperations, storage, verification,
    },
};

/// What the receiving half works with.
pub(super) struct Receiving<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) negotiated: Negotiated,
    pub(super) services: Arc<dyn QueryRetrieve>,
    pub(super) operations: Operations,
    pub(super) outstanding: Outstanding,
}

/// A request of Query/Retrieve that may be carried out.
enum Request {
    Find(dimse::command::CFindRq),
    Move(dimse::command::CMoveRq),
    Get(dimse::command::CGetRq),
}

impl Receiving<'_> {
    /// Receives until the peer asks for the release, the bridge stops or the association is lost.
    pub(super) async fn run<R>(
        self,
        receiver: &mut MessageReceiver<R>,
        received: mpsc::Sender<Answering>,
        sub_operations: SubOperations,
    ) -> Result<End, Error>
    where
        R: AsyncRead + Unpin + Send,
    {
        loop {
            let message = match self.next(receiver).await? {
                Ok(message) => message,
                Err(end) => return Ok(end),
            };
            let answering = match &message.command {
                Command::CCancelRq(request) => {
                    self.operations.cancel(request.message_id_being_responded_to);
                    continue;
                }
                Command::Rsp(response) => {
                    self.route(response)?;
                    continue;
                }
                _ => self.dispatch(receiver, &message, &sub_operations).await?,
            };
            if received.send(answering).await.is_err() {
                return Err(Error::Ended);
            }
        }
    }

    /// The next message, or the end in good order.
    async fn next<R>(&self, receiver: &mut MessageReceiver<R>) -> Result<Result<Message, End>, Error>
    where
        R: AsyncRead + Unpin + Send,
    {
        let finishing = &self.context.core.phases.finishing;
        loop {
            let has_queries = self.operations.has_queries();
            let is_finishing = finishing.is_cancelled();
            // The sub-operations of a C-GET end only when their responses are received.
            if is_finishing && !has_queries {
                return Ok(Err(End::Drained));
            }
            let idle = if has_queries { Duration::MAX } else { self.context.snapshot.config.timers.idle };
            receiver.set_idle(idle);
            let event = tokio::select! {
                biased;
                () = finishing.cancelled(), if !is_finishing => continue,
                () = self.operations.changed() => continue,
                event = receiver.next_message() => event?,
            };
            return Ok(match event {
                Event::Message(message) => Ok(message),
                Event::Release => {
                    // The peer reads no replies any more and answers no sub-operations.
                    self.operations.cancel_all();
                    self.outstanding.end();
                    Err(End::Released)
                }
            });
        }
    }

    /// Hands the response to a sub-operation to who waits for it.
    fn route(&self, response: &Response) -> Result<(), Error> {
        if response.operation == Operation::CStore && self.outstanding.answer(response) {
            return Ok(());
        }
        Err(Misbehaviour::UnexpectedMessage(response.operation.response_field()).into())
    }

    /// Hands a request to its service. What must be done in the order of arrival is done before this
    /// returns.
    async fn dispatch<R>(
        &self,
        receiver: &mut MessageReceiver<R>,
        message: &Message,
        sub_operations: &SubOperations,
    ) -> Result<Answering, Error>
    where
        R: AsyncRead + Unpin + Send,
    {
        let context_id = message.presentation_context.id;
        let abstract_syntax = &message.presentation_context.abstract_syntax;
        let message_id = message_id(&message.command)?;
        let done = if self.context.core.phases.finishing.is_cancelled() {
            Err(Refusal::Stopping)
        } else {
            match &message.command {
                Command::CEchoRq(request) if abstract_syntax.as_str() == VERIFICATION => {
                    let response = verification::respond(request);
                    self.at_once(context_id, message_id, response)
                }
                Command::CStoreRq(request) if self.may_store(abstract_syntax) => {
                    self.store(receiver, message, request).await?
                }
                Command::CFindRq(request) => {
                    let request = Request::Find(request.clone());
                    self.query(receiver, message, request, message_id, sub_operations).await?
                }
                Command::CMoveRq(request) => {
                    let request = Request::Move(request.clone());
                    self.query(receiver, message, request, message_id, sub_operations).await?
                }
                Command::CGetRq(request) => {
                    let request = Request::Get(request.clone());
                    self.query(receiver, message, request, message_id, sub_operations).await?
                }
                Command::NCreateRq(_) | Command::NSetRq(_) | Command::NGetRq(_) => {
                    match normalized::Request::of(&message.command) {
                        Some(request) => self.performed_procedure(receiver, message, request).await?,
                        None => Err(Refusal::UnrecognizedOperation),
                    }
                }
                Command::Unreadable(request) => {
                    Err(request.element.map_or(Refusal::UnrecognizedOperation, Refusal::ArgumentUnusable))
                }
                _ => Err(Refusal::UnrecognizedOperation),
            }
        };
        Ok(done.unwrap_or_else(|refusal| self.refuse(message, message_id, &refusal)))
    }

    /// Whether C-STORE is an operation of the service of a presentation context, and the peer its SCU.
    fn may_store(&self, abstract_syntax: &Uid) -> bool {
        abstract_syntax.as_str() != VERIFICATION
            && QueryRetrieveClass::from_uid(abstract_syntax).is_none()
            && self.negotiated.roles(abstract_syntax).scu
    }

    fn at_once(
        &self,
        presentation_context_id: u8,
        message_id: u16,
        response: Response,
    ) -> Result<Answering, Refusal> {
        let operation = self.operations.begin_brief(message_id)?;
        Ok(answer::once(presentation_context_id, operation, std::future::ready(response).boxed()))
    }

    async fn store<R>(
        &self,
        receiver: &mut MessageReceiver<R>,
        message: &Message,
        request: &CStoreRq,
    ) -> Result<Result<Answering, Refusal>, Error>
    where
        R: AsyncRead + Unpin + Send,
    {
        let operation = match self.operations.begin_store(request.message_id).await {
            Ok(operation) => operation,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let response = Response::new(Operation::CStore, request.message_id, Status::SUCCESS)
            .affected_sop_class(&request.affected_sop_class_uid)
            .affected_sop_instance(&request.affected_sop_instance_uid);
        let stored = storage::receive(receiver, message, request, self.context).await?;
        let response = answer_store(stored, response, Arc::clone(self.context));
        Ok(Ok(answer::once(message.presentation_context.id, operation, response)))
    }

    /// Receives the identifier of a query or a retrieve and begins to carry it out.
    async fn query<R>(
        &self,
        receiver: &mut MessageReceiver<R>,
        message: &Message,
        request: Request,
        message_id: u16,
        sub_operations: &SubOperations,
    ) -> Result<Result<Answering, Refusal>, Error>
    where
        R: AsyncRead + Unpin + Send,
    {
        let cancelled = CancellationToken::new();
        let begun = self
            .class_of(message, &request)
            .and_then(|class| Ok((class, self.operations.begin_query(message_id, &cancelled)?)));
        let (class, mut operation) = match begun {
            Ok(begun) => begun,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let config = &self.context.snapshot.config;
        let max = config.query.identifier_max;
        let identifier = match identifier::receive(receiver, max, config.timers.message).await? {
            Ok(identifier) => identifier,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = operation.hold_identifier(identifier.len(), max) {
            return Ok(Err(refusal));
        }
        let invocation = Invocation {
            message_id,
            presentation_context: message.presentation_context.clone(),
            class,
            options: QueryRetrieveOptions::agreed(class, &self.negotiated.extended_negotiations),
            cancelled: cancelled.clone(),
            context: Arc::clone(self.context),
            sub_operations: sub_operations.clone(),
        };
        let query = Query {
            presentation_context_id: message.presentation_context.id,
            operation,
            cancelled,
            response: invocation.response(Status::PROCESSING_FAILURE),
            ends_when_cancelled: class.operation == QueryRetrieveOperation::Find,
            replies: self.in_turn(invocation, request, identifier),
        };
        Ok(Ok(query.answering()))
    }

    /// The class of a request, if the peer may make it on its presentation context.
    fn class_of(&self, message: &Message, request: &Request) -> Result<QueryRetrieveClass, Refusal> {
        let abstract_syntax = &message.presentation_context.abstract_syntax;
        let class = QueryRetrieveClass::from_uid(abstract_syntax);
        let class = class.filter(|class| class.operation == request.operation());
        let class = class.ok_or(Refusal::UnrecognizedOperation)?;
        if request.affected_sop_class_uid() != abstract_syntax {
            return Err(Refusal::SopClassNotOfContext);
        }
        let service = Service::of(class);
        if self.context.allowed.contains(service) { Ok(class) } else { Err(Refusal::NotAllowed) }
    }

    /// Carries a request out when those before it leave room within the window. One that is cancelled
    /// before is answered at once, and without counts, since nobody has counted its sub-operations.
    fn in_turn(&self, invocation: Invocation, request: Request, identifier: Bytes) -> Replies {
        let turn = self.operations.clone().turn();
        let services = Arc::clone(&self.services);
        stream::once(async move {
            let turn = tokio::select! {
                biased;
                () = invocation.cancelled.cancelled() => {
                    return Reply::new(invocation.response(Status::CANCEL)).alone();
                }
                turn = turn => turn,
            };
            let replies = match request {
                Request::Find(request) => services.find(invocation, request, identifier),
                Request::Move(request) => services.move_(invocation, request, identifier),
                Request::Get(request) => services.get(invocation, request, identifier),
            };
            // The room is given back with the replies.
            let held = replies.inspect(move |_| {
                let _held = &turn;
            });
            held.boxed()
        })
        .flatten()
        .boxed()
    }

    fn refuse(&self, message: &Message, message_id: u16, refusal: &Refusal) -> Answering {
        let operation = message.command.operation();
        tracing::warn!(operation = operation.name(), message_id, cause = %refusal, "request refused");
        let response = Response::new(operation, message_id, Status::SUCCESS);
        let response = std::future::ready(status::refused(response, refusal)).boxed();
        answer::once(message.presentation_context.id, self.operations.refused(), response)
    }
}

impl Request {
    const fn operation(&self) -> QueryRetrieveOperation {
        match self {
            Self::Find(_) => QueryRetrieveOperation::Find,
            Self::Move(_) => QueryRetrieveOperation::Move,
            Self::Get(_) => QueryRetrieveOperation::Get,
        }
    }

    const fn affected_sop_class_uid(&self) -> &Uid {
        match self {
            Self::Find(request) => &request.affected_sop_class_uid,
            Self::Move(request) => &request.affected_sop_class_uid,
            Self::Get(request) => &request.affected_sop_class_uid,
        }
    }
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
                    sop_instance_uid =
                        response.affected_sop_instance_uid.as_ref().map(tracing::field::display),
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

/// The Message ID of a request.
fn message_id(command: &Command) -> Result<u16, Error> {
    Ok(match command {
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
        other => return Err(Misbehaviour::UnexpectedMessage(other.operation().request_field()).into()),
    })
}
