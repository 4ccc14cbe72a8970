//! Frames of the pixel data of one instance (PS3.18 §10.4.1.1.3), as they are stored: nothing is decoded.

use std::{
    io::{self, Read, SeekFrom},
    sync::Arc,
};

use axum::{
    Extension,
    body::Body,
    extract::{Path, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use dataset::element::{Event, Limits, Mode, Reader};
use dicomweb::multipart::{Boundary, Part, Writer, part_headers};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use instance::{Encoding, Tag, transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::{
    InWork,
    retrieve::{entries, held},
    target::Resource,
};
use crate::{
    Error,
    index::Entry,
    media::{Refused, accepted, not_acceptable, not_found, refused},
    server::State,
};

/// Bytes read from the file at a time.
const CHUNK: usize = 128 * 1024;

/// Most frames that one request names: 10,000, a long cine run.
const FRAMES_MAX: usize = 10_000;

/// Part of a file: where it begins, and how many bytes it has.
type Range = (u64, u64);

#[derive(Deserialize)]
pub(crate) struct FrameSegment {
    frames: String,
}

/// What is needed of the attributes before the pixel data, and where those are.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pixels {
    rows: u64,
    columns: u64,
    samples: u64,
    bits: u64,
    frames: u64,
    /// Where the value of native pixel data begins.
    native: Option<u64>,
    /// The fragments of encapsulated pixel data, the table of offsets among them.
    fragments: Vec<Range>,
}

/// How the frames leave.
struct Form {
    multipart: bool,
    /// Whether the stored transfer syntax is asked for, whatever it is.
    any: bool,
}

/// Gives the frames that the path names, in its order, counted from 1.
pub(crate) async fn frames(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    Path(segment): Path<FrameSegment>,
    Extension(in_work): Extension<InWork>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let numbers = numbers(&segment.frames).ok_or_else(|| {
        refused(StatusCode::BAD_REQUEST, "frames are numbers from 1, with commas between them")
    })?;
    let form = Form::read(&headers, numbers.len() == 1).ok_or_else(not_acceptable)?;
    let mut found = entries(&state, &resource.target()?, 0).await?;
    let (_, entry) = found.pop_front().ok_or_else(not_found)?;
    let is_native = entry.transfer_syntax.uid().as_str() == EXPLICIT_VR_LITTLE_ENDIAN;
    if !form.any && !is_native {
        return Err(not_acceptable());
    }
    let pixels = pixels(&state, &entry).await?;
    let ranges: Option<Vec<_>> = numbers.iter().map(|number| pixels.ranges(*number)).collect();
    let ranges = ranges.ok_or_else(not_acceptable)?;
    if ranges.iter().any(Vec::is_empty) {
        return Err(not_found());
    }
    let content_type = format!("application/octet-stream; transfer-syntax={}", entry.transfer_syntax.uid());
    let content_type = HeaderValue::from_str(&content_type).map_err(|_| not_acceptable())?;
    let frame = move |ranges: Vec<Range>| bytes(Arc::clone(&state), entry.clone(), ranges).boxed();
    if !form.multipart {
        let ranges = ranges.into_iter().next().ok_or_else(not_found)?;
        let body = Body::from_stream(held(frame(ranges), in_work));
        return Ok(([(header::CONTENT_TYPE, content_type)], body).into_response());
    }
    let writer = Writer::new(Boundary::random());
    let whole = writer.content_type("application/octet-stream");
    let headers = part_headers(content_type);
    let parts = ranges
        .into_iter()
        .map(move |ranges| Ok::<_, io::Error>(Part { headers: headers.clone(), data: frame(ranges) }));
    let body = Body::from_stream(held(writer.write(stream::iter(parts)), in_work));
    Ok(([(header::CONTENT_TYPE, whole)], body).into_response())
}

fn numbers(text: &str) -> Option<Vec<u64>> {
    let numbers = text.split(',').map(|one| one.parse::<u64>().ok().filter(|number| *number > 0));
    let numbers: Vec<_> = numbers.take(FRAMES_MAX + 1).collect::<Option<_>>()?;
    (numbers.len() <= FRAMES_MAX).then_some(numbers)
}

impl Form {
    /// What the Accept fields take, the first that fits. Without a transfer syntax Explicit VR Little Endian is
    /// meant.
    fn read(headers: &HeaderMap, one_frame: bool) -> Option<Self> {
        let accepted = accepted(headers);
        if accepted.is_empty() {
            return Some(Self { multipart: true, any: true });
        }
        accepted.iter().find_map(|one| {
            if one.is("*", "*") {
                return Some(Self { multipart: true, any: true });
            }
            let any = match one.parameter("transfer-syntax") {
                Some("*") => true,
                None | Some(EXPLICIT_VR_LITTLE_ENDIAN) => false,
                Some(_) => return None,
            };
            let multipart = one.is("multipart", "related");
            let octets = one.parameter("type").is_none_or(|part| part == "application/octet-stream");
            let single = one_frame && one.is("application", "octet-stream");
            (multipart && octets || single).then_some(Self { multipart, any })
        })
    }
}

impl Pixels {
    /// Where a frame stands; nowhere where there is no such frame, none where its bounds are not known.
    fn ranges(&self, number: u64) -> Option<Vec<Range>> {
        let frames = self.frames.max(1);
        if number > frames || (self.native.is_none() && self.fragments.is_empty()) {
            return Some(Vec::new());
        }
        if let Some(begin) = self.native {
            let pixels = self.rows.checked_mul(self.columns)?.checked_mul(self.samples.max(1))?;
            let bits = pixels.checked_mul(self.bits)?;
            // Frames of single bits that do not fill their last byte have no bounds of their own.
            let length = (bits % 8 == 0 || frames == 1).then(|| bits.div_ceil(8))?;
            return Some(vec![(begin + (number - 1) * length, length)]);
        }
        let fragments = self.fragments.get(1..).unwrap_or_default();
        if frames == 1 {
            return Some(fragments.to_vec());
        }
        let one_each = u64::try_from(fragments.len()).is_ok_and(|count| count == frames);
        let index = usize::try_from(number - 1).ok()?;
        one_each.then(|| fragments.get(index).copied().into_iter().collect())
    }

    fn take(&mut self, tag: Tag, value: &[u8]) {
        let number = || value.first_chunk().map_or(0, |bytes| u64::from(u16::from_le_bytes(*bytes)));
        match tag {
            Tag(0x0028, 0x0002) => self.samples = number(),
            Tag(0x0028, 0x0008) => {
                self.frames = String::from_utf8_lossy(value).trim().parse().unwrap_or(0);
            }
            Tag(0x0028, 0x0010) => self.rows = number(),
            Tag(0x0028, 0x0011) => self.columns = number(),
            Tag(0x0028, 0x0100) => self.bits = number(),
            _ => {}
        }
    }
}

/// Reads what is needed of a file.
async fn pixels(state: &State, entry: &Entry) -> Result<Pixels, Refused> {
    let encoding = entry.transfer_syntax.encoding();
    let deflated = Encoding::DeflatedExplicitVrLittleEndian;
    if [Encoding::ExplicitVrBigEndian, deflated].contains(&encoding) {
        return Err(not_acceptable());
    }
    let entry = entry.clone();
    let read = state.storage.blocking(move |storage| {
        let (_, mut file) = storage.open_data_set(&entry)?;
        let begin = io::Seek::stream_position(&mut file);
        let pixels = begin.and_then(|begin| read_pixels(&mut file, encoding, begin));
        pixels.map_err(Error::folder("pixel data"))
    });
    Ok(read.await?)
}

fn read_pixels(file: &mut impl Read, encoding: Encoding, begin: u64) -> io::Result<Pixels> {
    let mut reader = Reader::new(encoding.into(), Mode::EnterSequences, Limits::default());
    let (mut pixels, mut position, mut depth) = (Pixels::default(), begin, 0);
    let mut element: Option<(Tag, Vec<u8>)> = None;
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(pixels);
        }
        position += length as u64;
        let mut rest = &buffer[..length];
        while let Some(event) = reader.next(&mut rest).map_err(io::Error::other)? {
            let consumed = |rest: &[u8]| position - rest.len() as u64;
            match event {
                Event::SequenceStart(_) => depth += 1,
                Event::SequenceEnd => depth -= 1,
                Event::Element(header) if depth == 0 && header.tag == Tag::PIXEL_DATA => {
                    pixels.native = Some(consumed(rest));
                    return Ok(pixels);
                }
                Event::Element(header) if depth == 0 && header.tag.0 == 0x0028 => {
                    element = Some((header.tag, Vec::new()));
                }
                // No attribute that is looked for has a long value.
                Event::Value(piece) => {
                    if let Some((_, value)) = element.as_mut().filter(|(_, value)| value.len() < 64) {
                        value.extend_from_slice(piece);
                    }
                }
                Event::ValueEnd => {
                    if let Some((tag, value)) = element.take() {
                        pixels.take(tag, &value);
                    }
                }
                Event::Fragment(length) if depth == 0 => {
                    pixels.fragments.push((consumed(rest), u64::from(length)));
                }
                _ => {}
            }
        }
    }
}

