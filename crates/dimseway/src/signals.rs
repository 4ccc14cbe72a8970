//! SIGTERM, SIGINT and SIGHUP.

use crate::service_unit;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How the program is told to end.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    /// After the first signal: drain.
    pub(crate) drain: CancellationToken,
    /// After the second one: now.
    pub(crate) force: CancellationToken,
}

/// Listens for SIGTERM and SIGINT from now on.
///
/// # Errors
/// The operating system refuses.
pub(crate) fn stop() -> anyhow::Result<Stop> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = Stop { drain: CancellationToken::new(), force: CancellationToken::new() };
    let told = stop.clone();
    tokio::spawn(async move {
        for token in [&told.drain, &told.force] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!(forced = told.drain.is_cancelled(), "told to stop");
            service_unit::stopping();
            token.cancel();
        }
    });
    Ok(stop)
}

/// SIGHUP, from now on.
///
/// # Errors
/// The operating system refuses.
pub(crate) fn hangup() -> anyhow::Result<Signal> {
    Ok(signal(SignalKind::hangup())?)
}
