//! DCMTK's programs as independent peers.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::skip;
use crate::wait::eventually;

/// One of DCMTK's programs; a skip is recorded where it is missing.
#[must_use]
pub fn program(name: &str) -> Option<Command> {
    let mut command = Command::new(skip::program(name)?);
    command.stdin(Stdio::null());
    // With Nagle's algorithm on each message waits for a delayed acknowledgement of the other end.
    command.env("TCP_NODELAY", "1");
    Some(command)
}

/// Runs a client against an address, with AE titles `MODALITY` and `DIMSEWAY`.
///
/// # Panics
/// Where it cannot be started.
#[must_use]
pub fn run(name: &str, address: SocketAddr, options: &[&str], files: &[PathBuf]) -> Option<Output> {
    let mut command = program(name)?;
    command.args(["-aet", "MODALITY", "-aec", "DIMSEWAY"]).args(options);
    command.arg(address.ip().to_string()).arg(address.port().to_string()).args(files);
    Some(command.output().expect("a program of DCMTK starts"))
}

/// A port that is free now; whoever asked has to be quick.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// A running `storescp`; killed when dropped.
pub struct Storescp {
    child: Child,
    address: SocketAddr,
}

impl Storescp {
    /// Starts one that writes what it receives, bit by bit, into a folder.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start(folder: &Path, options: &[&str]) -> Option<Self> {
        Self::start_preferring(folder, &[&["--accept-all"], options].concat())
    }

    /// Starts one with these options and its own choice of transfer syntaxes.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start_preferring(folder: &Path, options: &[&str]) -> Option<Self> {
        let mut command = program("storescp")?;
        let port = free_port();
        std::fs::create_dir_all(folder).expect("a folder");
        let child = command
            .args(["--bit-preserving", "-aet", "DIMSEWAY", "-od"])
            .arg(folder)
            .args(options)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("storescp starts");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let peer = Self { child, address };
        eventually("storescp listens", || std::net::TcpStream::connect(address).ok());
        Some(peer)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Storescp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
