//! Pages under `docs/` that are generated from the code, so that they cannot differ from it.

use std::path::Path;

use crate::{command, testing};

/// A page, and the arguments with which the program prints it.
const PAGES: &[(&str, &[&str])] = &[
    ("docs/configuration.md", &["config", "reference"]),
    ("docs/dimseway.example.toml", &["config", "example"]),
    ("docs/metrics.md", &["config", "metrics"]),
];

/// Writes the pages as the program that was built says them, or compares; true where nothing differs.
pub(crate) fn run(workspace: &Path, check: bool) -> anyhow::Result<bool> {
    let mut same = true;
    for (page, arguments) in PAGES {
        let text = command::output(testing::program(workspace).args(*arguments))?;
        let path = workspace.join(page);
        if std::fs::read_to_string(&path).is_ok_and(|present| present == text) {
            continue;
        }
        if check {
            println!("{page} differs from what the program says: run `cargo xtask docs`");
            same = false;
        } else {
            std::fs::write(&path, text)?;
            println!("wrote {page}");
        }
    }
    Ok(same)
}
