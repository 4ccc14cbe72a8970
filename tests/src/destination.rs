//! A storage that takes what a C-MOVE sends, and does to it what a test says.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use crate::wire::{self, pdu};

/// What becomes of an A-ASSOCIATE-RQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Accepted.
    Accepted,
    /// Rejected: result, source and reason (PS3.8 §9.3.4).
    Rejected(u8, u8, u8),
    /// Not answered until the destination is released.
    Stalled,
    /// The connection is reset.
    Reset,
}

/// What becomes of a C-STORE-RQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// Taken whole, and answered with a status.
    Answered(u16),
    /// A-ABORT once so many bytes of the data set have come.
    Aborted(usize),
    /// The connection is reset once so many bytes of the data set have come.
    Reset(usize),
    /// Nothing more is read once so many bytes of the data set have come, until the destination is
    /// released; then it is taken and answered with success.
    Held(usize),
    /// Taken whole and not answered until the destination is released; then with success.
    NotAnswered,
}

/// An association that was asked for.
#[derive(Debug, Clone)]
pub struct Association {
    /// Called AE title.
    pub called: String,
    /// Calling AE title.
    pub calling: String,
    /// Abstract syntax and transfer syntaxes of each presentation context.
    pub contexts: Vec<(String, Vec<String>)>,
}

/// An instance that came whole.
#[derive(Debug, Clone)]
pub struct Received {
    /// The number of its association.
    pub association: usize,
    /// Affected SOP Class UID.
    pub sop_class: String,
    /// Affected SOP Instance UID.
    pub sop_instance: String,
    /// The transfer syntax of its presentation context.
    pub transfer_syntax: String,
    /// Move Originator AE Title (0000,1030), where given.
    pub move_originator: Option<String>,
    /// Move Originator Message ID (0000,1031), where given.
    pub move_message_id: Option<u16>,
    /// The data set.
    pub data_set: Vec<u8>,
}

type Enter = dyn Fn(usize) -> Entry + Send + Sync;
type Accept = dyn Fn(&str, &str) -> bool + Send + Sync;
type Answer = dyn Fn(usize, &str) -> Store + Send + Sync;

/// What a destination does; everything is taken where nothing else is said.
pub struct Behaviour {
    enter: Box<Enter>,
    accept: Box<Accept>,
    answer: Box<Answer>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            enter: Box::new(|_| Entry::Accepted),
            accept: Box::new(|_, _| true),
            answer: Box::new(|_, _| Store::Answered(0x0000)),
        }
    }
}

impl Behaviour {
    /// What becomes of the association of a number.
    #[must_use]
    pub fn entering(mut self, enter: impl Fn(usize) -> Entry + Send + Sync + 'static) -> Self {
        self.enter = Box::new(enter);
        self
    }

    /// Whether a presentation context of an abstract syntax and a transfer syntax is accepted.
    #[must_use]
    pub fn accepting(mut self, accept: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        self.accept = Box::new(accept);
        self
    }

    /// What becomes of the request of a number, for a SOP Instance UID.
    #[must_use]
    pub fn storing(mut self, answer: impl Fn(usize, &str) -> Store + Send + Sync + 'static) -> Self {
        self.answer = Box::new(answer);
        self
    }
}

#[derive(Default)]
struct State {
    associations: Vec<Association>,
    received: Vec<Received>,
    requests: usize,
    cut: usize,
    open: usize,
    open_most: usize,
    held: usize,
    released: bool,
    orderly: usize,
}

struct Shared {
    behaviour: Behaviour,
    state: Mutex<State>,
    changed: Condvar,
}

