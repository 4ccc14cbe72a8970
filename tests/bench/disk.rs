//! What the disk under the spool takes to make a write durable.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;

use crate::statistics::Series;

/// File systems that keep nothing (`tmpfs`, `ramfs`), by the numbers of `statfs(2)`.
const IN_MEMORY: &[u64] = &[0x0102_1994, 0x8584_58F6];

/// Fails where a sync would cost nothing.
pub(crate) fn refuse_memory(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let kind = rustix::fs::statfs(folder).with_context(|| folder.display().to_string())?.f_type;
    if u64::try_from(kind).is_ok_and(|kind| IN_MEMORY.contains(&kind)) {
        anyhow::bail!("{} is a file system in memory: a sync there proves nothing", folder.display());
    }
    Ok(())
}

/// Waits until everything that was written to the file system of a folder is on the disk: otherwise that goes
/// on while the next thing is measured.
pub(crate) fn flush(folder: &Path) -> anyhow::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

/// A file whose blocks were all written before, so that a sync writes data and no metadata but times.
pub(crate) struct WrittenFile {
    path: PathBuf,
    file: File,
    block: Vec<u8>,
    blocks: u32,
}

impl WrittenFile {
    /// So many blocks, each as long as one instance.
    pub(crate) fn new(folder: &Path, block: Vec<u8>, blocks: u32) -> anyhow::Result<Self> {
        let path = folder.join("fdatasync");
        let mut file = File::create(&path)?;
        for _ in 0..blocks {
            file.write_all(&block)?;
        }
        file.sync_all()?;
        Ok(Self { path, file, block, blocks })
    }

    /// The median time of `fdatasync` after writing one block over what was there, in seconds.
    pub(crate) fn sync(&mut self) -> anyhow::Result<f64> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut times = Vec::new();
        for _ in 0..self.blocks {
            self.file.write_all(&self.block)?;
            let begun = Instant::now();
            self.file.sync_data()?;
            times.push(begun.elapsed());
        }
        Ok(times.into_iter().collect::<Series>().median())
    }
}

impl Drop for WrittenFile {
    fn drop(&mut self) {
        // It lies in a folder that is thrown away anyway.
        let _ = std::fs::remove_file(&self.path);
    }
}
