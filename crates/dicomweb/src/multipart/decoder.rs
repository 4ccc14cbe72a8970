//! The grammar of a multipart body as a push decoder: bytes in, parts out, no input or output.

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memmem::Finder;

use super::Boundary;
use super::reader::ReaderLimits;

/// Blanks accepted behind a delimiter (transport padding, RFC 2046 §5.1.1).
const PADDING_MAX: usize = 64;

/// What the decoder has found next.
#[derive(Debug)]
pub(super) enum Event {
    /// Nothing more without more bytes.
    NeedMore,
    /// A part begins.
    Part(HeaderMap),
    /// Bytes of the part that began last.
    Data(Bytes),
    /// The part that began last is whole.
    PartEnd,
    /// The closing delimiter; what follows is epilogue.
    End,
}

/// Where the body breaks the grammar or a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Nothing in the body is a delimiter, or too much stands before the first.
    #[error("the multipart body has no delimiter")]
    NoDelimiter,
    /// The body ends inside a part, or without the closing delimiter.
    #[error("the multipart body is cut: no closing delimiter")]
    Cut,
    /// A header line of a part is no header line.
    #[error("a part has a malformed header field")]
    Header,
    /// The header fields of a part exceed a limit.
    #[error("the header fields of a part exceed {0}")]
    HeaderTooLarge(&'static str),
    /// More parts than the limit allows.
    #[error("the multipart body has more than {0} parts")]
    TooManyParts(usize),
}

enum State {
    Preamble { skipped: usize },
    Headers { headers: HeaderMap, bytes: usize, count: usize },
    Data { line_end_to_skip: usize },
    PartEnd { closing: bool },
    End,
}

/// What stands behind bytes that look like a delimiter.
enum Behind {
    /// Line end after so many bytes: a part follows.
    Part(usize),
    Closing,
    /// No delimiter after all.
    Data,
    NeedMore,
}

pub(super) struct Decoder {
    /// `--boundary`.
    dash_boundary: Vec<u8>,
    /// Line end and `--boundary`; the line end is the one that the first delimiter line has.
    delimiter: Finder<'static>,
    limits: ReaderLimits,
    buffer: Bytes,
    state: State,
    parts: usize,
}

impl Decoder {
    pub(super) fn new(boundary: &Boundary, limits: ReaderLimits) -> Self {
        let dash_boundary = format!("--{boundary}").into_bytes();
        let delimiter = Finder::new(&[b"\r\n", &dash_boundary[..]].concat()).into_owned();
        let state = State::Preamble { skipped: 0 };
        Self { dash_boundary, delimiter, limits, buffer: Bytes::new(), state, parts: 0 }
    }

