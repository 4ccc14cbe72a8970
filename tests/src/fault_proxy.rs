//! A TCP proxy that fails on purpose: between a modality and the bridge, or the bridge and an archive.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// What happens to the bytes that a client sends; answers always pass until the connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// All pass.
    None,
    /// New connections are reset at once.
    Refuse,
    /// Both directions are reset once a connection has sent so many bytes.
    CutAfter(u64),
    /// Nothing passes any more once a connection has sent so many bytes, and nothing is closed.
    StallAfter(u64),
    /// Each piece waits so long before it passes.
    Delay(Duration),
}

struct Shared {
    fault: Mutex<Fault>,
    changed: Condvar,
    upstream: SocketAddr,
    connections: Mutex<Vec<TcpStream>>,
}

/// A proxy in front of one address; stops with the test.
pub struct FaultProxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl FaultProxy {
    /// Listens on a free port.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn to(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared {
            fault: Mutex::new(Fault::None),
            changed: Condvar::new(),
            upstream,
            connections: Mutex::new(Vec::new()),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let connection = Arc::clone(&accepting);
                thread::spawn(move || connection.serve(client));
            }
        });
        Self { shared, address }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happens from now on, also to connections that are open.
    pub fn set(&self, fault: Fault) {
        *self.shared.fault() = fault;
        self.shared.changed.notify_all();
    }

    /// Resets every open connection.
    ///
    /// # Panics
    /// Never while no other thread has.
    pub fn cut(&self) {
        for stream in self.shared.connections.lock().expect("a list of connections").drain(..) {
            reset(&stream);
        }
    }
}

impl Shared {
    fn fault(&self) -> MutexGuard<'_, Fault> {
        self.fault.lock().expect("nobody panics while holding it")
    }

    fn serve(&self, client: TcpStream) {
        if *self.fault() == Fault::Refuse {
            reset(&client);
            return;
        }
        let Ok(upstream) = TcpStream::connect(self.upstream) else {
            reset(&client);
            return;
        };
        let (Ok(from_client), Ok(to_client)) = (client.try_clone(), client.try_clone()) else { return };
        let (Ok(from_upstream), Ok(to_upstream)) = (upstream.try_clone(), upstream.try_clone()) else {
            return;
        };
        self.connections.lock().expect("a list of connections").extend([client, upstream]);
        thread::scope(|scope| {
            scope.spawn(|| copy(from_upstream, &to_client));
            self.pass(from_client, &to_upstream, &to_client);
        });
    }

    /// From the client to the server, as the fault allows.
    fn pass(&self, mut from: TcpStream, mut to: &TcpStream, back: &TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        let mut sent = 0_u64;
        loop {
            let length = match from.read(&mut buffer) {
                Ok(0) => {
                    let _ = to.shutdown(Shutdown::Write);
                    return;
                }
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => {
                    reset(to);
                    return;
                }
            };
            let allowed = self.allowed(sent, length);
            if to.write_all(&buffer[..allowed]).is_err() {
                reset(back);
                return;
            }
            sent += allowed as u64;
            if allowed < length {
                if matches!(*self.fault(), Fault::StallAfter(_)) {
                    self.wait_while_stalled();
                    if to.write_all(&buffer[allowed..length]).is_ok() {
                        sent += (length - allowed) as u64;
                        continue;
                    }
                }
                reset(to);
                reset(back);
                return;
            }
        }
    }

    /// How many of the next bytes may pass now.
    fn allowed(&self, sent: u64, length: usize) -> usize {
        let fault = *self.fault();
        match fault {
            Fault::None | Fault::Refuse => length,
            Fault::CutAfter(limit) | Fault::StallAfter(limit) => {
                usize::try_from(limit.saturating_sub(sent)).map_or(length, |left| left.min(length))
            }
            Fault::Delay(time) => {
                // The lock is released while waiting, and a change of the fault ends the wait.
                let waited = self.changed.wait_timeout_while(self.fault(), time, |now| *now == fault);
                drop(waited.expect("nobody panics while holding it"));
                length
            }
        }
    }

    fn wait_while_stalled(&self) {
        let waited = self.changed.wait_while(self.fault(), |now| matches!(now, Fault::StallAfter(_)));
        drop(waited.expect("nobody panics while holding it"));
    }
}

fn copy(mut from: TcpStream, mut to: &TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(length) if length > 0 && to.write_all(&buffer[..length]).is_ok() => {}
            _ => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
        }
    }
}

fn reset(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    let _ = stream.shutdown(Shutdown::Both);
}
