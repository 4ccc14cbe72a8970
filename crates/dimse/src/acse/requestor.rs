//! The requestor's side: proposing an association, and the operations of a service class user.

use std::{collections::VecDeque, io, pin::pin, time::Duration};

use bytes::Bytes;
use futures::Stream;
use instance::{AeTitle, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, TransferSyntax, Uid};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf},
    time::timeout,
};

use super::{
    APPLICATION_CONTEXT, AssociateAccept, AssociateRequest, ContextResult, OperationsWindow, ProposedContext,
    UserIdentity,
    acceptor::{accepted, end_stream, has_room, read_associate, write_all},
    codec,
};
use crate::{
    Abort, Error, Event, Incompatibility, MessageReceiver, MessageSender, Misbehaviour, Status, Timer,
    abort_for,
    association::{
        Association, MAX_PDU_LENGTH_DEFAULT, Negotiated, PresentationContext, PresentationContexts, Settings,
        Timers,
    },
    command::{CEchoRq, CStoreRq, Command, Operation, Response},
    message::ReleasePdu,
    pdu,
};

/// Most presentation contexts of one association: the odd numbers of one byte (PS3.8 §9.3.2.2).
pub const PRESENTATION_CONTEXTS_MAX: usize = 128;

/// What is proposed to an acceptor.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The AE title of the acceptor.
    pub called_ae_title: AeTitle,
    /// Our own AE title.
    pub calling_ae_title: AeTitle,
    /// Abstract syntaxes with their transfer syntaxes in order of preference; each pair becomes one
    /// presentation context. What is beyond [`PRESENTATION_CONTEXTS_MAX`] is not proposed.
    pub presentation_contexts: Vec<(Uid, Vec<TransferSyntax>)>,
    /// Maximum-length-received in bytes that we announce. Default 256 KiB, as for an acceptor.
    pub max_pdu_length: u32,
    /// Operations that we would like to have outstanding. Default 1: no window is proposed.
    pub operations_invoked: u16,
    /// User identity to present. Default none.
    pub user_identity: Option<UserIdentity>,
}

impl Proposal {
    /// A proposal with defaults and no presentation context yet.
    #[must_use]
    pub const fn new(called_ae_title: AeTitle, calling_ae_title: AeTitle) -> Self {
        Self {
            called_ae_title,
            calling_ae_title,
            presentation_contexts: Vec::new(),
            max_pdu_length: MAX_PDU_LENGTH_DEFAULT,
            operations_invoked: 1,
            user_identity: None,
        }
    }

    fn to_request(&self) -> AssociateRequest {
        let ids = (1..=u8::MAX).step_by(2);
        let contexts =
            ids.zip(&self.presentation_contexts).map(|(id, (syntax, transfer_syntaxes))| ProposedContext {
                id,
                abstract_syntax: Some(syntax.clone()),
                transfer_syntaxes: transfer_syntaxes.iter().map(|syntax| syntax.uid().clone()).collect(),
            });
        AssociateRequest {
            protocol_version: 1,
            called_ae_title: self.called_ae_title.clone().into(),
            calling_ae_title: self.calling_ae_title.clone().into(),
            application_context: APPLICATION_CONTEXT.to_owned(),
            presentation_contexts: contexts.collect(),
            max_pdu_length: self.max_pdu_length,
            implementation_class_uid: IMPLEMENTATION_CLASS_UID.parse().ok(),
            implementation_version_name: Some(IMPLEMENTATION_VERSION_NAME.to_owned()),
            operations_window: (self.operations_invoked != 1)
                .then_some(OperationsWindow { invoked: self.operations_invoked, performed: 1 }),
            role_selections: Vec::new(),
            extended_negotiations: Vec::new(),
            user_identity: self.user_identity.clone(),
        }
    }
}

/// Proposes an association on a connected stream (Sta5) and awaits the answer.
///
/// # Errors
/// [`Error::Rejected`], [`Error::Aborted`], [`Error::Timeout`] of [`Timer::Associate`] or [`Timer::Write`],
/// [`Error::PeerMisbehaved`], [`Error::PeerIncompatible`], [`Error::Closed`], [`Error::Io`]. The peer is
/// sent the A-ABORT that the error calls for.
pub async fn request<S>(
    mut stream: S,
    proposal: &Proposal,
    settings: Settings,
) -> Result<RequestorAssociation<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = proposal.to_request();
    match exchange(&mut stream, &request, &settings).await {
        Ok(negotiated) => {
            let association = Association::new(stream, negotiated, settings);
            Ok(RequestorAssociation::new(association))
        }
        Err(error) => {
            end_stream(stream, abort_for(&error), &settings).await;
            Err(error)
        }
    }
}

