//! Values of elements as the vendor gives them.

use instance::Tag;
use serde_json::{Map, Value};

use super::shape;
use crate::Text;
use crate::error::Unreadable;
use crate::request::tag_of;

/// Names under which an element and its value may stand, for comparison.
const TAG_NAMES: &[&str] = &["dicomtagid", "tagid", "dicomtag", "tag", "id", "name"];
const VALUE_NAMES: &[&str] =
    &["dicomtagcontent", "tagcontent", "content", "dicomtagvalue", "tagvalue", "value"];
const LISTS: &[&str] =
    &["dicomtagcontentlist", "tagcontentlist", "dicomtaglist", "taglist", "searchresultlist"];

/// The value of one element. `Debug` shows only the tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagContent {
    /// The element, where the answer names it by its tag.
    pub tag: Option<Tag>,
    /// The element as the answer names it.
    pub name: Text,
    /// Its value; several stand with backslashes between them. `None`: empty.
    pub value: Option<Text>,
}

fn member<'a>(map: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names
        .iter()
        .find_map(|wanted| map.iter().find(|(name, _)| shape::key(name) == *wanted).map(|(_, value)| value))
}

fn is_content(map: &Map<String, Value>) -> bool {
    member(map, TAG_NAMES).is_some() && member(map, VALUE_NAMES).is_some()
}

impl TagContent {
    fn new(name: &str, value: &Value) -> Option<Self> {
        let value = shape::opened(value);
        // In the DICOM JSON model the value stands one level deeper (PS3.18 §F.2.2).
        let value = value.get("Value").unwrap_or(value.as_ref());
        let value = shape::text(value).and_then(|text| text.parse().ok());
        Some(Self { tag: tag_of(name), name: name.parse().ok()?, value })
    }

    /// Reads a list of names and values, or an object whose members are tags.
    pub(crate) fn read(value: Value) -> Result<Vec<Self>, Unreadable> {
        let outline = shape::outline(&value);
        if let Some(found) = by_tag(&value, 0) {
            return Ok(found);
        }
        let items = shape::list(value, LISTS, is_content).ok_or(Unreadable::Shape(outline))?;
        Ok(items.into_iter().flat_map(Self::of_item).collect())
    }

    fn of_item(item: Value) -> Vec<Self> {
        let item = shape::unfolded(item);
        let Some(map) = item.as_object() else { return Vec::new() };
        match (member(map, TAG_NAMES).and_then(shape::text), member(map, VALUE_NAMES)) {
            (Some(name), Some(value)) => Self::new(&name, value).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// The members of the first object that has tags for names.
fn by_tag(value: &Value, depth: usize) -> Option<Vec<TagContent>> {
    if depth > 4 {
        return None;
    }
    match shape::opened(value).as_ref() {
        Value::Object(map) => {
            let found: Vec<_> = map
                .iter()
                .filter(|(name, _)| tag_of(name).is_some())
                .filter_map(|(name, value)| TagContent::new(name, value))
                .collect();
            if found.is_empty() {
                map.values().find_map(|value| by_tag(value, depth + 1))
            } else {
                Some(found)
            }
        }
        Value::Array(items) => {
            let found: Vec<_> = items.iter().filter_map(|item| by_tag(item, depth + 1)).flatten().collect();
            (!found.is_empty()).then_some(found)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_found_in_every_shape() {
        let cases = [
            json!({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JOHN"}]}, "00080060": {"vr": "CS", "Value": ["CT", "MR"]}, "00100030": {"vr": "DA"}}),
            json!([{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JOHN"}]}, "00080060": {"vr": "CS", "Value": ["CT", "MR"]}, "00100030": {"vr": "DA"}}]),
            json!({"Success": true, "Result": {"0010,0010": "DOE^JOHN", "0008,0060": "CT\\MR", "0010,0030": ""}}),
            json!([{"Tag": "(0010,0010)", "Value": "DOE^JOHN"}, {"Tag": "(0008,0060)", "Value": ["CT", "MR"]}, {"Tag": "(0010,0030)", "Value": null}]),
            json!({"DicomTagContentList": [{"DicomTagId": "00100010", "DicomTagContent": "DOE^JOHN"}, {"DicomTagId": "00080060", "Content": "CT\\MR"}, {"DicomTagId": "00100030", "Content": ""}]}),
        ];
        for case in cases {
            let found = TagContent::read(case.clone()).unwrap();
            let value = |tag| {
                let content = found.iter().find(|content| content.tag == Some(tag)).unwrap();
                content.value.as_ref().map(Text::expose)
            };
            assert_eq!(value(Tag::PATIENT_NAME), Some("DOE^JOHN"), "{case}");
            assert_eq!(value(Tag::MODALITY), Some("CT\\MR"), "{case}");
            assert_eq!(value(Tag(0x0010, 0x0030)), None, "{case}");
            assert!(!format!("{found:?}").contains("DOE"));
        }
        assert_eq!(TagContent::read(json!([])), Ok(Vec::new()));
        assert!(TagContent::read(json!("no")).is_err());
    }
}
