//! Parameters of a function: one JSON object in one header field, every value of it a string.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode, header, request::Parts};
use serde_json::Value;

use super::function::Function;
use crate::media::{Refused, refused};

/// The parameters that a request brought, each of them once and no other.
pub(super) struct Parameters(BTreeMap<&'static str, String>);

/// Refuses a request for a parameter. Reasons never repeat what the client wrote.
pub(super) fn bad(parameter: &str, why: &str) -> Refused {
    refused(StatusCode::BAD_REQUEST, format!("{parameter}: {why}"))
}

/// Refuses a request for something that it names and that is not there.
pub(super) fn unknown(parameter: &str) -> Refused {
    refused(StatusCode::NOT_FOUND, format!("{parameter}: there is no such thing"))
}

impl Parameters {
    /// Reads what a request for `function` brought, in a field of so many bytes at most.
    pub(super) fn read(parts: &Parts, function: Function, bytes_max: usize) -> Result<Self, Refused> {
        let route = function.route();
        check(parts)?;
        let mut fields = parts.headers.get_all(route.header).iter();
        let field = fields.next().ok_or_else(|| bad(route.header, "the header field is missing"))?;
        if fields.next().is_some() {
            return Err(bad(route.header, "the header field stands twice"));
        }
        let others = Function::ALL.iter().map(|other| other.route().header);
        if others.filter(|other| *other != route.header).any(|other| parts.headers.contains_key(other)) {
            return Err(bad(route.header, "a header field of another function stands beside it"));
        }
        if field.as_bytes().len() > bytes_max {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return Err(refused(status, format!("{}: the header field is too long", route.header)));
        }
        let object = serde_json::from_str(&text(field.as_bytes()));
        let Ok(Value::Object(mut object)) = object else {
            return Err(bad(route.header, "it is no JSON object"));
        };
        let mut parameters = BTreeMap::new();
        for name in route.parameters {
            let value = object.remove(*name).ok_or_else(|| bad(name, "it is missing"))?;
            let Value::String(value) = value else { return Err(bad(name, "it is no string")) };
            parameters.insert(*name, value);
        }
        if !object.is_empty() {
            return Err(bad(route.header, "it has a member that the function does not know"));
        }
        Ok(Self(parameters))
    }

    /// A value, which may be empty.
    pub(super) fn text(&mut self, name: &str) -> String {
        self.0.remove(name).unwrap_or_default()
    }

    /// A value that has to say something.
    pub(super) fn required(&mut self, name: &str) -> Result<String, Refused> {
        let value = self.text(name);
        if value.trim().is_empty() { Err(bad(name, "it is required")) } else { Ok(value) }
    }

    /// A list: JSON text of an array of strings. Nothing, and one empty string, are no members.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<String>, Refused> {
        let value = self.text(name);
        if value.is_empty() {
            return Ok(Vec::new());
        }
        let list: Result<Vec<String>, _> = serde_json::from_str(&value);
        let list = list.map_err(|_| bad(name, "it is no JSON text of a list of strings"))?;
        if list == [""] {
            return Ok(Vec::new());
        }
        if list.iter().any(String::is_empty) {
            return Err(bad(name, "one of the list is empty"));
        }
        Ok(list)
    }

    /// A list of at least one.
    pub(super) fn required_list(&mut self, name: &str) -> Result<Vec<String>, Refused> {
        let list = self.list(name)?;
        if list.is_empty() { Err(bad(name, "it is required")) } else { Ok(list) }
    }

    /// A truth value, as either of the vendor's clients writes it; empty is false.
    pub(super) fn boolean(&mut self, name: &str) -> Result<bool, Refused> {
        match self.text(name).as_str() {
            "true" | "True" => Ok(true),
            "false" | "False" | "" => Ok(false),
            _ => Err(bad(name, "it is neither true nor false")),
        }
    }

    /// A date, or nothing.
    pub(super) fn date(&mut self, name: &str) -> Result<String, Refused> {
        let value = self.text(name);
        if value.is_empty() || is_date(&value) {
            Ok(value)
        } else {
            Err(bad(name, "it is no date YYYY-MM-DD"))
        }
    }

    /// A date that has to be there.
    pub(super) fn required_date(&mut self, name: &str) -> Result<String, Refused> {
        let value = self.date(name)?;
        if value.is_empty() { Err(bad(name, "it is required")) } else { Ok(value) }
    }

    /// Two dates, the first not behind the second.
    pub(super) fn range(&mut self, from: &str, to: &str) -> Result<[String; 2], Refused> {
        let range = [self.date(from)?, self.date(to)?];
        let backwards = range.iter().all(|bound| !bound.is_empty()) && range[0] > range[1];
        if backwards { Err(bad(to, "it is before the date that the range begins with")) } else { Ok(range) }
    }

    /// A date with a time, or nothing.
    pub(super) fn date_time(&mut self, name: &str) -> Result<String, Refused> {
        let value = self.text(name);
        let is_date_time = value
            .split_once(' ')
            .is_some_and(|(date, time)| is_date(date) && matches_digits(time, "00:00") && is_time(time));
        if value.is_empty() || is_date_time {
            Ok(value)
        } else {
            Err(bad(name, "it is no date and time YYYY-MM-DD HH:MM"))
        }
    }
}

