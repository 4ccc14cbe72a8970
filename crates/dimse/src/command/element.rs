//! Elements of a command set: Implicit VR Little Endian, top level only (PS3.7 §6.3.1).

use instance::{Tag, Uid};

/// Most elements that are looked at; a legal command set has about 20.
const ELEMENTS_MAX: usize = 256;

/// The elements of a command set in the order in which they stand.
pub(super) struct Elements<'a>(Vec<(Tag, &'a [u8])>);

impl<'a> Elements<'a> {
    /// Splits `bytes` into elements; `Err` names the element whose length does not fit.
    pub(super) fn read(mut bytes: &'a [u8]) -> Result<Self, Tag> {
        let mut elements = Vec::with_capacity(16);
        while let Some((header, rest)) = bytes.split_first_chunk::<8>() {
            let [g1, g2, e1, e2, length @ ..] = *header;
            let tag = Tag(u16::from_le_bytes([g1, g2]), u16::from_le_bytes([e1, e2]));
            let length = usize::try_from(u32::from_le_bytes(length)).map_err(|_| tag)?;
            let (value, rest) = rest.split_at_checked(length).ok_or(tag)?;
            if elements.len() == ELEMENTS_MAX {
                return Err(tag);
            }
            elements.push((tag, value));
            bytes = rest;
        }
        Ok(Self(elements))
    }

    /// The value of an element; an absent and an empty one are the same here.
    pub(super) fn get(&self, tag: Tag) -> Option<&'a [u8]> {
        self.0.iter().find(|(found, value)| *found == tag && !value.is_empty()).map(|(_, value)| *value)
    }

    /// A US value; what follows the first two bytes is ignored.
    pub(super) fn us(&self, tag: Tag) -> Option<u16> {
        self.get(tag)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// A UI value.
    pub(super) fn uid(&self, tag: Tag) -> Result<Option<Uid>, Tag> {
        self.get(tag).map(|value| Uid::from_bytes(value).map_err(|_| tag)).transpose()
    }

    /// An AT value.
    pub(super) fn tags(&self, tag: Tag) -> Vec<Tag> {
        let pairs = self.get(tag).unwrap_or_default().chunks_exact(4);
        pairs.map(|b| Tag(u16::from_le_bytes([b[0], b[1]]), u16::from_le_bytes([b[2], b[3]]))).collect()
    }
}

/// A command set being written; elements are given in the order of tags.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new() -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&[0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
        Self(bytes)
    }

    pub(super) fn bytes(&mut self, tag: Tag, value: &[u8], pad: u8) {
        let odd = value.len() % 2 == 1;
        let length = u32::try_from(value.len() + usize::from(odd)).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&tag.group().to_le_bytes());
        self.0.extend_from_slice(&tag.element().to_le_bytes());
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(value);
        if odd {
            self.0.push(pad);
        }
    }

    pub(super) fn us(&mut self, tag: Tag, value: u16) {
        self.bytes(tag, &value.to_le_bytes(), 0);
    }

    pub(super) fn uid(&mut self, tag: Tag, value: &Uid) {
        self.bytes(tag, value.as_str().as_bytes(), 0);
    }

    pub(super) fn text(&mut self, tag: Tag, value: &str) {
        self.bytes(tag, value.as_bytes(), b' ');
    }

    pub(super) fn tags(&mut self, tag: Tag, values: &[Tag]) {
        let mut value = Vec::with_capacity(values.len() * 4);
        for tag in values {
            value.extend_from_slice(&tag.group().to_le_bytes());
            value.extend_from_slice(&tag.element().to_le_bytes());
        }
        self.bytes(tag, &value, 0);
    }

    /// The finished command set, (0000,0000) Command Group Length filled in.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len() - 12).unwrap_or(u32::MAX);
        self.0[8..12].copy_from_slice(&length.to_le_bytes());
        self.0
    }
}
