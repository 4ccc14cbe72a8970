//! A listener with a limit on open connections, and on how long each of them may stand still.

use std::{
    collections::BTreeMap,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Connections to the admin server at the same time: scrapers, probes and a few people. A further one displaces
/// the oldest that has asked for nothing yet; where all have, it waits for one of them to end.
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
    silent: Arc<Silent>,
}

impl Limited {
    /// With all its places free.
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self { listener, permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)), silent: Arc::default() }
    }

    /// A place for a connection that is there; of a silent one where all are taken, since a probe that is not
    /// answered within a second or two ends the program.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        self.silent.displace_oldest();
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }
}

/// Connections that have not asked for anything yet, by their age.
#[derive(Default)]
struct Silent(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    next: u64,
    connections: BTreeMap<u64, CancellationToken>,
}

impl Silent {
    fn add(self: Arc<Self>) -> Silence {
        let displaced = CancellationToken::new();
        let number = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.next += 1;
            let number = waiting.next;
            waiting.connections.insert(number, displaced.clone());
            number
        };
        Silence { silent: self, number, displaced: Box::pin(displaced.cancelled_owned()) }
    }

    /// False where it was displaced.
    fn remove(&self, number: u64) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.connections.remove(&number).is_some()
    }

    fn displace_oldest(&self) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, oldest)) = waiting.connections.pop_first() {
            oldest.cancel();
        }
    }
}

/// What a connection has until its first request is there.
struct Silence {
    silent: Arc<Silent>,
    number: u64,
    displaced: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.silent.remove(self.number);
    }
}

impl axum::serve::Listener for Limited {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let permit = self.place().await;
                    let silence = Arc::clone(&self.silent).add();
                    return (Connection::new(stream, permit, Some(silence)), address);
                }
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
    silence: Option<Silence>,
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
    fn new(stream: S, permit: Option<OwnedSemaphorePermit>, silence: Option<Silence>) -> Self {
        let standstill = Box::pin(tokio::time::sleep(HEAD_MAX));
        Self { stream, standstill, awaited: Awaited::Request, silence, _permit: permit }
    }

    fn progress(&mut self, next: Duration) {
        self.standstill.as_mut().reset(Instant::now() + next);
    }

    /// Takes notice of bytes of a request. Only its first ones and the end of its head give it more time:
    /// one that trickles in is not worth a place.
    ///
    /// # Errors
    /// The place was given to another connection before there was a request.
    fn received(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut last = match self.awaited {
            Awaited::Request => {
                self.progress(HEAD_MAX);
                0
            }
            Awaited::Head(last) => last,
            Awaited::Answer => return Ok(()),
        };
        for byte in bytes {
            last = last << 8 | u32::from(*byte);
            if last == END_OF_HEAD {
                self.awaited = Awaited::Answer;
                self.progress(STANDSTILL_MAX);
                return match self.silence.take() {
                    Some(silence) if !silence.silent.remove(silence.number) => Err(displaced()),
                    _ => Ok(()),
                };
            }
        }
        self.awaited = Awaited::Head(last);
        Ok(())
    }

    /// What to answer where the stream is not ready: an error once it has stood still for too long, or has to make
    /// room.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if let Some(silence) = &mut self.silence
            && silence.displaced.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Err(displaced()));
        }
        self.standstill.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn displaced() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
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
        if !bytes.is_empty()
            && let Err(error) = self.received(bytes)
        {
            return Poll::Ready(Err(error));
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
    use axum::serve::Listener;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::advance,
    };

    /// A little less than what ends a connection.
    const ALMOST: Duration = STANDSTILL_MAX.saturating_sub(Duration::from_secs(1));

    fn pair() -> (DuplexStream, Connection<DuplexStream>) {
        let (client, server) = duplex(16);
        (client, Connection::new(server, None, None))
    }

    async fn read(connection: &mut Connection<DuplexStream>) -> io::Result<usize> {
        connection.read(&mut [0; 16]).await
    }

    fn timed_out<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut)
    }

    /// Connects as often as there are places, and accepts them.
    async fn full(listener: &mut Limited) -> Vec<(TcpStream, Connection)> {
        let address = listener.listener.local_addr().unwrap();
        let mut all = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            let client = TcpStream::connect(address).await.unwrap();
            all.push((client, listener.accept().await.0));
        }
        all
    }

    #[tokio::test]
    async fn a_further_connection_displaces_the_oldest_that_is_silent() {
        let mut listener = Limited::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let mut all = full(&mut listener).await;
        // The oldest has asked for something and keeps its place; the next one has only begun to.
        all[0].0.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(all[0].1.read(&mut [0; 64]).await.unwrap(), 18);
        all[1].0.write_all(b"GET").await.unwrap();
        assert_eq!(all[1].1.read(&mut [0; 64]).await.unwrap(), 3);
        let (_client, mut connection) = all.remove(1);
        let displaced = tokio::spawn(async move { connection.read(&mut [0; 64]).await });
        let address = listener.listener.local_addr().unwrap();
        let _probe = TcpStream::connect(address).await.unwrap();
        let (_connection, _) = listener.accept().await;
        let error = displaced.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        assert_eq!(listener.permits.available_permits(), 0);
    }

    #[tokio::test]
    async fn what_comes_after_the_place_was_given_away_is_not_answered() {
        let mut listener = Limited::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut connection, _) = listener.accept().await;
        listener.silent.displace_oldest();
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let error = connection.read(&mut [0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
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
