//! Whose spool it is. Files that another user makes in it, root among them, would keep its daemon out.

use crate::exit::{Exit, fail};
use std::{os::unix::fs::MetadataExt, path::Path};

/// True where the directory of the spool belongs to the user that this process runs as.
///
/// # Errors
/// It cannot be looked at.
pub(crate) fn is_ours(directory: &Path) -> std::io::Result<bool> {
    Ok(std::fs::metadata(directory)?.uid() == rustix::process::geteuid().as_raw())
}

/// Before a spool is changed that no daemon has open.
///
/// # Errors
/// It belongs to another user, or cannot be looked at.
pub(crate) fn ensure_ours(directory: &Path) -> anyhow::Result<()> {
    if is_ours(directory)? {
        return Ok(());
    }
    let directory = directory.display();
    Err(fail(
        Exit::Unavailable,
        format!(
            "the spool in {directory} belongs to another user, and no daemon answers; start the daemon, or run \
             this as that user: `runuser --user dimseway -- ...`"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_another_user_is_told_apart() {
        let ours = tempfile::tempdir().unwrap();
        ensure_ours(ours.path()).unwrap();
        // Of root and of this user, one is another user.
        let others = match is_ours(Path::new("/proc/1")).unwrap() {
            false => Path::new("/proc/1").to_owned(),
            true => {
                std::os::unix::fs::chown(ours.path(), Some(65534), None).unwrap();
                ours.path().to_owned()
            }
        };
        assert_eq!(crate::exit::Failure::exit_of(&ensure_ours(&others).unwrap_err()), Exit::Unavailable);
        assert!(ensure_ours(&ours.path().join("none")).is_err());
    }
}
