//! The worklist as the admin API and the command line show it.

use bridge::worklist::{EntryKey, Hidden, Shown, ShownAttribute, ShownEntry, SourceShown};
use instance::AeTitle;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which part is asked for.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// AE title of the modality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ae: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<String>,
}

impl Question {
    /// What it asks for.
    ///
    /// # Errors
    /// A value that makes no sense, in words.
    pub(crate) fn read(&self) -> Result<(Option<AeTitle>, Option<Date>), String> {
        let ae = self.ae.as_deref().map(|ae| ae.parse().map_err(|error| format!("ae: {error}")));
        let date = self.date.as_deref().map(|date| {
            Date::strptime("%Y-%m-%d", date).map_err(|_| "date: write it as 2026-11-23".to_owned())
        });
        Ok((ae.transpose()?, date.transpose()?))
    }
}

/// What a modality would see.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// The entries, in the order in which they begin.
    pub(crate) entries: Vec<Entry>,
    /// Entries that are kept from it.
    pub(crate) hidden: Vec<HiddenEntry>,
    /// The sources, in the order in which they are merged.
    pub(crate) sources: Vec<Source>,
}

/// An entry.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The name of its source.
    pub(crate) source: String,
    /// What names it there.
    pub(crate) id: String,
    /// Its attributes, those of the step first.
    pub(crate) attributes: Vec<Attribute>,
}

/// An attribute of an entry.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attribute {
    /// Eight hexadecimal digits.
    pub(crate) tag: String,
    /// Its keyword in PS3.6; empty where it has none.
    pub(crate) keyword: String,
    /// Whether it stands in the item of the Scheduled Procedure Step Sequence.
    pub(crate) of_step: bool,
    /// Its value; of a sequence, how many items it has.
    pub(crate) value: String,
    /// Where the value came from.
    pub(crate) from: String,
}

/// An entry that is not shown.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HiddenEntry {
    /// The name of its source.
    pub(crate) source: String,
    /// What names it there.
    pub(crate) id: String,
    /// Why it is not shown.
    pub(crate) reason: String,
}

/// How a source is doing.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Source {
    /// Its name.
    pub(crate) name: String,
    /// When it last gave its list.
    pub(crate) refreshed_at: Option<String>,
    /// Whether it answered the last time; none where it was not asked.
    pub(crate) answers: Option<bool>,
    /// Whether its list is there and not too old.
    pub(crate) is_served: bool,
    /// Entries of its list.
    pub(crate) entries: usize,
    /// Orders that are not on the worklist, by reason.
    pub(crate) left_out: BTreeMap<String, usize>,
    /// Files or answers that could not be read.
    pub(crate) unreadable: usize,
}

impl From<Shown> for Page {
    fn from(shown: Shown) -> Self {
        Self {
            entries: shown.entries.into_iter().map(Entry::from).collect(),
            hidden: shown.hidden.into_iter().map(HiddenEntry::from).collect(),
            sources: shown.sources.into_iter().map(Source::from).collect(),
        }
    }
}

impl From<ShownEntry> for Entry {
    fn from(entry: ShownEntry) -> Self {
        Self {
            source: entry.key.source.to_string(),
            id: entry.key.id.to_string(),
            attributes: entry.attributes.into_iter().map(Attribute::from).collect(),
        }
    }
}

impl From<ShownAttribute> for Attribute {
    fn from(attribute: ShownAttribute) -> Self {
        let ShownAttribute { tag, is_of_step, value, provenance } = attribute;
        Self {
            tag: format!("{:08X}", tag.to_u32()),
            keyword: dataset::json::keyword(tag).unwrap_or_default().to_owned(),
            of_step: is_of_step,
            value,
            from: provenance.as_str().to_owned(),
        }
    }
}

