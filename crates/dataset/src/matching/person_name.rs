//! Person names (PS3.4 §C.2.2.2.1.1).

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::wildcard::Pattern;
use crate::json::{PersonName, Value};

/// A person's name that was asked for with fuzzy matching negotiated.
#[derive(Debug, Clone, PartialEq)]
pub struct Fuzzy {
    text: String,
    literal: NamePattern,
    words: Vec<Pattern>,
}

/// A name, with or without wildcards, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamePattern {
    /// One for any of the groups, or one for each; those that match everything are left out.
    groups: Groups,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Groups {
    Any(Pattern),
    Each([Option<Pattern>; 3]),
}

/// The name that a value holds.
pub(super) fn of_value(value: &Value) -> Option<Cow<'_, PersonName>> {
    match value {
        Value::Name(name) => Some(Cow::Borrowed(name)),
        _ => value.text().map(|text| Cow::Owned(PersonName::parse(&text))),
    }
}

/// Whether the key has nothing to compare: delimiters alone, or asterisks beside them.
pub(super) fn is_universal(text: &str) -> bool {
    text.chars().all(|character| matches!(character, '^' | '=' | ' ' | '*'))
}

impl NamePattern {
    pub(super) fn new(text: &str) -> Self {
        let pattern = |group: &str| Pattern::new(&literal(group));
        if !text.contains('=') {
            return Self { groups: Groups::Any(pattern(text)) };
        }
        let mut each = [None, None, None];
        for (place, group) in each.iter_mut().zip(text.splitn(3, '=')) {
            *place = (!is_universal(group)).then(|| pattern(group));
        }
        Self { groups: Groups::Each(each) }
    }

    pub(super) fn matches(&self, name: &PersonName) -> bool {
        let present = [&name.alphabetic, &name.ideographic, &name.phonetic];
        match &self.groups {
            Groups::Any(pattern) => {
                present.iter().any(|group| !group.is_empty() && matches_group(pattern, group))
            }
            Groups::Each(patterns) => patterns
                .iter()
                .zip(present)
                .all(|(pattern, group)| pattern.as_ref().is_none_or(|pattern| matches_group(pattern, group))),
        }
    }
}

/// Compares the group as it is, and with the components that it lacks: `DOE^*` means a DOE without
/// a given name too.
fn matches_group(pattern: &Pattern, group: &str) -> bool {
    let group = literal(group);
    if pattern.matches(&group) {
        return true;
    }
    let missing = 4_usize.saturating_sub(group.matches('^').count());
    missing > 0 && pattern.matches(&(group + &"^".repeat(missing)))
}

/// A group in small letters, composed, without spaces around its components and without empty
/// components at its end.
fn literal(group: &str) -> String {
    let components: Vec<&str> = group.split('^').map(|part| part.trim_matches([' ', '\0'])).collect();
    let joined = components.join("^");
    // The sigma at the end of a word has the same capital as any other.
    let small = joined.trim_end_matches('^').nfc().flat_map(char::to_lowercase);
    small.map(|character| if character == 'ς' { 'σ' } else { character }).collect()
}

impl Fuzzy {
    pub(super) fn new(text: &str) -> Self {
        let words = words(text, &['*', '?']).iter().map(|word| Pattern::new(&format!("{word}*"))).collect();
        Self { text: text.to_owned(), literal: NamePattern::new(text), words }
    }

    /// The name as the key has it, without padding.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn matches(&self, name: &PersonName) -> bool {
        if self.literal.matches(name) {
            return true;
        }
        let groups = [&name.alphabetic, &name.ideographic, &name.phonetic];
        let present: Vec<String> = groups.iter().flat_map(|group| words(group, &[])).collect();
        !self.words.is_empty()
            && self.words.iter().all(|pattern| present.iter().any(|word| pattern.matches(word)))
    }
}

/// The words of a name, folded. An apostrophe joins, as in O'Neill.
fn words(text: &str, kept: &[char]) -> Vec<String> {
    let folded: String =
        text.nfkd().filter(|character| !is_accent(*character)).nfc().flat_map(fold).collect();
    let apostrophe = |character: &char| matches!(character, '\'' | '’' | '`');
    let folded: String = folded.chars().filter(|character| !apostrophe(character)).collect();
    let parts = folded.split(|character: char| {
        // The marks that are left belong to their letters, in Japanese and in Arabic.
        !character.is_alphanumeric() && !is_combining_mark(character) && !kept.contains(&character)
    });
    parts.filter(|word| word.chars().any(char::is_alphanumeric)).map(str::to_owned).collect()
}

/// Combining Diacritical Marks: those of Latin, Greek and Cyrillic letters.
const fn is_accent(character: char) -> bool {
    matches!(character, '\u{0300}'..='\u{036F}')
}

/// Small letters; those with a stroke or of two letters, which do not decompose, in their usual
/// spelling.
fn fold(character: char) -> impl Iterator<Item = char> {
    let mut small = character.to_lowercase();
    let first = small.next().unwrap_or(character);
    let (first, second) = match first {
        'ø' => ('o', None),
        'ł' => ('l', None),
        'đ' | 'ð' => ('d', None),
        'ħ' => ('h', None),
        'ı' => ('i', None),
        'ß' => ('s', Some('s')),
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'þ' => ('t', Some('h')),
        'ς' => ('σ', None),
        other => (other, None),
    };
    [Some(first), second].into_iter().flatten().chain(small.filter(|character| !is_accent(*character)))
}
