//! The reader: a push-down automaton over the headers of a data set.

use dicom_core::VR;
use instance::Tag;

use super::{
    ElementError, Event, Form, Header, ITEM, ITEM_DELIMITATION, Limits, Mode, SEQUENCE_DELIMITATION, header,
    strict,
};

/// Splits a data set into [`Event`]s, whatever the sizes of the pieces it is fed with.
///
/// Memory: at most 24 bytes for each level of depth and one header. In the tolerant modes only the
/// limits are errors; every byte sequence is some data set.
#[derive(Debug)]
pub struct Reader {
    mode: Mode,
    limits: Limits,
    form: Form,
    frames: Vec<Frame>,
    /// The header that is being collected.
    header: [u8; 12],
    header_length: usize,
    /// The header to be understood in another place first: a delimiter was missing before it.
    again: bool,
    state: State,
    position: u64,
    elements: u64,
    top_level: Option<Tag>,
    /// See [`Reader::left_out`].
    left_out: Option<Tag>,
    form_known: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    /// Inside a value, with the bytes still to come.
    Value(u64),
    /// Inside bytes that no event tells of.
    Skip(u64),
}

/// One open sequence, item or encapsulated value.
#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: Kind,
    /// Where it ends, unless a delimiter ends it.
    end: Option<u64>,
    form: Form,
    /// Whether the first element may still show that the form is explicit after all.
    form_known: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sequence,
    Item,
    Fragments,
}

impl Reader {
    /// A reader of one data set.
    #[must_use]
    pub fn new(form: Form, mode: Mode, limits: Limits) -> Self {
        Self {
            mode,
            limits,
            form,
            frames: Vec::new(),
            header: [0; 12],
            header_length: 0,
            again: false,
            state: State::Header,
            position: 0,
            elements: 0,
            top_level: None,
            left_out: None,
            form_known: mode == Mode::Strict,
        }
    }

