//! Every command line of a document is one that the program takes.

use std::path::{Path, PathBuf};

use clap::Parser;

use super::Cli;

/// The README and the pages of `docs/`.
fn pages() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = std::fs::read_dir(top.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.chain([top.join("README.md")]).collect()
}

/// Command lines in blocks of shell commands, continued lines joined.
fn command_lines(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_shell = false;
    let mut continued = String::new();
    for line in page.lines() {
        if let Some(word) = line.trim_start().strip_prefix("```") {
            in_shell = !in_shell && matches!(word, "sh" | "console");
            continue;
        }
        if !in_shell {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(begun) => continued.push_str(begun),
            None => found.push(std::mem::take(&mut continued) + line),
        }
    }
    found
}

/// The words of the command that calls Dimseway, as a shell would split them, up to what ends the command.
fn words(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ");
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in line.chars() {
        let word = words.last_mut()?;
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), inside) => word.push(inside),
            (None, open @ ('\'' | '"')) => quote = Some(open),
            (None, '|' | '>' | ';' | '&') => break,
            (None, '#') if word.is_empty() => break,
            (None, ' ') if word.is_empty() => {}
            (None, ' ') => words.push(String::new()),
            (None, other) => word.push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    let at = words.iter().position(|word| word == "dimseway" || word.ends_with("/dimseway"))?;
    // Before it stands what gives it another user or environment.
    let prefix = words[..at]
        .iter()
        .all(|word| word == "sudo" || word == "-u" || word == "dimseway" || word.contains('='));
    prefix.then(|| words.split_off(at))
}

#[test]
fn documents_show_command_lines_that_are_taken() {
    let mut taken = 0;
    let mut refused = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for words in command_lines(&text).iter().filter_map(|line| words(line)) {
            match Cli::try_parse_from(&words) {
                Ok(_) => taken += 1,
                Err(error) if !error.use_stderr() => taken += 1,
                Err(error) => refused.push(format!("{}: {words:?}\n{error}", page.display())),
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(taken >= 15, "only {taken} command lines were found");
}

#[test]
fn lines_are_split_as_a_shell_does() {
    let cases: [(&str, Option<&[&str]>); 5] = [
        ("dimseway queue list --state held  # why", Some(&["dimseway", "queue", "list", "--state", "held"])),
        ("$ A=b ./dimseway send 'a b' > out", Some(&["./dimseway", "send", "a b"])),
        ("cargo run -- demo", None),
        ("cat dimseway.toml | grep dimseway", None),
        ("dimseway config example > dimseway.toml", Some(&["dimseway", "config", "example"])),
    ];
    for (line, expected) in cases {
        let expected = expected.map(|words| words.iter().map(ToString::to_string).collect());
        assert_eq!(words(line), expected, "{line}");
    }
    assert_eq!(command_lines("```sh\na \\\n  b\n```\n```toml\nc\n```\n"), ["a   b"]);
}