async fn exchange<S>(
    stream: &mut S,
    request: &AssociateRequest,
    settings: &Settings,
) -> Result<Negotiated, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    write_all(stream, &codec::write_request(request)?, settings.timers.write).await?;
    let answer = read_associate(stream, pdu::ASSOCIATE_AC, settings.associate_length_max);
    let answer = timeout(settings.timers.associate, answer).await;
    let accept = codec::read_accept(&answer.map_err(|_| Error::Timeout(Timer::Associate))??)?;
    has_room(accept.max_pdu_length)?;
    were_proposed(&accept, request)?;
    Ok(Negotiated {
        contexts: accepted(&request.presentation_contexts, &accept),
        own_max_pdu_length: request.max_pdu_length,
        peer_max_pdu_length: accept.max_pdu_length,
        operations_invoked_max: accept.operations_window.map_or(1, |window| window.invoked),
        role_selections: accept.role_selections,
        extended_negotiations: accept.extended_negotiations,
    })
}

/// PS3.8 §9.3.3.2: the transfer syntax of an accepted context is one of those proposed for it.
fn were_proposed(accept: &AssociateAccept, request: &AssociateRequest) -> Result<(), Incompatibility> {
    for proposed in &request.presentation_contexts {
        let answer = accept.presentation_contexts.iter().find(|answer| answer.id == proposed.id);
        if let Some(ContextResult::Acceptance(syntax)) = answer.map(|answer| &answer.result)
            && !proposed.transfer_syntaxes.contains(syntax.uid())
        {
            return Err(Incompatibility::TransferSyntaxNotProposed(proposed.id));
        }
    }
    Ok(())
}

/// An established association on which we are the service class user.
///
/// An operation that is cancelled half-way leaves its message unfinished, after which the association can only
/// be aborted.
#[derive(Debug)]
pub struct RequestorAssociation<S> {
    receiver: MessageReceiver<ReadHalf<S>>,
    sender: MessageSender<WriteHalf<S>>,
    negotiated: Negotiated,
    timers: Timers,
    /// Message IDs without a response yet.
    outstanding: Vec<u16>,
    /// Responses that came while something else was awaited.
    early: VecDeque<Response>,
    last_message_id: u16,
}

