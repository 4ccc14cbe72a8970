//! An established association of a requestor, and the operations of a service class user.

use std::{collections::VecDeque, io, pin::pin, time::Duration};

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};

use super::{
    Received,
    query_retrieve::sub_operation_in_between,
    received::{Invoked, Receiving},
};
use crate::{
    Abort, Error, Incompatibility, MessageSender, Misbehaviour, Status, Timer, abort_for,
    acse::sop_class::VERIFICATION,
    association::{Association, Negotiated, PresentationContext, PresentationContexts, Timers},
    command::{CEchoRq, CStoreRq, Command, Response},
    message::ReleasePdu,
};

/// Most responses that are kept while another one is awaited or something is sent: 4096, with identifiers of
/// the usual size 2 MB.
const EARLY_MAX: usize = 4096;

/// An established association on which we are the service class user.
///
/// An operation that is cancelled half-way leaves its message unfinished, after which the association can only
/// be aborted.
#[derive(Debug)]
pub struct RequestorAssociation<S> {
    pub(super) receiving: Receiving<ReadHalf<S>>,
    sender: MessageSender<WriteHalf<S>>,
    negotiated: Negotiated,
    timers: Timers,
    /// What came while something else was awaited.
    early: VecDeque<Received>,
    last_message_id: u16,
}

