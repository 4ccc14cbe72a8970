//! A server for tests that writes down the bytes it gets and answers as it is told.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{BaseUrl, Client, ClientConfig, Conventions, Credentials};

/// A request as it was on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The request line.
    pub(crate) line: String,
    /// Header fields in their order, names and values as they came.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The value of the only header field of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_slice());
        assert!(found.next().is_none(), "{name} stands once");
        value
    }
}

/// What a server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Play {
    /// Answers with these bytes and closes the connection.
    Answer(Vec<u8>),
    /// Closes the connection.
    Hang,
    /// Reads on and never answers.
    Silence,
}

/// A server that plays one thing after another, and then hangs up on everything.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) base_url: BaseUrl,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) async fn start(plays: impl IntoIterator<Item = Play>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base_url = format!("http://{}/dicomweb", listener.local_addr().unwrap()).parse().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (keep, mut plays) = (Arc::clone(&seen), plays.into_iter().collect::<VecDeque<_>>());
        tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                let Some(request) = read(&mut socket).await else { continue };
                keep.lock().unwrap().push(request);
                match plays.pop_front().unwrap_or(Play::Hang) {
                    Play::Answer(bytes) => {
                        socket.write_all(&bytes).await.unwrap();
                        socket.shutdown().await.unwrap();
                    }
                    Play::Hang => drop(socket),
                    Play::Silence => silent.push(socket),
                }
            }
        });
        Self { base_url, seen }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let credentials = Credentials {
            username: "user@example.org".to_owned(),
            password: "pässword:1".to_owned().into(),
        };
        ClientConfig::new(self.base_url.clone(), Some(credentials))
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.config()).unwrap()
    }

    pub(crate) fn client_with(&self, conventions: Conventions) -> Client {
        Client::new(ClientConfig { conventions, ..self.config() }).unwrap()
    }
}

async fn read(socket: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    // Bytes, not text, so that what is no UTF-8 would show.
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = String::from_utf8(lines.next()?.to_vec()).unwrap();
    let headers: Vec<(String, Vec<u8>)> = lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let colon = line.iter().position(|byte| *byte == b':').unwrap();
            (String::from_utf8(line[..colon].to_vec()).unwrap(), line[colon + 1..].trim_ascii().to_vec())
        })
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or(0, |(_, value)| std::str::from_utf8(value).unwrap().parse().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.ok()?;
    Some(Seen { line, headers, body })
}

/// An answer with this status, these header fields and this body.
pub(crate) fn answer(status: u16, fields: &str, body: &str) -> Play {
    let length = body.len();
    Play::Answer(
        format!("HTTP/1.1 {status} X\r\n{fields}content-length: {length}\r\n\r\n{body}").into_bytes(),
    )
}

/// A JSON answer.
pub(crate) fn json(body: &serde_json::Value) -> Play {
    answer(200, "content-type: application/json\r\n", &body.to_string())
}