/// A listening storage; its threads end with the test.
pub struct Destination {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Destination {
    /// Listens on a free port.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared { behaviour, state: Mutex::default(), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = Arc::clone(&accepting);
                thread::spawn(move || connection.serve(stream));
            }
        });
        Self { shared, address }
    }

    /// The `[[peer]]` table that makes it a destination.
    #[must_use]
    pub fn peer(&self, ae_title: &str) -> String {
        format!("[[peer]]\nae_title = \"{ae_title}\"\naddress = \"{}\"\n", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every wait, and lets none begin.
    pub fn release(&self) {
        self.shared.state().released = true;
        self.shared.changed.notify_all();
    }

    /// Connections that wait for that.
    #[must_use]
    pub fn held(&self) -> usize {
        self.shared.state().held
    }

    /// All associations that were asked for.
    #[must_use]
    pub fn associations(&self) -> Vec<Association> {
        self.shared.state().associations.clone()
    }

    /// All instances that came whole, in their order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// How many instances came whole.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.state().received.len()
    }

    /// Data sets that were begun and did not come to their end.
    #[must_use]
    pub fn cut(&self) -> usize {
        self.shared.state().cut
    }

    /// Most associations that were open at the same time.
    #[must_use]
    pub fn open_most(&self) -> usize {
        self.shared.state().open_most
    }

    /// Associations that are open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.state().open
    }

    /// Associations that were released in order.
    #[must_use]
    pub fn orderly(&self) -> usize {
        self.shared.state().orderly
    }
}

/// An association being served.
struct Serving<'a> {
    shared: &'a Shared,
    stream: TcpStream,
    number: usize,
    contexts: BTreeMap<u8, String>,
}

/// A message that is being received.
#[derive(Default)]
struct Partial {
    command: Vec<u8>,
    elements: BTreeMap<u16, Vec<u8>>,
    data_set: Vec<u8>,
    store: Option<Store>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }

    fn hold(&self) {
        let mut state = self.state();
        state.held += 1;
        let mut state = self.changed.wait_while(state, |state| !state.released).expect("a lock");
        state.held -= 1;
    }

    fn serve(&self, mut stream: TcpStream) {
        stream.set_nodelay(true).expect("a socket");
        let Some((pdu::ASSOCIATE_RQ, request)) = read_pdu(&mut stream) else { return };
        let association = association(&request);
        let number = {
            let mut state = self.state();
            state.associations.push(association);
            state.associations.len() - 1
        };
        match (self.behaviour.enter)(number) {
            Entry::Accepted => {}
            Entry::Rejected(result, source, reason) => {
                let rejection = wire::pdu_of(pdu::ASSOCIATE_RJ, &[0, result, source, reason]);
                let _ = stream.write_all(&rejection);
                let _ = read_pdu(&mut stream);
                return;
            }
            Entry::Stalled => self.hold(),
            Entry::Reset => return reset(&stream),
        }
        let contexts = self.accept(&mut stream, number, &request);
        {
            let mut state = self.state();
            state.open += 1;
            state.open_most = state.open_most.max(state.open);
        }
        let mut serving = Serving { shared: self, stream, number, contexts };
        let mut partial = Partial::default();
        while serving.next(&mut partial).is_some() {}
        let mut state = self.state();
        state.open -= 1;
        state.cut += usize::from(partial.store.is_some());
    }

    fn accept(&self, stream: &mut TcpStream, number: usize, request: &[u8]) -> BTreeMap<u8, String> {
        let proposed = self.state().associations[number].contexts.clone();
        let ids: Vec<u8> = context_ids(request);
        let mut accepted = BTreeMap::new();
        let mut answers = Vec::new();
        for (id, (class, syntaxes)) in ids.into_iter().zip(&proposed) {
            let syntax = syntaxes.iter().find(|syntax| (self.behaviour.accept)(class, syntax));
            if let Some(syntax) = syntax {
                accepted.insert(id, syntax.clone());
            }
            let result = if syntax.is_some() { 0 } else { 4 };
            answers.push((id, result, syntax.unwrap_or(&syntaxes[0]).as_str()));
        }
        let _ = stream.write_all(&wire::acceptance(request, &answers, 65_536));
        accepted
    }
}

