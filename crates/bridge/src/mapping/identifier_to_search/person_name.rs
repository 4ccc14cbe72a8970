//! Person names, which every server compares in its own way.
//!
//! The keys are matched here without regard to case and to trailing delimiters, and against each of the
//! component groups (PS3.4 §C.2.2.2.1). What is asked of the server must find all of that.

use dicomweb::profile::{PersonNames, SearchCapabilities};
use instance::Tag;

/// Texts to search by, any of which may find the name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) texts: Vec<String>,
    /// Whether they are meant fuzzily.
    pub(super) fuzzy: bool,
}

/// What finds at least the names that match `key`; none where the server has nothing of the kind.
pub(super) fn values(tag: Tag, key: &str, capabilities: &SearchCapabilities) -> Option<Texts> {
    // One of the groups is enough: all of them must match. What is open at its end is open anyway, and
    // `DOE^*` and `DOE?` mean a DOE without a given name too.
    let groups = key.split('=').map(|group| group.trim_end_matches([' ', '^', '*', '?']));
    let group = groups.max_by_key(|group| literals(group))?;
    if literals(group) == 0 {
        return None;
    }
    if !capabilities.wildcard {
        let texts = vec![word(group).filter(|_| capabilities.fuzzy.has(tag))?];
        return Some(Texts { texts, fuzzy: true });
    }
    let group = &with_blanks(group);
    let texts = match capabilities.person_names {
        PersonNames::AsTextIgnoringCase => vec![pattern(&format!("*{group}*"))],
        PersonNames::ByGroup => {
            either_case(group).into_iter().map(|text| pattern(&format!("{text}*"))).collect()
        }
        PersonNames::AsText => {
            let variants = either_case(group);
            let first = variants.iter().map(|text| pattern(&format!("{text}*")));
            let behind = variants.iter().map(|text| pattern(&format!("*={text}*")));
            first.chain(behind).collect()
        }
    };
    Some(Texts { texts, fuzzy: false })
}

/// The components of a group, which may have blanks around them in data as in keys. So may a delimiter
/// that `?` stands for.
fn with_blanks(group: &str) -> String {
    let mut components = group.split('^').map(|component| component.trim().replace('?', "?*"));
    let mut text = components.next().unwrap_or_default();
    for component in components {
        text.push_str(if text.is_empty() { "^*" } else { "*^*" });
        text.push_str(&component);
    }
    text
}

/// The longest word of a name that a server finds fuzzily by its beginning (PS3.18 §8.3.4.2): up to a
/// wildcard, and not behind one. Words of scripts without blanks are nothing that a server would find.
pub(super) fn word(name: &str) -> Option<String> {
    let mut longest = "";
    for (at, _) in name.char_indices().filter(|(at, _)| begins_a_word(name, *at)) {
        let word = &name[at..];
        let word = word.find(|c: char| !is_of_a_word(c)).map_or(word, |end| &word[..end]);
        if word.len() > longest.len() {
            longest = word;
        }
    }
    (!longest.is_empty()).then(|| longest.to_owned())
}

fn begins_a_word(name: &str, at: usize) -> bool {
    name[..at].chars().next_back().is_none_or(|before| matches!(before, '^' | '=' | ' '))
}

/// Letters of alphabets whose words are written apart: Latin, Greek, Cyrillic and Armenian.
fn is_of_a_word(character: char) -> bool {
    character.is_alphanumeric() && character < '\u{590}'
}

/// Characters of a pattern that stand for themselves.
fn literals(text: &str) -> usize {
    text.chars().filter(|c| !matches!(c, '*' | '?' | '^' | ' ')).count()
}

/// Where case may count, letters are left open but for the first, which is tried in both: what is found
/// is then a twentieth of all names, with everything that matches.
fn either_case(group: &str) -> Vec<String> {
    let mut characters = group.chars();
    let Some(first) = characters.next() else { return Vec::new() };
    let rest: String = characters.map(|c| if has_case(c) { '?' } else { c }).collect();
    let upper = first.to_uppercase().to_string();
    let lower = first.to_lowercase().to_string();
    let mut variants = vec![format!("{upper}{rest}")];
    if upper != lower {
        variants.push(format!("{lower}{rest}"));
    }
    variants
}

fn has_case(character: char) -> bool {
    character.is_uppercase() || character.is_lowercase()
}

/// Runs of asterisks are one, since some servers take the time that they need for each.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '*' || !pattern.ends_with('*') {
            pattern.push(character);
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use dataset::{
        element::VR,
        json::{Element, Item},
        matching::{Keys, Options},
    };
    use dicomweb::profile::Searchable;
    use proptest::prelude::*;

    use super::*;

    /// Whether a server that compares the text as a whole finds it.
    fn is_like(text: &[char], pattern: &[char]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            (['*', rest @ ..], text) => (0..=text.len()).any(|from| is_like(&text[from..], rest)),
            ([wanted, pattern @ ..], [got, text @ ..]) => {
                (wanted == got || *wanted == '?') && is_like(text, pattern)
            }
            (_, []) => false,
        }
    }

    fn finds(server: PersonNames, name: &str, pattern: &str) -> bool {
        let fold = |text: &str| match server {
            PersonNames::AsTextIgnoringCase => text.to_lowercase().chars().collect(),
            _ => text.chars().collect::<Vec<_>>(),
        };
        let any_group = || name.split('=').any(|group| is_like(&fold(group), &fold(pattern)));
        is_like(&fold(name), &fold(pattern)) || server == PersonNames::ByGroup && any_group()
    }

    /// Whether a word of the name begins so, as fuzzy matching of servers goes.
    fn has_word(name: &str, value: &str) -> bool {
        let mut words = name.split(['^', '=', ' ']);
        words.any(|word| word.to_lowercase().starts_with(&value.to_lowercase()))
    }

    fn name_of(text: &str) -> Item {
        [(Tag::PATIENT_NAME, Element::text(VR::PN, text))].into_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        /// Whatever matches here is found by what is asked of any server.
        #[test]
        fn nothing_that_matches_is_lost(
            key in "[aAbBжЖ山^=*? ]{1,8}",
            name in "[aAbBжЖ山^][aAbBжЖ山^ ]{0,6}(=[aAbB山^][aAbB山^ ]{0,3}){0,2}",
            fuzzy in any::<bool>(),
        ) {
            let name = name.trim_end_matches(['=', ' ']).to_owned();
            let keys = Keys::read(&name_of(&key), Options { fuzzy, ..Options::default() }).unwrap();
            // One of five pairs matches.
            if !keys.matches(&name_of(&name)) {
                return Ok(());
            }
            for server in [PersonNames::ByGroup, PersonNames::AsText, PersonNames::AsTextIgnoringCase] {
                let capabilities =
                    SearchCapabilities { person_names: server, ..SearchCapabilities::standard() };
                if let Some(found) = values(Tag::PATIENT_NAME, &key, &capabilities).filter(|_| !fuzzy) {
                    let is_found = found.texts.iter().any(|text| finds(server, &name, text));
                    prop_assert!(is_found, "{server:?}: {name:?} by {found:?}");
                }
            }
            let fuzzily = SearchCapabilities {
                wildcard: false,
                fuzzy: Searchable::All,
                ..SearchCapabilities::standard()
            };
            let word = if fuzzy { word(&key) } else { values(Tag::PATIENT_NAME, &key, &fuzzily).map(|found| found.texts[0].clone()) };
            if let Some(word) = word {
                prop_assert!(has_word(&name, &word), "{name:?} by the word {word:?}");
            }
        }
    }
}
