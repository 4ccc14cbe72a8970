//! Answers to QIDO-RS and WADO-RS: what is stored, or what a test says.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Request, Shared, reset, sop_class, write};

/// How a test lets a question be answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Status, header lines, media type and body.
    Whole(u16, Vec<(&'static str, String)>, &'static str, Vec<u8>),
    /// 200 and the beginning of a body of this media type that is announced to be longer; then the
    /// connection is reset.
    Cut(&'static str, Vec<u8>),
    /// 200 and the beginning of a body of this media type that is announced to be longer, and nothing
    /// more until the origin is released or the client has gone.
    Begun(&'static str, Vec<u8>),
    /// Nothing until the origin is released; then the connection is reset.
    Stall,
}

impl Reply {
    /// A page of search results.
    #[must_use]
    pub fn page(items: &[Value]) -> Self {
        let body = Value::from(items.to_vec()).to_string().into_bytes();
        Self::Whole(200, Vec::new(), "application/dicom+json", body)
    }

    /// A status with an empty body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Whole(status, Vec::new(), "", Vec::new())
    }
}

/// What a test says to each question; nothing where what is stored decides.
pub(super) type Script = dyn Fn(&Request) -> Option<Reply> + Send + Sync;

impl Shared {
    /// False where the connection is over.
    pub(super) fn answer_question(&self, stream: &TcpStream, head: &Request) -> bool {
        let script = self.state().questions.clone();
        match script.and_then(|script| script(head)) {
            None => self.answer_from_store(stream, head),
            Some(Reply::Whole(status, headers, media_type, body)) => {
                let written = write(stream, status, &headers, media_type, &body);
                if !written {
                    self.state().abandoned += 1;
                }
                written
            }
            Some(Reply::Begun(media_type, body)) => {
                begin(stream, media_type, &body);
                self.stall_while_wanted(stream);
                reset(stream);
                false
            }
            Some(Reply::Cut(media_type, body)) => {
                begin(stream, media_type, &body);
                // The end of the stream and no reset: a reset would take from the reader what is on its way.
                let _ = stream.shutdown(std::net::Shutdown::Write);
                false
            }
            Some(Reply::Stall) => {
                self.stall();
                reset(stream);
                false
            }
        }
    }

    /// Waits until the origin is released or the client has closed the connection.
    fn stall_while_wanted(&self, stream: &TcpStream) {
        const LOOK: Duration = Duration::from_millis(20);
        stream.set_read_timeout(Some(LOOK)).expect("a socket");
        let mut from = stream;
        self.state().stalled += 1;
        let gone = loop {
            match from.read(&mut [0]) {
                Ok(1..) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Ok(0) | Err(_) => break true,
            }
            if self.state().released {
                break false;
            }
        };
        let mut state = self.state();
        state.stalled -= 1;
        state.abandoned += usize::from(gone);
    }

    /// QIDO-RS and WADO-RS for what is stored: any UID in the address selects.
    fn answer_from_store(&self, stream: &TcpStream, head: &Request) -> bool {
        let state = self.state();
        let found: Vec<_> = state.stored.iter().filter(|(uid, _)| names(&head.target, uid)).collect();
        let path = head.target.split('?').next().unwrap_or_default();
        let wants_file = found.iter().any(|(uid, _)| path.ends_with(uid.as_str()));
        if wants_file {
            let file = found[0].1.clone();
            drop(state);
            let mut body = b"--part\r\ncontent-type: application/dicom\r\n\r\n".to_vec();
            body.extend(file);
            body.extend_from_slice(b"\r\n--part--\r\n");
            let media_type = "multipart/related; type=\"application/dicom\"; boundary=part";
            return write(stream, 200, &[], media_type, &body);
        }
        let items: Vec<Value> = found
            .iter()
            .map(|(uid, file)| {
                json!({
                    "00080016": {"vr": "UI", "Value": [sop_class(file)]},
                    "00080018": {"vr": "UI", "Value": [uid]},
                })
            })
            .collect();
        drop(state);
        if items.is_empty() && !path.ends_with("instances") && !path.ends_with("studies") {
            return write(stream, 404, &[], "", b"");
        }
        let body = Value::Array(items).to_string();
        write(stream, 200, &[], "application/dicom+json", body.as_bytes())
    }
}

/// Sends the head and the beginning of an answer that is announced to be longer.
fn begin(stream: &TcpStream, media_type: &str, body: &[u8]) {
    let mut to = stream;
    let length = body.len() + 4096;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n");
    let _ = to.write_all(head.as_bytes());
    let _ = to.write_all(body);
}

/// True where the UID stands in an address as a whole.
fn names(target: &str, uid: &str) -> bool {
    target.split(|letter: char| !letter.is_ascii_digit() && letter != '.').any(|word| word == uid)
}
