//! The shape of an answer: where in it a list is, and what may be said of it in a log.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::conventions::EmptyAnswer;
use crate::error::{Reason, Unreadable};

/// Wrappers around what was asked for. 6: the deepest known has 3.
const DEPTH_MAX: usize = 6;

/// Members that stand around what was asked for, in the order in which they are looked into.
const WRAPPERS: &[&str] = &["responsemessage", "result", "results", "data", "items", "value", "folder"];

/// Members that say that it went well, though not what was found.
const SUCCESS: &[&str] = &["success", "responsecode", "count", "totalcount", "total"];

/// Members that say how it went.
const REMARKS: &[&str] = &["success", "message", "responsecode", "status", "count", "totalcount", "total"];

/// Names that may stand in a log because they are the vendor's: in small letters, without punctuation.
const KNOWN: &[&str] = &[
    "account",
    "accessionnumber",
    "birthdate",
    "content",
    "dicomtagid",
    "folder",
    "folderdescription",
    "folderlist",
    "foldername",
    "folderuuid",
    "identityinformation",
    "institutionuuid",
    "link",
    "message",
    "modality",
    "name",
    "orderaccessionnumber",
    "orderlist",
    "ordermodality",
    "orderuuid",
    "otherinformation",
    "otherpatientid",
    "patientbirthdate",
    "patientid",
    "patientname",
    "patientorder",
    "patientorderinstitutionuuid",
    "patientorderlist",
    "patientorderuuid",
    "patientsbirthdate",
    "patientsex",
    "performeddatetime",
    "responsecode",
    "responsemessage",
    "result",
    "results",
    "searchresultlist",
    "sharelink",
    "shareurl",
    "studydescription",
    "studyinformation",
    "studyinstanceuid",
    "subfolderlist",
    "success",
    "tag",
    "tagid",
    "url",
    "userlist",
    "uuid",
    "value",
    "data",
    "items",
    "status",
    "count",
];

/// A name for comparison: small letters and digits only.
pub(super) fn key(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The body as JSON; `None` where it is empty and that means that nothing was found.
pub(crate) fn json(body: &[u8], empty: EmptyAnswer) -> Result<Option<Value>, Unreadable> {
    let text = body.trim_ascii_start();
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii();
    match (text.is_empty(), empty) {
        (true, EmptyAnswer::NothingFound) => Ok(None),
        (true, EmptyAnswer::Unreadable) => Err(Unreadable::Empty),
        (false, _) => serde_json::from_slice(text).map(unfolded).map(Some).map_err(|_| Unreadable::NotJson),
    }
}

/// JSON that stands in a string, as the value it says.
pub(super) fn unfolded(value: Value) -> Value {
    let mut value = value;
    for _ in 0..DEPTH_MAX {
        let Value::String(text) = &value else { break };
        match serde_json::from_str(text.trim()) {
            Ok(inner @ (Value::Object(_) | Value::Array(_) | Value::String(_) | Value::Null)) => {
                value = inner
            }
            _ => break,
        }
    }
    value
}

/// As [`unfolded`], without a copy of what is no string.
pub(super) fn opened(value: &Value) -> Cow<'_, Value> {
    if value.is_string() { Cow::Owned(unfolded(value.clone())) } else { Cow::Borrowed(value) }
}

/// Whether the answer says that the call failed, and why, itself or what it wraps.
pub(crate) fn failure(value: &Value) -> Option<Option<Reason>> {
    failure_below(value, 0)
}

fn failure_below(value: &Value, depth: usize) -> Option<Option<Reason>> {
    let map = value.as_object().filter(|_| depth <= DEPTH_MAX)?;
    let member = |name: &str| map.iter().find(|(found, _)| key(found) == name).map(|(_, value)| value);
    let failed = match (member("success"), member("responsecode")) {
        (Some(Value::Bool(success)), _) => !success,
        (Some(Value::String(success)), _) => success.eq_ignore_ascii_case("false"),
        (_, Some(Value::Number(code))) => code.as_i64().is_some_and(|code| code <= 0),
        _ => false,
    };
    if failed {
        let words = ["message", "errormessage", "error", "responsemessage"];
        return Some(words.iter().filter_map(|name| member(name)?.as_str()).find_map(Reason::new));
    }
    let wrapped = WRAPPERS.iter().filter_map(|name| member(name)).filter(|value| !value.is_array());
    wrapped.map(opened).find_map(|value| failure_below(&value, depth + 1))
}

