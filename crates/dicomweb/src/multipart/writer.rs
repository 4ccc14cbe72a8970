//! Writing a multipart body.

use std::fmt::Write as _;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, HeaderValue, header};

use super::Boundary;

/// One part to be written: its header fields and its bytes.
#[derive(Debug)]
pub struct Part<D> {
    /// Header fields, Content-Type among them (PS3.18 §8.6.1.2).
    pub headers: HeaderMap,
    /// The bytes, as they come.
    pub data: D,
}

/// Header fields that hold nothing but a Content-Type.
#[must_use]
pub fn part_headers(content_type: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(header::CONTENT_TYPE, content_type);
    headers
}

/// `Content-Type`: names are compared without case (RFC 2045 §1), yet this is how every client writes them.
fn capitalized(name: &str) -> impl Iterator<Item = u8> {
    let mut begins = true;
    name.bytes().map(move |byte| {
        let byte = if begins { byte.to_ascii_uppercase() } else { byte };
        begins = byte == b'-';
        byte
    })
}

/// Writes multipart bodies with one boundary. Lines end in CRLF, there is neither preamble nor
/// epilogue.
#[derive(Debug, Clone)]
pub struct Writer {
    boundary: Boundary,
}

impl Writer {
    /// A writer that separates parts with `boundary`.
    #[must_use]
    pub const fn new(boundary: Boundary) -> Self {
        Self { boundary }
    }

    /// The boundary in use.
    #[must_use]
    pub const fn boundary(&self) -> &Boundary {
        &self.boundary
    }

    /// The Content-Type of the whole body: `multipart/related; type="…"; boundary="…"` (RFC 2387 §3, PS3.18
    /// §8.7.1).
    #[must_use]
    pub fn content_type(&self, part_type: &str) -> String {
        format!("multipart/related; type=\"{part_type}\"; boundary=\"{}\"", self.boundary)
    }

    /// Delimiter and header fields of a part, up to its first byte. Every part but the first is
    /// preceded by the line end that belongs to its delimiter.
    #[must_use]
    pub fn part_head(&self, headers: &HeaderMap, first: bool) -> Bytes {
        let mut head = String::with_capacity(160);
        if !first {
            head.push_str("\r\n");
        }
        // Writing to a string does not fail.
        let _ = write!(head, "--{}\r\n", self.boundary);
        let mut head = head.into_bytes();
        for (name, value) in headers {
            head.extend(capitalized(name.as_str()));
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        Bytes::from(head)
    }

    /// The closing delimiter. `empty` says that no part was written before it.
    #[must_use]
    pub fn closing(&self, empty: bool) -> Bytes {
        let line_end = if empty { "" } else { "\r\n" };
        Bytes::from(format!("{line_end}--{}--\r\n", self.boundary))
    }

    /// Bytes of the body that [`Self::write`] makes of parts with these header fields and lengths.
    pub fn content_length<'a>(&self, parts: impl IntoIterator<Item = (&'a HeaderMap, u64)>) -> u64 {
        let mut total = 0u64;
        let mut empty = true;
        for (headers, length) in parts {
            total = total.saturating_add(self.part_head(headers, empty).len() as u64).saturating_add(length);
            empty = false;
        }
        total.saturating_add(self.closing(empty).len() as u64)
    }

    /// The body of these parts, one after the other; a part is taken from the stream only when the one
    /// before it has been written. The first error ends the body without the closing delimiter, so a
    /// reader never takes a cut body for a whole one.
    pub fn write<P, D, E>(self, parts: P) -> impl Stream<Item = Result<Bytes, E>>
    where
        P: Stream<Item = Result<Part<D>, E>>,
        D: Stream<Item = Result<Bytes, E>>,
    {
        enum Step<P> {
            Part(std::pin::Pin<Box<P>>, bool),
            Done,
        }
        let writer = self;
        stream::try_unfold(Step::Part(Box::pin(parts), true), move |step| {
            let writer = writer.clone();
            async move {
                let Step::Part(mut parts, first) = step else { return Ok(None) };
                let piece = match parts.next().await.transpose()? {
                    Some(part) => {
                        let head = writer.part_head(&part.headers, first);
                        let piece = stream::once(async move { Ok(head) }).chain(part.data).left_stream();
                        (piece, Step::Part(parts, false))
                    }
                    None => {
                        let closing = writer.closing(first);
                        (stream::once(async move { Ok(closing) }).right_stream(), Step::Done)
                    }
                };
                Ok(Some(piece))
            }
        })
        .try_flatten()
        .scan(false, |failed, item: Result<Bytes, E>| {
            // Nothing follows an error, whatever the streams inside would still give.
            let item = (!*failed).then_some(item);
            *failed = matches!(item, Some(Err(_)));
            futures::future::ready(item)
        })
    }
}
