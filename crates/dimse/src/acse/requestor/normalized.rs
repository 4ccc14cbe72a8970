//! N-CREATE, N-SET and N-GET as service class user (PS3.7 §10.1).

use std::io;

use bytes::Bytes;
use futures::stream;
use instance::{Tag, Uid};
use tokio::io::{AsyncRead, AsyncWrite};

use super::RequestorAssociation;
use crate::{
    Error,
    association::PresentationContext,
    command::{Command, NCreateRq, NGetRq, NSetRq, Response},
};

/// The response to an N-CREATE, N-SET or N-GET, and the attribute list that came with it, in the transfer
/// syntax of the presentation context.
pub type Performed = (Response, Option<Bytes>);

impl<S> RequestorAssociation<S>
where
    S: AsyncRead + AsyncWrite,
{
    /// N-CREATE of a SOP Instance of the class of `context` (PS3.7 §10.1.5), with an attribute list in its
    /// transfer syntax. Without `sop_instance` the performer names it, in the response.
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn n_create(
        &mut self,
        context: &PresentationContext,
        sop_instance: Option<Uid>,
        attribute_list: Option<Bytes>,
    ) -> Result<Performed, Error> {
        let affected_sop_class_uid = context.abstract_syntax.clone();
        let has_data_set = attribute_list.is_some();
        let request = |message_id| {
            Command::NCreateRq(NCreateRq {
                message_id,
                affected_sop_class_uid,
                affected_sop_instance_uid: sop_instance,
                has_data_set,
            })
        };
        self.perform(context, request, attribute_list).await
    }

    /// N-SET of a SOP Instance (PS3.7 §10.1.3), with a modification list in the transfer syntax of `context`.
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn n_set(
        &mut self,
        context: &PresentationContext,
        sop_instance: Uid,
        modification_list: Bytes,
    ) -> Result<Performed, Error> {
        let requested_sop_class_uid = context.abstract_syntax.clone();
        let request = |message_id| {
            Command::NSetRq(NSetRq {
                message_id,
                requested_sop_class_uid,
                requested_sop_instance_uid: sop_instance,
            })
        };
        self.perform(context, request, Some(modification_list)).await
    }

    /// N-GET of attributes of a SOP Instance (PS3.7 §10.1.2); of all of them where none is named.
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn n_get(
        &mut self,
        context: &PresentationContext,
        sop_instance: Uid,
        attributes: Vec<Tag>,
    ) -> Result<Performed, Error> {
        let requested_sop_class_uid = context.abstract_syntax.clone();
        let request = |message_id| {
            Command::NGetRq(NGetRq {
                message_id,
                requested_sop_class_uid,
                requested_sop_instance_uid: sop_instance,
                attribute_identifier_list: attributes,
            })
        };
        self.perform(context, request, None).await
    }

    async fn perform(
        &mut self,
        context: &PresentationContext,
        request: impl FnOnce(u16) -> Command,
        data_set: Option<Bytes>,
    ) -> Result<Performed, Error> {
        let message_id = match data_set {
            Some(data_set) => {
                let data_set = stream::iter([Ok::<_, io::Error>(data_set)]);
                self.begin(context, request, data_set).await?
            }
            None => self.begin_without_data_set(context, request).await?,
        };
        self.reply_to(message_id).await
    }
}
