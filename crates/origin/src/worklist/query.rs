//! The query component of a search of a worklist (PS3.18 §8.3.4).

use axum::http::StatusCode;
use dataset::{
    element::{VR, vr_of},
    json::{Content, Element, Item, Value, tag},
    matching::{Keys, Options},
};
use instance::Tag;
use percent_encoding::percent_decode_str;

use super::{body::bad, rules::SearchRules};
use crate::media::{Refused, refused};

/// Sequences in a path: 8, more than any attribute of a step stands in.
const DEPTH_MAX: usize = 8;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) keys: Keys,
    /// Attributes beside those that are always given.
    pub(super) include: Vec<Tag>,
    pub(super) include_all: bool,
    pub(super) offset: usize,
    pub(super) limit: Option<usize>,
}

impl Query {
    /// Reads the query component.
    pub(super) fn read(query: &str, rules: &SearchRules, parameters_max: usize) -> Result<Self, Refused> {
        let mut read =
            Self { keys: Keys::default(), include: Vec::new(), include_all: false, offset: 0, limit: None };
        let (mut identifier, mut fuzzy) = (Item::new(), false);
        for (position, parameter) in query.split('&').filter(|one| !one.is_empty()).enumerate() {
            if position >= parameters_max {
                return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "too many query parameters"));
            }
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            let number = || value.parse().map_err(|_| bad("limit and offset are numbers"));
            match name.as_str() {
                "limit" => read.limit = Some(number()?),
                "offset" => read.offset = number()?,
                "fuzzymatching" => fuzzy = value == "true",
                "includefield" => read.includes(&value)?,
                _ => {
                    let path = path(&name)?;
                    rules.check(&path, &value)?;
                    read.include.extend(path.first());
                    put(&mut identifier, &path, &value);
                }
            }
        }
        let options = Options { fuzzy, ..Options::default() };
        read.keys = Keys::read(&identifier, options).map_err(|error| bad(error.to_string()))?;
        if let Some((max, default)) = rules.limit {
            let limit = read.limit.unwrap_or(default);
            if !(1..=max).contains(&limit) {
                return Err(bad(format!("limit is a number from 1 to {max}")));
            }
            read.limit = Some(limit);
        }
        Ok(read)
    }

    fn includes(&mut self, names: &str) -> Result<(), Refused> {
        for name in names.split(',') {
            match tag(name) {
                _ if name == "all" => self.include_all = true,
                Some(tag) => self.include.push(tag),
                None => return Err(bad("includefield names no attribute")),
            }
        }
        Ok(())
    }
}

impl SearchRules {
    /// Refuses what the personality does not support.
    fn check(&self, path: &[Tag], value: &str) -> Result<(), Refused> {
        if self.keys.is_some_and(|keys| !keys.contains(&path)) {
            return Err(bad("an attribute is not supported for matching on this resource"));
        }
        if !self.wildcards && (value.trim().is_empty() || value.contains(['*', '?'])) {
            return Err(bad("wildcards and empty values are not supported"));
        }
        let last = path.last().copied();
        let is_moment = last.and_then(vr_of).is_some_and(|(vr, _)| matches!(vr, VR::DA | VR::TM | VR::DT));
        if is_moment && value.contains('-') && self.range.is_some() && self.range != last {
            return Err(bad("a range is not supported for this attribute"));
        }
        Ok(())
    }
}

/// The attributes that `00400100.00400002` or `ScheduledProcedureStepSequence.Modality` names.
fn path(name: &str) -> Result<Vec<Tag>, Refused> {
    let path: Option<Vec<_>> = name.split('.').map(tag).collect();
    path.filter(|path| path.len() <= DEPTH_MAX).ok_or_else(|| bad("a parameter names no attribute"))
}

/// Puts a key into an identifier; those of one sequence share an item.
fn put(identifier: &mut Item, path: &[Tag], value: &str) {
    let Some((tag, rest)) = path.split_first() else { return };
    let vr = vr_of(*tag).map_or(VR::UN, |(vr, _)| vr);
    if rest.is_empty() {
        let separators: &[char] = if vr == VR::UI { &[',', '\\'] } else { &['\\'] };
        identifier.insert(*tag, Element::texts(vr, value.split(separators)));
        return;
    }
    let mut item = match identifier.remove(*tag).map(|element| element.content) {
        Some(Content::Values(values)) => match values.into_iter().next() {
            Some(Value::Item(item)) => item,
            _ => Item::new(),
        },
        _ => Item::new(),
    };
    put(&mut item, rest, value);
    identifier.insert(*tag, Element::sequence([item]));
}

/// A name or value of the query component; a plus sign is itself, as in any path (RFC 3986).
fn decoded(text: &str) -> Result<String, Refused> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| bad("a query parameter is not UTF-8"))
}
