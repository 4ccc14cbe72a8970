//! A listener with a limit on open connections, and on how long each of them may stand still.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};

/// Connections to the admin server at the same time: scrapers, probes and a few people. Further
/// ones wait in the backlog of the operating system.
const CONNECTIONS_MAX: usize = 128;

/// Time without progress after which a connection is closed, so that silent ones do not keep probes
/// out: a request has this long to come, once begun this long to be read whole and answered, and an
/// answer this long for each next piece. Longer than the 60 s between two scrapes, so that a scraper
/// keeps its connection.
const STANDSTILL_MAX: Duration = Duration::from_secs(75);

/// Wait after a failed accept, which is a shortage of file descriptors and passes.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// A TCP listener that accepts no more than [`CONNECTIONS_MAX`] connections at the same time.
pub(super) struct Limited {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Limited {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)) }
    }
}

impl axum::serve::Listener for Limited {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => return (Connection::new(stream, permit), address),
                Err(error) => {
                    tracing::warn!(%error, "a connection to the admin server could not be accepted");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that gives its place back when it ends, and ends when it stands still.
pub(super) struct Connection<S = TcpStream> {
    stream: S,
    /// Ends [`STANDSTILL_MAX`] after the last progress.
    standstill: Pin<Box<Sleep>>,
    /// Nothing was read since the last write, so what is read next begins a request.
    between_requests: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<S> Connection<S> {
    fn new(stream: S, permit: Option<OwnedSemaphorePermit>) -> Self {
        let standstill = Box::pin(tokio::time::sleep(STANDSTILL_MAX));
        Self { stream, standstill, between_requests: true, _permit: permit }
    }

    fn progress(&mut self) {
        self.standstill.as_mut().reset(Instant::now() + STANDSTILL_MAX);
    }

    /// What to answer where the stream is not ready: an error once it has stood still for too long.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.standstill.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.standstill.is_elapsed() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() {
            return self.wait(context);
        }
        // Only the first bytes of a request count: one that trickles in is not worth a place.
        if buffer.filled().len() > before && self.between_requests {
            self.between_requests = false;
            self.progress();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_pending() {
            return self.wait(context);
        }
        self.between_requests = true;
        self.progress();
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::advance,
    };

    /// A little less than what ends a connection.
    const ALMOST: Duration = STANDSTILL_MAX.saturating_sub(Duration::from_secs(1));

    fn pair() -> (DuplexStream, Connection<DuplexStream>) {
        let (client, server) = duplex(16);
        (client, Connection::new(server, None))
    }

    async fn read(connection: &mut Connection<DuplexStream>) -> io::Result<usize> {
        connection.read(&mut [0; 16]).await
    }

    fn timed_out<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_closed() {
        let (_client, mut connection) = pair();
        let started = Instant::now();
        assert!(timed_out(read(&mut connection).await));
        assert!(started.elapsed() >= STANDSTILL_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_trickles_in_is_closed() {
        let (mut client, mut connection) = pair();
        for _ in 0..3 {
            client.write_all(b"G").await.unwrap();
            assert_eq!(read(&mut connection).await.unwrap(), 1);
            advance(STANDSTILL_MAX / 4).await;
        }
        client.write_all(b"G").await.unwrap();
        advance(STANDSTILL_MAX / 2).await;
        assert!(timed_out(read(&mut connection).await), "the byte that is there comes too late");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_no_answer_is_closed() {
        let (_client, mut connection) = pair();
        assert!(timed_out(connection.write_all(&[0; 64]).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_download_and_a_connection_that_is_used_again_stay() {
        let (mut client, mut connection) = pair();
        for _ in 0..5 {
            advance(ALMOST).await;
            client.write_all(b"GET").await.unwrap();
            assert_eq!(read(&mut connection).await.unwrap(), 3);
            for _ in 0..5 {
                advance(ALMOST).await;
                connection.write_all(b"bytes").await.unwrap();
                assert_eq!(client.read(&mut [0; 16]).await.unwrap(), 5);
            }
        }
    }
}
