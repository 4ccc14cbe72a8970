use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::*;
use crate::{
    Error, Misbehaviour, Status,
    association::{Negotiated, PresentationContext, PresentationContexts, Settings},
    command::{CStoreRq, Operation, Priority, Response},
};

fn negotiated(peer_max_pdu_length: u32) -> Negotiated {
    let context = |id| PresentationContext {
        id,
        abstract_syntax: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
        transfer_syntax: instance::TransferSyntax::new("1.2.840.10008.1.2.1".parse().unwrap()),
    };
    Negotiated {
        contexts: PresentationContexts::from_iter([context(1), context(3)]),
        own_max_pdu_length: 4096,
        peer_max_pdu_length,
        operations_invoked_max: 1,
        operations_performed_max: 1,
        role_selections: Vec::new(),
        extended_negotiations: Vec::new(),
    }
}

fn store_rq() -> Command {
    Command::CStoreRq(CStoreRq {
        message_id: 1,
        priority: Priority::Medium,
        affected_sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
        affected_sop_instance_uid: "1.2.3".parse().unwrap(),
        move_originator: None,
    })
}

fn store_rsp() -> Command {
    Command::Rsp(Response::new(Operation::CStore, 1, Status::SUCCESS))
}

fn value(context: u8, control: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&length[..], &[context, control], content].concat()
}

fn p_data(values: &[u8]) -> Vec<u8> {
    [&[4, 0], &u32::try_from(values.len()).unwrap().to_be_bytes()[..], values].concat()
}

/// One data set of bytes that tell their place.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

/// What a receiver makes of a stream, in short: commands, whole data sets, and how it ended.
#[derive(Debug, PartialEq, Eq)]
enum Received {
    Command(Command),
    DataSet(Vec<u8>),
    Release,
}

/// Feeds `bytes` in pieces and collects what comes out.
fn assemble(bytes: &[u8], pieces: &[usize]) -> Result<Vec<Received>, Error> {
    let negotiated = negotiated(0);
    let mut assembler =
        crate::pdv::Assembler::new(negotiated.contexts.clone(), negotiated.own_max_pdu_length);
    let (mut buffer, mut received, mut data_set) = (BytesMut::new(), Vec::new(), Vec::new());
    let (mut left, mut pieces) = (bytes, pieces.iter().cycle());
    loop {
        while let Some(step) = assembler.step(&mut buffer)? {
            match step {
                crate::pdv::Step::Message(message) => received.push(Received::Command(message.command)),
                crate::pdv::Step::Fragment(fragment) => {
                    assert!(!fragment.is_empty());
                    data_set.extend_from_slice(&fragment);
                }
                crate::pdv::Step::DataSetEnd => {
                    received.push(Received::DataSet(std::mem::take(&mut data_set)))
                }
                crate::pdv::Step::ReleaseRequest => received.push(Received::Release),
                crate::pdv::Step::ReleaseResponse => unreachable!("the streams hold none"),
            }
        }
        if left.is_empty() {
            return Ok(received);
        }
        let (piece, rest) = left.split_at((*pieces.next().unwrap()).clamp(1, left.len()));
        buffer.extend_from_slice(piece);
        left = rest;
    }
}

