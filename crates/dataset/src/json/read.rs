//! The tolerant streaming reader: finds the items of an array, whatever the pieces it is fed with.

use super::{Item, canonical, damaged, item, plain};

/// What reading may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Most bytes of JSON of one item; default 1 MiB. An item of a search answer has a few
    /// kilobytes. While one is read, memory is some 50 times its length at worst. Longer items are
    /// passed over.
    pub item_length_max: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { item_length_max: 1024 * 1024 }
    }
}

/// Why a body is no DICOM JSON; the items before the fault have been given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It begins neither as an array nor as an object: a login page, for instance.
    #[error("the body is not JSON")]
    NotJson,
    /// It ends inside the array or an item.
    #[error("the JSON is cut")]
    Truncated,
}

/// Why one item could not be read; the reader goes on behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadItem {
    /// More bytes than [`ReadLimits::item_length_max`].
    #[error("an item has more than {0} bytes")]
    TooLong(usize),
    /// Nothing of it is JSON, or its brackets do not match.
    #[error("an item is malformed at byte {0} of it")]
    Malformed(usize),
    /// Something else than an object stands where an item is expected.
    #[error("an item is no object")]
    NoObject,
}

/// Reads an array of items, or one item alone, in pieces of any size. An empty body has no items.
#[derive(Debug)]
pub struct Reader {
    limits: ReadLimits,
    state: State,
    in_array: bool,
    item: Vec<u8>,
    too_long: bool,
    depth: u64,
    in_string: bool,
    escaped: bool,
    elements_dropped: u64,
    /// Items in a row that could not be read as they lie in the input.
    not_plain: u32,
}

