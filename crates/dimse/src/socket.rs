//! What the sockets under an association need.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Turns Nagle's algorithm off: a response is a small PDU that must not wait for an acknowledgement.
///
/// # Errors
/// The operating system's.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)
}

/// A connection that acknowledges at once what it has read (Linux; elsewhere it does nothing).
///
/// A peer with Nagle's algorithm on holds the last, partial segment of a write back until everything before it
/// is acknowledged; with delayed acknowledgements that costs about 40 ms each time. Linux forgets the option
/// by itself, so it is set again with every read that gave something, which acknowledges that at once; less than
/// that leaves a delay now and then. Looking in vain is no read: what comes next wakes the reader.
#[derive(Debug)]
pub struct QuickAck {
    stream: TcpStream,
}

impl QuickAck {
    /// Wraps a connected stream.
    #[must_use]
    pub const fn new(stream: TcpStream) -> Self {
        Self { stream }
    }
}

impl AsyncRead for QuickAck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if polled.is_ready() {
            // Acknowledging late is slow, not wrong, so a failure is of no consequence.
            let _ = self.stream.set_quickack(true);
        }
        polled
    }
}

impl AsyncWrite for QuickAck {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