/// The list in an answer that stands under one of these names, or alone, or as the only item of its own.
pub(super) fn list(
    value: Value,
    names: &[&str],
    is_item: fn(&Map<String, Value>) -> bool,
) -> Option<Vec<Value>> {
    list_below(value, names, is_item, 0)
}

fn list_below(
    value: Value,
    names: &[&str],
    is_item: fn(&Map<String, Value>) -> bool,
    depth: usize,
) -> Option<Vec<Value>> {
    if depth > DEPTH_MAX {
        return None;
    }
    let map = match unfolded(value) {
        Value::Null => return Some(Vec::new()),
        Value::Array(items) => return Some(items),
        Value::String(text) if text.trim().is_empty() => return Some(Vec::new()),
        Value::Object(map) => map,
        Value::String(_) | Value::Bool(_) | Value::Number(_) => return None,
    };
    if is_item(&map) {
        return Some(vec![Value::Object(map)]);
    }
    let mut left = Vec::new();
    let mut candidates: Vec<(usize, Value)> = Vec::new();
    for (name, value) in map {
        let name = key(&name);
        match names.iter().chain(WRAPPERS).position(|wanted| *wanted == name) {
            Some(rank) => candidates.push((rank, value)),
            None => left.push((name, value)),
        }
    }
    candidates.sort_by_key(|(rank, _)| *rank);
    let some_candidate = !candidates.is_empty();
    for (_, value) in candidates {
        if let Some(found) = list_below(value, names, is_item, depth + 1) {
            return Some(found);
        }
    }
    let mut lists = left.iter().filter(|(_, value)| value.is_array());
    match (lists.next(), lists.next()) {
        (Some(_), None) => left
            .into_iter()
            .find_map(|(_, value)| if let Value::Array(items) = value { Some(items) } else { None }),
        (None, _) if !some_candidate && is_success_alone(&left) => Some(Vec::new()),
        _ => None,
    }
}

/// Whether members say that it went well and nothing else; none at all say that too.
fn is_success_alone(members: &[(String, Value)]) -> bool {
    let known = |names: &[&str], name: &str| names.contains(&name);
    members.iter().all(|(name, _)| known(REMARKS, name))
        && (members.is_empty() || members.iter().any(|(name, _)| known(SUCCESS, name)))
}

/// A shape in words that hold nothing of a patient: only names of the vendor, and of values their kind.
pub(crate) fn outline(value: &Value) -> String {
    outline_below(value, 0)
}