proptest! {
    /// Any split into values, PDUs and reads of the stream gives the same messages.
    #[test]
    fn any_packing_gives_the_same_message(
        length in 0_usize..3000,
        values in proptest::collection::vec(0_usize..700, 1..8),
        per_pdu in proptest::collection::vec(1_usize..5, 1..4),
        reads in proptest::collection::vec(1_usize..900, 1..6),
    ) {
        let (command, data) = (store_rq().write(true), content(length));
        let mut fragments = Vec::new();
        for (content, kind) in [(&command, 1), (&data, 0)] {
            let (mut left, mut sizes) = (content.as_slice(), values.iter().cycle());
            loop {
                let size = (*sizes.next().unwrap()).min(left.len());
                let (taken, rest) = left.split_at(size);
                left = rest;
                // An all-zero choice of sizes would never come to an end.
                let is_last = left.is_empty() || values.iter().all(|size| *size == 0);
                let taken = if is_last { &content[content.len() - left.len() - taken.len()..] } else { taken };
                fragments.push(value(1, kind | if is_last { 2 } else { 0 }, taken));
                if is_last {
                    break;
                }
            }
        }
        let mut stream = Vec::new();
        let (mut left, mut counts) = (fragments.as_slice(), per_pdu.iter().cycle());
        while !left.is_empty() {
            let mut count = (*counts.next().unwrap()).min(left.len());
            while count > 1 && left[..count].concat().len() > 4096 {
                count -= 1;
            }
            let (taken, rest) = left.split_at(count);
            stream.extend(p_data(&taken.concat()));
            left = rest;
        }
        stream.extend(crate::pdu::release_rq());
        let expected = vec![Received::Command(store_rq()), Received::DataSet(data), Received::Release];
        prop_assert_eq!(assemble(&stream, &reads).unwrap(), expected);
    }

    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..400), read in 1_usize..50) {
        let _ = assemble(&noise, &[read]);
    }

    #[test]
    fn damaged_streams_never_panic(at in 0_usize..2000, with in any::<u8>(), read in 1_usize..500) {
        let mut stream = p_data(&[value(1, 3, &store_rq().write(true)), value(1, 0, &content(500))].concat());
        stream.extend(p_data(&value(1, 2, &content(501))));
        let at = at % stream.len();
        stream[at] = with;
        let _ = assemble(&stream, &[read]);
    }
}

/// PS3.8 §9.3.5, §E.2: what a stream of presentation data values must not be.
#[test]
fn broken_packing_is_the_peers_fault() {
    use Misbehaviour as M;
    let (rq, rsp) = (store_rq().write(true), store_rsp().write(false));
    let command = value(1, 3, &rq);
    let mut crossing = p_data(&value(1, 0, &[0; 10]));
    crossing[9] += 1;
    let cases: Vec<(&str, Vec<u8>, Misbehaviour)> = vec![
        ("data before a command", p_data(&value(1, 2, &[0; 4])), M::DataSetWithoutCommand),
        (
            "data inside a command",
            p_data(&[value(1, 1, &rq[..20]), value(1, 0, &[0; 4])].concat()),
            M::DataSetWithoutCommand,
        ),
        (
            "data after a command that has none",
            p_data(&[value(1, 3, &rsp), value(1, 2, &[0; 4])].concat()),
            M::DataSetWithoutCommand,
        ),
        (
            "a command inside a data set",
            p_data(&[command.clone(), command.clone()].concat()),
            M::CommandInsideDataSet,
        ),
        ("a context that was not accepted", p_data(&value(5, 3, &rq)), M::PresentationContextNotAccepted(5)),
        ("an even context", p_data(&value(2, 3, &rq)), M::PresentationContextNotAccepted(2)),
        (
            "another context for the data",
            p_data(&[command.clone(), value(3, 2, &[0; 4])].concat()),
            M::PresentationContextChanged(1, 3),
        ),
        (
            "another context inside a command",
            p_data(&[value(1, 1, &rq[..20]), value(3, 3, &rq[20..])].concat()),
            M::PresentationContextChanged(1, 3),
        ),
        ("value length 0", p_data(&[0, 0, 0, 0, 1, 3]), M::PresentationDataValueLength(0)),
        ("value length 1", p_data(&[0, 0, 0, 1, 1, 3]), M::PresentationDataValueLength(1)),
        ("a value across the end of its PDU", crossing, M::PresentationDataValueLength(13)),
        (
            "a remainder too short for a value",
            p_data(&[&command[..], &[0; 3]].concat()),
            M::PresentationDataValueLength(3),
        ),
        ("an empty PDU", p_data(&[]), M::MalformedPdu(4)),
        ("a PDU too short for a value", p_data(&[0; 5]), M::MalformedPdu(4)),
        (
            "a PDU above our maximum",
            vec![4, 0, 0, 0, 0x10, 1],
            M::PduTooLong { pdu_type: 4, length: 4097, limit: 4096 },
        ),
        (
            "4 GiB announced",
            vec![4, 0, 0xFF, 0xFF, 0xFF, 0xFF],
            M::PduTooLong { pdu_type: 4, length: u32::MAX, limit: 4096 },
        ),
        (
            "an endless command",
            (0..9).flat_map(|_| p_data(&value(1, 1, &[0; 4000]))).collect(),
            M::CommandSetTooLong(crate::command::COMMAND_SET_LENGTH_MAX),
        ),
        (
            "a command without command field",
            p_data(&value(1, 3, &[])),
            M::CommandSet(instance::Tag(0, 0x0100)),
        ),
        (
            "release inside a data set",
            [p_data(&command), vec![5, 0, 0, 0, 0, 4, 0, 0, 0, 0]].concat(),
            M::ReleaseInsideMessage,
        ),
        ("a release of a wrong length", vec![5, 0, 0, 0, 0, 3, 0, 0, 0], M::MalformedPdu(5)),
        ("garbage", b"GET / HTTP/1.1\r\n\r\n".to_vec(), M::UnrecognizedPdu(b'G')),
        ("a TLS handshake", vec![0x16, 3, 1, 2, 0, 1], M::UnrecognizedPdu(0x16)),
        ("PDU type 0", vec![0; 6], M::UnrecognizedPdu(0)),
        ("PDU type 8", vec![8, 0, 0, 0, 0, 0], M::UnrecognizedPdu(8)),
    ];
    for (what, stream, expected) in cases {
        for reads in [&[1][..], &[5], &[100_000]] {
            let found = assemble(&stream, reads);
            let Err(Error::PeerMisbehaved(found)) = found else { panic!("{what}: {found:?}") };
            assert_eq!(found, expected, "{what}");
        }
    }
}

