//! Files that nobody else can read: they hold secrets.

use std::{
    fs::{OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

/// Read and written by their owner alone.
const MODE: u32 = 0o600;

/// Writes such a file. One that is there already is written over, and shut to others first.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write(path: &Path, content: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(content.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shut_to_others_whether_it_was_there_or_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        write(&path, "a longer one").unwrap();
        assert_eq!(mode(), MODE);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        write(&path, "another").unwrap();
        assert_eq!(mode(), MODE);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "another");
    }
}