impl<S> RequestorAssociation<S>
where
    S: AsyncRead + AsyncWrite,
{
    pub(super) fn new(association: Association<S>) -> Self {
        let negotiated = association.negotiated().clone();
        let timers = association.timers();
        let (receiver, sender) = association.split();
        let receiving = Receiving::new(receiver);
        Self { receiving, sender, negotiated, timers, early: VecDeque::new(), last_message_id: 0 }
    }

    /// What both sides agreed on.
    #[must_use]
    pub const fn negotiated(&self) -> &Negotiated {
        &self.negotiated
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
        let context = self.contexts().iter().find(|c| c.abstract_syntax.as_str() == VERIFICATION).cloned();
        let context =
            context.ok_or_else(|| Incompatibility::NoPresentationContext(VERIFICATION.to_owned()))?;
        let message_id = self.next_message_id();
        let affected_sop_class_uid = Some(context.abstract_syntax);
        let command = Command::CEchoRq(CEchoRq { message_id, affected_sop_class_uid });
        self.invoke(message_id, context.id, &command);
        self.send_command(context.id, &command).await?;
        Ok(self.reply_to(message_id).await?.0.status)
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
        Ok(self.reply_to(message_id).await?.0)
    }

    /// Sends a C-STORE-RQ without awaiting the response, for which [`Self::next_response`] is called
    /// later, and returns its Message ID. The caller keeps within [`Self::operations_invoked_max`].
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn begin_store<D>(
        &mut self,
        context: &PresentationContext,
        request: CStoreRq,
        data_set: D,
    ) -> Result<u16, Error>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        let request = |message_id| Command::CStoreRq(CStoreRq { message_id, ..request });
        self.begin(context, request, data_set).await
    }

    /// The next response to an operation begun before; responses come in any order and are paired by
    /// Message ID Being Responded To. Its identifier, if it has one, is thrown away.
    ///
    /// # Errors
    /// As for [`Self::store`]; [`Error::Ended`] where no operation is outstanding.
    pub async fn next_response(&mut self) -> Result<Response, Error> {
        match self.next_received().await? {
            Received::Response(response, _) => Ok(response),
            Received::Store(_) => Err(self.fail(sub_operation_in_between()).await),
        }
    }

    /// The next response to an operation begun before, or the next sub-operation of a C-GET. A sub-operation
    /// whose data set was not read to its end is thrown away by the next call.
    ///
    /// # Errors
    /// As for [`Self::store`]; [`Error::Ended`] where no operation is outstanding.
    pub async fn next_received(&mut self) -> Result<Received, Error> {
        if let Some(received) = self.early.pop_front() {
            return Ok(received);
        }
        if self.receiving.outstanding.is_empty() {
            return Err(Error::Ended);
        }
        self.receive().await
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
        let _ = self.receiving.receiver.await_close().await;
    }

    async fn exchange_release(&mut self) -> Result<(), Error> {
        let receiver = &mut self.receiving.receiver;
        receiver.set_between(Timer::Release, self.timers.release);
        self.sender.release_request().await?;
        while receiver.next_release().await? == ReleasePdu::Request {
            self.sender.release_response_in_collision().await?;
        }
        Ok(())
    }

    /// Sends the request that `request` makes of the next Message ID, and its data set.
    pub(super) async fn begin<D>(
        &mut self,
        context: &PresentationContext,
        request: impl FnOnce(u16) -> Command,
        data_set: D,
    ) -> Result<u16, Error>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        let message_id = self.next_message_id();
        let command = request(message_id);
        self.invoke(message_id, context.id, &command);
        match self.send(context.id, &command, Some(data_set)).await {
            Ok(()) => Ok(message_id),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Sends the request that `request` makes of the next Message ID, which no data set follows.
    pub(super) async fn begin_without_data_set(
        &mut self,
        context: &PresentationContext,
        request: impl FnOnce(u16) -> Command,
    ) -> Result<u16, Error> {
        let message_id = self.next_message_id();
        let command = request(message_id);
        self.invoke(message_id, context.id, &command);
        self.send_command(context.id, &command).await?;
        Ok(message_id)
    }

    /// Sends a message without a data set.
    pub(super) async fn send_command(&mut self, context_id: u8, command: &Command) -> Result<(), Error> {
        let nothing = None::<stream::Empty<io::Result<Bytes>>>;
        match self.send(context_id, command, nothing).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Sends, and meanwhile receives: a peer may answer, abort or close before it has everything.
    async fn send<D>(&mut self, context_id: u8, command: &Command, data_set: Option<D>) -> Result<(), Error>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        // The write timer watches over the progress; a silent peer is as it should be.
        self.receiving.receiver.set_between(Timer::Response, Duration::MAX);
        let sender = &mut self.sender;
        let mut sending = pin!(async move {
            match data_set {
                Some(data_set) => sender.send(context_id, command, data_set).await,
                None => sender.send_command(context_id, command).await,
            }
        });
        loop {
            // What stands behind a sub-operation cannot be received before its data set.
            let may_receive =
                self.early.len() < EARLY_MAX && !matches!(self.early.back(), Some(Received::Store(_)));
            let received = tokio::select! {
                biased;
                sent = &mut sending => return sent,
                received = self.receiving.next(), if may_receive => received?,
            };
            self.early.push_back(received);
        }
    }

    /// Keeps what came while something else was awaited.
    pub(super) fn keep_early(&mut self, received: Received) -> Result<(), Error> {
        match received {
            Received::Response(response, _) if self.early.len() == EARLY_MAX => {
                Err(Misbehaviour::UnexpectedMessage(response.operation.response_field()).into())
            }
            Received::Response(..) => {
                self.early.push_back(received);
                Ok(())
            }
            Received::Store(_) => Err(sub_operation_in_between()),
        }
    }

    /// A response to `message_id` that came earlier.
    pub(super) fn early_reply_to(&mut self, message_id: u16) -> Option<(Response, Option<Bytes>)> {
        let answers = |received: &Received| match received {
            Received::Response(response, _) => response.message_id_being_responded_to == message_id,
            Received::Store(_) => false,
        };
        let at = self.early.iter().position(answers)?;
        match self.early.remove(at)? {
            Received::Response(response, identifier) => Some((response, identifier)),
            Received::Store(_) => None,
        }
    }

    /// Where an operation was sent that has no final response yet.
    pub(super) fn presentation_context_of(&self, message_id: u16) -> Option<u8> {
        let invoked = self.receiving.outstanding.iter().find(|invoked| invoked.message_id == message_id)?;
        Some(invoked.presentation_context_id)
    }

    pub(super) async fn receive(&mut self) -> Result<Received, Error> {
        self.receiving.receiver.set_between(Timer::Response, self.timers.response);
        match self.receiving.next().await {
            Ok(received) => Ok(received),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Ends the association as `error` calls for.
    pub(super) async fn fail(&mut self, error: Error) -> Error {
        if matches!(error, Error::ReleasedByPeer) {
            let _ = self.sender.release_response().await;
        } else if let Some(abort) = abort_for(&error) {
            self.sender.abort(abort).await;
            let _ = self.receiving.receiver.await_close().await;
        }
        error
    }

    fn invoke(&mut self, message_id: u16, presentation_context_id: u8, command: &Command) {
        let operation = command.operation();
        self.receiving.outstanding.push(Invoked { message_id, operation, presentation_context_id });
    }

    /// Message IDs go round, without those that have no response yet.
    fn next_message_id(&mut self) -> u16 {
        loop {
            self.last_message_id = self.last_message_id.wrapping_add(1);
            let is_free = |id: u16| self.presentation_context_of(id).is_none();
            if self.last_message_id != 0 && is_free(self.last_message_id) {
                return self.last_message_id;
            }
        }
    }
}
