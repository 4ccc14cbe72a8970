//! Attributes as plain data.

use std::collections::BTreeMap;

use dataset::element::VR;
use instance::Tag;

/// Attributes in the order of a data set. What is not among them is absent from the data set, which
/// is not the same as an empty value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<Tag, Value>);

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A value of this VR as text, numbers as decimal text; several values have backslashes between
    /// them, component groups of a person name `=`. Empty where the element has no value.
    Text(VR, String),
    /// The items of a sequence.
    Items(Vec<Attributes>),
}

impl Attributes {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text, in place of what stood there.
    #[must_use]
    pub fn with(mut self, tag: Tag, vr: VR, text: &str) -> Self {
        self.set(tag, Value::Text(vr, text.to_owned()));
        self
    }

    /// Adds a text where there is one; without, the attribute stays absent.
    #[must_use]
    pub fn with_some(self, tag: Tag, vr: VR, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.with(tag, vr, text),
            None => self,
        }
    }

    /// Adds a value, in place of what stood there.
    pub fn set(&mut self, tag: Tag, value: Value) {
        self.0.insert(tag, value);
    }

    /// The value.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&Value> {
        self.0.get(&tag)
    }

    /// The whole text: none where the attribute is absent or a sequence, empty where it has no value.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<&str> {
        match self.get(tag)? {
            Value::Text(_, text) => Some(text),
            Value::Items(_) => None,
        }
    }

    /// The values of a text; none where it is absent or empty.
    pub fn values(&self, tag: Tag) -> impl Iterator<Item = &str> {
        let text = self.text(tag).filter(|text| !text.is_empty());
        text.into_iter().flat_map(|text| text.split('\\'))
    }

    /// The items of a sequence; none where it is absent.
    #[must_use]
    pub fn items(&self, tag: Tag) -> &[Self] {
        match self.get(tag) {
            Some(Value::Items(items)) => items,
            _ => &[],
        }
    }

    /// All of them in the order of a data set.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, &Value)> {
        self.0.iter().map(|(tag, value)| (*tag, value))
    }
}

impl FromIterator<(Tag, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (Tag, Value)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}
