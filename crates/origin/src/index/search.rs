//! Searches of the index: matching (PS3.4 §C.2.2.2) turned into SQL.

use rusqlite::{Connection, params_from_iter, types::Value};

use super::attributes::{ATTRIBUTES, Attribute, Kind, Level};
use crate::Error;

/// One search: what to list, below what, matching what.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) level: Level,
    pub(crate) study: Option<String>,
    pub(crate) series: Option<String>,
    pub(crate) matching: Vec<(&'static Attribute, Match)>,
    pub(crate) offset: u64,
    pub(crate) limit: u64,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Match {
    /// Equal to one of these; several only for UIDs (PS3.4 §C.2.2.2.2).
    OneOf(Vec<String>),
    /// `*` stands for any run of characters, `?` for any one (PS3.4 §C.2.2.2.4).
    Wildcard(String),
    /// Between two values, both included, either may be open (PS3.4 §C.2.2.2.5).
    Range(Option<String>, Option<String>),
}

/// Values of [`ATTRIBUTES`], by position; none where the level has no such attribute or the data set
/// did not hold it.
pub(crate) type Row = Vec<Option<String>>;

/// One page of matches, and how many there are behind it.
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) remaining: u64,
}

impl Match {
    /// How many values it compares with.
    pub(crate) const fn values(&self) -> usize {
        match self {
            Self::OneOf(values) => values.len(),
            Self::Wildcard(_) => 1,
            Self::Range(..) => 2,
        }
    }

    /// Reads the value of a query parameter; none for universal matching (PS3.4 §C.2.2.2.3).
    pub(crate) fn read(attribute: &Attribute, value: &str) -> Option<Self> {
        let value = value.trim_matches([' ', '\0']);
        if value.is_empty() || value.bytes().all(|byte| byte == b'*') {
            return None;
        }
        let several = |text: &str| {
            let values = text.split([',', '\\']).map(str::trim).filter(|one| !one.is_empty());
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        let one = || Self::OneOf(vec![value.to_owned()]);
        Some(match attribute.kind {
            Kind::Uid => Self::OneOf(several(value)),
            Kind::Number => one(),
            Kind::DateTime => match value.split_once('-') {
                Some((from, to)) => {
                    let bound = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
                    Self::Range(bound(from), bound(to))
                }
                None => one(),
            },
            Kind::Text | Kind::PersonName | Kind::Computed if value.contains(['*', '?']) => {
                Self::Wildcard(value.to_owned())
            }
            Kind::Computed => Self::OneOf(several(value)),
            Kind::Text | Kind::PersonName => one(),
        })
    }
}

/// The tables of a level joined with those above it.
fn tables(level: Level) -> &'static str {
    match level {
        Level::Study => "study",
        Level::Series => "series JOIN study USING (StudyInstanceUID)",
        Level::Instance => {
            "instance JOIN series USING (StudyInstanceUID, SeriesInstanceUID) \
             JOIN study USING (StudyInstanceUID)"
        }
    }
}

/// The expression that gives an attribute in a search of `level`.
fn column(attribute: &Attribute, level: Level) -> String {
    if attribute.level > level {
        return "NULL".to_owned();
    }
    match attribute.keyword {
        "ModalitiesInStudy" => "(SELECT group_concat(DISTINCT of.Modality) FROM series AS of \
             WHERE of.StudyInstanceUID = study.StudyInstanceUID)"
            .to_owned(),
        "NumberOfStudyRelatedSeries" => "(SELECT CAST(count(*) AS TEXT) FROM series AS of \
             WHERE of.StudyInstanceUID = study.StudyInstanceUID)"
            .to_owned(),
        "NumberOfStudyRelatedInstances" => "(SELECT CAST(count(*) AS TEXT) FROM instance AS of \
             WHERE of.StudyInstanceUID = study.StudyInstanceUID)"
            .to_owned(),
        "NumberOfSeriesRelatedInstances" => "(SELECT CAST(count(*) AS TEXT) FROM instance AS of \
             WHERE of.StudyInstanceUID = series.StudyInstanceUID \
             AND of.SeriesInstanceUID = series.SeriesInstanceUID)"
            .to_owned(),
        "AvailableTransferSyntaxUID" => "instance.transfer_syntax".to_owned(),
        keyword => format!("{}.{keyword}", attribute.level.table()),
    }
}