impl<S> RequestorAssociation<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    fn new(association: Association<S>) -> Self {
        let negotiated = association.negotiated().clone();
        let timers = association.timers();
        let (receiver, sender) = association.split();
        Self {
            receiver,
            sender,
            negotiated,
            timers,
            outstanding: Vec::new(),
            early: VecDeque::new(),
            last_message_id: 0,
        }
    }

    /// The accepted presentation contexts.
    #[must_use]
    pub const fn contexts(&self) -> &PresentationContexts {
        &self.negotiated.contexts
    }

    /// Operations that may be outstanding on this association; 0 is unlimited.
    #[must_use]
    pub const fn operations_invoked_max(&self) -> u16 {
        self.negotiated.operations_invoked_max
    }

    /// C-ECHO (PS3.7 §9.1.5) on the first context accepted for Verification.
    ///
    /// # Errors
    /// [`Error::PeerIncompatible`] where there is no such context. After any other [`Error`] the
    /// association was aborted.
    pub async fn echo(&mut self) -> Result<Status, Error> {
        let verification = super::sop_class::VERIFICATION;
        let context = self.contexts().iter().find(|c| c.abstract_syntax.as_str() == verification).cloned();
        let context =
            context.ok_or_else(|| Incompatibility::NoPresentationContext(verification.to_owned()))?;
        let message_id = self.next_message_id();
        let affected_sop_class_uid = Some(context.abstract_syntax);
        let command = Command::CEchoRq(CEchoRq { message_id, affected_sop_class_uid });
        let sent = self.sender.send_command(context.id, &command).await;
        self.outstanding.push(message_id);
        match sent {
            Ok(()) => Ok(self.response_to(message_id).await?.status),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// C-STORE of one data set, and its response. Message ID and UIDs of the response are as received;
    /// the Message ID of `request` is replaced by the next free one. An object whose stream fails is
    /// never finished: the association is aborted.
    ///
    /// # Errors
    /// [`Error::Source`] where `data_set` failed; after any [`Error`] the association was aborted.
    pub async fn store<D>(
        &mut self,
        context: &PresentationContext,
        request: CStoreRq,
        data_set: D,
    ) -> Result<Response, Error>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        let message_id = self.begin_store(context, request, data_set).await?;
        self.response_to(message_id).await
    }

    /// Sends a C-STORE-RQ without awaiting the response, for which [`Self::next_response`] is called
    /// later, and returns its Message ID. The caller keeps within [`Self::operations_invoked_max`].
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn begin_store<D>(
        &mut self,
        context: &PresentationContext,
        mut request: CStoreRq,
        data_set: D,
    ) -> Result<u16, Error>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        let message_id = self.next_message_id();
        request.message_id = message_id;
        self.outstanding.push(message_id);
        match self.send(context.id, &Command::CStoreRq(request), data_set).await {
            Ok(()) => Ok(message_id),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// The next response to an operation begun before; responses come in any order and are paired by
    /// Message ID Being Responded To.
    ///
    /// # Errors
    /// As for [`Self::store`]; [`Error::Ended`] where no operation is outstanding.
    pub async fn next_response(&mut self) -> Result<Response, Error> {
        if let Some(response) = self.early.pop_front() {
            return Ok(response);
        }
        if self.outstanding.is_empty() {
            return Err(Error::Ended);
        }
        self.receiver.set_between(Timer::Response, self.timers.response);
        match self.receive().await {
            Ok(response) => Ok(response),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Releases the association (PS3.8 §7.2): A-RELEASE-RQ, A-RELEASE-RP, close. When the peer asks for
    /// release at the same time (Sta9, Sta11), its request is answered first.
    ///
    /// # Errors
    /// [`Error`], for the log: the association is over in any case.
    pub async fn release(mut self) -> Result<(), Error> {
        match self.exchange_release().await {
            Ok(()) => self.sender.shutdown().await,
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Aborts the association as service-user.
    pub async fn abort(mut self) {
        self.sender.abort(Abort::SERVICE_USER).await;
        // What fails here is of no consequence: the association is over.
        let _ = self.receiver.await_close().await;
    }

    async fn exchange_release(&mut self) -> Result<(), Error> {
        self.receiver.set_between(Timer::Release, self.timers.release);
        self.sender.release_request().await?;
        while self.receiver.next_release().await? == ReleasePdu::Request {
            self.sender.release_response_in_collision().await?;
        }
        Ok(())
    }

    /// Sends, and meanwhile receives: a peer may answer, abort or close before it has everything.
    async fn send<D>(&mut self, context_id: u8, command: &Command, data_set: D) -> Result<(), Error>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        // The write timer watches over the progress; a silent peer is as it should be.
        self.receiver.set_between(Timer::Response, Duration::MAX);
        let mut sending = pin!(self.sender.send(context_id, command, data_set));
        loop {
            let event = tokio::select! {
                biased;
                sent = &mut sending => return sent,
                event = self.receiver.next_message() => event?,
            };
            self.early.push_back(paired(event, &mut self.outstanding)?);
        }
    }

    async fn response_to(&mut self, message_id: u16) -> Result<Response, Error> {
        if let Some(at) = self.early.iter().position(|r| r.message_id_being_responded_to == message_id) {
            return self.early.remove(at).ok_or(Error::Ended);
        }
        self.receiver.set_between(Timer::Response, self.timers.response);
        loop {
            match self.receive().await {
                Ok(response) if response.message_id_being_responded_to == message_id => return Ok(response),
                Ok(other) => self.early.push_back(other),
                Err(error) => return Err(self.fail(error).await),
            }
        }
    }

    async fn receive(&mut self) -> Result<Response, Error> {
        let event = self.receiver.next_message().await?;
        paired(event, &mut self.outstanding)
    }

    /// Ends the association as `error` calls for.
    async fn fail(&mut self, error: Error) -> Error {
        if matches!(error, Error::ReleasedByPeer) {
            let _ = self.sender.release_response().await;
        } else if let Some(abort) = abort_for(&error) {
            self.sender.abort(abort).await;
            let _ = self.receiver.await_close().await;
        }
        error
    }

    /// Message IDs go round, without those that have no response yet.
    fn next_message_id(&mut self) -> u16 {
        loop {
            self.last_message_id = self.last_message_id.wrapping_add(1);
            if self.last_message_id != 0 && !self.outstanding.contains(&self.last_message_id) {
                return self.last_message_id;
            }
        }
    }
}

/// The response in `event`, if it answers an operation that is outstanding.
fn paired(event: Event, outstanding: &mut Vec<u16>) -> Result<Response, Error> {
    let message = match event {
        Event::Release => return Err(Error::ReleasedByPeer),
        Event::Message(message) => message,
    };
    let Command::Rsp(response) = message.command else {
        return Err(Misbehaviour::UnexpectedMessage(message.command.operation().request_field()).into());
    };
    let at = outstanding.iter().position(|id| *id == response.message_id_being_responded_to);
    match (at, response.operation) {
        (Some(at), Operation::CStore | Operation::CEcho) => {
            outstanding.swap_remove(at);
            Ok(response)
        }
        (_, operation) => Err(Misbehaviour::UnexpectedMessage(operation.response_field()).into()),
    }
}
