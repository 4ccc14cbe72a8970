//! Accepting connections.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use dimse::socket::{self, QuickAck};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::sleep,
};

use super::serve;
use crate::bridge::Core;

/// After an error of accepting, which is a lack of file descriptors or memory: long enough for some
/// to come back, short enough for a peer that waits.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Connections that the operating system keeps until they are accepted. In a flood a modality waits
/// behind them; where there is no place it would try again only after a second (RFC 6298).
const BACKLOG: u32 = 4096;

/// Listens on an address, with room for a flood of connections. To be called within a runtime.
///
/// # Errors
/// The operating system's: the address is taken, not allowed or not ours.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for the connections of the process before; elsewhere than on Unix the
    // option would let two processes share the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

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