    /// Takes the next bytes of the body. Between two calls the decoder is asked for events until it
    /// needs more, so that it never holds more than one chunk and a piece of a line.
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.buffer.is_empty() {
            self.buffer = chunk;
        } else {
            let mut joined = BytesMut::with_capacity(self.buffer.len() + chunk.len());
            joined.extend_from_slice(&self.buffer);
            joined.extend_from_slice(&chunk);
            self.buffer = joined.freeze();
        }
    }

    /// What the end of the body means here.
    pub(super) fn finish(&self) -> Result<(), Malformed> {
        match self.state {
            State::Preamble { .. } => Err(Malformed::NoDelimiter),
            State::Headers { .. } | State::Data { .. } | State::PartEnd { closing: false } => {
                Err(Malformed::Cut)
            }
            State::PartEnd { closing: true } | State::End => Ok(()),
        }
    }

    pub(super) fn next(&mut self) -> Result<Event, Malformed> {
        match self.state {
            State::Preamble { .. } => self.preamble(),
            State::Headers { .. } => self.headers(),
            State::Data { line_end_to_skip } => self.data(line_end_to_skip),
            State::PartEnd { closing } => {
                self.state = if closing { State::End } else { self.new_part()? };
                Ok(Event::PartEnd)
            }
            State::End => {
                self.buffer.clear();
                Ok(Event::End)
            }
        }
    }

    fn new_part(&mut self) -> Result<State, Malformed> {
        self.parts += 1;
        if self.parts > self.limits.parts_max {
            return Err(Malformed::TooManyParts(self.limits.parts_max));
        }
        Ok(State::Headers { headers: HeaderMap::new(), bytes: 0, count: 0 })
    }

    /// Skips lines up to the first delimiter.
    fn preamble(&mut self) -> Result<Event, Malformed> {
        let State::Preamble { skipped } = &mut self.state else { return Ok(Event::NeedMore) };
        loop {
            let line_length = memchr::memchr(b'\n', &self.buffer).map(|at| at + 1);
            let line = &self.buffer[..line_length.unwrap_or(self.buffer.len())];
            if let Some(behind) = line.strip_prefix(&self.dash_boundary[..]) {
                match behind_delimiter(behind) {
                    Behind::Part(_) => {
                        if !line.ends_with(b"\r\n") {
                            let delimiter = [b"\n", &self.dash_boundary[..]].concat();
                            self.delimiter = Finder::new(&delimiter).into_owned();
                        }
                        self.buffer.advance(line_length.unwrap_or(0));
                        self.state = self.new_part()?;
                        return self.headers();
                    }
                    Behind::Closing => {
                        self.state = State::End;
                        return Ok(Event::End);
                    }
                    Behind::NeedMore => return Ok(Event::NeedMore),
                    Behind::Data => {}
                }
            }
            let passed = *skipped + line.len();
            if passed > self.limits.preamble_bytes_max {
                return Err(Malformed::NoDelimiter);
            }
            let Some(length) = line_length else { return Ok(Event::NeedMore) };
            *skipped = passed;
            self.buffer.advance(length);
        }
    }

    /// Reads header lines up to the empty line; the empty line's end stays in the buffer, because it
    /// may be the line end of the next delimiter when a part is empty.
    fn headers(&mut self) -> Result<Event, Malformed> {
        let State::Headers { headers, bytes, count } = &mut self.state else { return Ok(Event::NeedMore) };
        loop {
            let end = memchr::memchr(b'\n', &self.buffer);
            let length = end.map_or(self.buffer.len(), |at| at + 1);
            if *bytes + length > self.limits.header_bytes_max {
                return Err(Malformed::HeaderTooLarge("the bytes allowed"));
            }
            let Some(end) = end else { return Ok(Event::NeedMore) };
            let line = self.buffer[..end].strip_suffix(b"\r").unwrap_or(&self.buffer[..end]);
            if line.is_empty() {
                let headers = std::mem::take(headers);
                self.state = State::Data { line_end_to_skip: length };
                return Ok(Event::Part(headers));
            }
            *count += 1;
            if *count > self.limits.headers_max {
                return Err(Malformed::HeaderTooLarge("the number allowed"));
            }
            let (name, value) = header_field(line).ok_or(Malformed::Header)?;
            headers.append(name, value);
            *bytes += length;
            self.buffer.advance(length);
        }
    }

    fn data(&mut self, line_end_to_skip: usize) -> Result<Event, Malformed> {
        let needle = self.delimiter.needle();
        let mut from = 0;
        let (end, next) = loop {
            let Some(at) = self.delimiter.find(&self.buffer[from..]).map(|at| from + at) else {
                break (possible_start(&self.buffer, needle), None);
            };
            match behind_delimiter(&self.buffer[at + needle.len()..]) {
                Behind::Part(length) => break (at, Some((needle.len() + length, false))),
                Behind::Closing => break (at, Some((needle.len() + 2, true))),
                Behind::NeedMore => break (at, None),
                Behind::Data => from = at + 1,
            }
        };
        // `end` lies before the blank line's end only where the delimiter takes that line end for its own.
        let skip = line_end_to_skip.min(self.buffer.len());
        if end > skip {
            self.buffer.advance(skip);
            let data = self.buffer.split_to(end - skip);
            self.state = State::Data { line_end_to_skip: line_end_to_skip - skip };
            return Ok(Event::Data(data));
        }
        let Some((delimiter, closing)) = next else { return Ok(Event::NeedMore) };
        self.buffer.advance(end + delimiter);
        self.state = State::PartEnd { closing };
        self.next()
    }
}

/// Reads what follows `--boundary`: padding and a line end, two dashes, or neither.
fn behind_delimiter(rest: &[u8]) -> Behind {
    match rest {
        [b'-', b'-', ..] => return Behind::Closing,
        [b'-'] => return Behind::NeedMore,
        _ => {}
    }
    let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    if padding > PADDING_MAX {
        return Behind::Data;
    }
    match rest[padding..] {
        [b'\r', b'\n', ..] => Behind::Part(padding + 2),
        [b'\n', ..] => Behind::Part(padding + 1),
        [] | [b'\r'] => Behind::NeedMore,
        _ => Behind::Data,
    }
}

/// Where the tail of `buffer` may be the beginning of `needle`; the length of the buffer if nowhere.
fn possible_start(buffer: &[u8], needle: &[u8]) -> usize {
    let first = buffer.len().saturating_sub(needle.len() - 1);
    (first..buffer.len()).find(|at| needle.starts_with(&buffer[*at..])).unwrap_or(buffer.len())
}

fn header_field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = memchr::memchr(b':', line)?;
    let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((name, value))
}
