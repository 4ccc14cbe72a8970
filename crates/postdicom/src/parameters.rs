//! Parameters of a call as the text that travels.

use crate::conventions::{BooleanStyle, EmptyList, EmptyParameters, ListStyle};
use crate::{Conventions, Fault, InvalidField, UuidForm, identifier};

/// A value before it is written.
#[derive(Clone)]
enum Value {
    Text(String),
    Flag(bool),
    List(Vec<String>),
}

/// Parameters in the order of the vendor's clients, each checked when it is added.
pub(crate) struct Parameters<'a> {
    conventions: &'a Conventions,
    pairs: Vec<(&'static str, Value)>,
}

impl<'a> Parameters<'a> {
    pub(crate) const fn new(conventions: &'a Conventions) -> Self {
        Self { conventions, pairs: Vec::new() }
    }

    pub(crate) const fn conventions(&self) -> &'a Conventions {
        self.conventions
    }

    pub(crate) fn text(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.pairs.push((name, Value::Text(text.into())));
        self
    }

    pub(crate) fn maybe<T: Into<String>>(self, name: &'static str, text: Option<T>) -> Self {
        self.text(name, text.map(Into::into).unwrap_or_default())
    }

    pub(crate) fn flag(mut self, name: &'static str, flag: bool) -> Self {
        self.pairs.push((name, Value::Flag(flag)));
        self
    }

    pub(crate) fn uuid(self, name: &'static str, uuid: &impl AsRef<str>) -> Result<Self, InvalidField> {
        self.check(name, uuid.as_ref())?;
        Ok(self.text(name, uuid.as_ref()))
    }

    pub(crate) fn maybe_uuid(
        self,
        name: &'static str,
        uuid: Option<&impl AsRef<str>>,
    ) -> Result<Self, InvalidField> {
        match uuid {
            Some(uuid) => self.uuid(name, uuid),
            None => Ok(self.text(name, "")),
        }
    }

    /// A list of identifiers.
    pub(crate) fn uuids(
        self,
        name: &'static str,
        uuids: &[impl AsRef<str>],
        write: impl Fn(&str) -> String,
    ) -> Result<Self, InvalidField> {
        for uuid in uuids {
            self.check(name, uuid.as_ref())?;
        }
        self.list(name, uuids.iter().map(|uuid| write(uuid.as_ref())).collect())
    }

    pub(crate) fn list(mut self, name: &'static str, list: Vec<String>) -> Result<Self, InvalidField> {
        let items_max = self.conventions.list_items_max;
        if list.len() > items_max {
            return Err(Fault::TooMany(items_max).at(name));
        }
        self.pairs.push((name, Value::List(list)));
        Ok(self)
    }

    fn check(&self, name: &'static str, uuid: &str) -> Result<(), InvalidField> {
        match self.conventions.uuids {
            UuidForm::Rfc4122 if !identifier::is_rfc_4122(uuid) => Err(Fault::NotRfc4122.at(name)),
            UuidForm::Rfc4122 | UuidForm::Any => Ok(()),
        }
    }

    /// The JSON object, in ASCII.
    pub(crate) fn to_json(&self) -> String {
        let mut members = Vec::with_capacity(self.pairs.len());
        for (name, value) in &self.pairs {
            let empty = match value {
                Value::Text(text) => text.is_empty(),
                Value::List(list) => list.is_empty(),
                Value::Flag(_) => false,
            };
            if !empty || self.conventions.empty_parameters == EmptyParameters::Send {
                members.push(format!("{}:{}", quoted(name), self.written(value)));
            }
        }
        ascii(&format!("{{{}}}", members.join(",")))
    }

    fn written(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => quoted(text),
            Value::Flag(flag) => match (self.conventions.booleans, flag) {
                (BooleanStyle::Small, flag) => quoted(if *flag { "true" } else { "false" }),
                (BooleanStyle::Capitalised, flag) => quoted(if *flag { "True" } else { "False" }),
                (BooleanStyle::Native, flag) => flag.to_string(),
            },
            Value::List(list) => {
                let array = match (list.is_empty(), self.conventions.empty_list) {
                    (true, EmptyList::EmptyString) => return quoted(""),
                    (true, EmptyList::OneEmptyString) => array(&[String::new()]),
                    (true, EmptyList::NoElement) | (false, _) => array(list),
                };
                match self.conventions.lists {
                    ListStyle::NestedJson => quoted(&array),
                    ListStyle::Array => array,
                }
            }
        }
    }
}