impl From<(EntryKey, Hidden)> for HiddenEntry {
    fn from((key, hidden): (EntryKey, Hidden)) -> Self {
        let reason = match hidden {
            Hidden::OtherStation => "for another station",
            Hidden::Completed => "completed",
            Hidden::Discontinued => "discontinued",
        };
        Self { source: key.source.to_string(), id: key.id.to_string(), reason: reason.to_owned() }
    }
}

impl From<SourceShown> for Source {
    fn from(source: SourceShown) -> Self {
        let left_out = source.left_out.iter().map(|(reason, orders)| (reason.as_str().to_owned(), *orders));
        let refreshed_at = source.refreshed_at.and_then(|at| Timestamp::try_from(at).ok());
        Self {
            refreshed_at: refreshed_at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            left_out: left_out.collect(),
            name: source.name,
            answers: source.answers,
            is_served: source.is_served,
            entries: source.entries,
            unreadable: source.unreadable,
        }
    }
}

impl Entry {
    /// The value of an attribute by its keyword; empty where it has none.
    pub(crate) fn value(&self, keyword: &str) -> &str {
        let found = self.attributes.iter().find(|attribute| attribute.keyword == keyword);
        found.map_or("", |attribute| attribute.value.as_str())
    }
}

impl Source {
    /// How it is doing, in a line.
    pub(crate) fn in_words(&self) -> String {
        let mut words = match (&self.refreshed_at, self.answers) {
            (None, Some(false)) => "has never answered".to_owned(),
            (None, _) => "was not asked yet".to_owned(),
            (Some(at), Some(false)) => format!("does not answer; its list of {at} is served"),
            (Some(at), Some(true)) => format!("answers, its list is of {at}"),
            (Some(at), None) => format!("its list is of {at}"),
        };
        if self.refreshed_at.is_some() && !self.is_served {
            words.push_str(", too old to be served");
        }
        words.push_str(&match self.entries {
            1 => ", 1 entry".to_owned(),
            entries => format!(", {entries} entries"),
        });
        for (reason, orders) in &self.left_out {
            words.push_str(&format!(", {orders} left out ({})", reason.replace('_', " ")));
        }
        if self.unreadable > 0 {
            words.push_str(&format!(", {} unreadable", self.unreadable));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_an_ae_title_and_a_day() {
        let question = |ae: &str, date: &str| {
            let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            Question { ae: text(ae), date: text(date) }.read()
        };
        assert_eq!(question("", ""), Ok((None, None)));
        assert_eq!(
            question("CT1", "2026-11-23"),
            Ok((Some("CT1".parse().unwrap()), Some(jiff::civil::date(2026, 11, 23))))
        );
        for (ae, date, about) in
            [("A\\B", "", "ae: "), ("", "23.11.2026", "date: "), ("", "2026-13-01", "date: ")]
        {
            assert!(question(ae, date).unwrap_err().starts_with(about), "{ae} {date}");
        }
    }

    #[test]
    fn a_source_says_in_words_how_it_is_doing() {
        let source = |refreshed_at: Option<&str>, answers, is_served| Source {
            name: "ris".into(),
            refreshed_at: refreshed_at.map(str::to_owned),
            answers,
            is_served,
            entries: 2,
            left_out: BTreeMap::from([("no_start".to_owned(), 3)]),
            unreadable: 1,
        };
        let at = Some("2026-11-22T08:00:00Z");
        let tail = ", 2 entries, 3 left out (no start), 1 unreadable";
        for (source, words) in [
            (source(None, None, false), "was not asked yet"),
            (source(None, Some(false), false), "has never answered"),
            (source(at, Some(true), true), "answers, its list is of 2026-11-22T08:00:00Z"),
            (source(at, Some(false), true), "does not answer; its list of 2026-11-22T08:00:00Z is served"),
            (source(at, None, false), "its list is of 2026-11-22T08:00:00Z, too old to be served"),
        ] {
            assert_eq!(source.in_words(), format!("{words}{tail}"));
        }
    }
}
