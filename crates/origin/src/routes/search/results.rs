//! Matches in the JSON Model (PS3.18 §F.2). Text is UTF-8 whatever the data sets held.

use std::io;

use crate::{
    Error,
    index::{
        attributes::{ATTRIBUTES, Attribute, Kind, Level},
        search::Found,
    },
    personality::{
        Paths,
        search::{SearchResource, SearchRules},
    },
};

/// What is written of each match: planned once, so that a match costs its values alone.
pub(super) struct Results {
    base: String,
    /// What the URL of a match is made up of behind the base: a piece of path, and the column of the UID
    /// behind that.
    url: Vec<(&'static str, usize)>,
    /// The UIDs that name a match come first, then everything else that is shown.
    columns: Vec<&'static Attribute>,
    members: Vec<Member>,
}

/// One element of a match.
struct Member {
    /// `"GGGGEEEE":{"vr":"VR"`.
    head: String,
    content: Content,
}

enum Content {
    /// The rest of the element, the same for all matches.
    Fixed(&'static str),
    /// The value of a column.
    Column(usize, &'static Attribute),
    /// The URL of the match.
    RetrieveUrl,
}

/// Attributes that every match of a level is named by.
const UIDS: [(Level, &str); 3] = [
    (Level::Study, "StudyInstanceUID"),
    (Level::Series, "SeriesInstanceUID"),
    (Level::Instance, "SOPInstanceUID"),
];

/// The pieces of the URL of a match, which [`UIDS`] name.
fn url(paths: Paths, level: Level) -> Vec<(&'static str, usize)> {
    match (paths, level) {
        (_, Level::Study) => vec![("/studies/", 0)],
        (Paths::Nested, Level::Series) => vec![("/studies/", 0), ("/series/", 1)],
        (Paths::Nested, Level::Instance) => vec![("/studies/", 0), ("/series/", 1), ("/instances/", 2)],
        (Paths::Flat, Level::Series) => vec![("/studies/series/", 1)],
        (Paths::Flat, Level::Instance) => vec![("/studies/series/instances/", 2)],
    }
}

/// Bytes of a match in JSON, about.
const MATCH_LENGTH: usize = 800;

impl Results {
    /// The attributes to return: those of the level, those of the levels above that the path does not
    /// fix, the UIDs of the match, and what was asked for.
    pub(super) fn new(
        resource: SearchResource,
        rules: &SearchRules,
        include: &[&'static Attribute],
        base: String,
        paths: Paths,
    ) -> Self {
        let level = resource.level();
        let uids = UIDS.iter().filter(|(of, _)| *of <= level);
        let mut columns: Vec<_> = uids.filter_map(|(_, keyword)| Attribute::named(keyword)).collect();
        let mut members = if rules.tells_where { where_it_is() } else { Vec::new() };
        for attribute in ATTRIBUTES {
            let position = columns.iter().position(|column| column.tag == attribute.tag);
            let by_level = attribute.level <= level && attribute.level >= resource.top();
            let shown = position.is_some()
                || (by_level && rules.returns(attribute))
                || (attribute.level <= level && include.contains(&attribute));
            if !shown {
                continue;
            }
            let position = position.unwrap_or_else(|| {
                columns.push(attribute);
                columns.len() - 1
            });
            let key = format!("{:08X}", attribute.tag.to_u32());
            let content = Content::Column(position, attribute);
            members.push((attribute.tag.to_u32(), Member::new(&key, attribute.vr, content)));
        }
        members.sort_by_key(|(tag, _)| *tag);
        let members = members.into_iter().map(|(_, member)| member).collect();
        Self { base, url: url(paths, level), columns, members }
    }

    /// The columns that a search has to give.
    pub(super) fn columns(&self) -> &[&'static Attribute] {
        &self.columns
    }

    /// Bytes that so many matches take, about.
    pub(super) fn length_hint(&self, matches: u64) -> usize {
        usize::try_from(matches).unwrap_or(0).saturating_mul(MATCH_LENGTH)
    }

    /// Writes one match as an object.
    pub(super) fn write(&self, found: &Found<'_>, json: &mut Vec<u8>) -> Result<(), Error> {
        let mut separator = b'{';
        for member in &self.members {
            json.push(separator);
            separator = b',';
            json.extend_from_slice(member.head.as_bytes());
            match &member.content {
                Content::Fixed(rest) => json.extend_from_slice(rest.as_bytes()),
                Content::RetrieveUrl => self.write_url(found, json)?,
                Content::Column(position, attribute) => match found.text(*position)? {
                    None | Some("") => json.push(b'}'),
                    Some(text) => write_values(attribute, text, json),
                },
            }
        }
        json.push(b'}');
        Ok(())
    }

    fn write_url(&self, found: &Found<'_>, json: &mut Vec<u8>) -> Result<(), Error> {
        json.extend_from_slice(b",\"Value\":[\"");
        json.extend_from_slice(self.base.as_bytes());
        for (name, position) in &self.url {
            if let Some(uid) = found.text(*position)? {
                json.extend_from_slice(name.as_bytes());
                json.extend_from_slice(uid.as_bytes());
            }
        }
        json.extend_from_slice(b"\"]}");
        Ok(())
    }
}

/// What a match has beside its attributes.
fn where_it_is() -> Vec<(u32, Member)> {
    vec![
        (0x0008_0005, Member::fixed("00080005", "CS", ",\"Value\":[\"ISO_IR 192\"]}")),
        (0x0008_0056, Member::fixed("00080056", "CS", ",\"Value\":[\"ONLINE\"]}")),
        (0x0008_1190, Member::new("00081190", "UR", Content::RetrieveUrl)),
    ]
}

impl Member {
    fn new(key: &str, vr: &str, content: Content) -> Self {
        Self { head: format!("\"{key}\":{{\"vr\":\"{vr}\""), content }
    }

    fn fixed(key: &str, vr: &str, rest: &'static str) -> Self {
        Self::new(key, vr, Content::Fixed(rest))
    }
}

/// The values of an element (PS3.18 §F.2.2): numbers where the VR is one and the text allows it.
fn write_values(attribute: &Attribute, text: &str, json: &mut Vec<u8>) {
    if attribute.kind == Kind::Sequence {
        json.extend_from_slice(b",\"Value\":");
        json.extend_from_slice(text.as_bytes());
        json.push(b'}');
        return;
    }
    let separator = if attribute.keyword == "ModalitiesInStudy" { ',' } else { '\\' };
    json.extend_from_slice(b",\"Value\":[");
    for (position, value) in text.split(separator).enumerate() {
        if position > 0 {
            json.push(b',');
        }
        match attribute.vr {
            _ if value.is_empty() => json.extend_from_slice(b"null"),
            "US" | "IS" => match value.trim().parse::<i64>() {
                Ok(number) => json.extend_from_slice(number.to_string().as_bytes()),
                Err(_) => write_string(value, json),
            },
            "PN" => write_name(value, json),
            _ => write_string(value, json),
        }
    }
    json.extend_from_slice(b"]}");
}

/// The component groups of a person name (PS3.18 §F.2.2).
fn write_name(name: &str, json: &mut Vec<u8>) {
    let mut separator = b'{';
    let groups = ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(name.split('='));
    for (key, group) in groups.filter(|(_, group)| !group.is_empty()) {
        json.push(separator);
        separator = b',';
        json.push(b'"');
        json.extend_from_slice(key.as_bytes());
        json.extend_from_slice(b"\":");
        write_string(group, json);
    }
    if separator == b'{' {
        json.push(b'{');
    }
    json.push(b'}');
}

fn write_string(text: &str, json: &mut Vec<u8>) {
    let written = serde_json::to_writer(&mut *json, text).map_err(io::Error::from);
    debug_assert!(written.is_ok(), "memory takes every text");
}
