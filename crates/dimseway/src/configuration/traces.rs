//! Where traces go.

use crate::config_file::{Document, File, KeyPath, Problem};

/// Checks `[log]` `traces`.
///
/// # Errors
/// Traces are asked for and this program was built without them, or the ratio is none.
pub(super) fn check(file: &File, document: &Document) -> Result<(), Problem> {
    let (traces, path) = (&file.log.traces, KeyPath::from("log.traces"));
    if !(0.0..=1.0).contains(&traces.sample_ratio) {
        return Err(document.problem(&path.key("sample_ratio"), "a part of all instances is between 0 and 1"));
    }
    if traces.endpoint.is_some() && !cfg!(feature = "opentelemetry") {
        let message = "this program was built without traces; `cargo build --release --features opentelemetry` \
                       makes one that has them";
        return Err(document.problem(&path.key("endpoint"), message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_refused_where_they_are_not_built_in() {
        let table = [
            ("", None),
            ("[log]\ntraces.sample_ratio = 1.5\n", Some("sample_ratio: a part of all instances")),
            ("[log]\ntraces.sample_ratio = nan\n", Some("sample_ratio: a part of all instances")),
            (
                "[log]\ntraces.endpoint = \"http://127.0.0.1:4318/v1/traces\"\n",
                (!cfg!(feature = "opentelemetry")).then_some("--features opentelemetry"),
            ),
        ];
        for (text, expected) in table {
            let (file, document) =
                File::parse(Document::new("dimseway.toml".into(), text.to_owned())).unwrap();
            let problem = check(&file, &document).err().map(|problem| problem.to_string());
            match (&problem, expected) {
                (None, None) => {}
                (Some(problem), Some(words)) => assert!(problem.contains(words), "{problem}"),
                _ => panic!("{text}: {problem:?}"),
            }
        }
        for endpoint in ["ftp://collector/", "http://user:secret@collector/", "collector:4318"] {
            let text = format!("[log]\ntraces.endpoint = \"{endpoint}\"\n");
            assert!(File::parse(Document::new("dimseway.toml".into(), text)).is_err(), "{endpoint}");
        }
    }
}
