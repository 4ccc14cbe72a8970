//! A received file in its place.

use std::{fs, path::Path};

use super::{Storage, reading::Values};
use crate::{
    Error,
    azure::Action,
    index::{Entry, attributes::Attribute},
};

impl Storage {
    /// Puts a received file in its place, unless its UID is taken; then gives who has it.
    pub(super) fn put(
        &self,
        entry: &Entry,
        values: &Values,
        received: &Path,
        replaces: bool,
    ) -> Result<Option<Entry>, Error> {
        let value = |attribute: &Attribute| values.value(attribute);
        let path = self.path(entry);
        let place = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(Error::folder(folder))?;
            }
            fs::rename(received, &path).map_err(Error::folder(&path))
        };
        if !replaces {
            let known = self.index.add(entry, value, place)?;
            if known.is_none() {
                self.changed(Action::Create, entry);
            }
            return Ok(known);
        }
        let replaced = self.index.replace(entry, value, place)?;
        if let Some(old) = replaced.as_ref().filter(|old| self.path(old) != path) {
            self.remove_file(old);
        }
        self.changed(if replaced.is_some() { Action::Update } else { Action::Create }, entry);
        Ok(None)
    }
}
