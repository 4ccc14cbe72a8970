//! Words that have no place in a source.

use crate::sources::{self, Source};

/// Marks of unfinished work. Each is spelt in two halves, so that this file does not accuse itself.
const UNFINISHED: &[(&str, &str)] =
    &[("todo", "!("), ("unimplemented", "!("), ("dbg", "!("), ("#[ign", "ore"), ("FIX", "ME"), ("XX", "X:")];

/// Places that exist on one machine only, and hosts that a source should not depend on.
const MACHINES: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("/ho", "me/"),
    ("../sh", "ared"),
    (".crates", ".io"),
    ("pypi", ".org"),
    ("python", "hosted"),
    ("debian", ".org"),
];

fn offences(words: &[(&str, &str)], sources: &[Source]) -> Vec<String> {
    let words: Vec<String> = words.iter().map(|(head, tail)| format!("{head}{tail}")).collect();
    let mut found = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(word.as_str())) {
                found.push(format!("{}:{}: {word}", source.path, index + 1));
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_unfinished() {
    sources::none(&offences(UNFINISHED, &sources::rust()), "unfinished:");
}

#[test]
fn no_source_names_a_machine() {
    for extension in ["rs", "md", "toml", "sh"] {
        let found = offences(MACHINES, &sources::with_extension(extension));
        sources::none(&found, "these lines are true on one machine only:");
    }
}

#[test]
fn no_test_sleeps() {
    let mut found = Vec::new();
    // Under a paused clock a sleep takes no time and waits for nothing.
    for source in sources::rust().iter().filter(|source| !source.text.contains("start_paused")) {
        let sleeps = [["thread::", "sleep"].concat(), ["time::", "sleep("].concat()];
        for (number, line) in source.tests() {
            if sleeps.iter().any(|sleep| line.contains(sleep.as_str())) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    sources::none(&found, "a test waits for a condition, not for a while:");
}

#[test]
fn only_programs_print() {
    let mut found = Vec::new();
    for source in sources::rust() {
        if matches!(source.room(), None | Some("dimseway" | "xtask")) {
            continue;
        }
        for (number, line) in source.production() {
            let code = line.split("//").next().unwrap_or_default();
            if ["println!(", "print!(", "eprintln!(", "eprint!("].iter().any(|print| code.contains(print)) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    sources::none(&found, "a library returns what it has to say:");
}
