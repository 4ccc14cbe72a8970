//! What an archive holds, and its truthful answers to searches and retrieves.

use serde_json::{Value, json};

use super::{Reply, Request};
use crate::instances::Instance;

/// The media type of the answers to retrieves, with the boundary that they use.
pub const MULTIPART: &str = "multipart/related; type=\"application/dicom\"; boundary=part";

/// Instances that can be found and retrieved.
#[derive(Debug, Clone, Default)]
pub struct Holdings(Vec<Instance>);

/// One part of an answer to a retrieve, with the delimiter before it.
#[must_use]
pub fn part(instance: &Instance) -> Vec<u8> {
    let mut part = b"\r\n--part\r\ncontent-type: application/dicom\r\n\r\n".to_vec();
    part.extend(instance.file());
    part
}

/// What stands in the path of a request.
#[derive(Default)]
struct Path<'a> {
    study: Option<&'a str>,
    series: Option<&'a str>,
    instance: Option<&'a str>,
    /// Of a search.
    resource: Option<&'a str>,
}

impl Holdings {
    /// An archive with these.
    #[must_use]
    pub const fn new(instances: Vec<Instance>) -> Self {
        Self(instances)
    }

    /// The truthful answer to a search or a retrieve (PS3.18 §10.4, §10.6); searches match UIDs alone.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Option<Reply> {
        if request.method != "GET" {
            return None;
        }
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let path = Path::read(path)?;
        let within = self.0.iter().filter(|held| path.holds(held));
        let Some(resource) = path.resource else {
            return Some(Self::retrieved(within));
        };
        let found = within.filter(|held| is_matched(held, query));
        let number = |name: &str| value(query, name).and_then(|text| text.parse().ok());
        let mut items: Vec<Value> = found.map(|held| item(held, resource)).collect();
        items.dedup();
        let items = items.into_iter().skip(number("offset").unwrap_or(0));
        Some(Reply::page(&items.take(number("limit").unwrap_or(usize::MAX)).collect::<Vec<_>>()))
    }

    fn retrieved<'a>(instances: impl Iterator<Item = &'a Instance>) -> Reply {
        let mut body: Vec<u8> = instances.flat_map(part).collect();
        if body.is_empty() {
            return Reply::status(404);
        }
        body.extend_from_slice(b"\r\n--part--\r\n");
        Reply::Whole(200, Vec::new(), MULTIPART, body)
    }
}

impl<'a> Path<'a> {
    fn read(path: &'a str) -> Option<Self> {
        let mut words = path.strip_prefix("/dicom-web/")?.split('/');
        let mut read = Self::default();
        while let Some(resource) = words.next() {
            let place = match resource {
                "studies" => &mut read.study,
                "series" => &mut read.series,
                "instances" => &mut read.instance,
                _ => return None,
            };
            *place = words.next();
            read.resource = place.is_none().then_some(resource);
        }
        Some(read)
    }

    fn holds(&self, held: &Instance) -> bool {
        let is = |named: Option<&str>, uid: &str| named.is_none_or(|named| named == uid);
        is(self.study, &held.study) && is(self.series, &held.series) && is(self.instance, &held.sop_instance)
    }
}

/// The value of a parameter of a query, as it stands.
fn value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn is_matched(held: &Instance, query: &str) -> bool {
    let keys = [
        (["0020000D", "StudyInstanceUID"], &held.study),
        (["0020000E", "SeriesInstanceUID"], &held.series),
        (["00080018", "SOPInstanceUID"], &held.sop_instance),
    ];
    keys.iter().all(|(names, uid)| {
        let wanted = names.iter().find_map(|name| value(query, name));
        wanted
            .is_none_or(|list| list.replace("%2C", ",").replace("%5C", ",").split(',').any(|one| one == *uid))
    })
}

fn item(held: &Instance, resource: &str) -> Value {
    let mut item = json!({
        "00100020": {"vr": "LO", "Value": ["TEST-1"]},
        "0020000D": {"vr": "UI", "Value": [held.study]},
    });
    if resource != "studies" {
        item["0020000E"] = json!({"vr": "UI", "Value": [held.series]});
    }
    if resource == "instances" {
        item["00080016"] = json!({"vr": "UI", "Value": [held.sop_class]});
        item["00080018"] = json!({"vr": "UI", "Value": [held.sop_instance]});
    }
    item
}
