//! A TCP proxy that keeps the bytes of every HTTP request that passes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it was on the wire.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The request line.
    pub line: String,
    /// Header fields in their order: names and values as they came, blanks around the values left out.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, without the marks of its chunks.
    pub body: Vec<u8>,
}

impl Recorded {
    /// The value of the only header field of this name, in whatever case.
    ///
    /// # Panics
    /// Where the field stands twice.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_slice());
        assert!(found.next().is_none(), "{name} stands twice in {}", self.line);
        value
    }

    /// Names of the header fields in small letters, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names
    }
}

/// What the clients of one connection sent.
type Stream = Arc<Mutex<Vec<u8>>>;

/// A proxy in front of one address; its threads end with the test.
pub struct Recorder {
    streams: Arc<Mutex<Vec<Stream>>>,
    address: SocketAddr,
}

impl Recorder {
    /// Listens on a free port.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn to(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let streams = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&streams);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(upstream) = TcpStream::connect(upstream) else { continue };
                let stream = Stream::default();
                all.lock().expect("a list of streams").push(Arc::clone(&stream));
                let (Ok(back), Ok(answers)) = (client.try_clone(), upstream.try_clone()) else { continue };
                thread::spawn(move || pass(answers, back, None));
                thread::spawn(move || pass(client, upstream, Some(stream)));
            }
        });
        Self { streams, address }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every whole request so far, those of one connection in their order.
    ///
    /// # Panics
    /// Where bytes came that are no request.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        let streams = self.streams.lock().expect("a list of streams").clone();
        streams.iter().flat_map(|stream| requests(&stream.lock().expect("the bytes of a stream"))).collect()
    }

    /// Forgets what passed so far.
    ///
    /// # Panics
    /// Never while no other thread has.
    pub fn clear(&self) {
        for stream in self.streams.lock().expect("a list of streams").iter() {
            stream.lock().expect("the bytes of a stream").clear();
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, keep: Option<Stream>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if let Some(stream) = &keep {
            stream.lock().expect("the bytes of a stream").extend_from_slice(&buffer[..length]);
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// The requests that are whole.
fn requests(mut bytes: &[u8]) -> Vec<Recorded> {
    let mut requests = Vec::new();
    while let Some((request, rest)) = request(bytes) {
        requests.push(request);
        bytes = rest;
    }
    requests
}

fn request(bytes: &[u8]) -> Option<(Recorded, &[u8])> {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    let mut lines = bytes[..end].split(|byte| *byte == b'\n');
    let line = String::from_utf8(lines.next()?.trim_ascii().to_vec()).expect("a request line");
    let headers = lines.map(|line| {
        let colon = memchr::memchr(b':', line).expect("a header field");
        let name = String::from_utf8(line[..colon].to_vec()).expect("the name of a header field");
        (name, line[colon + 1..].trim_ascii().to_vec())
    });
    let mut request = Recorded { line, headers: headers.collect(), body: Vec::new() };
    let mut rest = &bytes[end + 4..];
    if request.header("transfer-encoding").is_some() {
        rest = chunks(rest, &mut request.body)?;
    } else if let Some(length) = request.header("content-length") {
        let length = std::str::from_utf8(length).ok()?.parse().expect("a length");
        let (body, after) = rest.split_at_checked(length)?;
        request.body = body.to_vec();
        rest = after;
    }
    Some((request, rest))
}

/// A body in chunks (RFC 9112 §7.1) without trailers; gives what stands behind it.
fn chunks<'a>(mut bytes: &'a [u8], body: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let end = memchr::memmem::find(bytes, b"\r\n")?;
        let length = std::str::from_utf8(&bytes[..end]).expect("the length of a chunk");
        let length = usize::from_str_radix(length, 16).expect("the length of a chunk");
        let (chunk, rest) = bytes[end + 2..].split_at_checked(length + 2)?;
        body.extend_from_slice(&chunk[..length]);
        bytes = rest;
        if length == 0 {
            return Some(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::requests;

    #[test]
    fn whole_requests_are_taken_apart() {
        let bytes =
            b"POST / HTTP/1.1\r\nA: b \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n\
            POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\nefGET /y HTTP/1.1\r\n\r\nGET /z HTTP";
        let seen = requests(bytes);
        let seen: Vec<_> = seen.iter().map(|one| (one.line.as_str(), one.body.as_slice())).collect();
        let expected: [(&str, &[u8]); 3] =
            [("POST / HTTP/1.1", b"abcd"), ("POST /x HTTP/1.1", b"ef"), ("GET /y HTTP/1.1", b"")];
        assert_eq!(seen, expected);
    }
}
