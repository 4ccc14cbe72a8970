//! The model: what a JSON object of PS3.18 §F.2 says.

use std::borrow::Cow;

use dicom_core::VR;
use instance::{Tag, Uid};
use serde_json::Number;

/// A data set or an item of a sequence: elements in the order of their tags.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item {
    /// Sorted by tag, each once. Items are made in this order and read far more than changed.
    elements: Vec<(Tag, Element)>,
}

/// One element.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// The VR; where the source has none, that of PS3.6, or UN.
    pub vr: VR,
    /// What it holds.
    pub content: Content,
}

/// What an element holds (PS3.18 §F.2.2).
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// No value.
    Empty,
    /// `Value`: one or more values.
    Values(Vec<Value>),
    /// `InlineBinary`: bytes, little endian.
    InlineBinary(Vec<u8>),
    /// `BulkDataURI`: where the bytes are.
    BulkDataUri(String),
}

/// One of the values of an element (PS3.18 §F.2.3).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An empty value among others.
    Null,
    /// Text of any VR but PN; also numbers that were sent as text in IS and DS.
    Text(String),
    /// A number.
    Number(Number),
    /// A person's name.
    Name(Box<PersonName>),
    /// An item of a sequence.
    Item(Item),
}

/// The component groups of a person's name (PS3.5 §6.2.1), each with its `^` inside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    /// In the letters of the default repertoire or another alphabet.
    pub alphabetic: String,
    /// In ideographs.
    pub ideographic: String,
    /// In a phonetic script.
    pub phonetic: String,
}

impl Item {
    /// An item without elements.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An item without elements, with room for so many.
    #[must_use]
    pub fn with_capacity(elements: usize) -> Self {
        Self { elements: Vec::with_capacity(elements) }
    }

    fn place(&self, tag: Tag) -> Result<usize, usize> {
        self.elements.binary_search_by_key(&tag, |(tag, _)| *tag)
    }

    /// The element.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&Element> {
        self.place(tag).ok().and_then(|index| self.elements.get(index)).map(|(_, element)| element)
    }

    /// Puts an element in place of what stood there. Many at once are better collected.
    pub fn insert(&mut self, tag: Tag, element: Element) -> &mut Self {
        if self.elements.last().is_none_or(|(last, _)| *last < tag) {
            self.elements.push((tag, element));
            return self;
        }
        match self.place(tag) {
            Ok(index) => self.elements[index].1 = element,
            Err(index) => self.elements.insert(index, (tag, element)),
        }
        self
    }

    /// Takes an element out.
    pub fn remove(&mut self, tag: Tag) -> Option<Element> {
        self.place(tag).ok().map(|index| self.elements.remove(index).1)
    }

    /// The elements in the order of a data set.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, &Element)> {
        self.elements.iter().map(|(tag, element)| (*tag, element))
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The first value as text without padding, whatever its kind; none when absent or empty.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<Cow<'_, str>> {
        self.values(tag).first().and_then(Value::text).filter(|text| !text.is_empty())
    }

    /// The first value as a UID; none when it is absent or no UID.
    #[must_use]
    pub fn uid(&self, tag: Tag) -> Option<Uid> {
        self.text(tag).and_then(|text| text.parse().ok())
    }

    /// The first value as an integer, sent as number or as text.
    #[must_use]
    pub fn integer(&self, tag: Tag) -> Option<i64> {
        self.values(tag).first().and_then(Value::integer)
    }

    /// The values; none of them when the element is absent, empty or binary.
    #[must_use]
    pub fn values(&self, tag: Tag) -> &[Value] {
        match self.get(tag).map(|element| &element.content) {
            Some(Content::Values(values)) => values,
            _ => &[],
        }
    }

    /// The items of a sequence.
    pub fn items(&self, tag: Tag) -> impl Iterator<Item = &Self> {
        self.values(tag).iter().filter_map(|value| match value {
            Value::Item(item) => Some(item),
            _ => None,
        })
    }
}

impl FromIterator<(Tag, Element)> for Item {
    /// Elements in any order; of those with the same tag the last one counts.
    fn from_iter<I: IntoIterator<Item = (Tag, Element)>>(elements: I) -> Self {
        let mut elements: Vec<(Tag, Element)> = elements.into_iter().collect();
        if elements.is_sorted_by(|(tag, _), (next, _)| tag < next) {
            return Self { elements };
        }
        // Sorted once, since a peer may send any number in the worst order.
        elements.sort_by_key(|(tag, _)| *tag);
        elements.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                std::mem::swap(next, kept);
            }
            same
        });
        Self { elements }
    }
}

impl Element {
    /// An element without a value.
    #[must_use]
    pub const fn empty(vr: VR) -> Self {
        Self { vr, content: Content::Empty }
    }

    /// An element of one text, or empty when the text is. For PN the text has its `=` and `^`.
    #[must_use]
    pub fn text(vr: VR, text: &str) -> Self {
        Self::texts(vr, [text])
    }

    /// An element of several texts; empty ones are null.
    #[must_use]
    pub fn texts<'a>(vr: VR, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let value = |text: &str| match (text, vr) {
            ("", _) => Value::Null,
            (name, VR::PN) => Value::Name(Box::new(PersonName::parse(name))),
            (text, _) => Value::Text(text.to_owned()),
        };
        Self::values(vr, texts.into_iter().map(value).collect())
    }

    /// An element of one integer.
    #[must_use]
    pub fn integer(vr: VR, value: i64) -> Self {
        Self::values(vr, vec![Value::Number(value.into())])
    }

    /// A sequence.
    #[must_use]
    pub fn sequence(items: impl IntoIterator<Item = Item>) -> Self {
        Self::values(VR::SQ, items.into_iter().map(Value::Item).collect())
    }

    /// An element of values; empty when all of them are null, but for items.
    #[must_use]
    pub fn values(vr: VR, values: Vec<Value>) -> Self {
        let empty = values.iter().all(|value| *value == Value::Null);
        Self { vr, content: if empty { Content::Empty } else { Content::Values(values) } }
    }
}

impl Value {
    /// The value as text without padding; none for null and items.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text.trim_matches([' ', '\0']))),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Name(name) => Some(Cow::Owned(name.to_string())),
            Self::Null | Self::Item(_) => None,
        }
    }

    /// The value as an integer, sent as number (also as 512.0) or as text.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Number(number) => integer(number),
            Self::Text(text) => text.trim_matches([' ', '\0']).parse().ok(),
            _ => None,
        }
    }
}

/// The number as an integer if it is one, written with or without a fraction of zeros.
pub(super) fn integer(number: &Number) -> Option<i64> {
    // Up to 2^53 a JSON number stands for itself alone.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT_MAX)?;
        #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 2^53")]
        Some(float as i64)
    })
}

impl PersonName {
    /// Takes the value of a data element apart at its `=`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut groups = text.splitn(3, '=').map(|group| group.trim_end_matches([' ', '\0']).to_owned());
        Self {
            alphabetic: groups.next().unwrap_or_default(),
            ideographic: groups.next().unwrap_or_default(),
            phonetic: groups.next().unwrap_or_default(),
        }
    }

    /// Whether no group has any character.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alphabetic.is_empty() && self.ideographic.is_empty() && self.phonetic.is_empty()
    }
}

impl std::fmt::Display for PersonName {
    /// As a data element holds it, without trailing `=`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.alphabetic)?;
        if !self.ideographic.is_empty() || !self.phonetic.is_empty() {
            write!(f, "={}", self.ideographic)?;
        }
        if !self.phonetic.is_empty() {
            write!(f, "={}", self.phonetic)?;
        }
        Ok(())
    }
}
