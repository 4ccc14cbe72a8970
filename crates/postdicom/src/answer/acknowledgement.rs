//! Answers to calls that change something.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::shape;
use crate::identifier;

/// Characters of an answer that are kept for a person to see. 4096.
const CHARACTERS_MAX: usize = 4096;

/// Depth to which an answer is searched for a name or link.
const DEPTH_MAX: usize = 6;

/// Names under which the answer's only word may stand, for comparison: a UUID under another name may be that
/// of something else.
const SOLE_NAMES: &[&str] = &["result", "responsemessage", "data", "value", "uuid", "id"];

/// Names under which a link is surely the one that was made, for comparison.
const LINK_NAMES: &[&str] = &["shareurl", "sharelink", "link", "url", "result", "responsemessage"];

/// A call that was answered with success. The vendor's clients only print what the answer says.
#[derive(Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    text: String,
}

/// Something new, with its name where the answer tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<T> {
    /// Its name. `None`: it was made, but a search must find it.
    pub uuid: Option<T>,
    /// The answer.
    pub answer: Acknowledgement,
}

/// A link. Whoever knows it may see patients' data, so `Debug` keeps it to itself.
#[derive(Debug, Clone)]
pub struct ShareLink {
    url: Option<SecretString>,
    /// The answer.
    pub answer: Acknowledgement,
}

impl Acknowledgement {
    /// What the answer says, cut to 4096 characters. It may name a patient or hold a link: not for logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    pub(crate) fn read(body: &[u8]) -> Self {
        Self { text: String::from_utf8_lossy(body).trim().chars().take(CHARACTERS_MAX).collect() }
    }
}

impl<T: FromStr> Created<T> {
    /// Reads the name of what was made: under one of these names for comparison, or as the answer's only
    /// word where that is a UUID.
    pub(crate) fn read(body: &[u8], names: &[&str]) -> Self {
        let value = value(body);
        let named = find(&value, 0, &|name, text| names.contains(&name).then(|| text.to_owned()));
        let is_sole = |name: &str| name.is_empty() || SOLE_NAMES.contains(&name);
        let sole = || {
            find(&value, 0, &|name, text| {
                (is_sole(name) && identifier::is_rfc_4122(text)).then(|| text.to_owned())
            })
        };
        let uuid = named.or_else(sole).and_then(|text| text.parse().ok());
        Self { uuid, answer: Acknowledgement::read(body) }
    }
}

impl ShareLink {
    /// The link; `None` where the answer has none.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        self.url.as_ref().map(SecretString::expose_secret)
    }

    /// Reads the link under a known name, or else the first http or https address of the answer.
    pub(crate) fn read(body: &[u8]) -> Self {
        let is_link = |text: &str| {
            let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
            let scheme = lower.starts_with("https://") || lower.starts_with("http://");
            scheme && !text.contains(char::is_whitespace)
        };
        let value = value(body);
        let link = |named: bool| {
            find(&value, 0, &|name, text| {
                ((!named || LINK_NAMES.contains(&name)) && is_link(text)).then(|| text.to_owned())
            })
        };
        let url = link(true).or_else(|| link(false));
        Self { url: url.map(SecretString::from), answer: Acknowledgement::read(body) }
    }
}

impl fmt::Debug for Acknowledgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acknowledgement(..)")
    }
}

/// The body as JSON, or else as a text.
fn value(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    serde_json::from_str(text).map_or_else(|_| Value::from(text), shape::unfolded)
}

/// The first text of which `wanted` makes something, with the name it stands under.
fn find(value: &Value, depth: usize, wanted: &dyn Fn(&str, &str) -> Option<String>) -> Option<String> {
    find_under("", value, depth, wanted)
}

fn find_under(
    name: &str,
    value: &Value,
    depth: usize,
    wanted: &dyn Fn(&str, &str) -> Option<String>,
) -> Option<String> {
    if depth > DEPTH_MAX {
        return None;
    }
    match value {
        Value::String(text) => match shape::unfolded(value.clone()) {
            Value::String(_) | Value::Null => wanted(name, text.trim()),
            inner => find_under(name, &inner, depth + 1, wanted),
        },
        Value::Array(items) => items.iter().find_map(|item| find_under(name, item, depth + 1, wanted)),
        Value::Object(map) => {
            map.iter().find_map(|(name, value)| find_under(&shape::key(name), value, depth + 1, wanted))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OrderUuid;

    const UUID: &str = "c232ab00-9414-11ec-b3c8-9f6bdeced846";

    #[test]
    fn names_of_what_was_made_are_found() {
        let names = ["patientorderuuid", "orderuuid"];
        let cases = [
            (r#"{"Success":true,"PatientOrderUuid":"uuid-1"}"#.to_owned(), Some("uuid-1")),
            (r#"{"ResponseMessage":"{\"PatientOrderUuid\":\"uuid-1\"}"}"#.to_owned(), Some("uuid-1")),
            (
                r#"{"InstitutionUuid":"inst-1","PatientOrder":{"OrderUuid":"uuid-1"}}"#.to_owned(),
                Some("uuid-1"),
            ),
            (UUID.to_owned(), Some(UUID)),
            (format!("\"{UUID}\""), Some(UUID)),
            (format!(r#"{{"Result":"{UUID}"}}"#), Some(UUID)),
            (format!(r#"{{"InstitutionUuid":"{UUID}"}}"#), None),
            ("OK".to_owned(), None),
            (r#"{"Success":true}"#.to_owned(), None),
            (String::new(), None),
        ];
        for (body, expected) in cases {
            let created: Created<OrderUuid> = Created::read(body.as_bytes(), &names);
            assert_eq!(created.uuid.as_ref().map(OrderUuid::as_str), expected, "{body}");
            assert_eq!(created.answer.expose(), body);
        }
    }

    #[test]
    fn links_are_found_and_kept_back() {
        for body in [
            "https://example.org/s?id=1",
            "\"https://example.org/s?id=1\"",
            r#"{"Result":"https://example.org/s?id=1"}"#,
            r#"{"Success":true,"Message":"ok","Data":{"ShareUrl":"https://example.org/s?id=1"}}"#,
            r#"{"Logo":"https://example.org/logo.png","ShareUrl":"https://example.org/s?id=1"}"#,
            r#"{"ResponseMessage":"{\"Url\":\"https://example.org/s?id=1\"}"}"#,
        ] {
            let link = ShareLink::read(body.as_bytes());
            assert_eq!(link.expose(), Some("https://example.org/s?id=1"), "{body}");
            assert!(!format!("{link:?}").contains("example.org"));
        }
        assert_eq!(ShareLink::read(b"{\"Success\":true}").expose(), None);
        assert_eq!(ShareLink::read(b"see https://example.org").expose(), None);
        let deep = format!("{}\"https://example.org\"{}", "[".repeat(20), "]".repeat(20));
        assert_eq!(ShareLink::read(deep.as_bytes()).expose(), None);
    }
}
