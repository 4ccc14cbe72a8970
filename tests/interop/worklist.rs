//! C-FIND of the worklist: what modalities are told from every kind of source, also while it is away.

mod bad_input;
mod oracle;
mod outage;
mod sources;
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::find::{Finder, Found, Identifier};
use tests::wait::eventually;
use tests::worklist::{
    ACCESSION_NUMBER, MODALITY, MODALITY_WORKLIST, ORDERS, Order, PATIENT_NAME, START_DATE, START_TIME,
    STATION, STEPS,
};

/// Days that are kept: the orders of the tests are always of the same days.
pub(crate) const WINDOW: &str = "window = \"36500d\"";

/// A daemon with a folder of orders.
pub(crate) struct Site {
    pub(crate) home: Home,
    folder: TempDir,
}

impl Site {
    pub(crate) fn new(orders: &[Order]) -> Self {
        Self::with(orders, |configuration| configuration)
    }

    /// With more in the configuration.
    pub(crate) fn with(orders: &[Order], change: impl FnOnce(Configuration) -> Configuration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        orders.iter().for_each(|order| order.write(folder.path()));
        let home = Home::new(&change(of_folder(folder.path())));
        Self { home, folder }
    }

    /// A file of the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A worklist without sources, of all days.
pub(crate) fn of_all_days() -> Configuration {
    Configuration::new().set("worklist", WINDOW).set("worklist", "refresh = \"200ms\"")
}

/// The same beside an archive that nobody needs.
fn beside_archive() -> Configuration {
    of_all_days().origin("archive", "http://127.0.0.1:9/dicom-web")
}

/// A worklist of the orders in a directory.
pub(crate) fn of_folder(directory: &Path) -> Configuration {
    beside_archive()
        .set("worklist_source.ris", "type = \"folder\"")
        .set("worklist_source.ris", &format!("directory = \"{}\"", directory.display()))
}

/// The identifier of a query that shows what lists of modalities do, with more keys.
pub(crate) fn query(beside: Identifier, of_step: Identifier) -> Identifier {
    let shown = [(STATION, "AE"), (START_DATE, "DA"), (START_TIME, "TM"), (MODALITY, "CS")];
    let step = shown.into_iter().fold(of_step, |step, (tag, vr)| step.with_unless_there(tag, vr));
    beside
        .with_unless_there(ACCESSION_NUMBER, "SH")
        .with_unless_there(PATIENT_NAME, "PN")
        .with_items(STEPS, &[step])
}

/// Accession numbers of what was found; no order twice.
pub(crate) fn accession_numbers(found: &Found) -> BTreeSet<String> {
    let numbers: BTreeSet<_> = found
        .answers
        .iter()
        .map(|answer| answer.elements.text(ACCESSION_NUMBER).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(numbers.len(), found.answers.len(), "an order was found twice");
    numbers
}

/// Asks on an association of its own.
pub(crate) fn find(daemon: &Daemon, identifier: &Identifier) -> Found {
    let mut finder = Finder::open(daemon.dimse(), MODALITY_WORKLIST);
    let found = finder.find(identifier);
    finder.release();
    found
}

/// Waits until the worklist has so many entries.
pub(crate) fn wait_for(daemon: &Daemon, entries: usize) {
    eventually("the worklist has its entries", || {
        let has = daemon.metrics().sum("dimseway_worklist_entries", &[]);
        (has == entries as f64).then_some(())
    });
}

/// Waits until it has all orders of the department.
pub(crate) fn wait_for_all(daemon: &Daemon) {
    wait_for(daemon, ORDERS);
}