/// What an observer sees of the PDUs that a sender wrote: length of the variable field, control header, content.
async fn sent(
    peer_max_pdu_length: u32,
    command: &Command,
    data_set: Option<Vec<io::Result<Bytes>>>,
) -> (Result<(), Error>, Vec<(u32, u8, Vec<u8>)>) {
    let (ours, mut theirs) = tokio::io::duplex(1 << 20);
    let settings = Settings { sent_pdu_length_max: 5000, ..Settings::default() };
    let mut sender = MessageSender::new(ours, &negotiated(peer_max_pdu_length), &settings);
    let result = match data_set {
        Some(pieces) => sender.send(1, command, stream::iter(pieces)).await,
        None => sender.send_command(1, command).await,
    };
    drop(sender);
    let mut bytes = Vec::new();
    theirs.read_to_end(&mut bytes).await.unwrap();
    let (mut left, mut pdus) = (bytes.as_slice(), Vec::new());
    while let Some((head, rest)) = left.split_first_chunk::<12>() {
        let field = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
        assert_eq!((head[0], head[1], head[10]), (4, 0, 1));
        assert_eq!(field(2), field(6) + 4, "one value fills its PDU");
        let (content, rest) = rest.split_at(usize::try_from(field(6)).unwrap() - 2);
        pdus.push((field(2), head[11], content.to_vec()));
        left = rest;
    }
    assert!(left.is_empty());
    (result, pdus)
}

#[tokio::test]
async fn sends_at_the_peers_maximum_in_separate_pdus() {
    // Maximum length of the peer, and the longest variable field that results: even content, our own cap.
    let cases = [(0, 5000), (1000, 1000), (1001, 1000), (8, 8), (9, 8), (4_000_000_000, 5000)];
    for (peer, longest) in cases {
        for length in [0, 1, 2, 994, 995, 4994, 4995, 20_000] {
            if peer < 100 && length > 1000 {
                continue;
            }
            let data = content(length);
            let pieces = data.chunks(700).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            let (result, pdus) = sent(peer, &store_rq(), Some(pieces)).await;
            result.unwrap();
            let (commands, values): (Vec<_>, Vec<_>) =
                pdus.into_iter().partition(|(_, control, _)| control & 1 == 1);
            for (kind, whole) in [(&commands, store_rq().write(true)), (&values, data)] {
                let (last, before) = kind.split_last().unwrap();
                assert_eq!(last.1 & 2, 2);
                assert!(before.iter().all(|(field, control, _)| control & 2 == 0 && *field == longest));
                assert!(last.0 <= longest, "{peer} {length}");
                let sent: Vec<u8> = kind.iter().flat_map(|(_, _, content)| content.clone()).collect();
                assert_eq!(sent, whole, "{peer} {length}");
            }
        }
    }
}