/// The condition of one matching key, with its parameters.
fn condition(attribute: &Attribute, matching: &Match, level: Level) -> (String, Vec<String>) {
    if attribute.keyword == "ModalitiesInStudy" {
        let (inner, parameters) = compare("of.Modality", Kind::Text, matching);
        let exists = format!(
            "EXISTS (SELECT 1 FROM series AS of \
             WHERE of.StudyInstanceUID = study.StudyInstanceUID AND {inner})"
        );
        return (exists, parameters);
    }
    compare(&column(attribute, level), attribute.kind, matching)
}

fn compare(column: &str, kind: Kind, matching: &Match) -> (String, Vec<String>) {
    match matching {
        Match::OneOf(values) if kind == Kind::PersonName => {
            person_name(column, values.first().map_or("", String::as_str))
        }
        Match::OneOf(values) => {
            let marks = vec!["?"; values.len()].join(", ");
            (format!("{column} IN ({marks})"), values.clone())
        }
        Match::Wildcard(pattern) if kind == Kind::PersonName => person_name(column, pattern),
        // GLOB knows the wildcards of DICOM, and brackets besides, which are taken as they stand.
        Match::Wildcard(pattern) => (format!("{column} GLOB ?"), vec![pattern.replace('[', "[[]")]),
        Match::Range(from, to) => {
            let mut condition = format!("({column} <> ''");
            let mut parameters = Vec::new();
            if let Some(from) = from {
                condition.push_str(&format!(" AND {column} >= ?"));
                parameters.push(from.clone());
            }
            if let Some(to) = to {
                // A colon sorts behind every digit and the point, so a bound given to the minute
                // includes all of that minute.
                condition.push_str(&format!(" AND {column} <= ?"));
                parameters.push(format!("{to}:"));
            }
            condition.push(')');
            (condition, parameters)
        }
    }
}

/// A person name matches as a whole or in one of its component groups (PS3.5 §6.2.1), whatever the
/// case.
fn person_name(column: &str, pattern: &str) -> (String, Vec<String>) {
    let mut like = String::new();
    for character in pattern.chars() {
        match character {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' | '!' => like.extend(['!', character]),
            other => like.push(other),
        }
    }
    let forms = [like.clone(), format!("{like}=%"), format!("%={like}"), format!("%={like}=%")];
    let condition = vec![format!("{column} LIKE ? ESCAPE '!'"); forms.len()].join(" OR ");
    (format!("({condition})"), forms.to_vec())
}

/// Runs a search, in the order in which things were first stored.
pub(super) fn run(connection: &Connection, search: &Search) -> Result<Page, Error> {
    let level = search.level;
    let mut conditions = vec!["1".to_owned()];
    let mut parameters = Vec::new();
    if let Some(study) = &search.study {
        conditions.push("study.StudyInstanceUID = ?".to_owned());
        parameters.push(study.clone());
    }
    if let Some(series) = &search.series {
        conditions.push("series.SeriesInstanceUID = ?".to_owned());
        parameters.push(series.clone());
    }
    for (attribute, matching) in &search.matching {
        let (condition, more) = condition(attribute, matching, level);
        conditions.push(condition);
        parameters.extend(more);
    }
    let from = format!("FROM {} WHERE {}", tables(level), conditions.join(" AND "));
    let columns: Vec<_> = ATTRIBUTES.iter().map(|attribute| column(attribute, level)).collect();
    let statement =
        format!("SELECT {} {from} ORDER BY {}.rowid LIMIT ? OFFSET ?", columns.join(", "), level.table());
    let mut values: Vec<Value> = parameters.into_iter().map(Value::Text).collect();
    let count_parameters = values.clone();
    values.push(Value::Integer(i64::try_from(search.limit).unwrap_or(i64::MAX)));
    values.push(Value::Integer(i64::try_from(search.offset).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&statement)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        (0..ATTRIBUTES.len()).map(|position| row.get(position)).collect::<Result<Row, _>>()
    })?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let mut remaining = 0;
    if rows.len() as u64 == search.limit {
        let mut statement = connection.prepare_cached(&format!("SELECT count(*) {from}"))?;
        let all = statement.query_row(params_from_iter(count_parameters), |row| super::unsigned(row, 0))?;
        remaining = all.saturating_sub(search.offset.saturating_add(search.limit));
    }
    Ok(Page { rows, remaining })
}
