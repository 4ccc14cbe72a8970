//! Associations that the command line opens: for `send`, `echo`, `demo` and `check`.

use crate::exit::{Exit, OrExit};
use anyhow::Context;
use bytes::Bytes;
use dimse::{
    acse::requestor::{self, Proposal, RequestorAssociation},
    association::Settings,
    command::{CStoreRq, Priority, Response},
    socket::{self, QuickAck},
};
use futures::Stream;
use instance::{AeTitle, TransferSyntax, Uid, part10::FileMeta};
use std::time::Duration;
use tokio::net::TcpStream;

/// Longest wait for a TCP connection: a peer in the same hospital answers in milliseconds or not at
/// all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Verification SOP Class (PS3.4 §A.4).
const VERIFICATION: &str = "1.2.840.10008.1.1";

/// A DIMSE peer and who we say that we are.
#[derive(Debug, Clone)]
pub(crate) struct Callee {
    /// Its AE title.
    pub(crate) called: AeTitle,
    /// Host and port.
    pub(crate) address: String,
    /// Ours.
    pub(crate) calling: AeTitle,
}

impl std::fmt::Display for Callee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.called, self.address)
    }
}

/// An established association.
pub(crate) type Association = RequestorAssociation<QuickAck>;

/// Opens an association with one presentation context for each pair, so that the peer decides about
/// each transfer syntax on its own.
///
/// # Errors
/// The peer is out of reach, or rejects the association; [`Exit::Unavailable`].
pub(crate) async fn open(callee: &Callee, contexts: &[(Uid, TransferSyntax)]) -> anyhow::Result<Association> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(&callee.address)).await;
    let stream = connected
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))
        .and_then(|connected| connected)
        .with_context(|| format!("{callee} cannot be connected to"))
        .or_exit(Exit::Unavailable)?;
    socket::prepare(&stream)?;
    let mut proposal = Proposal::new(callee.called.clone(), callee.calling.clone());
    proposal.presentation_contexts =
        contexts.iter().map(|(class, syntax)| (class.clone(), vec![syntax.clone()])).collect();
    requestor::request(QuickAck::new(stream), &proposal, Settings::default())
        .await
        .with_context(|| format!("{callee} gave no association to {}", callee.calling))
        .or_exit(Exit::Unavailable)
}

/// C-ECHO, and the release of the association. Returns how long the echo took.
///
/// # Errors
/// Whatever keeps the peer from answering with success; [`Exit::Unavailable`].
pub(crate) async fn echo(callee: &Callee) -> anyhow::Result<Duration> {
    let syntax = instance::transfer_syntax::IMPLICIT_VR_LITTLE_ENDIAN;
    let contexts = [(VERIFICATION.parse()?, TransferSyntax::new(syntax.parse()?))];
    let mut association = open(callee, &contexts).await?;
    let started = std::time::Instant::now();
    let status = association
        .echo()
        .await
        .with_context(|| format!("{callee} did not answer"))
        .or_exit(Exit::Unavailable)?;
    let took = started.elapsed();
    // The answer is there; how the association ends says nothing about it.
    let _ = association.release().await;
    if !status.is_done() {
        return Err(crate::exit::fail(Exit::Unavailable, format!("{callee} answered with status {status}")));
    }
    Ok(took)
}

/// C-STORE of one data set in its own transfer syntax. None where the peer took no presentation
/// context for it.
///
/// # Errors
/// The association broke.
pub(crate) async fn store<D>(
    association: &mut Association,
    message_id: u16,
    meta: &FileMeta,
    data_set: D,
) -> Result<Option<Response>, dimse::Error>
where
    D: Stream<Item = std::io::Result<Bytes>> + Send,
{
    let Some(context) = association.contexts().find(&meta.sop_class_uid, &meta.transfer_syntax).cloned()
    else {
        return Ok(None);
    };
    let request = CStoreRq {
        message_id,
        priority: Priority::default(),
        affected_sop_class_uid: meta.sop_class_uid.clone(),
        affected_sop_instance_uid: meta.sop_instance_uid.clone(),
        move_originator: None,
    };
    association.store(&context, request, data_set).await.map(Some)
}
