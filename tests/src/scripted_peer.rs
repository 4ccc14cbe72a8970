//! A peer that sends exactly the bytes a test gives it, and tells what came back.

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::wait::DEADLINE;
use crate::wire::{self, Proposal, pdu};

/// A PDU as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    /// Type.
    pub kind: u8,
    /// Everything behind the length.
    pub body: Vec<u8>,
}

/// What a peer received next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A PDU.
    Pdu(Pdu),
    /// The end of the stream, orderly or reset.
    Closed,
}

/// A response in a command set.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status (0000,0900).
    pub status: u16,
    /// Message ID Being Responded To (0000,0120).
    pub message_id: u16,
    /// Error Comment (0000,0902), empty where absent.
    pub error_comment: String,
    /// Offending Element (0000,0901): groups and elements, in the order given.
    pub offending_elements: Vec<(u16, u16)>,
    /// Affected SOP Instance UID (0000,1000), empty where absent.
    pub sop_instance: String,
}

/// A message, put together from the fragments that it came in.
#[derive(Debug, Clone)]
pub struct Message {
    /// The presentation context.
    pub context: u8,
    /// The elements of the command set by their element number.
    pub command: BTreeMap<u16, Vec<u8>>,
    /// The data set, where the command says that there is one.
    pub data_set: Option<Vec<u8>>,
}

/// What an A-ASSOCIATE-AC said.
#[derive(Debug, Clone, Default)]
pub struct Acceptance {
    /// Maximum length received, in bytes; 0 is no limit (PS3.8 §D.1).
    pub maximum_length: u32,
    /// Most operations invoked at once, where an asynchronous operations window was agreed on.
    pub operations_invoked: Option<u16>,
    /// Result and transfer syntax of each presentation context, by its identifier.
    pub contexts: BTreeMap<u8, (u8, String)>,
}

/// A connection that follows the test's script.
pub struct ScriptedPeer {
    stream: TcpStream,
    acceptance: Acceptance,
    /// Presentation data values that were received and not taken: context, control header, fragment.
    values: VecDeque<(u8, u8, Vec<u8>)>,
}

