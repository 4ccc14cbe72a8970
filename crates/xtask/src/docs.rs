//! Pages under `docs/` that are generated from the code, so that they cannot differ from it.

use std::path::Path;

use crate::command;

/// A page, and the arguments with which the program prints it.
const PAGES: &[(&str, &[&str])] = &[
    ("docs/configuration.md", &["config", "reference"]),
    ("docs/dimseway.example.toml", &["config", "example"]),
    ("docs/metrics.md", &["config", "metrics"]),
];

/// Writes the pages, or compares them with what would be written; true where nothing differs.
pub(crate) fn run(workspace: &Path, check: bool) -> anyhow::Result<bool> {
    let mut same = true;
    for (page, arguments) in PAGES {
        let mut command = command::cargo(["run", "--quiet", "--package", "dimseway", "--"]);
        let text = command::output(command.args(*arguments))?;
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
