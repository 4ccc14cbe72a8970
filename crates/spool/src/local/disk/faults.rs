//! What goes wrong with a disk, for tests: it is tiny, it fails, its power is cut.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
};

use crate::local::lock;

#[derive(Debug)]
pub(crate) struct Faults {
    /// Bytes left of a tiny disk; negative: no limit.
    left: AtomicI64,
    pub(crate) writes_fail: AtomicBool,
    pub(crate) syncs_fail: AtomicBool,
    power: Mutex<Power>,
}

/// Writes that no sync has covered yet.
#[derive(Debug, Default)]
struct Power {
    watched: bool,
    off: bool,
    unsynced: Vec<Write>,
}

/// A write, and what was there before.
#[derive(Debug)]
struct Write {
    file: File,
    inode: u64,
    offset: u64,
    before: Vec<u8>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            left: AtomicI64::new(-1),
            writes_fail: AtomicBool::new(false),
            syncs_fail: AtomicBool::new(false),
            power: Mutex::default(),
        }
    }
}

impl Faults {
    pub(crate) fn limit(&self, bytes: i64) {
        self.left.store(bytes, SeqCst);
    }

    pub(crate) fn free(&self) -> Option<u64> {
        u64::try_from(self.left.load(SeqCst)).ok()
    }

    pub(super) fn grow(&self, bytes: u64) -> io::Result<()> {
        if lock(&self.power).off {
            return Err(io::Error::other("the power is off"));
        }
        let bytes = bytes as i64;
        let taken = self.left.fetch_update(SeqCst, SeqCst, |left| match left {
            ..0 => Some(left),
            _ => (left >= bytes).then_some(left - bytes),
        });
        taken.map(drop).map_err(|_| io::ErrorKind::StorageFull.into())
    }

    pub(super) fn shrink(&self, bytes: u64) {
        let _ = self.left.fetch_update(SeqCst, SeqCst, |left| (left >= 0).then_some(left + bytes as i64));
    }

    pub(super) fn write(&self, file: &File, length: usize, offset: u64) -> io::Result<()> {
        if self.writes_fail.load(SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut power = lock(&self.power);
        if power.off {
            return Err(io::Error::other("the power is off"));
        }
        if power.watched {
            let mut before = vec![0; length];
            let read = crate::local::reader::read_up_to(file, &mut before, offset)?;
            before[read..].fill(0);
            let inode = file.metadata()?.ino();
            power.unsynced.push(Write { file: file.try_clone()?, inode, offset, before });
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        if self.syncs_fail.load(SeqCst) { Err(io::Error::other("the disk failed")) } else { Ok(()) }
    }

    pub(super) fn sync_file(&self, file: &File) -> io::Result<()> {
        self.sync()?;
        let inode = file.metadata()?.ino();
        let covered = lock(&self.power).unsynced.len();
        rustix::fs::fdatasync(file)?;
        let mut power = lock(&self.power);
        if power.off {
            return Err(io::Error::other("the power is off"));
        }
        let mut at = 0;
        power.unsynced.retain(|write| {
            at += 1;
            at > covered || write.inode != inode
        });
        Ok(())
    }

    /// Remembers what is written and not synced.
    pub(crate) fn watch_power(&self) {
        lock(&self.power).watched = true;
    }

    /// From now on nothing is written, and no sync succeeds.
    pub(crate) fn cut_power(&self) {
        lock(&self.power).off = true;
    }

    /// Undoes what no sync had covered: each write not at all, whole, or all but its first pages, as
    /// `chance` says.
    pub(crate) fn forget_unsynced(&self, mut chance: impl FnMut() -> u64) -> usize {
        let mut power = lock(&self.power);
        let mut undone = 0;
        for write in power.unsynced.drain(..).rev() {
            let pages = (write.before.len() as u64).div_ceil(4096);
            let kept = match chance() % 4 {
                0 => continue,
                1 => (chance() % pages.max(1)) as usize * 4096,
                _ => 0,
            };
            write.file.write_all_at(&write.before[kept..], write.offset + kept as u64).unwrap();
            undone += 1;
        }
        undone
    }
}
