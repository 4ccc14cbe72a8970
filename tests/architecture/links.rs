//! Every relative link in a document leads somewhere.

use crate::sources;

/// The targets of `[text](target)`, code blocks left out.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            if let Some((target, _)) = line[at + 2..].split_once(')') {
                found.push((index + 1, target.to_owned()));
            }
        }
    }
    found
}

#[test]
fn relative_links_resolve() {
    let mut offences = Vec::new();
    for source in sources::with_extension("md") {
        let folder = sources::top().join(&source.path);
        let folder = folder.parent().expect("a file stands in a folder");
        for (number, target) in targets(&source.text) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            if !folder.join(path).exists() {
                offences.push(format!("{}:{number}: {target}", source.path));
            }
        }
    }
    sources::none(&offences, "these links lead nowhere:");
}

#[test]
fn links_are_found() {
    assert_eq!(
        targets("see [a](b.md#c), [d](e)\n```\n[f](g)\n```\n"),
        [(1, "b.md#c".into()), (1, "e".into())]
    );
}
