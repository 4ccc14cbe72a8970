//! Many generated instances at once, past the wire.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::Storage;
use crate::{
    Error,
    index::{Entry, attributes::Attribute},
    synthetic::archive::{Attributes, File, Value},
};

impl Storage {
    /// Puts files in their places and adds them to the index, whose UIDs are not taken. Blocks.
    pub(crate) fn add_all(&self, files: impl IntoIterator<Item = File>) -> Result<u64, Error> {
        let mut folder = PathBuf::new();
        self.index_all(files, |path, bytes| {
            if let Some(parent) = path.parent().filter(|parent| *parent != folder) {
                fs::create_dir_all(parent).map_err(Error::folder(parent))?;
                parent.clone_into(&mut folder);
            }
            fs::write(path, bytes).map_err(Error::folder(path))
        })
    }

    /// Adds them to the index, and leaves it to `place` to put the bytes in their places. Blocks.
    pub(crate) fn index_all(
        &self,
        files: impl IntoIterator<Item = File>,
        mut place: impl FnMut(&Path, &[u8]) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let mut files = files.into_iter();
        self.index.add_all(|| {
            let Some(file) = files.next() else { return Ok(None) };
            let bytes = file.part10();
            let entry = Entry {
                identity: file.identity.clone(),
                transfer_syntax: file.transfer_syntax.clone(),
                length: bytes.len() as u64,
                sha256: Sha256::digest(&bytes).into(),
            };
            place(&self.path(&entry), &bytes)?;
            Ok(Some((entry, move |attribute: &Attribute| value(&file, attribute))))
        })
    }
}

/// The value of a column, as it would be read from the data set.
fn value(file: &File, attribute: &Attribute) -> Option<String> {
    match file.attributes.get(attribute.tag)? {
        Value::Text(_, text) => Some(text.clone()),
        Value::Items(items) => Some(Json::Array(items.iter().map(json).collect()).to_string()),
    }
}

/// An item in the JSON Model (PS3.18 §F.2.2), of texts and further items.
fn json(item: &Attributes) -> Json {
    let element = |value: &Value| match value {
        Value::Text(vr, text) if text.is_empty() => json!({ "vr": vr.to_string() }),
        Value::Text(vr, text) => {
            json!({ "vr": vr.to_string(), "Value": text.split('\\').collect::<Vec<_>>() })
        }
        Value::Items(items) => json!({ "vr": "SQ", "Value": items.iter().map(json).collect::<Vec<_>>() }),
    };
    let members = item.iter().map(|(tag, value)| (format!("{:08X}", tag.to_u32()), element(value)));
    Json::Object(members.collect())
}
