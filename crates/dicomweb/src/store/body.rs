//! The body of a store request: multipart or single part, pumped from the sources of the parts into
//! the connection.
//!
//! The pump stands between the two so that it is known at every moment who is waited for: while it
//! waits for a source, the server is not at fault; while it holds bytes that nobody takes, it is.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, future, stream};
use http::{HeaderMap, HeaderValue, header};
use instance::part10;
use memchr::memmem::Finder;
use tokio::sync::mpsc;

use super::StorePart;
use crate::auth::aws::{ChunkSigner, framed};
use crate::error::Wait;
use crate::multipart::{Boundary, Part, Writer, part_headers};
use crate::profile::StoreForm;
use crate::{BoxError, Error};

/// Bytes pumped before other tasks get a turn, so that an early answer of the server is seen between two
/// writes and not only after the connection has broken.
const BYTES_PER_TURN: usize = 64 * 1024;

/// Pieces between pump and connection. One: memory stays flat, and a stall shows at once.
const PIECES_AHEAD: usize = 1;

pub(super) struct StoreBody {
    pub(super) content_type: String,
    /// Bytes of the whole body, if every part has a known length.
    pub(super) content_length: Option<u64>,
    form: StoreForm,
    writer: Writer,
    /// A boundary that data may hold, since it is not by chance.
    fixed: bool,
    parts: Vec<OutgoingPart>,
    /// Signs the body, which goes in signed chunks then and is longer than `content_length` says.
    pub(super) chunks: Option<ChunkSigner>,
}

/// A part, with what goes before its data set.
struct OutgoingPart {
    headers: HeaderMap,
    /// Preamble and File Meta Information.
    head: Bytes,
    part: StorePart,
}

impl OutgoingPart {
    /// Where its length is known it is told, as far as `with_length` allows: a server then takes the data by
    /// count (PS3.18 §8.6.1.2) and need not look for the delimiter in each byte of it.
    fn new(part: StorePart, with_length: bool) -> Self {
        let head = Bytes::from(part10::write(&part.meta, part.source.as_ref()));
        let mut headers = part_headers(HeaderValue::from_static("application/dicom"));
        let length = part.length.map(|length| length + head.len() as u64);
        if let Some(length) = length.filter(|_| with_length) {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        Self { headers, head, part }
    }

    fn length(&self) -> Option<u64> {
        self.part.length.map(|length| length + self.head.len() as u64)
    }
}

/// How pumping ended.
pub(super) enum Pumped {
    /// Every byte has been handed over.
    Whole,
    /// The connection wants no more: an answer is there, or an error.
    NotWanted,
    /// The connection took nothing for too long.
    Stalled,
    /// The data of a part failed.
    Source { part: usize, source: BoxError },
}

/// How a body ended that met no fault of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// See [`Pumped::Whole`].
    Whole,
    /// See [`Pumped::NotWanted`].
    NotWanted,
}

impl Pumped {
    pub(super) fn into_result(self) -> Result<BodyEnd, Error> {
        match self {
            Self::Whole => Ok(BodyEnd::Whole),
            Self::NotWanted => Ok(BodyEnd::NotWanted),
            Self::Stalled => Err(Error::Timeout(Wait::Sending)),
            Self::Source { source, .. } if source.is::<HoldsBoundary>() => {
                Err(Error::Profile("the instance holds the boundary of its requests"))
            }
            Self::Source { part, source } => Err(Error::Source { part, source }),
        }
    }
}

/// The data of a part failed.
struct SourceFailed {
    part: usize,
    source: BoxError,
}

/// A part had more or fewer bytes than announced.
#[derive(Debug, thiserror::Error)]
#[error("the data set has {actual} bytes or more, {announced} were announced")]
struct LengthDiffers {
    announced: u64,
    actual: u64,
}

/// The data of a part holds the delimiter, at which the server would cut it.
#[derive(Debug, thiserror::Error)]
#[error("the data set holds the delimiter of the request")]
struct HoldsBoundary;

/// What goes from the pump to the connection.
enum Piece {
    Data(Bytes),
    /// The body is whole. Without it the connection sees an error, never a regular end.
    End,
}

/// The request was given up before its body was whole.
#[derive(Debug, thiserror::Error)]
#[error("the request was given up before its body was whole")]
struct GivenUp;

