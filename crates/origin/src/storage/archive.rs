//! Many generated instances at once, past the wire.

use std::{fs, path::PathBuf};

use instance::Tag;
use sha2::{Digest as _, Sha256};

use super::Storage;
use crate::{
    Error,
    index::{Entry, attributes::Attribute},
    synthetic::archive::File,
};

impl Storage {
    /// Puts files in their places and adds them to the index, whose UIDs are not taken. Blocks.
    pub(crate) fn add_all(&self, files: impl IntoIterator<Item = File>) -> Result<u64, Error> {
        let mut files = files.into_iter();
        let mut folder = PathBuf::new();
        self.index.add_all(|| {
            let Some(file) = files.next() else { return Ok(None) };
            let bytes = file.part10();
            let entry = Entry {
                identity: file.identity.clone(),
                transfer_syntax: file.transfer_syntax.clone(),
                length: bytes.len() as u64,
                sha256: Sha256::digest(&bytes).into(),
            };
            let path = self.path(&entry);
            if let Some(parent) = path.parent().filter(|parent| *parent != folder) {
                fs::create_dir_all(parent).map_err(Error::folder(parent))?;
                parent.clone_into(&mut folder);
            }
            fs::write(&path, bytes).map_err(Error::folder(&path))?;
            Ok(Some((entry, move |attribute: &Attribute| value(&file, attribute.tag))))
        })
    }
}

/// The value of a column, as it would be read from the data set.
fn value(file: &File, tag: Tag) -> Option<String> {
    file.attributes.text(tag).map(str::to_owned)
}
