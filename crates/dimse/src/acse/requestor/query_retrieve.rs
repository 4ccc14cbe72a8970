//! C-FIND, C-MOVE and C-GET as service class user (PS3.4 §C.4).

use bytes::Bytes;
use futures::stream;
use instance::AeTitle;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Received, RequestorAssociation, StoreRequest};
use crate::{
    Category, Error, Misbehaviour, Status,
    association::PresentationContext,
    command::{CCancelRq, CFindRq, CGetRq, CMoveRq, Command, Operation, Priority, Response},
};

/// The responses to one C-FIND or C-MOVE.
#[derive(Debug)]
pub struct Replies<'a, S> {
    association: &'a mut RequestorAssociation<S>,
    message_id: u16,
    ended: bool,
}

impl<S> Replies<'_, S>
where
    S: AsyncRead + AsyncWrite,
{
    /// The next response with its identifier, the final one included; `None` behind it. Dropping this
    /// before the final one leaves the operation outstanding.
    ///
    /// # Errors
    /// As for [`RequestorAssociation::store`].
    pub async fn next(&mut self) -> Result<Option<(Response, Option<Bytes>)>, Error> {
        if self.ended {
            return Ok(None);
        }
        let (response, identifier) = self.association.reply_to(self.message_id).await?;
        self.ended = response.status.category() != Category::Pending;
        Ok(Some((response, identifier)))
    }

    /// Sends C-CANCEL; the final response still comes (PS3.7 §9.3.2.3).
    ///
    /// # Errors
    /// As for [`RequestorAssociation::store`].
    pub async fn cancel(&mut self) -> Result<(), Error> {
        self.association.cancel(self.message_id).await
    }

    /// The final response; what comes before it is thrown away.
    ///
    /// # Errors
    /// As for [`RequestorAssociation::store`]; [`Error::Ended`] where it was handed out before.
    pub async fn last(mut self) -> Result<(Response, Option<Bytes>), Error> {
        while let Some((response, identifier)) = self.next().await? {
            if self.ended {
                return Ok((response, identifier));
            }
        }
        Err(Error::Ended)
    }
}

impl<S> RequestorAssociation<S>
where
    S: AsyncRead + AsyncWrite,
{
    /// C-FIND with an identifier in the transfer syntax of `context`.
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn find(
        &mut self,
        context: &PresentationContext,
        identifier: Bytes,
    ) -> Result<Replies<'_, S>, Error> {
        let message_id = self.begin_find(context, identifier).await?;
        Ok(Replies { association: self, message_id, ended: false })
    }

    /// C-MOVE to `destination` with an identifier in the transfer syntax of `context`.
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn move_(
        &mut self,
        context: &PresentationContext,
        destination: AeTitle,
        identifier: Bytes,
    ) -> Result<Replies<'_, S>, Error> {
        let message_id = self.begin_move(context, destination, identifier).await?;
        Ok(Replies { association: self, message_id, ended: false })
    }

    /// Sends a C-FIND-RQ and returns its Message ID; responses come by [`Self::next_received`]. The caller
    /// keeps within [`Self::operations_invoked_max`].
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn begin_find(
        &mut self,
        context: &PresentationContext,
        identifier: Bytes,
    ) -> Result<u16, Error> {
        let affected_sop_class_uid = context.abstract_syntax.clone();
        let request = |message_id| {
            Command::CFindRq(CFindRq { message_id, priority: Priority::Medium, affected_sop_class_uid })
        };
        self.begin(context, request, stream::iter([Ok(identifier)])).await
    }

    /// Sends a C-MOVE-RQ, as [`Self::begin_find`].
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn begin_move(
        &mut self,
        context: &PresentationContext,
        move_destination: AeTitle,
        identifier: Bytes,
    ) -> Result<u16, Error> {
        let affected_sop_class_uid = context.abstract_syntax.clone();
        let priority = Priority::Medium;
        let request = |message_id| {
            Command::CMoveRq(CMoveRq { message_id, priority, affected_sop_class_uid, move_destination })
        };
        self.begin(context, request, stream::iter([Ok(identifier)])).await
    }

    /// Sends a C-GET-RQ, as [`Self::begin_find`]. [`Self::next_received`] gives its sub-operations too, each of
    /// which is read with [`Self::next_fragment`] and answered with [`Self::respond`].
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn begin_get(
        &mut self,
        context: &PresentationContext,
        identifier: Bytes,
    ) -> Result<u16, Error> {
        let affected_sop_class_uid = context.abstract_syntax.clone();
        let request = |message_id| {
            Command::CGetRq(CGetRq { message_id, priority: Priority::Medium, affected_sop_class_uid })
        };
        self.begin(context, request, stream::iter([Ok(identifier)])).await
    }

    /// Sends C-CANCEL for an operation of ours; one that has its final response already needs none, and
    /// nothing is sent.
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn cancel(&mut self, message_id: u16) -> Result<(), Error> {
        let Some(context) = self.presentation_context_of(message_id) else { return Ok(()) };
        let cancel = CCancelRq { message_id_being_responded_to: message_id };
        self.send_command(context, &Command::CCancelRq(cancel)).await
    }

    /// The next piece of the data set of the sub-operation in hand; `None` behind the last one.
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn next_fragment(&mut self) -> Result<Option<Bytes>, Error> {
        match self.receiving.receiver.next_fragment().await {
            Ok(fragment) => Ok(fragment),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Answers a sub-operation.
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn respond(&mut self, request: &StoreRequest, status: Status) -> Result<(), Error> {
        let StoreRequest { presentation_context, command } = request;
        let response = Response::new(Operation::CStore, command.message_id, status)
            .affected_sop_class(&command.affected_sop_class_uid)
            .affected_sop_instance(&command.affected_sop_instance_uid);
        self.send_command(presentation_context.id, &Command::Rsp(response)).await
    }

    /// The next response to `message_id`; those to others are kept for later.
    pub(super) async fn reply_to(&mut self, message_id: u16) -> Result<(Response, Option<Bytes>), Error> {
        if let Some(reply) = self.early_reply_to(message_id) {
            return Ok(reply);
        }
        loop {
            match self.receive().await? {
                Received::Response(response, identifier)
                    if response.message_id_being_responded_to == message_id =>
                {
                    return Ok((response, identifier));
                }
                other => {
                    if let Err(error) = self.keep_early(other) {
                        return Err(self.fail(error).await);
                    }
                }
            }
        }
    }
}

/// The error that a sub-operation is while something else is awaited.
pub(super) const fn sub_operation_in_between() -> Error {
    Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage(Operation::CStore.request_field()))
}
