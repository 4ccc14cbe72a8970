//! Reading a multipart body from a stream of bytes.

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::HeaderMap;

use super::Boundary;
use super::decoder::{Decoder, Event, Malformed};

/// What a body may make a reader hold or endure. The bytes of a part are not limited here: they are
/// handed on as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderLimits {
    /// Bytes before the first delimiter. Default 64 KiB: nobody is known to send any, RFC 2046 allows a
    /// note to readers of plain text.
    pub preamble_bytes_max: usize,
    /// Bytes of the header fields of one part. Default 16 KiB: real ones have about 200.
    pub header_bytes_max: usize,
    /// Header fields of one part. Default 64: real ones have two to four.
    pub headers_max: usize,
    /// Parts of one body. Default 1,000,000: beyond the largest study known, and no part costs memory
    /// once it has been read.
    pub parts_max: usize,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self {
            preamble_bytes_max: 64 * 1024,
            header_bytes_max: 16 * 1024,
            headers_max: 64,
            parts_max: 1_000_000,
        }
    }
}

/// Why a body cannot be read further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The stream below failed.
    #[error("the body stopped: {0}")]
    Body(#[source] E),
    /// The bytes are no multipart body, or exceed a limit.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Reads the parts of a body one after the other, in constant memory: [`Self::next_part`] gives the
/// header fields, [`Self::next_chunk`] the bytes until `None`.
///
/// Line ends may be CRLF or LF alone; the first delimiter line decides which one belongs to a
/// delimiter. A body without its closing delimiter is an error, never the end.
///
/// Both methods are cancel safe: nothing is lost when their future is dropped.
pub struct Reader<S> {
    body: S,
    decoder: Decoder,
    in_part: bool,
    ended: bool,
}

impl<S, E> Reader<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    /// A reader of `body`, whose parts `boundary` separates.
    pub fn new(body: S, boundary: &Boundary, limits: ReaderLimits) -> Self {
        Self { body, decoder: Decoder::new(boundary, limits), in_part: false, ended: false }
    }

    /// The header fields of the next part; `None` behind the closing delimiter. What is left of the
    /// part before is read and dropped.
    ///
    /// # Errors
    /// Any error of the stream below, and bytes that are no multipart body; all are final.
    pub async fn next_part(&mut self) -> Result<Option<HeaderMap>, ReadError<E>> {
        while self.next_chunk().await?.is_some() {}
        if self.ended {
            return Ok(None);
        }
        loop {
            match self.next_event().await? {
                Event::Part(headers) => {
                    self.in_part = true;
                    return Ok(Some(headers));
                }
                Event::End => {
                    self.ended = true;
                    self.drain_epilogue().await;
                    return Ok(None);
                }
                Event::Data(_) | Event::PartEnd | Event::NeedMore => {}
            }
        }
    }

    /// The next bytes of the current part, never empty; `None` at its end, and before the first part.
    ///
    /// # Errors
    /// As [`Self::next_part`].
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, ReadError<E>> {
        if !self.in_part {
            return Ok(None);
        }
        match self.next_event().await? {
            Event::Data(bytes) => Ok(Some(bytes)),
            _ => {
                self.in_part = false;
                Ok(None)
            }
        }
    }

    async fn next_event(&mut self) -> Result<Event, ReadError<E>> {
        loop {
            match self.decoder.next()? {
                Event::NeedMore => match self.body.next().await {
                    Some(Ok(chunk)) => self.decoder.push(chunk),
                    Some(Err(error)) => return Err(ReadError::Body(error)),
                    None => {
                        self.decoder.finish()?;
                        return Ok(Event::End);
                    }
                },
                event => return Ok(event),
            }
        }
    }

    /// Reads on to the end of the body, so that its connection can be used again; what fails here
    /// fails behind everything that matters.
    async fn drain_epilogue(&mut self) {
        const EPILOGUE_BYTES_MAX: usize = 64 * 1024;
        let mut left = EPILOGUE_BYTES_MAX;
        while let Some(Ok(chunk)) = self.body.next().await {
            let Some(rest) = left.checked_sub(chunk.len()) else { return };
            left = rest;
        }
    }
}
