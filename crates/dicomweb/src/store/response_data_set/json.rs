//! The response data set in the DICOM JSON Model (PS3.18 §F.2).

use serde_json::{Map, Value};

use super::{Item, ResponseDataSet, is_sequence, is_wanted, tag};
use crate::error::Unreadable;

/// Reads one data set, or an array that holds one. The bytes were bounded by the caller, and the
/// parser itself bounds the depth to 128.
pub(super) fn read(text: &[u8]) -> Result<ResponseDataSet, Unreadable> {
    let value = serde_json::from_slice(text).map_err(|_| Unreadable::Malformed)?;
    let objects = match value {
        Value::Object(object) => vec![object],
        Value::Array(values) => values.into_iter().filter_map(object).collect(),
        _ => Vec::new(),
    };
    let mut data_set = ResponseDataSet::default();
    let mut sequences = 0;
    for (key, element) in objects.into_iter().flatten() {
        let Some(sequence) = tag(&key).filter(|tag| is_sequence(*tag)) else { continue };
        sequences += 1;
        for item in values(element).into_iter().filter_map(object) {
            data_set.push(sequence, &attributes(item));
        }
    }
    if sequences == 0 {
        return Err(Unreadable::Malformed);
    }
    Ok(data_set)
}

fn attributes(item: Map<String, Value>) -> Item {
    let attributes = item.into_iter().filter_map(|(key, element)| {
        let tag = tag(&key).filter(|tag| is_wanted(*tag))?;
        let text = match values(element).into_iter().next()? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((tag, text))
    });
    Item(attributes.collect())
}

/// The values of an element: its `Value` (PS3.18 §F.2.2), or the bare value that some servers write instead of one.
fn values(element: Value) -> Vec<Value> {
    match element {
        Value::Object(mut element) => match element.remove("Value") {
            Some(Value::Array(values)) => values,
            Some(value) => vec![value],
            None => Vec::new(),
        },
        Value::Array(values) => values,
        Value::Null => Vec::new(),
        bare => vec![bare],
    }
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}
