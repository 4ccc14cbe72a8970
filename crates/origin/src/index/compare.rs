//! Comparisons that SQL has no operator for, as functions of the connection that searches.

use rusqlite::{
    Connection,
    functions::{Context, FunctionFlags},
};

/// A comparison of the values of an attribute with the value of a key.
type Comparison = fn(&str, &str) -> bool;

/// Every function: its name and what it does. Each takes what is stored and the key, and is false
/// where nothing is stored.
const FUNCTIONS: [(&str, Comparison); 5] = [
    ("text_matches", text_matches),
    ("name_matches", name_matches),
    ("text_equals", text_equals),
    ("name_equals", name_equals),
    ("words_begin", words_begin),
];

/// Makes the functions known.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    for (name, compare) in FUNCTIONS {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function(name, 2, flags, move |context: &Context<'_>| {
            let (stored, key) = (context.get_raw(0).as_str_or_null()?, context.get_raw(1).as_str_or_null()?);
            Ok(stored.zip(key).is_some_and(|(stored, key)| compare(stored, key)))
        })?;
    }
    Ok(())
}

/// One of the values matches, with wildcards (PS3.4 §C.2.2.2.4) and regard to case.
fn text_matches(stored: &str, key: &str) -> bool {
    stored.split('\\').any(|value| wildcard(value.trim_matches(' '), key))
}

/// One of the values matches as a whole or in one of its component groups (PS3.5 §6.2.1), with
/// wildcards, whatever the case.
fn name_matches(stored: &str, key: &str) -> bool {
    let (stored, key) = (lower(stored), lower(key));
    let key = without_padding(&key);
    stored.split('\\').any(|name| {
        wildcard(without_padding(name), key)
            || name.split('=').any(|group| !group.is_empty() && wildcard(without_padding(group), key))
    })
}

/// The whole of it is equal, whatever the case.
fn text_equals(stored: &str, key: &str) -> bool {
    lower(stored) == lower(key)
}

/// The whole name with all groups is equal, whatever case and accents.
fn name_equals(stored: &str, key: &str) -> bool {
    folded(stored) == folded(key)
}

/// Each word of the key begins a word of the name, whatever case and accents.
fn words_begin(stored: &str, key: &str) -> bool {
    let (stored, key) = (folded(stored), folded(key));
    let is_delimiter = |character: char| matches!(character, ' ' | '^' | '=' | '\\');
    key.split(is_delimiter)
        .filter(|word| !word.is_empty())
        .all(|word| stored.split(is_delimiter).any(|stored| stored.starts_with(word)))
}

/// Trailing delimiters and spaces of a name mean nothing (PS3.5 §6.2.1).
fn without_padding(name: &str) -> &str {
    name.trim_end_matches([' ', '^', '=']).trim_start_matches(' ')
}

/// Whether the text has the form of the pattern: `*` stands for any run of characters, `?` for one.
fn wildcard(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // Behind the last star: what is left of the pattern, and of the text that the star has not taken.
    let mut star = None;
    loop {
        let (mut rest, mut wanted) = (text.clone(), pattern.clone());
        match (rest.next(), wanted.next()) {
            (_, Some('*')) => {
                star = Some((text.clone(), wanted.clone()));
                pattern = wanted;
                continue;
            }
            (None, None) => return true,
            (Some(character), Some(wanted_character))
                if wanted_character == '?' || wanted_character == character =>
            {
                (text, pattern) = (rest, wanted);
                continue;
            }
            _ => {}
        }
        let Some((taken, behind)) = &mut star else { return false };
        if taken.next().is_none() {
            return false;
        }
        (text, pattern) = (taken.clone(), behind.clone());
    }
}

/// In lower case and without the accents of Latin letters.
fn folded(text: &str) -> String {
    lower(text).chars().map(without_accent).collect()
}

/// In lower case, letter by letter: the sigma at the end of a word is like any other.
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect()
}

/// Latin letters with accents by the letter that they are based on.
const ACCENTS: &[(char, &str)] = &[
    ('a', "àáâãäåāăą"),
    ('c', "çćĉċč"),
    ('d', "ďđ"),
    ('e', "èéêëēĕėęě"),
    ('g', "ĝğġģ"),
    ('h', "ĥħ"),
    ('i', "ìíîïĩīĭįı"),
    ('j', "ĵ"),
    ('k', "ķ"),
    ('l', "ĺļľŀł"),
    ('n', "ñńņňŉ"),
    ('o', "òóôõöøōŏő"),
    ('r', "ŕŗř"),
    ('s', "śŝşš"),
    ('t', "ţťŧ"),
    ('u', "ùúûüũūŭůűų"),
    ('w', "ŵ"),
    ('y', "ýÿŷ"),
    ('z', "źżž"),
];

fn without_accent(character: char) -> char {
    if character.is_ascii() {
        return character;
    }
    ACCENTS.iter().find(|(_, with)| with.contains(character)).map_or(character, |(base, _)| *base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        let cases = [
            ("", "", true),
            ("", "*", true),
            ("", "?", false),
            ("abc", "abc", true),
            ("abc", "a?c", true),
            ("abc", "a*", true),
            ("abc", "*c", true),
            ("abc", "*b*", true),
            ("abc", "b*", false),
            ("aab", "*ab", true),
            ("abab", "*ab", true),
            ("abcab", "a*b?b", false),
            ("abcab", "a*?ab", true),
            ("山田太郎", "山?太*", true),
            ("a*c", "a*c", true),
        ];
        for (text, pattern, expected) in cases {
            assert_eq!(wildcard(text, pattern), expected, "{text} {pattern}");
        }
    }

    #[test]
    fn names_are_compared_group_by_group() {
        let stored = "Yamada^Tarou=山田^太郎=やまだ^たろう";
        let cases = [
            ("yamada^tarou", true),
            ("山田*", true),
            ("やまだ^たろう", true),
            ("Yamada^Tarou^^", true),
            ("Yamada", false),
            ("Yamada*=山田*=やまだ*", true),
        ];
        for (key, expected) in cases {
            assert_eq!(name_matches(stored, key), expected, "{key}");
        }
        assert!(name_matches("ИВАНОВ^Иван", "иванов*"));
        assert!(name_matches("Παπαδόπουλος^Α", "ΠΑΠΑΔόΠΟΥΛΟΣ*"));
        assert!(name_matches("A^B\\C^D", "c^d"));
        assert!(!name_equals(stored, "yamada^tarou"));
        assert!(name_equals("Müller^Jürgen", "MULLER^jurgen"));
    }

    #[test]
    fn words_begin_with_words() {
        let cases = [
            ("joh", true),
            ("do", true),
            ("jo do", true),
            ("John Doe", true),
            ("ohn", false),
            ("jo x", false),
        ];
        for (key, expected) in cases {
            assert_eq!(words_begin("Doe^John", key), expected, "{key}");
        }
        assert!(words_begin("Señor^Jürgen", "senor"));
    }

    #[test]
    fn any_value_matches() {
        assert!(text_matches("ALT1\\2-B", "2-?"));
        assert!(!text_matches("ALT1\\2-B", "alt1"));
        assert!(text_equals("ALT1", "alt1"));
    }
}
