//! C-FIND as service class user (PS3.4 §C.4.1.2): identifiers put together element by element, and
//! answers taken apart again.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use instance::Tag;

use crate::instances::{EXPLICIT_VR_LITTLE_ENDIAN, element};
use crate::scripted_peer::{Response, ScriptedPeer};
use crate::wire::{self, Proposal};

/// Patient Root Query/Retrieve Information Model - FIND (PS3.4 §C.6.1.3).
pub const PATIENT_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.1.1";
/// Study Root Query/Retrieve Information Model - FIND (PS3.4 §C.6.2.3).
pub const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
/// Patient/Study Only Query/Retrieve Information Model - FIND, retired (PS3.4-2004 §C.6.3).
pub const PATIENT_STUDY_ONLY_FIND: &str = "1.2.840.10008.5.1.4.1.2.3.1";

/// The presentation context for the information model.
const CONTEXT: u8 = 1;
/// The one for C-ECHO.
const ECHO_CONTEXT: u8 = 3;

/// Elements in the order of a data set, in Explicit VR Little Endian.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identifier(BTreeMap<Tag, Vec<u8>>);

impl Identifier {
    /// One with a Query/Retrieve Level and nothing else.
    #[must_use]
    pub fn of_level(level: &str) -> Self {
        Self::default().with(Tag(0x0008, 0x0052), "CS", level)
    }

    /// Adds an element, in place of what stood there.
    #[must_use]
    pub fn with(self, tag: Tag, vr: &str, value: impl AsRef<[u8]>) -> Self {
        let bytes = element(tag.group(), tag.element(), vr, value.as_ref());
        self.with_bytes(tag, bytes)
    }

    /// Adds an element as it stands in the data set, right or wrong.
    #[must_use]
    pub fn with_bytes(mut self, tag: Tag, bytes: Vec<u8>) -> Self {
        self.0.insert(tag, bytes);
        self
    }

    /// Asks for an element that is not there yet, without a value.
    #[must_use]
    pub fn with_unless_there(self, tag: Tag, vr: &str) -> Self {
        if self.0.contains_key(&tag) { self } else { self.with(tag, vr, "") }
    }

    /// Adds a sequence.
    #[must_use]
    pub fn with_items(self, tag: Tag, items: &[Self]) -> Self {
        let mut value = Vec::new();
        for item in items {
            let bytes = item.bytes();
            value.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0]);
            value.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
            value.extend(bytes);
        }
        self.with(tag, "SQ", value)
    }

    /// The data set.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.0.values().flatten().copied().collect()
    }
}

/// What an element of an answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A value as it was sent.
    Bytes(Vec<u8>),
    /// The items of a sequence.
    Items(Vec<Elements>),
}

/// The elements of an answer or of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elements(BTreeMap<Tag, Content>);

impl Elements {
    /// Reads a data set in Explicit VR Little Endian (PS3.5 §7.1.2).
    ///
    /// # Panics
    /// Where it is cut, out of order or not whole.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let (elements, rest) = Self::read_until_delimiter(bytes);
        assert!(rest.is_empty(), "an item delimiter outside of an item");
        elements
    }

    /// Reads up to an Item Delimitation Item or the end, and gives what is behind it.
    fn read_until_delimiter(mut bytes: &[u8]) -> (Self, &[u8]) {
        let mut elements = BTreeMap::new();
        while !bytes.is_empty() {
            let tag = read_tag(bytes);
            if tag == Tag(0xFFFE, 0xE00D) {
                return (Self(elements), &bytes[8..]);
            }
            assert!(elements.last_key_value().is_none_or(|(last, _)| *last < tag), "{tag} is out of order");
            let vr = std::str::from_utf8(&bytes[4..6]).expect("a VR");
            let long =
                matches!(vr, "OB" | "OD" | "OF" | "OL" | "OV" | "OW" | "SQ" | "UC" | "UN" | "UR" | "UT");
            let (length, start) = if long {
                (u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize, 12)
            } else {
                (usize::from(u16::from_le_bytes([bytes[6], bytes[7]])), 8)
            };
            let (content, end) = match vr {
                "SQ" => read_items(&bytes[start..], length),
                _ => {
                    assert!(length % 2 == 0, "{tag} has the odd length {length}");
                    (Content::Bytes(bytes[start..start + length].to_vec()), length)
                }
            };
            elements.insert(tag, content);
            bytes = &bytes[start + end..];
        }
        (Self(elements), bytes)
    }

    /// The value as it was sent; nothing where the element is absent or a sequence.
    #[must_use]
    pub fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        match self.0.get(&tag)? {
            Content::Bytes(bytes) => Some(bytes),
            Content::Items(_) => None,
        }
    }

    /// The value as UTF-8 without padding; nothing where the element is absent.
    ///
    /// # Panics
    /// Where it is in another character set.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<&str> {
        let text = std::str::from_utf8(self.bytes(tag)?).expect("a value in UTF-8");
        Some(text.trim_end_matches(['\0', ' ']))
    }

    /// The items of a sequence; none where it is absent.
    #[must_use]
    pub fn items(&self, tag: Tag) -> &[Self] {
        match self.0.get(&tag) {
            Some(Content::Items(items)) => items,
            _ => &[],
        }
    }

    /// Whether the element is there, with or without a value.
    #[must_use]
    pub fn has(&self, tag: Tag) -> bool {
        self.0.contains_key(&tag)
    }

    /// The tags, in order.
    #[must_use]
    pub fn tags(&self) -> Vec<Tag> {
        self.0.keys().copied().collect()
    }
}

fn read_tag(bytes: &[u8]) -> Tag {
    Tag(u16::from_le_bytes([bytes[0], bytes[1]]), u16::from_le_bytes([bytes[2], bytes[3]]))
}

