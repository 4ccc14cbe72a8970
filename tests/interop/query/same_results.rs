//! For each query of the table the results through Dimseway are those computed from the generated data,
//! whatever the archive behind it can do.

use std::collections::BTreeMap;

use origin::synthetic::archive::{Archive, Options};
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::embedded_origin::{self, EmbeddedOrigin};
use tests::find::{Finder, Found};
use tests::orthanc::Orthanc;

use super::expected::{Entity, expected};
use super::keys::{Level, Negotiated, Query, attribute};
use super::{random, table};

const SEED: u64 = 20_26;

/// More than the archive has of anything, so that every result may be looked up.
const LOOK_UPS_MAX: usize = 20_000;

/// Random queries behind those of the table.
const RANDOM_QUERIES: usize = 30;

/// Attributes that no search of the limited origin gives.
const UNTOLD_BY_LIMITED: &[&str] = &[
    "IssuerOfPatientID",
    "OtherPatientIDs",
    "NameOfPhysiciansReadingStudy",
    "StationName",
    "BodyPartExamined",
];

/// Attributes that no search of Orthanc gives: its answers hold no sequences.
const UNTOLD_BY_ORTHANC: &[&str] = &["RequestAttributesSequence"];

/// Associations, one for each information model and negotiation.
struct Finders<'a> {
    daemon: &'a Daemon,
    open: BTreeMap<(&'static str, Negotiated), Finder>,
}

impl Finders<'_> {
    fn find(&mut self, query: &Query) -> Found {
        let Negotiated { relational, combined_date_time, fuzzy } = query.negotiated;
        let finder = self.open.entry((query.model, query.negotiated)).or_insert_with(|| {
            let extended = [u8::from(relational), u8::from(combined_date_time), u8::from(fuzzy)];
            Finder::open_with(self.daemon.dimse(), query.model, &extended, |_| {})
        });
        finder.find(&query.identifier())
    }
}

/// Values in an order of their own: that of collected ones means nothing.
fn in_order(text: &str) -> Vec<&str> {
    let mut values: Vec<_> = text.split('\\').map(str::trim_end).collect();
    values.sort_unstable();
    values
}

/// What is wrong with the results of a query; nothing where all is right.
fn difference(archive: &Archive, query: &Query, found: &Found, untold: &[&str]) -> Option<String> {
    let expected = expected(archive, query);
    if query.finds.is_some_and(|finds| expected.is_empty() == finds) {
        return Some(format!("the row does not test what it says: {} expected", expected.len()));
    }
    if found.last.status != 0 {
        return Some(format!("status {:04X}, {}", found.last.status, found.last.error_comment));
    }
    let issuer_told = !untold.contains(&"IssuerOfPatientID");
    let named = |name: &str| {
        if issuer_told { name.to_owned() } else { name.split('|').next().unwrap_or_default().to_owned() }
    };
    let mut rest: BTreeMap<String, &Entity<'_>> =
        expected.iter().map(|(name, entity)| (named(name), entity)).collect();
    let (mut wrong, mut unexpected) = (Vec::new(), Vec::new());
    for answer in &found.answers {
        let text = |keyword| answer.elements.text(attribute(keyword).tag).unwrap_or_default();
        let name = match query.level {
            Level::Patient => named(&format!("{}|{}", text("PatientID"), text("IssuerOfPatientID"))),
            level => text(level.unique_key().keyword).to_owned(),
        };
        let Some(entity) = rest.remove(&name) else {
            unexpected.push(name);
            continue;
        };
        let shown = query.keys.iter().filter(|key| key.sequence.is_none() && key.attribute.vr != "SQ");
        for attribute in shown.map(|key| key.attribute).filter(|of| !untold.contains(&of.keyword)) {
            let (is, should) = (in_order(text(attribute.keyword)), in_order(entity.text(attribute)));
            if is != should {
                wrong.push(format!("{name}: {} is {is:?} and should be {should:?}", attribute.keyword));
            }
        }
    }
    let missing: Vec<_> = rest.into_keys().collect();
    if missing.is_empty() && unexpected.is_empty() && wrong.is_empty() {
        return None;
    }
    let missing_count = missing.len();
    let few = |names: Vec<String>| names.into_iter().take(3).collect::<Vec<_>>().join("; ");
    Some(format!(
        "{} expected, {} came; {} missing ({}), {} not expected ({}), {} wrong ({})",
        expected.len(),
        found.answers.len(),
        missing_count,
        few(missing),
        unexpected.len(),
        few(unexpected),
        wrong.len(),
        few(wrong),
    ))
}

/// Runs the table against an archive. What it does not tell may be looked up for every result.
fn run(archive: &Archive, configuration: Configuration, untold: &[&str]) {
    let home = Home::new(&configuration);
    let daemon = home.start();
    let mut finders = Finders { daemon: &daemon, open: BTreeMap::new() };
    let (mut run, mut differences) = (0, Vec::new());
    let seed = rand::random();
    println!("the seed of the random queries is {seed}");
    let of_table = table::queries(archive);
    for query in of_table.into_iter().chain(random::queries(archive, seed, RANDOM_QUERIES)) {
        let begun = std::time::Instant::now();
        let found = finders.find(&query);
        println!("{:>8.1?} {:>5} {}", begun.elapsed(), found.answers.len(), query.name);
        run += 1;
        differences
            .extend(difference(archive, &query, &found, untold).map(|what| format!("{query}: {what}")));
    }
    assert!(differences.is_empty(), "{} of {run} queries:\n{}", differences.len(), differences.join("\n"));
    assert!(run >= 90, "only {run} queries");
}

fn configuration(url: &str, profile: &str) -> Configuration {
    let profile = format!("profile = \"{profile}\"");
    Configuration::new()
        .origin("archive", url)
        .set("origin.archive", &profile)
        .set("query", &format!("look_ups_max = {LOOK_UPS_MAX}"))
}

/// An archive in which a Patient ID is that of one patient.
fn archive_of_one_issuer() -> Archive {
    Archive::generate(Options { shared_patient_ids: false, ..Options::new(SEED) })
}

#[test]
fn an_archive_that_can_all() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::generate(Options::new(SEED));
    let origin = EmbeddedOrigin::start_filled(
        &folder.path().join("archive"),
        embedded_origin::Options::default(),
        archive.files(),
    );
    run(&archive, configuration(origin.url(), "standard"), &[]);
}

#[test]
fn an_archive_that_can_little() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive_of_one_issuer();
    let options = embedded_origin::Options { profile: "limited", ..embedded_origin::Options::default() };
    let origin = EmbeddedOrigin::start_filled(&folder.path().join("archive"), options, archive.files());
    run(&archive, configuration(origin.url(), "azure"), UNTOLD_BY_LIMITED);
}

#[test]
fn orthanc() {
    let Some(orthanc) = Orthanc::start() else { return };
    let archive = archive_of_one_issuer();
    orthanc.stow_all(archive.files().map(|file| file.part10()));
    assert_eq!(orthanc.count() as usize, archive.instance_count());
    run(&archive, configuration(&orthanc.url(), "orthanc"), UNTOLD_BY_ORTHANC);
}
