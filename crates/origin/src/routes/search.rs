//! Search transaction, QIDO-RS (PS3.18 §10.6).

use std::sync::Arc;

use axum::{
    extract::{RawQuery, Request, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::target::{Resource, url};
use crate::{
    index::{
        attributes::{ATTRIBUTES, Attribute, Kind, Level},
        search::{Match, Row, Search},
    },
    media::{self, Refused, accepts_json, not_acceptable, refused},
    server::State,
};

/// Bytes of one value to match, lists of UIDs apart: 1,024, above what any of these attributes can
/// hold (PS3.5 §6.2).
const VALUE_BYTES_MAX: usize = 1024;

/// The query component of a search (PS3.18 §8.3.4).
struct Query {
    matching: Vec<(&'static Attribute, Match)>,
    include: Vec<&'static Attribute>,
    offset: u64,
    limit: Option<u64>,
    /// Values of Warning fields: what the origin does not do.
    warnings: Vec<String>,
}

/// Lists studies, series or instances, in all of a study or a series or in everything there is.
pub(super) async fn search(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refused> {
    if !accepts_json(&headers) {
        return Err(not_acceptable());
    }
    let level = level(request.uri().path());
    let parameters_max = state.options.limits.parameters_max;
    let mut query = Query::read(&query.unwrap_or_default(), level, parameters_max)?;
    let matches_max = state.options.limits.matches_max as u64;
    let search = Search {
        level,
        study: resource.study.as_ref().map(ToString::to_string),
        series: resource.series.as_ref().map(ToString::to_string),
        matching: query.matching,
        offset: query.offset,
        limit: query.limit.map_or(matches_max, |limit| limit.min(matches_max)),
    };
    let page = state.storage.search(search).await?;
    let limited_by_client = query.limit.is_some_and(|limit| limit <= matches_max);
    if page.remaining > 0 && !limited_by_client {
        query.warnings.push(format!("There are {} additional results that can be requested", page.remaining));
    }
    let shown = shown(level, &resource, &query.include);
    let results: Vec<_> = page.rows.iter().map(|row| result(row, level, &shown, &resource.base)).collect();
    let mut response = if results.is_empty() {
        StatusCode::NO_CONTENT.into_response()
    } else {
        media::json(StatusCode::OK, &Value::Array(results))
    };
    for warning in query.warnings {
        // What a client wrote is not repeated, so every warning is a valid field value.
        if let Ok(value) = HeaderValue::from_str(&format!("299 dimseway-origin \"{warning}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    Ok(response)
}

/// The last resource name of the path says what is listed.
fn level(path: &str) -> Level {
    match path.trim_end_matches('/').rsplit('/').next() {
        Some("series") => Level::Series,
        Some("instances") => Level::Instance,
        _ => Level::Study,
    }
}

impl Query {
    fn read(query: &str, level: Level, parameters_max: usize) -> Result<Self, Refused> {
        let mut read =
            Self { matching: Vec::new(), include: Vec::new(), offset: 0, limit: None, warnings: Vec::new() };
        let bad = |why: &str| refused(StatusCode::BAD_REQUEST, why);
        for (position, parameter) in query.split('&').filter(|one| !one.is_empty()).enumerate() {
            if position >= parameters_max {
                return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "too many query parameters"));
            }
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let name = decoded(name).ok_or_else(|| bad("a query parameter is not UTF-8"))?;
            let value = decoded(value).ok_or_else(|| bad("a query parameter is not UTF-8"))?;
            let number = || value.parse::<u64>().map_err(|_| bad("limit and offset are numbers"));
            match name.as_str() {
                "limit" => read.limit = Some(number()?),
                "offset" => read.offset = number()?,
                "fuzzymatching" if value == "true" => {
                    let warning = "The fuzzymatching parameter is not supported. \
                                   Only literal matching has been performed.";
                    read.warnings.push(warning.to_owned());
                }
                "fuzzymatching" => {}
                "includefield" => read.include(&value),
                _ => read.matches(&name, &value, level, parameters_max)?,
            }
        }
        Ok(read)
    }

    fn include(&mut self, value: &str) {
        for name in value.split(',') {
            if name == "all" {
                self.include.extend(ATTRIBUTES);
            } else if let Some(attribute) = Attribute::named(name) {
                self.include.push(attribute);
            }
        }
    }

    fn matches(&mut self, name: &str, value: &str, level: Level, values_max: usize) -> Result<(), Refused> {
        let attribute = Attribute::named(name);
        match attribute {
            Some(attribute) if attribute.level <= level && attribute.can_match() => {
                // Universal matching asks for the attribute in the answer.
                self.include.push(attribute);
                if attribute.kind != Kind::Uid && value.len() > VALUE_BYTES_MAX {
                    return Err(refused(StatusCode::BAD_REQUEST, "a value is too long to match"));
                }
                let Some(matching) = Match::read(attribute, value) else { return Ok(()) };
                self.matching.push((attribute, matching));
                let values = self.matching.iter().map(|(_, matching)| matching.values()).sum::<usize>();
                if values > values_max {
                    return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "too many values to match"));
                }
            }
            _ => {
                let warning = "An attribute that is not supported for matching was ignored.".to_owned();
                if !self.warnings.contains(&warning) {
                    self.warnings.push(warning);
                }
            }
        }
        Ok(())
    }
}

/// A name or value of the query component; a plus sign is itself, as in any path (RFC 3986).
fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The attributes to return: those of the level, those of the levels above that the path does not
/// fix, and what was asked for.
fn shown(
    level: Level,
    resource: &Resource,
    include: &[&'static Attribute],
) -> Vec<(usize, &'static Attribute)> {
    let top = match (level, &resource.study, &resource.series) {
        (Level::Study, ..) => Level::Study,
        (Level::Series, Some(_), _) => Level::Series,
        (Level::Instance, _, Some(_)) => Level::Instance,
        (Level::Instance, Some(_), None) => Level::Series,
        (Level::Series | Level::Instance, None, _) => Level::Study,
    };
    let key = |attribute: &Attribute| ["StudyInstanceUID", "SeriesInstanceUID"].contains(&attribute.keyword);
    let wanted = |attribute: &'static Attribute| {
        attribute.level <= level
            && ((attribute.default && attribute.level >= top)
                || key(attribute)
                || include.contains(&attribute))
    };
    ATTRIBUTES.iter().enumerate().filter(|(_, attribute)| wanted(attribute)).collect()
}

/// One match in the JSON Model. Text is UTF-8 whatever the data set held.
fn result(row: &Row, level: Level, shown: &[(usize, &'static Attribute)], base: &str) -> Value {
    let mut elements = Map::new();
    elements.insert("00080005".to_owned(), json!({ "vr": "CS", "Value": ["ISO_IR 192"] }));
    elements.insert("00080056".to_owned(), json!({ "vr": "CS", "Value": ["ONLINE"] }));
    for (position, attribute) in shown {
        let element = match row.get(*position).and_then(Option::as_deref) {
            None | Some("") => json!({ "vr": attribute.vr }),
            Some(text) => json!({ "vr": attribute.vr, "Value": values(attribute, text) }),
        };
        elements.insert(format!("{:08X}", attribute.tag.to_u32()), element);
    }
    let uid = |keyword: &str, of: Level| {
        let position = ATTRIBUTES.iter().position(|attribute| attribute.keyword == keyword)?;
        row.get(position)?.as_deref().filter(|_| of <= level)
    };
    let retrieve = url(
        base,
        uid("StudyInstanceUID", Level::Study).unwrap_or_default(),
        uid("SeriesInstanceUID", Level::Series),
        uid("SOPInstanceUID", Level::Instance),
    );
    elements.insert("00081190".to_owned(), json!({ "vr": "UR", "Value": [retrieve] }));
    Value::Object(elements)
}

/// The values of an element (PS3.18 §F.2.2): numbers where the VR is one and the text allows it.
fn values(attribute: &Attribute, text: &str) -> Vec<Value> {
    let separator = if attribute.keyword == "ModalitiesInStudy" { ',' } else { '\\' };
    let value = |text: &str| match attribute.vr {
        _ if text.is_empty() => Value::Null,
        "US" | "IS" => text.trim().parse::<i64>().map_or_else(|_| json!(text), Value::from),
        "PN" => {
            let groups = ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(text.split('='));
            let groups = groups.filter(|(_, group)| !group.is_empty());
            Value::Object(groups.map(|(name, group)| (name.to_owned(), json!(group))).collect())
        }
        _ => json!(text),
    };
    text.split(separator).map(value).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::index::Index;

    #[test]
    fn values_are_counted_and_measured() {
        let uids = |count: usize| format!("StudyInstanceUID={}", vec!["1.2.3"; count].join(","));
        let cases = [
            (uids(4), true),
            (uids(5), false),
            (format!("{}&{}", uids(2), uids(2)), true),
            (format!("{}&{}", uids(2), uids(3)), false),
            (format!("PatientID={}", "x".repeat(1024)), true),
            (format!("PatientID={}", "x".repeat(1025)), false),
            ("a=&b=&c=&d=".to_owned(), true),
            ("a=&b=&c=&d=&e=".to_owned(), false),
        ];
        for (query, taken) in cases {
            assert_eq!(Query::read(&query, Level::Study, 4).is_ok(), taken, "{query}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever stands in a query, it is refused or the index takes it.
        #[test]
        fn no_query_is_a_fault_of_the_origin(
            values in proptest::collection::vec(("[ -~]{0,12}", 0..ATTRIBUTES.len()), 0..6),
            noise in "[ -~]{0,40}",
        ) {
            let folder = tempfile::tempdir().unwrap();
            let index = Index::open(&folder.path().join("index.sqlite")).unwrap();
            let keys = values.iter().map(|(value, at)| format!("{}={value}", ATTRIBUTES[*at].keyword));
            let text = keys.chain([noise]).collect::<Vec<_>>().join("&");
            for level in [Level::Study, Level::Series, Level::Instance] {
                let Ok(query) = Query::read(&text, level, 100) else { continue };
                let (study, series) = (None, None);
                let Query { matching, offset, .. } = query;
                let search = Search { level, study, series, matching, offset, limit: 10 };
                prop_assert!(index.search(&search).is_ok(), "{text}");
            }
        }
    }
}
