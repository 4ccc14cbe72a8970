//! Searches of the index: matching (PS3.4 §C.2.2.2) turned into SQL.

use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter, types::Value};

use super::{
    attributes::{Attribute, Kind, Level},
    schema::{IN_SERIES, IN_STUDY, unsigned},
};
use crate::{
    Error,
    personality::search::{Comparison, Order},
};

/// One search: what to list, below what, matching what.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) level: Level,
    pub(crate) study: Option<String>,
    pub(crate) series: Option<String>,
    pub(crate) matching: Vec<(&'static Attribute, Match)>,
    /// The attributes that a match is given with.
    pub(crate) columns: Vec<&'static Attribute>,
    pub(crate) order: Order,
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
    /// Equal as a whole whatever the case, person names whatever the accents too.
    Insensitive(String),
    /// Each of its words begins a word of the name.
    WordsBegin(String),
    /// An attribute of one of the items, as it is written in JSON, has this value, with wildcards
    /// (PS3.4 §C.2.2.2.6).
    Item(&'static str, String),
}

/// A place among the matches of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Before the first one.
    Begin,
    /// At the one with this row number.
    At(i64),
    /// Behind the one with this row number.
    Behind(i64),
}

/// One match.
pub(crate) struct Found<'a>(&'a Row<'a>);

impl Found<'_> {
    /// The value of a column of the search, by its position; none where the level has no such
    /// attribute or the data set did not hold it.
    pub(crate) fn text(&self, position: usize) -> Result<Option<&str>, Error> {
        let value = self.0.get_ref(position + 1)?.as_str_or_null();
        value.map_err(|error| Error::Index(error.into()))
    }
}

impl Match {
    /// How many values it compares with.
    pub(crate) const fn values(&self) -> usize {
        match self {
            Self::OneOf(values) => values.len(),
            Self::Range(..) => 2,
            Self::Wildcard(_) | Self::Insensitive(_) | Self::WordsBegin(_) | Self::Item(..) => 1,
        }
    }

    /// Reads the value of a query parameter; none for universal matching (PS3.4 §C.2.2.2.3).
    pub(crate) fn read(attribute: &Attribute, value: &str, comparison: Comparison) -> Option<Self> {
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
            Kind::DateTime if value.contains('-') => {
                let (from, to) = value.split_once('-').unwrap_or((value, ""));
                let bound = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
                Self::Range(bound(from), bound(to))
            }
            // A time without its seconds is every time in that minute.
            Kind::DateTime if attribute.vr == "TM" => {
                Self::Range(Some(value.to_owned()), Some(value.to_owned()))
            }
            Kind::DateTime | Kind::Number => one(),
            Kind::Uid => Self::OneOf(several(value)),
            _ if comparison == Comparison::Exact => one(),
            _ if comparison == Comparison::Insensitive => Self::Insensitive(value.to_owned()),
            Kind::Computed if !value.contains(['*', '?']) => Self::OneOf(several(value)),
            Kind::Text | Kind::PersonName | Kind::Computed | Kind::Sequence => {
                Self::Wildcard(value.to_owned())
            }
        })
    }
}

/// The tables of a level joined with those above it that are wanted.
fn tables(level: Level, highest: Level) -> &'static str {
    match (level, highest) {
        (Level::Study, _) => "study",
        (Level::Series, Level::Study) => "series JOIN study ON study.id = series.study",
        (Level::Series, _) => "series",
        (Level::Instance, Level::Instance) => "instance",
        (Level::Instance, Level::Series) => "instance JOIN series ON series.id = instance.series",
        (Level::Instance, Level::Study) => {
            "instance JOIN series ON series.id = instance.series JOIN study ON study.id = instance.study"
        }
    }
}

/// The expression that gives an attribute in a search of `level`, as text.
fn column(attribute: &Attribute, level: Level) -> String {
    if attribute.level > level {
        return "NULL".to_owned();
    }
    match attribute.keyword {
        "ModalitiesInStudy" => "(SELECT group_concat(DISTINCT of.Modality) FROM series AS of \
             WHERE of.study = study.id)"
            .to_owned(),
        "AvailableTransferSyntaxUID" => "instance.transfer_syntax".to_owned(),
        keyword if attribute.kind == Kind::Computed => {
            format!("CAST({}.{keyword} AS TEXT)", attribute.level.table())
        }
        keyword => format!("{}.{keyword}", attribute.level.table()),
    }
}

/// The condition of one matching key, with its parameters.
fn condition(attribute: &Attribute, matching: &Match, level: Level) -> (String, Vec<String>) {
    if attribute.keyword == "ModalitiesInStudy" {
        let (inner, parameters) = compare("of.Modality", attribute, matching);
        let exists = format!("EXISTS (SELECT 1 FROM series AS of WHERE of.study = study.id AND {inner})");
        return (exists, parameters);
    }
    compare(&column(attribute, level), attribute, matching)
}

