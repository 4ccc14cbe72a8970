//! A directory of files, each with one or several orders.
//!
//! It is looked at every few seconds instead of being told of changes: notifications of the kernel do not
//! come for shares, which is where a RIS puts its files, and queues of them overflow just when a system writes
//! 10,000 files. A look costs one directory entry for each file; only what changed is read.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use dataset::{
    character_set::CharacterSet,
    identifier::Identifier,
    json::{Item, ReadLimits, read_all},
};
use instance::{Encoding, Tag, part10};
use jiff::ToSpan;

use super::{Fetched, Order, Source, SourceError, Wanted, id_of};
use crate::worklist::{START_DATE, STEPS, complete};

/// Bytes of the largest file. 4 MiB: an array of 1,000 orders; a single one has some KiB.
const FILE_MAX: u64 = 4 * 1024 * 1024;

/// Files that are looked at. 100,000: a directory that nobody clears grows to that in years.
const FILES_MAX: usize = 100_000;

/// The source.
pub(crate) struct Folder {
    inner: Arc<Inner>,
    /// What was wanted and given last.
    given: Mutex<Option<Wanted>>,
}

struct Inner {
    directory: PathBuf,
    character_set: Option<CharacterSet>,
    files: Mutex<HashMap<PathBuf, File>>,
}

/// A file as it was read.
struct File {
    modified: Option<SystemTime>,
    length: u64,
    /// What it holds, or held when it could last be read: it may be half written.
    orders: Vec<Order>,
    is_readable: bool,
}

/// What a look at the directory gave.
struct Looked {
    fetched: Fetched,
    has_changed: bool,
}

impl Folder {
    pub(crate) fn new(directory: PathBuf, character_set: Option<CharacterSet>) -> Self {
        let inner = Inner { directory, character_set, files: Mutex::default() };
        Self { inner: Arc::new(inner), given: Mutex::default() }
    }
}

#[async_trait]
impl Source for Folder {
    async fn fetch(&self, wanted: &Wanted) -> Result<Option<Fetched>, SourceError> {
        let (inner, looked_for) = (Arc::clone(&self.inner), wanted.clone());
        let looked = tokio::task::spawn_blocking(move || inner.look(&looked_for)).await;
        let Looked { fetched, has_changed } =
            looked.map_err(|defect| SourceError::Directory(io::Error::other(defect)))??;
        if wanted.is_look_up {
            // Of what changed the next refresh is to hear.
            if has_changed {
                self.given.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
            return Ok(Some(fetched));
        }
        let before = self.given.lock().unwrap_or_else(PoisonError::into_inner).replace(wanted.clone());
        Ok((has_changed || before.as_ref() != Some(wanted)).then_some(fetched))
    }
}

impl Inner {
    /// Reads what changed since the last look.
    fn look(&self, wanted: &Wanted) -> Result<Looked, SourceError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *files);
        let known = before.len();
        let (mut has_changed, mut kept) = (false, 0);
        for entry in fs::read_dir(&self.directory).map_err(SourceError::Directory)? {
            let path = entry.map_err(SourceError::Directory)?.path();
            let Some(form) = Form::of(&path) else { continue };
            // A file that is gone by now is none.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if !metadata.is_file() {
                continue;
            }
            if files.len() == FILES_MAX {
                return Err(SourceError::TooMany(FILES_MAX));
            }
            let (modified, length) = (metadata.modified().ok(), metadata.len());
            let file = match before.remove(&path) {
                Some(file) if file.modified == modified && file.length == length => {
                    kept += 1;
                    file
                }
                before => {
                    has_changed = true;
                    let read = self.read(&path, form);
                    let is_readable = read.is_some();
                    let orders = read.or(before.map(|file| file.orders)).unwrap_or_default();
                    File { modified, length, orders, is_readable }
                }
            };
            files.insert(path, file);
        }
        has_changed |= kept != known;
        let mut fetched = Fetched::default();
        let mut paths: Vec<_> = files.iter().collect();
        // Of the same order in two files the first by name counts, on every replica.
        paths.sort_unstable_by_key(|(path, _)| *path);
        for (_, file) in paths {
            fetched.unreadable += usize::from(!file.is_readable);
            fetched.orders.extend(file.orders.iter().filter(|order| may_match(order, wanted)).cloned());
        }
        Ok(Looked { fetched, has_changed })
    }

    /// The orders of a file; none where it cannot be read.
    fn read(&self, path: &Path, form: Form) -> Option<Vec<Order>> {
        let mut bytes = Vec::new();
        fs::File::open(path).ok()?.take(FILE_MAX + 1).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 > FILE_MAX || bytes.is_empty() {
            return None;
        }
        let items = match form {
            Form::Json => read_all(&bytes, ReadLimits::default()).ok()?,
            Form::Dicom => vec![self.data_set(&bytes)?],
        };
        let order = |item: Item| Order { id: id_of(&item), item, ..Order::default() };
        Some(items.into_iter().filter(|item| !item.is_empty()).map(order).collect())
    }

    /// A Part 10 file, or a data set alone, as most tools for worklists write it.
    fn data_set(&self, bytes: &[u8]) -> Option<Item> {
        let (encoding, data_set) = match part10::read(bytes) {
            Ok((meta, begin)) => (meta.transfer_syntax.encoding(), bytes.get(begin..)?),
            // The reader sees by itself where the VR is implicit.
            Err(part10::InvalidFile::NoPrefix) => (Encoding::ExplicitVrLittleEndian, bytes),
            Err(_) => return None,
        };
        let identifier = Identifier::read(data_set, encoding, self.character_set.as_ref()).ok()?;
        Some(identifier.item)
    }
}

/// How a file is written.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Dicom,
}

impl Form {
    /// By the end of its name. Names that begin with a dot are of files that are being written.
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        if name.starts_with('.') {
            return None;
        }
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "wl" | "dcm" => Some(Self::Dicom),
            _ => None,
        }
    }
}

/// Whether an order may be wanted; dates are compared with a day to spare, for time zones.
fn may_match(order: &Order, wanted: &Wanted) -> bool {
    let same = |tag, text: &Option<String>| {
        text.as_ref().is_none_or(|text| order.item.text(tag).is_some_and(|is| is == text.as_str()))
    };
    let in_time = |step: &Item| {
        let day = step.text(START_DATE).and_then(|text| complete::date(&text));
        day.is_none_or(|day| {
            wanted.from.is_none_or(|from| day >= from.saturating_sub(1.day()))
                && wanted.to.is_none_or(|to| day <= to.saturating_add(1.day()))
        })
    };
    let mut steps = order.item.items(STEPS).peekable();
    same(Tag::PATIENT_ID, &wanted.patient_id)
        && same(Tag::ACCESSION_NUMBER, &wanted.accession_number)
        && (steps.peek().is_none() || steps.any(in_time))
}

#[cfg(test)]
mod tests;
