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

/// Time within which a new connection has to begin a request, and a request once begun has to have its
/// head there: who connects has something to ask, and silent connections must not keep probes out.
const HEAD_MAX: Duration = Duration::from_secs(10);

/// Time without progress after which any other connection is closed: a request has this long to be read
/// whole and answered, an answer this long for each next piece, and the next request this long to come.
/// Longer than the 60 s between two scrapes, so that a scraper keeps its connection.
const STANDSTILL_MAX: Duration = Duration::from_secs(75);

/// What ends the head of a request (RFC 9112 §2.1); the preface of HTTP/2 has it too.
const END_OF_HEAD: u32 = u32::from_be_bytes(*b"\r\n\r\n");

/// Wait after a failed accept, which is a shortage of file descriptors and passes.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// A TCP listener that accepts no more than [`CONNECTIONS_MAX`] connections at the same time.
pub(crate) struct Limited {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Limited {
    /// With all its places free.
    pub(crate) fn new(listener: TcpListener) -> Self {
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
pub(crate) struct Connection<S = TcpStream> {
    stream: S,
    /// Ends as long after the last progress as the state allows.
    standstill: Pin<Box<Sleep>>,
    awaited: Awaited,
    _permit: Option<OwnedSemaphorePermit>,
}

/// What comes next over a connection.
#[derive(Clone, Copy)]
enum Awaited {
    /// The first bytes of a request.
    Request,
    /// The rest of its head, and the last four bytes of what is there.
    Head(u32),
    /// The rest of it and the answer.
    Answer,
}

impl<S> Connection<S> {
    fn new(stream: S, permit: Option<OwnedSemaphorePermit>) -> Self {
        let standstill = Box::pin(tokio::time::sleep(HEAD_MAX));
        Self { stream, standstill, awaited: Awaited::Request, _permit: permit }
    }

    fn progress(&mut self, next: Duration) {
        self.standstill.as_mut().reset(Instant::now() + next);
    }

    /// Takes notice of bytes of a request. Only its first ones and the end of its head give it more time:
    /// one that trickles in is not worth a place.
    fn received(&mut self, bytes: &[u8]) {
        let mut last = match self.awaited {
            Awaited::Request => {
                self.progress(HEAD_MAX);
                0
            }
            Awaited::Head(last) => last,
            Awaited::Answer => return,
        };
        for byte in bytes {
            last = last << 8 | u32::from(*byte);
            if last == END_OF_HEAD {
                self.awaited = Awaited::Answer;
                self.progress(STANDSTILL_MAX);
                return;
            }
        }
        self.awaited = Awaited::Head(last);
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
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        if !bytes.is_empty() {
            self.received(bytes);
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
        self.awaited = Awaited::Request;
        self.progress(STANDSTILL_MAX);
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
        assert_eq!(started.elapsed().as_secs(), HEAD_MAX.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_whose_head_does_not_end_is_closed() {
        let (mut client, mut connection) = pair();
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let started = Instant::now();
        assert_eq!(read(&mut connection).await.unwrap(), 16);
        assert!(timed_out(read(&mut connection).await));
        assert_eq!(started.elapsed().as_secs(), HEAD_MAX.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_worked_on_has_more_time() {
        let (mut client, mut connection) = pair();
        for piece in ["G / HTTP/1.1\r", "\n\r", "\n"] {
            client.write_all(piece.as_bytes()).await.unwrap();
            assert_eq!(read(&mut connection).await.unwrap(), piece.len());
        }
        let started = Instant::now();
        assert!(timed_out(read(&mut connection).await));
        assert_eq!(started.elapsed().as_secs(), STANDSTILL_MAX.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_trickles_in_is_closed() {
        let (mut client, mut connection) = pair();
        for _ in 0..3 {
            client.write_all(b"G").await.unwrap();
            assert_eq!(read(&mut connection).await.unwrap(), 1);
            advance(HEAD_MAX / 4).await;
        }
        client.write_all(b"G").await.unwrap();
        advance(HEAD_MAX / 2).await;
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
        advance(HEAD_MAX / 2).await;
        for _ in 0..5 {
            client.write_all(b"GET /\r\n\r\n").await.unwrap();
            assert_eq!(read(&mut connection).await.unwrap(), 9);
            for _ in 0..5 {
                advance(ALMOST).await;
                connection.write_all(b"bytes").await.unwrap();
                assert_eq!(client.read(&mut [0; 16]).await.unwrap(), 5);
            }
            advance(ALMOST).await;
        }
    }
}