fn compare(column: &str, attribute: &Attribute, matching: &Match) -> (String, Vec<String>) {
    let is_name = attribute.kind == Kind::PersonName;
    let function = |name: &str, value: &String| (format!("{name}({column}, ?)"), vec![value.clone()]);
    match matching {
        Match::OneOf(values) => {
            let marks = vec!["?"; values.len()].join(", ");
            (format!("{column} IN ({marks})"), values.clone())
        }
        // Numbers are equal whatever their zeros and spaces (PS3.5 §6.2).
        Match::Wildcard(value) if attribute.vr == "IS" && value.trim().parse::<i64>().is_ok() => (
            format!("CAST({column} AS INTEGER) = CAST(? AS INTEGER) AND {column} <> ''"),
            vec![value.clone()],
        ),
        Match::Wildcard(pattern) if is_name => function("name_matches", pattern),
        Match::Wildcard(pattern) => function("text_matches", pattern),
        Match::Insensitive(value) if is_name => function("name_equals", value),
        Match::Insensitive(value) => function("text_equals", value),
        Match::WordsBegin(value) => function("words_begin", value),
        Match::Item(tag, value) => {
            let condition = format!(
                "EXISTS (SELECT 1 FROM json_each({column}) AS item \
                 WHERE text_matches(json_extract(item.value, '$.{tag}.Value[0]'), ?))"
            );
            (condition, vec![value.clone()])
        }
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

/// The tables and conditions of a search.
struct Clause {
    highest: Level,
    conditions: Vec<String>,
    parameters: Vec<Value>,
}

impl Clause {
    fn of(search: &Search) -> Self {
        let mut clause = Self { highest: search.level, conditions: Vec::new(), parameters: Vec::new() };
        clause.below(search);
        for (attribute, matching) in &search.matching {
            let (condition, parameters) = condition(attribute, matching, search.level);
            clause.conditions.push(condition);
            clause.parameters.extend(parameters.into_iter().map(Value::Text));
            clause.highest = clause.highest.min(attribute.level);
        }
        clause
    }

    /// What the path of the search names.
    fn below(&mut self, search: &Search) {
        let (condition, uids) = match (&search.study, &search.series, search.level) {
            (Some(study), _, Level::Study) => ("study.StudyInstanceUID = ?", vec![study]),
            (Some(study), _, Level::Series) => {
                ("series.study = (SELECT id FROM study WHERE StudyInstanceUID = ?)", vec![study])
            }
            (Some(study), None, Level::Instance) => (IN_STUDY, vec![study]),
            (Some(study), Some(series), Level::Instance) => (IN_SERIES, vec![study, series]),
            (None, ..) => return,
        };
        self.conditions.push(condition.to_owned());
        self.parameters.extend(uids.into_iter().map(|uid| Value::Text(uid.clone())));
    }

    /// From a place on.
    fn from(mut self, cursor: Cursor, search: &Search) -> Self {
        let (row, behind) = match cursor {
            Cursor::Begin => return self,
            Cursor::At(row) => (row, false),
            Cursor::Behind(row) => (row, true),
        };
        let operator = match (search.order, behind) {
            (Order::OldestFirst, true) => ">",
            (Order::OldestFirst, false) => ">=",
            (Order::NewestFirst, true) => "<",
            (Order::NewestFirst, false) => "<=",
        };
        self.conditions.push(format!("{}.id {operator} ?", search.level.table()));
        self.parameters.push(Value::Integer(row));
        self
    }

    fn sql(&self, search: &Search) -> String {
        let tables = tables(search.level, self.highest);
        let conditions =
            if self.conditions.is_empty() { "1".to_owned() } else { self.conditions.join(" AND ") };
        format!("FROM {tables} WHERE {conditions}")
    }
}

fn order(search: &Search) -> String {
    let direction = match search.order {
        Order::OldestFirst => "",
        Order::NewestFirst => " DESC",
    };
    format!("ORDER BY {}.id{direction}", search.level.table())
}

/// How many matches there are.
pub(super) fn count(connection: &Connection, search: &Search) -> Result<u64, Error> {
    let clause = Clause::of(search);
    let mut statement = connection.prepare_cached(&format!("SELECT count(*) {}", clause.sql(search)))?;
    Ok(statement.query_row(params_from_iter(clause.parameters), |row| unsigned(row, 0))?)
}

/// The match that has `offset` others before it. Only row numbers are looked at on the way there.
pub(super) fn at(connection: &Connection, search: &Search, offset: u64) -> Result<Option<Cursor>, Error> {
    let mut clause = Clause::of(search);
    let statement = format!(
        "SELECT {}.id {} {} LIMIT 1 OFFSET ?",
        search.level.table(),
        clause.sql(search),
        order(search)
    );
    clause.parameters.push(Value::Integer(i64::try_from(offset).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&statement)?;
    let row = statement.query_row(params_from_iter(clause.parameters), |row| row.get(0)).optional()?;
    Ok(row.map(Cursor::At))
}

/// Runs a search from a place on.
pub(super) fn run(
    connection: &Connection,
    search: &Search,
    from: Cursor,
    limit: u64,
    each: &mut dyn FnMut(&Found<'_>) -> Result<(), Error>,
) -> Result<(u64, Cursor), Error> {
    let mut clause = Clause::of(search).from(from, search);
    let level = search.level;
    let highest = search.columns.iter().map(|column| column.level).min();
    clause.highest = highest.map_or(clause.highest, |highest| highest.min(clause.highest));
    let columns = search.columns.iter().map(|attribute| format!(", {}", column(attribute, level)));
    let statement = format!(
        "SELECT {}.id{} {} {} LIMIT ?",
        level.table(),
        columns.collect::<String>(),
        clause.sql(search),
        order(search)
    );
    clause.parameters.push(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&statement)?;
    let mut rows = statement.query(params_from_iter(clause.parameters))?;
    let (mut count, mut cursor) = (0, from);
    while let Some(row) = rows.next()? {
        cursor = Cursor::Behind(row.get(0)?);
        count += 1;
        each(&Found(row))?;
    }
    Ok((count, cursor))
}
