//! Where things stand in a configuration file: from a key to its line, and from an offset to its key.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// One step down into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A key of a table.
    Key(String),
    /// An element of an array, counted from 0.
    Index(usize),
}

/// The way to a value: `origin.archive.auth.password_file`. Elements of arrays are told apart by
/// their line, so they are not shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyPath(Vec<Step>);

impl KeyPath {
    /// The whole document.
    pub(crate) const fn root() -> Self {
        Self(Vec::new())
    }

    /// This path and `key` below it.
    pub(crate) fn key(&self, key: impl Into<String>) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.into()));
        Self(steps)
    }

    /// This path and the element `index` below it.
    pub(crate) fn index(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Self(steps)
    }
}

impl KeyPath {
    /// Whether someone may have written a password, a token or an API key here: below `auth` and
    /// `headers`, in a URL, or in what names a file that holds one.
    fn may_hold_secret(&self) -> bool {
        self.0.iter().any(|step| match step {
            Step::Key(key) => {
                matches!(
                    key.as_str(),
                    "auth" | "proxy" | "headers" | "extra_headers" | "url" | "paths" | "token_file"
                )
            }
            Step::Index(_) => false,
        })
    }
}

impl From<&str> for KeyPath {
    /// Reads keys with dots between them; a number is the index of an array's element.
    fn from(dotted: &str) -> Self {
        let step = |key: &str| match key.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key(key.to_owned()),
        };
        Self(dotted.split('.').map(step).collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        });
        for (position, key) in keys.enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            f.write_str(key)?;
        }
        Ok(())
    }
}

/// What is wrong with a configuration, in one line: file, line, key, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The file.
    pub(crate) file: PathBuf,
    /// The line, counted from 1; none where the file as a whole is the problem.
    pub(crate) line: Option<usize>,
    /// The key; empty where the file as a whole is the problem.
    pub(crate) key: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        // Messages of libraries may span lines; this one must not.
        let words: Vec<&str> = self.message.split_whitespace().collect();
        write!(f, " {}", words.join(" "))
    }
}

impl std::error::Error for Problem {}

/// The text of a configuration file, for looking up places in it.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    file: PathBuf,
    text: String,
}

impl Document {
    pub(crate) const fn new(file: PathBuf, text: String) -> Self {
        Self { file, text }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A problem with the value at `path`. Where it is not written, the deepest table on the way to
    /// it gives the line.
    pub(crate) fn problem(&self, path: &KeyPath, message: impl Into<String>) -> Problem {
        let line = self
            .table()
            .and_then(|table| span_of(table.get_ref(), &path.0))
            .map(|span| self.line(span.start));
        Problem { file: self.file.clone(), line, key: path.to_string(), message: message.into() }
    }

    /// The problem that the TOML reader found.
    pub(crate) fn toml_problem(&self, error: &toml::de::Error) -> Problem {
        let offset = error.span().map(|span| span.start);
        let path = offset.and_then(|offset| {
            let mut steps = Vec::new();
            path_at(self.table()?.get_ref(), offset, &mut steps);
            Some(KeyPath(steps))
        });
        let message = match &path {
            Some(path) if path.may_hold_secret() => without_value(error.message()),
            _ => error.message().to_owned(),
        };
        Problem {
            file: self.file.clone(),
            line: offset.map(|offset| self.line(offset)),
            // A key that is there twice has no place among the keys. Of any other text nobody knows
            // whether it is a secret that lacks its quotes.
            key: path
                .map(|path| path.to_string())
                .filter(|path| !path.is_empty())
                .or_else(|| {
                    let key = error.span().filter(|_| error.message() == "duplicate key")?;
                    Some(self.text.get(key)?.trim().to_owned())
                })
                .unwrap_or_default(),
            message,
        }
    }

    /// The directory that relative paths begin at.
    pub(crate) fn directory(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("."))
    }

    /// Whether something is written at `path`.
    pub(crate) fn holds(&self, path: &KeyPath) -> bool {
        self.table().is_some_and(|table| exists(table.get_ref(), &path.0))
    }

    /// Parsed again for each question: questions are asked only of a document that is wrong, or once.
    fn table(&self) -> Option<Spanned<DeTable<'_>>> {
        // A document that does not parse still tells where its readable keys are.
        Some(DeTable::parse_recoverable(&self.text).0)
    }

    fn line(&self, offset: usize) -> usize {
        let end = offset.min(self.text.len());
        self.text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

/// A message of the TOML reader about the type of a value, without the value.
fn without_value(message: &str) -> String {
    let about_value = ["invalid type: ", "invalid value: "].iter().any(|start| message.starts_with(start));
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if about_value => format!("invalid value, expected {expected}"),
        _ => message.to_owned(),
    }
}

/// The place of the key that ends `steps`, or of the deepest one on the way that is written.
fn span_of(table: &DeTable<'_>, steps: &[Step]) -> Option<Range<usize>> {
    let Some((Step::Key(key), rest)) = steps.split_first() else { return None };
    let (written, value) = table.iter().find(|(written, _)| written.get_ref().as_ref() == key)?;
    Some(span_below(value, rest).unwrap_or_else(|| written.span()))
}

fn span_below(value: &Spanned<DeValue<'_>>, steps: &[Step]) -> Option<Range<usize>> {
    match (steps.first()?, value.get_ref()) {
        (Step::Key(_), DeValue::Table(table)) => span_of(table, steps),
        (Step::Index(index), DeValue::Array(array)) => {
            let element = array.get(*index)?;
            Some(span_below(element, &steps[1..]).unwrap_or_else(|| element.span()))
        }
        _ => None,
    }
}

fn exists(table: &DeTable<'_>, steps: &[Step]) -> bool {
    let Some((Step::Key(key), rest)) = steps.split_first() else { return steps.is_empty() };
    let mut value =
        table.iter().find(|(written, _)| written.get_ref().as_ref() == key).map(|(_, value)| value.get_ref());
    for (position, step) in rest.iter().enumerate() {
        value = match (step, value) {
            (Step::Key(_), Some(DeValue::Table(table))) => return exists(table, &rest[position..]),
            (Step::Index(index), Some(DeValue::Array(array))) => array.get(*index).map(Spanned::get_ref),
            _ => None,
        };
    }
    value.is_some()
}

/// The innermost key whose own text or whose value covers `offset`. Tables written in several
/// places have no span of their own, so every branch is looked into.
fn path_at(table: &DeTable<'_>, offset: usize, steps: &mut Vec<Step>) -> bool {
    for (key, value) in table {
        steps.push(Step::Key(key.get_ref().to_string()));
        if path_in_value(value, offset, steps)
            || key.span().contains(&offset)
            || value.span().contains(&offset)
        {
            return true;
        }
        steps.pop();
    }
    false
}

fn path_in_value(value: &Spanned<DeValue<'_>>, offset: usize, steps: &mut Vec<Step>) -> bool {
    match value.get_ref() {
        DeValue::Table(table) => path_at(table, offset, steps),
        DeValue::Array(array) => array.iter().enumerate().any(|(index, element)| {
            steps.push(Step::Index(index));
            let found = path_in_value(element, offset, steps) || element.span().contains(&offset);
            if !found {
                steps.pop();
            }
            found
        }),
        _ => false,
    }
}
