//! The corpus, replayed as a plain test: every room that has targets holds this module.

use super::TARGETS;

#[test]
fn the_corpus_is_replayed() {
    let room = env!("CARGO_PKG_NAME");
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(room);
    for (name, target) in TARGETS {
        let folder = corpus.join(name);
        let files =
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{} is empty", folder.display());
        for path in paths {
            // Shown where a target panics.
            println!("{}", path.display());
            target(&std::fs::read(&path).unwrap());
        }
    }
}
