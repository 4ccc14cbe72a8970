//! The requestor's side: proposing an association, and the operations of a service class user.

use bytes::Bytes;
use futures::Stream;
use instance::{AeTitle, TransferSyntax, Uid};
use tokio::io::{AsyncRead, AsyncWrite};

use super::UserIdentity;
use crate::{
    Error, Status,
    association::{Association, PresentationContext, PresentationContexts, Settings},
    command::{CStoreRq, Response},
};

/// What is proposed to an acceptor.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The AE title of the acceptor.
    pub called_ae_title: AeTitle,
    /// Our own AE title.
    pub calling_ae_title: AeTitle,
    /// Abstract syntaxes with their transfer syntaxes in order of preference; each pair becomes one
    /// presentation context. At most 128 (PS3.8 §9.3.2.2: odd numbers below 256); what is beyond is not proposed.
    pub presentation_contexts: Vec<(Uid, Vec<TransferSyntax>)>,
    /// Operations that we would like to have outstanding. Default 1: no window is proposed.
    pub operations_invoked: u16,
    /// User identity to present.
    pub user_identity: Option<UserIdentity>,
}

/// An established association on which we are the service class user.
#[derive(Debug)]
pub struct RequestorAssociation<S> {
    association: Association<S>,
}

/// Proposes an association on a connected stream (Sta5) and awaits the answer.
///
/// # Errors
/// [`Error::Rejected`], [`Error::Aborted`], [`Error::Timeout`] of [`crate::Timer::Associate`],
/// [`Error::PeerMisbehaved`], [`Error::PeerIncompatible`], [`Error::Closed`], [`Error::Io`]. The peer is
/// sent the A-ABORT that the error calls for.
pub async fn request<S>(
    stream: S,
    proposal: &Proposal,
    settings: Settings,
) -> Result<RequestorAssociation<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let _ = (stream, proposal, settings);
    Err(Error::Closed)
}

impl<S> RequestorAssociation<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// The accepted presentation contexts.
    #[must_use]
    pub fn contexts(&self) -> &PresentationContexts {
        self.association.contexts()
    }

    /// Operations that may be outstanding on this association; 0 is unlimited.
    #[must_use]
    pub fn operations_invoked_max(&self) -> u16 {
        self.association.operations_invoked_max()
    }

    /// C-ECHO (PS3.7 §9.1.5).
    ///
    /// # Errors
    /// Any [`Error`]; the association is then unusable and was aborted.
    pub async fn echo(&mut self) -> Result<Status, Error> {
        Err(Error::Closed)
    }

    /// C-STORE of one data set, and its response. An object whose stream fails is never finished: the
    /// association is aborted and [`Error::Source`] returned.
    ///
    /// # Errors
    /// Any [`Error`]; the association is then unusable and was aborted.
    pub async fn store<D>(
        &mut self,
        context: &PresentationContext,
        request: CStoreRq,
        data_set: D,
    ) -> Result<Response, Error>
    where
        D: Stream<Item = std::io::Result<Bytes>> + Send,
    {
        let _ = (context, request, data_set);
        Err(Error::Closed)
    }

    /// Sends a C-STORE-RQ without awaiting the response, for which [`Self::next_response`] is called
    /// later. The caller keeps within [`Self::operations_invoked_max`].
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn begin_store<D>(
        &mut self,
        context: &PresentationContext,
        request: CStoreRq,
        data_set: D,
    ) -> Result<(), Error>
    where
        D: Stream<Item = std::io::Result<Bytes>> + Send,
    {
        let _ = (context, request, data_set);
        Err(Error::Closed)
    }

    /// Awaits the next response to an operation begun before; responses come in any order and are paired
    /// by Message ID Being Responded To.
    ///
    /// # Errors
    /// As for [`Self::store`].
    pub async fn next_response(&mut self) -> Result<Response, Error> {
        Err(Error::Closed)
    }

    /// Releases the association (PS3.8 §7.2): A-RELEASE-RQ, A-RELEASE-RP, close; a release collision
    /// (Sta7, Sta9, Sta11) ends well too.
    ///
    /// # Errors
    /// [`Error`], for the log: the association is over in any case.
    pub async fn release(self) -> Result<(), Error> {
        Err(Error::Closed)
    }

    /// Aborts the association as service-user.
    pub async fn abort(self) {}
}