/// The bytes of some ranges of a file, one after the other.
fn bytes(
    state: Arc<State>,
    entry: Entry,
    ranges: Vec<Range>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::iter(ranges)
        .then(move |(begin, length)| {
            let (storage, entry) = (Arc::clone(&state.storage), entry.clone());
            async move {
                let file = storage.blocking(move |storage| storage.open_file(&entry)).await;
                let mut file = tokio::fs::File::from_std(file.map_err(io::Error::other)?);
                file.seek(SeekFrom::Start(begin)).await?;
                Ok::<_, io::Error>(ReaderStream::with_capacity(file.take(length), CHUNK))
            }
        })
        .try_flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_their_bounds() {
        let native = Pixels {
            rows: 2,
            columns: 3,
            samples: 1,
            bits: 16,
            frames: 2,
            native: Some(100),
            fragments: Vec::new(),
        };
        assert_eq!(native.ranges(2), Some(vec![(112, 12)]));
        assert_eq!(native.ranges(3), Some(Vec::new()));
        assert_eq!(Pixels { bits: 1, ..native }.ranges(1), None);
        let fragments = vec![(8, 0), (16, 4), (28, 6)];
        let encapsulated = Pixels { fragments: fragments.clone(), frames: 1, ..Pixels::default() };
        assert_eq!(encapsulated.ranges(1), Some(vec![(16, 4), (28, 6)]));
        let two = Pixels { fragments: fragments.clone(), frames: 2, ..Pixels::default() };
        assert_eq!(two.ranges(2), Some(vec![(28, 6)]));
        let three = Pixels { fragments, frames: 3, ..Pixels::default() };
        assert_eq!(three.ranges(1), None);
        assert_eq!(Pixels::default().ranges(1), Some(Vec::new()));
    }

    #[test]
    fn frame_numbers_begin_with_one() {
        for (text, numbers_read) in
            [("1", Some(vec![1])), ("2,1", Some(vec![2, 1])), ("0", None), ("a", None), ("", None)]
        {
            assert_eq!(numbers(text), numbers_read, "{text}");
        }
    }
}
