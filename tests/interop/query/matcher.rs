//! What PS3.4 §C.2.2.2 says, applied to the generated data as plainly as possible: nothing is shared
//! with the rooms that do the same.

use origin::synthetic::archive::Attributes;

use super::keys::{Attribute, Negotiated};

/// Whether text matches a pattern of characters, `?` and `*`.
fn glob(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skipped| glob(rest, &text[skipped..])),
        Some(('?', rest)) => text.split_first().is_some_and(|(_, behind)| glob(rest, behind)),
        Some((one, rest)) => {
            text.split_first().is_some_and(|(first, behind)| first == one && glob(rest, behind))
        }
    }
}

fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    glob(&pattern, &text)
}

/// A component group in small letters, without delimiters at its end.
fn group(text: &str) -> String {
    text.trim_end_matches(['^', ' ']).to_lowercase().replace('ς', "σ")
}

/// Names match whatever their case. A key with `=` is held against each group, one without against any.
fn person_name(key: &str, name: &str) -> bool {
    let one = |key: &str, name: &str| {
        let (key, name) = (group(key), group(name));
        (0..5).any(|missing| matches_pattern(&key, &(name.clone() + &"^".repeat(missing))))
    };
    let mut groups = name.split('=');
    if key.contains('=') {
        key.split('=').all(|key| {
            let name = groups.next().unwrap_or_default();
            group(key).is_empty() || one(key, name)
        })
    } else {
        groups.any(|name| !name.is_empty() && one(key, name))
    }
}

/// Small letters without the accents that stand in the names of the archive.
fn plain(text: &str) -> String {
    const ACCENTS: [(&str, char); 12] = [
        ("äåáàâ", 'a'),
        ("éèêë", 'e'),
        ("íîï", 'i'),
        ("öøóô", 'o'),
        ("üúù", 'u'),
        ("çćč", 'c'),
        ("ñń", 'n'),
        ("řŕ", 'r'),
        ("žżź", 'z'),
        ("ýÿ", 'y'),
        ("ę", 'e'),
        ("śš", 's'),
    ];
    let fold = |letter: char| {
        let found = ACCENTS.iter().find(|(letters, _)| letters.contains(letter));
        found.map_or(letter, |(_, plain)| *plain)
    };
    text.to_lowercase().chars().map(fold).collect()
}

/// Every word of the key begins a word of the name.
fn fuzzy(key: &str, name: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let folded = plain(text).replace('\'', "");
        folded.split(['^', ' ', '=', '-', '.']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let present = words(name);
    words(key).iter().all(|word| present.iter().any(|one| one.starts_with(word.as_str())))
}

/// A time at its first moment, or at its last one.
fn moment(time: &str, last: bool) -> String {
    let digits: String = time.chars().filter(char::is_ascii_digit).collect();
    let rest = if last { "235959999999" } else { "000000000000" };
    digits.clone() + &rest[digits.len()..]
}

/// A single date or time, or a range of them.
fn range(key: &str, value: &str, is_time: bool) -> bool {
    let first = |text: &str| if is_time { moment(text, false) } else { text.to_owned() };
    let last = |text: &str| if is_time { moment(text, true) } else { text.to_owned() };
    let (from, to) = key.split_once('-').unwrap_or((key, key));
    let value = first(value);
    (from.is_empty() || first(from) <= value) && (to.is_empty() || value <= last(to))
}

/// Whether a value of an attribute matches a key that is not empty.
fn matches_value(attribute: Attribute, key: &str, value: &str, negotiated: Negotiated) -> bool {
    match attribute.vr {
        "PN" => person_name(key, value) || negotiated.fuzzy && fuzzy(key, value),
        "DA" => range(key, value, false),
        "TM" => range(key, value, true),
        "IS" => key.parse::<i64>().ok() == value.parse::<i64>().ok(),
        "UI" => key == value,
        _ => matches_pattern(key, value),
    }
}

/// Whether one of the values matches one of those that the key has.
pub(crate) fn matches(attribute: Attribute, key: &str, values: &str, negotiated: Negotiated) -> bool {
    // A name of which every part is left open is no key at all (PS3.4 §C.2.2.2.3): who has no name matches.
    let is_open = |letter| letter == '*' || attribute.vr == "PN" && matches!(letter, '=' | '^');
    if key.chars().all(is_open) {
        return true;
    }
    let values = || values.split('\\').filter(|value| !value.is_empty());
    key.split('\\').any(|key| values().any(|value| matches_value(attribute, key, value, negotiated)))
}

/// Whether a date and a time lie within two ranges that are one range of moments (PS3.4 §C.2.2.2.5.4). A
/// date without a time counts from midnight, as Dimseway documents it.
pub(crate) fn matches_combined((dates, times): (&str, &str), date: &str, time: &str) -> bool {
    if date.is_empty() {
        return false;
    }
    let (from, to) = dates.split_once('-').expect("a range of dates");
    let (after, before) = times.split_once('-').expect("a range of times");
    let at = date.to_owned() + &moment(time, false);
    let begins = from.is_empty() || from.to_owned() + &moment(after, false) <= at;
    begins && (to.is_empty() || at <= to.to_owned() + &moment(before, true))
}

/// Whether an item of a sequence matches all keys of an item.
pub(crate) fn matches_item(keys: &[(Attribute, &str)], items: &[Attributes]) -> bool {
    items.iter().any(|item| {
        keys.iter().all(|(attribute, key)| {
            matches(*attribute, key, item.text(attribute.tag).unwrap_or_default(), Negotiated::default())
        })
    })
}

#[test]
fn the_matcher_of_the_tests_knows_the_rules() {
    let any = Negotiated::default();
    let name = |key, value| matches(super::keys::attribute("PatientName"), key, value, any);
    assert!(
        name("yamada*", "Yamada^Tarou=山田^太郎=やまだ^たろう") && name("山田*", "Yamada^Tarou=山田^太郎")
    );
    assert!(name("=山田*", "Yamada^Tarou=山田^太郎") && !name("山田*=", "Yamada^Tarou=山田^太郎"));
    assert!(name("DOE^*", "Doe") && name("Doe^^^", "DOE") && !name("Doe", "Doe^J") && !name("Doe*", ""));
    assert!(range("10-18", "18:59:59.9".replace(':', "").as_str(), true) && !range("10-18", "09", true));
    assert!(range("-20200101", "20200101", false) && !range("20200102-", "20200101", false));
    assert!(matches_combined(("20200101-20200102", "12-06"), "20200102", "0559"));
    assert!(!matches_combined(("20200101-20200102", "12-06"), "20200102", "12"));
}
