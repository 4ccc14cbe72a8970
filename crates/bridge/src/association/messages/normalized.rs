//! Receiving the requests of normalized services (PS3.7 §10): N-CREATE, N-SET and N-GET of performed procedure
//! steps.

use bytes::Bytes;
use dataset::{
    character_set::CharacterSet,
    identifier::{IdentifierError, OnUnmappable, encode_for},
    json::Item,
};
use dimse::{
    Error, Message, MessageReceiver, Status,
    acse::sop_class::{MODALITY_PERFORMED_PROCEDURE_STEP, MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE},
    command::{Command, NCreateRq, NGetRq, NSetRq, Operation, Response},
};
use instance::Uid;
use tokio::io::AsyncRead;

use super::{
    answer::{self, Answering},
    identifier,
    receive::Receiving,
};
use crate::{
    config::{Mpps, Service},
    mapping::status,
    service::{
        Refusal, Reply,
        performed_procedure::{DataSet, Fault},
    },
};

/// A request about a performed procedure step.
pub(super) enum Request<'a> {
    Create(&'a NCreateRq),
    Set(&'a NSetRq),
    Get(&'a NGetRq),
}

/// What was carried out, and the attribute list of the answer.
type Done = (Response, Option<Bytes>);

impl<'a> Request<'a> {
    /// The request of a command, if it is one.
    pub(super) const fn of(command: &'a Command) -> Option<Self> {
        match command {
            Command::NCreateRq(request) => Some(Self::Create(request)),
            Command::NSetRq(request) => Some(Self::Set(request)),
            Command::NGetRq(request) => Some(Self::Get(request)),
            _ => None,
        }
    }

    /// The SOP Class in whose presentation context the operation has its place (PS3.4 §F.7.1, §F.8.1).
    const fn abstract_syntax(&self) -> &'static str {
        match self {
            Self::Create(_) | Self::Set(_) => MODALITY_PERFORMED_PROCEDURE_STEP,
            Self::Get(_) => MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE,
        }
    }

    const fn sop_class(&self) -> &Uid {
        match self {
            Self::Create(request) => &request.affected_sop_class_uid,
            Self::Set(request) => &request.requested_sop_class_uid,
            Self::Get(request) => &request.requested_sop_class_uid,
        }
    }

    const fn sop_instance(&self) -> Option<&Uid> {
        match self {
            Self::Create(request) => request.affected_sop_instance_uid.as_ref(),
            Self::Set(request) => Some(&request.requested_sop_instance_uid),
            Self::Get(request) => Some(&request.requested_sop_instance_uid),
        }
    }

    fn response(&self) -> Response {
        let (operation, message_id) = match self {
            Self::Create(request) => (Operation::NCreate, request.message_id),
            Self::Set(request) => (Operation::NSet, request.message_id),
            Self::Get(request) => (Operation::NGet, request.message_id),
        };
        let response =
            Response::new(operation, message_id, Status::SUCCESS).affected_sop_class(self.sop_class());
        match self.sop_instance() {
            Some(uid) => response.affected_sop_instance(uid),
            None => response,
        }
    }
}

impl Receiving<'_> {
    /// Carries a request out before the next one is received: requests about one step have an order.
    pub(super) async fn performed_procedure<R>(
        &self,
        receiver: &mut MessageReceiver<R>,
        message: &Message,
        request: Request<'_>,
    ) -> Result<Result<Answering, Refusal>, Error>
    where
        R: AsyncRead + Unpin + Send,
    {
        let config = &self.context.snapshot.config;
        let mpps = match self.may_perform(message, &request) {
            Ok(mpps) => mpps,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let response = request.response();
        let operation = match self.operations.begin_brief(response.message_id_being_responded_to) {
            Ok(operation) => operation,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let bytes = identifier::receive(receiver, mpps.data_set_max, config.timers.message).await?;
        let done = match bytes {
            Ok(bytes) => self.carry_out(mpps, message, &request, bytes, response.clone()).await,
            Err(_) => Err(Fault::Unreadable(IdentifierError::TooLong)),
        };
        let (response, list) = done.unwrap_or_else(|fault| {
            tracing::warn!(
                operation = response.operation.name(),
                sop_instance_uid = request.sop_instance().map(tracing::field::display),
                cause = %fault,
                "request about a performed procedure step refused"
            );
            let (response, list) = status::performed_procedure_failed(response, fault);
            let list = list.map(|list| encoded(&list, message, self.assumed().as_ref()));
            (response, list)
        });
        let reply = Reply { response, identifier: list };
        Ok(Ok(answer::replied(message.presentation_context.id, operation, reply)))
    }

    fn may_perform(&self, message: &Message, request: &Request<'_>) -> Result<&Mpps, Refusal> {
        let abstract_syntax = &message.presentation_context.abstract_syntax;
        let mpps = self.context.snapshot.config.mpps.as_ref();
        let mpps = mpps.filter(|_| abstract_syntax.as_str() == request.abstract_syntax());
        let mpps = mpps.ok_or(Refusal::UnrecognizedOperation)?;
        if !self.context.allowed.contains(Service::PerformedProcedure) {
            return Err(Refusal::NotAllowed);
        }
        if request.sop_class() != abstract_syntax {
            return Err(Refusal::SopClassNotOfContext);
        }
        Ok(mpps)
    }

    async fn carry_out(
        &self,
        mpps: &Mpps,
        message: &Message,
        request: &Request<'_>,
        bytes: Bytes,
        response: Response,
    ) -> Result<Done, Fault> {
        let steps = &self.context.core.performed_procedure;
        let assumed = self.assumed();
        let encoding = message.presentation_context.transfer_syntax.encoding();
        let data_set = DataSet { bytes, encoding, assumed: assumed.as_ref() };
        match request {
            Request::Create(request) => {
                let uid = request.affected_sop_instance_uid.clone();
                let created = steps.create(mpps, uid, data_set).await?;
                tracing::info!(sop_instance_uid = %created.sop_instance_uid, "performed procedure step created");
                Ok((response.affected_sop_instance(&created.sop_instance_uid), None))
            }
            Request::Set(request) => {
                let uid = &request.requested_sop_instance_uid;
                let status = steps.set(mpps, uid, data_set).await?;
                let status = status.as_str();
                tracing::info!(sop_instance_uid = %uid, status, "performed procedure step changed");
                Ok((response, None))
            }
            Request::Get(request) => {
                let tags = &request.attribute_identifier_list;
                let got = steps.get(&request.requested_sop_instance_uid, tags).await?;
                let set = Some(got.character_set).filter(|set| !set.as_str().is_empty());
                let list = encoded(&got.attributes, message, set.or(assumed).as_ref());
                let response = if got.unknown.is_empty() {
                    response
                } else {
                    let status = Status::OPTIONAL_ATTRIBUTES_NOT_SUPPORTED;
                    Response { status, ..response }.attribute_identifiers(got.unknown)
                };
                Ok((response, Some(list)))
            }
        }
    }

    /// The character set of data sets that name none.
    fn assumed(&self) -> Option<CharacterSet> {
        let peer = self.context.snapshot.peer(&self.context.calling);
        peer.and_then(|peer| peer.query.character_set.clone())
    }
}

/// An attribute list in the transfer syntax of the request.
fn encoded(list: &Item, message: &Message, character_set: Option<&CharacterSet>) -> Bytes {
    let encoding = message.presentation_context.transfer_syntax.encoding();
    let character_set = character_set.cloned().unwrap_or_default();
    encode_for(list, encoding, &character_set, OnUnmappable::Utf8).bytes.into()
}
