//! Every piece of a configuration that a document shows is one that is understood.

use crate::config_file::{Document, File};
use std::path::{Path, PathBuf};

fn pages() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = std::fs::read_dir(top.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.chain([top.join("README.md")]).collect()
}

/// Blocks of TOML, with the numbers of their first lines.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut in_toml = false;
    for (index, line) in page.lines().enumerate() {
        if let Some(word) = line.trim_start().strip_prefix("```") {
            in_toml = !in_toml && word == "toml";
            if in_toml {
                found.push((index + 2, String::new()));
            }
        } else if let Some((_, block)) = found.last_mut().filter(|_| in_toml) {
            *block += line;
            block.push('\n');
        }
    }
    found
}

#[test]
fn documents_show_configurations_that_are_understood() {
    let mut understood = 0;
    let mut refused = Vec::new();
    for page in pages() {
        for (line, block) in blocks(&std::fs::read_to_string(&page).unwrap()) {
            let document = Document::new(PathBuf::from("dimseway.toml"), block);
            match File::parse(document) {
                Ok(_) => understood += 1,
                Err(problem) => refused.push(format!("{}:{line}: {problem}", page.display())),
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(understood > 10, "only {understood} pieces were found");
}

#[test]
fn blocks_are_found() {
    let page = "a\n```toml\nb = 1\n```\n```sh\nc\n```\n";
    assert_eq!(blocks(page), [(3, "b = 1\n".to_owned())]);
}
