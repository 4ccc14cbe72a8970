//! Files stay small enough to be read at one sitting.

use crate::sources;

/// Lines. Around 150 to 200 is usual; a file beyond this is two files.
const MAXIMUM: usize = 800;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "manager", "misc", "process", "util", "utils"];

#[test]
fn no_file_is_too_long() {
    let offences: Vec<_> = sources::rust()
        .iter()
        .map(|source| (&source.path, source.text.lines().count()))
        .filter(|(_, lines)| *lines > MAXIMUM)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    sources::none(&offences, "these files are too long:");
}

#[test]
fn every_file_has_a_name_that_says_something() {
    let offences: Vec<_> = sources::rust()
        .into_iter()
        .map(|source| source.path)
        .filter(|path| {
            path.split('/').any(|part| EMPTY_NAMES.contains(&part.strip_suffix(".rs").unwrap_or(part)))
        })
        .collect();
    sources::none(&offences, "these names say nothing:");
}