impl StoreBody {
    pub(super) fn new(form: StoreForm, boundary: Option<&Boundary>, parts: Vec<StorePart>) -> Self {
        // A boundary that is given is that of the vendor's own clients, who tell no lengths.
        let fixed = boundary.is_some();
        let parts: Vec<_> = parts.into_iter().map(|part| OutgoingPart::new(part, !fixed)).collect();
        let writer = Writer::new(boundary.cloned().unwrap_or_else(Boundary::random));
        let lengths: Option<Vec<_>> =
            parts.iter().map(|part| Some((&part.headers, part.length()?))).collect();
        let (content_type, content_length) = match form {
            StoreForm::Multipart => (
                match boundary {
                    Some(boundary) => {
                        format!("multipart/related; boundary=\"{boundary}\"; type=\"application/dicom\"")
                    }
                    None => writer.content_type("application/dicom"),
                },
                lengths.map(|lengths| writer.content_length(lengths)),
            ),
            StoreForm::SinglePart => (
                "application/dicom".to_owned(),
                lengths.map(|lengths| lengths.iter().map(|(_, length)| length).sum()),
            ),
        };
        Self { content_type, content_length, form, writer, fixed, parts, chunks: None }
    }

    /// The stream for the connection, and the future that fills it.
    pub(super) fn into_stream(
        mut self,
        idle: Duration,
        connect: Duration,
    ) -> (impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static, impl Future<Output = Pumped> + Send)
    {
        let (sender, mut receiver) = mpsc::channel(PIECES_AHEAD);
        let mut ended = false;
        let pieces = stream::poll_fn(move |context| {
            if ended {
                return std::task::Poll::Ready(None);
            }
            receiver.poll_recv(context).map(|piece| match piece {
                Some(Piece::Data(bytes)) => Some(Ok(bytes)),
                Some(Piece::End) => {
                    ended = true;
                    None
                }
                None => {
                    ended = true;
                    Some(Err(BoxError::from(GivenUp)))
                }
            })
        });
        let chunks = self.chunks.take();
        let bytes = self.bytes();
        let bytes = match chunks {
            Some(chunks) => framed(bytes, chunks).left_stream(),
            None => bytes.right_stream(),
        };
        (pieces, pump(bytes, sender, idle, connect))
    }

    /// The bytes of the body.
    fn bytes(self) -> impl Stream<Item = Result<Bytes, SourceFailed>> + Send {
        let Self { form, writer, fixed, parts, .. } = self;
        let boundary = Some(writer.boundary().clone()).filter(|_| fixed && form == StoreForm::Multipart);
        let parts =
            parts.into_iter().enumerate().map(move |(number, OutgoingPart { headers, head, part })| {
                let data = checked(number, part);
                let data = match &boundary {
                    Some(boundary) => without(boundary, number, data).left_stream(),
                    None => data.right_stream(),
                };
                (headers, stream::once(future::ready(Ok(head))).chain(data))
            });
        match form {
            StoreForm::Multipart => {
                let parts = parts.map(|(headers, data)| Ok(Part { headers, data }));
                writer.write(stream::iter(parts)).left_stream()
            }
            StoreForm::SinglePart => stream::iter(parts.map(|(_, data)| data)).flatten().right_stream(),
        }
    }
}

/// The data of a part, which fails where its length is not the announced one: the server would take the
/// next part for data, or wait for bytes that never come.
fn checked(part: usize, source: StorePart) -> impl Stream<Item = Result<Bytes, SourceFailed>> + Send {
    let StorePart { length, data, .. } = source;
    let failed = move |source: BoxError| SourceFailed { part, source };
    stream::unfold((data, 0u64, false), move |(mut data, before, over)| async move {
        if over {
            return None;
        }
        match (data.next().await, length) {
            (Some(Ok(bytes)), _) => {
                let actual = before + bytes.len() as u64;
                let item = match length.filter(|announced| actual > *announced) {
                    Some(announced) => Err(failed(Box::new(LengthDiffers { announced, actual }))),
                    None => Ok(bytes),
                };
                let over = item.is_err();
                Some((item, (data, actual, over)))
            }
            (Some(Err(source)), _) => Some((Err(failed(source)), (data, before, true))),
            (None, Some(announced)) if announced != before => {
                let differs = LengthDiffers { announced, actual: before };
                Some((Err(failed(Box::new(differs))), (data, before, true)))
            }
            (None, _) => None,
        }
    })
}

