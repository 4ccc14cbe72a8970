//! Code that follows the standard says where the standard says so.

use crate::sources;

/// Citations wanted per 1,000 lines of production code, in the rooms that speak a protocol. Beside DICOM they
/// follow the RFCs of HTTP and of its credentials.
const WANTED: &[(&str, usize)] = &[("dimse", 15), ("dicomweb", 15)];

/// Counts `PS3.8 §9.3.4`, `RFC 9112 §7.1` and the like.
fn citations(text: &str) -> usize {
    let of = |name: &str| {
        text.match_indices(name)
            .filter(|(at, _)| {
                let rest = &text[at + name.len()..];
                rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).starts_with(" §")
            })
            .count()
    };
    of("PS3.") + of("RFC ")
}

#[test]
fn protocol_rooms_cite_the_standard() {
    let mut offences = Vec::new();
    for (room, wanted) in WANTED {
        let (mut lines, mut found) = (0, 0);
        for source in sources::rust().iter().filter(|source| source.room() == Some(room)) {
            let production = source.production();
            lines += production.len();
            found += production.iter().map(|(_, line)| citations(line)).sum::<usize>();
        }
        if found * 1000 < wanted * lines {
            offences.push(format!("{room}: {found} citations in {lines} lines, wanted {wanted} per 1,000"));
        }
    }
    sources::none(&offences, "too few citations:");
}

#[test]
fn citations_have_one_form() {
    let mut offences = Vec::new();
    for source in sources::rust() {
        if source.path.ends_with("architecture/citations.rs") {
            continue;
        }
        for (index, line) in source.text.lines().enumerate() {
            for (at, _) in line.match_indices("PS3.") {
                let rest = line[at + 4..].trim_start_matches(|letter: char| letter.is_ascii_digit());
                let section = rest.trim_start_matches([' ', ',', '-', '.']);
                let bare_number = rest.starts_with(' ') && section.starts_with(|c: char| c.is_ascii_digit());
                let spelt = ["Section", "section", "Annex", "Table", "Sect", "§"]
                    .iter()
                    .any(|word| section.starts_with(word) && !rest.starts_with(" §"));
                if bare_number || spelt {
                    offences.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
                }
            }
        }
    }
    sources::none(&offences, "a citation is written as in `PS3.8 §9.3.4`:");
}

#[test]
fn citations_are_counted() {
    assert_eq!(citations("(PS3.8 §9.3.4, PS3.18 §10.5)"), 2);
    assert_eq!(citations("RFC 9112 §7.1"), 1);
    assert_eq!(citations("PS3.8 9.3.4, PS3.8, PS3.x §, RFC 9112"), 0);
}
