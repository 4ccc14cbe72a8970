//! Queries that nobody thought of: keys made of what a study has, bent as people bend them.

use origin::synthetic::archive::{Archive, Study};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tests::find::STUDY_ROOT_FIND;

use super::keys::{Level, Query, attribute};

/// Keys of studies that every archive of the tests tells.
const KEYWORDS: [&str; 10] = [
    "PatientName",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
];

/// So many queries, the same for the same seed. Each is for something that one study has, though not
/// always as that study has it.
pub(crate) fn queries(archive: &Archive, seed: u64, count: usize) -> Vec<Query> {
    let mut random = StdRng::seed_from_u64(seed);
    let queries = (0..count).map(|_| {
        let study = archive.studies.choose(&mut random).expect("studies");
        let level = if random.random_ratio(1, 4) { Level::Series } else { Level::Study };
        let query = Query::new("a random query", STUDY_ROOT_FIND, level).relational().may_find_nothing();
        let keys = random.random_range(1..=3);
        (0..keys).fold(query, |query, _| {
            let keyword = *KEYWORDS.choose(&mut random).expect("keywords");
            query.key(keyword, &bent(&mut random, study, keyword))
        })
    });
    queries.collect()
}

/// What the study has, or something near it.
fn bent(random: &mut StdRng, study: &Study, keyword: &str) -> String {
    let attribute = attribute(keyword);
    let value = study.attributes.text(attribute.tag).unwrap_or_default();
    let value = value.split('\\').next().unwrap_or_default();
    match attribute.vr {
        _ if value.is_empty() => String::new(),
        "DA" => date(random, value),
        "TM" => time(random, value),
        "PN" => name(random, value),
        _ => text(random, value),
    }
}

fn date(random: &mut StdRng, value: &str) -> String {
    match random.random_range(0..4) {
        0 => value.to_owned(),
        1 => format!("{value}-"),
        2 => format!("-{value}"),
        _ => format!("{}01-{}28", &value[..6], &value[..6]),
    }
}

fn time(random: &mut StdRng, value: &str) -> String {
    match random.random_range(0..5) {
        0 => value.to_owned(),
        1 => value[..2].to_owned(),
        2 => format!("{}-", &value[..4]),
        3 => format!("-{value}"),
        _ => format!("{}-{value}", &value[..2]),
    }
}

/// The whole name or one of its groups.
fn name(random: &mut StdRng, value: &str) -> String {
    let groups: Vec<&str> = value.split('=').collect();
    let at = random.random_range(0..groups.len());
    match random.random_range(0..7) {
        0 => value.to_owned(),
        1 => value.to_lowercase(),
        2 => format!("{}{}", "=".repeat(at), text(random, groups[at])),
        3 => format!("{}^*", groups[at].split('^').next().unwrap_or_default()),
        4 => format!("{}^^", groups[at]),
        5 => text(random, groups[at]).to_uppercase(),
        _ => text(random, groups[at]),
    }
}

/// A text with something left open.
fn text(random: &mut StdRng, value: &str) -> String {
    let letters: Vec<char> = value.chars().collect();
    let at = random.random_range(0..letters.len());
    let (before, behind) = letters.split_at(at);
    let (before, behind) = (before.iter().collect::<String>(), behind.iter().collect::<String>());
    match random.random_range(0..6) {
        0 => format!("{before}*"),
        1 => format!("*{behind}"),
        2 => format!("{before}?{}", behind.chars().skip(1).collect::<String>()),
        3 => format!("{before}*{}", behind.chars().next_back().unwrap_or_default()),
        4 => value.to_lowercase(),
        _ => value.to_owned(),
    }
}