    /// Takes bytes off the front of `input` until something can be told; none means that `input` is
    /// used up and more is needed.
    ///
    /// # Errors
    /// A limit; in [`Mode::Strict`] also malformed bytes. The reader is of no use then.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, ElementError> {
        loop {
            match self.state {
                State::Value(0) => {
                    self.state = State::Header;
                    return Ok(Some(Event::ValueEnd));
                }
                State::Value(left) => {
                    let (piece, left) = self.take(input, left);
                    self.state = State::Value(left);
                    return Ok((!piece.is_empty()).then_some(Event::Value(piece)));
                }
                State::Skip(0) => self.state = State::Header,
                State::Skip(left) => {
                    let (piece, left) = self.take(input, left);
                    self.state = State::Skip(left);
                    if piece.is_empty() {
                        return Ok(None);
                    }
                    self.leave_out(piece);
                }
                State::Header => {
                    if let Some(event) = self.end_of_frame()? {
                        return Ok(Some(event));
                    }
                    if self.state == State::Header {
                        if !self.collect_header(input) {
                            return Ok(None);
                        }
                        if let Some(event) = self.understand()? {
                            return Ok(Some(event));
                        }
                    }
                }
            }
        }
    }

    /// The last element that began outside of any sequence.
    #[must_use]
    pub const fn top_level(&self) -> Option<Tag> {
        self.top_level
    }

    /// The element, outside of any sequence, in which bytes stood that no event told of: what is left of
    /// an item too short for a header, or something else where an item must stand. NULs do not count.
    #[must_use]
    pub const fn left_out(&self) -> Option<Tag> {
        self.left_out
    }

    /// How many sequences, items and encapsulated values are open.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Whether the stream may end here: between two elements outside of any sequence, with nothing
    /// behind the last one but padding of NULs (nothing at all in [`Mode::Strict`]).
    #[must_use]
    pub fn may_end(&self) -> bool {
        self.frames.is_empty()
            && matches!(self.state, State::Header | State::Value(0) | State::Skip(0))
            && self.header[..self.header_length].iter().all(|byte| *byte == 0 && self.mode != Mode::Strict)
    }

    /// Like [`Reader::may_end`], but items and sequences that only a delimiter could end may be open.
    pub(crate) fn may_end_unclosed(&self) -> bool {
        self.frames.iter().all(|frame| frame.end.is_none_or(|end| end <= self.position))
            && matches!(self.state, State::Header | State::Value(0) | State::Skip(0))
            && self.header[..self.header_length].iter().all(|byte| *byte == 0)
    }

    /// The bytes that the stream must have at least: up to the end of every value, item and sequence
    /// that has begun and shows its length.
    pub(crate) fn needed(&self) -> u64 {
        let left = match self.state {
            State::Header => 0,
            State::Value(left) | State::Skip(left) => left,
        };
        let ends = self.frames.iter().filter_map(|frame| frame.end);
        ends.max().unwrap_or_default().max(self.position + left)
    }

    fn leave_out(&mut self, bytes: &[u8]) {
        if self.left_out.is_none() && bytes.iter().any(|byte| *byte != 0) {
            self.left_out = Some(self.top_level.unwrap_or(Tag(0, 0)));
        }
    }

    fn take<'a>(&mut self, input: &mut &'a [u8], left: u64) -> (&'a [u8], u64) {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let (piece, rest) = input.split_at(count);
        *input = rest;
        self.position += count as u64;
        (piece, left - count as u64)
    }

    /// Closes the innermost frame where its length, or that of a frame around it, says so. What is
    /// left in it and too short for a header is skipped.
    fn end_of_frame(&mut self) -> Result<Option<Event<'static>>, ElementError> {
        if self.header_length > 0 && !self.again {
            return Ok(None);
        }
        let at = self.position - self.header_length as u64;
        let Some(end) = self.frames.iter().rev().find_map(|frame| frame.end) else {
            return Ok(None);
        };
        if at >= end {
            if self.frames.last().is_some_and(|frame| frame.end.is_none()) {
                self.strictly(SEQUENCE_DELIMITATION)?;
            }
            return Ok(self.close());
        }
        if end - at < 8 && !self.again {
            self.strictly(ITEM)?;
            self.state = State::Skip(end - at);
        }
        Ok(None)
    }

    fn close(&mut self) -> Option<Event<'static>> {
        self.frames.pop().map(|frame| match frame.kind {
            Kind::Sequence => Event::SequenceEnd,
            Kind::Item => Event::ItemEnd,
            Kind::Fragments => Event::FragmentsEnd,
        })
    }

    /// Collects the bytes of one header; false when `input` ends first.
    fn collect_header(&mut self, input: &mut &[u8]) -> bool {
        loop {
            let needed = if self.header_length < 8 {
                8
            } else {
                let first = self.first_bytes();
                self.detect_form(first);
                header::length_of(first, self.current_form())
            };
            if self.header_length >= needed && self.header_length >= 8 {
                return true;
            }
            let missing = needed - self.header_length;
            let (piece, left) = self.take(input, missing as u64);
            self.header[self.header_length..self.header_length + piece.len()].copy_from_slice(piece);
            self.header_length += piece.len();
            if left > 0 {
                return false;
            }
        }
    }

    fn first_bytes(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.header;
        [a, b, c, d, e, f, g, h]
    }

    fn current_form(&self) -> Form {
        self.frames.last().map_or(self.form, |frame| frame.form)
    }

    fn detect_form(&mut self, first: [u8; 8]) {
        // An item or a delimiter shows no VR in any form.
        if matches!(first, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..]) {
            return;
        }
        match self.frames.last_mut() {
            None if !self.form_known => {
                self.form = header::detect(first, self.form);
                self.form_known = true;
            }
            Some(frame) if frame.kind == Kind::Item && !frame.form_known => {
                frame.form.explicit_vr = VR::from_binary([first[4], first[5]]).is_some();
                frame.form_known = true;
            }
            _ => {}
        }
    }

    /// Makes an event of a complete header, or none where it only moves the state.
    fn understand(&mut self) -> Result<Option<Event<'static>>, ElementError> {
        let header = header::read(self.header, self.current_form());
        if !self.again {
            self.elements += 1;
            if self.elements > self.limits.elements_max {
                return Err(ElementError::TooManyElements(self.limits.elements_max));
            }
        }
        self.again = false;
        let event = match self.frames.last().copied() {
            None => self.in_data_set(header, None)?,
            Some(frame) if frame.kind == Kind::Item => self.in_data_set(header, frame.end)?,
            Some(frame) => self.in_items(header, frame)?,
        };
        if !self.again {
            self.header_length = 0;
        }
        Ok(event)
    }

    /// An element of a data set or item that ends at `end`.
    fn in_data_set(
        &mut self,
        header: Header,
        end: Option<u64>,
    ) -> Result<Option<Event<'static>>, ElementError> {
        match header.tag {
            ITEM_DELIMITATION if !self.frames.is_empty() && end.is_none() => return Ok(self.close()),
            // The delimiter of the item is missing: it ends here, and the header is read again.
            SEQUENCE_DELIMITATION | ITEM if !self.frames.is_empty() && end.is_none() => {
                self.strictly(header.tag)?;
                self.again = true;
                return Ok(self.close());
            }
            ITEM_DELIMITATION | SEQUENCE_DELIMITATION => {
                self.strictly(header.tag)?;
                return Ok(None);
            }
            ITEM => {
                self.strictly(header.tag)?;
                let length = u64::from(header.length.unwrap_or(0));
                self.state = State::Skip(self.within_parent(header.tag, length)?);
                return Ok(None);
            }
            _ => {}
        }
        if self.frames.is_empty() {
            self.top_level = Some(header.tag);
        }
        if self.mode == Mode::Strict {
            strict::check(&self.header, self.current_form(), &header)?;
        }
        let Some(length) = header.length else {
            return self.of_undefined_length(header);
        };
        let length = self.within_parent(header.tag, u64::from(length))?;
        if header.vr == VR::SQ && self.mode != Mode::SkipSequences {
            self.open(Kind::Sequence, Some(self.position + length), header.form)?;
            return Ok(Some(Event::SequenceStart(header)));
        }
        self.state = State::Value(length);
        Ok(Some(Event::Element(header)))
    }

    fn of_undefined_length(&mut self, header: Header) -> Result<Option<Event<'static>>, ElementError> {
        let encapsulated = header.tag == Tag::PIXEL_DATA || header.form.explicit_vr && header.vr != VR::SQ;
        if encapsulated {
            self.open(Kind::Fragments, None, header.form)?;
            // PS3.6 leaves OB or OW open; what is encapsulated is OB (PS3.5 §A.4).
            let vr = if header.form.explicit_vr { header.vr } else { VR::OB };
            return Ok(Some(Event::FragmentsStart(Header { vr, ..header })));
        }
        self.open(Kind::Sequence, None, header.form)?;
        Ok(Some(Event::SequenceStart(header)))
    }

    /// A header where items are expected: in a sequence, or among fragments.
    fn in_items(&mut self, header: Header, frame: Frame) -> Result<Option<Event<'static>>, ElementError> {
        match (header.tag, frame.kind) {
            (ITEM, Kind::Fragments) if header.length.is_some() => {
                let length = header.length.unwrap_or(0);
                let present = self.within_parent(header.tag, u64::from(length))?;
                self.state = State::Value(present);
                Ok(Some(Event::Fragment(length)))
            }
            (ITEM, _) => {
                if frame.kind == Kind::Fragments {
                    self.strictly(ITEM)?;
                }
                let end = match header.length {
                    Some(length) => Some(self.position + self.within_parent(ITEM, u64::from(length))?),
                    None => None,
                };
                self.open(Kind::Item, end, frame.form)?;
                Ok(Some(Event::ItemStart))
            }
            (SEQUENCE_DELIMITATION, _) if frame.end.is_none() => Ok(self.close()),
            (ITEM_DELIMITATION | SEQUENCE_DELIMITATION, _) => {
                self.strictly(header.tag)?;
                Ok(None)
            }
            // No item where one must stand: what is known to end somewhere is skipped up to there,
            // anything else has lost its delimiter and ends here.
            _ => {
                self.strictly(header.tag)?;
                if let Some(end) = frame.end {
                    let header = self.header;
                    self.leave_out(&header[..self.header_length]);
                    self.state = State::Skip(end.saturating_sub(self.position));
                    return Ok(None);
                }
                self.again = true;
                Ok(self.close())
            }
        }
    }

    /// The length as far as the enclosing item or sequence has room for it.
    fn within_parent(&self, tag: Tag, length: u64) -> Result<u64, ElementError> {
        let room = self.frames.iter().rev().find_map(|frame| frame.end);
        let room = room.map_or(u64::MAX, |end| end.saturating_sub(self.position));
        if length > room {
            self.strictly(tag)?;
        }
        Ok(length.min(room))
    }

    fn open(&mut self, kind: Kind, end: Option<u64>, form: Form) -> Result<(), ElementError> {
        if self.frames.len() >= self.limits.depth_max {
            return Err(ElementError::TooDeep(self.limits.depth_max));
        }
        // Implicit inside explicit is UN or a change of mind; some devices write explicit VR there.
        let form_known = self.mode == Mode::Strict || form.explicit_vr || !self.form.explicit_vr;
        self.frames.push(Frame { kind, end, form, form_known });
        Ok(())
    }

    fn strictly(&self, tag: Tag) -> Result<(), ElementError> {
        if self.mode == Mode::Strict { Err(ElementError::Malformed(tag)) } else { Ok(()) }
    }
}
