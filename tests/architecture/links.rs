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

/// The anchor that a page of Markdown has for a heading, as the usual hosts make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(page: &str) -> Vec<String> {
    let mut in_code = false;
    let is_heading = |line: &&str| {
        in_code ^= line.trim_start().starts_with("```");
        !in_code && line.starts_with('#')
    };
    page.lines().filter(is_heading).map(anchor).collect()
}

#[test]
fn links_into_pages_lead_to_headings() {
    let mut offences = Vec::new();
    let mut found = 0;
    for source in sources::with_extension("md") {
        let folder = sources::top().join(&source.path);
        let folder = folder.parent().expect("a file stands in a folder");
        for (number, target) in targets(&source.text) {
            let Some((path, heading)) = target.split_once('#').filter(|_| !target.contains("://")) else {
                continue;
            };
            let page = match path {
                "" => source.text.clone(),
                path if path.ends_with(".md") => {
                    std::fs::read_to_string(folder.join(path)).unwrap_or_default()
                }
                _ => continue,
            };
            found += 1;
            if !anchors(&page).iter().any(|anchor| anchor == heading) {
                offences.push(format!("{}:{number}: {target}", source.path));
            }
        }
    }
    assert!(found > 10, "only {found} links into pages were found");
    sources::none(&offences, "these headings do not exist:");
}

#[test]
fn links_are_found() {
    assert_eq!(anchors("# A `b`, c\n```\n# d\n```\n### 3.2.1 SOP classes\n"), ["a-b-c", "321-sop-classes"]);
    assert_eq!(
        targets("see [a](b.md#c), [d](e)\n```\n[f](g)\n```\n"),
        [(1, "b.md#c".into()), (1, "e".into())]
    );
}
