//! A direct STOW into an archive, and Orthanc's own instance count as the stop watch.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tests::orthanc::Orthanc;
use tests::wait;

/// Connections of the direct STOW.
pub(crate) const CONNECTIONS: usize = 4;
const BOUNDARY: &str = "bench";

/// A connection that stays open, with nothing between it and the socket.
struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    fn open(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), host: host.to_owned() })
    }

    /// Sends a request and reads the whole answer: status and body.
    fn exchange(&mut self, line: &str, fields: &str, body: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        let (host, length) = (&self.host, body.len());
        let head = format!("{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{fields}\r\n");
        let socket = self.stream.get_mut();
        socket.write_all(head.as_bytes())?;
        socket.write_all(body)?;
        self.answer()
    }

    fn answer(&mut self) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).context("no status line")?;
        let mut length = None;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.context("an answer without Content-Length")?];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }
}

/// `host:port` of a base URL.
fn host(url: &str) -> anyhow::Result<String> {
    Ok(url.split('/').nth(2).context("a URL with a host")?.to_owned())
}

/// Watches the instance count of an Orthanc.
pub(crate) struct Count(Connection);

impl Count {
    pub(crate) fn of(orthanc: &Orthanc) -> anyhow::Result<Self> {
        Ok(Self(Connection::open(&host(&orthanc.url())?)?))
    }

    /// Stores by `store` while the count is watched: what that gives, and the seconds until there are so many
    /// instances more. However they get there, the archive is asked as often meanwhile.
    pub(crate) fn time<T: Send>(
        &mut self,
        instances: u32,
        longest: Duration,
        store: impl FnOnce() -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<(f64, T)> {
        let goal = self.now()? + u64::from(instances);
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let storing = scope.spawn(store);
            let counted = self.reach(goal, longest);
            let seconds = begun.elapsed().as_secs_f64();
            let stored = storing.join().expect("a sender that did not panic")?;
            counted?;
            Ok((seconds, stored))
        })
    }

    /// Waits until it has so many.
    fn reach(&mut self, goal: u64, longest: Duration) -> anyhow::Result<()> {
        let mut seen = 0;
        let reached = wait::within(longest, || {
            seen = match self.now() {
                Ok(count) => count,
                Err(error) => return Some(Err(error)),
            };
            (seen >= goal).then_some(Ok(()))
        });
        reached.unwrap_or_else(|| anyhow::bail!("Orthanc has {seen} of {goal} instances"))
    }

    fn now(&mut self) -> anyhow::Result<u64> {
        let (status, body) = self.0.exchange("GET /statistics", "", &[])?;
        anyhow::ensure!(status == 200, "Orthanc answers {status}");
        let statistics: serde_json::Value = serde_json::from_slice(&body)?;
        statistics["CountInstances"].as_u64().context("a number of instances")
    }
}

/// Stores files over some connections at once, one instance in a request; seconds from before the first
/// file is read until Orthanc counts them all.
pub(crate) fn store_directly(orthanc: &Orthanc, files: &[PathBuf]) -> anyhow::Result<f64> {
    let connections = connect(&orthanc.url())?;
    let mut count = Count::of(orthanc)?;
    let instances = u32::try_from(files.len())?;
    Ok(count.time(instances, Duration::from_secs(60), || send(connections, files))?.0)
}

/// Stores files in the archive at a base URL.
pub(crate) fn store_in(url: &str, files: &[PathBuf]) -> anyhow::Result<()> {
    send(connect(url)?, files)
}

fn connect(url: &str) -> anyhow::Result<Vec<Connection>> {
    let host = host(url)?;
    (0..CONNECTIONS).map(|_| Connection::open(&host)).collect()
}

fn send(mut connections: Vec<Connection>, files: &[PathBuf]) -> anyhow::Result<()> {
    let next = &AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let workers: Vec<_> = connections
            .iter_mut()
            .map(|connection| scope.spawn(|| store_some(connection, files, next)))
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker that did not panic"))
    })
}

/// Reads each file when its turn comes, as whoever sends files does, `storescu` among them.
fn store_some(connection: &mut Connection, files: &[PathBuf], next: &AtomicUsize) -> anyhow::Result<()> {
    let fields = format!(
        "Content-Type: multipart/related; type=\"application/dicom\"; boundary={BOUNDARY}\r\n\
         Accept: application/dicom+json\r\n"
    );
    let mut body = Vec::new();
    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
        read_body(file, &mut body)?;
        let (status, answer) = connection.exchange("POST /dicom-web/studies", &fields, &body)?;
        anyhow::ensure!(status == 200, "the archive answers {status}: {}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}

/// The body with this file alone, in place of what was there.
fn read_body(file: &Path, body: &mut Vec<u8>) -> anyhow::Result<()> {
    body.clear();
    body.extend_from_slice(format!("--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n").as_bytes());
    std::fs::File::open(file)?.read_to_end(body)?;
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    Ok(())
}