/// Items of defined or undefined length (PS3.5 §7.5), and how many bytes they take.
fn read_items(bytes: &[u8], length: usize) -> (Content, usize) {
    const UNDEFINED: usize = 0xFFFF_FFFF;
    let (mut items, mut at) = (Vec::new(), 0);
    while length == UNDEFINED || at < length {
        let tag = read_tag(&bytes[at..]);
        let item = u32::from_le_bytes([bytes[at + 4], bytes[at + 5], bytes[at + 6], bytes[at + 7]]) as usize;
        at += 8;
        if tag == Tag(0xFFFE, 0xE0DD) {
            return (Content::Items(items), at);
        }
        assert_eq!(tag, Tag(0xFFFE, 0xE000), "an item");
        if item == UNDEFINED {
            let (elements, rest) = Elements::read_until_delimiter(&bytes[at..]);
            items.push(elements);
            at = bytes.len() - rest.len();
        } else {
            items.push(Elements::read(&bytes[at..at + item]));
            at += item;
        }
    }
    (Content::Items(items), at)
}

/// A pending response.
#[derive(Debug, Clone)]
pub struct Answer {
    /// FF00 or FF01.
    pub status: u16,
    /// Its identifier.
    pub elements: Elements,
}

/// Everything that came back to one C-FIND.
#[derive(Debug, Clone)]
pub struct Found {
    /// Pending responses in the order in which they came.
    pub answers: Vec<Answer>,
    /// The final response.
    pub last: Response,
}

/// A response, pending or final.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A pending one, and the Message ID that it answers.
    Pending(u16, Answer),
    /// The final one to a C-FIND, or one to a C-ECHO.
    Final(Response),
}

/// An association for C-FIND in one information model, and C-ECHO.
pub struct Finder {
    peer: ScriptedPeer,
    model: &'static str,
    message_id: u16,
}

impl Finder {
    /// Opens an association as `MODALITY` without extended negotiation.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn open(address: SocketAddr, model: &'static str) -> Self {
        Self::open_with(address, model, &[], |_| {})
    }

    /// Opens an association that negotiates relational queries, combined date-time matching and fuzzy
    /// semantic matching, one byte each (PS3.4 §C.5.1.1), where `extended` has any; `change` may alter the
    /// proposal.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn open_with(
        address: SocketAddr,
        model: &'static str,
        extended: &[u8],
        change: impl FnOnce(&mut Proposal),
    ) -> Self {
        let syntaxes: &[&str] = &[EXPLICIT_VR_LITTLE_ENDIAN];
        let mut proposal = Proposal::new(&[(model, syntaxes), (wire::VERIFICATION, syntaxes)]);
        if !extended.is_empty() {
            proposal.extended_negotiations.push((model.to_owned(), extended.to_vec()));
        }
        change(&mut proposal);
        Self { peer: ScriptedPeer::associate(address, &proposal), model, message_id: 0 }
    }

    /// The connection, for what goes beyond C-FIND.
    pub const fn peer(&mut self) -> &mut ScriptedPeer {
        &mut self.peer
    }

    /// Sends an identifier and takes every response.
    ///
    /// # Panics
    /// Where the association ends before the final one.
    pub fn find(&mut self, identifier: &Identifier) -> Found {
        self.find_bytes(&identifier.bytes())
    }

    /// The same with an identifier that may be none.
    ///
    /// # Panics
    /// As [`Self::find`].
    pub fn find_bytes(&mut self, identifier: &[u8]) -> Found {
        self.begin(identifier);
        self.rest()
    }

    /// Sends a request and its identifier; its Message ID.
    pub fn begin(&mut self, identifier: &[u8]) -> u16 {
        self.message_id += 1;
        self.peer.send(&wire::p_data(CONTEXT, true, true, &wire::find_request(self.message_id, self.model)));
        let mut fragments = identifier.chunks(self.peer.fragment_length()).peekable();
        if identifier.is_empty() {
            self.peer.send(&wire::p_data(CONTEXT, false, true, &[]));
        }
        while let Some(fragment) = fragments.next() {
            self.peer.send(&wire::p_data(CONTEXT, false, fragments.peek().is_none(), fragment));
        }
        self.message_id
    }

    /// The next response.
    ///
    /// # Panics
    /// Where the association ends first, or where a final response has an identifier.
    pub fn reply(&mut self) -> Reply {
        let message = self.peer.next_message().expect("a response before the end of the association");
        let response = Response::read(&message.command);
        match (response.status, message.data_set) {
            (0xFF00 | 0xFF01, Some(bytes)) => {
                let answer = Answer { status: response.status, elements: Elements::read(&bytes) };
                Reply::Pending(response.message_id, answer)
            }
            (_, None) => Reply::Final(response),
            (status, Some(_)) => panic!("an identifier with status {status:04X}"),
        }
    }

    /// All responses up to a final one.
    ///
    /// # Panics
    /// As [`Self::reply`].
    pub fn rest(&mut self) -> Found {
        let mut answers = Vec::new();
        loop {
            match self.reply() {
                Reply::Pending(_, answer) => answers.push(answer),
                Reply::Final(last) => return Found { answers, last },
            }
        }
    }

    /// Sends C-CANCEL.
    pub fn cancel(&mut self, message_id: u16) {
        self.peer.send(&wire::p_data(CONTEXT, true, true, &wire::cancel_request(message_id)));
    }

    /// Sends C-ECHO; its Message ID.
    pub fn begin_echo(&mut self) -> u16 {
        self.message_id += 1;
        self.peer.send(&wire::p_data(ECHO_CONTEXT, true, true, &wire::echo_request(self.message_id)));
        self.message_id
    }

    /// Orderly release.
    pub fn release(self) {
        self.peer.release();
    }
}
