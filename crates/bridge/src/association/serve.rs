//! One connection, from its first to its last PDU.

use std::{net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use dimse::{
    Abort, Error, MessageReceiver, Timer, abort_for,
    acse::{
        AssociateReject,
        acceptor::{RequestedAssociation, read_associate_request},
    },
    association::{Settings, Timers},
};
use futures::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::Instrument;

use super::{
    Context,
    admission::{Admitted, Silent},
    messages::{self, End},
    negotiate::{self, Acceptable, Rejection},
};
use crate::{bridge::Core, metrics::OTHER, service::Services, snapshot::Snapshot};

/// Serves a connection to its end. A panic ends this one connection and is counted.
pub(crate) async fn connection<S>(core: Arc<Core>, stream: S, address: SocketAddr, silent: Silent)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    // Of the highest level, so that a warning tells whose association it is about wherever warnings are
    // logged.
    let id = core.next_association_id();
    let span = tracing::error_span!("association", id, %address, calling = tracing::field::Empty);
    let metrics = Arc::clone(&core.metrics);
    let served = AssertUnwindSafe(serve(core, stream, address, silent)).catch_unwind();
    if served.instrument(span).await.is_err() {
        metrics.panics.with_label_values(&["connection"]).inc();
        tracing::error!(%address, "a connection ended by a panic");
    }
}

async fn serve<S>(core: Arc<Core>, stream: S, address: SocketAddr, silent: Silent)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let snapshot = core.snapshot.load_full();
    let requested = tokio::select! {
        () = silent.displaced() => return without_association(&core, "displaced", None),
        () = core.phases.finishing.cancelled() => return without_association(&core, "draining", None),
        requested = read_associate_request(stream, settings(&core, &snapshot)) => match requested {
            Ok(requested) => requested,
            Err(error) => return without_association(&core, label_of(&error), Some(&error)),
        },
    };
    let decision = decide(&core, &requested, address, &snapshot);
    let (acceptable, admitted) = match decision {
        Ok(accepted) => accepted,
        Err(rejection) => {
            tokio::select! {
                () = silent.displaced() => {}
                () = stopping(&core) => {}
                () = reject(&core, requested, rejection) => {}
            }
            return;
        }
    };
    drop(silent);
    accepted(core, snapshot, requested, address, acceptable, admitted).await;
}

fn decide<S>(
    core: &Arc<Core>,
    requested: &RequestedAssociation<S>,
    address: SocketAddr,
    snapshot: &Snapshot,
) -> Result<(Acceptable, Admitted), Rejection>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let busy = |label| Rejection { reject: AssociateReject::LOCAL_LIMIT_EXCEEDED, label };
    if core.phases.draining.is_cancelled() {
        return Err(busy("draining"));
    }
    let acceptable = negotiate::decide(requested.request(), address.ip(), snapshot)?;
    let max = snapshot.config.limits.max_associations;
    let admitted = core.admission.association(max).ok_or_else(|| busy("local_limit"))?;
    Ok((acceptable, admitted))
}

async fn reject<S>(core: &Core, requested: RequestedAssociation<S>, rejection: Rejection)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Rejection { reject, label } = rejection;
    core.metrics.associations_rejected.with_label_values(&[label]).inc();
    let request = requested.request();
    tracing::warn!(
        calling = ?request.calling_ae_title,
        called = ?request.called_ae_title,
        cause = label,
        answer = %reject,
        "association rejected"
    );
    if let Err(error) = requested.reject(reject).await {
        tracing::debug!(%error, "the peer did not close after the rejection");
    }
}

