//! The source files of the workspace, with test code told from production code.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the repository, by its path from the top.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// True where the module above declares it for tests only.
    is_for_tests: bool,
}

impl Source {
    /// The room a file belongs to: `dimse` for `crates/dimse/src/pdv.rs`.
    pub(crate) fn room(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Numbered lines that are not test code.
    pub(crate) fn production(&self) -> Vec<(usize, &str)> {
        let all: Vec<_> = self.text.lines().enumerate().map(|(index, line)| (index + 1, line)).collect();
        if self.is_test_file() {
            return Vec::new();
        }
        let end = all.windows(2).position(|pair| {
            pair[0].1.trim() == "#[cfg(test)]" && pair[1].1.contains("mod ") && pair[1].1.ends_with('{')
        });
        all[..end.unwrap_or(all.len())].to_vec()
    }

    /// Numbered lines of test code.
    pub(crate) fn tests(&self) -> Vec<(usize, &str)> {
        let production = self.production().len();
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line)).skip(production).collect()
    }

    fn is_test_file(&self) -> bool {
        self.is_for_tests
            || self.path.starts_with("tests/")
            || self.path.split('/').any(|part| matches!(part, "tests" | "benches" | "conformance"))
            || self.path.ends_with("tests.rs")
            || self.path.ends_with("conformance.rs")
    }
}

/// All Rust files of the workspace.
pub(crate) fn rust() -> Vec<Source> {
    let mut files = with_extension("rs");
    let for_tests: Vec<String> = files.iter().flat_map(modules_for_tests).collect();
    for file in &mut files {
        file.is_for_tests = for_tests.iter().any(|module| {
            let rest = file.path.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
    }
    assert!(files.len() > 20, "the walk over the sources found only {} files", files.len());
    files
}

/// Where the modules are that a file declares for tests only: `crates/dimse/src/pdv/tests`.
fn modules_for_tests(source: &Source) -> Vec<String> {
    let stem = source.path.trim_end_matches(".rs");
    let folder = match stem.rsplit_once('/') {
        Some((folder, "lib" | "main" | "mod")) => folder,
        _ => stem,
    };
    let lines: Vec<_> = source.text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| pair[1].split("mod ").nth(1)?.strip_suffix(';'))
        .map(|name| format!("{folder}/{name}"))
        .collect()
}

/// All files with an extension, hidden folders and build output left out.
pub(crate) fn with_extension(extension: &str) -> Vec<Source> {
    let top = top();
    let mut files = Vec::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry of a folder").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = fs::read_to_string(&path).expect("a text file");
                files.push(Source { path: from_top(&top, &path), text, is_for_tests: false });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The top folder of the workspace.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the workspace").to_owned()
}

fn from_top(top: &Path, path: &Path) -> String {
    path.strip_prefix(top).expect("a path below the top").to_string_lossy().into_owned()
}

/// Fails with all offences at once, one a line.
pub(crate) fn none(offences: &[String], rule: &str) {
    assert!(offences.is_empty(), "{rule}\n{}", offences.join("\n"));
}

#[test]
fn test_code_is_told_from_production_code() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n".to_owned();
    let source = Source { path: "crates/dimse/src/a.rs".to_owned(), text, is_for_tests: false };
    assert_eq!(source.production(), [(1, "fn a() {}")]);
    assert_eq!(source.tests().len(), 4);
    let text = "fn a() {}\n#[cfg(test)]\nmod tests;\nfn b() {}\n".to_owned();
    let source = Source { path: "crates/dimse/src/a.rs".to_owned(), text, is_for_tests: false };
    assert_eq!(source.production().len(), 4);
    assert_eq!(source.room(), Some("dimse"));
    assert_eq!(modules_for_tests(&source), ["crates/dimse/src/a/tests"]);
}