impl ScriptedPeer {
    /// Connects and says nothing.
    ///
    /// # Panics
    /// Where nobody listens.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("somebody listens");
        stream.set_nodelay(true).expect("a socket");
        // A peer that says nothing for so long is a failure of the test, not a wait that it measures.
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
        Self { stream, acceptance: Acceptance::default(), values: VecDeque::new() }
    }

    /// Connects and negotiates; the answer has to be an acceptance.
    ///
    /// # Panics
    /// Where the association is refused.
    #[must_use]
    pub fn associate(address: SocketAddr, proposal: &Proposal) -> Self {
        let mut peer = Self::connect(address);
        peer.send(&proposal.bytes());
        let answer = peer.expect(pdu::ASSOCIATE_AC);
        peer.acceptance = acceptance(&answer.body);
        peer
    }

    /// Connects and negotiates; nothing where nobody listens or the answer is no acceptance.
    ///
    /// # Panics
    /// Never on a socket.
    #[must_use]
    pub fn try_associate(address: SocketAddr, proposal: &Proposal) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
        let mut peer = Self { stream, acceptance: Acceptance::default(), values: VecDeque::new() };
        if !peer.try_send(&proposal.bytes()) {
            return None;
        }
        match peer.receive() {
            Received::Pdu(answer) if answer.kind == pdu::ASSOCIATE_AC => {
                peer.acceptance = acceptance(&answer.body);
                Some(peer)
            }
            _ => None,
        }
    }

    /// What the A-ASSOCIATE-AC said.
    #[must_use]
    pub const fn acceptance(&self) -> &Acceptance {
        &self.acceptance
    }

    /// Bytes of a fragment that fit into one PDU of the other end.
    #[must_use]
    pub fn fragment_length(&self) -> usize {
        match self.acceptance.maximum_length as usize {
            0 => 65_536,
            length => length.saturating_sub(6).min(1 << 20),
        }
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// Where the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the connection takes bytes");
    }

    /// Sends bytes; false where the connection is gone.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next PDU, or the end.
    ///
    /// # Panics
    /// Where nothing comes for longer than any test waits.
    pub fn receive(&mut self) -> Received {
        let mut head = [0; 6];
        if !self.fill(&mut head) {
            return Received::Closed;
        }
        let length = u32::from_be_bytes([head[2], head[3], head[4], head[5]]) as usize;
        assert!(length < 64 << 20, "a PDU of {length} bytes");
        let mut body = vec![0; length];
        if !self.fill(&mut body) {
            return Received::Closed;
        }
        Received::Pdu(Pdu { kind: head[0], body })
    }

    /// The next PDU, which has to be of a type.
    ///
    /// # Panics
    /// Where it is another.
    pub fn expect(&mut self, kind: u8) -> Pdu {
        match self.receive() {
            Received::Pdu(pdu) if pdu.kind == kind => pdu,
            other => panic!("expected a PDU of type {kind}, received {other:02X?}"),
        }
    }

    /// Waits for the end of the stream, whatever comes before it.
    pub fn expect_closed(&mut self) {
        while self.receive() != Received::Closed {}
    }

    /// Waits for a response, whose command may be split over several PDUs.
    ///
    /// # Panics
    /// Where something else comes.
    pub fn expect_response(&mut self) -> Response {
        self.next_response().expect("a response before the end of the connection")
    }

    /// The next response; nothing where the association ends first, by A-ABORT or otherwise.
    ///
    /// # Panics
    /// Where a data set or another PDU comes.
    pub fn next_response(&mut self) -> Option<Response> {
        let mut command = Vec::new();
        loop {
            let body = match self.receive() {
                Received::Pdu(Pdu { kind: pdu::P_DATA, body }) => body,
                Received::Pdu(Pdu { kind: pdu::ABORT, .. }) | Received::Closed => return None,
                other => panic!("expected a response, received {other:02X?}"),
            };
            let mut rest = &body[..];
            while !rest.is_empty() {
                let length = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
                let (control, fragment) = (rest[5], &rest[6..4 + length]);
                assert_eq!(control & 1, 1, "a response to C-ECHO or C-STORE has no data set");
                command.extend_from_slice(fragment);
                if control & 2 != 0 {
                    return Some(Response::read(&wire::read_command_set(&command)));
                }
                rest = &rest[4 + length..];
            }
        }
    }

    /// The next message, whole; nothing where the association ends first, by A-ABORT or otherwise.
    ///
    /// # Panics
    /// Where another PDU comes, or a data set without a command.
    pub fn next_message(&mut self) -> Option<Message> {
        let (mut command, mut data_set) = (Vec::new(), Vec::new());
        loop {
            let (context, control, fragment) = self.next_value()?;
            if control & 1 == 1 {
                command.extend(fragment);
            } else {
                assert!(!command.is_empty(), "a data set without a command");
                data_set.extend(fragment);
            }
            if control & 2 == 0 {
                continue;
            }
            let elements = wire::read_command_set(&command);
            let has_data_set = elements.get(&0x0800).is_some_and(|kind| kind != &[0x01, 0x01]);
            if !has_data_set || control & 1 == 0 {
                return Some(Message {
                    context,
                    command: elements,
                    data_set: has_data_set.then_some(data_set),
                });
            }
        }
    }

    fn next_value(&mut self) -> Option<(u8, u8, Vec<u8>)> {
        while self.values.is_empty() {
            let body = match self.receive() {
                Received::Pdu(Pdu { kind: pdu::P_DATA, body }) => body,
                Received::Pdu(Pdu { kind: pdu::ABORT, .. }) | Received::Closed => return None,
                other => panic!("expected a message, received {other:02X?}"),
            };
            let mut rest = &body[..];
            while !rest.is_empty() {
                let end = 4 + u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
                self.values.push_back((rest[4], rest[5], rest[6..end].to_vec()));
                rest = &rest[end..];
            }
        }
        self.values.pop_front()
    }

    /// Sends a whole command, and waits for the response.
    pub fn ask(&mut self, context: u8, command: &[u8]) -> Response {
        self.send(&wire::p_data(context, true, true, command));
        self.expect_response()
    }

    /// A-RELEASE, which the peer has to answer.
    pub fn release(mut self) {
        self.send(&wire::pdu_of(pdu::RELEASE_RQ, &[0; 4]));
        self.expect(pdu::RELEASE_RP);
    }

    /// Ends the connection with a reset, as a crash or a pulled cable behind a firewall would.
    ///
    /// # Panics
    /// Never on a socket.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO)).expect("a socket");
        drop(self.stream);
    }

    /// Ends the sending direction.
    pub fn close_sending(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn fill(&mut self, buffer: &mut [u8]) -> bool {
        match self.stream.read_exact(buffer) {
            Ok(()) => true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing came for {DEADLINE:?}")
            }
            Err(_) => false,
        }
    }
}

/// Reads the items of an A-ASSOCIATE-AC (PS3.8 §9.3.3).
fn acceptance(body: &[u8]) -> Acceptance {
    let mut found = Acceptance::default();
    for (kind, value) in wire::items(&body[68..]) {
        match kind {
            0x21 => {
                let syntaxes = wire::items(&value[4..]);
                let syntax = syntaxes.first().map_or("", |(_, uid)| std::str::from_utf8(uid).unwrap_or(""));
                found.contexts.insert(value[0], (value[2], syntax.trim_end_matches('\0').to_owned()));
            }
            0x50 => {
                for (kind, value) in wire::items(value) {
                    match kind {
                        0x51 => {
                            found.maximum_length =
                                u32::from_be_bytes([value[0], value[1], value[2], value[3]]);
                        }
                        0x53 => found.operations_invoked = Some(u16::from_be_bytes([value[0], value[1]])),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    found
}

impl Response {
    /// Takes a response out of the elements of its command set.
    ///
    /// # Panics
    /// Where it has no Status or names no request.
    #[must_use]
    pub fn read(elements: &BTreeMap<u16, Vec<u8>>) -> Self {
        let number =
            |element: u16| elements.get(&element).map(|value| u16::from_le_bytes([value[0], value[1]]));
        let text = |element: u16| {
            let value = elements.get(&element).map(|value| String::from_utf8_lossy(value).into_owned());
            value.unwrap_or_default().trim_end_matches(['\0', ' ']).to_owned()
        };
        let offending = elements.get(&0x0901).map(Vec::as_slice).unwrap_or_default();
        Self {
            status: number(0x0900).expect("a response has a Status"),
            message_id: number(0x0120).expect("a response names its request"),
            error_comment: text(0x0902),
            offending_elements: offending
                .chunks_exact(4)
                .map(|tag| (u16::from_le_bytes([tag[0], tag[1]]), u16::from_le_bytes([tag[2], tag[3]])))
                .collect(),
            sop_instance: text(0x1000),
        }
    }
}