async fn accepted<S>(
    core: Arc<Core>,
    snapshot: Arc<Snapshot>,
    requested: RequestedAssociation<S>,
    address: SocketAddr,
    acceptable: Acceptable,
    admitted: Admitted,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let Acceptable { calling, called, allowed, accept } = acceptable;
    let label = snapshot.peer(&calling).map_or_else(|| OTHER.to_owned(), |peer| peer.ae_title.to_string());
    let user = requested.request().user_identity.as_ref().and_then(|identity| identity.username());
    let context = Arc::new(Context {
        user: user.map(|user| user.chars().take(USER_LENGTH_MAX).collect()),
        peer_address: address.ip().to_canonical(),
        core: Arc::clone(&core),
        snapshot,
        calling,
        called,
        allowed,
        label,
    });
    tracing::Span::current().record("calling", tracing::field::display(&context.calling));
    tracing::info!(called = %context.called, "association accepted");
    let open = core.metrics.associations_open.with_label_values(&[&context.label]);
    let ended = |outcome: &str| {
        open.dec();
        core.metrics.associations.with_label_values(&[context.label.as_str(), outcome]).inc();
    };
    open.inc();
    let association = match requested.accept(accept).await {
        Ok(association) => association,
        Err(error) => {
            tracing::warn!(%error, "the association could not be accepted");
            return ended(label_of(&error));
        }
    };
    let negotiated = association.negotiated().clone();
    let (mut receiver, mut sender) = association.split();
    let exchange = messages::exchange(&mut receiver, &mut sender, &context, negotiated, Arc::new(Services));
    let end = AssertUnwindSafe(exchange).catch_unwind().await;
    let (outcome, last) = conclude(&core, end);
    match last {
        None => return ended(outcome),
        Some(Last::Release) => {
            if let Err(error) = sender.release_response().await {
                tracing::debug!(%error, "the release was not answered");
            }
        }
        Some(Last::Abort(abort)) => sender.abort(abort).await,
    }
    ended(outcome);
    // What is left is a connection without an association, and counts as one.
    let max = context.snapshot.config.limits.max_silent_connections;
    let silent = core.admission.connection(address.ip(), max);
    drop(admitted);
    linger(&core, &mut receiver, &silent).await;
}

/// Waits for the peer's close, so that the last PDU is not lost to a reset.
async fn linger<R>(core: &Core, receiver: &mut MessageReceiver<R>, silent: &Silent)
where
    R: AsyncRead + Unpin + Send,
{
    tokio::select! {
        () = silent.displaced() => {}
        () = stopping(core) => {}
        closed = receiver.await_close() => if let Err(error) = closed {
            tracing::debug!(%error, "the peer did not close in order");
        },
    }
}

/// Resolves when the bridge stops and the last PDU of a connection has had the time to arrive.
async fn stopping(core: &Core) {
    core.phases.finishing.cancelled().await;
    tokio::time::sleep(LINGER_WHEN_STOPPING).await;
}

/// How long a peer has to close when the bridge stops: the last PDU has arrived by then, and nobody
/// should wait for a peer that never closes.
const LINGER_WHEN_STOPPING: Duration = Duration::from_secs(1);

/// Longest user name that is kept, in characters: the entry header takes 256 bytes.
const USER_LENGTH_MAX: usize = 64;

/// The last PDU of an association.
enum Last {
    Release,
    Abort(Abort),
}

/// Logs how an association ended: its label in metrics, and the last PDU to send.
fn conclude(
    core: &Core,
    end: Result<Result<End, Error>, Box<dyn std::any::Any + Send>>,
) -> (&'static str, Option<Last>) {
    match end {
        Ok(Ok(End::Released)) => {
            tracing::info!("association released");
            ("released", Some(Last::Release))
        }
        Ok(Ok(End::Drained)) => {
            tracing::info!("association aborted, the bridge is stopping");
            ("drained", Some(Last::Abort(Abort::SERVICE_USER)))
        }
        Ok(Ok(End::CutShort)) => {
            tracing::warn!("association aborted in the middle of a message, the bridge is stopping");
            core.count_cut_association();
            ("drained", Some(Last::Abort(Abort::SERVICE_USER)))
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "association ended");
            (label_of(&error), abort_for(&error).map(Last::Abort))
        }
        Err(_) => {
            core.metrics.panics.with_label_values(&["association"]).inc();
            tracing::error!("association ended by a panic");
            ("panic", Some(Last::Abort(Abort::SERVICE_USER)))
        }
    }
}

fn without_association(core: &Core, cause: &str, error: Option<&Error>) {
    core.metrics.connections_without_association.with_label_values(&[cause]).inc();
    match error {
        Some(error) => tracing::info!(cause, %error, "connection without association"),
        None => tracing::info!(cause, "connection without association"),
    }
}

/// The label of an error in metrics.
const fn label_of(error: &Error) -> &'static str {
    match error {
        Error::Io(_) | Error::Closed => "cut",
        Error::Timeout(Timer::Artim) => "artim",
        Error::Timeout(Timer::Idle) => "idle",
        Error::Timeout(_) => "timeout",
        Error::PeerMisbehaved(dimse::Misbehaviour::UnrecognizedPdu(_)) => "garbage",
        Error::PeerMisbehaved(_) => "misbehaved",
        Error::PeerIncompatible(_) => "incompatible",
        Error::Aborted(_) => "aborted",
        _ => "other",
    }
}

fn settings(core: &Core, snapshot: &Snapshot) -> Settings {
    let timers = &snapshot.config.timers;
    Settings {
        timers: Timers {
            artim: timers.artim,
            idle: timers.idle,
            message: timers.message,
            write: timers.message,
            ..Timers::default()
        },
        ..core.association_settings.clone()
    }
}
