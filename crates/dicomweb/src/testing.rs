//! Servers for tests: in this process, on a port of the system's choice.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use futures::StreamExt as _;
use instance::{Identity, TransferSyntax, part10::FileMeta};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::{BaseUrl, BoxError, Client, ClientConfig, Profile, StorePart, Timeouts};

/// Serves a router for as long as the test's runtime lives.
pub(crate) async fn serve(router: Router) -> BaseUrl {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}/dicom-web", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base.parse().unwrap()
}

/// Plays a script on the first connection.
pub(crate) async fn raw<T, F>(
    script: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (BaseUrl, JoinHandle<T>)
where
    F: Future<Output = T> + Send,
    T: Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let task = tokio::spawn(async move { script(listener.accept().await.unwrap().0).await });
    (base.parse().unwrap(), task)
}

/// Reads up to and including these bytes, or to the end.
pub(crate) async fn read_until(socket: &mut (impl tokio::io::AsyncRead + Unpin), end: &[u8]) -> Vec<u8> {
    let mut seen = Vec::new();
    while !seen.ends_with(end) {
        match socket.read_u8().await {
            Ok(byte) => seen.push(byte),
            Err(_) => break,
        }
    }
    seen
}

pub(crate) fn config(base_url: BaseUrl) -> ClientConfig {
    ClientConfig::new(base_url, Profile::standard())
}

pub(crate) fn client(base_url: BaseUrl) -> Client {
    Client::new(config(base_url)).unwrap()
}

/// A client whose profile is not quite the standard one.
pub(crate) fn client_with(base_url: BaseUrl, change: impl FnOnce(&mut Profile)) -> Client {
    let mut config = config(base_url);
    change(&mut config.profile);
    Client::new(config).unwrap()
}

/// Time-outs that pass while a test waits for them.
pub(crate) fn impatient() -> Timeouts {
    const SHORT: Duration = Duration::from_millis(50);
    Timeouts { connect: SHORT, send_idle: SHORT, answer: SHORT, read_idle: SHORT, ..Timeouts::default() }
}

pub(crate) fn identity(sop_instance_uid: &str) -> Identity {
    Identity {
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
        sop_instance_uid: sop_instance_uid.parse().unwrap(),
        study_instance_uid: "1.2.1".parse().unwrap(),
        series_instance_uid: "1.2.2".parse().unwrap(),
    }
}

pub(crate) fn meta(sop_instance_uid: &str) -> FileMeta {
    let Identity { sop_class_uid, sop_instance_uid, .. } = identity(sop_instance_uid);
    let transfer_syntax = TransferSyntax::new("1.2.840.10008.1.2.1".parse().unwrap());
    FileMeta { sop_class_uid, sop_instance_uid, transfer_syntax }
}

/// A part whose data comes in these pieces.
pub(crate) fn part(
    sop_instance_uid: &str,
    length: Option<u64>,
    pieces: Vec<Result<&'static [u8], &'static str>>,
) -> StorePart {
    let pieces = pieces.into_iter().map(|piece| piece.map(Bytes::from_static).map_err(BoxError::from));
    let data = futures::stream::iter(pieces).boxed();
    StorePart { meta: meta(sop_instance_uid), source: None, length, data }
}

/// A small part, whole and of known length.
pub(crate) fn small(sop_instance_uid: &str) -> StorePart {
    part(sop_instance_uid, Some(6), vec![Ok(b"abc"), Ok(b"def")])
}
