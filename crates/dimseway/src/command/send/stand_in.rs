//! A bridge for one `send`, where no daemon runs: the files take the same way through an association
//! into the spool, under the spool's lock.

use crate::{
    command::spool_owner,
    configuration::Configuration,
    daemon::{Daemon, Listeners},
    exit::{Exit, OrExit, fail},
    requestor::Callee,
    signals::{self, Stop},
};
use bridge::config::UnknownPeers;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Longest wait for the daemon of the configuration, which is on this machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The bridge in this process.
pub(super) struct StandIn {
    daemon: Daemon,
    stop: Stop,
}

impl StandIn {
    /// Takes the place of the daemon that `callee` means, if none answers there.
    ///
    /// # Errors
    /// There is no daemon and no spool, or the spool is another user's or in use.
    pub(super) async fn start_unless_served(
        path: &Path,
        callee: &mut Callee,
    ) -> anyhow::Result<Option<Self>> {
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(&callee.address)).await;
        if matches!(connected, Ok(Ok(_))) {
            return Ok(None);
        }
        let mut configuration = Configuration::read(path).or_exit(Exit::Configuration)?;
        let directory = &configuration.spool.directory;
        if !spool_owner::is_ours(directory).unwrap_or(false) {
            return Err(fail(
                Exit::Unavailable,
                format!(
                    "no daemon answers at {}, and {} is no spool of this user",
                    callee.address,
                    directory.display()
                ),
            ));
        }
        eprintln!("no daemon answers at {}; storing into {}", callee.address, directory.display());
        // Nobody but us can know the ports, so who may call does not matter.
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        configuration.listen = vec![anywhere];
        configuration.admin.listen = anywhere;
        configuration.bridge.unknown_peers = UnknownPeers::Accept;
        configuration.bridge.peers.iter_mut().for_each(|peer| peer.from.clear());
        configuration.bridge.drain.delay = Duration::ZERO;
        configuration.check_clients().or_exit(Exit::Configuration)?;
        let stop = signals::stop()?;
        let listeners = Listeners::bind(&configuration).await?;
        let starting = Daemon::start(&configuration, listeners, &stop);
        let daemon =
            stop.drain.run_until_cancelled(starting).await.unwrap_or_else(|| Err(super::interrupted()))?;
        callee.address = daemon.dimse.to_string();
        Ok(Some(Self { daemon, stop }))
    }

    /// Is cancelled by the first signal.
    pub(super) fn told_to_stop(&self) -> CancellationToken {
        self.stop.drain.clone()
    }

    /// Finishes what is in hand and gives the lock back. What is not delivered yet is due when the
    /// daemon runs again.
    pub(super) async fn finish(self) -> anyhow::Result<()> {
        self.stop.drain.cancel();
        self.daemon.finish(&self.stop).await
    }
}