fn array(list: &[String]) -> String {
    let items: Vec<_> = list.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(","))
}

/// A JSON string with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// JSON with every character beyond visible ASCII escaped, in two halves where it is beyond the basic plane
/// (RFC 8259 §7).
///
/// A header field holds no such characters: the vendor's Node client fails on Japanese and sends Latin-1
/// for umlauts. Nor can a line break in a name begin another header field this way. Such characters stand
/// only inside of strings, where the escape means the same.
fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for letter in json.chars() {
        if matches!(letter, ' '..='~') {
            escaped.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::*;

    #[test]
    fn styles_are_written_as_configured() {
        let base = Conventions::default;
        let table = [
            (base(), r#"{"T":"x","E":"","F":"true","L":"[\"a\",\"b\"]","N":"[\"\"]"}"#),
            (
                Conventions { booleans: BooleanStyle::Capitalised, ..base() },
                r#"{"T":"x","E":"","F":"True","L":"[\"a\",\"b\"]","N":"[\"\"]"}"#,
            ),
            (
                Conventions { booleans: BooleanStyle::Native, empty_list: EmptyList::NoElement, ..base() },
                r#"{"T":"x","E":"","F":true,"L":"[\"a\",\"b\"]","N":"[]"}"#,
            ),
            (
                Conventions { empty_list: EmptyList::EmptyString, ..base() },
                r#"{"T":"x","E":"","F":"true","L":"[\"a\",\"b\"]","N":""}"#,
            ),
            (
                Conventions { empty_parameters: EmptyParameters::Omit, ..base() },
                r#"{"T":"x","F":"true","L":"[\"a\",\"b\"]"}"#,
            ),
            (Conventions::post_json(), r#"{"T":"x","E":"","F":true,"L":["a","b"],"N":[]}"#),
        ];
        for (conventions, expected) in table {
            let parameters =
                Parameters::new(&conventions).text("T", "x").maybe("E", None::<String>).flag("F", true);
            let parameters =
                parameters.list("L", vec!["a".into(), "b".into()]).unwrap().list("N", vec![]).unwrap();
            assert_eq!(parameters.to_json(), expected, "{conventions:?}");
        }
    }

    #[test]
    fn every_alphabet_travels_in_ascii() {
        let conventions = Conventions::default();
        let table = [
            ("MÜLLER^JÜRGEN", r#"{"N":"M\u00dcLLER^J\u00dcRGEN"}"#),
            ("山田^太郎", r#"{"N":"\u5c71\u7530^\u592a\u90ce"}"#),
            ("𠮷", r#"{"N":"\ud842\udfb7"}"#),
            ("A\r\nX-Evil: 1", r#"{"N":"A\r\nX-Evil: 1"}"#),
            ("say \"hi\"\\", r#"{"N":"say \"hi\"\\"}"#),
            ("\u{7f}\u{0}\u{85}\u{2028}", r#"{"N":"\u007f\u0000\u0085\u2028"}"#),
        ];
        for (name, expected) in table {
            assert_eq!(Parameters::new(&conventions).text("N", name).to_json(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_stays_in_its_field(text in any::<String>(), items in proptest::collection::vec(any::<String>(), 1..4)) {
            let conventions = Conventions::default();
            let parameters = Parameters::new(&conventions).text("N", text.clone());
            let json = parameters.list("L", items.clone()).unwrap().to_json();
            prop_assert!(json.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert!(http::HeaderValue::from_str(&json).is_ok());
            let read: Json = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read["N"].as_str(), Some(text.as_str()));
            let list: Vec<String> = serde_json::from_str(read["L"].as_str().unwrap()).unwrap();
            prop_assert_eq!(list, items);
        }
    }
}