impl Serving<'_> {
    /// Reads on; nothing once the association is over.
    fn next(&mut self, partial: &mut Partial) -> Option<()> {
        let (kind, body) = read_pdu(&mut self.stream)?;
        if kind == pdu::RELEASE_RQ {
            self.shared.state().orderly += 1;
            let _ = self.stream.write_all(&wire::pdu_of(pdu::RELEASE_RP, &[0; 4]));
            return None;
        }
        if kind != pdu::P_DATA {
            return None;
        }
        let mut rest = &body[..];
        while !rest.is_empty() {
            let end = 4 + u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
            self.value(rest[4], rest[5], &rest[6..end], partial)?;
            rest = &rest[end..];
        }
        Some(())
    }

    fn value(&mut self, context: u8, control: u8, fragment: &[u8], partial: &mut Partial) -> Option<()> {
        let is_last = control & 2 != 0;
        if control & 1 == 1 {
            partial.command.extend_from_slice(fragment);
            if is_last {
                partial.elements = wire::read_command_set(&std::mem::take(&mut partial.command));
                let number = {
                    let mut state = self.shared.state();
                    state.requests += 1;
                    state.requests - 1
                };
                let uid = text(&partial.elements, 0x1000);
                partial.store = Some((self.shared.behaviour.answer)(number, &uid));
            }
            return Some(());
        }
        partial.data_set.extend_from_slice(fragment);
        let store = partial.store.expect("a data set behind its command");
        let come = partial.data_set.len();
        match store {
            Store::Aborted(bytes) if come >= bytes => {
                let _ = self.stream.write_all(&wire::pdu_of(pdu::ABORT, &[0; 4]));
                while read_pdu(&mut self.stream).is_some() {}
                return None;
            }
            Store::Reset(bytes) if come >= bytes => {
                reset(&self.stream);
                return None;
            }
            Store::Held(bytes) if come >= bytes => {
                self.shared.hold();
                partial.store = Some(Store::Answered(0x0000));
            }
            _ => {}
        }
        if is_last {
            self.taken(context, std::mem::take(partial));
        }
        Some(())
    }

    fn taken(&mut self, context: u8, partial: Partial) {
        let Partial { elements, data_set, store, .. } = partial;
        let number =
            |element: u16| elements.get(&element).map(|value| u16::from_le_bytes([value[0], value[1]]));
        let (sop_class, sop_instance) = (text(&elements, 0x0002), text(&elements, 0x1000));
        let status = match store {
            Some(Store::Answered(status)) => status,
            _ => 0x0000,
        };
        let message_id = number(0x0110).expect("a Message ID");
        let response = wire::store_response(message_id, &sop_class, &sop_instance, status);
        self.shared.state().received.push(Received {
            association: self.number,
            sop_class,
            sop_instance,
            transfer_syntax: self.contexts[&context].clone(),
            move_originator: elements.contains_key(&0x1030).then(|| text(&elements, 0x1030)),
            move_message_id: number(0x1031),
            data_set,
        });
        if store == Some(Store::NotAnswered) {
            self.shared.hold();
        }
        let _ = self.stream.write_all(&wire::p_data(context, true, true, &response));
    }
}

fn text(elements: &BTreeMap<u16, Vec<u8>>, element: u16) -> String {
    let value = elements.get(&element).map(|value| String::from_utf8_lossy(value).into_owned());
    value.unwrap_or_default().trim_end_matches(['\0', ' ']).to_owned()
}

fn read_pdu(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 6];
    stream.read_exact(&mut head).ok()?;
    let mut body = vec![0; u32::from_be_bytes([head[2], head[3], head[4], head[5]]) as usize];
    stream.read_exact(&mut body).ok()?;
    Some((head[0], body))
}

/// Reads an A-ASSOCIATE-RQ (PS3.8 §9.3.2).
fn association(request: &[u8]) -> Association {
    let title = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let contexts = wire::items(&request[68..]).into_iter().filter(|(kind, _)| *kind == 0x20);
    let contexts = contexts.map(|(_, value)| {
        let uid = |(_, uid): &(u8, &[u8])| title(uid);
        let items = wire::items(&value[4..]);
        let (class, syntaxes) = items.split_first().expect("an abstract syntax");
        (uid(class), syntaxes.iter().map(uid).collect())
    });
    Association {
        called: title(&request[4..20]),
        calling: title(&request[20..36]),
        contexts: contexts.collect(),
    }
}

fn context_ids(request: &[u8]) -> Vec<u8> {
    let items = wire::items(&request[68..]).into_iter();
    items.filter(|(kind, _)| *kind == 0x20).map(|(_, value)| value[0]).collect()
}

fn reset(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    let _ = stream.shutdown(Shutdown::Both);
}
