//! The query component of a search (PS3.18 §8.3.4).

use axum::http::StatusCode;
use percent_encoding::percent_decode_str;

use crate::{
    index::{
        attributes::{ATTRIBUTES, Attribute, Kind, Level},
        search::Match,
    },
    media::{Refused, refused},
    personality::search::{Comparison, SearchResource, SearchRules, Unsupported},
};

/// Bytes of one value to match, lists of UIDs apart: 1,024, above what any of these attributes can
/// hold (PS3.5 §6.2).
const VALUE_BYTES_MAX: usize = 1024;

/// What is asked for.
pub(crate) struct Query {
    pub(super) matching: Vec<(&'static Attribute, Match)>,
    pub(super) include: Vec<&'static Attribute>,
    pub(super) offset: u64,
    pub(super) limit: Option<u64>,
    /// Values of Warning fields: what the origin does not do.
    pub(super) warnings: Vec<String>,
}

/// The parameters on their way to a [`Query`].
struct Reading<'a> {
    resource: SearchResource,
    rules: &'a SearchRules,
    values_max: usize,
    query: Query,
    /// Keys with their values; what they mean may depend on `fuzzymatching`.
    keys: Vec<(String, String)>,
    fuzzy: bool,
    includes: Vec<String>,
}

impl Query {
    /// One key, and nothing else.
    pub(crate) fn of(attribute: &'static Attribute, matching: Match) -> Self {
        Self {
            matching: vec![(attribute, matching)],
            include: Vec::new(),
            offset: 0,
            limit: None,
            warnings: Vec::new(),
        }
    }

    /// Reads the query component of a search on `resource`.
    pub(super) fn read(
        query: &str,
        resource: SearchResource,
        rules: &SearchRules,
        parameters_max: usize,
    ) -> Result<Self, Refused> {
        let empty =
            Self { matching: Vec::new(), include: Vec::new(), offset: 0, limit: None, warnings: Vec::new() };
        let mut reading = Reading {
            resource,
            rules,
            values_max: parameters_max,
            query: empty,
            keys: Vec::new(),
            fuzzy: false,
            includes: Vec::new(),
        };
        for (position, parameter) in query.split('&').filter(|one| !one.is_empty()).enumerate() {
            if position >= parameters_max {
                return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "too many query parameters"));
            }
            reading.parameter(parameter)?;
        }
        reading.finish()
    }
}

