//! The requestor's side: proposing an association, and the operations of a service class user.

mod association;
mod normalized;
mod query_retrieve;
mod received;

use instance::{AeTitle, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, TransferSyntax, Uid};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

pub use self::{
    association::RequestorAssociation,
    normalized::Performed,
    query_retrieve::Replies,
    received::{IDENTIFIER_LENGTH_MAX, Received, StoreRequest},
};
use super::{
    APPLICATION_CONTEXT, AssociateAccept, AssociateRequest, ContextResult, ExtendedNegotiation,
    OperationsWindow, ProposedContext, RoleSelection, UserIdentity,
    acceptor::{accepted, end_stream, has_room, read_associate, write_all},
    codec,
};
use crate::{
    Error, Incompatibility, Timer, abort_for,
    association::{Association, MAX_PDU_LENGTH_DEFAULT, Negotiated, Settings},
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
    /// Operations that we would like to have outstanding. Default 1; where both numbers are 1 no window is
    /// proposed.
    pub operations_invoked: u16,
    /// Operations of the acceptor that we perform at the same time, such as the sub-operations of a C-GET.
    /// Default 1.
    pub operations_performed: u16,
    /// Roles for SOP Classes of which we are not SCU alone. Default none.
    pub role_selections: Vec<RoleSelection>,
    /// Extended negotiations, such as those of [`super::QueryRetrieveOptions`]. Default none.
    pub extended_negotiations: Vec<ExtendedNegotiation>,
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
            operations_performed: 1,
            role_selections: Vec::new(),
            extended_negotiations: Vec::new(),
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
        let window =
            OperationsWindow { invoked: self.operations_invoked, performed: self.operations_performed };
        AssociateRequest {
            protocol_version: 1,
            called_ae_title: self.called_ae_title.clone().into(),
            calling_ae_title: self.calling_ae_title.clone().into(),
            application_context: APPLICATION_CONTEXT.to_owned(),
            presentation_contexts: contexts.collect(),
            max_pdu_length: self.max_pdu_length,
            implementation_class_uid: IMPLEMENTATION_CLASS_UID.parse().ok(),
            implementation_version_name: Some(IMPLEMENTATION_VERSION_NAME.to_owned()),
            operations_window: (window != OperationsWindow { invoked: 1, performed: 1 }).then_some(window),
            role_selections: self.role_selections.clone(),
            extended_negotiations: self.extended_negotiations.clone(),
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
        operations_performed_max: accept.operations_window.map_or(1, |window| window.performed),
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

#[cfg(test)]
mod tests;