/// What is pushed is written as if each message had been sent by itself, in fewer writes.
#[tokio::test]
async fn pushed_messages_are_written_in_order() {
    let data_sets: Vec<_> = [0, 1, 10, 600, 994, 995, 5000, 20_000, 3].map(content).into();
    let write = async |pushes: bool| {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        let mut sender = MessageSender::new(ours, &negotiated(1000), &Settings::default());
        for data_set in &data_sets {
            let data_set = Bytes::copy_from_slice(data_set);
            if pushes {
                sender.push(1, &store_rq(), Some(data_set)).unwrap();
                sender.push(3, &store_rsp(), None).unwrap();
            } else {
                sender.send(1, &store_rq(), stream::iter([Ok(data_set)])).await.unwrap();
                sender.send_command(3, &store_rsp()).await.unwrap();
            }
        }
        let pushed = sender.pushed_length();
        sender.flush().await.unwrap();
        assert_eq!(sender.pushed_length(), 0);
        drop(sender);
        let mut bytes = Vec::new();
        theirs.read_to_end(&mut bytes).await.unwrap();
        (pushed, bytes)
    };
    let (none, sent) = write(false).await;
    let (all, pushed) = write(true).await;
    assert_eq!((none, all), (0, sent.len()));
    assert_eq!(pushed, sent);
}

/// Keeps what each write was given.
#[derive(Default)]
struct Writes(Vec<Vec<u8>>);

impl AsyncWrite for Writes {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.push(bytes.to_vec());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let joined: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        self.poll_write(context, &joined)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The peer wakes for a command only where there is nothing yet to go with it.
#[tokio::test]
async fn a_command_goes_out_with_what_is_at_hand() {
    let request = store_rq();
    let command = p_data(&value(1, 3, &request.write(true)));
    let settings = Settings::default();
    let mut writes = Writes::default();
    let mut sender = MessageSender::new(&mut writes, &negotiated(1000), &settings);
    let data_set = stream::iter([Ok(Bytes::from(content(3000)))]).chain(stream::pending());
    {
        let sending = std::pin::pin!(sender.send(1, &request, data_set));
        assert!(futures::poll!(sending).is_pending());
    }
    drop(sender);
    assert_eq!(writes.0.len(), 1, "one write");
    assert!(writes.0[0].starts_with(&command) && writes.0[0].len() > command.len() + 2000);

    let mut writes = Writes::default();
    let mut sender = MessageSender::new(&mut writes, &negotiated(1000), &settings);
    {
        let sending = std::pin::pin!(sender.send(1, &request, stream::pending()));
        assert!(futures::poll!(sending).is_pending());
    }
    drop(sender);
    assert_eq!(writes.0, [command]);
}

/// A cut object never looks whole.
#[tokio::test]
async fn a_cut_stream_never_gets_a_last_fragment() {
    for good in [0, 1, 5, 20] {
        let mut pieces: Vec<_> = (0..good).map(|_| Ok(Bytes::from(content(700)))).collect();
        pieces.push(Err(io::ErrorKind::UnexpectedEof.into()));
        let (result, pdus) = sent(1000, &store_rq(), Some(pieces)).await;
        assert!(matches!(result, Err(Error::Source(_))), "{good}");
        assert!(pdus.iter().all(|(_, control, _)| control & 3 != 2), "{good}");
    }
}

#[tokio::test]
async fn an_unfinished_message_can_only_be_aborted() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 20);
    let mut sender = MessageSender::new(ours, &negotiated(1000), &Settings::default());
    let cut = stream::iter([Ok(Bytes::from(content(3000))), Err(io::ErrorKind::Other.into())]);
    assert!(matches!(sender.send(1, &store_rq(), cut).await, Err(Error::Source(_))));
    assert!(matches!(sender.send_command(1, &store_rsp()).await, Err(Error::Unfinished)));
    assert!(matches!(sender.push(1, &store_rsp(), None), Err(Error::Unfinished)));
    assert!(matches!(sender.release_response().await, Err(Error::Unfinished)));
    sender.abort(crate::Abort::SERVICE_USER).await;
    assert!(matches!(sender.send_command(1, &store_rsp()).await, Err(Error::Ended)));
    let mut bytes = Vec::new();
    theirs.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes[bytes.len() - 10..], crate::pdu::abort(crate::Abort::SERVICE_USER));
}

