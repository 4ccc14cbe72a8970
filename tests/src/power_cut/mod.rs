//! A disk whose power can be cut.
//!
//! A small file system in memory, mounted through FUSE. Programs on it see their writes at once, as
//! from a page cache; a cut forgets whatever was not synced, and what it forgets depends on a seed
//! only. It is stricter than the file systems in use, so what survives here survives there:
//! - `fsync` and `fdatasync` of a file keep its content and length, not its name;
//! - `fsync` of a folder keeps the names in it, created, renamed and removed;
//! - of unsynced writes any subset survives, in any order, each whole or torn into sectors;
//! - of unsynced names any subset survives; a rename is one change that happened or did not.
//!
//! `mmap` works (through the kernel's page cache), and so does the shared memory of `SQLite`, in other
//! processes: one that serves a disk must not map files of it.

mod disk;
mod file_system;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use fuser::{BackgroundSession, MountOption};
use tempfile::TempDir;

use crate::skip;
use disk::Disk;

/// A mounted disk; unmounted when dropped.
pub struct PowerCutDisk {
    disk: Arc<Mutex<Disk>>,
    session: Option<BackgroundSession>,
    mount_point: TempDir,
}

impl PowerCutDisk {
    /// Mounts an empty disk. What a cut forgets follows from the seed. Nothing, and a recorded skip,
    /// where no file system can be mounted.
    ///
    /// # Panics
    /// Where no temporary directory can be made.
    #[must_use]
    pub fn mount(seed: u64) -> Option<Self> {
        let mount_point = tempfile::tempdir().expect("a temporary directory");
        let disk = Arc::new(Mutex::new(Disk::new(seed)));
        let mut mounted = Self { disk, session: None, mount_point };
        if let Err(error) = mounted.attach() {
            skip::skip(&format!("no FUSE file system can be mounted: {error}"));
            return None;
        }
        Some(mounted)
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.mount_point.path()
    }

    /// A path on it, relative to its top.
    #[must_use]
    pub fn join(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    /// Cuts the power: from now on every call fails and changes nothing. Programs on the disk have to
    /// be ended before [`Self::restore`].
    pub fn cut(&self) {
        self.disk().cut();
    }

    /// Brings the disk back with what survived.
    ///
    /// # Panics
    /// Where it cannot be mounted again.
    pub fn restore(&mut self) {
        drop(self.session.take());
        self.disk().restore();
        self.attach().expect("a disk that was mounted before");
    }

    /// Takes so many bytes at most from now on, content only; beyond it calls fail with `ENOSPC`.
    pub fn limit(&self, bytes: u64) {
        self.disk().limit(bytes);
    }

    /// Lets so many of the next `fsync` and `fdatasync` calls fail with `EIO`.
    pub fn fail_syncs(&self, count: u32) {
        self.disk().fail_syncs(count);
    }

    /// How many calls have synced a file or a folder.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.disk().syncs()
    }

    /// Bytes of all files, as programs see them.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.disk().used()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().expect("nobody panics while holding it")
    }

    fn attach(&mut self) -> std::io::Result<()> {
        let options = [MountOption::FSName("power-cut".to_owned()), MountOption::DefaultPermissions];
        let file_system = file_system::FileSystem::new(Arc::clone(&self.disk));
        self.session = Some(fuser::spawn_mount2(file_system, self.mount_point.path(), &options)?);
        Ok(())
    }
}

impl Drop for PowerCutDisk {
    fn drop(&mut self) {
        drop(self.session.take());
    }
}