/// GET alone, without query and body.
fn check(parts: &Parts) -> Result<(), Refused> {
    if parts.method != Method::GET {
        return Err(refused(StatusCode::METHOD_NOT_ALLOWED, "functions are called with GET"));
    }
    if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(refused(StatusCode::BAD_REQUEST, "a function takes no query"));
    }
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let has_body =
        length.is_some_and(|length| length != "0") || parts.headers.contains_key(header::TRANSFER_ENCODING);
    if has_body { Err(refused(StatusCode::BAD_REQUEST, "a function takes no body")) } else { Ok(()) }
}

/// A field is UTF-8, or what the vendor's Node client makes of other letters: Latin-1.
fn text(field: &[u8]) -> String {
    match std::str::from_utf8(field) {
        Ok(text) => text.to_owned(),
        Err(_) => field.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Whether a text has the digits of a pattern where that has zeros, and else the same characters.
fn matches_digits(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, pattern)| match pattern {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

/// `YYYY-MM-DD`, a day that there is.
fn is_date(text: &str) -> bool {
    matches_digits(text, "0000-00-00") && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_time(text: &str) -> bool {
    text.split_once(':').is_some_and(|(hour, minute)| hour < "24" && minute < "60")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};

    use super::*;

    fn read(function: Function, value: &[u8]) -> Result<Parameters, Refused> {
        let value = HeaderValue::from_bytes(value).unwrap();
        let request = Request::builder().header(function.route().header, value).body(()).unwrap();
        Parameters::read(&request.into_parts().0, function, 1024)
    }

    #[test]
    fn values_are_read_as_strictly_as_they_are_written() {
        type Check = fn(&mut Parameters) -> bool;
        let date: Check = |parameters| parameters.date("ParentFolderUuid").is_ok();
        let date_time: Check = |parameters| parameters.date_time("ParentFolderUuid").is_ok();
        let list: Check = |parameters| parameters.list("ParentFolderUuid").is_ok();
        let boolean: Check = |parameters| parameters.boolean("ParentFolderUuid").is_ok();
        let cases: [(Check, &[&str], &[&str]); 4] = [
            (
                date,
                &["", "2026-02-28", "2024-02-29", "0001-01-01"],
                &[
                    "2026-02-29",
                    "20260228",
                    "2026-2-28",
                    "2026-13-01",
                    "2026-01-01 ",
                    "+2026-01-01",
                    "28.02.2026",
                ],
            ),
            (
                date_time,
                &["", "2026-01-02 10:30", "2026-01-02 00:00", "2026-12-31 23:59"],
                &[
                    "2026-01-02",
                    "2026-01-02T10:30",
                    "2026-01-02 24:00",
                    "2026-01-02 10:60",
                    "2026-01-02 10:30:00",
                ],
            ),
            (
                list,
                &["", "[]", "[\"\"]", "[\"a\"]", "[\"a\",\"b\"]"],
                &["a", "a,b", "[1]", "\"a\"", "{}", "[\"a\",\"\"]", "[\"a\""],
            ),
            (boolean, &["", "true", "True", "false", "False"], &["1", "yes", "TRUE", "null"]),
        ];
        for (check, right, wrong) in cases {
            for (value, expected) in
                right.iter().map(|one| (one, true)).chain(wrong.iter().map(|one| (one, false)))
            {
                let object = serde_json::json!({
                    "FolderName": "", "FolderDescription": "", "ParentFolderUuid": value
                });
                let mut parameters = read(Function::CreateFolder, object.to_string().as_bytes()).unwrap();
                assert_eq!(check(&mut parameters), expected, "{value}");
            }
        }
    }

    #[test]
    fn letters_come_as_escapes_as_utf_8_or_as_latin_1() {
        for value in [
            br#"{"FolderName":"M\u00dcLLER","FolderDescription":"","ParentFolderUuid":""}"#.as_slice(),
            "{\"FolderName\":\"MÜLLER\",\"FolderDescription\":\"\",\"ParentFolderUuid\":\"\"}".as_bytes(),
            b"{\"FolderName\":\"M\xDCLLER\",\"FolderDescription\":\"\",\"ParentFolderUuid\":\"\"}",
        ] {
            assert_eq!(read(Function::CreateFolder, value).unwrap().text("FolderName"), "MÜLLER");
        }
    }
}