/// A send that is cancelled inside a PDU leaves the rest behind, and the next call writes it first.
#[tokio::test]
async fn a_pdu_once_begun_is_finished() {
    let (ours, mut theirs) = tokio::io::duplex(16);
    let mut sender = MessageSender::new(ours, &negotiated(0), &Settings::default());
    let response = store_rsp();
    {
        let mut sending = std::pin::pin!(sender.send_command(1, &response));
        assert!(futures::poll!(&mut sending).is_pending());
    }
    let (result, bytes) = tokio::join!(
        async {
            let result = sender.send_command(1, &response).await;
            drop(sender);
            result
        },
        async {
            let mut bytes = Vec::new();
            theirs.read_to_end(&mut bytes).await.unwrap();
            bytes
        }
    );
    result.unwrap();
    let once = p_data(&value(1, 3, &response.write(false)));
    assert_eq!(bytes, [once.clone(), once].concat());
}

fn receiver(stream: tokio::io::DuplexStream) -> MessageReceiver<tokio::io::DuplexStream> {
    MessageReceiver::new(stream, &negotiated(0), &Settings::default())
}

/// Dropping a pending future loses nothing, wherever it happens.
#[tokio::test]
async fn receiving_is_cancel_safe() {
    let data = content(3000);
    let mut stream = p_data(&value(1, 3, &store_rq().write(true)));
    stream.extend(p_data(&value(1, 0, &data[..2000])));
    stream.extend(p_data(&value(1, 2, &data[2000..])));
    stream.extend(p_data(&value(1, 3, &store_rsp().write(false))));
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let mut receiver = receiver(ours);
    let mut received = Vec::new();
    let (mut in_data_set, mut fragments) = (false, Vec::new());
    for byte in stream {
        theirs.write_all(&[byte]).await.unwrap();
        loop {
            if in_data_set {
                let Poll::Ready(fragment) = futures::poll!(std::pin::pin!(receiver.next_fragment())) else {
                    break;
                };
                match fragment.unwrap() {
                    Some(fragment) => fragments.extend_from_slice(&fragment),
                    None => in_data_set = false,
                }
            } else {
                let Poll::Ready(event) = futures::poll!(std::pin::pin!(receiver.next_message())) else {
                    break;
                };
                let Event::Message(message) = event.unwrap() else { panic!("no release was sent") };
                in_data_set = message.has_data_set;
                received.push(message.command);
            }
        }
    }
    assert_eq!(received, [store_rq(), store_rsp()]);
    assert_eq!(fragments, data);
}

#[tokio::test]
async fn an_undrained_data_set_is_skipped_and_the_buffer_returned() {
    let mut stream = Vec::new();
    for _ in 0..3 {
        stream.extend(p_data(&[value(1, 3, &store_rq().write(true)), value(1, 0, &content(2000))].concat()));
        stream.extend(p_data(&value(1, 2, &[])));
    }
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let mut receiver = receiver(ours);
    theirs.write_all(&stream).await.unwrap();
    for _ in 0..3 {
        let event = receiver.next_message().await.unwrap();
        assert!(matches!(event, Event::Message(Message { command: Command::CStoreRq(_), .. })));
    }
    assert!(futures::poll!(std::pin::pin!(receiver.next_message())).is_pending());
    assert_eq!(receiver.buffered_capacity(), 0);
    assert_eq!(receiver.next_fragment().await.unwrap(), None);
}
