//! What a fuzzer does with the bytes that this room reads, and a plain test with the corpus.

use bytes::BytesMut;

use crate::{
    Event, MessageReceiver,
    acse::{self, Policy, acceptor},
    association::{PresentationContext, PresentationContexts, Settings},
    command::Command,
    pdv::{Assembler, Step},
};

/// A target: its name, and what it does with bytes from outside.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("associate_request", acse::fuzz::associate_request),
    ("associate_accept", acse::fuzz::associate_accept),
    ("command_set", command_set),
    ("messages", messages),
    ("connection", connection),
];

/// A command set (PS3.7 §E.1).
///
/// # Panics
/// Where a command does not survive being written.
pub fn command_set(bytes: &[u8]) {
    let Ok((command, has_data_set)) = Command::read(bytes) else { return };
    if matches!(command, Command::Unreadable(_)) {
        return;
    }
    let written = command.write(has_data_set);
    assert_eq!(Command::read(&written), Ok((command, has_data_set)));
}

/// What a stream amounts to, its fragments put together.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Step(Step),
    Bytes(Vec<u8>),
    Failed(String),
}

fn assembled(stream: &[u8], piece: usize) -> Vec<Seen> {
    let context = |id| {
        let uid = |text: &str| text.parse().ok();
        Some(PresentationContext {
            id,
            abstract_syntax: uid("1.2.840.10008.5.1.4.1.1.2")?,
            transfer_syntax: instance::TransferSyntax::new(uid("1.2.840.10008.1.2.1")?),
        })
    };
    let contexts: PresentationContexts = [1, 3].into_iter().filter_map(context).collect();
    let mut assembler = Assembler::new(contexts, 16 * 1024);
    let (mut buffer, mut seen) = (BytesMut::new(), Vec::new());
    for piece in stream.chunks(piece.max(1)) {
        buffer.extend_from_slice(piece);
        loop {
            match assembler.step(&mut buffer) {
                Ok(None) => break,
                Ok(Some(Step::Fragment(fragment))) => match seen.last_mut() {
                    Some(Seen::Bytes(bytes)) => bytes.extend_from_slice(&fragment),
                    _ => seen.push(Seen::Bytes(fragment.to_vec())),
                },
                Ok(Some(step)) => seen.push(Seen::Step(step)),
                Err(error) => {
                    seen.push(Seen::Failed(error.to_string()));
                    return seen;
                }
            }
        }
    }
    seen
}

/// A stream of P-DATA-TF and control PDUs (PS3.8 §9.3.5 and §E); the first byte says how it is cut.
///
/// # Panics
/// Where the pieces change the messages.
pub fn messages(bytes: &[u8]) {
    let Some((piece, stream)) = bytes.split_first() else { return };
    assert_eq!(assembled(stream, stream.len()), assembled(stream, usize::from(*piece)));
}

/// A whole connection, as a peer may send it: A-ASSOCIATE-RQ and what follows.
///
/// # Panics
/// Where no runtime can be made.
pub fn connection(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    assert!(runtime.is_ok(), "a runtime needs no more than memory");
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let stream = tokio::io::join(bytes, tokio::io::sink());
        let settings = Settings { associate_length_max: 64 * 1024, ..Settings::default() };
        let Ok(requested) = acceptor::read_associate_request(stream, settings).await else { return };
        let Ok(accept) = acse::negotiate(requested.request(), &Policy::default()) else { return };
        let Ok(association) = requested.accept(accept).await else { return };
        let (receiver, _sender) = association.split();
        receive(receiver).await;
    });
}

async fn receive<R: tokio::io::AsyncRead + Unpin>(mut receiver: MessageReceiver<R>) {
    while let Ok(Event::Message(_)) = receiver.next_message().await {
        while let Ok(Some(fragment)) = receiver.next_fragment().await {
            assert!(!fragment.is_empty());
        }
    }
}

#[cfg(test)]
#[path = "../../../tests/fuzz/replay.rs"]
mod replay;
