//! The same orders in DCMTK's `wlmscpfs`: both find the same, or a clause of the standard says why not.

use std::collections::BTreeSet;

use tests::find::Finder;
use tests::worklist::{MODALITY_WORKLIST, ORDERS, Wlmscpfs, orders};

use super::table::{Difference, queries};
use super::{Site, accession_numbers, wait_for_all};

/// The least number of queries.
const QUERIES: usize = 40;

#[test]
fn the_bridge_finds_what_wlmscpfs_finds() {
    let folder = tempfile::tempdir().unwrap();
    let Some(oracle) = Wlmscpfs::start(folder.path(), &orders()) else { return };
    let site = Site::new(&orders());
    let daemon = site.home.start();
    wait_for_all(&daemon);
    let mut finder = Finder::open(daemon.dimse(), MODALITY_WORKLIST);
    let (mut wrong, mut lines, mut telling) = (Vec::new(), Vec::new(), 0);
    let queries = queries();
    assert!(queries.len() >= QUERIES, "{} queries", queries.len());
    for query in queries {
        let mut asked = Finder::open(oracle.address(), MODALITY_WORKLIST);
        let theirs = asked.find(&query.identifier);
        asked.release();
        let ours = finder.find(&query.identifier);
        assert_eq!((ours.last.status, theirs.last.status), (0, 0), "{}", query.name);
        let (ours, theirs) = (accession_numbers(&ours), accession_numbers(&theirs));
        telling += usize::from(!ours.is_empty() && ours.len() < ORDERS);
        if let Some(problem) = held_against(query.difference, &ours, &theirs) {
            wrong.push(format!("{}: {problem}", query.name));
        }
        if let Some(Difference { clause, why, bridge, oracle }) = query.difference {
            lines.push(format!("| {} | {bridge} | {oracle} | {clause}: {why} |", query.name));
        }
    }
    println!("| query | bridge | wlmscpfs | clause |\n|---|---|---|---|\n{}", lines.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(telling >= QUERIES, "only {telling} queries find some orders and not all");
}

/// What is otherwise than the table says.
fn held_against(
    difference: Option<Difference>,
    ours: &BTreeSet<String>,
    theirs: &BTreeSet<String>,
) -> Option<String> {
    let expected = difference.map(|difference| (difference.bridge, difference.oracle));
    let is_well = match expected {
        None => ours == theirs,
        Some(counts) => (ours.len(), theirs.len()) == counts && ours != theirs,
    };
    let only = |one: &BTreeSet<String>, other| one.difference(other).cloned().collect::<Vec<_>>().join(" ");
    (!is_well).then(|| {
        let counts = (ours.len(), theirs.len());
        let (ours, theirs) = (only(ours, theirs), only(theirs, ours));
        format!("{counts:?} instead of {expected:?}; only the bridge: {ours}; only wlmscpfs: {theirs}")
    })
}
