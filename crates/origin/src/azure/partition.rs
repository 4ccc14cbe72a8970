//! Data partitions: archives and worklists side by side, that know nothing of each other.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use axum::Router;

use super::{Changes, changes::ChangeFeed, routes};
use crate::{
    Error, Options,
    fault::Switches,
    server::State,
    storage::{INDEX, Storage},
    worklist,
};

/// The partition that is there from the beginning.
pub(super) const DEFAULT: &str = "Microsoft.Default";

/// Most characters of a name.
const NAME_LENGTH_MAX: usize = 64;

/// All partitions and what they share.
pub(crate) struct Service {
    options: Options,
    faults: Arc<Switches>,
    changes: Arc<ChangeFeed>,
    partitions: RwLock<BTreeMap<String, Partition>>,
}

/// One of them.
#[derive(Clone)]
pub(super) struct Partition {
    pub(super) state: Arc<State>,
    /// Its resources, whose paths have neither version nor partition.
    pub(super) resources: Router,
}

impl Service {
    /// Opens every partition that the folder has. Blocks on the disk.
    pub(crate) fn open(options: &Options, faults: &Arc<Switches>) -> Result<Self, Error> {
        let service = Self {
            options: options.clone(),
            faults: Arc::clone(faults),
            changes: Arc::new(ChangeFeed::open(&options.directory.join(INDEX))?),
            partitions: RwLock::default(),
        };
        service.open_or_make(DEFAULT)?;
        let folder = service.folder();
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if let Some(name) = entry.file_name().to_str().filter(|name| is_name(name)) {
                service.open_or_make(name)?;
            }
        }
        Ok(service)
    }

    fn folder(&self) -> std::path::PathBuf {
        self.options.directory.join("partitions")
    }

    /// The partition of a name, which is made where it is not there. Blocks on the disk.
    pub(super) fn open_or_make(&self, name: &str) -> Result<Partition, Error> {
        let mut partitions = self.partitions.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(partition) = partitions.get(name) {
            return Ok(partition.clone());
        }
        let directory = match name {
            DEFAULT => self.options.directory.clone(),
            name => self.folder().join(name),
        };
        let partition = self.make(name, &directory)?;
        partitions.insert(name.to_owned(), partition.clone());
        Ok(partition)
    }

    fn make(&self, name: &str, directory: &Path) -> Result<Partition, Error> {
        let changes = Changes::new(Arc::clone(&self.changes), name);
        let storage = Arc::new(Storage::open(directory, Some(changes))?);
        let worklist = Arc::new(worklist::Store::open(&directory.join(INDEX))?);
        let state = Arc::new(State {
            storage,
            orders: None,
            worklist: Some(worklist),
            tokens: None,
            aws: None,
            azure: None,
            faults: Arc::clone(&self.faults),
            options: self.options.clone(),
        });
        let resources = routes::resources(&state).with_state(Arc::clone(&state));
        Ok(Partition { state, resources })
    }

    /// A partition that is there.
    pub(super) fn get(&self, name: &str) -> Option<Partition> {
        self.partitions.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// As [`Service::get`], for who needs no resources.
    pub(crate) fn partition(&self, name: &str) -> Option<Arc<State>> {
        self.get(name).map(|partition| partition.state)
    }

    /// The names of all partitions.
    pub(super) fn names(&self) -> Vec<String> {
        self.partitions.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The archive of the default partition.
    ///
    /// # Panics
    /// Never: that partition is opened with the service and stays.
    #[expect(clippy::expect_used, reason = "the partition is there from the beginning")]
    pub(crate) fn default_storage(&self) -> Arc<Storage> {
        // INVARIANT: `Service::open` has made it, and nothing removes a partition.
        Arc::clone(&self.partition(DEFAULT).expect("the default partition").storage)
    }

    /// The worklist of the default partition.
    pub(crate) fn default_worklist(&self) -> Option<Arc<worklist::Store>> {
        self.partition(DEFAULT)?.worklist.clone()
    }

    pub(super) fn changes(&self) -> &Arc<ChangeFeed> {
        &self.changes
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }
}

/// Letters, digits, points, hyphens and low lines, at most 64 of them, and more than points.
pub(super) fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let names_a_folder = text.bytes().any(|byte| byte != b'.');
    text.len() <= NAME_LENGTH_MAX && names_a_folder && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        let long = "a".repeat(64);
        for name in ["Microsoft.Default", "a", "A-1_b.c", &long] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "a b", "ä", &format!("{long}a")] {
            assert!(!is_name(name), "{name}");
        }
    }
}