impl Reading<'_> {
    fn parameter(&mut self, parameter: &str) -> Result<(), Refused> {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = decoded(name).ok_or_else(|| bad("a query parameter is not UTF-8"))?;
        let value = decoded(value).ok_or_else(|| bad("a query parameter is not UTF-8"))?;
        let number = || value.parse::<u64>().map_err(|_| bad("limit and offset are numbers"));
        match name.as_str() {
            "limit" => self.query.limit = Some(number()?),
            "offset" => self.query.offset = number()?,
            "fuzzymatching" => self.fuzzy = value == "true",
            "includefield" => self.includes.extend(value.split(',').map(str::to_owned)),
            _ => self.keys.push((name, value)),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Query, Refused> {
        if self.fuzzy && self.rules.fuzzy.is_empty() {
            let warning = "The fuzzymatching parameter is not supported. \
                           Only literal matching has been performed.";
            self.query.warnings.push(warning.to_owned());
        }
        for (name, value) in std::mem::take(&mut self.keys) {
            self.key(&name, &value)?;
        }
        self.include()?;
        self.limit()?;
        Ok(self.query)
    }

    /// One matching key.
    fn key(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        let supported = |one: &&Attribute| self.rules.matches(one, self.resource);
        if let Some((sequence, tag)) = Attribute::item_named(name).filter(|(one, _)| supported(one)) {
            self.query.include.push(sequence);
            if !value.trim_matches(['*', ' ']).is_empty() {
                self.query.matching.push((sequence, Match::Item(tag, value.to_owned())));
            }
            return Ok(());
        }
        // A sequence is not matched as a whole, only by attributes of its items.
        let attribute = Attribute::named(name).filter(supported).filter(|one| one.kind != Kind::Sequence);
        let Some(attribute) = attribute else {
            return self.unsupported("An attribute that is not supported for matching was ignored.");
        };
        if attribute.kind != Kind::Uid && value.len() > VALUE_BYTES_MAX {
            return Err(bad("a value is too long to match"));
        }
        if self.rules.unsupported == Unsupported::Refused {
            self.check(attribute, value)?;
        }
        // Universal matching asks for the attribute in the answer.
        self.query.include.push(attribute);
        let matching = if self.fuzzy && self.rules.fuzzy.contains(&attribute.keyword) {
            Some(Match::WordsBegin(value.to_owned()))
        } else {
            Match::read(attribute, value, self.rules.comparison)
        };
        let Some(matching) = matching else { return Ok(()) };
        self.query.matching.push((attribute, matching));
        let values = self.query.matching.iter().map(|(_, matching)| matching.values()).sum::<usize>();
        if values > self.values_max {
            return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "too many values to match"));
        }
        Ok(())
    }

    /// What a server that refuses what it does not support says to a value.
    fn check(&self, attribute: &Attribute, value: &str) -> Result<(), Refused> {
        if self.query.matching.iter().any(|(one, _)| one.tag == attribute.tag) {
            return Err(bad("an attribute is matched twice"));
        }
        if value.trim().is_empty() {
            return Err(bad("a value to match is empty"));
        }
        if self.rules.comparison == Comparison::Insensitive && value.contains(['*', '?']) {
            return Err(bad("wildcards are not supported"));
        }
        match attribute.kind {
            Kind::Uid if value.contains([',', '\\']) => Err(bad("lists of UIDs are not supported")),
            Kind::DateTime => self.check_date(attribute, value),
            _ => Ok(()),
        }
    }

    fn check_date(&self, attribute: &Attribute, value: &str) -> Result<(), Refused> {
        let is_date = |text: &str| match attribute.vr {
            "TM" => text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'),
            _ => text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()),
        };
        match value.split_once('-') {
            Some(_) if !self.rules.ranges(attribute) => {
                Err(bad("a range is not supported for this attribute"))
            }
            Some(("", "")) => Err(bad("a range has no bound")),
            Some((from, to)) if [from, to].iter().all(|bound| bound.is_empty() || is_date(bound)) => Ok(()),
            None if is_date(value) => Ok(()),
            _ => Err(bad("a date is not of the form YYYYMMDD")),
        }
    }

    fn include(&mut self) -> Result<(), Refused> {
        let strict = self.rules.unsupported == Unsupported::Refused;
        let names = std::mem::take(&mut self.includes);
        if strict && names.len() > 1 && names.iter().any(|name| name == "all") {
            return Err(bad("includefield=all stands alone"));
        }
        for name in names {
            if name == "all" {
                self.query.include.extend(ATTRIBUTES.iter().filter(|one| self.rules.includes(one)));
            } else if let Some(attribute) = Attribute::named(&name) {
                if self.rules.includes(attribute) {
                    self.query.include.push(attribute);
                }
            } else if strict && !names_a_tag(&name) {
                return Err(bad("includefield names no attribute"));
            }
        }
        Ok(())
    }

    fn limit(&mut self) -> Result<(), Refused> {
        let Some(rules) = self.rules.limit else { return Ok(()) };
        let max = match self.resource.level() {
            Level::Instance => rules.max_of_instances,
            Level::Study | Level::Series => rules.max,
        };
        if rules.offset_max.is_some_and(|max| self.query.offset > max) {
            return Err(bad("the offset is too large"));
        }
        match self.query.limit {
            Some(limit) if !(1..=max).contains(&limit) => {
                Err(bad(&format!("limit is a number from 1 to {max}")))
            }
            given => {
                self.query.limit = Some(given.unwrap_or(rules.default));
                Ok(())
            }
        }
    }

    fn unsupported(&mut self, warning: &str) -> Result<(), Refused> {
        if self.rules.unsupported == Unsupported::Refused {
            return Err(bad("an attribute is not supported for matching on this resource"));
        }
        if !self.query.warnings.iter().any(|one| one == warning) {
            self.query.warnings.push(warning.to_owned());
        }
        Ok(())
    }
}

/// Eight hexadecimal digits.
fn names_a_tag(name: &str) -> bool {
    name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn bad(why: &str) -> Refused {
    refused(StatusCode::BAD_REQUEST, why)
}

/// A name or value of the query component; a plus sign is itself, as in any path (RFC 3986).
fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests;