/// How often in a row it is tried to read an item as it lies in the input: 8 times. A server whose items are
/// not plain writes all of them so, and then the attempts would only cost.
const NOT_PLAIN_MAX: u32 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first bracket, past so many bytes of a byte order mark.
    Start(usize),
    /// Between items.
    Between,
    Item,
    /// Inside something that is no object.
    Other,
    End,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Reader {
    /// A reader of one body.
    #[must_use]
    pub const fn new(limits: ReadLimits) -> Self {
        Self {
            limits,
            state: State::Start(0),
            in_array: false,
            item: Vec::new(),
            too_long: false,
            depth: 0,
            in_string: false,
            escaped: false,
            elements_dropped: 0,
            not_plain: 0,
        }
    }

    /// Takes bytes off the front of `input` until an item is complete; none means that `input` is
    /// used up. The inner error is about that item alone.
    ///
    /// # Errors
    /// A body that is not JSON at all.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Result<Item, BadItem>>, ReadError> {
        while let [byte, rest @ ..] = *input {
            let item = match self.state {
                State::Start(mark) => {
                    self.start(*byte, mark)?;
                    None
                }
                State::Between => {
                    if *byte == b'{'
                        && let Some(item) = self.plain(input)
                    {
                        return Ok(Some(Ok(item)));
                    }
                    self.between(*byte);
                    None
                }
                State::Item => {
                    let item = self.inside(input).then(|| self.complete());
                    match item {
                        Some(item) => return Ok(Some(item)),
                        None => continue,
                    }
                }
                State::Other => {
                    if matches!(byte, b',' | b']') && !self.in_string && self.depth == 0 {
                        self.state = State::Between;
                        return Ok(Some(Err(BadItem::NoObject)));
                    }
                    self.track(*byte);
                    None
                }
                State::End => None,
            };
            *input = rest;
            if let Some(item) = item {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// Elements left out so far because they could not be understood.
    #[must_use]
    pub const fn elements_dropped(&self) -> u64 {
        self.elements_dropped
    }

    /// Tells the reader that the body has ended.
    ///
    /// # Errors
    /// A body that is cut.
    pub const fn finish(&self) -> Result<(), ReadError> {
        match self.state {
            State::Start(0) | State::End => Ok(()),
            State::Start(_) => Err(ReadError::NotJson),
            State::Between if !self.in_array => Ok(()),
            State::Between | State::Item | State::Other => Err(ReadError::Truncated),
        }
    }

    fn start(&mut self, byte: u8, mark: usize) -> Result<(), ReadError> {
        self.state = match byte {
            b'[' => {
                self.in_array = true;
                State::Between
            }
            b'{' => {
                self.begin_item();
                State::Item
            }
            _ if BYTE_ORDER_MARK.get(mark) == Some(&byte) => State::Start(mark + 1),
            byte if byte.is_ascii_whitespace() => self.state,
            _ => return Err(ReadError::NotJson),
        };
        Ok(())
    }

    /// The item that `input` begins with, where it is plain and all there.
    fn plain(&mut self, input: &mut &[u8]) -> Option<Item> {
        if self.not_plain == NOT_PLAIN_MAX {
            return None;
        }
        let Some((item, length)) = plain::read(&input[..input.len().min(self.limits.item_length_max)]) else {
            self.not_plain += 1;
            return None;
        };
        self.not_plain = 0;
        *input = &input[length..];
        Some(item)
    }

    fn between(&mut self, byte: u8) {
        match byte {
            b'{' => self.begin_item(),
            b']' => self.state = State::End,
            byte if byte == b',' || byte.is_ascii_whitespace() => {}
            _ => {
                self.state = State::Other;
                (self.in_string, self.escaped, self.depth) = (false, false, 0);
                self.track(byte);
            }
        }
    }

    fn begin_item(&mut self) {
        self.state = State::Item;
        self.item.clear();
        self.item.push(b'{');
        (self.too_long, self.in_string, self.escaped, self.depth) = (false, false, false, 1);
    }

    /// Takes the bytes of an item off the front of `input`; true when the last one is among them.
    fn inside(&mut self, input: &mut &[u8]) -> bool {
        let mut length = 0;
        while self.depth > 0 {
            length += self.insignificant(&input[length..]);
            let Some(byte) = input.get(length) else { break };
            self.track(*byte);
            length += 1;
        }
        let (taken, rest) = input.split_at(length);
        *input = rest;
        let room = self.limits.item_length_max.saturating_sub(self.item.len());
        self.too_long |= taken.len() > room;
        self.item.extend_from_slice(&taken[..taken.len().min(room)]);
        self.depth == 0
    }

    /// How many bytes at the front change nothing that [`Reader::track`] keeps count of.
    fn insignificant(&self, bytes: &[u8]) -> usize {
        let significant = match (self.escaped, self.in_string) {
            (true, _) => Some(0),
            (false, true) => memchr::memchr2(b'"', b'\\', bytes),
            (false, false) => bytes.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')),
        };
        significant.unwrap_or(bytes.len())
    }

    /// Keeps count of strings and brackets.
    fn track(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'{' | b'[' if !self.in_string => self.depth += 1,
            b'}' | b']' if !self.in_string => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn complete(&mut self) -> Result<Item, BadItem> {
        self.state = State::Between;
        if self.too_long {
            return Err(BadItem::TooLong(self.limits.item_length_max));
        }
        if let Ok(item) = canonical::read(&self.item) {
            return Ok(item);
        }
        let json = match serde_json::from_slice(&self.item) {
            Ok(json) => json,
            Err(error) => {
                damaged::read(&self.item, &mut self.elements_dropped).ok_or_else(|| malformed(error))?
            }
        };
        item::read(json, &mut self.elements_dropped).ok_or(BadItem::NoObject)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn malformed(error: serde_json::Error) -> BadItem {
    BadItem::Malformed(error.column())
}

/// Reads a whole small body; bad items are left out.
///
/// # Errors
/// A body that is no JSON or cut.
pub fn read_all(body: &[u8], limits: ReadLimits) -> Result<Vec<Item>, ReadError> {
    let mut reader = Reader::new(limits);
    let (mut rest, mut items) = (body, Vec::new());
    while let Some(item) = reader.next(&mut rest)? {
        items.extend(item);
    }
    reader.finish()?;
    Ok(items)
}
