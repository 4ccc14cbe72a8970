//! `dimseway echo`.

use super::send::{callee, own_title};
use crate::{
    cli::{Echo, PeerAddress},
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
    requestor::{self, Callee},
};
use std::path::Path;

/// Verifies one peer.
///
/// # Errors
/// It does not answer with success.
pub(crate) async fn run(path: &Path, arguments: &Echo) -> anyhow::Result<()> {
    let callee = match &arguments.peer {
        None => callee(path, None, arguments.from.as_ref())?,
        Some(peer) => match peer.parse::<PeerAddress>() {
            Ok(peer) => callee(path, Some(&peer), arguments.from.as_ref())?,
            Err(_) => configured(path, peer, arguments)?,
        },
    };
    let took = requestor::echo(&callee).await?;
    println!("{callee} answered in {took:.1?}");
    Ok(())
}

/// The peer of the configuration with that AE title.
fn configured(path: &Path, title: &str, arguments: &Echo) -> anyhow::Result<Callee> {
    let configuration = Configuration::read(path).or_exit(Exit::Configuration)?;
    let peer = configuration.bridge.peers.iter().find(|peer| peer.ae_title.as_str() == title);
    let Some(peer) = peer else {
        return Err(fail(Exit::Usage, format!("{title}: write AE@host:port, or the ae_title of a [[peer]]")));
    };
    let Some(address) = &peer.address else {
        return Err(fail(Exit::Usage, format!("the [[peer]] {title} has no address")));
    };
    Ok(Callee {
        called: peer.ae_title.clone(),
        address: join(&address.host, address.port),
        calling: arguments.from.clone().unwrap_or_else(|| own_title(&configuration)),
    })
}

/// Host and port as a socket address is written.
pub(crate) fn join(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
