//! Room on the disk, asked for before anything is built: a linker that runs out of it says so badly.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::command;

const MIB: u64 = 1024 * 1024;

/// What a cold run leaves in the target folder, in MiB: 3500 were measured with nothing but the builds, and
/// the smoke run of the measurements keeps its archives there too.
const TARGET_MIB: u64 = 6 * 1024;

/// What tests keep at one time in the folder for temporary files, in MiB: a spool of some 100 MiB for each
/// of several daemons, which beside that take no instance with less than 512 MiB free.
const TEMPORARY_MIB: u64 = 2 * 1024;

/// Prints how much room there is; the error says where it is not enough.
pub(crate) fn check(target: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(target)?;
    let present = size(target)? / MIB;
    let temporary = std::env::temp_dir();
    for (folder, wanted) in
        [(target, TARGET_MIB.saturating_sub(present)), (temporary.as_path(), TEMPORARY_MIB)]
    {
        let free = free(folder)?;
        println!("{free} MiB free for {}, {wanted} MiB wanted", folder.display());
        anyhow::ensure!(
            free >= wanted,
            "not enough disk: {} has {free} MiB free, and {wanted} MiB are wanted",
            folder.display()
        );
    }
    Ok(())
}

/// MiB that an ordinary user can still write to the file system of a folder.
fn free(folder: &Path) -> anyhow::Result<u64> {
    let mut df = Command::new("df");
    let text = command::output(df.args(["-P", "-k"]).arg(folder))?;
    let kib =
        available(&text).with_context(|| format!("cannot read what df says of {}", folder.display()))?;
    Ok(kib / 1024)
}

/// The fourth field of the second line, which POSIX fixes for `df -P`: KiB available.
fn available(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// Bytes in the files of a folder.
fn size(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            // Files that a build nearby has just replaced are not counted.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += metadata.len();
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::available;

    #[test]
    fn what_df_says_is_read() {
        let said = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n\
                    /dev/vda         263174212 33554432  62914560      35% /\n";
        assert_eq!(available(said), Some(62_914_560));
        assert_eq!(available("Filesystem 1024-blocks Used Available Capacity Mounted on\n"), None);
    }
}
