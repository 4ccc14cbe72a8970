//! Reading HTTP/1.1 requests, bodies of known and of unknown length.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;

/// The head of a request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// `Content-Type`, empty where absent.
    pub content_type: String,
    /// All header fields, names in lower case.
    pub headers: BTreeMap<String, String>,
}

pub(super) struct Reader<'a> {
    stream: BufReader<&'a TcpStream>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(stream: &'a TcpStream) -> Self {
        Self { stream: BufReader::with_capacity(64 * 1024, stream) }
    }

    /// The next request's head; nothing at the end of the connection.
    pub(super) fn head(&mut self) -> Option<Request> {
        let line = self.line()?;
        let mut words = line.split(' ');
        let mut request = Request {
            method: words.next()?.to_owned(),
            target: words.next()?.to_owned(),
            ..Request::default()
        };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            request.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        request.content_type = request.headers.get("content-type").cloned().unwrap_or_default();
        Some(request)
    }

    /// The whole body; nothing where the connection ends in it.
    pub(super) fn body(&mut self, head: &Request) -> Option<Vec<u8>> {
        if head.headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
            return self.chunks();
        }
        let length = head.headers.get("content-length").map_or(Some(0), |text| text.parse().ok())?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some(body)
    }

    /// Reads some bytes, whatever they are.
    pub(super) fn discard(&mut self, bytes: usize) {
        let _ = self.stream.read_exact(&mut vec![0; bytes]);
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let length = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
            let start = body.len();
            body.resize(start + length, 0);
            self.stream.read_exact(&mut body[start..]).ok()?;
            self.line()?;
            if length == 0 {
                return Some(body);
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.stream.read_line(&mut line).ok()?;
        (length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