fn outline_below(value: &Value, depth: usize) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "boolean".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(items) => match items.first() {
            Some(first) if depth < 3 => format!("{} of {}", items.len(), outline_below(first, depth + 1)),
            _ => format!("list of {}", items.len()),
        },
        Value::Object(map) if depth >= 3 => format!("object of {}", map.len()),
        Value::Object(map) => {
            let members = map.iter().take(24).map(|(name, value)| {
                let name = if KNOWN.contains(&key(name).as_str()) { name } else { "?" };
                format!("{name}: {}", outline_below(value, depth + 1))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A value as text, if it says anything.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(items) => items.iter().filter_map(text).collect::<Vec<_>>().join("\\"),
        Value::Object(map) => map.get("Alphabetic").and_then(text).unwrap_or_default(),
        Value::Null => String::new(),
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_item(map: &Map<String, Value>) -> bool {
        map.contains_key("Id")
    }

    #[test]
    fn lists_are_found_where_they_can_be() {
        let item = json!({"Id": 1});
        let cases = [
            (json!([item]), 1),
            (json!({"Success": true, "Message": "", "SearchResultList": [item, item]}), 2),
            (json!({"success": true, "search_result_list": [item]}), 1),
            (json!({"ResponseCode": 1, "ResponseMessage": {"SearchResultList": [item]}}), 1),
            (json!({"ResponseCode": 1, "ResponseMessage": "{\"SearchResultList\":[{\"Id\":1}]}"}), 1),
            (json!("[{\"Id\":1}]"), 1),
            (json!("\"[{\\\"Id\\\":1}]\""), 1),
            (json!({"Result": [item]}), 1),
            (json!({"Folder": {"SearchResultList": [item]}}), 1),
            (item.clone(), 1),
            (json!({"Whatever": [item], "Success": true}), 1),
            (json!({"Success": true, "SearchResultList": null}), 0),
            (json!({"Success": true, "Message": "none"}), 0),
            (json!({"SearchResultList": ""}), 0),
            (json!({}), 0),
            (json!([]), 0),
            (Value::Null, 0),
        ];
        for (value, expected) in cases {
            let found = list(value.clone(), &["searchresultlist"], is_item);
            assert_eq!(found.map(|found| found.len()), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_is_unknown_is_not_nothing() {
        for value in [
            json!("OK"),
            json!(3),
            json!({"A": [1], "B": [2]}),
            json!({"PatientName": "DOE"}),
            json!({"Result": "OK"}),
            json!({"Message": "An error has occurred."}),
            json!({"Status": "x"}),
        ] {
            assert_eq!(list(value.clone(), &["searchresultlist"], is_item), None, "{value}");
        }
        let mut deep = json!([]);
        for _ in 0..20 {
            deep = json!({"Result": deep});
        }
        assert_eq!(list(deep, &[], is_item), None);
    }

    #[test]
    fn failures_are_told_in_every_way() {
        let reason =
            |value: Value| failure(&value).map(|reason| reason.map(|reason| reason.expose().to_owned()));
        assert_eq!(reason(json!({"Success": false, "Message": "no"})), Some(Some("no".to_owned())));
        assert_eq!(reason(json!({"success": "False"})), Some(None));
        let inner = r#"{"Success":false,"Message":"no"}"#;
        assert_eq!(reason(json!({"ResponseCode": 1, "ResponseMessage": inner})), Some(Some("no".to_owned())));
        assert_eq!(reason(json!({"Result": {"Success": false}})), Some(None));
        assert_eq!(reason(json!({"ResponseCode": 0, "ResponseMessage": "no"})), Some(Some("no".to_owned())));
        for value in [json!({"Success": true}), json!({"ResponseCode": 1}), json!([]), json!("no"), json!({})]
        {
            assert_eq!(reason(value.clone()), None, "{value}");
        }
    }

    #[test]
    fn outlines_hold_nothing_of_a_patient() {
        let value = json!({"Success": true, "DOE^JOHN": {"PatientName": "ROE"}, "SearchResultList": [{"PatientId": 4711}]});
        let outline = outline(&value);
        assert!(
            outline.contains("Success: boolean")
                && outline.contains("SearchResultList: 1 of {PatientId: number}")
        );
        for hidden in ["DOE", "ROE", "4711"] {
            assert!(!outline.contains(hidden), "{outline}");
        }
    }

    #[test]
    fn bodies_are_read_with_their_frills() {
        let read = |body: &[u8]| json(body, EmptyAnswer::NothingFound);
        assert_eq!(read(b"\xEF\xBB\xBF {\"a\":1}\r\n"), Ok(Some(json!({"a": 1}))));
        assert_eq!(read(b" \r\n"), Ok(None));
        assert_eq!(json(b"", EmptyAnswer::Unreadable), Err(Unreadable::Empty));
        assert_eq!(read(b"OK"), Err(Unreadable::NotJson));
        assert_eq!(read(&b"[".repeat(100_000)), Err(Unreadable::NotJson), "depth is bounded");
    }
}
