//! What a requestor receives: responses with their identifiers, and the sub-operations of its C-GET.

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncRead;

use crate::{
    Category, Error, Event, MessageReceiver, Misbehaviour,
    association::PresentationContext,
    command::{CStoreRq, Command, Operation, Response},
};

/// Most bytes of an identifier in a response: 16 MiB, of which a list of 65,535 failed SOP Instances, the most
/// that a C-MOVE counts, takes a quarter.
pub const IDENTIFIER_LENGTH_MAX: usize = 16 * 1024 * 1024;

/// What arrives on an association on which we are service class user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A response and its identifier, if it has one.
    Response(Response, Option<Bytes>),
    /// A sub-operation of a C-GET of ours (PS3.4 §C.4.3): its data set is to be fetched, and it is to be
    /// answered.
    Store(StoreRequest),
}

/// A C-STORE sub-operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreRequest {
    /// Where it came on.
    pub presentation_context: PresentationContext,
    /// Its command.
    pub command: CStoreRq,
}

/// An operation of ours that has no final response yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Invoked {
    pub(super) message_id: u16,
    pub(super) operation: Operation,
    pub(super) presentation_context_id: u8,
}

/// The receiving half, which puts responses together with their identifiers.
#[derive(Debug)]
pub(super) struct Receiving<R> {
    pub(super) receiver: MessageReceiver<R>,
    /// Operations without a final response yet.
    pub(super) outstanding: Vec<Invoked>,
    /// A response whose identifier is on its way.
    partial: Option<(Response, BytesMut)>,
}

impl<R> Receiving<R>
where
    R: AsyncRead + Unpin,
{
    pub(super) const fn new(receiver: MessageReceiver<R>) -> Self {
        Self { receiver, outstanding: Vec::new(), partial: None }
    }

    /// The next thing that arrives. Cancel-safe, as [`MessageReceiver::next_message`] is.
    pub(super) async fn next(&mut self) -> Result<Received, Error> {
        if self.partial.is_none() {
            let message = match self.receiver.next_message().await? {
                Event::Release => return Err(Error::ReleasedByPeer),
                Event::Message(message) => message,
            };
            let response = match message.command {
                Command::Rsp(response) => self.paired(response)?,
                Command::CStoreRq(command) if self.performs_sub_operations() => {
                    let presentation_context = message.presentation_context;
                    return Ok(Received::Store(StoreRequest { presentation_context, command }));
                }
                other => {
                    let field = other.operation().request_field();
                    return Err(Misbehaviour::UnexpectedMessage(field).into());
                }
            };
            if !message.has_data_set {
                return Ok(Received::Response(response, None));
            }
            self.partial = Some((response, BytesMut::new()));
        }
        while let Some(fragment) = self.receiver.next_fragment().await? {
            let Some((_, identifier)) = &mut self.partial else { break };
            if identifier.len() + fragment.len() > IDENTIFIER_LENGTH_MAX {
                return Err(Misbehaviour::IdentifierTooLong(IDENTIFIER_LENGTH_MAX).into());
            }
            identifier.extend_from_slice(&fragment);
        }
        let (response, identifier) = self.partial.take().ok_or(Error::Ended)?;
        Ok(Received::Response(response, Some(identifier.freeze())))
    }

    fn performs_sub_operations(&self) -> bool {
        self.outstanding.iter().any(|invoked| invoked.operation == Operation::CGet)
    }

    /// The response, if it answers an operation that is outstanding; a final one ends that.
    fn paired(&mut self, response: Response) -> Result<Response, Misbehaviour> {
        let answers = |invoked: &Invoked| {
            invoked.message_id == response.message_id_being_responded_to
                && invoked.operation == response.operation
        };
        let at = self.outstanding.iter().position(answers);
        let at = at.ok_or_else(|| Misbehaviour::UnexpectedMessage(response.operation.response_field()))?;
        if response.status.category() != Category::Pending {
            self.outstanding.swap_remove(at);
        }
        Ok(response)
    }
}
