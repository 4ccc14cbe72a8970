//! Every relative link in a document leads somewhere.

use std::collections::BTreeSet;

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

/// Where links into the web may lead, and why there. Nobody follows them here: a machine that tests may have no way
/// out. So they are few, and of who keeps an address for years.
const HOSTS: [(&str, &str); 2] = [
    ("semver.org", "says what a version promises"),
    ("pydicom.github.io", "has the program with which a person plays a modality"),
];

/// What is wrong with a link into the web; nothing where it may stand.
fn fault(target: &str) -> Option<&'static str> {
    let Some(rest) = target.strip_prefix("https://") else {
        return Some("only https:// leads into the web");
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~#%?=&".contains(&byte)) {
        return Some("a letter that an address does not have");
    }
    HOSTS.iter().all(|(known, _)| *known != host).then_some("not a host that links may lead to")
}

#[test]
fn links_into_the_web_lead_to_hosts_of_the_list() {
    let (mut offences, mut led) = (Vec::new(), BTreeSet::<&str>::new());
    for source in sources::with_extension("md") {
        for (number, target) in targets(&source.text) {
            if !target.contains("://") {
                continue;
            }
            if let Some(fault) = fault(&target) {
                offences.push(format!("{}:{number}: {target}: {fault}", source.path));
            }
            led.extend(HOSTS.iter().map(|(host, _)| *host).filter(|host| target.contains(host)));
        }
    }
    sources::none(&offences, "these links lead into the web where they may not:");
    assert_eq!(led.len(), HOSTS.len(), "no link leads to some of the list any more: {led:?}");
}

#[test]
fn a_link_into_the_web_is_https_and_of_a_known_host() {
    assert_eq!(fault("https://semver.org"), None);
    assert_eq!(fault("https://pydicom.github.io/pynetdicom/stable/#a"), None);
    for wrong in
        ["http://semver.org", "ftp://semver.org", "https://semver.org/a b", "https://semver.org.evil.org/"]
    {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
}

#[test]
fn links_are_found() {
    assert_eq!(anchors("# A `b`, c\n```\n# d\n```\n### 3.2.1 SOP classes\n"), ["a-b-c", "321-sop-classes"]);
    assert_eq!(
        targets("see [a](b.md#c), [d](e)\n```\n[f](g)\n```\n"),
        [(1, "b.md#c".into()), (1, "e".into())]
    );
}
