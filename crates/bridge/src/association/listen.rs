//! Accepting connections.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use dimse::socket::{self, QuickAck};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::serve;
use crate::bridge::Core;

/// After an error of accepting, which is a lack of file descriptors or memory: long enough for some
/// to come back, short enough for a peer that waits.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Accepts connections on all listeners, until the bridge stops taking any. The listeners are closed
/// when this returns.
pub(crate) async fn accept(core: Arc<Core>, listeners: Vec<TcpListener>) {
    let each: FuturesUnordered<_> =
        listeners.into_iter().map(|listener| accept_on(Arc::clone(&core), listener)).collect();
    tokio::select! {
        () = core.phases.closing.cancelled() => {}
        () = each.for_each(|()| async {}) => core.phases.closing.cancelled().await,
    }
}

async fn accept_on(core: Arc<Core>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => start(&core, stream, address),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

fn start(core: &Arc<Core>, stream: TcpStream, address: SocketAddr) {
    let silent =
        core.admission.connection(address.ip(), core.snapshot.load().config.limits.max_silent_connections);
    if let Err(error) = socket::prepare(&stream) {
        // The peer is gone already.
        return tracing::debug!(%address, %error, "the connection ended at once");
    }
    core.connections.spawn(serve::connection(Arc::clone(core), QuickAck::new(stream), address, silent));
}
