//! The file system calls that durability depends on, in one place.

use std::{
    fs::{File, OpenOptions},
    io::{self, IoSlice},
    os::unix::fs::FileExt,
    path::Path,
};

use rustix::fs::{FallocateFlags, FlockOperation};

#[cfg(test)]
pub(crate) use faults::Faults;

/// The disk under a spool. Tests make it fail.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    pub(crate) faults: std::sync::Arc<Faults>,
}

impl Disk {
    /// A new file that must not exist yet.
    pub(crate) fn create(&self, path: &Path) -> io::Result<File> {
        #[cfg(test)]
        self.faults.grow(0)?;
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// A file that exists, for reading and writing.
    pub(crate) fn open(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(path)
    }

    pub(crate) fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(test)]
        self.faults.write(file, bytes.len(), offset)?;
        file.write_all_at(bytes, offset)
    }

    /// Writes `parts` one behind the other, in one call where the system takes them at once.
    pub(crate) fn write_parts_at(&self, file: &File, parts: &[&[u8]], mut offset: u64) -> io::Result<()> {
        #[cfg(test)]
        self.faults.write(file, parts.iter().map(|part| part.len()).sum(), offset)?;
        let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut left = slices.as_mut_slice();
        // Skips parts that are empty.
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match rustix::io::pwritev(file, left, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    offset += written as u64;
                    IoSlice::advance_slices(&mut left, written);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Makes the contents of a file durable, and of its metadata what reading them needs.
    ///
    /// # Errors
    /// Those of the disk; or the file was removed, so that it ends with this process whatever is synced.
    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        if rustix::fs::fstat(file)?.st_nlink == 0 {
            return Err(io::Error::new(io::ErrorKind::NotFound, "a file was removed while it was in use"));
        }
        #[cfg(test)]
        return self.faults.sync_file(file);
        #[cfg(not(test))]
        Ok(rustix::fs::fdatasync(file)?)
    }

    /// Makes the names in a directory durable.
    pub(crate) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        #[cfg(test)]
        self.faults.sync()?;
        File::open(path)?.sync_all()
    }

    /// Reserves bytes of a file without changing its length, where the file system can.
    pub(crate) fn reserve(&self, file: &File, offset: u64, bytes: u64) -> io::Result<()> {
        #[cfg(test)]
        self.faults.grow(bytes)?;
        match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, offset, bytes) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Writes `bytes` zeros from `offset` on.
    pub(crate) fn write_zeros(&self, file: &File, offset: u64, bytes: u64) -> io::Result<()> {
        #[cfg(test)]
        self.faults.grow(bytes)?;
        let zeros = vec![0; 1 << 20];
        let mut at = offset;
        let end = offset + bytes;
        while at < end {
            let step = (end - at).min(zeros.len() as u64);
            file.write_all_at(&zeros[..step as usize], at)?;
            at += step;
        }
        Ok(())
    }

    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        #[cfg(test)]
        if let Ok(metadata) = std::fs::metadata(path) {
            self.faults.shrink(metadata.len());
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Bytes that the file system under `path` has left for us.
    pub(crate) fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        #[cfg(test)]
        if let Some(free) = self.faults.free() {
            return Ok(free);
        }
        let file_system = rustix::fs::statvfs(path)?;
        Ok(file_system.f_bavail.saturating_mul(file_system.f_frsize))
    }

    /// Takes the lock of a file, which the system releases when the process ends; false where another
    /// has it.
    pub(crate) fn lock(&self, file: &File) -> io::Result<bool> {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod faults;
