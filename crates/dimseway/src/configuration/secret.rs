//! Secrets: from a file or an environment variable, never from the configuration itself.

use crate::config_file::{Document, KeyPath, Problem};
use secrecy::SecretString;
use std::path::{Path, PathBuf};

/// Bytes of the largest secret: tokens have about 2,000.
const SECRET_LENGTH_MAX: u64 = 64 * 1024;

/// The path of a file that the configuration names, which must be readable; it is watched.
///
/// # Errors
/// The file cannot be opened, or is no regular file.
pub(super) fn readable(
    name: &str,
    key: &KeyPath,
    document: &Document,
    files: &mut Vec<PathBuf>,
) -> Result<PathBuf, Problem> {
    let path = document.directory().join(name);
    let unreadable =
        |reason: &dyn std::fmt::Display| document.problem(key, format!("{}: {reason}", path.display()));
    // Looked at first: to open a named pipe is to wait for somebody who writes to it.
    if !std::fs::metadata(&path).map_err(|error| unreadable(&error))?.is_file() {
        return Err(unreadable(&"not a file"));
    }
    std::fs::File::open(&path).map_err(|error| unreadable(&error))?;
    files.push(path.clone());
    Ok(path)
}

/// The secret in a file; white space at its end does not count.
///
/// # Errors
/// The file cannot be read, is empty or too long.
pub(super) fn from_file(
    name: &str,
    key: &KeyPath,
    document: &Document,
    files: &mut Vec<PathBuf>,
) -> Result<SecretString, Problem> {
    let path = readable(name, key, document, files)?;
    read(&path).map_err(|reason| document.problem(key, format!("{}: {reason}", path.display())))
}

fn read(path: &Path) -> Result<SecretString, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > SECRET_LENGTH_MAX {
        return Err(format!("has {length} bytes, {SECRET_LENGTH_MAX} are allowed"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    match text.trim_end() {
        "" => Err("is empty".to_owned()),
        secret => Ok(SecretString::from(secret)),
    }
}

/// The secret in an environment variable.
///
/// # Errors
/// The variable is not set, or is empty.
pub(super) fn from_environment(
    name: &str,
    key: &KeyPath,
    document: &Document,
) -> Result<SecretString, Problem> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
        _ => Err(document.problem(key, format!("the environment variable {name} is not set"))),
    }
}