/// The data of a part, which fails before its first delimiter is whole.
fn without<D: Stream<Item = Result<Bytes, SourceFailed>> + Send>(
    boundary: &Boundary,
    part: usize,
    data: D,
) -> impl Stream<Item = Result<Bytes, SourceFailed>> + Send + use<D> {
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let overlap = delimiter.len() - 1;
    let delimiter = Finder::new(&delimiter).into_owned();
    data.scan((Vec::new(), false), move |(seam, ended), item| {
        if *ended {
            return future::ready(None);
        }
        let item = item.and_then(|bytes| {
            // What stands across two pieces is looked for in the end of one and the beginning of the other.
            seam.extend_from_slice(&bytes[..bytes.len().min(overlap)]);
            let found = delimiter.find(seam).is_some() || delimiter.find(&bytes).is_some();
            if bytes.len() >= overlap {
                seam.clear();
                seam.extend_from_slice(&bytes[bytes.len() - overlap..]);
            } else {
                seam.drain(..seam.len().saturating_sub(overlap));
            }
            if found { Err(SourceFailed { part, source: Box::new(HoldsBoundary) }) } else { Ok(bytes) }
        });
        *ended = item.is_err();
        future::ready(Some(item))
    })
}

/// Moves bytes from the sources to the connection. The first piece also waits for the connection itself.
async fn pump(
    bytes: impl Stream<Item = Result<Bytes, SourceFailed>>,
    sender: mpsc::Sender<Piece>,
    idle: Duration,
    connect: Duration,
) -> Pumped {
    let mut bytes = std::pin::pin!(bytes);
    let (mut pieces, mut this_turn) = (0usize, 0);
    loop {
        let (piece, length) = match bytes.next().await {
            Some(Ok(bytes)) if bytes.is_empty() => continue,
            Some(Ok(bytes)) => {
                let length = bytes.len();
                (Piece::Data(bytes), length)
            }
            Some(Err(SourceFailed { part, source })) => return Pumped::Source { part, source },
            None => (Piece::End, 0),
        };
        let end = matches!(piece, Piece::End);
        // Until the connection is there it takes none of the pieces that fit between.
        let patience = if pieces <= PIECES_AHEAD { idle.saturating_add(connect) } else { idle };
        match tokio::time::timeout(patience, sender.send(piece)).await {
            // With a Content-Length the connection may be done with the body before its end is told.
            Ok(_) if end => return Pumped::Whole,
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Pumped::NotWanted,
            Err(_) => return Pumped::Stalled,
        }
        pieces = pieces.saturating_add(1);
        this_turn += length;
        if this_turn >= BYTES_PER_TURN {
            this_turn = 0;
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{part, small};

    const MINUTE: Duration = Duration::from_secs(60);

    fn pumped(
        part: StorePart,
    ) -> (impl Stream<Item = Result<Bytes, BoxError>>, impl Future<Output = Pumped>) {
        StoreBody::new(StoreForm::SinglePart, None, vec![part]).into_stream(MINUTE, MINUTE)
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_source_is_not_the_fault_of_the_server() {
        let mut slow = part("1.1", None, vec![]);
        slow.data = stream::iter([b"one", b"two"])
            .then(|piece| async {
                tokio::time::sleep(MINUTE * 60).await;
                Ok(Bytes::from_static(piece))
            })
            .boxed();
        let (body, pump) = pumped(slow);
        let (pieces, end) = tokio::join!(body.collect::<Vec<_>>(), pump);
        assert!(matches!(end, Pumped::Whole));
        let pieces: Vec<Bytes> = pieces.into_iter().map(Result::unwrap).collect();
        assert!(pieces.concat().ends_with(b"onetwo"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_takes_nothing_stalls_after_its_time() {
        let (mut body, pump) = pumped(part("1.1", None, vec![Ok(b"one"); 10]));
        let started = tokio::time::Instant::now();
        assert!(matches!(pump.await, Pumped::Stalled));
        assert_eq!(started.elapsed(), MINUTE * 2, "the first pieces also wait for the connection");
        // What was given up never looks like the regular end.
        let mut body = std::pin::pin!(&mut body);
        assert!(body.next().await.unwrap().is_ok());
        assert!(body.next().await.unwrap().is_err());
        assert!(body.next().await.is_none());
    }

    #[tokio::test]
    async fn a_connection_that_is_gone_wants_nothing() {
        let (body, pump) = pumped(small("1.1"));
        drop(body);
        assert!(matches!(pump.await, Pumped::NotWanted));
    }

    #[tokio::test]
    async fn the_announced_length_is_what_is_sent() {
        for form in [StoreForm::Multipart, StoreForm::SinglePart] {
            let body = StoreBody::new(form, None, vec![small("1.2.3")]);
            let announced = body.content_length.unwrap();
            let (body, pump) = body.into_stream(MINUTE, MINUTE);
            let (pieces, _) =
                tokio::join!(body.map(|piece| piece.unwrap().len() as u64).collect::<Vec<_>>(), pump);
            assert_eq!(pieces.iter().sum::<u64>(), announced);
        }
    }
}
