//! The acceptor's way into an association (PS3.8 §9.2, states Sta2 and Sta3).

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{AssociateAccept, AssociateReject, AssociateRequest, ContextResult, ProposedContext, codec};
use crate::{
    Abort, Error, Incompatibility, Timer, abort_for,
    association::{
        ASSOCIATE_LENGTH_USUAL, Association, Negotiated, PresentationContext, PresentationContexts, Settings,
    },
    message::await_close,
    pdu::{self, Header},
};

/// A requestor that awaits an answer (Sta3).
#[derive(Debug)]
pub struct RequestedAssociation<S> {
    stream: S,
    request: AssociateRequest,
    settings: Settings,
}

/// Reads the A-ASSOCIATE-RQ of a new transport connection under ARTIM (Sta2). Whatever else arrives is
/// answered with A-ABORT (AA-1), the peer's close is awaited under ARTIM (Sta13), and the stream is
/// dropped.
///
/// # Errors
/// [`Error::Timeout`] of ARTIM, [`Error::Closed`], [`Error::Io`], [`Error::PeerMisbehaved`] for anything
/// but a readable A-ASSOCIATE-RQ, [`Error::Aborted`].
pub async fn read_associate_request<S>(
    mut stream: S,
    settings: Settings,
) -> Result<RequestedAssociation<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let artim = settings.timers.artim;
    let read = timeout(artim, read_request(&mut stream, &settings)).await;
    let read = read.unwrap_or(Err(Error::Timeout(Timer::Artim)));
    match read.and_then(|body| codec::read_request(&body).map_err(Error::from)) {
        Ok(request) => Ok(RequestedAssociation { stream, request, settings }),
        Err(error) => {
            // PS3.8 §9.2.3: in Sta2 the action is AA-1, whose source is the service-user.
            let abort = abort_for(&error).map(|_| Abort::SERVICE_USER);
            end_stream(stream, abort, &settings).await;
            Err(error)
        }
    }
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
    /// [`Error::Io`], [`Error::Timeout`] of write, or [`Error::PeerIncompatible`] where the requestor's
    /// maximum length leaves no room for content; then it was sent an A-ABORT instead.
    pub async fn accept(mut self, accept: AssociateAccept) -> Result<Association<S>, Error> {
        if let Err(incompatibility) = has_room(self.request.max_pdu_length) {
            let error = Error::from(incompatibility);
            end_stream(self.stream, abort_for(&error), &self.settings).await;
            return Err(error);
        }
        let pdu = codec::write_accept(&accept, &self.request)?;
        write_all(&mut self.stream, &pdu, self.settings.timers.write).await?;
        let negotiated = Negotiated {
            contexts: accepted(&self.request.presentation_contexts, &accept),
            own_max_pdu_length: accept.max_pdu_length,
            peer_max_pdu_length: self.request.max_pdu_length,
            operations_invoked_max: accept.operations_window.map_or(1, |window| window.invoked),
            operations_performed_max: accept.operations_window.map_or(1, |window| window.performed),
            role_selections: accept.role_selections,
            extended_negotiations: accept.extended_negotiations,
        };
        Ok(Association::new(self.stream, negotiated, self.settings))
    }

    /// Sends A-ASSOCIATE-RJ (AE-8) and awaits the peer's close under ARTIM (Sta13).
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Timeout`], for the log: the rejection is as good as given.
    pub async fn reject(mut self, reject: AssociateReject) -> Result<(), Error> {
        // A peer that never closes keeps no request.
        drop(self.request);
        write_all(&mut self.stream, &pdu::reject(reject), self.settings.timers.write).await?;
        close(self.stream, &self.settings).await
    }

    /// Sends A-ABORT instead of an answer, as service-user (AA-1 in Sta3), and awaits the peer's close.
    pub async fn abort(self) {
        end_stream(self.stream, Some(Abort::SERVICE_USER), &self.settings).await;
    }
}

/// The contexts of `proposed` that `accept` accepts.
pub(super) fn accepted(proposed: &[ProposedContext], accept: &AssociateAccept) -> PresentationContexts {
    let context = |proposed: &ProposedContext| {
        let answer = accept.presentation_contexts.iter().find(|answer| answer.id == proposed.id)?;
        let ContextResult::Acceptance(transfer_syntax) = &answer.result else { return None };
        Some(PresentationContext {
            id: proposed.id,
            abstract_syntax: proposed.abstract_syntax.clone()?,
            transfer_syntax: transfer_syntax.clone(),
        })
    };
    proposed.iter().filter_map(context).collect()
}

/// Whether the peer's maximum length leaves room for content.
pub(super) fn has_room(max_pdu_length: u32) -> Result<(), Incompatibility> {
    if (1..Negotiated::PEER_MAX_PDU_LENGTH_MIN).contains(&max_pdu_length) {
        return Err(Incompatibility::MaximumLength(max_pdu_length));
    }
    Ok(())
}

/// Reads a whole A-ASSOCIATE-RQ; a long one when there is a permit.
async fn read_request<S>(stream: &mut S, settings: &Settings) -> Result<Vec<u8>, Error>
where
    S: AsyncRead + Unpin,
{
    let length = read_head(stream, pdu::ASSOCIATE_RQ, settings.associate_length_max).await?;
    let _permit = match usize::try_from(length) {
        Ok(length) if length <= ASSOCIATE_LENGTH_USUAL => None,
        // The semaphore is never closed, so there always is a permit.
        _ => settings.long_associates.acquire().await.ok(),
    };
    read_body(stream, length).await
}

/// Reads a whole PDU of type `expected`, at most `length_max` bytes, growing with what arrives.
pub(super) async fn read_associate<S>(stream: &mut S, expected: u8, length_max: u32) -> Result<Vec<u8>, Error>
where
    S: AsyncRead + Unpin,
{
    let length = read_head(stream, expected, length_max).await?;
    read_body(stream, length).await
}

/// Reads the header of a PDU of type `expected` and gives its length, at most `length_max`.
async fn read_head<S>(stream: &mut S, expected: u8, length_max: u32) -> Result<u32, Error>
where
    S: AsyncRead + Unpin,
{
    let mut head = [0; pdu::HEADER_LENGTH];
    read_exact(stream, &mut head[..1]).await?;
    // One byte tells garbage, whose further bytes may never come.
    if head[0] != expected && !matches!(head[0], pdu::ASSOCIATE_RQ..=pdu::ABORT) {
        return Err(Header { pdu_type: head[0], length: 0 }.unexpected());
    }
    read_exact(stream, &mut head[1..]).await?;
    let header = Header::read(head);
    if matches!(header.pdu_type, pdu::ABORT | pdu::ASSOCIATE_RJ) && header.pdu_type != expected {
        return Err(read_refusal(stream, header, expected).await?);
    }
    if header.pdu_type != expected {
        return Err(header.unexpected());
    }
    Ok(header.limited(length_max)?.length)
}

async fn read_body<S>(stream: &mut S, length: u32) -> Result<Vec<u8>, Error>
where
    S: AsyncRead + Unpin,
{
    let mut body = Vec::new();
    let read = stream.take(u64::from(length)).read_to_end(&mut body).await?;
    if u32::try_from(read).is_ok_and(|read| read == length) { Ok(body) } else { Err(Error::Closed) }
}

/// The error that an A-ABORT or an A-ASSOCIATE-RJ is.
async fn read_refusal<S>(stream: &mut S, header: Header, expected: u8) -> Result<Error, Error>
where
    S: AsyncRead + Unpin,
{
    if header.pdu_type == pdu::ASSOCIATE_RJ && expected == pdu::ASSOCIATE_RQ {
        return Ok(header.unexpected());
    }
    if header.length != pdu::CONTROL_LENGTH {
        return Ok(crate::Misbehaviour::MalformedPdu(header.pdu_type).into());
    }
    let mut field = [0; 4];
    read_exact(stream, &mut field).await?;
    Ok(if header.pdu_type == pdu::ABORT {
        Error::Aborted(pdu::read_abort(field))
    } else {
        Error::Rejected(AssociateReject::from_bytes(field))
    })
}

async fn read_exact<S>(stream: &mut S, bytes: &mut [u8]) -> Result<(), Error>
where
    S: AsyncRead + Unpin,
{
    match stream.read_exact(bytes).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(Error::Closed),
        Err(error) => Err(Error::Io(error)),
    }
}

pub(super) async fn write_all<S>(stream: &mut S, bytes: &[u8], timer: Duration) -> Result<(), Error>
where
    S: AsyncWrite + Unpin,
{
    let write = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    timeout(timer, write).await.map_err(|_| Error::Timeout(Timer::Write))?.map_err(Error::Io)
}

/// Sends an A-ABORT, if one is due, and closes. Nothing that fails here matters any more.
pub(super) async fn end_stream<S>(mut stream: S, abort: Option<Abort>, settings: &Settings)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(abort) = abort else { return };
    if write_all(&mut stream, &pdu::abort(abort), settings.timers.write).await.is_ok() {
        let _ = close(stream, settings).await;
    }
}

/// Closes our direction and awaits the peer's close under ARTIM, so that what was sent is not lost to
/// a reset (Sta13).
async fn close<S>(mut stream: S, settings: &Settings) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let shutdown = timeout(settings.timers.write, stream.shutdown()).await;
    shutdown.map_err(|_| Error::Timeout(Timer::Write))??;
    await_close(&mut stream, settings.timers.artim).await
}
