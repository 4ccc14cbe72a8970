//! What programs see, what is safe, and what a cut makes of the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::io::Errno;

/// The top folder's number.
pub(super) const TOP: u64 = 1;

/// Bytes that a disk writes whole: a torn write is torn between these.
const SECTOR: usize = 512;

pub(super) struct Disk {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    /// Changes of names that no folder was synced for yet, in order.
    names: Vec<NameChange>,
    is_cut: bool,
    limit: u64,
    failing_syncs: u32,
    syncs: u64,
    random: SmallRng,
}

enum Node {
    File(File),
    Folder(Folder),
}

#[derive(Default)]
struct File {
    now: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Default)]
struct Folder {
    now: BTreeMap<OsString, u64>,
    synced: BTreeMap<OsString, u64>,
}

enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

/// One call that changed names: happens as a whole or not at all.
struct NameChange {
    removed: Vec<(u64, OsString)>,
    added: Vec<(u64, OsString, u64)>,
}

/// What `stat` tells.
pub(super) struct Attributes {
    pub(super) number: u64,
    pub(super) is_folder: bool,
    pub(super) length: u64,
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            nodes: BTreeMap::from([(TOP, Node::Folder(Folder::default()))]),
            next: TOP + 1,
            names: Vec::new(),
            is_cut: false,
            limit: u64::MAX,
            failing_syncs: 0,
            syncs: 0,
            random: SmallRng::seed_from_u64(seed),
        }
    }

    pub(super) const fn cut(&mut self) {
        self.is_cut = true;
    }

    pub(super) const fn limit(&mut self, bytes: u64) {
        self.limit = bytes;
    }

    pub(super) const fn fail_syncs(&mut self, count: u32) {
        self.failing_syncs = count;
    }

    pub(super) const fn syncs(&self) -> u64 {
        self.syncs
    }

    /// Bytes of the files that have a name.
    pub(super) fn used(&self) -> u64 {
        let folders = self.nodes.values().filter_map(|node| match node {
            Node::Folder(folder) => Some(folder),
            Node::File(_) => None,
        });
        let named: BTreeSet<u64> = folders.flat_map(|folder| folder.now.values().copied()).collect();
        let lengths = named.iter().map(|number| match self.nodes.get(number) {
            Some(Node::File(file)) => file.now.len() as u64,
            _ => 0,
        });
        lengths.sum()
    }

    /// Bytes left of a disk of a size, or of the limit where that is less.
    pub(super) fn free(&self, size: u64) -> u64 {
        size.min(self.limit).saturating_sub(self.used())
    }

    /// Decides what survived, and shows nothing else from now on.
    pub(super) fn restore(&mut self) {
        for change in std::mem::take(&mut self.names) {
            if self.random.random_bool(0.5) {
                self.keep_names(&change);
            }
        }
        for node in self.nodes.values_mut() {
            match node {
                Node::Folder(folder) => folder.now.clone_from(&folder.synced),
                Node::File(file) => file.lose_power(&mut self.random),
            }
        }
        self.forget_unreachable();
        self.is_cut = false;
    }

    fn forget_unreachable(&mut self) {
        let mut reachable = BTreeSet::from([TOP]);
        let mut folders = vec![TOP];
        while let Some(number) = folders.pop() {
            if let Some(Node::Folder(folder)) = self.nodes.get(&number) {
                for child in folder.now.values() {
                    if reachable.insert(*child) {
                        folders.push(*child);
                    }
                }
            }
        }
        self.nodes.retain(|number, _| reachable.contains(number));
    }

    fn keep_names(&mut self, change: &NameChange) {
        for (folder, name) in &change.removed {
            if let Some(Node::Folder(folder)) = self.nodes.get_mut(folder) {
                folder.synced.remove(name);
            }
        }
        for (folder, name, number) in &change.added {
            if let Some(Node::Folder(folder)) = self.nodes.get_mut(folder) {
                folder.synced.insert(name.clone(), *number);
            }
        }
    }

    const fn powered(&self) -> Result<(), Errno> {
        if self.is_cut { Err(Errno::IO) } else { Ok(()) }
    }

    pub(super) fn attributes(&self, number: u64) -> Result<Attributes, Errno> {
        self.powered()?;
        match self.nodes.get(&number).ok_or(Errno::NOENT)? {
            Node::File(file) => Ok(Attributes { number, is_folder: false, length: file.now.len() as u64 }),
            Node::Folder(_) => Ok(Attributes { number, is_folder: true, length: 0 }),
        }
    }

    pub(super) fn lookup(&self, folder: u64, name: &OsStr) -> Result<Attributes, Errno> {
        let number = *self.folder(folder)?.now.get(name).ok_or(Errno::NOENT)?;
        self.attributes(number)
    }

    pub(super) fn list(&self, folder: u64) -> Result<Vec<(u64, bool, OsString)>, Errno> {
        let entries = self.folder(folder)?.now.iter().filter_map(|(name, number)| {
            let is_folder = matches!(self.nodes.get(number)?, Node::Folder(_));
            Some((*number, is_folder, name.clone()))
        });
        Ok(entries.collect())
    }

    pub(super) fn create(&mut self, folder: u64, name: &OsStr, is_folder: bool) -> Result<Attributes, Errno> {
        if self.folder(folder)?.now.contains_key(name) {
            return Err(Errno::EXIST);
        }
        let number = self.next;
        self.next += 1;
        let node = if is_folder { Node::Folder(Folder::default()) } else { Node::File(File::default()) };
        self.nodes.insert(number, node);
        self.change_names(NameChange { removed: Vec::new(), added: vec![(folder, name.to_owned(), number)] });
        self.attributes(number)
    }

    pub(super) fn remove(&mut self, folder: u64, name: &OsStr, is_folder: bool) -> Result<(), Errno> {
        let number = *self.folder(folder)?.now.get(name).ok_or(Errno::NOENT)?;
        match self.nodes.get(&number) {
            Some(Node::Folder(inner)) if is_folder && inner.now.is_empty() => {}
            Some(Node::Folder(_)) if is_folder => return Err(Errno::NOTEMPTY),
            Some(Node::Folder(_)) => return Err(Errno::ISDIR),
            _ if is_folder => return Err(Errno::NOTDIR),
            _ => {}
        }
        self.change_names(NameChange { removed: vec![(folder, name.to_owned())], added: Vec::new() });
        Ok(())
    }

    pub(super) fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Result<(), Errno> {
        let number = *self.folder(from.0)?.now.get(from.1).ok_or(Errno::NOENT)?;
        self.folder(to.0)?;
        self.change_names(NameChange {
            removed: vec![(from.0, from.1.to_owned())],
            added: vec![(to.0, to.1.to_owned(), number)],
        });
        Ok(())
    }

    fn change_names(&mut self, change: NameChange) {
        for (folder, name) in &change.removed {
            if let Some(Node::Folder(folder)) = self.nodes.get_mut(folder) {
                folder.now.remove(name);
            }
        }
        for (folder, name, number) in &change.added {
            if let Some(Node::Folder(folder)) = self.nodes.get_mut(folder) {
                folder.now.insert(name.clone(), *number);
            }
        }
        self.names.push(change);
    }

    pub(super) fn read(&self, number: u64, at: u64, length: usize) -> Result<&[u8], Errno> {
        let content = &self.file(number)?.now;
        let start = usize::try_from(at).map_or(content.len(), |at| at.min(content.len()));
        let end = start.saturating_add(length).min(content.len());
        Ok(&content[start..end])
    }

    pub(super) fn write(&mut self, number: u64, at: u64, bytes: &[u8]) -> Result<(), Errno> {
        let at = usize::try_from(at).map_err(|_| Errno::FBIG)?;
        self.reserve(number, at + bytes.len())?;
        self.change(number, Change::Write { at, bytes: bytes.to_vec() })
    }

    pub(super) fn set_length(&mut self, number: u64, length: u64) -> Result<(), Errno> {
        let length = usize::try_from(length).map_err(|_| Errno::FBIG)?;
        self.reserve(number, length)?;
        self.change(number, Change::Length(length))
    }

    /// Space for a file of so many bytes, or `ENOSPC`.
    fn reserve(&self, number: u64, length: usize) -> Result<(), Errno> {
        let more = length.saturating_sub(self.file(number)?.now.len()) as u64;
        if more > 0 && self.limit != u64::MAX && self.used() + more > self.limit {
            return Err(Errno::NOSPC);
        }
        Ok(())
    }

    fn change(&mut self, number: u64, change: Change) -> Result<(), Errno> {
        self.powered()?;
        let Some(Node::File(file)) = self.nodes.get_mut(&number) else { return Err(Errno::NOENT) };
        change.apply(&mut file.now);
        file.unsynced.push(change);
        Ok(())
    }

    pub(super) fn sync(&mut self, number: u64) -> Result<(), Errno> {
        self.powered()?;
        if self.failing_syncs > 0 {
            self.failing_syncs -= 1;
            return Err(Errno::IO);
        }
        self.syncs += 1;
        match self.nodes.get_mut(&number).ok_or(Errno::NOENT)? {
            Node::File(file) => {
                for change in file.unsynced.drain(..) {
                    change.apply(&mut file.synced);
                }
            }
            Node::Folder(_) => {
                let (kept, later) =
                    std::mem::take(&mut self.names).into_iter().partition(|change: &NameChange| {
                        change.removed.iter().any(|(folder, _)| *folder == number)
                            || change.added.iter().any(|(folder, _, _)| *folder == number)
                    });
                self.names = later;
                let kept: Vec<NameChange> = kept;
                for change in &kept {
                    self.keep_names(change);
                }
            }
        }
        Ok(())
    }

    fn folder(&self, number: u64) -> Result<&Folder, Errno> {
        self.powered()?;
        match self.nodes.get(&number).ok_or(Errno::NOENT)? {
            Node::Folder(folder) => Ok(folder),
            Node::File(_) => Err(Errno::NOTDIR),
        }
    }

    fn file(&self, number: u64) -> Result<&File, Errno> {
        self.powered()?;
        match self.nodes.get(&number).ok_or(Errno::NOENT)? {
            Node::File(file) => Ok(file),
            Node::Folder(_) => Err(Errno::ISDIR),
        }
    }
}

impl File {
    /// Of each file the cut keeps nothing unsynced, everything, or any subset.
    fn lose_power(&mut self, random: &mut SmallRng) {
        let odds = [0.0, 0.5, 0.9, 1.0][random.random_range(0..4)];
        for change in self.unsynced.drain(..) {
            if !random.random_bool(odds) {
                continue;
            }
            if random.random_bool(0.25) {
                change.apply_torn(&mut self.synced, random);
            } else {
                change.apply(&mut self.synced);
            }
        }
        self.now.clone_from(&self.synced);
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Length(length) => content.resize(*length, 0),
            Self::Write { at, bytes } => put(content, *at, bytes),
        }
    }

    /// Applies some sectors of a write and leaves the others as they were.
    fn apply_torn(&self, content: &mut Vec<u8>, random: &mut SmallRng) {
        let Self::Write { at, bytes } = self else { return self.apply(content) };
        let mut start = 0;
        while start < bytes.len() {
            let to_sector_end = SECTOR - (at + start) % SECTOR;
            let end = (start + to_sector_end).min(bytes.len());
            if random.random_bool(0.5) {
                put(content, at + start, &bytes[start..end]);
            }
            start = end;
        }
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}
